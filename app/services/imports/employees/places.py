"""Which unit and position a row means: by code or name, never by a guess."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Row
from app.models.organisation import PositionVersion, Unit, UnitVersion
from app.services.imports.columns import code_key, squeeze
from app.services.imports.template import label
from app.services.imports.words import Finding, about_cell
from app.services.timeline import holds
from app.vocabulary import Jenjang, JobKind, Severity

KEYS: Final = ("unit_code_key", "unit_key", "job_key", "job_kind", "jenjang")
NAMED: Final = text(
    f"SELECT {', '.join(KEYS)}, min(unit_code) AS unit_code, min(unit_name) AS unit_name,"
    " min(job_title) AS job_title, count(*) AS people"
    f" FROM import_rows WHERE NOT skipped GROUP BY {', '.join(KEYS)}"
)
UNITS: Final = (
    select(Unit.id, Unit.code, UnitVersion.name)
    .join(UnitVersion, UnitVersion.unit_id == Unit.id)
    .where(holds(UnitVersion))
)
POSITIONS: Final = select(
    PositionVersion.position_id,
    PositionVersion.unit_id,
    PositionVersion.title,
    PositionVersion.job_kind,
    PositionVersion.jenjang,
    PositionVersion.seats,
).where(holds(PositionVersion))
_HINTS: Final = 200
"""How many unknown names get a hint: it is looked for among all names, one by one."""
_NEAR: Final = 0.6


class Seats(NamedTuple):
    """A position as the rows may name it."""

    position_id: UUID
    title: str
    kind: JobKind
    jenjang: Jenjang | None
    seats: int

    @property
    def shown(self) -> str:
        """Its title, with the jenjang that the title leaves out."""
        if self.jenjang is None or squeeze(self.title).endswith(squeeze(label(self.jenjang))):
            return self.title
        return f"{self.title} {label(self.jenjang)}"


@dataclass(slots=True)
class NewPosition:
    """A position that the import creates."""

    position_id: UUID
    unit_id: UUID
    unit_code: str
    title: str
    kind: JobKind
    jenjang: Jenjang | None
    seats: int


@dataclass(slots=True)
class Place:
    """What the words of some rows mean."""

    unit_id: UUID | None = None
    position_id: UUID | None = None
    seats: int | None = None
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def findings(self) -> str | None:
        """For the staging table: JSON, None where there is nothing to say."""
        found = [
            {
                "severity": severity,
                "column_name": f.column,
                "code": f.code,
                "detail_id": f.detail_id,
                "detail_en": f.detail_en,
            }
            for severity, findings in (
                (Severity.ERROR, self.errors),
                (Severity.WARNING, self.warnings),
            )
            for f in findings
        ]
        return json.dumps(found) if found else None


class Directory:
    """The organisation of a day, by the squeezed codes, names and titles that files use."""

    def __init__(self, units: Iterable[Row], positions: Iterable[Row], *, create: bool) -> None:
        self._by_code: dict[str, list[Row]] = defaultdict(list)
        self._by_name: dict[str, list[Row]] = defaultdict(list)
        self._positions: dict[UUID, dict[str, list[Seats]]] = defaultdict(lambda: defaultdict(list))
        self._create = create
        self._hints = _HINTS
        self.created: dict[tuple[object, ...], NewPosition] = {}
        for unit in units:
            self._by_code[code_key(unit["code"])].append(unit)
            self._by_name[squeeze(unit["name"])].append(unit)
        for row in positions:
            self._add(row)

    def _add(self, row: Row) -> None:
        seats = Seats(
            row["position_id"], row["title"], row["job_kind"], row["jenjang"], row["seats"]
        )
        keys = {squeeze(seats.title), squeeze(seats.shown)}
        for key in keys:
            self._positions[row["unit_id"]][key].append(seats)

    def place(self, words: Row) -> Place:
        """The unit and position that these words mean, or what is wrong with them."""
        place = Place()
        unit = self._unit(words, place)
        if unit is not None:
            place.unit_id = unit["id"]
            if words["job_key"]:
                self._position(words, unit, place)
        return place

    def _unit(self, words: Row, place: Place) -> Row | None:
        if words["unit_code_key"]:
            return self._unit_by_code(words, place)
        if not words["unit_key"]:
            return None  # the reader has said that it is missing
        units = self._by_name.get(words["unit_key"], [])
        if not units:
            names = {k: f"{u[0]['name']} ({u[0]['code']})" for k, u in self._by_name.items()}
            near = self._near(words["unit_key"], names)
            place.errors.append(_near_words("unit_name", "unit_unknown", near))
        return _only("unit_name", units, place)

    def _unit_by_code(self, words: Row, place: Place) -> Row | None:
        units = self._by_code.get(words["unit_code_key"], [])
        if not units:
            codes = {k: u[0]["code"] for k, u in self._by_code.items()}
            near = self._near(words["unit_code_key"], codes)
            place.errors.append(_near_words("unit_code", "unit_code_unknown", near))
        unit = _only("unit_code", units, place)
        if unit and words["unit_key"] and words["unit_key"] != squeeze(unit["name"]):
            place.warnings.append(
                about_cell("unit_name", "unit_name_differs", recorded=unit["name"])
            )
        return unit

    def _position(self, words: Row, unit: Row, place: Place) -> None:
        titled = self._positions[unit["id"]].get(words["job_key"], [])
        kind, jenjang = words["job_kind"], words["jenjang"]
        meant = [
            s
            for s in titled
            if (not kind or s.kind == kind) and (not jenjang or s.jenjang == jenjang)
        ]
        if len(meant) == 1:
            place.position_id, place.seats = meant[0].position_id, meant[0].seats
        elif meant:
            place.errors.append(about_cell("job_title", "position_ambiguous"))
        elif titled:
            recorded = ", ".join(sorted({_kind_words(s) for s in titled}))
            place.errors.append(about_cell("job_kind", "position_kind_differs", recorded=recorded))
        elif self._create:
            self._new_position(words, unit, place)
        else:
            titles = {k: s[0].shown for k, s in self._positions[unit["id"]].items()}
            near = self._near(words["job_key"], titles)
            place.errors.append(_near_words("job_title", "position_unknown", near))

    def _new_position(self, words: Row, unit: Row, place: Place) -> None:
        if not words["job_kind"]:
            place.errors.append(about_cell("job_kind", "job_kind_missing"))
            return
        new = self.created.setdefault(
            (unit["id"], words["job_key"], words["job_kind"], words["jenjang"]),
            NewPosition(
                uuid4(),
                unit["id"],
                unit["code"],
                words["job_title"],
                JobKind(words["job_kind"]),
                Jenjang(words["jenjang"]) if words["jenjang"] else None,
                seats=0,
            ),
        )
        new.seats += words["people"]
        place.position_id, place.seats = new.position_id, 10_000
        place.warnings.append(about_cell("job_title", "position_created"))

    def _near(self, key: str, names: dict[str, str]) -> list[str]:
        """The names that are spelled much like this one."""
        self._hints -= 1
        if self._hints < 0:
            return []
        return [names[k] for k in get_close_matches(key, names, n=3, cutoff=_NEAR)]


def _only(column: str, units: Sequence[Row], place: Place) -> Row | None:
    if len(units) > 1:
        codes = ", ".join(sorted(u["code"] for u in units)[:10])
        place.errors.append(about_cell(column, "unit_ambiguous", codes=codes))
    return units[0] if len(units) == 1 else None


def _near_words(column: str, code: str, near: Sequence[str]) -> Finding:
    finding = about_cell(column, code, near="{near}")
    names = "; ".join(near)
    return Finding(
        column,
        code,
        finding.detail_id.replace("{near}", f" Mungkin: {names}." if near else ""),
        finding.detail_en.replace("{near}", f" Perhaps: {names}." if near else ""),
    )


def _kind_words(seats: Seats) -> str:
    return label(seats.jenjang or seats.kind)


async def resolve_places(
    session: AsyncSession, as_of: date, *, create: bool
) -> tuple[list[tuple[Any, ...]], list[NewPosition]]:
    """The places that the staged rows name, as records for `import_places`; new positions."""
    units = (await session.execute(UNITS, {"as_of": as_of})).mappings().all()
    positions = (await session.execute(POSITIONS, {"as_of": as_of})).mappings().all()
    named = (await session.execute(NAMED)).mappings().all()
    # thousands of names to compare: the event loop goes on meanwhile
    return await asyncio.to_thread(_resolve, units, positions, named, create)


def _resolve(
    units: Sequence[Any], positions: Sequence[Any], named: Sequence[Any], create: bool
) -> tuple[list[tuple[Any, ...]], list[NewPosition]]:
    directory = Directory(units, positions, create=create)
    records = []
    for words in named:
        place = directory.place(words)
        keys = (words[key] for key in KEYS)
        meant = (place.unit_id, place.position_id, place.seats)
        records.append((*keys, *meant, bool(place.errors), place.findings()))
    return records, list(directory.created.values())
