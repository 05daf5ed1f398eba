"""The tables. Importing this package registers them all on `Base.metadata`."""

from app.models import (
    accounts,
    assessments,
    audit,
    competencies,
    competency_profiles,
    employees,
    exports,
    idempotency,
    imports,
    objections,
    organisation,
    statistics,
)
from app.models.base import Base

__all__ = [
    "Base",
    "accounts",
    "assessments",
    "audit",
    "competencies",
    "competency_profiles",
    "employees",
    "exports",
    "idempotency",
    "imports",
    "objections",
    "organisation",
    "statistics",
]
