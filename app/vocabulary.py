"""The words that the law fixes, each as one enumeration used by every layer.

Values keep the law's own names (UU 20/2023, PP 11/2017, PP 49/2018, PP 18/2016).
"""

from enum import StrEnum


class Role(StrEnum):
    """What an account may be. Supervisor and assessor are relations, not roles."""

    PUBLIC = "public"
    ASN = "asn"
    HR_ADMIN = "hr_admin"
    AUDITOR = "auditor"
    SERVICE = "service"


class Sex(StrEnum):
    """The digit of the NIP that tells it: 1 male, 2 female (Perka BKN 22/2007)."""

    MALE = "male"
    FEMALE = "female"


class EmploymentStatus(StrEnum):
    """Kinds of ASN (UU 20/2023 art. 5), with the candidate and part-time forms."""

    CPNS = "cpns"
    PNS = "pns"
    PPPK = "pppk"
    PPPK_PARUH_WAKTU = "pppk_paruh_waktu"


class StatusEndReason(StrEnum):
    """Why employment ended (UU 20/2023 art. 52)."""

    PENSIUN = "pensiun"
    MENINGGAL = "meninggal"
    MENGUNDURKAN_DIRI = "mengundurkan_diri"
    DIBERHENTIKAN = "diberhentikan"
    MUTASI_KELUAR = "mutasi_keluar"
    KONTRAK_BERAKHIR = "kontrak_berakhir"


class IdentifierKind(StrEnum):
    """NIP for PNS and CPNS; NI PPPK for both kinds of PPPK."""

    NIP = "nip"
    NI_PPPK = "ni_pppk"


class JobKind(StrEnum):
    """Jenis jabatan (UU 20/2023 arts 13 and 18)."""

    JPT_UTAMA = "jpt_utama"
    JPT_MADYA = "jpt_madya"
    JPT_PRATAMA = "jpt_pratama"
    ADMINISTRATOR = "administrator"
    PENGAWAS = "pengawas"
    FUNGSIONAL = "fungsional"
    PELAKSANA = "pelaksana"


class Jenjang(StrEnum):
    """Level of a jabatan fungsional: keahlian first, then keterampilan."""

    AHLI_PERTAMA = "ahli_pertama"
    AHLI_MUDA = "ahli_muda"
    AHLI_MADYA = "ahli_madya"
    AHLI_UTAMA = "ahli_utama"
    PEMULA = "pemula"
    TERAMPIL = "terampil"
    MAHIR = "mahir"
    PENYELIA = "penyelia"


class UnitKind(StrEnum):
    """Perangkat daerah and what stands under them (PP 18/2016)."""

    PEMERINTAH_DAERAH = "pemerintah_daerah"
    SETDA = "setda"
    SETWAN = "setwan"
    INSPEKTORAT = "inspektorat"
    DINAS = "dinas"
    BADAN = "badan"
    KECAMATAN = "kecamatan"
    KELURAHAN = "kelurahan"
    UPTD = "uptd"
    BAGIAN = "bagian"
    BIDANG = "bidang"
    SEKSI = "seksi"
    SUBBAGIAN = "subbagian"


class SuccessionKind(StrEnum):
    """How a unit passed into another."""

    MERGER = "merger"
    SPLIT = "split"
    RENAMING = "renaming"


class AssignmentKind(StrEnum):
    """Holding a seat for good, or acting in it (plt: vacant seat, plh: holder absent)."""

    DEFINITIF = "definitif"
    PLT = "plt"
    PLH = "plh"


class EducationLevel(StrEnum):
    """Tingkat pendidikan as SIASN names it."""

    SD = "sd"
    SMP = "smp"
    SMA = "sma"
    D1 = "d1"
    D2 = "d2"
    D3 = "d3"
    D4 = "d4"
    S1 = "s1"
    S2 = "s2"
    S3 = "s3"


class DisciplineLevel(StrEnum):
    """Tingkat hukuman disiplin (PP 94/2021 art. 8)."""

    RINGAN = "ringan"
    SEDANG = "sedang"
    BERAT = "berat"


class Golongan(StrEnum):
    """PNS I/a to IV/e (17 ranks) and PPPK I to XVII (17 grades)."""

    I_A = "I/a"
    I_B = "I/b"
    I_C = "I/c"
    I_D = "I/d"
    II_A = "II/a"
    II_B = "II/b"
    II_C = "II/c"
    II_D = "II/d"
    III_A = "III/a"
    III_B = "III/b"
    III_C = "III/c"
    III_D = "III/d"
    IV_A = "IV/a"
    IV_B = "IV/b"
    IV_C = "IV/c"
    IV_D = "IV/d"
    IV_E = "IV/e"
    PPPK_I = "I"
    PPPK_II = "II"
    PPPK_III = "III"
    PPPK_IV = "IV"
    PPPK_V = "V"
    PPPK_VI = "VI"
    PPPK_VII = "VII"
    PPPK_VIII = "VIII"
    PPPK_IX = "IX"
    PPPK_X = "X"
    PPPK_XI = "XI"
    PPPK_XII = "XII"
    PPPK_XIII = "XIII"
    PPPK_XIV = "XIV"
    PPPK_XV = "XV"
    PPPK_XVI = "XVI"
    PPPK_XVII = "XVII"

    @property
    def is_pns(self) -> bool:
        """Whether the rank is one of the seventeen of PNS."""
        return "/" in self.value


class CompetencyKind(StrEnum):
    """Kinds of competency (PermenPANRB 38/2017 art. 3)."""

    MANAGERIAL = "managerial"
    SOCIO_CULTURAL = "socio_cultural"
    TECHNICAL = "technical"


class StandardState(StrEnum):
    """Where a proposed standard stands; all but the first are final."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class StandardOrigin(StrEnum):
    """Why a position requires a level: by its tier, or by a standard of its own."""

    DEFAULT = "default"
    POSITION = "position"


class AssessmentPurpose(StrEnum):
    """What an assessment is for (BKN 26/2019 art. 26(2)): filling a post, or mapping."""

    PROMOTION = "promotion"
    MUTATION = "mutation"
    MAPPING = "mapping"


class AssessmentMethod(StrEnum):
    """How competencies are measured."""

    ASSESSMENT_CENTER = "assessment_center"
    INTERVIEW = "interview"
    COMPUTER_TEST = "computer_test"
    MULTI_RATER = "multi_rater"


class RaterSource(StrEnum):
    """From where a rating comes, seen from the one who is assessed."""

    SELF = "self"
    SUPERIOR = "superior"
    PEER = "peer"
    SUBORDINATE = "subordinate"
    ASSESSOR = "assessor"

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody but an auditor may learn who rated what."""
        return self in (RaterSource.PEER, RaterSource.SUBORDINATE)


class SourceUse(StrEnum):
    """What became of the ratings of one source in the level of a competency."""

    COUNTED = "counted"
    BELOW_THRESHOLD = "below_threshold"
    """Too few anonymous raters: neither counted nor shown."""
    SHOWN_ONLY = "shown_only"
    """Its weight is nought, as that of self-assessment."""
    REPLACED_BY_RULING = "replaced_by_ruling"
    """The ruling on an objection fixed the level instead."""


class AssessmentState(StrEnum):
    """Where one person's assessment stands.

    Superseded: a newer assessment of the same person was published.
    """

    DRAFT = "draft"
    SUBMITTED = "submitted"
    MODERATED = "moderated"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class AssessorAssignmentState(StrEnum):
    """Where one rater's part of an assessment stands."""

    ASSIGNED = "assigned"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"


class JpmFormula(StrEnum):
    """How job person match is computed from the levels."""

    SUM_RATIO = "sum_ratio"
    """Sum of actual levels over sum of required levels."""
    MEAN_RATIO = "mean_ratio"
    """Mean of each competency's actual over required."""


class JpmCap(StrEnum):
    """What a surplus may do to the job person match."""

    NONE = "none"
    TOTAL = "total"
    """The figure as a whole is at most 100."""
    COMPETENCY = "competency"
    """Each competency counts at most its required level."""


class JpmBand(StrEnum):
    """Category of a job person match, by purpose: three for filling posts, three for mapping."""

    MEMENUHI_SYARAT = "memenuhi_syarat"
    MASIH_MEMENUHI_SYARAT = "masih_memenuhi_syarat"
    KURANG_MEMENUHI_SYARAT = "kurang_memenuhi_syarat"
    OPTIMAL = "optimal"
    CUKUP_OPTIMAL = "cukup_optimal"
    KURANG_OPTIMAL = "kurang_optimal"


class Potential(StrEnum):
    """Category of potential (PermenPANRB 3/2020)."""

    TINGGI = "tinggi"
    MENENGAH = "menengah"
    RENDAH = "rendah"


class ResultStanding(StrEnum):
    """Whether a person has a result that counts today."""

    IN_FORCE = "in_force"
    EXPIRED = "expired"
    NOT_ASSESSED = "not_assessed"


class ObjectionState(StrEnum):
    """Where an objection (keberatan) to a result stands; ruled and withdrawn are final."""

    FILED = "filed"
    HEARING = "hearing"
    RULED = "ruled"
    WITHDRAWN = "withdrawn"


class ObjectionSide(StrEnum):
    """Whose statement it is: the person's, or that of those who made the result."""

    PERSON = "person"
    ASSESSORS = "assessors"


class ObjectionOutcome(StrEnum):
    """How an objection was ruled on; the first two make a new version of the result."""

    GRANTED = "granted"
    PARTLY_GRANTED = "partly_granted"
    DENIED = "denied"


class StatisticsDataset(StrEnum):
    """The tables of counts that are published."""

    FIT = "fit"
    COMPETENCY_GAPS = "competency_gaps"


class Fitness(StrEnum):
    """How somebody's levels stand to what their seat requires."""

    REACHED = "reached"
    SHORT = "short"
    NOT_ASSESSED = "not_assessed"


class ExportFormat(StrEnum):
    """The form of an exported data set."""

    CSV = "csv"
    NDJSON = "ndjson"
    XLSX = "xlsx"
    PARQUET = "parquet"


class ExportDataset(StrEnum):
    """What can be exported."""

    EMPLOYEES = "employees"
    UNITS = "units"
    POSITIONS = "positions"
    COMPETENCIES = "competencies"
    STANDARDS = "standards"
    ASSESSMENTS = "assessments"
    RATINGS = "ratings"
    RESULTS = "results"
    SCORES = "scores"
    RULE_PACKS = "rule_packs"


class ExportColumnType(StrEnum):
    """What a column of an export holds."""

    TEXT = "text"
    WORD = "word"
    CODE = "code"
    UUID = "uuid"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    JSON = "json"


class ExportState(StrEnum):
    """Where an export stands: requested, then read to its end at least once."""

    REQUESTED = "requested"
    COMPLETED = "completed"


class NextStep(StrEnum):
    """What an account has to do before anything else, in this order."""

    MUST_CHANGE_PASSWORD = "must_change_password"  # noqa: S105 - the name of a step
    ENROL_TOTP = "enrol_totp"


class Scope(StrEnum):
    """What a service client may be allowed to do."""

    EMPLOYEES_READ = "employees:read"
    EMPLOYEES_WRITE = "employees:write"
    ORGANISATION_READ = "organisation:read"
    ORGANISATION_WRITE = "organisation:write"
    IMPORTS_READ = "imports:read"
    IMPORTS_WRITE = "imports:write"
    CORRECTIONS_READ = "corrections:read"
    AUDIT_READ = "audit:read"
    ASSESSMENTS_READ = "assessments:read"
    ASSESSMENTS_WRITE = "assessments:write"
    EXPORTS_READ = "exports:read"


class SecurityEvent(StrEnum):
    """What the audit log tells of sign-in, beside the writes themselves."""

    SIGN_IN_REFUSED = "sign_in_refused"
    SECOND_FACTOR_REFUSED = "second_factor_refused"
    PROOF_REFUSED = "proof_refused"
    ACTIVATION_REFUSED = "activation_refused"
    RECOVERY_CODE_USED = "recovery_code_used"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - the name of an event
    SIGNING_KEY_ROTATED = "signing_key_rotated"


class AuditKind(StrEnum):
    """What an event of the audit log tells of."""

    READ = "read"
    WRITE = "write"
    SECURITY = "security"


class AuditFault(StrEnum):
    """What a verification of the audit log may find wrong."""

    LINK_MISSING = "link_missing"
    EVENT_MISSING = "event_missing"
    EVENT_CHANGED = "event_changed"
    DETAILS_CHANGED = "details_changed"
    DETAILS_MISSING = "details_missing"
    CHAIN_BROKEN = "chain_broken"
    OUT_OF_ORDER = "out_of_order"
    EVENT_NOT_CHAINED = "event_not_chained"
    CHECKPOINT_MISMATCH = "checkpoint_mismatch"
    CHECKPOINT_NOT_OURS = "checkpoint_not_ours"
    LOG_SHORTENED = "log_shortened"


class CorrectionField(StrEnum):
    """What an employee may ask to have corrected."""

    NAME = "name"
    TITLE_PREFIX = "title_prefix"
    TITLE_SUFFIX = "title_suffix"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    BIRTH_PLACE = "birth_place"
    BIRTH_DATE = "birth_date"
    SEX = "sex"
    GOLONGAN = "golongan"
    IDENTIFIER = "identifier"
    EDUCATION = "education"
    POSITION = "position"


class CorrectionState(StrEnum):
    """Where a correction request stands; all but the first are final."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class ImportKind(StrEnum):
    """What the rows of an imported file are."""

    EMPLOYEES = "employees"
    ASSESSMENT_RESULTS = "assessment_results"
    """What the assessors of a provider found."""


class ImportState(StrEnum):
    """Where an import stands; all but the first two are final."""

    QUEUED = "queued"
    RUNNING = "running"
    CHECKED = "checked"
    IMPORTED = "imported"
    REFUSED = "refused"
    FAILED = "failed"


class ImportStep(StrEnum):
    """What a running import is doing, in this order."""

    READING = "reading"
    CHECKING = "checking"
    WRITING = "writing"


class Severity(StrEnum):
    """A row with an error is not imported; a warning only wants to be looked at."""

    ERROR = "error"
    WARNING = "warning"
