"""What the rule packs say of a position: the age of retirement and the staff needed."""

from datetime import date
from decimal import Decimal

from app.errors import Bilingual, FieldError, Invalid
from app.rules import RulePackMissing, abk, bup
from app.schemas.positions import OwnRetirementAge, WorkloadTask
from app.vocabulary import Jenjang, JobKind


def age_of(
    kind: JobKind, jenjang: Jenjang | None, own: OwnRetirementAge | None, on: date
) -> dict[str, object]:
    """BUP: the position's own, with its basis, or that of the rule pack of the day."""
    if own is not None:
        return {"retirement_age": own.age, "retirement_age_rule": f"own: {own.basis}"}
    try:
        ruled = bup.retirement_age(kind, jenjang, on)
    except RulePackMissing as error:
        raise _no_rule("/own_retirement_age", on) from error
    return {"retirement_age": ruled.value, "retirement_age_rule": ruled.rule_id}


def need_of(workload: list[WorkloadTask], on: date) -> dict[str, object]:
    """The workload as it is stored, and the staff that it needs by the rule pack of the day."""
    stored = [task.model_dump(mode="json") for task in workload]
    if not workload:
        return {"workload": stored, "workload_need": None, "workload_rule": None}
    try:
        ruled = abk.needed_staff(amounts(workload), on)
    except RulePackMissing as error:
        raise _no_rule("/workload", on) from error
    return {"workload": stored, "workload_need": ruled.value, "workload_rule": ruled.rule_id}


def _no_rule(pointer: str, on: date) -> Invalid:
    detail = Bilingual(
        f"Tidak ada aturan yang tercatat untuk {on}.", f"No rule is recorded for {on}."
    )
    return Invalid(errors=[FieldError(pointer, "no_rule_then", detail)])


def amounts(workload: list[WorkloadTask]) -> list[tuple[Decimal, Decimal]]:
    """Volume and minutes of each task, as `app.rules.abk` takes them."""
    return [(task.volume, task.minutes) for task in workload]
