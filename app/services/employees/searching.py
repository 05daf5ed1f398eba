"""The list of employees: filtered, searched, sorted and paged, as of a day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from sqlalchemy import text

from app.access.actors import Actor
from app.access.employees import viewer
from app.calendar import today
from app.database import Reader, Row
from app.models.employees import full_name
from app.names import sorting_form
from app.pagination import decode_cursor, encode_cursor
from app.rules import pack
from app.schemas.employees import EmployeePage, EmployeeQuery, EmployeeRow
from app.services.employees.search_statements import BELOW, Shape, collection, count, walk
from app.services.timeline import AS_OF

PLAN_FOR_VALUES = text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
SHOWN = [name for name in EmployeeRow.model_fields if name != "full_name"]
WHOLE_IDENTIFIER = pack("nip", date.max).integer("length")


async def list_employees(reader: Reader, actor: Actor, query: EmployeeQuery) -> EmployeePage:
    """One page of the employees who match, as of a day. Errors: InvalidCursor."""
    values = await _filters(reader, query) | _search(query)
    shape = Shape(
        role=actor.role,
        by_name=query.sort.endswith("name"),
        descending=query.sort.startswith("-"),
        filters=frozenset(values),
    )
    values |= {AS_OF.key: query.as_of or today(), **viewer(actor)}
    total = await _total(reader, shape, values) if query.include_total else None
    if query.cursor:
        kinds = (str if shape.by_name else date, UUID)
        key, last_id = decode_cursor(query.cursor, _order(query), kinds)
        shape = replace(shape, after=True)
        values |= {"after_key": key, "after_id": last_id}
    rows = await _page(reader, shape, query.limit + 1, values)
    shown = rows[: query.limit]
    reader.reveals([row["id"] for row in shown])
    more = len(rows) > query.limit
    return EmployeePage.model_validate(
        {
            "items": [_row(row) for row in shown],
            "next_cursor": _cursor(query, shown[-1]) if more else None,
            "total": total,
        }
    )


async def _filters(reader: Reader, query: EmployeeQuery) -> dict[str, object]:
    """The values of the filters that were given, by the filter's name."""
    lists = ("status", "golongan", "job_kind", "jenjang", "education_level")
    values: dict[str, object] = {
        name: [word.value for word in getattr(query, name)]
        for name in lists
        if getattr(query, name)
    }
    if query.sex:
        values["sex"] = query.sex.value
    if query.without_position:
        values["without_position"] = True
    if not query.include_separated:
        values["employed"] = True
    if query.unit_id is not None:
        values["unit_ids"] = await _units(reader, query, query.unit_id)
    return values


async def _units(reader: Reader, query: EmployeeQuery, unit_id: UUID) -> list[UUID]:
    if not query.include_subtree:
        return [unit_id]
    rows = await reader.all(BELOW, unit_id=unit_id, as_of=query.as_of or today())
    return [row["id"] for row in rows]


def _search(query: EmployeeQuery) -> dict[str, object]:
    """Digits search the identifier, anything else the name, every word of it."""
    if query.q is None:
        return {}
    digits = query.q.replace(" ", "")
    if digits.isascii() and digits.isdigit():
        if len(digits) == WHOLE_IDENTIFIER:
            return {"identifier": True, "pattern": digits}
        return {"identifier_part": True, "pattern": f"%{digits}%"}
    patterns = [f"%{_escaped(word)}%" for word in sorting_form(query.q).split()] or ["%"]
    return {"name": True, "pattern": max(patterns, key=len), "patterns": patterns}


def _escaped(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, f"\\{special}")
    return word


async def _total(reader: Reader, shape: Shape, values: dict[str, object]) -> int:
    await reader.value(PLAN_FOR_VALUES)
    return int(await reader.value(count(shape), **values))


RARE = frozenset({"identifier", "identifier_part", "name", "without_position"})
"""Filters that few match: a walk would mostly be in vain."""
COMMON_LETTERS = 4
"""A text of so few letters is found in many names and identifiers."""


def _walks(shape: Shape, values: dict[str, object]) -> bool:
    searched = str(values.get("pattern", "")).strip("%")
    return not shape.filters & RARE or 0 < len(searched) <= COMMON_LETTERS


async def _page(
    reader: Reader, shape: Shape, rows: int, values: dict[str, object]
) -> Sequence[Row]:
    values = {**values, "rows": rows}
    if _walks(shape, values):
        found = await reader.all(walk(shape), **values)
        if len(found) == rows:
            return found
    await reader.value(PLAN_FOR_VALUES)
    return await reader.all(collection(shape), **values)


def _row(row: Row) -> dict[str, object]:
    shown: dict[str, object] = {name: row[name] for name in SHOWN}
    shown["full_name"] = full_name(row["name"], row["title_prefix"], row["title_suffix"])
    return shown


def _order(query: EmployeeQuery) -> str:
    return f"employees:{query.sort}"


def _cursor(query: EmployeeQuery, last: Row) -> str:
    return encode_cursor(_order(query), [last["sort_key"], last["id"]])
