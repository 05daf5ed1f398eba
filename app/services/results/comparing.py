"""A person's results over time, and against what another seat requires."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, bindparam, func

from app.access.actors import Actor
from app.access.assessments import viewer
from app.calendar import today
from app.database import Reader, Row
from app.errors import Bilingual, Language, NotFound
from app.rules.scoring import Fit, fit
from app.schemas.assessment_results import (
    CompetencyCourse,
    HistoryPoint,
    HistoryResult,
    PersonHistory,
    SeatComparison,
    SeatNeed,
)
from app.services.assessments.reading import place
from app.services.results import words
from app.services.results.people import EMPLOYEE_ID, find, known_person, own_place, position_today
from app.services.results.reading import LAST_VERSION, SCORES, R, S, results, scores_of
from app.services.standards import RequiredLevel, required_levels
from app.vocabulary import ResultStanding, Role

# --- over time ----------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _all_of(role: Role) -> Select[Any]:
    own = results(role).where(R.employee_id == EMPLOYEE_ID, LAST_VERSION)
    return own.order_by(R.assessed_on, R.published_at)


_SCORES = SCORES.where(S.result_id == func.any(bindparam("ids", type_=ARRAY(Uuid()))))


async def get_history(reader: Reader, actor: Actor, employee_id: UUID) -> PersonHistory:
    """Every result of a person by its last version, and each competency over them.

    Errors: NotFound.
    """
    person = await known_person(reader, actor, employee_id)
    values = {"employee_id": employee_id, "today": today(), **viewer(actor)}
    rows = await reader.all(_all_of(actor.role), **values)
    scores = await reader.all(_SCORES, ids=[row["id"] for row in rows])
    return PersonHistory(
        person=person,
        results=[_of_history(row) for row in rows],
        competencies=_courses(rows, scores),
    )


def _of_history(row: Row) -> HistoryResult:
    named = HistoryResult.model_fields.keys() - {"position"}
    return HistoryResult(**{n: row[n] for n in named}, position=place(row)["position"])


def _courses(rows: Sequence[Row], scores: Sequence[Row]) -> list[CompetencyCourse]:
    """One course a competency, in the order of the dictionary."""
    days = {row["id"]: row["assessed_on"] for row in rows}
    order = list(days)
    by_competency: dict[UUID, list[Row]] = {}
    for score in scores:
        by_competency.setdefault(score["competency_id"], []).append(score)
    courses = []
    for competency, measured in by_competency.items():
        measured.sort(key=lambda score: order.index(score["result_id"]))
        courses.append(
            CompetencyCourse(
                competency_id=competency,
                code=measured[-1]["code"],
                name=measured[-1]["name"],
                points=[_point(score, days) for score in measured],
            )
        )
    return courses


def _point(score: Row, days: Mapping[UUID, Any]) -> HistoryPoint:
    given = ("result_id", "required", "actual", "gap", "surplus")
    return HistoryPoint(
        **{name: score[name] for name in given}, assessed_on=days[score["result_id"]]
    )


# --- against a seat -----------------------------------------------------------------------

NOT_JUDGED: Final = Bilingual(
    "Golongan, pendidikan, dan syarat lain untuk jabatan ini tidak dinilai di sini.",
    "Golongan, education and other conditions of the position are not judged here.",
)
IN_WORDS: Final[Mapping[str, Bilingual]] = {
    "never": Bilingual(
        "Belum pernah dinilai; yang dipersyaratkan jabatan ada di bawah.",
        "Never assessed yet; below is what the position requires.",
    ),
    "expired": Bilingual(
        "Hasil terakhir tidak berlaku lagi: perlu penilaian baru. ",
        "The last result is no longer valid: a new assessment is needed. ",
    ),
    "fits": Bilingual("Semua level yang dipersyaratkan tercapai.", "Every level is reached."),
    "gaps": Bilingual("Yang perlu dikembangkan: {gaps}.", "To be developed: {gaps}."),
    "gap": Bilingual("{name} ({gap} level)", "{name} ({gap} levels)"),
    "not_measured": Bilingual("Yang belum terukur: {names}.", "Not measured: {names}."),
}


async def compare(
    reader: Reader, actor: Actor, employee_id: UUID, position_id: UUID | None, language: Language
) -> SeatComparison:
    """What the person would need for that seat, or for their own.

    Errors: NotFound, also where none is named and they hold none.
    """
    subject = await find(reader, actor, employee_id)
    if position_id is None:
        position = await own_place(reader, actor, subject)
        if position is None:
            raise NotFound
    else:
        position = await position_today(reader, position_id)
    standard = (await required_levels(reader, position.id, today())).by_code
    scores = await scores_of(reader, subject.result["id"]) if subject.result else ()
    levels: dict[str, Decimal | None] = {score["code"]: score["actual"] for score in scores}
    found = fit(levels, {code: each.level for code, each in standard.items()})
    counts = subject.standing is ResultStanding.IN_FORCE
    needs = [_need(each, levels.get(code), found) for code, each in standard.items()]
    return SeatComparison(
        person=subject.person,
        position=position,
        as_of=today(),
        standing=subject.standing,
        result_id=subject.result["id"] if subject.result else None,
        percent=found.percent if subject.result else None,
        fits=found.fits and counts,
        needs=sorted(needs, key=lambda need: -(need.gap or 0)),
        in_words=_in_words(subject.standing, found, standard, language),
        not_judged=NOT_JUDGED.text(language),
    )


def _need(each: RequiredLevel, actual: Decimal | None, found: Fit) -> SeatNeed:
    measured = actual is not None
    none = Decimal("0.00") if measured else None
    return SeatNeed(
        competency_id=each.competency_id,
        code=each.code,
        name=each.name,
        kind=each.kind,
        required=each.level,
        actual=actual,
        gap=found.gaps.get(each.code, none),
        surplus=found.surplus.get(each.code, none),
        measured=measured,
        source=each.source,
    )


def _in_words(
    standing: ResultStanding,
    found: Fit,
    standard: Mapping[str, RequiredLevel],
    language: Language,
) -> str:
    def said(key: str, **values: str) -> str:
        return IN_WORDS[key].text(language).format(**values)

    if standing is ResultStanding.NOT_ASSESSED:
        return said("never")
    gaps = (
        said("gap", name=standard[code].name, gap=words.number(gap, language))
        for code, gap in found.gaps.items()
    )
    sentences = [
        said("fits") if found.fits else "",
        said("gaps", gaps=", ".join(gaps)) if found.gaps else "",
        said("not_measured", names=", ".join(standard[c].name for c in found.not_measured))
        if found.not_measured
        else "",
    ]
    expired = said("expired") if standing is ResultStanding.EXPIRED else ""
    return expired + " ".join(sentence for sentence in sentences if sentence)
