"""Sessions: where an account is signed in, and the end of it."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, bindparam, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.accounts import can_see_sessions, sessions_visible
from app.access.actors import Actor
from app.calendar import now
from app.database import Reader
from app.errors import NotFound
from app.models.accounts import Account, SignInSession
from app.pagination import decode_cursor, encode_cursor
from app.schemas.sign_in import SessionPage, SessionQuery, SessionRead

ORDER = "sessions:-created_at"
HOLDS = (SignInSession.revoked_at.is_(None), SignInSession.expires_at > func.now())
OF_ACCOUNT = SignInSession.account_id == bindparam("account_id", type_=Uuid())
COUNT = select(func.count()).where(OF_ACCOUNT, *HOLDS)
SUBJECT = select(Account.subject_id).where(Account.id == bindparam("id", type_=Uuid()))


@lru_cache
def _page(after: bool) -> Select[*tuple[Any, ...]]:
    statement = (
        select(
            SignInSession.id,
            SignInSession.account_id,
            SignInSession.user_agent,
            SignInSession.created_at,
            SignInSession.last_used_at,
            SignInSession.expires_at,
        )
        .where(OF_ACCOUNT, *HOLDS)
        .order_by(SignInSession.created_at.desc(), SignInSession.id.desc())
        .limit(bindparam("limit"))
    )
    if after:
        position = tuple_(SignInSession.created_at, SignInSession.id)
        statement = statement.where(
            position
            < tuple_(
                bindparam("created_at", type_=TIMESTAMP(timezone=True)),
                bindparam("id", type_=Uuid()),
            )
        )
    return statement


async def list_sessions(reader: Reader, actor: Actor, query: SessionQuery) -> SessionPage:
    """The sessions of an account that still hold. Errors: NotFound, InvalidCursor."""
    account_id = query.account_id or actor.account_id
    if account_id is None or not can_see_sessions(actor, account_id):
        raise NotFound
    values: dict[str, object] = {"account_id": account_id, "limit": query.limit + 1}
    if query.cursor:
        after = decode_cursor(query.cursor, ORDER, (datetime, UUID))
        values["created_at"], values["id"] = after
    rows = await reader.all(_page(bool(query.cursor)), **values)
    items = [SessionRead(**row, current=row["id"] == actor.session_id) for row in rows]
    page, last = items[: query.limit], items[query.limit - 1 : query.limit]
    more = len(items) > query.limit
    if account_id != actor.account_id and items:
        reader.reveals([await reader.value(SUBJECT, id=account_id)])
    return SessionPage(
        items=page,
        next_cursor=encode_cursor(ORDER, (last[0].created_at, last[0].id)) if more else None,
        total=await reader.value(COUNT, account_id=account_id) if query.include_total else None,
    )


async def revoke(session: AsyncSession, actor: Actor, session_id: UUID) -> None:
    """End one session: its tokens stop working at once. Errors: NotFound."""
    found = await session.scalar(
        select(SignInSession.id)
        .where(SignInSession.id == session_id, sessions_visible(actor))
        .with_for_update()
    )
    if found is None:
        raise NotFound
    await _end(session, "revoked", SignInSession.id == session_id)


async def revoke_all(
    session: AsyncSession, actor: Actor, account_id: UUID | None, *, keep_current: bool
) -> None:
    """End every session of an account; one's own goes on where it is to be kept.

    Errors: NotFound.
    """
    account_id = account_id or actor.account_id
    if account_id is None or not can_see_sessions(actor, account_id):
        raise NotFound
    await end_all(session, account_id, "revoked", keep=actor.session_id if keep_current else None)


async def sign_out(session: AsyncSession, actor: Actor) -> None:
    """End the session of this request."""
    await _end(session, "signed_out", SignInSession.id == actor.session_id)


async def end_all(
    session: AsyncSession, account_id: UUID, because: str, *, keep: UUID | None = None
) -> None:
    """End the sessions of an account, but for one that is to be kept."""
    others = [SignInSession.id != keep] if keep else []
    await _end(session, because, SignInSession.account_id == account_id, *others)


async def _end(session: AsyncSession, because: str, *which: ColumnElement[bool]) -> None:
    await session.execute(
        update(SignInSession)
        .where(*which, SignInSession.revoked_at.is_(None))
        .values(revoked_at=now(), revoked_because=because)
        .execution_options(synchronize_session=False)
    )
