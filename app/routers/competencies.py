"""The competency dictionary, open to everybody who has signed in."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.dependencies import (
    AsOf,
    ExpectedVersion,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    etag,
    next_link,
)
from app.errors import IfMatchRequired, Invalid, InvalidCursor, NotFound, StaleVersion, problems
from app.schemas.competencies import (
    CompetencyClose,
    CompetencyCreate,
    CompetencyPage,
    CompetencyQuery,
    CompetencyRead,
    CompetencyTexts,
    CompetencyUpdate,
)
from app.services import competencies
from app.services.competencies import (
    CompetencyCodeTaken,
    CompetencyInUse,
    CoreCompetency,
    DictionaryFull,
    TextHolds,
)
from app.services.structure import NotInForce

router = Router("/competencies", tag="competencies")


@router.get("", responses=problems(InvalidCursor))
async def list_competencies(
    query: Annotated[CompetencyQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> CompetencyPage:
    """The competency dictionary.

    The competencies in force on a day, in the dictionary's own order: the nine managerial and
    socio-cultural ones, by which everybody is measured, and the technical ones by job family.
    """
    page = await competencies.list_competencies(reader, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/{competency_id}", responses=problems(NotFound))
async def get_competency(
    competency_id: UUID, reader: ReadSession, as_of: AsOf, response: Response
) -> CompetencyRead:
    """One competency.

    With its five levels and the behaviour that shows each, as they are on the day asked for.
    """
    competency = await competencies.read_competency(reader, competency_id, as_of)
    response.headers["ETag"] = etag(competency.version, as_of)
    return competency


@router.get("/{competency_id}/history", responses=problems(NotFound))
async def get_history(competency_id: UUID, reader: ReadSession) -> CompetencyTexts:
    """A competency's history.

    Every text with its days and source, newest first. A result names the text that it went by.
    """
    return await competencies.read_history(reader, competency_id)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(CompetencyCodeTaken, DictionaryFull, Invalid),
)
async def create_competency(
    new: CompetencyCreate,
    session: Session,
    request: Request,
    response: Response,
    _: IdempotencyKey = None,
) -> CompetencyRead:
    """Add a technical competency.

    With its job family and its first text. It stands last in the dictionary's order.
    """
    competency = await competencies.create_competency(session, new)
    response.headers["Location"] = f"{request.url.path}/{competency.id}"
    response.headers["ETag"] = etag(competency.version)
    return competency


@router.patch(
    "/{competency_id}",
    responses=problems(NotFound, NotInForce, TextHolds, StaleVersion, IfMatchRequired, Invalid),
)
async def update_competency(
    competency_id: UUID,
    change: CompetencyUpdate,
    version: ExpectedVersion,
    session: Session,
    response: Response,
) -> CompetencyRead:
    """Give a competency another text from a day on.

    It holds up to the next change already recorded (`effective_until`). A text that has begun
    to hold is never changed: results go by it.
    """
    competency = await competencies.update_competency(session, competency_id, version, change)
    response.headers["ETag"] = etag(competency.version)
    return competency


@router.post(
    "/{competency_id}/close",
    responses=problems(NotFound, NotInForce, CoreCompetency, CompetencyInUse),
)
async def close_competency(
    competency_id: UUID,
    close: CompetencyClose,
    session: Session,
    response: Response,
    _: IdempotencyKey = None,
) -> CompetencyRead:
    """End a technical competency.

    With the day before `effective_from`. Refused while a position requires it then or later;
    `blocking` names up to fifty.
    """
    competency = await competencies.close_competency(session, competency_id, close)
    response.headers["ETag"] = etag(competency.version)
    return competency
