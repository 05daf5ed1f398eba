"""Files of employees: columns, checks, and what is kept of a row."""

import os
import time
from typing import Final, cast
from uuid import UUID

from app.names import sorting_form
from app.rules.identifiers import Nip, NiPppk
from app.sealing import Sealer
from app.services.imports.columns import code_key, squeeze
from app.services.imports.employees.columns import COLUMNS
from app.services.imports.employees.rows import check_row
from app.services.imports.layout import ESCAPES, NULL, Layout, field
from app.services.imports.parsing import Values

NIK_PURPOSE: Final = "nik"
"""As `app.services.employees.nik` seals it."""

# Copied as they are: column of the file -> column of the staging table, in its order.
PLAIN: Final = (
    "name", "title_prefix", "title_suffix", "birth_place", "birth_date", "sex", "status",
    "status_since", "golongan", "golongan_since", "job_title", "job_since", "unit_code",
    "unit_name", "education_level", "education_major", "education_year", "email", "phone",
    "address",
)  # fmt: skip
MADE: Final = (
    "new_id", "identifier_kind", "name_sort", "unit_code_key", "unit_key", "job_key", "job_kind",
    "jenjang", "nik_index", "nik_sealed",
)  # fmt: skip


def _stage(values: Values, sealer: Sealer) -> list[str]:
    new_id = _uuid7()
    name, nik = values.get("name"), values.get("nik")
    identifier = values.get("nip")
    known = isinstance(identifier, Nip | NiPppk)
    return [
        str(new_id),
        cast(Nip, identifier).kind.value if known else NULL,
        sorting_form(str(name)).translate(ESCAPES) if name else NULL,
        field(code_key(str(values.get("unit_code") or ""))),
        _key(values, "unit_name"),
        _key(values, "job_title"),
        str(values.get("job_kind") or ""),
        str(values.get("jenjang") or ""),
        _bytes(sealer.blind_index(NIK_PURPOSE, str(nik))) if nik else NULL,
        _bytes(sealer.seal(NIK_PURPOSE, str(nik).encode(), context=new_id.bytes)) if nik else NULL,
        *(field(values.get(column)) for column in PLAIN),
    ]


def _key(values: Values, column: str) -> str:
    return squeeze(str(values.get(column) or ""))


def _bytes(value: bytes) -> str:
    return "\\\\x" + value.hex()


def _uuid7() -> UUID:
    """A UUID that grows with time (RFC 9562), as the database makes them."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0b11 << 62) | 0b10 << 62)


EMPLOYEES: Final = Layout(
    columns=COLUMNS,
    check=check_row,
    staged=(*MADE, *PLAIN),
    stage=_stage,
    title="Data Pegawai",
    notes=(
        "Isi satu baris untuk satu pegawai pada lembar Data Pegawai. Kolom berjudul kuning wajib "
        "diisi; kode unit atau nama unit, paling sedikit salah satunya.",
        "Semua sel sudah berformat Teks supaya digit NIP, NIK, dan nomor HP tidak hilang. Saat "
        "menyalin dari berkas lain, tempel sebagai nilai (Paste Values).",
        "One row is one employee. Columns with a yellow heading must be filled in, and one of the "
        "unit's code and name. Every cell is Text, so that no digits are lost; paste as values.",
    ),
)
