"""The tables. Importing this package registers them all on `Base.metadata`."""

from app.models import accounts, audit, employees, idempotency, imports, organisation
from app.models.base import Base

__all__ = [
    "Base",
    "accounts",
    "audit",
    "employees",
    "idempotency",
    "imports",
    "organisation",
]
