"""Exports of whole data sets, for auditors and their scripts."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Query, Request, Response, status

from app.dependencies import (
    CurrentActor,
    CurrentRuntime,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    next_link,
    told,
)
from app.errors import Invalid, InvalidCursor, NotFound, Overloaded, problems
from app.schemas.audit import Hex
from app.schemas.base import Line
from app.schemas.exports import (
    ExportCreate,
    ExportDatasets,
    ExportManifest,
    ExportPage,
    ExportQuery,
    ExportRead,
)
from app.services.exports import delivering, requests
from app.services.exports.requests import FormatNotInstalled, NotCompleted, TooManyRows
from app.streams import Stream

router = Router("/exports", tag="exports")

BINARY = {"schema": {"type": "string", "format": "binary"}}
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file. `Link` names its manifest.",
        "content": {kind.split(";")[0]: BINARY for kind in requests.MEDIA_TYPES.values()},
        "headers": told("Link"),
    }
}


@router.get("/datasets")
async def list_datasets(_: CurrentActor) -> ExportDatasets:
    """What can be exported.

    Every data set with its columns, what they mean and how a moment applies to it; every format,
    and whether this server can write it.
    """
    return requests.list_datasets()


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(Invalid, FormatNotInstalled, TooManyRows),
)
async def create_export(
    body: ExportCreate,
    session: Session,
    actor: CurrentActor,
    response: Response,
    _purpose: Annotated[
        Line, Header(alias="X-Purpose", description="Why: kept with the export and its manifest.")
    ],
    _: IdempotencyKey = None,
) -> ExportRead:
    """Ask for an export.

    Nothing is read yet: fetch `content_url`, as often as you like; then `manifest_url` vouches
    for what you got.
    """
    export = await requests.create_export(session, actor, body)
    response.headers["Location"] = f"/api/v1/exports/{export.id}"
    return export


@router.get("", responses=problems(InvalidCursor))
async def list_exports(
    query: Annotated[ExportQuery, Query()],
    reader: ReadSession,
    actor: CurrentActor,
    request: Request,
    response: Response,
) -> ExportPage:
    """Exports, newest first.

    An auditor sees all of them, a service client its own.
    """
    page = await requests.list_exports(reader, actor, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/{export_id}", responses=problems(NotFound))
async def get_export(export_id: UUID, reader: ReadSession, actor: CurrentActor) -> ExportRead:
    """One export: what was asked for, and what last went out."""
    return await requests.get_export(reader, actor, export_id)


@router.get(
    "/{export_id}/content",
    response_class=Response,
    responses={**CONTENT, **problems(NotFound, TooManyRows, Overloaded)},
)
async def get_content(
    export_id: UUID, reader: ReadSession, actor: CurrentActor, runtime: CurrentRuntime
) -> Response:
    """The file.

    Read from one snapshot and sent while it is read; no matter how many rows. Before its first
    byte the audit log tells everybody in it of this read. An answer that breaks off is not the
    file: only a whole one has a manifest.
    """
    export = await requests.get_export(reader, actor, export_id)
    make = partial(delivering.deliver, runtime.database, runtime.exports, actor, export)
    headers = {
        "Content-Disposition": f'attachment; filename="{requests.filename(export)}"',
        "Cache-Control": "no-store",
        "Link": f'<{export.manifest_url}>; rel="describedby"',
    }
    return Stream(make, requests.MEDIA_TYPES[export.format], headers)


@router.get("/{export_id}/manifest", responses=problems(NotFound, NotCompleted))
async def get_manifest(
    export_id: UUID,
    reader: ReadSession,
    actor: CurrentActor,
    sha256: Annotated[
        Hex | None, Query(description="Of the file that you hold; the latest when left out.")
    ] = None,
) -> ExportManifest:
    """What went out, signed.

    Data set, columns, moment, snapshot, rows, bytes, SHA-256, who and why; signed with the key
    of the audit log, which `/.well-known/audit-keys.json` publishes.
    """
    return await requests.get_manifest(reader, actor, export_id, sha256)
