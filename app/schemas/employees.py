"""Employees: what is sent in, and the whole aggregate as of a day."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from app.rules.identifiers import IdentifierInvalid, identify
from app.schemas.base import Day, Line, Page, PageQuery, Schema, Text, example
from app.vocabulary import (
    AssignmentKind,
    DisciplineLevel,
    EducationLevel,
    EmploymentStatus,
    Golongan,
    IdentifierKind,
    Jenjang,
    JobKind,
    Sex,
    StatusEndReason,
)

ServiceDay = Annotated[Day, Field(ge=date(1945, 8, 17))]
"""A day on which something begins or ends in the civil service of the Republic."""
Name = Annotated[Line, AfterValidator(lambda name: " ".join(name.split()))]
"""A person's name without titles, one space between its words."""
Title = Annotated[Line, StringConstraints(max_length=60)]
Email = Annotated[Line, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 ()-]{4,24}$")]
Nik = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{16}$"),
    Field(description="Nomor induk kependudukan. Stored sealed; no answer but one shows it."),
]


def _checked_identifier(text: str) -> str:
    """The structure must hold (Perka BKN 22/2007); whether it fits the biodata only warns."""
    try:
        return identify(text).value
    except IdentifierInvalid as wrong:
        raise PydanticCustomError(
            f"identifier_{wrong.code}",
            wrong.detail_en,
            {"indonesian": wrong.detail_id},
        ) from None


IdentifierText = Annotated[
    str,
    AfterValidator(_checked_identifier),
    Field(description="NIP or NI PPPK: 18 digits, checked by structure.", max_length=100),
]

PROFILE = {
    "name": "Siti Aminah",
    "title_prefix": "Dra.",
    "title_suffix": "M.Si.",
    "email": "siti.aminah@contoh.go.id",
    "phone": "+62 812 0000 0000",
    "address": "Jl. Kemuning No. 1",
}
STATUS = {"status": "pns", "effective_from": "2011-01-01", "decree_no": "821/12/2011"}
GOLONGAN = {"golongan": "III/d", "effective_from": "2022-04-01", "decree_no": "823.3/7/2022"}
EDUCATION = {
    "level": "s2",
    "major": "Administrasi Publik",
    "institution": "Universitas Contoh",
    "graduation_year": 2009,
}
DISCIPLINE = {
    "level": "ringan",
    "fact": "Terlambat masuk kerja tanpa alasan yang sah.",
    "decree_no": "862/3/2024",
    "effective_from": "2024-03-01",
    "effective_until": "2024-09-01",
}


class Profile(Schema):
    """Name, titles and contact."""

    name: Annotated[Name, Field(description="Without titles.")]
    title_prefix: Title | None = None
    title_suffix: Title | None = None
    email: Email | None = None
    phone: Phone | None = None
    address: Text | None = None


class StatusStart(Schema):
    """The kind of employment that begins on a day."""

    status: EmploymentStatus
    effective_from: ServiceDay
    decree_no: Line | None = None


class GolonganStart(Schema):
    """The golongan that begins on a day; it must be one that the status may hold."""

    golongan: Golongan
    effective_from: ServiceDay
    decree_no: Line | None = None


class EducationCreate(Schema):
    """A completed education."""

    model_config = example(EDUCATION)

    level: EducationLevel
    major: Line | None = None
    institution: Line | None = None
    graduation_year: Annotated[int, Field(ge=1940, le=2200)] | None = None


class EmployeeCreate(Schema):
    """A civil servant who enters the registry."""

    model_config = example(
        {
            "identifier": "198501152010012001",
            "birth_place": "Magelang",
            "birth_date": "1985-01-15",
            "sex": "female",
            "nik": "3308015501850001",
            "profile": PROFILE,
            "status": STATUS,
            "golongan": GOLONGAN,
            "educations": [EDUCATION],
        }
    )

    identifier: IdentifierText
    birth_place: Line | None = None
    birth_date: Day
    sex: Sex
    nik: Nik | None = None
    profile: Profile
    status: StatusStart
    golongan: GolonganStart | None = None
    educations: list[EducationCreate] = Field(default_factory=list, max_length=50)


class EmployeeUpdate(Schema):
    """What changes only because it was wrong. Fields that are left out stay as they are."""

    model_config = example({"birth_place": "Kota Magelang"})

    birth_place: Line | None = None
    birth_date: Day | None = None
    sex: Sex | None = None
    nik: Annotated[Nik | None, Field(description="Null removes the NIK.")] = None

    @field_validator("birth_date", "sex")
    @classmethod
    def _never_empty(cls, value: date | Sex | None) -> date | Sex | None:
        """Runs where the field was sent, not for its default."""
        if value is None:
            raise PydanticCustomError(
                "never_empty", "Can't be emptied.", {"indonesian": "Tidak boleh dikosongkan."}
            )
        return value


class ProfileChange(Profile):
    """The whole profile from a day on. The day on which the present one began corrects it."""

    model_config = example({**PROFILE, "effective_from": "2026-12-01"})

    effective_from: ServiceDay


class IdentifierChange(Schema):
    """The NIP or NI PPPK from a day on."""

    model_config = example({"identifier": "198501152026211001", "effective_from": "2026-12-01"})

    identifier: IdentifierText
    effective_from: ServiceDay


class StatusChange(StatusStart):
    """The status from a day on; with it the golongan and identifier that it brings, if any."""

    model_config = example({**STATUS, "golongan": "III/a"})

    golongan: Golongan | None = None
    identifier: IdentifierText | None = None


class GolonganChange(GolonganStart):
    """The golongan from a day on."""

    model_config = example(GOLONGAN)


class SeparationCreate(Schema):
    """The end of employment."""

    model_config = example({"effective_from": "2026-12-01", "reason": "pensiun"})

    effective_from: Annotated[
        ServiceDay, Field(description="The first day on which the person is no longer employed.")
    ]
    reason: StatusEndReason


class DisciplineCreate(Schema):
    """A hukuman disiplin over the days on which it is served (PP 94/2021)."""

    model_config = example(DISCIPLINE)

    level: DisciplineLevel
    fact: Text
    decree_no: Line | None = None
    effective_from: ServiceDay
    effective_until: ServiceDay | None = Field(
        default=None, description="The first day on which it no longer holds; null while open."
    )

    @field_validator("effective_until")
    @classmethod
    def _in_order(cls, until: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("effective_from")
        if until is not None and start is not None and until <= start:
            raise PydanticCustomError(
                "ends_before_it_begins",
                "Must come after effective_from.",
                {"indonesian": "Harus sesudah effective_from."},
            )
        return until


# --- what comes out ---------------------------------------------------------------------------


class Warned(Schema):
    """Something that looks wrong but may be lawful: it never rejects."""

    pointer: str = Field(description="JSON pointer into the employee.")
    code: Literal["birth_date_differs", "sex_differs"]
    detail: str


class IdentifierRead(Schema):
    """A NIP or NI PPPK over some days."""

    kind: IdentifierKind
    value: str
    effective_from: date
    effective_until: date | None


class StatusRead(Schema):
    """A kind of employment over some days; `end_reason` says why it ended for good."""

    status: EmploymentStatus
    decree_no: str | None
    end_reason: StatusEndReason | None
    effective_from: date
    effective_until: date | None


class GolonganRead(Schema):
    """A golongan over some days, and the pangkat that it carries (PPPK have none)."""

    golongan: Golongan
    pangkat: str | None
    decree_no: str | None
    effective_from: date
    effective_until: date | None


class PositionHeld(Schema):
    """A seat held over some days; title and unit as they are on the day that is asked for."""

    assignment_id: UUID
    kind: AssignmentKind
    position_id: UUID
    title: str | None
    job_kind: JobKind | None
    jenjang: Jenjang | None
    unit_id: UUID | None
    unit_name: str | None
    decree_no: str | None
    effective_from: date
    effective_until: date | None


class EducationRead(Schema):
    """A completed education."""

    model_config = example({"id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b93", **EDUCATION})

    id: UUID
    level: EducationLevel
    major: str | None
    institution: str | None
    graduation_year: int | None


class DisciplineRead(Schema):
    """A hukuman disiplin over the days on which it is served."""

    model_config = example({"id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b94", **DISCIPLINE})

    id: UUID
    level: DisciplineLevel
    fact: str
    decree_no: str | None
    effective_from: date
    effective_until: date | None


class ProfileRead(Schema):
    """Name, titles and contact over some days."""

    name: str
    title_prefix: str | None
    title_suffix: str | None
    full_name: str
    email: str | None
    phone: str | None
    address: str | None
    effective_from: date
    effective_until: date | None


_DAYS = {"effective_from": "2011-01-01", "effective_until": None}
_EMPLOYEE = {
    "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
    "version": 3,
    "as_of": "2026-11-24",
    "birth_place": "Magelang",
    "birth_date": "1985-01-15",
    "sex": "female",
    "nik_recorded": True,
    "identifier": {"kind": "nip", "value": "198501152010012001", **_DAYS},
    "profile": {**PROFILE, "full_name": "Dra. Siti Aminah, M.Si.", **_DAYS},
    "status": {**STATUS, "end_reason": None, **_DAYS},
    "golongan": {**GOLONGAN, "pangkat": "Penata Tingkat I", "effective_until": None},
    "position": {
        "assignment_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b91",
        "kind": "definitif",
        "position_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b92",
        "title": "Analis Kepegawaian",
        "job_kind": "fungsional",
        "jenjang": "ahli_muda",
        "unit_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b93",
        "unit_name": "Badan Kepegawaian",
        "decree_no": None,
        **_DAYS,
    },
    "education": {"id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b94", **EDUCATION},
}


class EmployeeRead(Schema):
    """The whole aggregate as of a day. A part is null where nothing holds on that day."""

    model_config = example(_EMPLOYEE)

    id: UUID
    version: int
    as_of: date
    birth_place: str | None
    birth_date: date
    sex: Sex
    nik_recorded: bool = Field(
        description="Whether a NIK is on record. The number is shown by its own operation only."
    )
    identifier: IdentifierRead | None
    profile: ProfileRead | None
    status: StatusRead | None = Field(description="Null before employment and after it ended.")
    golongan: GolonganRead | None
    position: PositionHeld | None = Field(description="The seat held for good (definitif).")
    education: EducationRead | None = Field(description="The highest one.")


class EmployeeWritten(EmployeeRead):
    """The aggregate after a change, on the day from which the change holds."""

    model_config = example({**_EMPLOYEE, "warnings": []})

    warnings: list[Warned] = Field(description="Where the identifier disagrees with the biodata.")


class EmployeeHistory(Schema):
    """Every dated fact about an employee, oldest first, with what is still to come."""

    model_config = example(
        {
            "id": _EMPLOYEE["id"],
            "version": 3,
            "identifiers": [_EMPLOYEE["identifier"]],
            "profiles": [_EMPLOYEE["profile"]],
            "statuses": [_EMPLOYEE["status"]],
            "golongan": [_EMPLOYEE["golongan"]],
            "positions": [_EMPLOYEE["position"]],
            "educations": [_EMPLOYEE["education"]],
            "disciplines": [],
        }
    )

    id: UUID
    version: int
    identifiers: list[IdentifierRead]
    profiles: list[ProfileRead]
    statuses: list[StatusRead]
    golongan: list[GolonganRead]
    positions: list[PositionHeld]
    educations: list[EducationRead]
    disciplines: list[DisciplineRead]


class NikReveal(Schema):
    """Why the NIK is looked at; kept in the audit log, and shown to the person."""

    model_config = example({"purpose": "Pencocokan data dengan Dukcapil"})

    purpose: Annotated[Line, StringConstraints(min_length=5)]


class NikRead(Schema):
    """The NIK in full."""

    model_config = example({"nik": "3308015501850001"})

    nik: str


# --- lists ------------------------------------------------------------------------------------

Sort = Literal["name", "-name", "birth_date", "-birth_date"]


class EmployeeQuery(PageQuery):
    """What narrows the list of employees; filters of several values take any of them."""

    q: Annotated[
        Annotated[Line, StringConstraints(min_length=3, max_length=100)] | None,
        Field(description="Parts of the name, or of the identifier where it is digits only."),
    ] = None
    as_of: Annotated[
        Day | None, Field(description="Show the state on this day; today when left out.")
    ] = None
    unit_id: UUID | None = Field(default=None, description="Whose seat is in this unit.")
    include_subtree: Annotated[bool, Field(description="Also the units below `unit_id`.")] = True
    status: list[EmploymentStatus] = Field(
        default_factory=list, max_length=40, description="Of one of these kinds of employment."
    )
    golongan: list[Golongan] = Field(
        default_factory=list, max_length=40, description="In one of these golongan."
    )
    job_kind: list[JobKind] = Field(
        default_factory=list, max_length=40, description="In a seat of one of these kinds."
    )
    jenjang: list[Jenjang] = Field(
        default_factory=list, max_length=40, description="In a fungsional seat of one of these."
    )
    education_level: list[EducationLevel] = Field(
        default_factory=list, max_length=40, description="Of the highest education."
    )
    sex: Sex | None = Field(default=None, description="Of this sex only.")
    without_position: Annotated[bool, Field(description="Only who holds no seat for good.")] = False
    include_separated: Annotated[
        bool, Field(description="Also who is not employed on that day.")
    ] = False
    sort: Sort = Field(default="name", description="With a minus the other way round.")


class EmployeeRow(Schema):
    """One line of the list: enough to recognise a person and their place, no more."""

    model_config = ConfigDict(use_enum_values=True)  # written in half the time

    id: UUID
    identifier: str | None
    full_name: str
    birth_date: date
    status: EmploymentStatus | None
    golongan: Golongan | None
    position_title: str | None
    job_kind: JobKind | None
    unit_id: UUID | None
    unit_name: str | None


class EmployeePage(Page):
    """One page of employees."""

    model_config = example(
        {
            "items": [
                {
                    "id": _EMPLOYEE["id"],
                    "identifier": "198501152010012001",
                    "full_name": "Dra. Siti Aminah, M.Si.",
                    "birth_date": "1985-01-15",
                    "status": "pns",
                    "golongan": "III/d",
                    "position_title": "Analis Kepegawaian",
                    "job_kind": "fungsional",
                    "unit_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b93",
                    "unit_name": "Badan Kepegawaian",
                }
            ],
            "next_cursor": None,
            "total": None,
        }
    )

    items: list[EmployeeRow]
