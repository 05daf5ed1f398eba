"""Who leads whom in the demo government on a day."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Final

from app.demo.organisation import Position
from app.demo.population import Population
from app.vocabulary import JobKind

_RANKS: Final = {JobKind.JPT_PRATAMA: 3, JobKind.ADMINISTRATOR: 2, JobKind.PENGAWAS: 1}


class Chart:
    """Who holds which position on a day, and who leads whom: as `app.superiors` tells it."""

    def __init__(self, made: Population, day: date) -> None:
        self.units = made.organisation.units_on(day)
        in_force = {
            position.code: position
            for position in made.organisation.positions
            if position.since <= day < (position.until or date.max)
        }
        self.seats: dict[int, Position] = {
            number: in_force[job.position_code]
            for number, person in enumerate(made.people)
            for job in person.jobs
            if job.since <= day < (job.until or date.max) and job.position_code in in_force
        }
        self._positions = in_force.values()
        self._superiors: dict[int, list[int]] = {}

    @cached_property
    def _leaders(self) -> Mapping[str, Sequence[Position]]:
        """The highest managerial positions of each unit."""
        found: defaultdict[str, list[Position]] = defaultdict(list)
        for position in sorted(self._positions, key=lambda p: -_RANKS.get(p.kind, 0)):
            rank, first = _RANKS.get(position.kind, 0), found[position.unit_code][:1]
            if rank and all(_RANKS[each.kind] == rank for each in first):
                found[position.unit_code].append(position)
        return found

    @cached_property
    def _holders(self) -> Mapping[str, Sequence[int]]:
        found: defaultdict[str, list[int]] = defaultdict(list)
        for number, position in self.seats.items():
            found[position.code].append(number)
        return found

    def superiors(self, person: int) -> list[int]:
        """Who leads a person, nearest first."""
        if person not in self._superiors:
            self._superiors[person] = self._above(person)
        return self._superiors[person]

    def _above(self, person: int) -> list[int]:
        position = self.seats[person]
        unit: str | None = position.unit_code
        if position in self._leaders.get(position.unit_code, ()):
            unit = self.units[position.unit_code].parent_code
        found: list[int] = []
        while unit is not None:
            for leading in self._leaders.get(unit, ()):
                found += self._holders.get(leading.code, ())
            unit = self.units[unit].parent_code
        return found

    def subordinates(self, person: int) -> list[int]:
        """Whom a person leads without anybody between them."""
        return [each for each in self.seats if self.superiors(each)[:1] == [person]]

    def peers(self, person: int) -> Iterator[int]:
        """People of the same agency whom they neither lead nor are led by, nearest first."""
        agency = self.seats[person].unit_code.split(".")[0]
        unit = self.seats[person].unit_code
        others = [n for n, p in self.seats.items() if p.unit_code.split(".")[0] == agency]
        others.sort(key=lambda n: self.seats[n].unit_code != unit)
        above = self.superiors(person)
        for other in others:
            if other != person and other not in above and person not in self.superiors(other):
                yield other

    def vacant_leading_positions(self) -> list[Position]:
        """What somebody may be promoted to."""
        wanted = (JobKind.ADMINISTRATOR, JobKind.PENGAWAS)
        return [p for p in self._positions if p.kind in wanted and p.code not in self._holders]
