"""Dated rule packs: every number taken from a regulation, as data with its source.

A pack is one TOML file under ``packs/``. Several packs of one kind follow each other in
time; :func:`pack` finds the one in force on a day. A figure computed from a pack travels as
:class:`Ruled`, so that it can be explained and replayed later.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Confidence(StrEnum):
    """How sure we are that the pack says what the law says."""

    HIGH = "H"
    MEDIUM = "M"
    LOW = "L"


class RulePackMissing(LookupError):
    """No pack of this kind was in force on that day."""

    def __init__(self, kind: str, on: date) -> None:
        super().__init__(f"no rule pack of kind {kind!r} in force on {on.isoformat()}")
        self.kind = kind
        self.on = on


class RulePackUnknown(LookupError):
    """No pack has this id and version."""

    def __init__(self, rule_id: str) -> None:
        super().__init__(f"no rule pack {rule_id!r}")
        self.rule_id = rule_id


@dataclass(frozen=True, slots=True)
class Ruled(Generic[T]):
    """A value together with the rule that gave it."""

    value: T
    pack_id: str
    pack_version: str
    source: str

    @property
    def rule_id(self) -> str:
        """The pack and version that gave the value, as it is stored beside it."""
        return f"{self.pack_id}@{self.pack_version}"


@dataclass(frozen=True, slots=True)
class RulePack:
    """One version of one rule, read only."""

    kind: str
    id: str
    version: str
    effective_from: date
    source: str
    confidence: Confidence
    values: Mapping[str, Any]

    @property
    def rule_id(self) -> str:
        """The pack and its version, as they are stored beside what was computed by it."""
        return f"{self.id}@{self.version}"

    def ruled(self, value: T) -> Ruled[T]:
        """Mark a value as computed by this pack."""
        return Ruled(value, self.id, self.version, self.source)

    def integer(self, *path: str) -> int:
        """The whole number at this path; a pack without it is a defect (KeyError, TypeError)."""
        return _typed(self._at(path), int)

    def decimal(self, *path: str) -> Decimal:
        """The decimal at this path; packs write decimals as text, to stay exact."""
        return Decimal(_typed(self._at(path), str))

    def flag(self, *path: str) -> bool:
        """The switch at this path."""
        return _typed(self._at(path), bool)

    def text(self, *path: str) -> str:
        """The text at this path."""
        return _typed(self._at(path), str)

    def dates(self, *path: str) -> tuple[date, ...]:
        """The list of days at this path."""
        return tuple(_typed(item, date) for item in _typed(self._at(path), tuple))

    def table(self, *path: str) -> Mapping[str, Any]:
        """The table at this path, in the order of the file."""
        return _typed(self._at(path), MappingProxyType)

    def texts(self, *path: str) -> tuple[str, ...]:
        """The list of texts at this path."""
        return tuple(_typed(item, str) for item in _typed(self._at(path), tuple))

    def _at(self, path: tuple[str, ...]) -> Any:
        found: Any = self.values
        for step in path:
            found = found[step]
        return found


def pack(kind: str, on: date) -> RulePack:
    """The pack of this kind in force on a day; RulePackMissing where there is none."""
    for candidate in _packs_newest_first().get(kind, ()):
        if candidate.effective_from <= on:
            return candidate
    raise RulePackMissing(kind, on)


def by_rule_id(rule_id: str) -> RulePack:
    """The pack of a stored `pack-id@version`, whatever is in force; RulePackUnknown."""
    try:
        return _packs_by_rule_id()[rule_id]
    except KeyError:
        raise RulePackUnknown(rule_id) from None


def all_packs() -> Iterator[RulePack]:
    """Every known pack, kind by kind, newest first."""
    for versions in _packs_newest_first().values():
        yield from versions


@cache
def _packs_by_rule_id() -> Mapping[str, RulePack]:
    return {pack.rule_id: pack for pack in all_packs()}


@cache
def _packs_newest_first() -> Mapping[str, tuple[RulePack, ...]]:
    found: dict[str, list[RulePack]] = {}
    for file in sorted(files(__name__).joinpath("packs").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            read = _read(file.read_text(encoding="utf-8"))
            found.setdefault(read.kind, []).append(read)
    return {
        kind: tuple(sorted(packs, key=lambda pack: pack.effective_from, reverse=True))
        for kind, packs in sorted(found.items())
    }


def _read(text: str) -> RulePack:
    head = tomllib.loads(text)
    values = head.pop("values")
    return RulePack(
        kind=_typed(head.pop("kind"), str),
        id=_typed(head.pop("id"), str),
        version=_typed(head.pop("version"), str),
        effective_from=_typed(head.pop("effective_from"), date),
        source=_typed(head.pop("source"), str),
        confidence=Confidence(head.pop("confidence")),
        values=_frozen(values),
    )


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value


def _typed(value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"a rule pack holds {type(value).__name__}, expected {kind.__name__}")
    return value
