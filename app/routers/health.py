"""Whether the process lives, whether it can serve, and what it measures."""

import os

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.dependencies import CurrentActor, CurrentRuntime, Router
from app.errors import DatabaseUnavailable, problems
from app.schemas.health import Liveness, Readiness

router = Router(tag="health")


@router.get("/livez")
async def livez(_: CurrentActor) -> Liveness:
    """The process lives.

    Answers without touching the database: restart the process when this fails.
    """
    return Liveness(status="ok")


@router.get("/readyz", responses=problems(DatabaseUnavailable))
async def readyz(_: CurrentActor, runtime: CurrentRuntime) -> Readiness:
    """The process can serve.

    Asks the database; send no traffic while this fails.
    """
    return Readiness(status="ok", schema_revision=await runtime.database.ready())


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(_: CurrentActor) -> Response:
    """Metrics in the Prometheus text format.

    Keep it from the outside by the reverse proxy; it holds no personal data.
    """
    return Response(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    """What this process has measured; of several workers, what all have, by their files."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
