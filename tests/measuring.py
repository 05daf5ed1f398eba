"""Assessments for tests of results, measured and moderated: they come straight into the database.

`staffed` builds a small office: who leads whom, and who is a stranger. `moderated` gives one of
them an assessment with the ratings that are asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg

from tests.actors import Client
from tests.organisation import Government

ENDS_ON = date(2026, 11, 20)
CORE = (
    "integritas",
    "kerja_sama",
    "komunikasi",
    "orientasi_pada_hasil",
    "pelayanan_publik",
    "pengembangan_diri_dan_orang_lain",
    "mengelola_perubahan",
    "pengambilan_keputusan",
    "perekat_bangsa",
)
_numbers = count(1)

Levels = Sequence[Mapping[str, int] | int]
"""One entry a rater: a level for all nine competencies, or by competency."""


@dataclass(frozen=True)
class Office:
    """A dinas with a bidang below it, and people in its seats."""

    government: Government
    owner: asyncpg.Connection
    root: str
    unit: str
    """The bidang."""
    position: str
    """Of the staff: ahli muda, who need level 3."""
    chief_position: str
    head: UUID
    """Leads the dinas."""
    chief: UUID
    """Leads the bidang."""
    staff: UUID
    peer: UUID
    stranger: UUID
    """Leads another dinas."""


async def staffed(hr: Client, owner: asyncpg.Connection) -> Office:
    """An office with somebody in every seat."""
    g = Government(hr, owner)
    root = await g.unit("KAB", kind="pemerintah_daerah")
    dinas = await g.unit("DINAS", root)
    bidang = await g.unit("BIDANG", dinas, kind="bidang")
    other = await g.unit("LAIN", root)
    kadis = await g.position(dinas, "KADIS", job_kind="jpt_pratama")
    kabid = await g.position(bidang, "KABID", job_kind="administrator")
    lain = await g.position(other, "KADIS-LAIN", job_kind="jpt_pratama")
    staf = await g.position(bidang, "ANALIS", seats=9, job_kind="fungsional", jenjang="ahli_muda")
    people = {}
    for name, position in (
        ("head", kadis),
        ("chief", kabid),
        ("staff", staf),
        ("peer", staf),
        ("stranger", lain),
    ):
        people[name] = await g.employee(f"Pegawai {name}")
        assert (await g.assign(position, people[name])).status_code == 201
    return Office(g, owner, root, bidang, staf, kabid, **people)


async def event(
    owner: asyncpg.Connection, ends_on: date = ENDS_ON, purpose: str = "mapping"
) -> UUID:
    """An event that ended on that day."""
    number = next(_numbers)
    provider = await owner.fetchval(
        "INSERT INTO assessment_providers (code, name) VALUES ($1, 'Penilai') RETURNING id",
        f"P{number}",
    )
    made: UUID = await owner.fetchval(
        "INSERT INTO assessment_events"
        " (code, title, purpose, method, provider_id, starts_on, ends_on)"
        " VALUES ($1, 'Pemetaan', $2, 'multi_rater', $3, $4, $4) RETURNING id",
        f"E{number}",
        purpose,
        provider,
        ends_on,
    )
    return made


async def moderated(
    office: Office,
    employee: UUID,
    ratings: Mapping[str, Levels],
    *,
    event_id: UUID | None = None,
    position: str | None = None,
    potential: Decimal | None = None,
    state: str = "moderated",
    raters: Mapping[str, Sequence[UUID]] | None = None,
    **of_event: Any,
) -> UUID:
    """A person's assessment with these ratings by source, ready to be published."""
    owner = office.owner
    assessment: UUID = await owner.fetchval(
        "INSERT INTO assessments (event_id, employee_id, position_id, state, moderated_by)"
        " VALUES ($1, $2, $3, $4, $5) RETURNING id",
        event_id or await event(owner, **of_event),
        employee,
        UUID(position or office.position),
        state,
        office.government.hr.account_id,
    )
    for source, levels in ratings.items():
        known = iter((raters or {}).get(source, ()))
        for given in levels:
            rater = next(known, None) or await _rater(office, source, employee)
            await _rate(owner, assessment, employee, rater, source, given, potential)
    return assessment


async def _rater(office: Office, source: str, employee: UUID) -> UUID | None:
    if source == "assessor":
        return None
    return employee if source == "self" else await office.government.employee(f"Penilai {source}")


async def _rate(
    owner: asyncpg.Connection,
    assessment: UUID,
    employee: UUID,
    rater: UUID | None,
    source: str,
    given: Mapping[str, int] | int,
    potential: Decimal | None,
) -> None:
    assignment = await owner.fetchval(
        "INSERT INTO assessor_assignments (assessment_id, candidate_id, rater_id, source, state,"
        " submitted_at, potential_score)"
        " VALUES ($1, $2, $3, $4, 'submitted', now(), $5) RETURNING id",
        assessment,
        employee,
        rater,
        source,
        potential if source == "assessor" else None,
    )
    by_code = dict.fromkeys(CORE, given) if isinstance(given, int) else given
    await owner.execute(
        "INSERT INTO assessment_ratings"
        " (assignment_id, assessment_id, competency_id, rater_id, source, level)"
        " SELECT $1, $2, c.id, $3, $4, g.level"
        " FROM unnest($5::text[], $6::int[]) AS g (code, level) JOIN competencies c USING (code)",
        assignment,
        assessment,
        rater,
        source,
        list(by_code),
        list(by_code.values()),
    )
