"""Which level a position requires: by its tier, by its own standard, and who said so."""

from datetime import date
from uuid import UUID

import asyncpg
import pytest
from fastapi import FastAPI

from app.access.actors import Actor
from app.services.standards import required_levels_of
from app.vocabulary import CompetencyKind, Jenjang, JobKind, Role, StandardOrigin
from tests.actors import Actors
from tests.organisation import Government

BY_KIND = {
    "jpt_utama": 5,
    "jpt_madya": 5,
    "jpt_pratama": 4,
    "administrator": 3,
    "pengawas": 2,
    "pelaksana": 1,
}
BY_JENJANG = {
    "ahli_pertama": 2,
    "ahli_muda": 3,
    "ahli_madya": 4,
    "ahli_utama": 5,
    "pemula": 1,
    "terampil": 1,
    "mahir": 2,
    "penyelia": 3,
}
RULE = "required-levels-permenpanrb-38-2017@1"


@pytest.fixture
async def government(actors: Actors, owner: asyncpg.Connection) -> Government:
    return Government(await actors.hr_admin(), owner)


@pytest.fixture
async def dinas(government: Government) -> str:
    kab = await government.unit("KAB", kind="pemerintah_daerah")
    return await government.unit("DIKNAS", kab)


async def test_the_default_of_every_tier(app: FastAPI, government: Government, dinas: str) -> None:
    assert BY_KIND.keys() == set(JobKind) - {JobKind.FUNGSIONAL}
    assert BY_JENJANG.keys() == set(Jenjang)
    expected = {}
    for kind, level in BY_KIND.items():
        position = await government.position(dinas, kind.upper(), job_kind=kind)
        expected[UUID(position)] = level
    for jenjang, level in BY_JENJANG.items():
        more = {"job_kind": "fungsional", "jenjang": jenjang}
        expected[UUID(await government.position(dinas, jenjang.upper(), **more))] = level
    reading = app.state.runtime.database.reading(Actor(role=Role.ASN))
    async with reading as reader:
        found = await required_levels_of(reader, list(expected), date(2026, 1, 1))
        before = await required_levels_of(reader, list(expected), date(2019, 12, 31))
    assert before == {}
    assert found.keys() == expected.keys()
    for position_id, level in expected.items():
        standard = found[position_id]
        assert len(standard.levels) == 9
        for required in standard.levels:
            assert required.kind is not CompetencyKind.TECHNICAL
            assert (required.level, required.origin) == (level, StandardOrigin.DEFAULT)
            assert (required.rule_id, required.proposal_id) == (RULE, None)
            assert required.source.startswith("PermenPANRB 38/2017")
        ordinals = [required.ordinal for required in standard.levels]
        assert ordinals == sorted(ordinals)
