"""What is wrong with a file or a cell, in words that a personnel officer understands."""

from dataclasses import dataclass
from typing import Final

from app.rules.identifiers import WORDS as IDENTIFIER_WORDS

# code -> (Indonesian, English). No text repeats what stands in a cell of personal data.
CELL_WORDS: Final = {
    "required": (
        "Sel ini wajib diisi.",
        "This cell must be filled in.",
    ),
    "unit_missing": (
        "Isi kode unit atau nama unit; paling sedikit salah satunya.",
        "Fill in the unit's code or its name; at least one of them.",
    ),
    "formula_error": (
        "Rumus di sel ini gagal (misalnya #N/A atau #REF!). Ganti rumus dengan isinya.",
        "The formula in this cell failed (such as #N/A or #REF!). Replace it with its value.",
    ),
    "control_character": (
        "Sel ini memuat karakter yang tidak terlihat dan tidak sah. Hapus isinya lalu ketik ulang.",
        "This cell holds an invisible, invalid character. Clear it and type the text again.",
    ),
    "too_long": (
        "Isi sel terlalu panjang; paling banyak {limit} karakter.",
        "The text is too long; at most {limit} characters.",
    ),
    "cell_is_date": (
        "Excel mengubah isi sel ini menjadi tanggal. Ubah format sel menjadi Teks lalu ketik "
        "ulang.",
        "Excel turned this cell into a date. Format the cell as Text and type it again.",
    ),
    "cell_is_boolean": (
        "Sel ini berisi nilai BENAR/SALAH, bukan teks. Ketik ulang sebagai teks.",
        "This cell holds TRUE or FALSE instead of text. Type it again as text.",
    ),
    "cell_is_time": (
        "Sel ini berisi jam, bukan teks. Ubah format sel menjadi Teks lalu ketik ulang.",
        "This cell holds a time of day instead of text. Format it as Text and type it again.",
    ),
    "number_lost_digits": (
        "Angka ini terlalu panjang sehingga Excel menghilangkan digit akhirnya. Ubah format sel "
        "menjadi Teks lalu ketik ulang.",
        "This number is so long that Excel lost its last digits. Format the cell as Text and type "
        "it again.",
    ),
    "nip_lost_digits": (
        "Excel menyimpan NIP ini sebagai angka sehingga digit terakhirnya hilang dan tidak dapat "
        "dipulihkan. Ubah format kolom NIP menjadi Teks, lalu ketik ulang NIP lengkap dari "
        "dokumen aslinya.",
        "Excel kept this NIP as a number, so its last digits are lost and cannot be recovered. "
        "Format the NIP column as Text and type the whole NIP again from the original document.",
    ),
    "nik_lost_digits": (
        "Excel menyimpan NIK ini sebagai angka sehingga digit terakhirnya hilang. Ubah format "
        "kolom NIK menjadi Teks, lalu ketik ulang NIK lengkap.",
        "Excel kept this NIK as a number, so its last digits are lost. Format the NIK column as "
        "Text and type the whole NIK again.",
    ),
    "nik_invalid": (
        "NIK harus tepat 16 angka.",
        "A NIK has exactly 16 digits.",
    ),
    "name_without_letters": (
        "Nama harus memuat huruf.",
        "A name must contain letters.",
    ),
    "date_unreadable": (
        "Tanggal tidak terbaca. Tulis hari-bulan-tahun, misalnya 31-01-1985 atau 31 Januari 1985.",
        "The date cannot be read. Write day-month-year, such as 31-01-1985 or 31 Januari 1985.",
    ),
    "date_two_digit_year": (
        "Tahun hanya dua angka, sehingga abadnya tidak pasti. Tulis tahun dengan empat angka, "
        "misalnya 1985.",
        "The year has two digits, so its century is unsure. Write four digits, such as 1985.",
    ),
    "date_day_first": (
        "Bulan lebih dari 12. Tanggal dibaca hari dulu (hari-bulan-tahun), bukan bulan dulu.",
        "The month is above 12. Dates are read day first (day-month-year), not month first.",
    ),
    "date_nonexistent": (
        "Tanggal ini tidak ada di kalender.",
        "There is no such day in the calendar.",
    ),
    "date_out_of_range": (
        "Tahun harus antara 1900 dan 2100.",
        "The year must lie between 1900 and 2100.",
    ),
    "date_number": (
        "Sel ini berisi angka yang bukan tanggal Excel. Tulis tanggal lengkap, misalnya "
        "31-01-1985.",
        "This number is no Excel date. Write the whole date, such as 31-01-1985.",
    ),
    "sex_unknown": (
        "Jenis kelamin tidak dikenal. Isi L atau P.",
        "Unknown sex. Write L (male) or P (female).",
    ),
    "status_unknown": (
        "Status pegawai tidak dikenal. Isi CPNS, PNS, PPPK, atau PPPK Paruh Waktu.",
        "Unknown status. Write CPNS, PNS, PPPK or PPPK Paruh Waktu.",
    ),
    "status_is_kedudukan": (
        "Ini kedudukan hukum (misalnya Aktif), bukan status pegawai. Isi CPNS, PNS, PPPK, atau "
        "PPPK Paruh Waktu.",
        "This is the legal standing (such as Aktif), not the kind of employment. Write CPNS, PNS, "
        "PPPK or PPPK Paruh Waktu.",
    ),
    "golongan_unknown": (
        "Golongan tidak dikenal. Isi I/a sampai IV/e untuk PNS, atau I sampai XVII untuk PPPK.",
        "Unknown golongan. Write I/a to IV/e for PNS, or I to XVII for PPPK.",
    ),
    "golongan_not_for_status": (
        "Golongan ini bukan untuk status pegawai tersebut. PNS memakai I/a sampai IV/e (CPNS "
        "paling tinggi III/c), PPPK memakai I sampai XVII.",
        "This golongan does not go with the status. PNS have I/a to IV/e (CPNS up to III/c), PPPK "
        "have I to XVII.",
    ),
    "job_kind_unknown": (
        "Jenis jabatan tidak dikenal. Isi JPT Pratama, Administrator, Pengawas, Fungsional, atau "
        "Pelaksana.",
        "Unknown kind of position. Write JPT Pratama, Administrator, Pengawas, Fungsional or "
        "Pelaksana.",
    ),
    "job_kind_ambiguous": (
        "Jenis jabatan belum pasti. Tulis tingkatnya: JPT Madya, JPT Pratama, Administrator, atau "
        "Pengawas.",
        "The kind of position is not certain. Write its level: JPT Madya, JPT Pratama, "
        "Administrator or Pengawas.",
    ),
    "jenjang_unknown": (
        "Jenjang tidak dikenal. Isi Ahli Pertama, Ahli Muda, Ahli Madya, Ahli Utama, Pemula, "
        "Terampil, Mahir, atau Penyelia.",
        "Unknown jenjang. Write Ahli Pertama, Ahli Muda, Ahli Madya, Ahli Utama, Pemula, Terampil, "
        "Mahir or Penyelia.",
    ),
    "jenjang_missing": (
        "Jabatan fungsional harus menyebut jenjangnya, misalnya Ahli Muda atau Terampil.",
        "A jabatan fungsional must name its jenjang, such as Ahli Muda or Terampil.",
    ),
    "jenjang_not_fungsional": (
        "Jenjang hanya diisi untuk jabatan fungsional. Kosongkan, atau perbaiki jenis jabatannya.",
        "Only a jabatan fungsional has a jenjang. Clear it, or mend the kind of position.",
    ),
    "education_level_unknown": (
        "Tingkat pendidikan tidak dikenal. Isi SD, SMP, SMA, D1, D2, D3, D4, S1, S2, atau S3.",
        "Unknown level of education. Write SD, SMP, SMA, D1, D2, D3, D4, S1, S2 or S3.",
    ),
    "year_invalid": (
        "Tahun harus empat angka antara 1940 dan 2100.",
        "The year must be four digits between 1940 and 2100.",
    ),
    "email_invalid": (
        "Alamat surel tidak benar. Tulis satu alamat saja, misalnya nama@contoh.go.id.",
        "Not an e-mail address. Write one address only, such as nama@contoh.go.id.",
    ),
    "phone_invalid": (
        "Nomor telepon tidak benar. Tulis satu nomor saja, dimulai 0 atau +62, misalnya "
        "081234567890.",
        "Not a telephone number. Write one number only, starting with 0 or +62, such as "
        "081234567890.",
    ),
    "phone_ambiguous": (
        "Nomor ini tidak dimulai 0 atau +62; mungkin Excel menghilangkan angka 0 di depan. Tulis "
        "nomor lengkap.",
        "This number starts with neither 0 nor +62; Excel may have dropped a leading 0. Write the "
        "whole number.",
    ),
    "identifier_repeated": (
        "NIP ini sudah dipakai di baris {first_row} dengan isi yang berbeda. Sisakan satu baris "
        "yang benar.",
        "Row {first_row} has the same NIP with other contents. Keep the one that is right.",
    ),
    "row_repeated": (
        "Baris ini sama dengan baris {first_row} dan dilewati.",
        "This row is the same as row {first_row} and is skipped.",
    ),
    "birth_date_differs": (
        "Tanggal lahir berbeda dari yang tertulis dalam NIP. Periksa kembali; baris tetap "
        "diterima.",
        "The date of birth differs from the one in the NIP. Please check; the row is accepted.",
    ),
    "sex_differs": (
        "Jenis kelamin berbeda dari yang tertulis dalam NIP. Periksa kembali; baris tetap "
        "diterima.",
        "The sex differs from the one in the NIP. Please check; the row is accepted.",
    ),
    "identifier_not_for_status": (
        "Nomor ini tampak sebagai {kind}, tidak lazim untuk status pegawai tersebut. Periksa "
        "kembali; baris tetap diterima.",
        "This number looks like a {kind}, unusual for the status. Please check; the row is "
        "accepted.",
    ),
    "unit_code_unknown": (
        "Kode unit ini tidak ada dalam organisasi.{near}",
        "No unit has this code.{near}",
    ),
    "unit_unknown": (
        "Unit dengan nama ini tidak ada dalam organisasi.{near}",
        "No unit has this name.{near}",
    ),
    "unit_ambiguous": (
        "Beberapa unit bernama sama. Isi kode unitnya: {codes}.",
        "Several units have this name. Fill in the code: {codes}.",
    ),
    "unit_name_differs": (
        "Nama unit berbeda dari nama unit dengan kode ini ({recorded}). Yang dipakai kodenya.",
        "The name is not that of the unit with this code ({recorded}). The code counts.",
    ),
    "position_unknown": (
        "Jabatan ini tidak ada di unit tersebut.{near} Tambahkan jabatannya lebih dulu, atau impor "
        "dengan pilihan membuat jabatan baru.",
        "The unit has no such position.{near} Add the position first, or import with the option "
        "that creates positions.",
    ),
    "position_ambiguous": (
        "Unit tersebut memiliki beberapa jabatan dengan nama ini. Isi jenis jabatan dan "
        "jenjangnya.",
        "The unit has several positions of this name. Fill in the kind and the jenjang.",
    ),
    "position_kind_differs": (
        "Jabatan ini tercatat sebagai {recorded}. Perbaiki jenis jabatan atau jenjangnya.",
        "This position is recorded as {recorded}. Mend its kind or jenjang.",
    ),
    "job_kind_missing": (
        "Untuk membuat jabatan baru, isi jenis jabatannya.",
        "Fill in the kind of the position, so that it can be created.",
    ),
    "position_created": (
        "Jabatan ini belum ada dan dibuat oleh impor.",
        "This position is new and is created by the import.",
    ),
    "seat_over_capacity": (
        "Jumlah pemangku jabatan ini menjadi lebih banyak daripada kursinya. Periksa kembali; "
        "baris tetap diterima.",
        "The position gets more holders than it has seats. Please check; the row is accepted.",
    ),
    "identifier_replaced": (
        "Nomor ini sudah diganti dengan nomor yang lebih baru untuk pegawai yang sama. Isi nomor "
        "yang berlaku.",
        "The same employee has a newer number by now. Fill in the one in force.",
    ),
    "identifier_of_other": (
        "Nomor ini tercatat untuk orang lain: nama dan tanggal lahirnya berbeda. Periksa NIP-nya.",
        "This number is recorded for somebody else: name and date of birth differ. Check the NIP.",
    ),
    "employee_left": (
        "Pegawai ini tercatat sudah berhenti. Hapus barisnya, atau catat pengangkatannya kembali "
        "lebih dulu.",
        "This employee is recorded as having left. Delete the row, or record the return first.",
    ),
    "birth_date_changes": (
        "Tanggal lahir berbeda dari yang tercatat, dan akan diubah. Periksa kembali.",
        "The date of birth differs from the recorded one, and will be changed. Please check.",
    ),
    "nik_of_other": (
        "NIK ini tercatat untuk pegawai dengan NIP lain. Bila NIP-nya berganti, catat "
        "pergantiannya lebih dulu.",
        "This NIK is recorded for an employee with another NIP. If the NIP has changed, record "
        "the change first.",
    ),
    "nik_differs": (
        "NIK berbeda dari yang tercatat untuk pegawai ini. Periksa kembali; NIK yang salah "
        "diperbaiki pada data pegawainya.",
        "The NIK differs from the one recorded for this employee. Please check; a wrong NIK is "
        "mended in the employee's own record.",
    ),
    "nik_repeated": (
        "NIK ini dipakai pula di baris lain dalam berkas.",
        "Another row of the file has the same NIK.",
    ),
    "date_before_birth": (
        "Tanggal ini tidak sesudah tanggal lahir.",
        "This day does not come after the birth.",
    ),
    "older_than_recorded": (
        "Yang tercatat lebih baru (mulai {fact}). Hapus baris ini, atau perbaiki tanggalnya.",
        "What is recorded is newer (from {fact}). Delete the row, or mend the date.",
    ),
    "since_differs": (
        "Tanggal mulai yang tercatat adalah {fact}; impor tidak mengubahnya.",
        "The recorded first day is {fact}; an import does not change it.",
    ),
    "levels_missing": (
        "Baris ini tidak memuat satu pun level kompetensi. Isi levelnya, atau hapus barisnya.",
        "This row has no level of any competency. Fill in the levels, or delete the row.",
    ),
    "level_unreadable": (
        "Level tidak terbaca. Isi satu bilangan bulat 0 sampai 5, misalnya 3; nama di "
        "belakangnya harus nama level itu.",
        "The level cannot be read. Write one whole number from 0 to 5, such as 3; a name after it "
        "must be that level's.",
    ),
    "level_not_whole": (
        "Level dari penilai harus bilangan bulat, bukan pecahan. Isi level yang diputuskan "
        "penilai; rata-rata dihitung oleh sistem.",
        "A level that an assessor finds is a whole number. Write what the assessors decided on; "
        "averages are computed by the system.",
    ),
    "level_out_of_range": (
        "Level hanya 0 sampai 5.",
        "A level lies between 0 and 5.",
    ),
    "competency_not_in_force": (
        "Kompetensi ini tidak ada dalam kamus kompetensi pada hari kegiatan. Kosongkan kolomnya.",
        "This competency is not in the dictionary on the day of the event. Clear the column.",
    ),
    "potential_unreadable": (
        "Nilai potensi tidak terbaca. Isi satu angka 0 sampai 100, misalnya 78,5.",
        "The score of potential cannot be read. Write one number from 0 to 100, such as 78.5.",
    ),
    "potential_out_of_range": (
        "Nilai potensi paling tinggi 100.",
        "A score of potential is at most 100.",
    ),
    "potential_is_share": (
        "Nilai ini di bawah 1; mungkin sel berformat persen. Ubah format sel menjadi Umum lalu isi "
        "angka 0 sampai 100.",
        "This is below 1; perhaps the cell is formatted as percent. Format it as General and write "
        "a number from 0 to 100.",
    ),
    "identifier_unknown": (
        "Tidak ada pegawai dengan NIP ini. Periksa NIP-nya, atau catat pegawainya lebih dulu.",
        "No employee has this NIP. Check it, or record the employee first.",
    ),
    "employee_not_in_service": (
        "Pegawai ini tidak tercatat bekerja pada hari pertama kegiatan: sudah berhenti, atau belum "
        "mulai.",
        "This employee is not recorded as serving on the first day of the event: they had left, or "
        "not begun yet.",
    ),
    "employee_repeated": (
        "Pegawai ini ada di baris lain dengan NIP yang berbeda (NIP lama dan baru). Sisakan satu "
        "baris.",
        "Another row has the same employee under another number (an old and a new one). Keep one.",
    ),
    "own_result": (
        "Ini hasil penilaian Anda sendiri; petugas lain yang mengimpornya.",
        "This is your own result; another officer imports it.",
    ),
    "name_differs": (
        "Nama berbeda dari yang tercatat untuk NIP ini. Periksa kembali; yang dipakai NIP-nya.",
        "The name differs from the one recorded for this NIP. Please check; the NIP counts.",
    ),
    "position_code_unknown": (
        "Tidak ada jabatan dengan kode ini. Tulis kode seperti yang tercatat.",
        "No position has this code. Write the code as it is recorded.",
    ),
    "position_without_standard": (
        "Jabatan ini tidak berlaku, atau belum mempunyai standar kompetensi, pada hari terakhir "
        "kegiatan. Isi kode jabatan yang berlaku.",
        "This position is not in force, or has no standard of competency, on the last day of the "
        "event. Fill in one that is.",
    ),
    "seat_missing": (
        "Pegawai ini tidak memangku jabatan definitif pada {fact}. Isi kode jabatan yang menjadi "
        "ukuran.",
        "This employee held no position for good on {fact}. Fill in the code of the position to "
        "measure against.",
    ),
    "assessed_for_other": (
        "Penilaian pegawai ini dalam kegiatan yang sama tercatat untuk jabatan lain ({fact}). "
        "Perbaiki kode jabatannya, atau batalkan penilaian itu lebih dulu.",
        "The same event has this employee's assessment for another position ({fact}). Mend the "
        "code, or cancel that assessment first.",
    ),
    "result_settled": (
        "Penilaian pegawai ini sudah dimoderasi atau diterbitkan, dengan nilai yang berbeda. Impor "
        "tidak mengubahnya lagi; hasil hanya berubah melalui keberatan atau koreksi.",
        "This employee's assessment is moderated or published, with other values. An import does "
        "not change it any more; a result changes by an objection or a correction only.",
    ),
    "raters_pending": (
        "Masih ada penilai lain yang belum menyerahkan nilai untuk pegawai ini. Hasil dari "
        "penyelenggara dicatat; penilaiannya tetap terbuka sampai mereka selesai.",
        "Other raters of this employee have not submitted yet. What the provider found is "
        "recorded; the assessment stays open until they are done.",
    ),
    "competencies_missing": (
        "Belum ada level untuk {fact}, padahal diwajibkan standar jabatannya. Hasilnya tidak "
        "akan lengkap; baris tetap diterima.",
        "There is no level for {fact}, which the position's standard requires. The result will be "
        "incomplete; the row is accepted.",
    ),
    "cell_without_heading": (
        "Baris ini berisi data di kolom {letters} yang tidak berjudul; data itu diabaikan.",
        "This row has data in column {letters}, which has no heading; it is ignored.",
    ),
}

FILE_WORDS: Final = {
    "empty_file": (
        "Berkas kosong.",
        "The file is empty.",
    ),
    "wrong_type": (
        "Jenis berkas ini tidak dapat dibaca. Kirim berkas Excel (.xlsx) atau CSV.",
        "This type of file cannot be read. Send an Excel file (.xlsx) or CSV.",
    ),
    "old_excel": (
        "Berkas .xls (Excel lama) tidak diterima. Buka di Excel lalu pilih Simpan Sebagai, Buku "
        "Kerja Excel (.xlsx).",
        "The old Excel format (.xls) is not accepted. Open it in Excel and choose Save As, Excel "
        "Workbook (.xlsx).",
    ),
    "encrypted": (
        "Berkas dilindungi kata sandi. Hapus kata sandinya di Excel lalu kirim lagi.",
        "The file is protected by a password. Remove it in Excel and send the file again.",
    ),
    "corrupt": (
        "Berkas rusak dan tidak dapat dibaca. Buka di Excel, simpan ulang sebagai .xlsx, lalu "
        "kirim lagi.",
        "The file is damaged and cannot be read. Open it in Excel, save it again as .xlsx and "
        "send it again.",
    ),
    "too_large": (
        "Isi berkas terlalu besar setelah dibuka (lebih dari {limit} MB). Bagi menjadi beberapa "
        "berkas.",
        "The file is too large once unpacked (more than {limit} MB). Split it into several files.",
    ),
    "too_many_rows": (
        "Terlalu banyak baris; paling banyak {limit} baris. Hapus baris kosong di bawah tabel, "
        "atau bagi berkasnya.",
        "Too many rows; at most {limit}. Delete the empty rows below the table, or split the file.",
    ),
    "too_many_columns": (
        "Terlalu banyak kolom; paling banyak {limit} kolom. Hapus kolom yang tidak dipakai di "
        "sebelah kanan tabel.",
        "Too many columns; at most {limit}. Delete the unused columns right of the table.",
    ),
    "encoding_unknown": (
        "Pengodean huruf berkas CSV tidak dikenal. Di Excel pilih Simpan Sebagai, CSV UTF-8.",
        "The encoding of the CSV file is unknown. In Excel choose Save As, CSV UTF-8.",
    ),
    "csv_broken": (
        'Susunan CSV rusak di sekitar baris {row}: periksa tanda kutip (") yang tidak ditutup.',
        'The CSV is broken near row {row}: look for a quotation mark (") that is not closed.',
    ),
    "sheet_missing": (
        "Lembar yang diminta tidak ada. Lembar yang ada: {sheets}.",
        "There is no such sheet. The sheets are: {sheets}.",
    ),
    "no_heading": (
        "Baris judul kolom tidak ditemukan dalam {limit} baris pertama. Pakai templat, atau "
        "pastikan ada judul seperti NIP dan Nama.",
        "No heading row was found in the first {limit} rows. Use the template, or make sure that "
        "there are headings such as NIP and Nama.",
    ),
    "no_data_rows": (
        "Tidak ada baris data di bawah judul kolom.",
        "There is no row of data below the headings.",
    ),
    "missing_columns": (
        "Kolom wajib belum ada: {columns}. Tambahkan kolom itu, atau petakan judul yang ada.",
        "Required columns are missing: {columns}. Add them, or map the headings that are there.",
    ),
    "repeated_heading": (
        "Kolom {first} ({first_heading}) dan kolom {second} ({second_heading}) sama-sama dibaca "
        "sebagai {column}. Hapus atau ganti judul salah satunya, atau petakan kolomnya.",
        "Columns {first} ({first_heading}) and {second} ({second_heading}) both read as {column}. "
        "Delete or rename one of them, or map the columns.",
    ),
    "mapping_unknown_column": (
        "Pemetaan menyebut kolom tujuan yang tidak dikenal: {column}.",
        "The mapping names an unknown target column: {column}.",
    ),
    "mapping_unknown_heading": (
        "Pemetaan menyebut judul yang tidak ada dalam berkas: {heading}.",
        "The mapping names a heading that is not in the file: {heading}.",
    ),
    "unknown_column": (
        "Kolom {letters} ({heading}) tidak dikenal dan diabaikan.",
        "Column {letters} ({heading}) is unknown and is ignored.",
    ),
    "event_closed": (
        "Kegiatan penilaian ini sudah ditutup; tidak ada hasil yang ditambahkan lagi.",
        "This assessment event is closed; no results are added to it any more.",
    ),
    "encoding_guessed": (
        "Berkas CSV bukan UTF-8; dibaca sebagai Windows-1252. Periksa huruf beraksen.",
        "The CSV is not UTF-8; it was read as Windows-1252. Check accented letters.",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with, or worth knowing of, a cell, a row or a file.

    `column` is the name of the target column, None for the row or file as a whole. `shown`
    is what may be repeated of the cell: masked, and never for NIK, name or address.
    """

    column: str | None
    code: str
    detail_id: str
    detail_en: str
    shown: str | None = None


class UnreadableFile(Exception):
    """The file as a whole can't be imported. `code` is stable."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.detail_id, self.detail_en = (words.format(**facts) for words in FILE_WORDS[code])


def about_cell(column: str | None, code: str, shown: str | None = None, **facts: object) -> Finding:
    """A finding about one cell, or about a row where `column` is None."""
    indonesian, english = CELL_WORDS.get(code) or IDENTIFIER_WORDS[code]
    return Finding(column, code, indonesian.format(**facts), english.format(**facts), shown)


def noted(said: Finding | UnreadableFile) -> dict[str, str]:
    """What is kept, beside the rows, of a word about the file as a whole."""
    return {"code": said.code, "id": said.detail_id, "en": said.detail_en}


def about_file(code: str, **facts: object) -> Finding:
    """A warning about the file as a whole."""
    indonesian, english = FILE_WORDS[code]
    return Finding(None, code, indonesian.format(**facts), english.format(**facts))
