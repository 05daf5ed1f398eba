"""Results in plain words, in the reader's language: formulas with their numbers, rules, bands."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from app.errors import Bilingual, Language
from app.rules import RulePack
from app.rules.scoring import Json, RulesUsed
from app.schemas.assessment_results import BandAhead, ChangeStep, RuleUsed
from app.vocabulary import (
    AssessmentPurpose,
    JpmBand,
    JpmCap,
    JpmFormula,
    Potential,
    RaterSource,
)

OFFICE: Final = Bilingual("Instansi kepegawaian", "The personnel agency")
SOURCES: Final[Mapping[RaterSource, Bilingual]] = {
    RaterSource.SELF: Bilingual("Penilaian diri", "Self-assessment"),
    RaterSource.SUPERIOR: Bilingual("Atasan", "Superiors"),
    RaterSource.PEER: Bilingual("Rekan kerja, tanpa nama", "Peers, anonymous"),
    RaterSource.SUBORDINATE: Bilingual("Bawahan, tanpa nama", "Subordinates, anonymous"),
    RaterSource.ASSESSOR: Bilingual("Asesor", "Assessors"),
}
BANDS: Final[Mapping[str, Bilingual]] = {
    JpmBand.MEMENUHI_SYARAT: Bilingual("memenuhi syarat", "memenuhi syarat (fulfils)"),
    JpmBand.MASIH_MEMENUHI_SYARAT: Bilingual(
        "masih memenuhi syarat", "masih memenuhi syarat (still fulfils)"
    ),
    JpmBand.KURANG_MEMENUHI_SYARAT: Bilingual(
        "kurang memenuhi syarat", "kurang memenuhi syarat (fulfils too little)"
    ),
    JpmBand.OPTIMAL: Bilingual("optimal", "optimal"),
    JpmBand.CUKUP_OPTIMAL: Bilingual("cukup optimal", "cukup optimal (fairly optimal)"),
    JpmBand.KURANG_OPTIMAL: Bilingual("kurang optimal", "kurang optimal (less than optimal)"),
    Potential.TINGGI: Bilingual("tinggi", "tinggi (high)"),
    Potential.MENENGAH: Bilingual("menengah", "menengah (medium)"),
    Potential.RENDAH: Bilingual("rendah", "rendah (low)"),
}
MONTHS: Final = {
    "id": "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember",
    "en": "January February March April May June July August September October November December",
}


def number(value: Decimal | str | int, language: Language) -> str:
    """`2.74` in English, `2,74` in Indonesian."""
    return str(value) if language == "en" else str(value).replace(".", ",")


def day(value: date, language: Language) -> str:
    """`20 November 2026`."""
    return f"{value.day} {MONTHS[language].split()[value.month - 1]} {value.year}"


def source(of: RaterSource, raters: int | None, language: Language) -> str:
    """A source and how many raters it had; too few anonymous ones are not counted out."""
    count = Bilingual("{n} penilai", "raters: {n}").format(n=raters)
    if raters is None:
        count = Bilingual(
            "terlalu sedikit untuk dihitung dan ditampilkan", "too few to count or to be shown"
        )
    return f"{SOURCES[of].text(language)} ({count.text(language)})."


# --- the formula with its numbers ----------------------------------------------------------

_INCOMPLETE: Final = Bilingual(
    "JPM tidak dihitung: {missing} belum terukur.", "No JPM is computed: {missing} not measured."
)
_FORMULAS: Final = {
    JpmFormula.SUM_RATIO: Bilingual(
        "JPM = jumlah level hasil ÷ jumlah level yang dipersyaratkan × 100 = "
        "{actual} ÷ {required} × 100 = {jpm}%",
        "JPM = sum of assessed levels ÷ sum of required levels × 100 = "
        "{actual} ÷ {required} × 100 = {jpm}%",
    ),
    JpmFormula.MEAN_RATIO: Bilingual(
        "JPM = rata-rata dari (level hasil ÷ level yang dipersyaratkan) atas {count} kompetensi "
        "× 100 = {jpm}%",
        "JPM = mean of (assessed level ÷ required level) over {count} competencies × 100 = {jpm}%",
    ),
}
_CAPS: Final = {
    JpmCap.NONE: Bilingual(".", "."),
    JpmCap.TOTAL: Bilingual(", paling tinggi 100%.", ", at most 100%."),
    JpmCap.COMPETENCY: Bilingual(
        "; setiap kompetensi dihitung paling tinggi pada level yang dipersyaratkan.",
        "; each competency counts at most at its required level.",
    ),
}


def jpm(outcome: Json, names: Mapping[str, str], language: Language) -> str:
    """The formula that decided, with the numbers of this outcome; `names` of competencies."""
    if outcome["jpm"] is None:
        missing = ", ".join(names[code] for code in outcome["missing"])
        return _INCOMPLETE.text(language).format(missing=missing)
    formula, cap = JpmFormula(outcome["formula"]), JpmCap(outcome["cap"])
    pairs = [(Decimal(each["actual"]), each["required"]) for each in outcome["competencies"]]
    if cap is JpmCap.COMPETENCY:
        pairs = [(min(actual, Decimal(required)), required) for actual, required in pairs]
    filled = (
        _FORMULAS[formula]
        .text(language)
        .format(
            actual=number(sum((actual for actual, _ in pairs), Decimal(0)), language),
            required=sum(required for _, required in pairs),
            count=len(pairs),
            jpm=number(outcome["jpm"], language),
        )
    )
    return filled + _CAPS[cap].text(language)


# --- the rules ------------------------------------------------------------------------------

_MEASURED: Final = Bilingual(
    "JPM membandingkan level hasil dengan level yang dipersyaratkan; kelebihan di satu kompetensi "
    "tidak menghapus kesenjangan di kompetensi lain.",
    "The JPM compares assessed with required levels; a surplus in one competency never removes "
    "the gap in another.",
)
_VALID: Final = Bilingual(
    "Hasil berlaku {years} tahun sejak hari penilaian.",
    "The result is valid for {years} years from the day of assessment.",
)
_RATERS: Final = Bilingual(
    "Level setiap kompetensi adalah rata-rata tertimbang dari rata-rata setiap sumber yang "
    "menilainya, dengan bobot {weights}; bobot sumber yang tidak dihitung tidak ikut membagi. "
    "Rekan kerja dan bawahan yang kurang dari {threshold} orang tidak dihitung dan tidak "
    "ditampilkan.",
    "The level of a competency is the weighted mean of the means of the sources that rated it, "
    "by {weights}; the weight of a source that doesn't count doesn't divide either. Fewer than "
    "{threshold} peers or subordinates neither count nor show.",
)


def rules_used(rules: RulesUsed, purpose: AssessmentPurpose, language: Language) -> list[RuleUsed]:
    """Every rule by which a result was made, with its source."""
    explain: Mapping[str, Callable[[RulePack], str]] = {
        "jpm": lambda _: _MEASURED.text(language),
        "jpm_bands": lambda pack: _bounds(pack.table("from", purpose), language),
        "assessment_validity": lambda pack: _VALID.text(language).format(
            years=pack.integer("years")
        ),
        "potential": lambda pack: _bounds(pack.table("from"), language),
        "raters": lambda pack: _raters(pack, language),
    }
    return [
        RuleUsed(
            kind=kind,
            rule_id=rule_id,
            source=rules.pack(kind).source,
            in_words=explain[kind](rules.pack(kind)),
        )
        for kind, rule_id in rules.rule_ids.items()
    ]


def _bounds(table: Mapping[str, Any], language: Language) -> str:
    since = Bilingual("{band} mulai {bound}", "{band} from {bound}").text(language)
    parts = (
        since.format(band=BANDS[band].text(language), bound=number(bound, language))
        for band, bound in table.items()
    )
    return f"{'; '.join(parts)}."


def _raters(pack: RulePack, language: Language) -> str:
    weights = (
        f"{SOURCES[RaterSource(source)].text(language).lower()} {weight}"
        for source, weight in pack.table("weight").items()
    )
    threshold = pack.integer("anonymity_threshold")
    return _RATERS.text(language).format(weights="; ".join(weights), threshold=threshold)


# --- what would change it --------------------------------------------------------------------

_AHEAD: Final = Bilingual(
    "Untuk kategori {band} (mulai {bound}%) kurang {missing} poin.",
    "To the band {band} (from {bound}%) {missing} points are missing.",
)
_ENOUGH: Final = Bilingual(
    " Cukup dengan menutup kesenjangan di {name}.", " Closing the gap in {name} would be enough."
)
_SEVERAL: Final = Bilingual(
    " Perlu menutup kesenjangan di lebih dari satu kompetensi.",
    " It takes closing the gaps in more than one competency.",
)


def bands_ahead(
    ahead: Sequence[Json], names: Mapping[str, str], language: Language
) -> list[BandAhead]:
    """What `scoring.what_would_change_it` found, nearest band first."""
    return [
        BandAhead(
            band=each["band"],
            starts_at=each["from"],
            missing=each["missing"],
            in_words=_ahead(each, names, language),
            steps=[ChangeStep(**gap, name=names[gap["code"]]) for gap in each["gaps"]],
        )
        for each in ahead
    ]


def _ahead(each: Json, names: Mapping[str, str], language: Language) -> str:
    first = _AHEAD.text(language).format(
        band=BANDS[each["band"]].text(language),
        bound=number(each["from"], language),
        missing=number(each["missing"], language),
    )
    enough = [names[gap["code"]] for gap in each["gaps"] if gap["reaches"]]
    if not enough:
        return first + _SEVERAL.text(language)
    alternative = Bilingual(" atau ", " or ").text(language)
    return first + _ENOUGH.text(language).format(name=alternative.join(enough))
