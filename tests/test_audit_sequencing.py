"""The sequencer: every committed event once, without a gap, in one order; then signed."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from app.access.actors import SEQUENCER, Actor
from app.database import SessionReader
from app.embedded import EmbeddedServer
from app.main import create_app
from app.runtime import Runtime
from app.services import background
from app.services.audit import checkpoints, sequencing
from app.services.audit.checkpoints import make_checkpoint, public_keys, sign_now, sign_when_due
from app.services.audit.events import LogBroken
from app.services.audit.sequencing import run_sequencer, sequence_log
from app.services.audit.verification import verify_log
from app.transparency import CHAIN_START, Frontier, SignedCheckpoint, chain_hash
from tests.audit_log import write_events
from tests.conftest import settings_for

IN_ORDER = "SELECT c.seq, c.event_id FROM audit_chain c ORDER BY c.seq"
SETTLED_ORDER = "SELECT id FROM audit_events ORDER BY xid, id"


@pytest.fixture
def runtime(app: FastAPI) -> Runtime:
    runtime: Runtime = app.state.runtime
    return runtime


async def _writer(dsn: str, dice: random.Random) -> int:
    """Transactions of a few events, some long, some given up; how many events were committed."""
    connection = await asyncpg.connect(dsn)
    committed = 0
    for _ in range(12):
        transaction = connection.transaction()
        await transaction.start()
        for _ in range(count := dice.randint(1, 4)):
            await write_events(connection, 1)
            await asyncio.sleep(dice.choice([0, 0, 0.002, 0.03]))
        if dice.random() < 0.3:
            await transaction.rollback()
        else:
            await transaction.commit()
            committed += count
    await connection.close()
    return committed


async def test_concurrent_writers_lose_and_double_nothing(
    runtime: Runtime, server: EmbeddedServer, database: str, owner: asyncpg.Connection
) -> None:
    dice = random.Random(18)
    writing = asyncio.gather(
        *(_writer(server.dsn(database), random.Random(dice.random())) for _ in range(16))
    )
    seen: list[Any] = []
    while not writing.done():
        await asyncio.gather(*(sequence_log(runtime.database) for _ in range(2)))
        now = await owner.fetch(IN_ORDER)
        assert now[: len(seen)] == seen, "a place once given is final"
        seen = now
        await asyncio.sleep(0.005)
    committed = sum(await writing)
    assert seen, "it sequenced while others were writing"
    await sequence_log(runtime.database)
    chained = await owner.fetch(IN_ORDER)
    assert [row["seq"] for row in chained] == list(range(1, committed + 1))
    in_order = [row["id"] for row in await owner.fetch(SETTLED_ORDER)]
    assert [row["event_id"] for row in chained] == in_order


async def test_waits_for_the_oldest_running_transaction(
    runtime: Runtime, server: EmbeddedServer, database: str, owner: asyncpg.Connection
) -> None:
    slow = await asyncpg.connect(server.dsn(database))
    async with slow.transaction():
        await write_events(slow, 1)
        await write_events(owner, 3)
        assert await sequence_log(runtime.database) == 0, "what began earlier may still come"
    assert await sequence_log(runtime.database) == 4
    await slow.close()
    first = await owner.fetchval("SELECT event_id FROM audit_chain WHERE seq = 1")
    assert first == await owner.fetchval("SELECT id FROM audit_events ORDER BY xid, id LIMIT 1")


async def test_batches_go_on_from_each_other(
    runtime: Runtime, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_events(owner, 2 * sequencing.BATCH + 7)
    assert await sequence_log(runtime.database) == 2 * sequencing.BATCH + 7
    chain = CHAIN_START
    for row in await owner.fetch("SELECT * FROM audit_chain ORDER BY seq"):
        chain = chain_hash(chain, row["event_hash"])
        assert row["chain_hash"] == chain
    assert await sequence_log(runtime.database) == 0


async def test_refuses_to_go_on_from_a_dump_in_a_younger_server(
    runtime: Runtime, owner: asyncpg.Connection
) -> None:
    await write_events(owner, 1)
    await sequence_log(runtime.database)
    await owner.execute("UPDATE audit_events SET xid = '4611686018427387904'")
    with pytest.raises(LogBroken, match="transaction ids went back"):
        await sequence_log(runtime.database)


# --- checkpoints ------------------------------------------------------------------------------


@asynccontextmanager
async def as_sequencer(runtime: Runtime) -> AsyncIterator[Any]:
    async with runtime.database.transaction(Actor(), persona=SEQUENCER) as session:
        yield session


async def test_checkpoints_grow_from_each_other(
    runtime: Runtime, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "LEAVES", checkpoints.LEAVES.limit(4))
    await write_events(owner, 11)
    await sequence_log(runtime.database)
    signed = await sign_now(runtime.database, runtime.settings, Actor())
    assert signed.checkpoint.tree_size == 11
    tree = Frontier()
    for row in await owner.fetch("SELECT event_hash FROM audit_chain ORDER BY seq"):
        tree.append(row["event_hash"])
    assert signed.checkpoint.root_hash == tree.root()
    sizes = await owner.fetch("SELECT tree_size FROM audit_checkpoints ORDER BY tree_size")
    assert [row["tree_size"] for row in sizes] == [4, 8, 11]


async def test_signed_when_due_and_only_then(
    runtime: Runtime, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def count() -> int:
        await sequence_log(runtime.database)
        await sign_when_due(runtime.database, runtime.settings)
        number: int = await owner.fetchval("SELECT count(*) FROM audit_checkpoints")
        return number

    assert await count() == 0, "an empty log"
    await write_events(owner, 2)
    assert await count() == 1, "the first event"
    await write_events(owner, 2)
    assert await count() == 1, "neither long nor much since"
    await owner.execute("UPDATE audit_checkpoints SET created_at = now() - interval '11 minutes'")
    assert await count() == 2, "ten minutes later"
    assert await count() == 2, "nothing new"
    monkeypatch.setattr(checkpoints, "EVERY_EVENTS", 5)
    await write_events(owner, 5)
    assert await count() == 3, "enough events"


async def test_key_is_sealed_kept_and_replaced_when_the_secret_changes(
    runtime: Runtime, owner: asyncpg.Connection, server: EmbeddedServer, database: str
) -> None:
    other = settings_for(server, database, secret_key="Zs8q-another-secret-0123456789-abcdefgh")
    kids = []
    for settings in (runtime.settings, runtime.settings, other):
        await write_events(owner, 1)
        await sequence_log(runtime.database)
        signed = await sign_now(runtime.database, settings, Actor())
        kids.append(signed.checkpoint.kid)
    assert kids[0] == kids[1] != kids[2]
    assert b"PRIVATE" not in await owner.fetchval("SELECT private_sealed FROM audit_keys LIMIT 1")
    async with as_sequencer(runtime) as session:
        keys = await public_keys(SessionReader(session))
    for document in await owner.fetch("SELECT signed::text FROM audit_checkpoints"):
        signed = SignedCheckpoint.from_json(document["signed"])
        signed.verify(keys[signed.checkpoint.kid])


async def test_signs_nothing_over_a_gap_or_a_changed_checkpoint(
    runtime: Runtime, owner: asyncpg.Connection
) -> None:
    await write_events(owner, 6)
    await sequence_log(runtime.database)
    await owner.execute("DELETE FROM audit_chain WHERE seq = 3")
    with pytest.raises(LogBroken, match="link at 3"):
        await sign_now(runtime.database, runtime.settings, Actor())
    await owner.execute("DELETE FROM audit_chain")
    await sequence_log(runtime.database)
    async with as_sequencer(runtime) as session:
        await make_checkpoint(session, runtime.settings)
    await owner.execute("UPDATE audit_checkpoints SET frontier = '[]', tree_size = 5")
    await write_events(owner, 1)
    await sequence_log(runtime.database)
    with pytest.raises(LogBroken, match="checkpoint at 5"):
        await sign_now(runtime.database, runtime.settings, Actor())


# --- the background task ----------------------------------------------------------------------


async def until(owner: asyncpg.Connection, condition: str) -> None:
    """Wait until the query says true, at most ten seconds."""
    async with asyncio.timeout(10):
        while not await owner.fetchval(condition):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.01)


async def test_background_task_survives_lost_connections(
    runtime: Runtime, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "PAUSE_SECONDS", 0.01)
    stop = asyncio.Event()
    task = asyncio.create_task(run_sequencer(runtime.database, runtime.settings, stop))
    for round_ in range(1, 4):
        await write_events(owner, 5)
        await until(owner, f"SELECT count(*) = {5 * round_} FROM audit_chain")
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    stop.set()
    await asyncio.wait_for(task, 10)


async def test_runs_while_the_application_serves(
    server: EmbeddedServer, database: str, owner: asyncpg.Connection
) -> None:
    application = create_app(settings_for(server, database, run_jobs=True))
    await write_events(owner, 5)
    async with application.router.lifespan_context(application):
        await until(owner, "SELECT count(*) = 1 FROM audit_checkpoints")
    runtime: Runtime = application.state.runtime
    async with runtime.database.transaction(Actor(), persona=SEQUENCER) as session:
        report = await verify_log(SessionReader(session))
    assert report.ok
    assert report.checked == 5
    await runtime.close()
