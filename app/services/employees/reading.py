"""One employee as of a day, and everything that was ever recorded about them."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, bindparam, func, literal_column, select, true
from sqlalchemy.sql import ColumnElement

from app.access.actors import Actor
from app.access.employees import can_see, viewer, visible
from app.database import Reader, Row
from app.errors import NotFound
from app.models.employees import (
    Employee,
    EmployeeDiscipline,
    EmployeeEducation,
    EmployeeGolongan,
    EmployeeIdentifier,
    EmployeeProfile,
    EmployeeStatus,
    full_name,
)
from app.models.organisation import PositionVersion, SeatAssignment, UnitVersion
from app.rules import golongan as golongan_rules
from app.schemas.employees import EmployeeHistory, EmployeeRead
from app.services.timeline import begins, ends, holds
from app.vocabulary import AssignmentKind, EducationLevel, Golongan, Role

EMPLOYEE_ID: ColumnElement[UUID] = bindparam("employee_id", type_=Uuid())
HIGHEST_FIRST = (
    func.array_position(
        literal_column(f"ARRAY[{', '.join(repr(str(e)) for e in EducationLevel)}]"),
        EmployeeEducation.level,
    ).desc(),
    EmployeeEducation.graduation_year.desc().nulls_last(),
    EmployeeEducation.id,
)

# What is read of each part, by the names that its schema gives.
PARTS: Mapping[str, Mapping[str, Any]] = {
    "identifier": {
        "kind": EmployeeIdentifier.kind,
        "value": EmployeeIdentifier.value,
        "effective_from": begins(EmployeeIdentifier),
        "effective_until": ends(EmployeeIdentifier),
    },
    "profile": {
        "name": EmployeeProfile.name,
        "title_prefix": EmployeeProfile.title_prefix,
        "title_suffix": EmployeeProfile.title_suffix,
        "email": EmployeeProfile.email,
        "phone": EmployeeProfile.phone,
        "address": EmployeeProfile.address,
        "effective_from": begins(EmployeeProfile),
        "effective_until": ends(EmployeeProfile),
    },
    "status": {
        "status": EmployeeStatus.status,
        "decree_no": EmployeeStatus.decree_no,
        "end_reason": EmployeeStatus.end_reason,
        "effective_from": begins(EmployeeStatus),
        "effective_until": ends(EmployeeStatus),
    },
    "golongan": {
        "golongan": EmployeeGolongan.golongan,
        "decree_no": EmployeeGolongan.decree_no,
        "effective_from": begins(EmployeeGolongan),
        "effective_until": ends(EmployeeGolongan),
    },
    "position": {
        "assignment_id": SeatAssignment.id,
        "kind": SeatAssignment.kind,
        "position_id": SeatAssignment.position_id,
        "title": PositionVersion.title,
        "job_kind": PositionVersion.job_kind,
        "jenjang": PositionVersion.jenjang,
        "unit_id": PositionVersion.unit_id,
        "unit_name": UnitVersion.name,
        "decree_no": SeatAssignment.decree_no,
        "effective_from": begins(SeatAssignment),
        "effective_until": ends(SeatAssignment),
    },
    "education": {
        "id": EmployeeEducation.id,
        "level": EmployeeEducation.level,
        "major": EmployeeEducation.major,
        "institution": EmployeeEducation.institution,
        "graduation_year": EmployeeEducation.graduation_year,
    },
    "discipline": {
        "id": EmployeeDiscipline.id,
        "level": EmployeeDiscipline.level,
        "fact": EmployeeDiscipline.fact,
        "decree_no": EmployeeDiscipline.decree_no,
        "effective_from": begins(EmployeeDiscipline),
        "effective_until": ends(EmployeeDiscipline),
    },
}
HOLDING = ("identifier", "profile", "status", "golongan", "position", "education")
"""The parts of the aggregate, of which at most one holds on a day."""
REQUIRED = {name: next(iter(columns)) for name, columns in PARTS.items()}
"""A column that is never null where the part is there."""
IDENTITY = (
    Employee.id,
    Employee.version,
    Employee.birth_place,
    Employee.birth_date,
    Employee.sex,
    Employee.nik_index.is_not(None).label("nik_recorded"),
)


def _aggregate() -> Select[Any]:
    parts = [
        column.label(f"{name}_{field}")
        for name in HOLDING
        if name != "education"
        for field, column in PARTS[name].items()
    ]
    highest = (
        select(*(column.label(f"education_{f}") for f, column in PARTS["education"].items()))
        .where(EmployeeEducation.employee_id == Employee.id)
        .order_by(*HIGHEST_FIRST)
        .limit(literal_column("1"))
        .lateral("highest")
    )
    source = select(*IDENTITY, *parts, *highest.c).select_from(Employee)
    for model in (EmployeeIdentifier, EmployeeProfile, EmployeeStatus, EmployeeGolongan):
        source = source.outerjoin(model, (model.employee_id == Employee.id) & holds(model))
    seat = (SeatAssignment.kind == literal_column(f"'{AssignmentKind.DEFINITIF}'")) & holds(
        SeatAssignment
    )
    return (
        source.outerjoin(SeatAssignment, (SeatAssignment.employee_id == Employee.id) & seat)
        .outerjoin(
            PositionVersion,
            (PositionVersion.position_id == SeatAssignment.position_id) & holds(PositionVersion),
        )
        .outerjoin(
            UnitVersion, (UnitVersion.unit_id == PositionVersion.unit_id) & holds(UnitVersion)
        )
        .outerjoin(highest, true())
    )


AGGREGATE = _aggregate().where(Employee.id == EMPLOYEE_ID)


@cache
def _aggregates(role: Role) -> Select[Any]:
    ids = bindparam("ids", type_=ARRAY(Uuid()))
    return _aggregate().where(visible(role, Employee.id), Employee.id == func.any(ids))


async def get_employee(
    reader: Reader, actor: Actor, employee_id: UUID, as_of: date
) -> EmployeeRead:
    """The employee as of a day. Errors: NotFound, also where the actor may not see them."""
    row = None
    if can_see(actor, employee_id):
        row = await reader.one(AGGREGATE, employee_id=employee_id, as_of=as_of)
    if row is None:
        raise NotFound
    reader.reveals([employee_id])
    return _employee(row, as_of)


async def read_employees(
    reader: Reader, actor: Actor, ids: Sequence[UUID], as_of: date
) -> list[EmployeeRead]:
    """Those of these employees whom the actor may see, as of a day; in any order."""
    rows = await reader.all(_aggregates(actor.role), ids=ids, as_of=as_of, **viewer(actor))
    reader.reveals([row["id"] for row in rows])
    return [_employee(row, as_of) for row in rows]


def _employee(row: Row, as_of: date) -> EmployeeRead:
    return EmployeeRead.model_validate(
        {
            "as_of": as_of,
            **{name: row[name] for name in IDENTITY_NAMES},
            **{name: _part(row, name) for name in HOLDING},
        }
    )


IDENTITY_NAMES = tuple(column.key for column in IDENTITY)


def _part(row: Row, name: str) -> dict[str, Any] | None:
    if row[f"{name}_{REQUIRED[name]}"] is None:
        return None
    return _completed(name, {field: row[f"{name}_{field}"] for field in PARTS[name]})


def _completed(name: str, part: dict[str, Any]) -> dict[str, Any]:
    """The part with what follows from it."""
    if name == "profile":
        titles = part["title_prefix"], part["title_suffix"]
        part["full_name"] = full_name(part["name"], *titles)
    elif name == "golongan":
        rank = golongan_rules.pangkat(Golongan(part["golongan"]), part["effective_from"])
        part["pangkat"] = rank.value if rank else None
    return part


HISTORY = {
    "identifiers": "identifier",
    "profiles": "profile",
    "statuses": "status",
    "golongan": "golongan",
    "positions": "position",
    "educations": "education",
    "disciplines": "discipline",
}
MODELS = {
    "identifier": EmployeeIdentifier,
    "profile": EmployeeProfile,
    "status": EmployeeStatus,
    "golongan": EmployeeGolongan,
    "education": EmployeeEducation,
    "discipline": EmployeeDiscipline,
}
VERSION = select(Employee.version).where(Employee.id == EMPLOYEE_ID)


@cache
def _every(part: str) -> Select[Any]:
    """Every fact of one kind about an employee, oldest first."""
    columns = [column.label(field) for field, column in PARTS[part].items()]
    if part == "position":
        first_day = begins(SeatAssignment)
        return (
            select(*columns)
            .select_from(SeatAssignment)
            .outerjoin(
                PositionVersion,
                (PositionVersion.position_id == SeatAssignment.position_id)
                & holds(PositionVersion, first_day),
            )
            .outerjoin(
                UnitVersion,
                (UnitVersion.unit_id == PositionVersion.unit_id) & holds(UnitVersion, first_day),
            )
            .where(SeatAssignment.employee_id == EMPLOYEE_ID)
            .order_by(first_day, SeatAssignment.id)
        )
    model: Any = MODELS[part]
    order: Sequence[Any] = (
        (model.graduation_year.nulls_first(), model.id)
        if part == "education"
        else (begins(model), model.id)
    )
    return select(*columns).where(model.employee_id == EMPLOYEE_ID).order_by(*order)


async def get_history(reader: Reader, actor: Actor, employee_id: UUID) -> EmployeeHistory:
    """Every dated fact about the employee. Errors: NotFound."""
    version = None
    if can_see(actor, employee_id):
        version = await reader.value(VERSION, employee_id=employee_id)
    if version is None:
        raise NotFound
    reader.reveals([employee_id])
    facts = {
        name: [
            _completed(part, dict(row))
            for row in await reader.all(_every(part), employee_id=employee_id)
        ]
        for name, part in HISTORY.items()
    }
    return EmployeeHistory.model_validate({"id": employee_id, "version": version, **facts})
