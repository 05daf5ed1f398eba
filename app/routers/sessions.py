"""Where an account is signed in."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.dependencies import CurrentActor, ReadSession, Router, Session, next_link
from app.errors import InvalidCursor, NotFound, problems
from app.schemas.sign_in import SessionPage, SessionQuery
from app.services import sessions

router = Router("/sessions", tag="sessions")


@router.get("", responses=problems(InvalidCursor, NotFound))
async def list_sessions(
    query: Annotated[SessionQuery, Query()],
    reader: ReadSession,
    actor: CurrentActor,
    request: Request,
    response: Response,
) -> SessionPage:
    """Sessions that still hold.

    One's own, the newest first; hr_admin may ask for those of any account.
    """
    page = await sessions.list_sessions(reader, actor, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.delete(
    "/{session_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(NotFound)
)
async def revoke(session_id: UUID, session: Session, actor: CurrentActor) -> None:
    """End one session.

    Its access and refresh tokens stop working at once. Needs no If-Match: a session only ends.
    """
    await sessions.revoke(session, actor, session_id)


@router.delete("", status_code=status.HTTP_204_NO_CONTENT, responses=problems(NotFound))
async def revoke_all(
    session: Session,
    actor: CurrentActor,
    account_id: Annotated[UUID | None, Query(description="Another's, for hr_admin.")] = None,
    keep_current: Annotated[
        bool, Query(description="Whether the session of this request goes on.")
    ] = True,
) -> None:
    """End every session.

    All of one's own but the present one, or that one too with `keep_current=false`.
    """
    await sessions.revoke_all(session, actor, account_id, keep_current=keep_current)
