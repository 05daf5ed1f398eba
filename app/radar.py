"""A radar chart of required and assessed levels as one standalone, accessible SVG.

Pure: figures in, text out, the same text for the same figures. The SVG carries no script, no
style and no reference to anything outside it, so that the strictest Content-Security-Policy
shows it whole. What the drawing shows its description says in words, and the two series differ
in dash and marker as well as in colour.

Labels stand in columns beside the circle, joined to their axes by leaders: so they overlap for
no number of axes and no length of label. The centre of the circle is the origin, and the frame
is drawn around whatever was placed.
"""

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import cos, pi, sin
from typing import Final, Literal
from xml.sax.saxutils import escape, quoteattr

LEVELS: Final = 5  # the scale runs from 0 in the centre to 5 at the rim

# On white: text at 4.5:1 or better, graphics at 3:1 or better (WCAG 2.2, 1.4.3 and 1.4.11).
BACKGROUND: Final = "#ffffff"
TEXT: Final = "#1f2933"
REQUIRED: Final = "#1d4ed8"
ASSESSED: Final = "#b45309"
GRID: Final = "#7b8794"

_RADIUS = 200.0
_FONT_SIZE, _LINE_HEIGHT, _GAP, _MARGIN = 14, 18, 10, 20
_LEADER = 40.0  # from the rim to the columns of labels
_LABEL_COLUMNS, _TITLE_COLUMNS = 24, 60
_HALO: Final[dict[str, str | float]] = {
    "stroke": BACKGROUND,
    "stroke_width": 4,
    "paint_order": "stroke",
}

Language = Literal["id", "en"]
Level = Decimal | int
_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """One competency: the level required and the level found, None where not assessed yet.

    Raises ValueError for a level outside 0 to 5.
    """

    label: str
    required: Level
    actual: Level | None

    def __post_init__(self) -> None:
        for level in (self.required, self.actual):
            if level is not None and not 0 <= level <= LEVELS:
                raise ValueError(f"{level} is not on the scale 0 to {LEVELS}")


def radar(axes: Sequence[Axis], *, title: str, description: str, language: Language) -> str:
    """The chart as one `<svg>` document; raises ValueError without any axis.

    `description` opens the text alternative, a sentence for each axis follows. An axis that is
    not assessed has no point, breaks the line of the assessed levels and says so.
    """
    if not axes:
        raise ValueError("a radar chart has at least one axis")
    words = _WORDS[language]
    labels = _labels(axes, words)
    texts = [
        *_heading(title, above=min(label.top for label in labels)),
        *_legend(words, below=max(_RADIUS, *(label.bottom for label in labels))),
        *labels,
    ]
    drawing = [
        *_grid(len(axes)),
        *_series([axis.required for axis in axes], _REQUIRED),
        *_series([axis.actual for axis in axes], _ASSESSED),
        *(mark for text in texts for mark in text.marks()),
    ]
    sentences = [description, *(f"{axis.label}: {words.figures(axis)}." for axis in axes)]
    return _document(texts, drawing, title, " ".join(sentences), language)


# --- Words ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Words:
    required: str
    assessed: str
    not_assessed: str
    legend_required: str
    legend_assessed: str
    scale: str
    decimal_sign: str

    def figures(self, axis: Axis) -> str:
        required = f"{self.required} {self._number(axis.required)}"
        if axis.actual is None:
            return f"{required}, {self.not_assessed}"
        return f"{required}, {self.assessed} {self._number(axis.actual)}"

    def _number(self, level: Level) -> str:
        text = f"{Decimal(level):.2f}".rstrip("0").rstrip(".")
        return text.replace(".", self.decimal_sign)


_WORDS: Final = {
    "id": _Words(
        required="syarat",
        assessed="hasil",
        not_assessed="belum dinilai",
        legend_required="Level yang dipersyaratkan",
        legend_assessed="Level hasil penilaian",
        scale="Skala 0 (pusat) sampai 5 (tepi)",
        decimal_sign=",",
    ),
    "en": _Words(
        required="required",
        assessed="assessed",
        not_assessed="not assessed",
        legend_required="Required level",
        legend_assessed="Assessed level",
        scale="Scale 0 (centre) to 5 (rim)",
        decimal_sign=".",
    ),
}


# --- The circle -------------------------------------------------------------------------------


def _at(place: float, axes: int, radius: float, beside: float = 0) -> _Point:
    """A point on an axis or beside it; the first axis points up, the others go clockwise."""
    angle = 2 * pi * place / axes
    x, y = sin(angle), -cos(angle)
    return radius * x - beside * y, radius * y + beside * x


def _grid(axes: int) -> Iterator[str]:
    for level in range(1, LEVELS + 1):
        yield _tag("circle", r=_on_scale(level), fill="none", stroke=GRID)
    for place in range(axes):
        yield _line([(0, 0), _at(place, axes, _RADIUS)], stroke=GRID)
    for level in range(LEVELS + 1):  # half-way to the next axis, where no marker stands
        x, y = _at(0.5, max(axes, 2), _on_scale(level))
        yield _text(str(level), x, y + _FONT_SIZE / 3, text_anchor="middle", **_HALO)


def _on_scale(level: Level) -> float:
    return _RADIUS * float(level) / LEVELS


@dataclass(frozen=True, slots=True)
class _Look:
    """How a series is told from the other without its colour, too."""

    colour: str
    dashes: str
    beside: float  # of the axis, where the series is drawn as bars
    marker: Callable[[_Point], str]


def _square(at: _Point) -> str:
    """Hollow and larger than a dot, which shows within it where levels are equal."""
    x, y = at[0] - 7, at[1] - 7
    return _tag("rect", x=x, y=y, width=14, height=14, fill="none", stroke=REQUIRED, stroke_width=2)


def _dot(at: _Point) -> str:
    return _tag("circle", cx=at[0], cy=at[1], r=4.5, fill=ASSESSED)


_REQUIRED: Final = _Look(REQUIRED, "7 4", -9, _square)
_ASSESSED: Final = _Look(ASSESSED, "none", 9, _dot)


def _series(levels: Sequence[Level | None], look: _Look) -> Iterator[str]:
    """Lines from point to point, none to or from a missing one; bars where no area can be."""
    axes, is_area = len(levels), len(levels) > 2
    beside = 0 if is_area else look.beside
    points = [
        None if level is None else _at(place, axes, _on_scale(level), beside)
        for place, level in enumerate(levels)
    ]
    feet = [_at(place, axes, 0, beside) for place in range(axes)]
    for start, end in zip(points, [*points[1:], points[0]] if is_area else feet, strict=True):
        if start is not None and end is not None:
            yield _line([start, end], look)
    yield from (look.marker(point) for point in points if point is not None)


# --- Texts beside it --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines of text below `top`; `x` is their start, middle or end after `anchor`."""

    lines: Sequence[str]
    x: float
    top: float
    anchor: str
    leader: Sequence[_Point] = ()
    look: _Look | None = None  # for an entry of the legend
    size: int = _FONT_SIZE

    @property
    def bottom(self) -> float:
        return self.top + self.line_height * len(self.lines)

    @property
    def line_height(self) -> int:
        return _LINE_HEIGHT + self.size - _FONT_SIZE

    @property
    def reach(self) -> float:
        """How far from the middle of the drawing the text may go, left or right."""
        width = max(map(_width, self.lines)) * self.size / _FONT_SIZE
        return abs(self.x) + (width / 2 if self.anchor == "middle" else width)

    def marks(self) -> Iterator[str]:
        if self.leader:
            yield _line(self.leader, stroke=GRID)
        if self.look:
            middle = self.top + _LINE_HEIGHT / 2
            yield _line([(self.x - 50, middle), (self.x - 10, middle)], self.look)
            yield self.look.marker((self.x - 30, middle))
        for number, line in enumerate(self.lines):
            baseline = self.top + self.line_height * number + self.size
            yield _text(line, self.x, baseline, text_anchor=self.anchor, font_size=self.size)


def _labels(axes: Sequence[Axis], words: _Words) -> list[_Block]:
    """The first label above, one below if an axis points there, the others left and right."""
    texts = [
        [*textwrap.wrap(_plain(axis.label), _LABEL_COLUMNS), words.figures(axis)] for axis in axes
    ]
    half = (len(axes) + 1) // 2
    right = range(1, half)
    left = range(len(axes) - 1, len(axes) // 2, -1)
    blocks = [_poled(texts[0], -1), *_column(texts, right, 1), *_column(texts, left, -1)]
    if len(axes) % 2 == 0:
        blocks.append(_poled(texts[half], 1))
    return blocks


def _poled(lines: Sequence[str], side: int) -> _Block:
    """A label straight above (-1) or below (1) the circle."""
    near = side * (_RADIUS + _LEADER)
    top = near - _LINE_HEIGHT * len(lines) if side < 0 else near
    return _Block(lines, 0, top, "middle", leader=[(0, side * _RADIUS), (0, near)])


def _column(texts: Sequence[Sequence[str]], places: Sequence[int], side: int) -> Iterator[_Block]:
    """Labels to the right (1) or left (-1), each as near to its axis as the others allow."""
    x = side * (_RADIUS + _LEADER)
    heights = [_LINE_HEIGHT * len(texts[place]) for place in places]
    wanted = [
        _at(place, len(texts), _RADIUS + _LEADER / 2)[1] - height / 2
        for place, height in zip(places, heights, strict=True)
    ]
    for place, height, top in zip(places, heights, _apart(wanted, heights), strict=True):
        leader = [_at(place, len(texts), _RADIUS), (x - side * 6, top + height / 2)]
        yield _Block(texts[place], x, top, "start" if side > 0 else "end", leader)


def _apart(wanted: Sequence[float], heights: Sequence[int]) -> list[float]:
    """Tops in the given order, moved down then up just so far that no two overlap."""
    extent = max(_RADIUS + _LEADER, (sum(heights) + _GAP * len(heights)) / 2)
    tops, free = [], -extent
    for top, height in zip(wanted, heights, strict=True):
        tops.append(max(top, free))
        free = tops[-1] + height + _GAP
    free = extent
    for place in reversed(range(len(tops))):
        tops[place] = min(tops[place], free - heights[place])
        free = tops[place] - _GAP
    return tops


def _heading(title: str, *, above: float) -> Iterator[_Block]:
    lines = textwrap.wrap(_plain(title), _TITLE_COLUMNS)
    if lines:
        block = _Block(lines, 0, above, "middle", size=_FONT_SIZE + 2)
        yield replace(block, top=2 * above - block.bottom - _LINE_HEIGHT)


def _legend(words: _Words, *, below: float) -> Iterator[_Block]:
    top = below + _LINE_HEIGHT
    entries = ((words.legend_required, _REQUIRED), (words.legend_assessed, _ASSESSED))
    for number, (text, look) in enumerate(entries):
        yield _Block([text], -70, top + 24 * number, "start", look=look)
    yield _Block([words.scale], -120, top + 48, "start")


def _width(line: str) -> float:
    """Pixels at the usual font size, rather too many: which font there is nobody knows."""
    return sum(_character_width(character) for character in line)


def _character_width(character: str) -> float:
    if character in "MWmw%@" or ord(character) > 0x2E7F:  # and the square scripts
        return _FONT_SIZE
    return 0.75 * _FONT_SIZE if character.isupper() else 0.62 * _FONT_SIZE


# --- SVG --------------------------------------------------------------------------------------


def _document(
    texts: Sequence[_Block],
    drawing: Iterable[str],
    title: str,
    description: str,
    language: Language,
) -> str:
    left = -max(_RADIUS, *(text.reach for text in texts)) - _MARGIN
    top = min(text.top for text in texts) - _MARGIN
    width, height = -2 * left, max(text.bottom for text in texts) + _MARGIN - top
    return _tag(
        "svg",
        _tag("title", escape(_plain(title)), id="radar-title"),
        _tag("desc", escape(_plain(description)), id="radar-desc"),
        _tag("rect", x=left, y=top, width=width, height=height, fill=BACKGROUND),
        *drawing,
        xmlns="http://www.w3.org/2000/svg",
        lang=language,
        role="img",
        aria_labelledby="radar-title radar-desc",
        viewBox=" ".join(map(_number, (left, top, width, height))),
        width=width,
        height=height,
        font_family="sans-serif",
        font_size=_FONT_SIZE,
    )


def _line(points: Sequence[_Point], look: _Look | None = None, **attributes: str) -> str:
    if look:
        attributes = {"stroke": look.colour, "stroke_dasharray": look.dashes, "stroke_width": "2.5"}
    path = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
    return _tag("polyline", points=path, fill="none", **attributes)


def _text(text: str, x: float, y: float, **attributes: str | float) -> str:
    return _tag("text", escape(text), x=x, y=y, fill=TEXT, **attributes)


def _tag(tag: str, *children: str, **attributes: str | float) -> str:
    """An element; its children are XML already, its attributes not yet."""
    written = "".join(
        f" {name.replace('_', '-')}={quoteattr(_number(value))}"
        for name, value in attributes.items()
    )
    return f"<{tag}{written}>{''.join(children)}</{tag}>"


def _number(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{round(value, 1) + 0:g}"  # + 0: never -0


_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _plain(text: str) -> str:
    """The text on one line, without the characters that XML can't carry even escaped."""
    return " ".join(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text).split())
