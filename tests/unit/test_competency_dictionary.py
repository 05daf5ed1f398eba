"""The competency dictionary as written: what its readers may rely on."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.vocabulary import CompetencyKind

DICTIONARY = Path(__file__).parents[2] / "migrations" / "data" / "competencies.toml"
COMPETENCIES: list[dict[str, Any]] = tomllib.loads(DICTIONARY.read_text("utf-8"))["competency"]

CORE = {
    "integritas": CompetencyKind.MANAGERIAL,
    "kerja_sama": CompetencyKind.MANAGERIAL,
    "komunikasi": CompetencyKind.MANAGERIAL,
    "orientasi_pada_hasil": CompetencyKind.MANAGERIAL,
    "pelayanan_publik": CompetencyKind.MANAGERIAL,
    "pengembangan_diri_dan_orang_lain": CompetencyKind.MANAGERIAL,
    "mengelola_perubahan": CompetencyKind.MANAGERIAL,
    "pengambilan_keputusan": CompetencyKind.MANAGERIAL,
    "perekat_bangsa": CompetencyKind.SOCIO_CULTURAL,
}
JOB_FAMILIES = {
    "kearsipan",
    "kependudukan",
    "kepegawaian",
    "kesehatan",
    "keuangan",
    "komunikasi_publik",
    "pekerjaan_umum",
    "pemerintahan_desa_dan_kelurahan",
    "pendidikan",
    "pengadaan",
    "pengawasan",
    "perencanaan",
    "sosial",
    "teknologi_informasi",
}
KEYS = {"code", "kind", "name", "definition", "level"}
LEVELS = [(1, "Paham"), (2, "Dasar"), (3, "Menengah"), (4, "Mumpuni"), (5, "Ahli")]
SNAKE_CASE = re.compile(r"[a-z]+(_[a-z]+)*")
SENTENCES = re.compile(r"[A-Z][^\n]*[^\s.]\.")
PHRASE = re.compile(r"(Me|Ber)[a-z]+,? [^\n]*[A-Za-z0-9)]")
"""A behaviour: an active verb (me-, ber-) and no full stop, as an item of a list."""

each_competency = pytest.mark.parametrize("competency", COMPETENCIES, ids=lambda one: one["code"])


def indicators() -> Iterator[str]:
    for competency in COMPETENCIES:
        for level in competency["level"]:
            yield from level["indicators"]


def repeated(texts: Iterator[str]) -> list[str]:
    return [text for text, times in Counter(texts).items() if times > 1]


def test_the_nine_core_competencies_are_those_of_the_regulation() -> None:
    core = {
        competency["code"]: competency["kind"]
        for competency in COMPETENCIES
        if competency["kind"] != CompetencyKind.TECHNICAL
    }
    assert core == CORE


def test_nothing_is_said_twice() -> None:
    assert not repeated(competency["code"] for competency in COMPETENCIES)
    assert not repeated(competency["name"] for competency in COMPETENCIES)
    assert not repeated(text.casefold() for text in indicators())


def test_every_job_family_has_a_competency() -> None:
    families = {one["job_family"] for one in COMPETENCIES if "job_family" in one}
    assert families == JOB_FAMILIES


@each_competency
def test_only_a_technical_competency_has_a_job_family(competency: dict[str, Any]) -> None:
    technical = CompetencyKind(competency["kind"]) is CompetencyKind.TECHNICAL
    assert set(competency) == (KEYS | {"job_family"} if technical else KEYS)


@each_competency
def test_it_has_the_five_levels_with_three_indicators_each(competency: dict[str, Any]) -> None:
    assert [(level["level"], level["name"]) for level in competency["level"]] == LEVELS
    assert [len(level["indicators"]) for level in competency["level"]] == [3] * len(LEVELS)


@each_competency
def test_its_texts_are_well_formed(competency: dict[str, Any]) -> None:
    for code in (competency["code"], competency.get("job_family", "none")):
        assert SNAKE_CASE.fullmatch(code), code
    sentences = [competency["definition"], *(level["description"] for level in competency["level"])]
    phrases = [text for level in competency["level"] for text in level["indicators"]]
    assert [text for text in sentences if not SENTENCES.fullmatch(text)] == []
    assert [text for text in phrases if not PHRASE.fullmatch(text)] == []
    assert not [text for text in (competency["name"], *sentences, *phrases) if "  " in text]
    assert competency["name"] == competency["name"].strip() != ""
