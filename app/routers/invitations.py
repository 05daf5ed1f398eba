"""Invitations: officers give employees accounts, many at once."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.dependencies import (
    CurrentActor,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    next_link,
)
from app.errors import Invalid, InvalidCursor, NotFound, problems
from app.schemas.invitations import (
    InvitationFormat,
    InvitationPage,
    InvitationQuery,
    InvitationsCreate,
    IssuedInvitations,
)
from app.services import invitations
from app.services.imports.template import csv_bytes
from app.services.invitations import AlreadyActivated, TooManyPeople

router = Router("/accounts/invitations", tag="invitations")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES: dict[int | str, dict[str, Any]] = {
    201: {
        "content": {
            XLSX: {"schema": {"type": "string", "format": "binary"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=IssuedInvitations,
    responses={**FILES, **problems(TooManyPeople, Invalid)},
)
async def create_invitations(
    wanted: InvitationsCreate,
    session: Session,
    _: CurrentActor,
    format: Annotated[InvitationFormat, Query(description="As a table to print from.")] = "json",
    __: IdempotencyKey = None,
) -> IssuedInvitations | Response:
    """Invite employees to make their accounts.

    All who are employed and have no account, or those of a unit and what is below it, or those
    named: at most 10,000. Each gets a code for `POST /sign-in/activate` that works once, within
    30 days. The codes are shown this once, for only their digests are kept: hand each to its
    person alone. A new code ends the person's former one.
    """
    issued = await invitations.invite(session, wanted)
    if format == "json":
        return issued
    return await asyncio.to_thread(_file, issued, format)


def _file(issued: IssuedInvitations, format: InvitationFormat) -> Response:
    if format == "csv":
        content, kind = csv_bytes(invitations.rows_of(issued)), "text/csv; charset=utf-8"
    else:
        content, kind = invitations.workbook_of(issued), XLSX
    named = {"Content-Disposition": f'attachment; filename="undangan.{format}"'}
    return Response(content, status.HTTP_201_CREATED, media_type=kind, headers=named)


@router.get("", responses=problems(InvalidCursor))
async def list_invitations(
    query: Annotated[InvitationQuery, Query()],
    reader: ReadSession,
    _: CurrentActor,
    request: Request,
    response: Response,
) -> InvitationPage:
    """Who was invited, by login.

    Until when, and whether they activated their account. Never a code.
    """
    page = await invitations.list_invitations(reader, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.delete(
    "/{invitation_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound, AlreadyActivated),
)
async def revoke(invitation_id: UUID, session: Session, _: CurrentActor) -> None:
    """Take an invitation back.

    Its code stops working at once.
    """
    await invitations.revoke(session, invitation_id)
