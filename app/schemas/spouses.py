"""Marriages between employees."""

from datetime import date
from uuid import UUID

from app.schemas.base import Day, Schema, example

_SPOUSE = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b94"


class SpouseRecord(Schema):
    """The employee whom somebody is married to, and since when."""

    model_config = example({"spouse_id": _SPOUSE, "effective_from": "2015-06-20"})

    spouse_id: UUID
    effective_from: Day


class SpouseRead(Schema):
    """A marriage, seen from one of the two."""

    model_config = example(
        {
            "employee_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
            "spouse_id": _SPOUSE,
            "effective_from": "2015-06-20",
            "effective_until": None,
            "version": 4,
        }
    )

    employee_id: UUID
    spouse_id: UUID
    effective_from: date
    effective_until: date | None
    version: int
    """The employee's."""
