"""Public statistics: counts that anybody may read, without signing in."""

from typing import Annotated

from fastapi import Query, Request, Response, status

from app.dependencies import (
    CurrentActor,
    CurrentLanguage,
    IdempotencyKey,
    ReadSession,
    Router,
    Session,
    next_link,
    told,
)
from app.errors import InvalidCursor, NotFound, problems
from app.schemas.statistics import (
    DatasetList,
    SnapshotOn,
    SnapshotPage,
    SnapshotQuery,
    SnapshotRead,
)
from app.services.statistics import publishing
from app.services.statistics.publishing import NothingToCount, SnapshotTooSoon
from app.vocabulary import StatisticsDataset

router = Router("/statistics", tag="statistics")
CACHED = {"Cache-Control": "public, max-age=300"}


@router.get("")
async def list_datasets(reader: ReadSession, language: CurrentLanguage) -> DatasetList:
    """The tables that are published.

    Each with its method and its newest snapshot. Needs no account.
    """
    return await publishing.list_datasets(reader, language)


@router.get("/{dataset}", responses={200: {"headers": told("ETag")}, **problems(NotFound)})
async def get_snapshot(
    dataset: StatisticsDataset,
    query: Annotated[SnapshotOn, Query()],
    reader: ReadSession,
    response: Response,
) -> SnapshotRead:
    """A table as it was published.

    The newest, or the one of a day. A suppressed figure is null, never 0. Needs no account.
    """
    found = await publishing.get_snapshot(reader, dataset, query.day)
    response.headers.update({"ETag": f'"{found.sha256}"', **CACHED})
    return found


@router.get("/{dataset}/snapshots", responses=problems(InvalidCursor))
async def list_snapshots(
    dataset: StatisticsDataset,
    query: Annotated[SnapshotQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> SnapshotPage:
    """Every snapshot of a table.

    Newest first. Needs no account.
    """
    page = await publishing.list_snapshots(reader, dataset, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.post(
    "/{dataset}/snapshots",
    status_code=status.HTTP_201_CREATED,
    responses=problems(SnapshotTooSoon, NothingToCount),
)
async def publish_snapshot(
    dataset: StatisticsDataset,
    session: Session,
    actor: CurrentActor,
    request: Request,
    response: Response,
    _key: IdempotencyKey = None,
) -> SnapshotRead:
    """Publish a table as it is today.

    Counted from the profiles, with small figures suppressed; it can't be changed afterwards.
    """
    made = await publishing.publish_snapshot(session, actor, dataset)
    base = request.url.path.removesuffix("/snapshots")
    response.headers["Location"] = f"{base}?day={made.day}"
    return made
