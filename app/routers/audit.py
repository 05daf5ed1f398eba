"""The audit log: for auditors, for each person's own data, and its evidence for outsiders."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response

from app.dependencies import (
    CurrentActor,
    CurrentLanguage,
    CurrentRuntime,
    ReadSession,
    Router,
    etag,
    next_link,
    told,
)
from app.errors import InvalidCursor, NotFound, problems
from app.schemas.audit import (
    AccountReadsPage,
    AccountReadsQuery,
    AuditEventPage,
    AuditEventQuery,
    AuditEventRead,
    AuditKeySet,
    CheckpointDocument,
    CheckpointPage,
    DataAccessPage,
    DataAccessQuery,
    InclusionProof,
    Verification,
    VerificationRequest,
)
from app.schemas.base import PageQuery
from app.services.audit import evidence, reading, sequencing, verification
from app.services.audit.evidence import LogInconsistent, NotYetSigned

router = Router("/audit", tag="audit")
me = Router("/me", tag="me")
well_known = Router("/.well-known", tag="audit")


@router.get("/events", responses=problems(InvalidCursor))
async def list_events(
    query: Annotated[AuditEventQuery, Query()],
    reader: ReadSession,
    actor: CurrentActor,
    request: Request,
    response: Response,
) -> AuditEventPage:
    """Events of the audit log.

    Newest first. With `actor_account_id` and `kind=read` it lists everything that one account
    looked at. Looking at details, or at one person's events, is itself a read of personal data
    and leaves an event.
    """
    page = await reading.list_events(reader, actor, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/events/{event_id}", responses=problems(NotFound))
async def get_event(event_id: UUID, reader: ReadSession, actor: CurrentActor) -> AuditEventRead:
    """One event with its details.

    `details` is null where the event has none, and where they were erased by law.
    """
    return await reading.get_event(reader, actor, event_id)


@router.get(
    "/events/{event_id}/inclusion-proof",
    responses=problems(NotFound, NotYetSigned, LogInconsistent),
)
async def get_inclusion_proof(event_id: UUID, reader: ReadSession) -> InclusionProof:
    """A proof that the event is in the log.

    Shows by at most 64 hashes that the event is among those which a signed checkpoint covers.
    """
    return await evidence.prove_inclusion(reader, event_id)


@router.get("/accounts/{account_id}/reads", responses=problems(InvalidCursor))
async def list_reads_of_account(
    account_id: UUID,
    query: Annotated[AccountReadsQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> AccountReadsPage:
    """Whose data an account looked at.

    One row a person: how often, first and last when, and for which purposes; in the order in
    which the account first looked at them. Empty for an account that never looked at any.
    """
    page = await reading.list_reads_of_account(reader, account_id, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.post("/verifications")
async def verify(
    body: VerificationRequest, reader: ReadSession, language: CurrentLanguage
) -> Verification:
    """Verify the log.

    Recomputes the hashes, the chain, the commitments of details that are still there, and the
    Merkle roots of checkpoints; compares the log with a checkpoint that was saved elsewhere.
    One request verifies at most 50,000 events: go on from `next_from_seq`. Changes nothing.
    """
    return await verification.verify_part(reader, body, language)


@router.get("/checkpoints", responses=problems(InvalidCursor))
async def list_checkpoints(
    query: Annotated[PageQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> CheckpointPage:
    """Signed checkpoints of the log.

    Newest first. Keep them on another host: whoever holds one can show any later change of
    what it covers.
    """
    page = await evidence.list_checkpoints(reader, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.post(
    "/checkpoints",
    status_code=201,
    responses={201: {"headers": told("Location")}, **problems(LogInconsistent)},
)
async def create_checkpoint(
    actor: CurrentActor, runtime: CurrentRuntime, request: Request, response: Response
) -> CheckpointDocument:
    """Sign the log as it is now.

    Gives the newest checkpoint again where nothing has happened since.
    """
    document = await sequencing.sequence_and_sign(runtime.database, runtime.settings, actor)
    response.headers["Location"] = f"{request.url.path}/{document.tree_size}"
    return document


@router.get(
    "/checkpoints/{tree_size}",
    responses={200: {"headers": told("ETag", "Content-Disposition")}, **problems(NotFound)},
)
async def get_checkpoint(
    tree_size: Annotated[int, Path(ge=0, le=2**63 - 1)], reader: ReadSession, response: Response
) -> CheckpointDocument:
    """A checkpoint to download.

    The document is what `POST /audit/verifications` and `kemuning audit verify` take.
    """
    name = f"kemuning-checkpoint-{tree_size}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["ETag"] = etag(tree_size)
    return await evidence.get_checkpoint(reader, tree_size)


@me.get("/data-access", responses=problems(InvalidCursor))
async def list_data_access(
    query: Annotated[DataAccessQuery, Query()],
    reader: ReadSession,
    actor: CurrentActor,
    language: CurrentLanguage,
    request: Request,
    response: Response,
) -> DataAccessPage:
    """Who saw or changed my data.

    Newest first: when, who by name and role, what in plain words, and for which purpose.
    Nothing tells of other people whom the same event concerned.
    """
    page = await reading.list_my_data_access(reader, actor, query, language)
    response.headers.update(next_link(request, page.next_cursor) | {"Content-Language": language})
    return page


@well_known.get("/audit-keys.json")
async def get_audit_keys(reader: ReadSession) -> AuditKeySet:
    """The public keys that checkpoints are signed with.

    A JSON Web Key Set of every key that ever signed one.
    """
    return await evidence.key_set(reader)
