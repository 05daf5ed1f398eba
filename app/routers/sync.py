"""Delta synchronisation, for mobile apps and scripts that keep a copy."""

from typing import Annotated

from fastapi import Query, Request, Response

from app.dependencies import CurrentActor, CurrentRuntime, ReadSession, Router, next_link
from app.errors import InvalidCursor, problems
from app.schemas.sync import (
    AssessmentResultSyncPage,
    EmployeeSyncPage,
    PositionSyncPage,
    SyncQuery,
    UnitSyncPage,
)
from app.services.sync.data_sets import ASSESSMENT_RESULTS, EMPLOYEES, POSITIONS, UNITS
from app.services.sync.places import InvalidSyncToken, SyncTokenExpired
from app.services.sync.rounds import synchronise

router = Router("/sync", tag="sync")
PROBLEMS = problems(InvalidSyncToken, InvalidCursor, SyncTokenExpired)
Asked = Annotated[SyncQuery, Query()]


@router.get("/employees", responses=PROBLEMS)
async def get_employees(
    query: Asked,
    reader: ReadSession,
    actor: CurrentActor,
    runtime: CurrentRuntime,
    request: Request,
    response: Response,
) -> EmployeeSyncPage:
    """Employees that changed.

    As of today, whoever the caller may see: an ASN themself. An employee comes again also where
    the name of their position or unit has changed, or a fact began or ceased to hold.
    """
    page = await synchronise(reader, actor, runtime.settings.sealer, EMPLOYEES, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/units", responses=PROBLEMS)
async def get_units(
    query: Asked,
    reader: ReadSession,
    actor: CurrentActor,
    runtime: CurrentRuntime,
    request: Request,
    response: Response,
) -> UnitSyncPage:
    """Units that changed.

    Those in force today; one that was closed, or is not in force yet, comes as a tombstone.
    """
    page = await synchronise(reader, actor, runtime.settings.sealer, UNITS, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/positions", responses=PROBLEMS)
async def get_positions(
    query: Asked,
    reader: ReadSession,
    actor: CurrentActor,
    runtime: CurrentRuntime,
    request: Request,
    response: Response,
) -> PositionSyncPage:
    """Positions that changed.

    Those in force today; one comes again also where a seat of it was taken or left. One that was
    closed, or is not in force yet, comes as a tombstone.
    """
    page = await synchronise(reader, actor, runtime.settings.sealer, POSITIONS, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/assessment-results", responses=PROBLEMS)
async def get_assessment_results(
    query: Asked,
    reader: ReadSession,
    actor: CurrentActor,
    runtime: CurrentRuntime,
    request: Request,
    response: Response,
) -> AssessmentResultSyncPage:
    """Results of assessments that changed.

    Whatever the caller may see: an ASN their own, of those whom they lead, and what they assessed.
    Whoever leads or assesses others than then gets 410 `sync_token_expired`.
    """
    page = await synchronise(reader, actor, runtime.settings.sealer, ASSESSMENT_RESULTS, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page
