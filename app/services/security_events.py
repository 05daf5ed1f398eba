"""Security events: what the audit log tells of sign-in beside the writes themselves.

A refusal leaves no write behind, so its event is written in a transaction of its own.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar, cast

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actors import SIGN_IN, Actor
from app.database import Database
from app.models.audit import AuditEvent
from app.vocabulary import SecurityEvent

EVENT = insert(cast(Table, AuditEvent.__table__)).inline()
"""Without RETURNING: the sign-in persona may write events, and read none."""


class Refusal(Exception):
    """Mixed into an error that the audit log hears of."""

    event: ClassVar[SecurityEvent]


async def record(
    session: AsyncSession, actor: Actor, event: SecurityEvent, account: Mapping[str, Any] | None
) -> None:
    """Write the event; it names the account whose credential was shown, if there is one."""
    values = {
        "kind": "security",
        "operation": actor.operation,
        "actor_account_id": account["id"] if account else None,
        "actor_role": account["role"] if account else actor.role,
        "purpose": event.value,
        "request_id": actor.request_id,
        "entity": "accounts",
        "subject_ids": [account["subject_id"]] if account else [],
    }
    await session.execute(EVENT, values)


@asynccontextmanager
async def recorded(
    database: Database, actor: Actor, account: Mapping[str, Any] | None
) -> AsyncIterator[None]:
    """Record the refusal that ends this block, then let it go on."""
    try:
        yield
    except Refusal as refusal:
        async with database.transaction(actor, persona=SIGN_IN) as session:
            await record(session, actor, refusal.event, account)
        raise
