"""Standar kompetensi: the level that a position asks for unless its own standard says otherwise."""

from collections.abc import Mapping
from datetime import date

from app.rules import Ruled, pack
from app.vocabulary import Jenjang, JobKind


def default_level(kind: JobKind, jenjang: Jenjang | None, on: date) -> Ruled[int]:
    """Level 1 to 5 for each of the nine managerial and socio-cultural competencies.

    PermenPANRB 38/2017, by tier; for fungsional by jenjang, without which there is none:
    ValueError. RulePackMissing before the first rule. Technical competencies have no default.
    """
    rule = pack("required_levels", on)
    if kind is not JobKind.FUNGSIONAL:
        return rule.ruled(rule.integer("job_kind", kind))
    if jenjang is None:
        raise ValueError("a fungsional position needs its jenjang to have a required level")
    return rule.ruled(rule.integer("jenjang", jenjang))


def default_levels(on: date) -> Ruled[Mapping[str, int]]:
    """All of them: by kind of job, and for fungsional by jenjang."""
    rule = pack("required_levels", on)
    return rule.ruled({**rule.table("job_kind"), **rule.table("jenjang")})
