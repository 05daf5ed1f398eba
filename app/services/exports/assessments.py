"""Data sets of competency: what is required, who was measured, what came of it.

Results are never changed, so theirs is exactly what was in force at the moment. A result carries
its inputs, the rules it used and all that they gave: `app.rules.scoring` computes it again.
"""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    String,
    and_,
    case,
    cast,
    column,
    func,
    literal_column,
    null,
    or_,
    select,
    union,
    values,
)
from sqlalchemy.dialects.postgresql import distinct_on

from app.errors import Bilingual
from app.models.assessments import (
    Assessment,
    AssessmentEvent,
    AssessmentProvider,
    AssessmentRating,
    AssessmentResult,
    AssessorAssignment,
    CompetencyScore,
)
from app.models.competencies import Competency, CompetencyStandard, CompetencyVersion
from app.models.organisation import Position, PositionVersion
from app.rules import all_packs
from app.services.exports.columns import MOMENT, Dataset, made, of
from app.services.exports.records import BY_DAY, days
from app.services.timeline import AS_OF, holds
from app.vocabulary import (
    AssessorAssignmentState,
    CompetencyKind,
    ExportDataset,
    RaterSource,
    StandardOrigin,
)
from app.vocabulary import ExportColumnType as Type


def _word(word: Any) -> ColumnElement[str]:
    """A word of the vocabulary in the text of a statement."""
    return literal_column(f"'{word}'", type_=String())


COMPETENCIES = Dataset(
    name=ExportDataset.COMPETENCIES,
    title=Bilingual("Kamus kompetensi", "Competency dictionary"),
    as_of=BY_DAY,
    columns=(
        of(Competency.id, Type.UUID, "Pengenal tetap kompetensi", "The competency's lasting id",
           "competency_id"),
        of(Competency.code, Type.CODE, "Kode kompetensi", "Code"),
        of(Competency.kind, Type.WORD, "Jenis kompetensi (PermenPANRB 38/2017)",
           "Kind of competency (PermenPANRB 38/2017)"),
        of(Competency.job_family, Type.TEXT, "Rumpun jabatan, untuk kompetensi teknis",
           "Job family, of a technical competency"),
        of(CompetencyVersion.id, Type.UUID, "Versi teks yang berlaku",
           "The version of the text in force", "competency_version_id"),
        of(CompetencyVersion.name, Type.TEXT, "Nama", "Name"),
        of(CompetencyVersion.definition, Type.TEXT, "Definisi", "Definition"),
        of(CompetencyVersion.levels, Type.JSON, "Lima level dengan indikator perilakunya",
           "Five levels with their behavioural indicators"),
        of(CompetencyVersion.source, Type.TEXT, "Peraturan atau keputusan asalnya",
           "The regulation or decree that the text goes by"),
        *days(CompetencyVersion),
    ),
    rows=select()
    .select_from(Competency)
    .join(
        CompetencyVersion,
        and_(CompetencyVersion.competency_id == Competency.id, holds(CompetencyVersion)),
    )
    .order_by(Competency.ordinal),
)  # fmt: skip


# --- standards ----------------------------------------------------------------------------

_TIERS = values(
    column("effective_from", String),
    column("rule_id", String),
    column("tier", String),
    column("level", Integer),
    name="tiers",
).data(
    [
        (pack.effective_from.isoformat(), pack.rule_id, tier, level)
        for pack in all_packs()
        if pack.kind == "required_levels"
        for table in ("job_kind", "jenjang")
        for tier, level in pack.table(table).items()
    ]
).alias("tiers")  # fmt: skip
_SINCE = cast(_TIERS.c.effective_from, Date)  # VALUES hold texts
_DEFAULT = (
    select(_TIERS.c.tier, _TIERS.c.level, _TIERS.c.rule_id)
    .where(_SINCE <= AS_OF)
    .ext(distinct_on(_TIERS.c.tier))
    .order_by(_TIERS.c.tier, _SINCE.desc())
    .subquery("tier_default")
)
_OWN = CompetencyStandard.required_level
_BASIC = Competency.kind != _word(CompetencyKind.TECHNICAL)

STANDARDS = Dataset(
    name=ExportDataset.STANDARDS,
    title=Bilingual("Standar kompetensi jabatan", "Competency standards of positions"),
    as_of=Bilingual(
        BY_DAY.id + " Satu baris untuk setiap kompetensi yang disyaratkan jabatan.",
        BY_DAY.en + " One row for each competency that a position requires.",
    ),
    columns=(
        of(Position.code, Type.CODE, "Kode jabatan", "Code of the position", "position_code"),
        of(PositionVersion.job_kind, Type.WORD, "Jenis jabatan", "Kind of position"),
        of(PositionVersion.jenjang, Type.WORD, "Jenjang jabatan fungsional",
           "Level of a jabatan fungsional"),
        of(Competency.code, Type.CODE, "Kode kompetensi", "Code of the competency",
           "competency_code"),
        made("required_level", func.coalesce(_OWN, _DEFAULT.c.level), Type.INTEGER,
             "competency_standards.required_level, app/rules/packs",
             "Level yang disyaratkan, 1 sampai 5", "Required level, 1 to 5"),
        made("origin",
             case((_OWN.is_not(None), _word(StandardOrigin.POSITION)),
                  else_=_word(StandardOrigin.DEFAULT)),
             Type.WORD, "competency_standards",
             "Dari standar jabatan itu sendiri, atau dari jenjangnya",
             "From the position's own standard, or from its tier"),
        made("rule_id", case((_OWN.is_(None), _DEFAULT.c.rule_id)), Type.CODE, "app/rules/packs",
             "Paket aturan yang memberi level bawaan", "The rule pack behind a default"),
        of(CompetencyStandard.proposal_id, Type.UUID, "Usulan yang menetapkan standar sendiri",
           "The proposal that approved an own standard"),
        *days(CompetencyStandard),
    ),
    rows=select()
    .select_from(Position)
    .join(
        PositionVersion,
        and_(PositionVersion.position_id == Position.id, holds(PositionVersion)),
    )
    .join(Competency, literal_column("true"))
    .join(
        CompetencyVersion,
        and_(CompetencyVersion.competency_id == Competency.id, holds(CompetencyVersion)),
    )
    .outerjoin(
        CompetencyStandard,
        and_(
            CompetencyStandard.position_id == Position.id,
            CompetencyStandard.competency_id == Competency.id,
            holds(CompetencyStandard),
        ),
    )
    .outerjoin(
        _DEFAULT,
        and_(
            _BASIC,
            _DEFAULT.c.tier == func.coalesce(PositionVersion.jenjang, PositionVersion.job_kind),
        ),
    )
    .where(or_(_OWN.is_not(None), _DEFAULT.c.level.is_not(None)))
    .order_by(Position.id, Competency.ordinal),
)  # fmt: skip


# --- assessments --------------------------------------------------------------------------

_BEGUN = Assessment.created_at <= MOMENT

ASSESSMENTS = Dataset(
    name=ExportDataset.ASSESSMENTS,
    title=Bilingual("Penilaian kompetensi", "Assessments of competency"),
    as_of=Bilingual(
        "Penilaian yang sudah dibuat pada saat itu; keadaannya menurut yang tercatat ketika "
        "berkas dibaca.",
        "Assessments that had been made by that moment; their state as recorded when the file "
        "is read.",
    ),
    columns=(
        of(Assessment.id, Type.UUID, "Pengenal penilaian", "The assessment's id",
           "assessment_id"),
        of(Assessment.employee_id, Type.UUID, "Siapa yang dinilai", "Who is assessed"),
        of(AssessmentEvent.code, Type.CODE, "Kode kegiatan penilaian", "Code of the event",
           "event_code"),
        of(AssessmentEvent.title, Type.TEXT, "Nama kegiatan", "Title of the event",
           "event_title"),
        of(AssessmentEvent.purpose, Type.WORD, "Tujuan (Peraturan BKN 26/2019)",
           "Purpose (BKN 26/2019)"),
        of(AssessmentEvent.method, Type.WORD, "Metode", "Method"),
        of(AssessmentProvider.code, Type.CODE, "Kode penyelenggara", "Code of the provider",
           "provider_code"),
        of(AssessmentEvent.starts_on, Type.DATE, "Hari pertama", "First day"),
        of(AssessmentEvent.ends_on, Type.DATE, "Hari terakhir", "Last day"),
        of(Position.code, Type.CODE, "Kode jabatan yang standarnya dipakai",
           "Code of the position whose standard is used", "position_code"),
        of(Assessment.state, Type.WORD, "Keadaan", "State"),
        of(Assessment.submitted_at, Type.INSTANT, "Kapan diajukan", "When it was submitted"),
        of(Assessment.moderated_by, Type.UUID, "Akun yang memoderasi",
           "The account that moderated it"),
        of(Assessment.moderated_at, Type.INSTANT, "Kapan dimoderasi", "When it was moderated"),
        of(Assessment.created_at, Type.INSTANT, "Kapan dibuat", "When it was made"),
    ),
    rows=select()
    .select_from(Assessment)
    .join(AssessmentEvent, AssessmentEvent.id == Assessment.event_id)
    .join(AssessmentProvider, AssessmentProvider.id == AssessmentEvent.provider_id)
    .join(Position, Position.id == Assessment.position_id)
    .where(_BEGUN)
    .order_by(Assessment.id),
    subjects=select(Assessment.employee_id).where(_BEGUN).distinct(),
    entity="assessments",
)  # fmt: skip

_GIVEN = and_(
    AssessorAssignment.state == _word(AssessorAssignmentState.SUBMITTED),
    AssessorAssignment.submitted_at <= MOMENT,
)
_NAMED = AssessmentRating.source.not_in(
    [_word(source) for source in RaterSource if source.is_anonymous]
)
_WHOLE = func.current_user() != "kemuning_service"
"""Who may read what a single anonymous rater gave."""
_RATING = (
    select()
    .select_from(AssessmentRating)
    .join(AssessorAssignment, AssessorAssignment.id == AssessmentRating.assignment_id)
    .join(Assessment, Assessment.id == AssessmentRating.assessment_id)
    .join(Competency, Competency.id == AssessmentRating.competency_id)
    .where(_GIVEN)
)

RATINGS = Dataset(
    name=ExportDataset.RATINGS,
    title=Bilingual("Nilai dari penilai", "What raters gave"),
    as_of=Bilingual(
        "Nilai yang sudah diserahkan penilainya pada saat itu dan belum dikembalikan. Nilai dari "
        "rekan dan bawahan hanya untuk auditor, bukan untuk skrip.",
        "Ratings that their raters had submitted by that moment, and that were not returned since. "
        "Those of peers and subordinates are for auditors, not for scripts.",
    ),
    columns=(
        of(AssessmentRating.assessment_id, Type.UUID, "Penilaian", "The assessment"),
        of(Assessment.employee_id, Type.UUID, "Siapa yang dinilai", "Who is assessed"),
        of(Competency.code, Type.CODE, "Kode kompetensi", "Code of the competency",
           "competency_code"),
        of(AssessmentRating.source, Type.WORD, "Penilai sebagai apa", "As what the rater rated"),
        made("rater_id", case((_NAMED, AssessmentRating.rater_id), else_=null()), Type.UUID,
             "assessment_ratings.rater_id",
             "Penilai; kosong untuk rekan dan bawahan, yang menilai tanpa nama, dan untuk "
             "asesor penyelenggara",
             "The rater; empty for peers and subordinates, who rate without their name, and for "
             "the provider's assessors"),
        of(AssessmentRating.level, Type.INTEGER, "Level yang diberikan, 0 sampai 5",
           "The level given, 0 to 5"),
        of(AssessmentRating.note, Type.TEXT, "Catatan", "Note"),
        of(AssessmentRating.evidence, Type.JSON, "Rujukan ke bukti", "References to evidence"),
    ),
    # Not by the ratings' ids: those of one rater stand together.
    rows=_RATING.order_by(
        *(AssessmentRating.assessment_id, Competency.ordinal, AssessmentRating.source),
        *(AssessmentRating.level, AssessmentRating.note, AssessmentRating.evidence),
    ),
    subjects=union(
        _RATING.with_only_columns(Assessment.employee_id.label("person")),
        _RATING.with_only_columns(AssessmentRating.rater_id.label("person")).where(
            _NAMED, AssessmentRating.rater_id.is_not(None)
        ),
    ),
    entity="assessments",
)  # fmt: skip


# --- results ------------------------------------------------------------------------------

_IN_FORCE = and_(
    AssessmentResult.published_at <= MOMENT,
    (AssessmentResult.superseded_at <= MOMENT).is_not(True),
)
_AS_PUBLISHED: Final = Bilingual(
    "Tepat versi hasil yang berlaku pada saat itu: sudah diterbitkan, belum diganti.",
    "Exactly the versions in force at that moment: published by then, not yet superseded.",
)
_WHOSE_RESULTS = select(AssessmentResult.employee_id).where(_IN_FORCE).distinct()

RESULTS = Dataset(
    name=ExportDataset.RESULTS,
    title=Bilingual("Hasil penilaian", "Results of assessments"),
    as_of=_AS_PUBLISHED,
    columns=(
        of(AssessmentResult.id, Type.UUID, "Pengenal hasil", "The result's id", "result_id"),
        of(AssessmentResult.assessment_id, Type.UUID, "Penilaian", "The assessment"),
        of(AssessmentResult.employee_id, Type.UUID, "Siapa yang dinilai", "Who was assessed"),
        of(Position.code, Type.CODE, "Kode jabatan pembanding", "Code of the position",
           "position_code"),
        of(AssessmentResult.version_no, Type.INTEGER, "Versi ke-", "Version"),
        of(AssessmentResult.purpose, Type.WORD, "Tujuan (Peraturan BKN 26/2019)",
           "Purpose (BKN 26/2019)"),
        of(AssessmentResult.assessed_on, Type.DATE, "Hari penilaian", "Day of assessment"),
        of(AssessmentResult.jpm, Type.DECIMAL, "Job person match, persen",
           "Job person match, percent"),
        of(AssessmentResult.jpm_uncapped, Type.DECIMAL, "JPM tanpa batas atas, persen",
           "The same without a cap, percent"),
        of(AssessmentResult.band, Type.WORD, "Kategori JPM", "Category of the JPM"),
        of(AssessmentResult.potential, Type.WORD, "Kategori potensi", "Category of potential"),
        of(AssessmentResult.gaps, Type.INTEGER, "Banyaknya kompetensi di bawah syarat",
           "Competencies below the required level"),
        of(AssessmentResult.valid_until, Type.DATE, "Hari pertama hasil tidak berlaku lagi",
           "First day on which it no longer counts"),
        of(AssessmentResult.reason, Type.TEXT, "Mengapa versi ini dibuat",
           "Why this version was made"),
        of(AssessmentResult.published_by, Type.UUID, "Akun yang menerbitkan",
           "The account that published it"),
        of(AssessmentResult.published_at, Type.INSTANT, "Kapan diterbitkan",
           "When it was published"),
        made("inputs", case((_WHOLE, AssessmentResult.inputs)), Type.JSON,
             "assessment_results.inputs",
             "Semua masukan perhitungan; kosong bagi klien layanan, karena memuat nilai tiap "
             "penilai anonim",
             "All that the rules were given; empty for service clients, since it holds what each "
             "anonymous rater gave"),
        of(AssessmentResult.rules, Type.JSON, "Paket aturan, rumus dan batas yang dipakai",
           "The rule packs, formula and cap used"),
        of(AssessmentResult.outcome, Type.JSON, "Semua yang dihasilkan aturan",
           "All that the rules gave"),
    ),
    rows=select()
    .select_from(AssessmentResult)
    .join(Position, Position.id == AssessmentResult.position_id)
    .where(_IN_FORCE)
    .order_by(AssessmentResult.id),
    subjects=_WHOSE_RESULTS,
    entity="assessments",
)  # fmt: skip

SCORES = Dataset(
    name=ExportDataset.SCORES,
    title=Bilingual("Skor per kompetensi", "Scores by competency"),
    as_of=_AS_PUBLISHED,
    columns=(
        of(CompetencyScore.result_id, Type.UUID, "Hasil", "The result",
           never_null=True),
        of(CompetencyScore.employee_id, Type.UUID, "Siapa yang dinilai", "Who was assessed",
           never_null=True),
        of(Competency.code, Type.CODE, "Kode kompetensi", "Code of the competency",
           "competency_code",
           never_null=True),
        of(CompetencyScore.competency_version_id, Type.UUID, "Versi teks kompetensi",
           "The version of the competency's text",
           never_null=True),
        of(CompetencyScore.required, Type.INTEGER, "Level yang disyaratkan", "Required level",
           never_null=True),
        of(CompetencyScore.actual, Type.DECIMAL, "Level yang ditemukan; kosong bila tidak "
           "terukur", "Level found; empty where nobody's rating counts"),
        of(CompetencyScore.gap, Type.DECIMAL, "Level di bawah syarat",
           "Levels below the required one"),
        of(CompetencyScore.surplus, Type.DECIMAL, "Level di atas syarat; tidak menutupi "
           "kekurangan", "Levels above it; never set against a gap"),
    ),
    rows=select()
    .select_from(CompetencyScore)
    .join(AssessmentResult, AssessmentResult.id == CompetencyScore.result_id)
    .join(Competency, Competency.id == CompetencyScore.competency_id)
    .where(_IN_FORCE)
    # as an index has them: the first rows come at once
    .order_by(CompetencyScore.result_id, CompetencyScore.competency_id),
    subjects=_WHOSE_RESULTS,
    entity="assessments",
)  # fmt: skip
