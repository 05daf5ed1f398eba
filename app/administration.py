"""What an operator does from a terminal on a running installation: accounts, keys, the log.

As the login role, like the server: no need for the owner's rights. The audit log names
`system` as the one who did it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import func, select

from app.access.actors import SEQUENCER, Actor
from app.database import Database
from app.schemas.accounts import AccountCreate, AccountSecret
from app.schemas.assessment_results import ReplayReport
from app.schemas.audit import CheckpointDocument, Verification
from app.services import accounts, signing_keys
from app.services.audit.sequencing import sequence_and_sign
from app.services.audit.verification import Progress, verify_log
from app.services.credentials import Secret
from app.services.results import replaying
from app.settings import Settings
from app.vocabulary import Role

SYSTEM = "system"
"""The role that the audit log shows for what no account has done."""


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.model_copy(update={"pool_size": 1}))
    try:
        yield database
    finally:
        await database.close()


async def create_account(settings: Settings, new: AccountCreate) -> AccountSecret:
    """An account with a random password, as hr_admin gives one; the first hr_admin too.

    Errors: those of `accounts.create_account`.
    """
    secret = await Secret.random()
    actor = Actor(role=Role.HR_ADMIN, operation="cli_create_account")
    async with _database(settings) as database, database.transaction(actor) as session:
        await session.execute(select(func.set_config("app.role", SYSTEM, True)))
        return await accounts.create_account(session, actor, new, secret)


async def rotate_keys(settings: Settings) -> str:
    """Sign access tokens with a new key from now on; its id."""
    async with _database(settings) as database:
        return await signing_keys.rotate_keys(database)


async def verify_audit(
    settings: Settings, saved: CheckpointDocument | None, progress: Progress
) -> Verification:
    """The whole audit log, held to its chain, its checkpoints and a saved one."""
    async with (
        _database(settings) as database,
        database.reading(Actor(), persona=SEQUENCER) as reader,
    ):
        return await verify_log(reader, saved=saved, language="en", progress=progress)


async def sign_audit(settings: Settings) -> CheckpointDocument:
    """Chain and sign what is settled now. Errors: LogInconsistent."""
    async with _database(settings) as database:
        return await sequence_and_sign(database, settings, Actor(operation="cli_checkpoint"))


async def replay_results(settings: Settings, progress: Progress) -> ReplayReport:
    """Every result of an assessment computed again."""
    async with (
        _database(settings) as database,
        database.reading(Actor(role=Role.AUDITOR)) as reader,
    ):
        return await replaying.replay_all(reader, progress)
