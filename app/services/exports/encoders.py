"""From what COPY writes to what goes out: the bytes themselves, a workbook, a Parquet file."""

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from importlib.util import find_spec
from io import RawIOBase, StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

import xlsxwriter

from app.services.exports.columns import Column, Dataset
from app.vocabulary import ExportColumnType as Type
from app.vocabulary import ExportFormat

PIECE: Final = 1 << 20
LONGEST_CELL: Final = 32_767
MOST_SHEET_ROWS: Final = 1_048_575
"""A sheet has 1,048,576 rows, and the first is the headings'."""


class Encoder(Protocol):
    """Takes whole rows as COPY wrote them, gives bytes to send."""

    batch: int
    """Bytes of rows to take at once."""
    threaded: bool
    """Whether its work is long enough to be done in a thread."""

    def add(self, rows: bytes) -> bytes:
        """The next rows; what can be sent of the file by now."""

    def finish(self) -> Iterator[bytes]:
        """The rest of the file."""

    def close(self) -> None:
        """Let go of files, finished or not."""


def parquet_installed() -> bool:
    """Whether the extra `parquet` is there."""
    return find_spec("pyarrow") is not None


def encoder_of(form: ExportFormat, dataset: Dataset) -> Encoder:
    """A fresh encoder of the format."""
    if form is ExportFormat.XLSX:
        return Workbook(dataset)
    if form is ExportFormat.PARQUET:
        return Parquet(dataset)
    return Lines()


class Lines:
    """Rows as they are."""

    batch = 1 << 18
    threaded = False

    def add(self, rows: bytes) -> bytes:
        return rows

    def finish(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        """Nothing to let go of."""


# --- XLSX ---------------------------------------------------------------------------------


class Workbook:
    """A sheet of rows and a sheet that explains the columns, written to a temporary file.

    Texts are written as texts, so that none is taken for a formula.
    """

    batch = PIECE
    threaded = True

    def __init__(self, dataset: Dataset) -> None:
        self._folder = TemporaryDirectory(prefix="kemuning-export-")
        self._path = Path(self._folder.name) / "export.xlsx"
        options = {"constant_memory": True, "tmpdir": self._folder.name}
        self._book = xlsxwriter.Workbook(self._path, options)
        self._sheet = self._book.add_worksheet(dataset.name.value)
        self._sheet.freeze_panes(1, 0)
        self._write = [self._writer(column) for column in dataset.columns]
        bold = self._book.add_format({"bold": True})
        for index, column in enumerate(dataset.columns):
            self._sheet.set_column(index, index, max(12, len(column.name) + 2))
            self._sheet.write_string(0, index, column.name, bold)
        self._row = 1
        self._explain(dataset, bold)

    def _writer(self, column: Column) -> Callable[[int, int, str], object]:
        """What writes one cell of the column."""
        sheet = self._sheet
        if column.type in (Type.INTEGER, Type.DECIMAL):
            return lambda row, index, cell: sheet.write_number(row, index, float(cell))
        if column.type is Type.DATE:
            day = self._book.add_format({"num_format": "yyyy-mm-dd"})
            return lambda row, index, cell: sheet.write_datetime(
                row, index, date.fromisoformat(cell), day
            )
        if column.type is Type.INSTANT:
            time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
            return lambda row, index, cell: sheet.write_datetime(
                row, index, datetime.fromisoformat(cell).replace(tzinfo=None), time
            )
        return lambda row, index, cell: sheet.write_string(row, index, cell[:LONGEST_CELL])

    def _explain(self, dataset: Dataset, bold: Any) -> None:
        sheet = self._book.add_worksheet("kamus")
        sheet.set_column(0, 1, 20)
        sheet.set_column(2, 3, 60)
        sheet.set_column(4, 4, 36)
        told = [("kolom", "tipe", "arti", "meaning", "sumber")]
        told += [
            (c.name, c.type.value, c.meaning.id, c.meaning.en, c.source) for c in dataset.columns
        ]
        told += [(dataset.name.value, "", dataset.as_of.id, dataset.as_of.en, "")]
        for row, cells in enumerate(told):
            for index, cell in enumerate(cells):
                sheet.write_string(row, index, cell, None if row else bold)

    def add(self, rows: bytes) -> bytes:
        for cells in csv.reader(StringIO(rows.decode(), newline="")):
            for index, cell in enumerate(cells):
                if cell:
                    self._write[index](self._row, index, cell)
            self._row += 1
        return b""

    def finish(self) -> Iterator[bytes]:
        self._book.close()
        with self._path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def close(self) -> None:
        """Also where the book was never finished: its files lie in the folder."""
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()
        self._folder.cleanup()


# --- Parquet ------------------------------------------------------------------------------


class _Outbox(RawIOBase):
    """A file that is sent while it is written."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._sent = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._sent

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._sent += len(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What was written since."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole


class Parquet:
    """Each batch of rows is a row group of its own; the columns carry their explanation."""

    batch = 4 * PIECE
    threaded = True

    def __init__(self, dataset: Dataset) -> None:
        from pyarrow import csv as arrow_csv
        from pyarrow import parquet

        schema = _arrow_schema(dataset)
        self._csv = arrow_csv
        self._outbox = _Outbox()
        self._writer = parquet.ParquetWriter(self._outbox, schema, compression="zstd")
        self._reading = arrow_csv.ReadOptions(column_names=schema.names, use_threads=False)
        self._parsing = arrow_csv.ParseOptions(newlines_in_values=True)
        self._converting = arrow_csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )

    def add(self, rows: bytes) -> bytes:
        from pyarrow import py_buffer

        table = self._csv.read_csv(py_buffer(rows), self._reading, self._parsing, self._converting)
        self._writer.write_table(table.cast(self._writer.schema))
        return self._outbox.taken()

    def finish(self) -> Iterator[bytes]:
        self._writer.close()
        yield self._outbox.taken()

    def close(self) -> None:
        """Nothing to let go of."""


def _arrow_schema(dataset: Dataset) -> Any:
    import pyarrow

    kinds: Mapping[Type, Any] = {
        Type.INTEGER: pyarrow.int64(),
        Type.BOOLEAN: pyarrow.bool_(),
        Type.DATE: pyarrow.date32(),
        Type.INSTANT: pyarrow.timestamp("us", tz="UTC"),
    }
    fields = []
    for column in dataset.columns:
        kind = kinds.get(column.type, pyarrow.string())
        if column.type is Type.DECIMAL:
            kind = pyarrow.decimal128(18, column.scale)
        told = {"id": column.meaning.id, "en": column.meaning.en, "source": column.source}
        fields.append(pyarrow.field(column.name, kind, metadata=told))
    return pyarrow.schema(fields, metadata={"dataset": dataset.name.value})
