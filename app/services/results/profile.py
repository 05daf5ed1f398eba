"""A person's competencies in one document: where they stand, why, and what they do now."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, or_, select

from app.access.actors import Actor
from app.access.assessments import SEES_EVERY_RESULT
from app.calendar import now, today
from app.database import Reader, Row
from app.errors import Bilingual, Language, NotFound
from app.models.objections import Objection
from app.radar import Axis, radar
from app.rules.objections import filing_deadline, last_day, rule_for
from app.rules.scoring import RulesUsed, ScoringInputs, what_would_change_it
from app.schemas.assessment_results import (
    CompetencyProfileRead,
    Measurement,
    ObjectionChance,
    ProfileCompetency,
    ProfileLinks,
    ProfileResult,
    SourceTaking,
)
from app.schemas.assessments import AssessedPosition
from app.schemas.competencies import CompetencyLevel
from app.services.assessments.reading import place
from app.services.competencies import dictionary
from app.services.results import words
from app.services.results.people import Subject, find, own_place
from app.services.results.reading import act, scores_of, sources_of
from app.services.results.scored import Scored
from app.services.standards import required_levels
from app.vocabulary import ObjectionState, RaterSource, ResultStanding

API: Final = "/api/v1"
STANDING: Final[Mapping[ResultStanding, Bilingual]] = {
    ResultStanding.IN_FORCE: Bilingual(
        "Hasil ini berlaku sampai {last}: {days} hari lagi.",
        "This result is valid through {last}: {days} days left.",
    ),
    ResultStanding.EXPIRED: Bilingual(
        "Hasil ini tidak berlaku lagi sejak {end}, dan tidak dihitung sampai ada hasil baru.",
        "This result has not been valid since {end}, and counts for nothing until there is a new "
        "one.",
    ),
    ResultStanding.NOT_ASSESSED: Bilingual(
        "Belum pernah dinilai. Yang ditampilkan adalah yang dipersyaratkan jabatan.",
        "Never assessed yet. What is shown is what the position requires.",
    ),
}


async def get_profile(
    reader: Reader, actor: Actor, employee_id: UUID, language: Language
) -> CompetencyProfileRead:
    """The document. Errors: NotFound."""
    subject = await find(reader, actor, employee_id)
    seat = await own_place(reader, actor, subject)
    if subject.result is None:
        competencies = await _required_only(reader, seat, language)
        shown: dict[str, Any] = dict.fromkeys(("result", "measurement", "objection"))
    else:
        scores = await scores_of(reader, subject.result["id"])
        competencies = [_measured(row, language) for row in scores]
        names = {score["code"]: score["name"] for score in scores}
        shown = {
            "result": _result(subject.result, names, language),
            "measurement": _measurement(actor, subject.result, names, language),
            "objection": await _objection(reader, actor, subject.result, language),
        }
    return CompetencyProfileRead(
        person=subject.person,
        standing=subject.standing,
        in_words=_standing(subject, language),
        position=seat,
        competencies=sorted(competencies, key=lambda each: -(each.gap or 0)),
        links=_links(employee_id, subject.result),
        **shown,
    )


def _standing(subject: Subject, language: Language) -> str:
    text = STANDING[subject.standing].text(language)
    if subject.result is None:
        return text
    end = subject.result["valid_until"]
    last = words.day(end - timedelta(days=1), language)
    return text.format(last=last, end=words.day(end, language), days=_days_left(end))


def _days_left(valid_until: date) -> int:
    return max(0, (valid_until - today()).days)


def _result(row: Row, names: Mapping[str, str], language: Language) -> ProfileResult:
    outcome = row["outcome"]
    given = ("id", "version_no", "purpose", "assessed_on", "published_at", "jpm", "jpm_uncapped")
    return ProfileResult(
        **{name: row[name] for name in (*given, "band", "potential", "gaps", "valid_until")},
        position=place(row)["position"],
        jpm_in_words=words.jpm(outcome, names, language),
        complete=outcome["complete"],
        missing=outcome["missing"],
        days_left=_days_left(row["valid_until"]),
    )


def _links(employee_id: UUID, result: Row | None) -> ProfileLinks:
    person = f"{API}/employees/{employee_id}"
    return ProfileLinks(
        result=f"{API}/assessment-results/{result['id']}" if result else None,
        radar=f"{person}/competency-profile/radar.svg",
        history=f"{person}/competency-history",
        comparison=f"{person}/comparison",
    )


# --- competencies, and what to do now -----------------------------------------------------

ADVICE: Final[Mapping[str, Bilingual]] = {
    "gap": Bilingual(
        "Kurang {gap} level. Tunjukkan perilaku level {next}, {name}.",
        "{gap} levels short. Show the behaviour of level {next}, {name}.",
    ),
    "met": Bilingual("Sesuai yang dipersyaratkan.", "As required."),
    "surplus": Bilingual(
        "Melebihi yang dipersyaratkan sebesar {surplus} level.", "{surplus} levels above required."
    ),
    "not_measured": Bilingual("Belum terukur.", "Not measured."),
}


async def _required_only(
    reader: Reader, seat: AssessedPosition | None, language: Language
) -> list[ProfileCompetency]:
    """Without a result: what the seat requires, and what that level means."""
    if seat is None:
        return []
    standard = await required_levels(reader, seat.id, today())
    texts = {entry.id: entry for entry in await dictionary(reader, today())}
    return [
        ProfileCompetency(
            competency_id=each.competency_id,
            code=each.code,
            name=each.name,
            kind=each.kind,
            definition=texts[each.competency_id].definition,
            required=each.level,
            actual=None,
            gap=None,
            surplus=None,
            present=None,
            next=_meaning(texts[each.competency_id].levels, each.level),
            advice=ADVICE["not_measured"].text(language),
        )
        for each in standard.levels
    ]


def _measured(row: Row, language: Language) -> ProfileCompetency:
    actual: Decimal | None = row["actual"]
    reached = int(actual) if actual is not None else None
    ahead = row["required"] if reached is None else reached + 1
    levels = [CompetencyLevel(**level) for level in row["levels"]]
    following = _meaning(levels, ahead)
    given = ("competency_id", "code", "name", "kind", "definition", "required", "actual")
    return ProfileCompetency(
        **{name: row[name] for name in (*given, "gap", "surplus")},
        present=_meaning(levels, reached or 0),
        next=following,
        advice=_advice(row, following, language),
    )


def _meaning(levels: Sequence[CompetencyLevel], level: int) -> CompetencyLevel | None:
    """The dictionary's words for a level; there are none for 0 and above 5."""
    return next((each for each in levels if each.level == level), None)


def _advice(row: Row, following: CompetencyLevel | None, language: Language) -> str:
    if row["actual"] is None:
        return ADVICE["not_measured"].text(language)
    if row["gap"] and following:
        gap = words.number(row["gap"], language)
        text = ADVICE["gap"].text(language)
        return text.format(gap=gap, next=following.level, name=following.name)
    text = ADVICE["surplus" if row["surplus"] else "met"].text(language)
    return text.format(surplus=words.number(row["surplus"], language))


# --- how it was measured, and what would change it ----------------------------------------


def _measurement(
    actor: Actor, row: Row, names: Mapping[str, str], language: Language
) -> Measurement:
    rules = RulesUsed.from_json(row["rules"])
    scored = Scored.of(ScoringInputs.from_json(row["inputs"]), rules)
    ahead = what_would_change_it(scored.outcome, rules)
    return Measurement(
        event=place(row)["event"],
        sources=_sources(row["outcome"], language),
        rules=words.rules_used(rules, row["purpose"], language),
        moderated=act(actor, row["moderated_by"], row["moderated_at"], language),
        published=act(actor, row["published_by"], row["published_at"], language),
        reason=row["reason"],
        what_would_change_it=words.bands_ahead(ahead, names, language),
    )


def _sources(outcome: Mapping[str, Any], language: Language) -> list[SourceTaking]:
    """Who took part, by role: the most raters that a source had in any competency."""
    raters: dict[RaterSource, int | None] = {}
    for competency in outcome["competencies"]:
        for each in sources_of(outcome, competency["code"]):
            known = [n for n in (raters.get(each.source), each.raters) if n is not None]
            raters[each.source] = max(known, default=None)
    return [
        SourceTaking(source=source, raters=n, in_words=words.source(source, n, language))
        for source, n in raters.items()
    ]


# --- objecting ----------------------------------------------------------------------------

_RESULT_ID = bindparam("result_id", type_=Uuid())
_STANDING_OBJECTION = select(Objection.id, Objection.state, Objection.new_result_id).where(
    or_(Objection.result_id == _RESULT_ID, Objection.new_result_id == _RESULT_ID),
    Objection.state != ObjectionState.WITHDRAWN,
)
HOW: Final[Mapping[str, Bilingual]] = {
    "open": Bilingual(
        "Keberatan dapat diajukan dengan alasan dan bukti sampai akhir hari {last}, melalui "
        f"POST {API}/assessment-results/{{id}}/objections.",
        "You may object, with reasons and evidence, until the end of {last}, by "
        f"POST {API}/assessment-results/{{id}}/objections.",
    ),
    "late": Bilingual(
        "Batas waktu keberatan berakhir pada {last}.", "The time for objecting ended on {last}."
    ),
    "filed": Bilingual("Keberatan sudah diajukan.", "An objection has been filed."),
    "final": Bilingual(
        "Hasil ini adalah putusan akhir atas keberatan.",
        "This result is the final ruling on an objection.",
    ),
}


async def _objection(
    reader: Reader, actor: Actor, row: Row, language: Language
) -> ObjectionChance | None:
    """For the person and the agency; to those who lead them it is no business."""
    if actor.role not in SEES_EVERY_RESULT and not actor.is_self(row["employee_id"]):
        return None
    published = row["published_at"]
    file_by = filing_deadline(published, rule_for(published))
    found = await reader.one(_STANDING_OBJECTION, result_id=row["id"])
    if found is None:
        how = "open" if now() < file_by else "late"
    else:
        how = "final" if found["new_result_id"] == row["id"] else "filed"
    last = words.day(last_day(file_by), language)
    return ObjectionChance(
        open=how == "open",
        file_by=file_by,
        how=HOW[how].text(language).format(last=last, id=row["id"]),
        objection_id=found["id"] if found else None,
        state=found["state"] if found else None,
    )


# --- as a chart ---------------------------------------------------------------------------

CHART: Final = Bilingual("Profil kompetensi {name}", "Competency profile of {name}")


async def get_radar(reader: Reader, actor: Actor, employee_id: UUID, language: Language) -> str:
    """The profile as an SVG. Errors: NotFound, also where nothing is required or measured."""
    subject = await find(reader, actor, employee_id)
    if subject.result is not None:
        rows = await scores_of(reader, subject.result["id"])
        axes = [Axis(row["name"], row["required"], row["actual"]) for row in rows]
    else:
        seat = await own_place(reader, actor, subject)
        axes = [
            Axis(each.name, each.required, None)
            for each in await _required_only(reader, seat, language)
        ]
    if not axes:
        raise NotFound
    title = CHART.text(language).format(name=subject.person.name or employee_id)
    return radar(axes, title=title, description=_standing(subject, language), language=language)
