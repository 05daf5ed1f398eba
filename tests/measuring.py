"""An office for tests of results: who leads whom, who is a peer, who a stranger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from tests.actors import Client
from tests.assessing import Assessing, Levels
from tests.organisation import Government, made


@dataclass(frozen=True)
class Office:
    """A dinas with a bidang below it, and people in its seats."""

    hr: Client
    assessing: Assessing
    dinas: str
    other: str
    """Another dinas."""
    position: str
    """Of the staff in the bidang: ahli muda, who need level 3."""
    chief_position: str
    """An administrator: level 3 too."""
    head_position: str
    """A jpt_pratama: level 4."""
    head: UUID
    """Leads the dinas."""
    chief: UUID
    """Leads the bidang."""
    staff: UUID
    peer: UUID
    stranger: UUID
    """Leads another dinas."""

    async def measured(
        self,
        ratings: Mapping[str, Sequence[Levels]],
        *,
        employee: UUID | None = None,
        position: str | None = None,
        event: UUID | None = None,
        potential: str | None = None,
        raters: Mapping[str, Sequence[UUID]] | None = None,
        **of_event: Any,
    ) -> UUID:
        """A moderated assessment of the staff member with these ratings, by source."""
        event = event or await self.assessing.event(**of_event)
        assessment = await self.assessing.assessment(
            event, employee or self.staff, position or self.position, state="moderated"
        )
        for source, given in ratings.items():
            known = iter((raters or {}).get(source, ()))
            for levels in given:
                score = potential if source == "assessor" else None
                rater = next(known, None)
                await self.assessing.rater(
                    assessment, source, rater, levels=levels, potential=score
                )
        return assessment

    async def publish(self, assessment: UUID, by: Client | None = None) -> httpx.Response:
        """Ask to publish it."""
        body = {"reason": "Hasil pemetaan."}
        return await (by or self.hr).post(f"/assessments/{assessment}/publish", json=body)

    async def published(self, levels: Levels = 3, **more: Any) -> dict[str, Any]:
        """The result of an assessment by one assessor."""
        assessment = await self.measured({"assessor": [levels]}, **more)
        return made(await self.publish(assessment))


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
    assessing = Assessing(g)
    return Office(
        hr=hr,
        assessing=assessing,
        dinas=dinas,
        other=other,
        position=staf,
        chief_position=kabid,
        head_position=kadis,
        head=await assessing.seated(kadis, "Pegawai head"),
        chief=await assessing.seated(kabid, "Pegawai chief"),
        staff=await assessing.seated(staf, "Pegawai staff"),
        peer=await assessing.seated(staf, "Pegawai peer"),
        stranger=await assessing.seated(lain, "Pegawai stranger"),
    )
