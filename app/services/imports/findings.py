"""What is wrong with the rows of an import: listed, and as a file to mend and send again."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, String, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from app.access.actors import Actor
from app.database import Reader, Row
from app.errors import Bilingual, Language, NotFound
from app.models.employees import EmployeeIdentifier
from app.models.imports import Import, ImportFile, ImportFinding
from app.pagination import decode_cursor, encode_cursor
from app.schemas.imports import FindingPage, FindingQuery, FindingRead
from app.sealing import Sealer
from app.services.imports.columns import Columns
from app.services.imports.files import open_file
from app.services.imports.kinds import competencies_of
from app.services.imports.layouts import layout_of
from app.services.imports.process import ReaderFailed, reading
from app.services.imports.requests import IMPORT_ID, FileRemoved, get_import
from app.vocabulary import Severity

BY_ROW = "import_findings"


class NothingWrong(NotFound):
    """There is no error file where no row is wrong."""

    code = "import_nothing_wrong"
    title = Bilingual("Tidak ada baris yang salah", "No row is wrong")


@lru_cache(maxsize=8)
def _findings(*, severity: bool, after: bool) -> Select[Any]:
    found = select(ImportFinding).where(ImportFinding.import_id == IMPORT_ID)
    if severity:
        found = found.where(ImportFinding.severity == bindparam("severity", type_=String()))
    if after:
        mark = tuple_(
            bindparam("after_row", type_=Integer()), bindparam("after_no", type_=Integer())
        )
        found = found.where(tuple_(ImportFinding.row_number, ImportFinding.no) > mark)
    ordered = found.order_by(ImportFinding.row_number, ImportFinding.no)
    return ordered.limit(bindparam("limit", type_=Integer()))


@lru_cache(maxsize=4)
def _findings_count(*, severity: bool) -> Select[Any]:
    counted = select(func.count()).where(ImportFinding.import_id == IMPORT_ID)
    if severity:
        counted = counted.where(ImportFinding.severity == bindparam("severity", type_=String()))
    return counted


async def list_findings(
    reader: Reader, actor: Actor, import_id: UUID, query: FindingQuery, language: Language
) -> FindingPage:
    """What is wrong with which cell, by row. Errors: NotFound, InvalidCursor."""
    brought = await get_import(reader, actor, import_id, language)
    chosen: dict[str, object] = {"import_id": import_id}
    if query.severity:
        chosen["severity"] = query.severity.value
    after: dict[str, object] = {}
    if query.cursor:
        row, no = decode_cursor(query.cursor, BY_ROW, (int, int))
        after = {"after_row": _int32(row), "after_no": _int32(no)}
    page = _findings(severity=query.severity is not None, after=bool(after))
    rows = await reader.all(page, **chosen, **after, limit=query.limit + 1)
    last = rows[query.limit - 1] if len(rows) > query.limit else None
    count = _findings_count(severity=query.severity is not None)
    known = await competencies_of(reader, brought.kind, brought.effective_from)
    columns = layout_of(brought.kind, known).columns
    return FindingPage(
        items=[_finding(row, columns, language) for row in rows[: query.limit]],
        next_cursor=encode_cursor(BY_ROW, (last["row_number"], last["no"])) if last else None,
        total=await reader.value(count, **chosen) if query.include_total else None,
    )


def _int32(value: int) -> int:
    return max(-(2**31), min(value, 2**31 - 1))


def _finding(row: Row, columns: Columns, language: Language) -> FindingRead:
    column = columns.by_name.get(row["column_name"] or "")
    return FindingRead(
        row_number=row["row_number"],
        severity=Severity(row["severity"]),
        column=row["column_name"],
        header=column.header if column else None,
        code=row["code"],
        detail=row["detail_en"] if language == "en" else row["detail_id"],
    )


ERRORS = (
    select(ImportFinding)
    .where(ImportFinding.import_id == IMPORT_ID, ImportFinding.severity == Severity.ERROR)
    .order_by(ImportFinding.row_number, ImportFinding.no)
)
FILE = (
    select(ImportFile.content, Import.filename, Import.sha256, Import.sheet, Import.mapping)
    .join(Import, Import.id == ImportFile.import_id)
    .where(ImportFile.import_id == IMPORT_ID)
)
KNOWN = select(EmployeeIdentifier.employee_id).where(
    EmployeeIdentifier.value == func.any(bindparam("identifiers", type_=ARRAY(String())))
)
"""The employees among the rows of an error file: the answer tells of them."""


@dataclass(frozen=True, slots=True)
class ErrorFile:
    """The rows to mend, in the format of the upload."""

    filename: str
    xlsx: bool
    content: bytes


async def make_error_file(
    reader: Reader, actor: Actor, sealer: Sealer, import_id: UUID, language: Language
) -> ErrorFile:
    """The wrong rows as they came, with what is wrong, to be mended and sent again.

    Errors: NotFound, NothingWrong, FileRemoved.
    """
    brought = await get_import(reader, actor, import_id, language)
    errors: dict[int, list[tuple[str | None, ...]]] = {}
    for found in await reader.all(ERRORS, import_id=import_id):
        named = ("column_name", "code", "detail_id", "detail_en")
        errors.setdefault(found["row_number"], []).append(tuple(found[n] for n in named))
    if not errors:
        raise NothingWrong
    file = await reader.one(FILE, import_id=import_id)
    if file is None:
        raise FileRemoved
    upload = await open_file(sealer, file["content"], file["sha256"])
    xlsx = upload[:2] == b"PK"
    asked = {
        "action": "error_file",
        "kind": brought.kind,
        "competencies": await competencies_of(reader, brought.kind, brought.effective_from),
        **{name: file[name] for name in ("filename", "sheet", "mapping")},
        "errors": errors,
        "xlsx": xlsx,
        "language": language,
    }
    async with reading(asked, upload) as child:
        content = b"".join([chunk async for chunk in child.chunks()])
    if child.problem is not None:
        raise ReaderFailed
    known = await reader.all(KNOWN, identifiers=child.identifiers)
    reader.reveals([row["employee_id"] for row in known])
    stem = PurePath(file["filename"]).stem
    return ErrorFile(f"{stem}-kesalahan.{'xlsx' if xlsx else 'csv'}", xlsx, content)
