"""Units as the API shows and takes them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.base import Code, Day, Line, Page, PageQuery, Schema, example
from app.schemas.seats import SeatNumbers
from app.vocabulary import SuccessionKind, UnitKind

DINAS = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90"
ROOT = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b01"

EffectiveFrom = Annotated[Day, Field(description="The first day on which it holds.")]


class UnitCreate(Schema):
    """A new unit."""

    model_config = example(
        {
            "code": "DISDIK",
            "name": "Dinas Pendidikan",
            "kind": "dinas",
            "parent_id": ROOT,
            "effective_from": "2026-01-01",
        }
    )

    code: Annotated[Code, Field(description="Kept for life.")]
    name: Line
    kind: UnitKind
    parent_id: Annotated[
        UUID | None, Field(description="Left out for the root, of which there is one.")
    ] = None
    effective_from: EffectiveFrom


class UnitUpdate(Schema):
    """What changes from a day on; what is left out stays."""

    model_config = example(
        {"name": "Dinas Pendidikan dan Kebudayaan", "effective_from": "2026-07-01"}
    )

    name: Line | None = None
    kind: UnitKind | None = None
    effective_from: EffectiveFrom

    @model_validator(mode="after")
    def _changes_something(self) -> "UnitUpdate":
        if self.name is None and self.kind is None:
            raise nothing_to_change()
        return self


def nothing_to_change() -> PydanticCustomError:
    """The error of a change that names nothing but its day."""
    return PydanticCustomError(
        "nothing_to_change",
        "Names nothing that changes.",
        {"indonesian": "Tidak menyebut apa pun yang berubah."},
    )


class UnitMove(Schema):
    """A new place in the tree."""

    model_config = example({"parent_id": ROOT, "effective_from": "2026-07-01"})

    parent_id: UUID
    effective_from: EffectiveFrom


class UnitMerge(Schema):
    """The unit that takes over."""

    model_config = example(
        {
            "into_unit_id": DINAS,
            "effective_from": "2027-01-01",
            "legal_basis": "Perda Nomor 4 Tahun 2026",
        }
    )

    into_unit_id: UUID
    effective_from: Annotated[Day, Field(description="The first day without the merged unit.")]
    legal_basis: Line | None = None


class UnitClose(Schema):
    """The day from which the unit is no more."""

    model_config = example({"effective_from": "2027-01-01"})

    effective_from: Annotated[Day, Field(description="The first day without the unit.")]


UNIT = {
    "id": DINAS,
    "code": "DISDIK",
    "name": "Dinas Pendidikan",
    "kind": "dinas",
    "parent_id": ROOT,
    "effective_from": "2026-01-01",
    "effective_until": None,
    "version": 1,
}


class UnitRead(Schema):
    """A unit on one day. The days are those over which these facts hold."""

    model_config = example(UNIT)

    id: UUID
    code: str
    name: str
    kind: UnitKind
    parent_id: UUID | None
    effective_from: date
    effective_until: date | None
    version: int


class UnitPage(Page):
    """One page of units, by code."""

    model_config = example({"items": [UNIT], "next_cursor": None, "total": None})

    items: list[UnitRead]


class UnitQuery(PageQuery):
    """Filters of the list of units."""

    as_of: Annotated[
        Day | None, Field(description="Show the state on this day; today when left out.")
    ] = None
    kind: UnitKind | None = Field(default=None, description="Of this kind only.")
    parent_id: UUID | None = Field(default=None, description="Right below this unit only.")
    q: Annotated[Line | None, Field(description="Part of the name or the code.")] = None


NUMBERS = {"seats": 12, "filled": 10, "vacant": 3, "over_filled": 1}


class UnitNode(Schema):
    """A unit in its tree, with the seats of its own and of all below it."""

    id: UUID
    code: str
    name: str
    kind: UnitKind
    parent_id: UUID | None
    depth: Annotated[int, Field(description="0 for the tree's top.")]
    path: Annotated[list[str], Field(description="Codes from the top down to the unit.")]
    own: SeatNumbers
    subtree: SeatNumbers


class UnitTree(Schema):
    """The tree on one day, flat: every unit stands after its parent, before its siblings."""

    model_config = example(
        {
            "as_of": "2026-11-24",
            "items": [
                {
                    "id": ROOT,
                    "code": "KAB",
                    "name": "Pemerintah Kabupaten Kemuning",
                    "kind": "pemerintah_daerah",
                    "parent_id": None,
                    "depth": 0,
                    "path": ["KAB"],
                    "own": {"seats": 0, "filled": 0, "vacant": 0, "over_filled": 0},
                    "subtree": NUMBERS,
                },
                {
                    "id": DINAS,
                    "code": "DISDIK",
                    "name": "Dinas Pendidikan",
                    "kind": "dinas",
                    "parent_id": ROOT,
                    "depth": 1,
                    "path": ["KAB", "DISDIK"],
                    "own": NUMBERS,
                    "subtree": NUMBERS,
                },
            ],
        }
    )

    as_of: date
    items: list[UnitNode]


class UnitVersionRead(Schema):
    """What held of a unit over some days."""

    name: str
    kind: UnitKind
    parent_id: UUID | None
    effective_from: date
    effective_until: date | None


class SuccessionRead(Schema):
    """One unit passed into another."""

    kind: SuccessionKind
    from_unit_id: UUID
    from_unit_code: str
    to_unit_id: UUID
    to_unit_code: str
    on_date: Annotated[date, Field(description="The first day of the successor.")]
    legal_basis: str | None


SUCCESSION = {
    "kind": "merger",
    "from_unit_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b77",
    "from_unit_code": "DISBUD",
    "to_unit_id": DINAS,
    "to_unit_code": "DISDIK",
    "on_date": "2027-01-01",
    "legal_basis": "Perda Nomor 4 Tahun 2026",
}


class UnitHistory(Schema):
    """Everything that held of a unit, newest first, and the units before and after it."""

    model_config = example(
        {
            "id": DINAS,
            "code": "DISDIK",
            "versions": [
                {
                    "name": "Dinas Pendidikan",
                    "kind": "dinas",
                    "parent_id": ROOT,
                    "effective_from": "2026-01-01",
                    "effective_until": None,
                }
            ],
            "successions": [SUCCESSION],
        }
    )

    id: UUID
    code: str
    versions: list[UnitVersionRead]
    successions: list[SuccessionRead]


class UnitMerged(Schema):
    """What a merger did."""

    model_config = example({"succession": SUCCESSION, "units_passed": 4, "positions_passed": 31})

    succession: SuccessionRead
    units_passed: Annotated[int, Field(description="Child units that the successor took over.")]
    positions_passed: int
