"""The radar chart: read by an XML parser, measured, and kept within a strict policy."""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.radar import ASSESSED, BACKGROUND, GRID, REQUIRED, TEXT, Axis, Language, radar

SVG = "{http://www.w3.org/2000/svg}"
LABELS = [
    "Integritas",
    "Kerja Sama",
    "Komunikasi",
    "Orientasi pada Hasil",
    "Pelayanan Publik",
    "Pengembangan Diri dan Orang Lain",
    "Mengelola Perubahan",
    "Pengambilan Keputusan",
    "Perekat Bangsa",
]
# What only refers to itself or says how to draw; no style, class, href or event among them.
ATTRIBUTES = {
    "aria-labelledby", "cx", "cy", "fill", "font-family", "font-size", "height", "id", "lang",
    "paint-order", "points", "r", "role", "stroke", "stroke-dasharray", "stroke-width",
    "text-anchor", "viewBox", "width", "x", "y",
}  # fmt: skip
ELEMENTS = {"svg", "title", "desc", "rect", "circle", "polyline", "text"}

levels = st.decimals(0, 5, places=2)
axes_of_all_kinds = st.lists(
    st.builds(Axis, st.text(max_size=80), levels, st.none() | levels), min_size=1, max_size=20
)


def axes(count: int, *, actual: Decimal | None = Decimal("2.5")) -> list[Axis]:
    return [Axis(LABELS[place % len(LABELS)], 3, actual) for place in range(count)]


def drawn(of: list[Axis], language: Language = "id") -> ElementTree.Element:
    return ElementTree.fromstring(
        radar(of, title="Peta kompetensi", description="Perbandingan.", language=language)
    )


def texts(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


def lines(root: ElementTree.Element, colour: str) -> list[ElementTree.Element]:
    """The lines of a series without its sample in the legend, which lies flat and is 40 long."""
    found = [line for line in root.iter(f"{SVG}polyline") if line.get("stroke") == colour]
    return found[:-1]


# --- Form -------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(axes_of_all_kinds, st.text(max_size=90), st.text(max_size=90))
def test_any_text_gives_valid_xml_that_a_strict_policy_shows(
    of: list[Axis], title: str, description: str
) -> None:
    text = radar(of, title=title, description=description, language="id")
    root = ElementTree.fromstring(text)
    assert text == radar(of, title=title, description=description, language="id")
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in ELEMENTS
        assert set(element.keys()) <= ATTRIBUTES
        assert "url(" not in "".join(element.attrib.values())


def test_markup_in_a_label_stays_text() -> None:
    label = "<script>\"R&D\"</script> 'x'"
    root = drawn([Axis(label, 3, None)])
    assert label.replace(" ", "") in "".join(texts(root)).replace(" ", "")
    assert f"{label}: syarat 3, belum dinilai." in (root.findtext(f"{SVG}desc") or "")


def test_control_characters_are_replaced() -> None:
    root = drawn([Axis("a\x00b\x1bc\ud800d\ne", 3, None)])
    assert "a\ufffdb\ufffdc\ufffdd e" in texts(root)


def test_it_is_an_image_named_and_described() -> None:
    root = drawn([Axis("Integritas", 3, Decimal("2.50")), Axis("Kerja Sama", 4, None)])
    assert root.get("role") == "img"
    assert root.get("lang") == "id"
    named = [element.get("id") for element in (root[0], root[1])]
    assert (root.get("aria-labelledby") or "").split() == named
    assert root[0].text == "Peta kompetensi"
    assert root[1].text == (
        "Perbandingan. Integritas: syarat 3, hasil 2,5. Kerja Sama: syarat 4, belum dinilai."
    )


def test_it_speaks_english() -> None:
    root = drawn([Axis("Integrity", 3, Decimal("2.5")), Axis("Teamwork", 4, None)], "en")
    assert "Integrity: required 3, assessed 2.5. Teamwork: required 4, not assessed." in (
        root[1].text or ""
    )


def test_there_is_no_chart_of_nothing() -> None:
    with pytest.raises(ValueError, match="axis"):
        drawn([])


@pytest.mark.parametrize("level", [Decimal("-0.01"), Decimal("5.01"), Decimal("NaN")])
def test_a_level_is_on_the_scale(level: Decimal) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        Axis("Integritas", 3, level)


# --- Drawing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 4, 9, 20])
def test_levels_are_joined_all_round(count: int) -> None:
    root = drawn(axes(count))
    assert len(lines(root, REQUIRED)) == len(lines(root, ASSESSED)) == count


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_axes_for_an_area_are_bars(count: int) -> None:
    root = drawn(axes(count))
    assert len(lines(root, REQUIRED)) == len(lines(root, ASSESSED)) == count
    bars = [*lines(root, REQUIRED), *lines(root, ASSESSED)]
    feet = {(bar.get("points") or "").split()[1] for bar in bars}
    assert feet == {"-9,0", "9,0"}  # beside the axis, not upon each other
    assert all(
        start.split(",")[0] == foot.split(",")[0]
        for start, foot in ((bar.get("points") or "").split() for bar in bars)
    )


def test_an_axis_not_assessed_leaves_a_gap_and_says_so() -> None:
    of = axes(6)
    of[2] = Axis("Komunikasi", 3, None)
    root = drawn(of)
    assert len(lines(root, REQUIRED)) == 6
    assert len(lines(root, ASSESSED)) == 4
    dots = [dot for dot in root.iter(f"{SVG}circle") if dot.get("fill") == ASSESSED]
    assert len(dots) == 5 + 1  # one in the legend
    assert texts(root).count("syarat 3, belum dinilai") == 1


def test_a_level_is_drawn_where_the_scale_has_it() -> None:
    root = drawn([Axis("Integritas", 5, 0), *axes(3)])
    start = (lines(root, REQUIRED)[0].get("points") or "").split()[0]
    assert start == "0,-200"
    assert (lines(root, ASSESSED)[0].get("points") or "").split()[0] == "0,0"


def test_series_differ_without_colour() -> None:
    root = drawn(axes(3))
    assert {line.get("stroke-dasharray") for line in lines(root, REQUIRED)} == {"7 4"}
    assert {line.get("stroke-dasharray") for line in lines(root, ASSESSED)} == {"none"}
    squares = [mark for mark in root.iter(f"{SVG}rect") if mark.get("stroke") == REQUIRED]
    dots = [mark for mark in root.iter(f"{SVG}circle") if mark.get("fill") == ASSESSED]
    assert len(squares) == len(dots) == 3 + 1
    assert {"Level yang dipersyaratkan", "Level hasil penilaian"} <= set(texts(root))


# --- Seen -------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Relative luminance after WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_suffices() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast(TEXT, BACKGROUND) >= 4.5
    assert min(contrast(colour, BACKGROUND) for colour in (REQUIRED, ASSESSED, GRID)) >= 3
    root = drawn(axes(5))
    colours = {element.get("stroke") for element in root.iter()} - {None}
    assert colours == {BACKGROUND, REQUIRED, ASSESSED, GRID}  # the first around numbers
    assert {text.get("fill") for text in root.iter(f"{SVG}text")} == {TEXT}


Box = tuple[float, float, float, float]


def boxes(root: ElementTree.Element) -> Iterator[tuple[str, Box]]:
    """Where texts are, were letters as wide as Arial's widest usual ones."""
    for text in root.iter(f"{SVG}text"):
        if not re.fullmatch("[0-5]", text.text or ""):  # the numbers of the scale
            size = float(text.get("font-size") or 14)
            width = size * sum(0.94 if letter == "W" else 0.6 for letter in text.text or "")
            x, y = float(text.get("x") or 0), float(text.get("y") or 0)
            left = (
                x - {"start": 0.0, "middle": width / 2, "end": width}[text.get("text-anchor", "")]
            )
            yield text.text or "", (left, y - size, left + width, y + 0.25 * size)


def overlap(one: Box, other: Box) -> bool:
    return (
        one[0] < other[2] and other[0] < one[2] and one[1] < other[3] - 1 and other[1] < one[3] - 1
    )


@pytest.mark.parametrize("label", ["Pengembangan Diri dan Orang Lain", "Panjang " * 20, "x" * 90])
@pytest.mark.parametrize("count", range(1, 21))
def test_no_label_is_cut_off_or_covers_another(count: int, label: str) -> None:
    root = ElementTree.fromstring(
        radar([Axis(label, 3, None)] * count, title="W" * 150, description="", language="id")
    )
    left, top, width, height = map(float, (root.get("viewBox") or "").split())
    found = list(boxes(root))
    words = "".join(text for text, _ in found)
    assert words.replace(" ", "").count(label.replace(" ", "")) >= 1
    for _, box in found:
        assert left <= box[0]
        assert box[2] <= left + width
        assert top <= box[1]
        assert box[3] <= top + height
    for (one, a), (other, b) in combinations(found, 2):
        assert not overlap(a, b), (one, other)
    assert min(-left, left + width, -top, top + height) > 200  # the whole circle, too
