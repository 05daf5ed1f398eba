"""Golongan: their order, the pangkat they carry, and which status may hold which."""

from datetime import date
from functools import cache

from app.rules import Ruled, pack
from app.vocabulary import EmploymentStatus, Golongan


def order(golongan: Golongan) -> int:
    """Place within its own ladder, from 1: I/a to IV/e for PNS, I to XVII for PPPK."""
    return ladder(golongan).index(golongan) + 1


def ladder(golongan: Golongan) -> tuple[Golongan, ...]:
    """The ladder this golongan stands on, lowest first. The two ladders don't compare."""
    return tuple(other for other in Golongan if other.is_pns == golongan.is_pns)


def pangkat(golongan: Golongan, on: date) -> Ruled[str] | None:
    """Name of the rank (`Penata Muda`), None for PPPK, who have none."""
    rule = pack("golongan", on)
    name = rule.table("pangkat").get(golongan)
    return None if name is None else rule.ruled(str(name))


@cache
def allowed_golongan(status: EmploymentStatus, on: date) -> Ruled[tuple[Golongan, ...]]:
    """The golongan that someone of this status may hold, lowest first."""
    rule = pack("golongan", on)
    low, high = (Golongan(text) for text in rule.texts("range", status))
    steps = ladder(low)
    return rule.ruled(steps[steps.index(low) : steps.index(high) + 1])
