"""Answers of the health checks."""

from typing import Literal

from app.schemas.base import Schema, example


class Liveness(Schema):
    """The process lives."""

    model_config = example({"status": "ok"})

    status: Literal["ok"]


class Readiness(Schema):
    """The process can serve."""

    model_config = example({"status": "ok", "schema_revision": "imports"})

    status: Literal["ok"]
    schema_revision: str
