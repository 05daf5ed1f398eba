"""Puts the demo's assessments into the database: ratings by COPY, results by the real rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.calendar import JAKARTA
from app.database import SessionReader
from app.demo import assessments as plan
from app.demo.assessments import Assessed, Assessments, Event, Story
from app.demo.copying import Rows, copy, new_ids
from app.models.assessments import (
    Assessment,
    AssessmentEvent,
    AssessmentProvider,
    AssessmentResult,
    ProviderAccreditation,
)
from app.models.competencies import Competency, CompetencyStandard, StandardProposal
from app.models.objections import Objection, ObjectionStatement
from app.models.organisation import Position
from app.rules import pack
from app.rules.objections import filing_deadline, ruling_deadline
from app.rules.scoring import RulesUsed, ScoringInputs
from app.services.results.gathering import gather, rules_for
from app.services.results.publishing import SCORES
from app.services.results.scored import Scored
from app.settings import with_driver
from app.vocabulary import (
    AssessmentState,
    AssessorAssignmentState,
    ObjectionOutcome,
    ObjectionSide,
    ObjectionState,
    StandardState,
)

DAY = timedelta(days=1)
BASIS = "Keputusan Bupati Kemuning tentang Standar Kompetensi Jabatan Pelaksana dan Fungsional"
PUBLISHED = "Hasil sudah dimoderasi bersama penyelenggara."
REASONS = (
    "Tingkat komunikasi saya dinilai dari satu simulasi saja. Laporan pendampingan dan notulen"
    " forum warga yang saya pimpin belum dilihat."
)
EVIDENCE = [
    {"title": "Notulen forum musyawarah di balai desa", "reference": "400.9/112/2026"},
    {"title": "Laporan kegiatan triwulan II", "reference": "400.9/140/2026"},
]
ANSWER = "Bukti tertulis tidak diminta dalam simulasi. Kami tidak berkeberatan bila diperhitungkan."
RULING = "Notulen dan laporan menunjukkan perilaku pada tingkat yang dipersyaratkan."


@dataclass(frozen=True, slots=True)
class Cast:
    """Who stands behind the numbers of the plan, and the officers who do the work."""

    people: Sequence[UUID]
    assessing: UUID
    """The account that has assessments made, moderates and publishes them."""
    agency: UUID
    """The account that approves standards and rules on objections."""


async def seed_assessments(superuser_dsn: str, made: Assessments, cast: Cast) -> None:
    """Write all of it, in one transaction, into a database that has the people already."""
    engine = create_async_engine(with_driver(superuser_dsn))
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            await session.execute(
                text(
                    "SELECT set_config('app.role', 'system', true),"
                    " set_config('app.operation', 'demo_seed', true)"
                )
            )
            await (await _Writer.on(session, made, cast)).write()
    finally:
        await engine.dispose()


def at(day: date, hour: int) -> datetime:
    """An hour of a day in Kemuning."""
    return datetime.combine(day, time(hour), JAKARTA).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class _Writer:
    session: AsyncSession
    connection: asyncpg.Connection
    """The driver's own, in the same transaction."""
    made: Assessments
    cast: Cast
    positions: Mapping[str, UUID]
    competencies: Mapping[str, UUID]

    @classmethod
    async def on(cls, session: AsyncSession, made: Assessments, cast: Cast) -> "_Writer":
        connection = (await (await session.connection()).get_raw_connection()).driver_connection
        positions = dict((await session.execute(select(Position.code, Position.id))).all())
        codes = dict((await session.execute(select(Competency.code, Competency.id))).all())
        return cls(session, connection, made, cast, positions, codes)

    async def write(self) -> None:
        await self._standards()
        providers = await self._providers()
        for event in self.made.events:
            await self._event(event, providers[event.provider_code])
        story = self.made.story
        await self._objection(story.waiting)
        await self._granted_objection(story)

    # --- what stands before an event --------------------------------------------------------

    async def _standards(self) -> None:
        """Proposed by one officer and approved by the other, each a month before it holds."""
        for each in self.made.standards:
            proposed = at(each.effective_from - 30 * DAY, 9)
            proposal = StandardProposal(
                position_id=self.positions[each.position_code],
                effective_from=each.effective_from,
                levels=dict(each.levels),
                basis=BASIS,
                proposed_by=self.cast.assessing,
                created_at=proposed,
                updated_at=proposed,
            )
            if each.approved:
                proposal.state = StandardState.APPROVED
                proposal.decided_by, proposal.decided_at = self.cast.agency, proposed + 7 * DAY
            self.session.add(proposal)
            await self.session.flush()
            self.session.add_all(self._own_levels(proposal) if each.approved else ())

    def _own_levels(self, proposal: StandardProposal) -> Iterator[CompetencyStandard]:
        for code, level in proposal.levels.items():
            yield CompetencyStandard(
                position_id=proposal.position_id,
                competency_id=self.competencies[code],
                required_level=level,
                proposal_id=proposal.id,
                valid=Range(proposal.effective_from, None),
            )

    async def _providers(self) -> dict[str, UUID]:
        found = {}
        for each in self.made.providers:
            provider = AssessmentProvider(code=each.code, name=each.name)
            self.session.add(provider)
            await self.session.flush()
            self.session.add(
                ProviderAccreditation(
                    provider_id=provider.id,
                    accreditation_no=each.accreditation_no,
                    purposes=[purpose.value for purpose in each.purposes],
                    valid=Range(each.since, each.until),
                )
            )
            found[each.code] = provider.id
        return found

    # --- an event ---------------------------------------------------------------------------

    async def _event(self, event: Event, provider_id: UUID) -> None:
        row = AssessmentEvent(
            code=event.code,
            title=event.title,
            purpose=event.purpose,
            method=event.method,
            provider_id=provider_id,
            starts_on=event.starts_on,
            ends_on=event.ends_on,
            closed_at=at(event.ends_on + DAY, 9) if event.closed else None,
            created_at=at(event.starts_on - 30 * DAY, 9),
        )
        self.session.add(row)
        await self.session.flush()
        ids = await new_ids(self.connection, len(event.assessed))
        pairs = list(zip(ids, event.assessed, strict=True))
        await copy(self.connection, "assessments", (self._assessment(row, i, a) for i, a in pairs))
        await self._parts(row, pairs)
        await self._results(row, [(i, a) for i, a in pairs if a.published_on is not None])

    def _assessment(self, event: AssessmentEvent, own_id: UUID, a: Assessed) -> dict[str, Any]:
        submitted = a.state is not AssessmentState.DRAFT
        moderated = submitted and a.state is not AssessmentState.SUBMITTED
        return {
            "id": own_id,
            "event_id": event.id,
            "employee_id": self.cast.people[a.person],
            "position_id": self.positions[a.position_code],
            "state": a.state.value,
            "submitted_at": _closed_on(event) if submitted else None,
            "moderated_by": self.cast.assessing if moderated else None,
            "moderated_at": _closed_on(event) + timedelta(hours=3) if moderated else None,
            "created_at": at(event.starts_on - DAY, 9),
            "updated_at": _closed_on(event),
        }

    async def _parts(self, event: AssessmentEvent, pairs: Sequence[tuple[UUID, Assessed]]) -> None:
        parts = [(own_id, a, part) for own_id, a in pairs for part in a.parts]
        ids = await new_ids(self.connection, len(parts))
        filled = list(zip(ids, parts, strict=True))
        await copy(
            self.connection,
            "assessor_assignments",
            (self._assignment(event, i, *of) for i, of in filled),
        )
        ratings = (self._ratings(event, i, own_id, part) for i, (own_id, _, part) in filled)
        await copy(self.connection, "assessment_ratings", (row for rows in ratings for row in rows))

    def _assignment(
        self, event: AssessmentEvent, assignment_id: UUID, own_id: UUID, a: Assessed, p: plan.Part
    ) -> dict[str, Any]:
        state = AssessorAssignmentState.SUBMITTED if p.levels else AssessorAssignmentState.ASSIGNED
        return {
            "id": assignment_id,
            "assessment_id": own_id,
            "candidate_id": self.cast.people[a.person],
            "rater_id": self._rater(p),
            "source": p.source.value,
            "state": state.value,
            "potential_score": p.potential,
            "submitted_at": _closed_on(event) - DAY if p.levels else None,
            "created_at": at(event.starts_on - DAY, 9),
            "updated_at": _closed_on(event) - DAY,
        }

    def _ratings(
        self, event: AssessmentEvent, assignment_id: UUID, own_id: UUID, part: plan.Part
    ) -> Rows:
        for code, level in (part.levels or {}).items():
            yield {
                "assignment_id": assignment_id,
                "assessment_id": own_id,
                "competency_id": self.competencies[code],
                "rater_id": self._rater(part),
                "source": part.source.value,
                "level": level,
                "created_at": _closed_on(event) - DAY,
                "updated_at": _closed_on(event) - DAY,
            }

    def _rater(self, part: plan.Part) -> UUID | None:
        return None if part.rater is None else self.cast.people[part.rater]

    # --- results ----------------------------------------------------------------------------

    async def _results(
        self, event: AssessmentEvent, pairs: Sequence[tuple[UUID, Assessed]]
    ) -> None:
        """What the rules make of the ratings, gathered as they are when somebody publishes."""
        rules = rules_for(event)
        given = [Assessment(id=i, position_id=self.positions[a.position_code]) for i, a in pairs]
        inputs = await gather(SessionReader(self.session), event, given, rules)
        await self._insert(
            [
                {
                    "assessment_id": own_id,
                    "employee_id": self.cast.people[a.person],
                    "position_id": self.positions[a.position_code],
                    "version_no": 1,
                    "reason": PUBLISHED,
                    "published_by": self.cast.assessing,
                    "published_at": at(a.published_on, 9),
                    **Scored.of(inputs[own_id], rules).columns(),
                }
                for own_id, a in pairs
                if a.published_on is not None
            ]
        )

    async def _insert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            made = insert(AssessmentResult).returning(AssessmentResult.id)
            ids = (await self.session.scalars(made, rows)).all()
            await self.session.execute(SCORES, {"ids": list(ids)})

    # --- objections -------------------------------------------------------------------------

    async def _objection(self, person: int) -> tuple[Objection, AssessmentResult]:
        """Filed some days after the result was published."""
        newest = select(AssessmentResult).where(
            AssessmentResult.employee_id == self.cast.people[person],
            AssessmentResult.superseded_at.is_(None),
        )
        result = (
            await self.session.scalars(newest.order_by(AssessmentResult.assessed_on.desc()))
        ).first()
        assert result is not None
        filed = result.published_at + 5 * DAY
        rule = pack("objections", result.published_at.astimezone(JAKARTA).date())
        objection = Objection(
            result_id=result.id,
            employee_id=result.employee_id,
            reasons=REASONS,
            evidence=EVIDENCE,
            filed_at=filed,
            file_by=filing_deadline(result.published_at, rule),
            rule_by=ruling_deadline(filed, rule),
            rule=rule.rule_id,
            created_at=filed,
        )
        self.session.add(objection)
        await self.session.flush()
        return objection, result

    async def _granted_objection(self, story: Story) -> None:
        """Heard, ruled on by somebody else, and a second version of the result."""
        objection, old = await self._objection(story.granted)
        ruled = objection.filed_at + 10 * DAY
        self.session.add(
            ObjectionStatement(
                objection_id=objection.id,
                employee_id=objection.employee_id,
                side=ObjectionSide.ASSESSORS,
                statement=ANSWER,
                author_id=self.cast.assessing,
                created_at=ruled - 4 * DAY,
            )
        )
        measured = {each["code"]: each for each in old.outcome["competencies"]}[plan.OBJECTED]
        level = Decimal(measured["required"])
        objection.new_result_id = await self._ruled_version(objection, old, level, ruled)
        objection.levels = [
            {
                "competency": plan.OBJECTED,
                "before": measured["actual"],
                "level": f"{level:.2f}",
                "reason": RULING,
            }
        ]
        objection.state, objection.outcome = ObjectionState.RULED, ObjectionOutcome.GRANTED
        objection.ruler_id, objection.ruling, objection.ruled_at = self.cast.agency, RULING, ruled
        await self.session.flush()

    async def _ruled_version(
        self, objection: Objection, old: AssessmentResult, level: Decimal, ruled: datetime
    ) -> UUID:
        inputs = ScoringInputs.from_json(old.inputs)
        competencies = tuple(
            replace(each, ruled_level=level) if each.code == plan.OBJECTED else each
            for each in inputs.competencies
        )
        scored = Scored.of(
            replace(inputs, competencies=competencies), RulesUsed.from_json(old.rules)
        )
        superseded = update(AssessmentResult).where(AssessmentResult.id == old.id)
        await self.session.execute(superseded.values(superseded_at=ruled))
        await self._insert(
            [
                {
                    "assessment_id": old.assessment_id,
                    "employee_id": old.employee_id,
                    "position_id": old.position_id,
                    "version_no": old.version_no + 1,
                    "reason": f"Putusan atas keberatan {objection.id}.",
                    "published_by": self.cast.agency,
                    "published_at": ruled,
                    **scored.columns(),
                }
            ]
        )
        newest = select(AssessmentResult.id).where(
            AssessmentResult.assessment_id == old.assessment_id,
            AssessmentResult.superseded_at.is_(None),
        )
        return (await self.session.scalars(newest)).one()


def _closed_on(event: AssessmentEvent) -> datetime:
    """When rating was closed: after the last day, or of an event that goes on, yesterday."""
    return min(at(event.ends_on + DAY, 9), datetime.now(UTC) - DAY)
