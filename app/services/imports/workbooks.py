"""Looking at an XLSX file before anything trusts it: size once unpacked, positions, errors.

The reader of workbooks unpacks a whole sheet and lays it out as one rectangle, so a small
file may claim a vast one. It also turns formula errors into empty cells. Both are seen here,
on the raw XML. A text shared by many cells is copied for each of them: that counts too.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from io import BytesIO
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from app.services.imports.words import UnreadableFile

MAX_UNPACKED: Final = 600 * 1024 * 1024
MAX_TEXT: Final = 1024 * 1024 * 1024
MAX_ROWS: Final = 200_000
MAX_COLUMNS: Final = 200

_MAX_MEMBERS: Final = 5_000
_CHUNK: Final = 1 << 20
_CARRIED: Final = 1 << 16
# A cell whose position isn't plainly within A1:GR199999 is looked at closely. A search of
# the whole sheet for the exception costs a tenth of reading every position.
_ODD_CELL: Final = re.compile(
    rb'<(?:\w+:)?c(?=[\s/>])(?! r="(?:[A-Z]|[A-F][A-Z]|G[A-R])(?:1\d{5}|\d{1,5})")[^>]*>'
)
_POSITION: Final = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
_ERROR_CELL: Final = re.compile(
    rb'<(?:\w+:)?c [^>]*t="e"[^>]*>(?:[^#]{0,8192}?<(?:\w+:)?v>(#[^<]{1,20}))?'
)
_STRING_END: Final = re.compile(rb"</(?:\w+:)?si>")
_STRING_CELL: Final = re.compile(rb"""\st\s*=\s*["']s["'][^>]*>\s*<(?:\w+:)?v>(\d{1,9})<""")
_LONGEST_TAG: Final = 64
_SHORTEST_STRING_CELL: Final = 25  # bytes of <c r="A1" t="s"><v>0</v>
_DATE_1904: Final = re.compile(rb"""\sdate1904\s*=\s*["'](?:1|true|on)["']""")
_SHEET: Final = re.compile(rb"<(?:\w+:)?sheet\s[^>]*>")
_RELATION: Final = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")
_ATTRIBUTE: Final = re.compile(rb"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")

_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    ValueError,
    NotImplementedError,
)

ErrorCells = Mapping[int, Mapping[int, str]]


@dataclass(slots=True)
class Survey:
    """What the raw file tells: the epoch of its dates, and formula errors by row and column."""

    date1904: bool = False
    errors_by_sheet: dict[str, ErrorCells] = field(default_factory=dict)


def survey(data: bytes | Path) -> Survey:
    """Check an XLSX file; UnreadableFile for what is no sound workbook of a bearable size."""
    try:
        with _opened(data) as file, zipfile.ZipFile(file) as archive:
            return _survey(file, archive)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        LookupError,
        ValueError,
        NotImplementedError,
    ) as error:
        raise UnreadableFile("corrupt") from error


def _opened(data: bytes | Path) -> BinaryIO:
    return BytesIO(data) if isinstance(data, bytes) else data.open("rb")


def _survey(file: BinaryIO, archive: zipfile.ZipFile) -> Survey:
    members = {member.filename: member for member in archive.infolist()}
    if len(members) > _MAX_MEMBERS or sum(m.file_size for m in members.values()) > MAX_UNPACKED:
        raise UnreadableFile("too_large", limit=MAX_UNPACKED >> 20)
    if any(member.flag_bits & 1 for member in members.values()):
        raise UnreadableFile("encrypted")
    if "xl/workbook.xml" not in members:
        raise UnreadableFile("wrong_type")
    shared = members.pop("xl/sharedStrings.xml", None)
    lengths = _string_lengths(_unpacked(file, shared)) if shared else []
    small: dict[str, bytes] = {}
    errors: dict[str, ErrorCells] = {}
    for name, member in members.items():
        chunks = _unpacked(file, member)
        if name.startswith("xl/worksheets/") and name.endswith(".xml"):
            crowded = member.file_size // _SHORTEST_STRING_CELL * max(lengths, default=0)
            errors[name] = _checked_sheet(chunks, lengths if crowded > MAX_TEXT else None)
        elif name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
            small[name] = b"".join(chunks)
        else:
            for _ in chunks:
                pass
    book = small["xl/workbook.xml"]
    places = _sheet_places(book, small.get("xl/_rels/workbook.xml.rels", b""))
    return Survey(
        date1904=_DATE_1904.search(book) is not None,
        errors_by_sheet={sheet: errors[place] for sheet, place in places if place in errors},
    )


def _unpacked(file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member's content, never more than its directory entry claims: that may lie."""
    file.seek(member.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile(member.filename)
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(member.filename)
    inflate = zlib.decompressobj(-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
    packed, left = member.compress_size, member.file_size
    while packed > 0 and (raw := file.read(min(_CHUNK, packed))):
        packed -= len(raw)
        while raw:
            chunk = inflate.decompress(raw, _CHUNK) if inflate else raw
            raw = inflate.unconsumed_tail if inflate else b""
            left -= len(chunk)
            if left < 0:
                raise zipfile.BadZipFile(member.filename)
            if chunk:
                yield chunk


def _string_lengths(chunks: Iterator[bytes]) -> list[int]:
    """Bytes of each shared string, markup and all."""
    lengths: list[int] = []
    carried, before = b"", 0
    for chunk in chunks:
        *whole, rest = _STRING_END.split(carried + chunk)
        for text in whole:
            lengths.append(before + len(text))
            before = 0
        # Of a text without end only what may be half a closing tag is kept.
        carried = rest[-_LONGEST_TAG:]
        before += len(rest) - len(carried)
    return lengths


def _checked_sheet(chunks: Iterator[bytes], lengths: list[int] | None) -> ErrorCells:
    """Formula errors of a sheet; with `lengths` the text of all its cells is added up too."""
    errors: dict[int, dict[int, str]] = {}
    carried = b""
    total = 0
    for chunk in chain(chunks, (b"",)):
        text = carried + chunk
        end = _whole_until(text) if chunk else len(text)
        _check_cells(text[:end], errors)
        if lengths:
            total += sum(lengths[int(index)] for index in _STRING_CELL.findall(text, 0, end))
            if total > MAX_TEXT:
                raise UnreadableFile("too_large", limit=MAX_TEXT >> 20)
        carried = text[end:]
    return errors


def _whole_until(text: bytes) -> int:
    """Where the last cell or tag opens: it waits for the next chunk, to be seen whole."""
    for opening in (b"<c ", b"<"):
        end = text.rfind(opening)
        if end >= 0 and len(text) - end <= _CARRIED:
            return end
    return len(text)


def _check_cells(text: bytes, errors: dict[int, dict[int, str]]) -> None:
    for odd in _ODD_CELL.finditer(text):
        position = _POSITION.search(odd[0])
        if position is None:
            raise UnreadableFile("corrupt")
        row, column = _place(position)
        if row >= MAX_ROWS:
            raise UnreadableFile("too_many_rows", limit=MAX_ROWS)
        if column >= MAX_COLUMNS:
            raise UnreadableFile("too_many_columns", limit=MAX_COLUMNS)
    at = text.find(b't="e"')
    while at >= 0:
        cell = _ERROR_CELL.match(text, max(text.rfind(b"<", 0, at), 0))
        position = _POSITION.search(cell[0]) if cell else None
        if cell and position:
            row, column = _place(position)
            errors.setdefault(row, {})[column] = (cell[1] or b"#N/A").decode("ascii", "replace")
        at = text.find(b't="e"', at + 1)


def _place(position: re.Match[bytes]) -> tuple[int, int]:
    """Row and column from 0."""
    column = 0
    for letter in position[1]:
        column = column * 26 + letter - ord("A") + 1
    return int(position[2]) - 1, column - 1


def _sheet_places(book: bytes, relations: bytes) -> Iterator[tuple[str, str]]:
    """Each sheet's name, and the member that holds it."""
    targets = {}
    for relation in _RELATION.finditer(relations):
        attributes = _attributes(relation[0])
        target = attributes.get("Target", "")
        inside = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        targets[attributes.get("Id", "")] = str(PurePosixPath(inside))
    for sheet in _SHEET.finditer(book):
        attributes = _attributes(sheet[0])
        identity = next((v for k, v in attributes.items() if k.endswith(":id")), "")
        yield attributes.get("name", ""), targets.get(identity, "")


def _attributes(tag: bytes) -> dict[str, str]:
    return {
        name.decode("utf-8", "replace"): unescape((double or single).decode("utf-8", "replace"))
        for name, double, single in _ATTRIBUTE.findall(tag)
    }
