"""The whole assembly, in one page."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.middleware.cors import CORSMiddleware

from app import errors, logs, openapi
from app.access.table import check_table
from app.api_docs import docs_router
from app.body_limit import BodyLimit
from app.dependencies import operation_id
from app.jobs import run_worker
from app.middleware import RequestFrame
from app.routers import (
    accounts,
    assessment_events,
    assessment_providers,
    assessment_results,
    assessments,
    assessor_assignments,
    audit,
    competencies,
    competency_gaps,
    correction_requests,
    employees,
    exports,
    health,
    imports,
    invitations,
    me,
    objections,
    positions,
    sessions,
    sign_in,
    standards,
    statistics,
    sync,
    units,
)
from app.runtime import Runtime
from app.services.audit.sequencing import run_sequencer
from app.services.competency_gaps.refreshing import run_refresher
from app.settings import Settings

API = "/api/v1"
ROUTERS: tuple[APIRouter, ...] = (
    employees.router,
    correction_requests.router,
    units.router,
    positions.router,
    sign_in.router,
    sessions.router,
    me.router,
    invitations.router,  # before the accounts, one of which `/accounts/invitations` would be
    accounts.router,
    audit.router,
    audit.me,
    imports.router,
    assessor_assignments.router,
    assessments.router,
    assessment_events.router,
    assessment_providers.router,
    assessment_results.router,
    competencies.router,
    standards.router,
    competency_gaps.router,
    objections.router,
    statistics.router,
    sync.router,
    exports.router,
)
"""Served below /api/v1; what is asked for most stands first, since it is looked for first."""


def create_app(settings: Settings) -> FastAPI:
    """The application. Errors: UnlistedOperation where an operation has no access rule."""
    logs.configure(settings.log_level)
    runtime = Runtime.of(settings)
    app = FastAPI(
        title="Kemuning",
        version="1",
        summary="Penataan ASN: the civil service of a local government, arranged in the open.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        root_path=settings.root_path,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        lifespan=_lifespan,
    )
    app.state.runtime = runtime
    for router in ROUTERS:
        app.include_router(router, prefix=API)
    app.include_router(health.router)
    app.include_router(audit.well_known)
    app.include_router(sign_in.well_known)
    app.include_router(docs_router())
    check_table(operation_ids(app))
    app.openapi = partial(openapi.document, app)  # type: ignore[method-assign]
    errors.install(app)
    _add_middleware(app, settings)
    return app


def app_from_environment() -> FastAPI:
    """The application with the environment's settings: what `kemuning serve` runs."""
    app = create_app(Settings())
    _spare_what_is_loaded()
    return app


def _spare_what_is_loaded() -> None:
    """What is loaded by now stays to the end: the garbage collector need not walk it any more.

    Nor at every 700th new object: one page of a list makes more, and leaves none in a ring.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def operation_ids(app: FastAPI) -> list[str]:
    """Every operation of the API, included routers' too."""
    return [
        context.unique_id
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute) and context.include_in_schema
    ]


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """The last one added is the outermost."""
    app.add_middleware(
        BodyLimit,
        largest=settings.max_body_bytes,
        upload_path=f"{API}/imports",
        largest_upload=settings.max_import_bytes,
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                *("Authorization", "If-Match", "If-None-Match", "Idempotency-Key"),
                *("X-Purpose", "X-Request-Id"),
            ],
            expose_headers=["ETag", "Link", "Location", "RateLimit", "Retry-After", "X-Request-Id"],
        )
    app.add_middleware(RequestFrame, timeout_seconds=settings.request_timeout_seconds)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the background tasks while the application serves; then let every one finish."""
    runtime: Runtime = app.state.runtime
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        if runtime.settings.run_jobs:
            tasks.create_task(run_sequencer(runtime.database, runtime.settings, stop))
            tasks.create_task(run_refresher(runtime.database, stop))
            tasks.create_task(run_worker(runtime, stop))
        yield
        stop.set()
    await runtime.close()
