"""Assessments for tests: who measured whom in a few lines, straight into the database.

`Assessing(government)` writes past the API, as whoever owns the database: what it makes is as
the API would have made it, and costs a statement each. Days default to one event in 2026.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg

from tests.actors import Client
from tests.organisation import Government

STARTS, ENDS = date(2026, 9, 1), date(2026, 9, 3)
PURPOSES = ("promotion", "mutation", "mapping")
EVIDENCE = '[{"title": "Laporan simulasi", "reference": "SIM/1/2026"}]'
_numbers = count(1)
Levels = int | Mapping[str, int]
"""One level for all nine competencies that everybody is measured in, or levels by code."""


class Assessing:
    """Providers, events, assessments, raters and what they gave."""

    def __init__(self, government: Government) -> None:
        self.government = government
        self.owner: asyncpg.Connection = government.owner
        self.hr = government.hr

    async def provider(
        self,
        *,
        purposes: Sequence[str] = PURPOSES,
        since: date = date(2020, 1, 1),
        until: date | None = None,
    ) -> UUID:
        """An institution that is accredited for these purposes over these days."""
        provider: UUID = await self.owner.fetchval(
            "INSERT INTO assessment_providers (code, name) VALUES ($1, $2) RETURNING id",
            f"PUSPEKOM-{next(_numbers)}",
            "Pusat Penilaian Kompetensi",
        )
        await self.owner.execute(
            "INSERT INTO provider_accreditations (provider_id, accreditation_no, purposes, valid)"
            " VALUES ($1, 'A/1/2020', $2, $3)",
            provider,
            list(purposes),
            asyncpg.Range(since, until),
        )
        return provider

    async def event(
        self,
        *,
        provider: UUID | None = None,
        purpose: str = "mapping",
        method: str = "assessment_center",
        starts_on: date = STARTS,
        ends_on: date | None = None,
        **more: Any,
    ) -> UUID:
        """An occasion on which people are assessed; it lasts three days, or a single one."""
        return await self._insert(
            "assessment_events",
            code=f"EV-{next(_numbers)}",
            title="Pemetaan kompetensi",
            purpose=purpose,
            method=method,
            provider_id=provider or await self.provider(),
            starts_on=starts_on,
            ends_on=ends_on or (ENDS if starts_on == STARTS else starts_on),
            **more,
        )

    async def seated(self, position: object, name: str = "Sri Wahyuni") -> UUID:
        """A new employee in a seat of the position, since 2020."""
        employee = await self.government.employee(name)
        await self.owner.execute(
            "INSERT INTO seat_assignments (employee_id, position_id, kind, seat_no, valid)"
            " SELECT $1, $2, 'definitif', coalesce(max(seat_no), 0) + 1, '[2020-01-01,)'"
            " FROM seat_assignments WHERE position_id = $2",
            employee,
            _id(position),
        )
        return employee

    async def assessment(
        self,
        event: object,
        employee: object,
        position: object,
        *,
        state: str = "draft",
        moderated_by: object = None,
        note: str | None = None,
    ) -> UUID:
        """One person's assessment against the position's standard, in that state."""
        moderated = state in ("moderated", "published", "superseded")
        now = datetime.now().astimezone()
        return await self._insert(
            "assessments",
            event_id=_id(event),
            employee_id=_id(employee),
            position_id=_id(position),
            state=state,
            note=note,
            submitted_at=now if moderated or state == "submitted" else None,
            moderated_by=(moderated_by or self.hr.account_id) if moderated else None,
            moderated_at=now if moderated else None,
        )

    async def rater(
        self,
        assessment: UUID,
        source: str,
        rater: object = None,
        *,
        levels: Levels | None = None,
        state: str | None = None,
        potential: str | None = None,
        note: str | None = None,
    ) -> UUID:
        """A rater's assignment. With levels it is submitted, else it waits.

        Without a rater an assessor is the provider's own, and anybody else a new employee.
        """
        candidate = await self.owner.fetchval(
            "SELECT employee_id FROM assessments WHERE id = $1", assessment
        )
        if source == "self":
            rater = candidate
        elif rater is None and source != "assessor":
            rater = await self.government.employee(f"Penilai {next(_numbers)}")
        state = state or ("assigned" if levels is None else "submitted")
        assignment = await self._insert(
            "assessor_assignments",
            assessment_id=assessment,
            candidate_id=candidate,
            rater_id=rater and _id(rater),
            source=source,
            state=state,
            submitted_at=datetime.now().astimezone() if state == "submitted" else None,
            potential_score=potential and Decimal(potential),
        )
        if levels is not None:
            await self.rate(assignment, levels, note=note)
        return assignment

    async def rate(self, assignment: UUID, levels: Levels, note: str | None = None) -> None:
        """What the rater gave, with evidence where an assessor did."""
        if isinstance(levels, int):
            every = await self.competencies()
            core = set(every) - set(await self.competencies("technical"))
            levels = dict.fromkeys(core, levels)
        await self.owner.execute(
            "INSERT INTO assessment_ratings (assignment_id, assessment_id, competency_id, rater_id,"
            " source, level, note, evidence)"
            " SELECT a.id, a.assessment_id, c.id, a.rater_id, a.source, given.level, $4,"
            "  CASE a.source WHEN 'assessor' THEN $5::jsonb ELSE '[]' END"
            " FROM assessor_assignments a, unnest($2::text[], $3::int[]) AS given (code, level)"
            " JOIN competencies c USING (code) WHERE a.id = $1",
            assignment,
            list(levels),
            list(levels.values()),
            note,
            EVIDENCE,
        )

    async def assessed(
        self,
        employee: object,
        position: object,
        levels: Levels = 3,
        *,
        event: UUID | None = None,
        state: str = "moderated",
        potential: str | None = "75",
        **days: Any,
    ) -> UUID:
        """A whole assessment in one line: the provider's assessor gave these levels."""
        event = event or await self.event(**days)
        assessment = await self.assessment(event, employee, position, state=state)
        await self.rater(assessment, "assessor", levels=levels, potential=potential)
        return assessment

    async def competencies(self, kind: str | None = None) -> dict[str, UUID]:
        """Ids of the dictionary by code, in its order."""
        rows = await self.owner.fetch(
            "SELECT code, id FROM competencies WHERE $1::text IS NULL OR kind = $1"
            " ORDER BY ordinal",
            kind,
        )
        return {row["code"]: row["id"] for row in rows}

    async def state(self, table: str, row: UUID) -> str:
        """The state that an assessment or an assignment is in."""
        found: str = await self.owner.fetchval(f"SELECT state FROM {table} WHERE id = $1", row)
        return found

    async def _insert(self, table: str, **values: Any) -> UUID:
        names = ", ".join(values)
        places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        made: UUID = await self.owner.fetchval(
            f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id", *values.values()
        )
        return made


def _id(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


@dataclass(frozen=True)
class Office:
    """A dinas and somebody in it to be assessed, among those who may rate them."""

    assessing: Assessing
    dinas: str
    bidang: str
    position: str
    candidate: UUID
    """Leads the bidang."""
    superior: UUID
    """Leads the dinas."""
    subordinates: tuple[UUID, ...]
    """Work in the bidang."""
    peers: tuple[UUID, ...]
    """Work in the next bidang, which has no head."""

    @property
    def assessor(self) -> UUID:
        """Somebody without a relation to the candidate."""
        return self.peers[-1]

    async def assessment(self, **more: Any) -> UUID:
        """The candidate's, in an event of its own."""
        event = await self.assessing.event()
        return await self.assessing.assessment(event, self.candidate, self.position, **more)


async def office(hr: Client, owner: asyncpg.Connection) -> Office:
    """Four subordinates, five peers."""
    government = Government(hr, owner)
    assessing = Assessing(government)
    root = await government.unit("KAB", kind="pemerintah_daerah")
    dinas = await government.unit("DISDIK", root)
    bidang = await government.unit("SMP", dinas, kind="bidang")
    other = await government.unit("SD", dinas, kind="bidang")
    head = await government.position(dinas, "KADIS", job_kind="jpt_pratama")
    position = await government.position(bidang, "KABID", job_kind="administrator")
    staff = await government.position(bidang, "STAF-SMP", seats=4)
    others = await government.position(other, "STAF-SD", seats=5)
    return Office(
        assessing=assessing,
        dinas=dinas,
        bidang=bidang,
        position=position,
        candidate=await assessing.seated(position, "Siti Aminah"),
        superior=await assessing.seated(head, "Kadis Utama"),
        subordinates=tuple([await assessing.seated(staff, f"Staf {n}") for n in range(4)]),
        peers=tuple([await assessing.seated(others, f"Rekan {n}") for n in range(5)]),
    )
