"""The log in plain words, for the people whom it is about and for those who verify it."""

from app.errors import Bilingual
from app.vocabulary import AuditFault, AuditKind

DEEDS = {
    AuditKind.READ: Bilingual("Melihat {what}", "Looked at {what}"),
    AuditKind.WRITE: Bilingual("Mencatat atau mengubah {what}", "Recorded or changed {what}"),
}
ENTITIES = {
    "employees": Bilingual("data kepegawaian", "the employment record"),
    "employee_profiles": Bilingual("nama dan kontak", "name and contact"),
    "employee_identifiers": Bilingual("NIP atau NI PPPK", "the NIP or NI PPPK"),
    "employee_statuses": Bilingual("status kepegawaian", "the employment status"),
    "employee_golongan": Bilingual("golongan", "the golongan"),
    "employee_educations": Bilingual("riwayat pendidikan", "the education history"),
    "employee_disciplines": Bilingual("riwayat hukuman disiplin", "the disciplinary history"),
    "seat_assignments": Bilingual("riwayat jabatan", "the position history"),
    "employee_spouses": Bilingual("catatan pernikahan", "the record of a marriage"),
    "assessments": Bilingual("penilaian kompetensi", "the competency assessment"),
    "assessor_assignments": Bilingual(
        "penilaian kompetensi sebagai penilai", "the competency assessment as a rater"
    ),
    "assessment_results": Bilingual("hasil penilaian kompetensi", "results of an assessment"),
    "competency_scores": Bilingual("skor per kompetensi", "scores by competency"),
    "competency_gaps": Bilingual(
        "pemetaan kesenjangan dan kandidat", "the mapping of gaps and candidates"
    ),
    "objections": Bilingual("keberatan atas hasil penilaian", "objections to a result"),
    "objection_statements": Bilingual("keterangan dalam keberatan", "statements in an objection"),
    "invitations": Bilingual("undangan membuat akun", "the invitation to open an account"),
    "correction_requests": Bilingual("permintaan perbaikan data", "requests for correction"),
    "accounts": Bilingual("akun", "the account"),
    "sessions": Bilingual("sesi masuk", "sign-in sessions"),
    "sign_in_sessions": Bilingual("sesi masuk", "sign-in sessions"),
    "imports": Bilingual("data impor", "imported data"),
    "units": Bilingual("pegawai di suatu unit kerja", "those who work in a unit"),
    "positions": Bilingual("pemangku suatu jabatan", "those who hold a position"),
    "sync": Bilingual("data untuk salinan di aplikasi", "what an app keeps a copy of"),
    "audit": Bilingual("jejak audit", "the audit log"),
}
OTHER = Bilingual("data lain", "other data")

FAULTS = {
    AuditFault.LINK_MISSING: Bilingual(
        "Urutan {first} sampai {last} hilang dari rantai.",
        "Numbers {first} to {last} are missing from the chain.",
    ),
    AuditFault.EVENT_MISSING: Bilingual(
        "Catatan nomor {first} telah dihapus.", "Event {first} was deleted."
    ),
    AuditFault.EVENT_CHANGED: Bilingual(
        "Catatan nomor {first} tidak lagi sesuai dengan sidik jarinya.",
        "Event {first} no longer matches its hash.",
    ),
    AuditFault.DETAILS_CHANGED: Bilingual(
        "Rincian catatan nomor {first} tidak sesuai dengan komitmennya.",
        "The details of event {first} don't match its commitment.",
    ),
    AuditFault.DETAILS_MISSING: Bilingual(
        "Rincian catatan nomor {first} hilang, dan tidak ada hukum yang menghapusnya.",
        "The details of event {first} are gone, and no law erases them.",
    ),
    AuditFault.CHAIN_BROKEN: Bilingual(
        "Rantai terputus pada nomor {first}.", "The chain is broken at {first}."
    ),
    AuditFault.OUT_OF_ORDER: Bilingual(
        "Catatan nomor {first} tidak berada pada urutannya.", "Event {first} is out of order."
    ),
    AuditFault.EVENT_NOT_CHAINED: Bilingual(
        "Sebelum nomor {first} ada catatan yang disisipkan atau dikeluarkan dari rantai.",
        "Before {first} stands an event that was slipped in or cut out of the chain.",
    ),
    AuditFault.CHECKPOINT_MISMATCH: Bilingual(
        "Catatan nomor {first} sampai {last} bukan lagi yang ditandatangani.",
        "Events {first} to {last} are not those that were signed.",
    ),
    AuditFault.CHECKPOINT_NOT_OURS: Bilingual(
        "Tanda tangan checkpoint pada nomor {first} tidak sah.",
        "The checkpoint at {first} isn't signed by a key of this log.",
    ),
    AuditFault.LOG_SHORTENED: Bilingual(
        "Catatan nomor {first} sampai {last} pernah ada, kini tidak ada lagi.",
        "Events {first} to {last} were there once and are gone.",
    ),
}
SOUND = Bilingual("Tidak ditemukan kejanggalan.", "Nothing was found wrong.")


def deed(kind: AuditKind, entity: str) -> Bilingual:
    """What was done, and to what."""
    what = ENTITIES.get(entity, OTHER)
    pattern = DEEDS[kind]
    return Bilingual(pattern.id.format(what=what.id), pattern.en.format(what=what.en))
