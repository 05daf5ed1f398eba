"""An organisation to import people into, files that name it, and an officer who sends them."""

import csv
from collections.abc import Sequence
from datetime import date
from io import BytesIO, StringIO
from typing import Any

import asyncpg
import httpx
import xlsxwriter
from fastapi import FastAPI
from python_calamine import CalamineWorkbook

from app.jobs import run_pending_jobs
from app.rules.identifiers import make_nip
from app.services.imports.employees.columns import COLUMNS
from app.vocabulary import Sex
from tests.actors import Client

UNITS = (
    ("KAB", None, "Pemerintah Kabupaten Kemuning", "pemerintah_daerah"),
    ("BKPSDM", "KAB", "Badan Kepegawaian dan Pengembangan SDM", "badan"),
    ("DISDIK", "KAB", "Dinas Pendidikan", "dinas"),
    ("BKPSDM-SEK", "BKPSDM", "Sekretariat", "bagian"),
    ("DISDIK-SEK", "DISDIK", "Sekretariat", "bagian"),
)
POSITIONS = (
    ("BKPSDM", "Kepala Badan Kepegawaian", "jpt_pratama", None, 1),
    ("BKPSDM", "Analis SDM Aparatur", "fungsional", "ahli_pertama", 3),
    ("BKPSDM", "Analis SDM Aparatur", "fungsional", "ahli_muda", 2),
    ("BKPSDM", "Pengadministrasi Umum", "pelaksana", None, 40),
    ("BKPSDM-SEK", "Pengadministrasi Umum", "pelaksana", None, 5),
    ("DISDIK", "Guru", "fungsional", "ahli_pertama", 500),
)


async def organise(owner: asyncpg.Connection) -> None:
    """Make the units and positions, in force since 2000."""
    since = asyncpg.Range(date(2000, 1, 1), None)
    ids: dict[str | None, Any] = {None: None}
    for code, parent, name, kind in UNITS:
        ids[code] = await owner.fetchval("INSERT INTO units (code) VALUES ($1) RETURNING id", code)
        await owner.execute(
            "INSERT INTO unit_versions (unit_id, parent_id, name, kind, valid)"
            " VALUES ($1, $2, $3, $4, $5)",
            *(ids[code], ids[parent], name, kind, since),
        )
    for number, (unit, title, kind, jenjang, seats) in enumerate(POSITIONS):
        position = await owner.fetchval(
            "INSERT INTO positions (code) VALUES ($1) RETURNING id", f"P-{number}"
        )
        await owner.execute(
            "INSERT INTO position_versions (position_id, unit_id, title, job_kind, jenjang, seats,"
            " retirement_age, retirement_age_rule, valid)"
            " VALUES ($1, $2, $3, $4, $5, $6, 58, 'test', $7)",
            *(position, ids[unit], title, kind, jenjang, seats, since),
        )


def person(number: int, **changes: Any) -> dict[str, str]:
    """A row of the file by column name; each number is another person."""
    born = date(1980 + number % 20, 1 + number % 12, 1 + number % 28)
    nip = make_nip(born, date(2010, 1, 1), Sex.FEMALE, 1 + number % 999).value
    row = {
        "nip": nip,
        "name": f"Siti {_letters(number)}",
        "title_suffix": "S.Sos.",
        "birth_place": "Kemuning",
        "birth_date": f"{born:%d-%m-%Y}",
        "sex": "P",
        "status": "PNS",
        "status_since": "01-01-2011",
        "golongan": "III/b",
        "golongan_since": "01-04-2020",
        "job_title": "Pengadministrasi Umum",
        "job_kind": "Pelaksana",
        "job_since": "02-01-2022",
        "unit_code": "BKPSDM",
        "education_level": "S1",
        "education_major": "Administrasi Negara",
        "education_year": "2007",
        "email": f"siti{number}@contoh.go.id",
        "phone": "081234567890",
        "nik": f"{3204010000000000 + number}",
        "address": f"Jalan Melati Nomor {number}",
    }
    return row | {name: str(value) for name, value in changes.items()}


def _letters(number: int) -> str:
    return "".join("Abcdefghij"[int(digit)] for digit in str(number)).capitalize()


def headed(rows: Sequence[dict[str, str]]) -> list[list[str]]:
    """The rows as lists under the template's headings."""
    columns = [c for c in COLUMNS if any(c.name in row for row in rows)]
    return [
        [c.header for c in columns],
        *([row.get(c.name, "") for c in columns] for row in rows),
    ]


def csv_file(rows: Sequence[dict[str, str]], delimiter: str = ";") -> bytes:
    """The rows as Excel with Indonesian settings saves them."""
    output = StringIO()
    csv.writer(output, delimiter=delimiter).writerows(headed(rows))
    return output.getvalue().encode("utf-8-sig")


def xlsx_file(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows of text as a workbook."""
    output = BytesIO()
    with xlsxwriter.Workbook(output, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for index, cell in enumerate(row):
                sheet.write_string(number, index, cell)
    return output.getvalue()


def mend(error_file: bytes, people: Sequence[dict[str, str]]) -> bytes:
    """The error file with each row put right, as an officer does with the documents at hand."""
    book = CalamineWorkbook.from_filelike(BytesIO(error_file))
    headings, *rows = book.get_sheet_by_index(0).to_python()
    columns = [COLUMNS.for_heading(str(heading)) for heading in headings]
    email = next(i for i, c in enumerate(columns) if c and c.name == "email")
    by_email = {p["email"]: p for p in people}
    mended = [
        [by_email[str(row[email]).lower()].get(c.name, "") if c else "" for c in columns]
        for row in rows
    ]
    return xlsx_file([[str(heading) for heading in headings], *mended])


class Officer:
    """Sends files, has the worker do its jobs, and looks at what came of them."""

    def __init__(self, app: FastAPI, client: Client) -> None:
        self.app = app
        self.client = client

    async def send(
        self, content: bytes, filename: str = "pegawai.csv", **options: Any
    ) -> httpx.Response:
        """Upload; `mapping` and `sheet` go into the form, everything else into the query."""
        form = {name: options.pop(name) for name in ("mapping", "sheet") if name in options}
        headers = options.pop("headers", {})
        return await self.client.post(
            "/imports",
            files={"file": (filename, content)},
            data=form,
            params=options,
            headers=headers,
        )

    async def bring(
        self,
        content: bytes | Sequence[dict[str, str]],
        filename: str = "pegawai.csv",
        **options: Any,
    ) -> dict[str, Any]:
        """Upload, work off the queue, and return the import as it ended."""
        if not isinstance(content, bytes):
            content = csv_file(content)
        answer = await self.send(content, filename, **options)
        assert answer.status_code == 202, answer.text
        await run_pending_jobs(self.app.state.runtime)
        return await self.look(answer.json()["id"])

    async def look(self, import_id: str) -> dict[str, Any]:
        """The import as it is now."""
        answer = await self.client.get(f"/imports/{import_id}")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def findings(self, import_id: str, **options: Any) -> list[dict[str, Any]]:
        """What is wrong with which cell."""
        options = {"limit": 200} | options
        answer = await self.client.get(f"/imports/{import_id}/findings", params=options)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items
