"""The competency dictionary as the API shows and takes it."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.base import Day, Line, Page, PageQuery, Schema, Text, example, page_example
from app.schemas.units import EffectiveFrom, nothing_to_change
from app.vocabulary import CompetencyKind

SnakeCase = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=64)
]
"""Small letters and digits, words joined by underscores."""
CompetencyCode = Annotated[SnakeCase, Field(description="Kept for life.")]
JobFamily = Annotated[SnakeCase, Field(description="Rumpun jabatan, such as `kesehatan`.")]
Source = Annotated[Line, Field(description="The regulation or decree that the text goes by.")]

COMPETENCY = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2c01"
LEVEL = {
    "level": 1,
    "name": "Paham",
    "description": "Menata berkas sesuai petunjuk yang diterimanya.",
    "indicators": ["Memberi nomor setiap berkas menurut kode klasifikasi"],
}
LEVELS = [
    {**LEVEL, "level": number, "name": name}
    for number, name in enumerate(("Paham", "Dasar", "Menengah", "Mumpuni", "Ahli"), start=1)
]


class CompetencyLevel(Schema):
    """One of the five levels of a competency, by behaviour that can be seen."""

    model_config = example(LEVEL)

    level: Annotated[int, Field(ge=1, le=5)]
    name: Line
    description: Text
    indicators: Annotated[
        list[Text],
        Field(min_length=1, max_length=20, description="Behaviour that shows the level."),
    ]


def _in_order(levels: list[CompetencyLevel]) -> list[CompetencyLevel]:
    if [level.level for level in levels] != [1, 2, 3, 4, 5]:
        raise PydanticCustomError(
            "levels_in_order",
            "The five levels come in order, from 1 to 5.",
            {"indonesian": "Kelima level disebut berurutan dari 1 sampai 5."},
        )
    return levels


Levels = Annotated[
    list[CompetencyLevel],
    Field(min_length=5, max_length=5, description="The five levels, from 1 to 5."),
    AfterValidator(_in_order),
]


class CompetencyCreate(Schema):
    """A new technical competency with its first text."""

    model_config = example(
        {
            "code": "penataan_arsip_vital",
            "job_family": "kearsipan",
            "name": "Penataan Arsip Vital",
            "definition": "Menjaga arsip yang menentukan hak warga dan daerah.",
            "levels": LEVELS,
            "source": "Keputusan Bupati Kemuning 12/2026",
            "effective_from": "2026-01-01",
        }
    )

    code: CompetencyCode
    job_family: JobFamily
    name: Line
    definition: Text
    levels: Levels
    source: Source
    effective_from: EffectiveFrom


class CompetencyUpdate(Schema):
    """Another text from a day on; what is left out stays."""

    model_config = example(
        {
            "name": "Penataan dan Penyelamatan Arsip Vital",
            "source": "Keputusan Bupati Kemuning 3/2027",
            "effective_from": "2027-01-01",
        }
    )

    name: Line | None = None
    definition: Text | None = None
    levels: Levels | None = None
    source: Source
    effective_from: EffectiveFrom

    @model_validator(mode="after")
    def _changes_something(self) -> "CompetencyUpdate":
        if self.name is None and self.definition is None and self.levels is None:
            raise nothing_to_change()
        return self


class CompetencyClose(Schema):
    """The day from which nobody is measured by it any more."""

    model_config = example({"effective_from": "2027-01-01"})

    effective_from: Annotated[Day, Field(description="The first day without the competency.")]


ITEM = {
    "id": COMPETENCY,
    "code": "penataan_arsip_vital",
    "kind": "technical",
    "job_family": "kearsipan",
    "ordinal": 35,
    "competency_version_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2c02",
    "name": "Penataan Arsip Vital",
    "definition": "Menjaga arsip yang menentukan hak warga dan daerah.",
    "source": "Keputusan Bupati Kemuning 12/2026",
    "effective_from": "2026-01-01",
    "effective_until": None,
    "version": 1,
}
TEXT_FIELDS = (
    "competency_version_id",
    "name",
    "definition",
    "source",
    "effective_from",
    "effective_until",
)


class CompetencyItem(Schema):
    """A competency on one day. The days are those over which its text holds."""

    model_config = example(ITEM)

    id: UUID
    code: str
    kind: CompetencyKind
    job_family: Annotated[str | None, Field(description="Of a technical competency only.")]
    ordinal: Annotated[int, Field(description="Its place in the dictionary, kept for life.")]
    competency_version_id: Annotated[
        UUID, Field(description="The text itself, which results name.")
    ]
    name: str
    definition: str
    source: str
    effective_from: date
    effective_until: date | None
    version: int


class CompetencyRead(CompetencyItem):
    """A competency with its five levels."""

    model_config = example({**ITEM, "levels": LEVELS})

    levels: list[CompetencyLevel]


class CompetencyPage(Page):
    """One page of the dictionary, in its order."""

    model_config = page_example(CompetencyItem)

    items: list[CompetencyItem]


class CompetencyQuery(PageQuery):
    """Filters of the dictionary."""

    as_of: Annotated[
        Day | None, Field(description="Show the dictionary of this day; today when left out.")
    ] = None
    kind: CompetencyKind | None = None
    job_family: Annotated[Line | None, Field(description="Technical ones of this family.")] = None
    q: Annotated[Line | None, Field(description="Part of the name, code or definition.")] = None


class CompetencyVersionRead(Schema):
    """A text of a competency, with the days over which it holds."""

    competency_version_id: UUID
    name: str
    definition: str
    levels: list[CompetencyLevel]
    source: str
    effective_from: date
    effective_until: date | None


class CompetencyTexts(Schema):
    """Every text of a competency, newest first."""

    model_config = example(
        {
            "id": COMPETENCY,
            "code": "penataan_arsip_vital",
            "kind": "technical",
            "job_family": "kearsipan",
            "ordinal": 35,
            "versions": [{**{name: ITEM[name] for name in TEXT_FIELDS}, "levels": LEVELS}],
        }
    )

    id: UUID
    code: str
    kind: CompetencyKind
    job_family: str | None
    ordinal: int
    versions: list[CompetencyVersionRead]
