"""What several cells of an employee's row together tell."""

from datetime import date
from typing import Final

from app.rules.golongan import allowed_golongan
from app.rules.identifiers import Nip, NiPppk
from app.services.imports.employees.columns import UNIT_COLUMNS
from app.services.imports.parsing import ParsedRow, refuse
from app.services.imports.synonyms import JENJANG_ENDINGS
from app.services.imports.words import about_cell
from app.vocabulary import EmploymentStatus, IdentifierKind, JobKind, Sex

_ALLOWED_GOLONGAN: Final = {
    status: frozenset(allowed_golongan(status, date.max).value) for status in EmploymentStatus
}
_IDENTIFIER_KIND: Final = {
    EmploymentStatus.CPNS: IdentifierKind.NIP,
    EmploymentStatus.PNS: IdentifierKind.NIP,
    EmploymentStatus.PPPK: IdentifierKind.NI_PPPK,
    EmploymentStatus.PPPK_PARUH_WAKTU: IdentifierKind.NI_PPPK,
}
_KIND_NAMES: Final = {IdentifierKind.NIP: "NIP", IdentifierKind.NI_PPPK: "NI PPPK"}


def check_row(row: ParsedRow) -> None:
    """What can be judged only by looking at several cells of the row."""
    values = row.values
    if values.get("unit_code") is None and values.get("unit_name") is None:
        refuse(row, "unit_missing", *UNIT_COLUMNS)
    status = values.get("status")
    if isinstance(status, EmploymentStatus):
        golongan = values.get("golongan")
        if golongan is not None and golongan not in _ALLOWED_GOLONGAN[status]:
            refuse(row, "golongan_not_for_status", "golongan")
    _check_jenjang(row)
    _check_identifier(row)


def _check_jenjang(row: ParsedRow) -> None:
    """Only fungsional have a jenjang, and must; the end of the position's name may tell it."""
    kind, jenjang = row.values.get("job_kind"), row.values.get("jenjang")
    if kind is JobKind.FUNGSIONAL and jenjang is None:
        title = str(row.values.get("job_title") or "").lower()
        for ending, told in JENJANG_ENDINGS.items():
            if title.endswith(f" {ending}"):
                row.values["jenjang"] = told
                return
        refuse(row, "jenjang_missing", "jenjang")
    elif jenjang is not None and kind is not None and kind is not JobKind.FUNGSIONAL:
        refuse(row, "jenjang_not_fungsional", "jenjang")


def _check_identifier(row: ParsedRow) -> None:
    """Warnings: lawful corrections may part an identifier from the biodata."""
    identifier = row.values.get("nip")
    if not isinstance(identifier, Nip | NiPppk):
        return
    birth_date, sex = row.values.get("birth_date"), row.values.get("sex")
    if birth_date != identifier.birth_date or sex is not identifier.sex:
        codes = identifier.warnings(
            birth_date=birth_date if isinstance(birth_date, date) else None,
            sex=sex if isinstance(sex, Sex) else None,
        )
        columns = {"birth_date_differs": "birth_date", "sex_differs": "sex"}
        row.warnings += tuple(about_cell(columns[code], code) for code in codes)
    status = row.values.get("status")
    if isinstance(status, EmploymentStatus) and _IDENTIFIER_KIND[status] is not identifier.kind:
        kind = _KIND_NAMES[identifier.kind]
        row.warnings += (about_cell("nip", "identifier_not_for_status", kind=kind),)
