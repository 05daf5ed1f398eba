"""Providers of assessments and their accreditation."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from app.dependencies import (
    ExpectedVersion,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    etag,
    next_link,
)
from app.errors import IfMatchRequired, InvalidCursor, NotFound, StaleVersion, problems
from app.schemas.assessment_providers import (
    AccreditationRecord,
    ProviderCreate,
    ProviderPage,
    ProviderQuery,
    ProviderRead,
    ProviderUpdate,
)
from app.schemas.base import Day
from app.services import assessment_providers as providers
from app.services.assessment_providers import ProviderCodeTaken
from app.services.structure import NotInForce

router = Router("/assessment-providers", tag="assessment_providers")
CHANGE = (NotFound, StaleVersion, IfMatchRequired)


@router.get("", responses=problems(InvalidCursor))
async def list_providers(
    query: Annotated[ProviderQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> ProviderPage:
    """Providers of assessments.

    Sorted by code, each with its accreditations.
    """
    page = await providers.list_providers(reader, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(ProviderCodeTaken))
async def create_provider(
    new: ProviderCreate,
    session: Session,
    request: Request,
    response: Response,
    _key: IdempotencyKey = None,
) -> ProviderRead:
    """Enter a provider.

    It may assess once it is accredited.
    """
    provider = await providers.create_provider(session, new)
    response.headers["Location"] = f"{request.url.path}/{provider.id}"
    response.headers["ETag"] = etag(provider.version)
    return provider


@router.get("/{provider_id}", responses=problems(NotFound))
async def get_provider(provider_id: UUID, reader: ReadSession, response: Response) -> ProviderRead:
    """One provider.

    With every accreditation that it had, has or will have.
    """
    provider = await providers.read_provider(reader, provider_id)
    response.headers["ETag"] = etag(provider.version)
    return provider


@router.patch("/{provider_id}", responses=problems(*CHANGE))
async def update_provider(
    provider_id: UUID,
    change: ProviderUpdate,
    expected: ExpectedVersion,
    session: Session,
    response: Response,
) -> ProviderRead:
    """Rename a provider.

    Its code stays.
    """
    provider = await providers.update_provider(session, provider_id, expected, change)
    response.headers["ETag"] = etag(provider.version)
    return provider


@router.put("/{provider_id}/accreditation", responses=problems(*CHANGE))
async def record_accreditation(
    provider_id: UUID,
    record: AccreditationRecord,
    expected: ExpectedVersion,
    session: Session,
    response: Response,
) -> ProviderRead:
    """Record what a provider is accredited for.

    From a day on, up to the next change already recorded (BKN 26/2019).
    """
    provider = await providers.accredit(session, provider_id, expected, record)
    response.headers["ETag"] = etag(provider.version)
    return provider


@router.delete("/{provider_id}/accreditation", responses=problems(*CHANGE, NotInForce))
async def end_accreditation(
    provider_id: UUID,
    effective_from: Annotated[Day, Query(description="The first day without accreditation.")],
    expected: ExpectedVersion,
    session: Session,
    response: Response,
) -> ProviderRead:
    """End a provider's accreditation.

    One that begins on that day or later is withdrawn. Events that were planned stay as they are.
    """
    provider = await providers.end_accreditation(session, provider_id, expected, effective_from)
    response.headers["ETag"] = etag(provider.version)
    return provider
