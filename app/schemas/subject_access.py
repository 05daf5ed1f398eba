"""Subject access: all that is held about a person, in one document."""

from datetime import datetime
from typing import Any

from pydantic import Field

from app.schemas.assessment_results import PersonHistory
from app.schemas.base import Schema, example
from app.schemas.correction_requests import CorrectionRead
from app.schemas.employees import EmployeeHistory, EmployeeRead
from app.schemas.spouses import SpouseRead


def _shown(schema: type[Schema]) -> Any:
    return schema.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index]


class DataExport(Schema):
    """All that is held about a person, for that person."""

    model_config = example(
        {
            "generated_at": "2026-11-24T02:00:00Z",
            "employee": _shown(EmployeeRead),
            "nik": "3308015501850001",
            "history": _shown(EmployeeHistory),
            "spouses": [_shown(SpouseRead)],
            "competency_history": _shown(PersonHistory),
            "correction_requests": [_shown(CorrectionRead)],
            "processing_trail": "/api/v1/me/data-access",
        }
    )

    generated_at: datetime
    employee: EmployeeRead
    nik: str | None
    history: EmployeeHistory
    spouses: list[SpouseRead]
    competency_history: PersonHistory = Field(
        description="Every result; `/assessment-results/{id}` tells how each was measured."
    )
    correction_requests: list[CorrectionRead]
    processing_trail: str = Field(description="Where to read who looked at the data, and why.")
