"""What a delta synchronisation asks for and gets."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas.assessment_results import AssessmentResultSummary
from app.schemas.base import Schema, example
from app.schemas.employees import EmployeeRead
from app.schemas.positions import PositionRead
from app.schemas.units import UnitRead

GONE = "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b99"
TOKEN = "AVq3k0Zx1mGd7R2bYw"  # noqa: S105 - shortened, for the examples


class SyncQuery(Schema):
    """Where a client stands."""

    sync_token: Annotated[
        str | None,
        Field(
            max_length=600,
            description="`sync_token` of the last page of the synchronisation before; without it "
            "everything is shown.",
        ),
    ] = None
    cursor: Annotated[
        str | None,
        Field(
            max_length=600,
            description="`next_cursor` of the page before; it knows its token, which may be left "
            "out.",
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=500, description="SyncPage a page.")] = 200


class Tombstone(Schema):
    """The thing is gone, or no longer the caller's to see: forget it."""

    model_config = example({"id": GONE, "deleted": True})

    id: UUID
    deleted: Literal[True] = True


def _example(item: type[Schema]) -> ConfigDict:
    """A last page with the item's own example."""
    extra: Any = item.model_config["json_schema_extra"]
    gone = [{"id": GONE, "deleted": True}]
    page = {"items": extra["examples"], "tombstones": gone, "next_cursor": None}
    return example({**page, "sync_token": TOKEN})


class SyncPage(Schema):
    """One page of a synchronisation; each data set derives a class with its `items`."""

    tombstones: list[Tombstone] = Field(
        description="What to forget. A client may never have known it. None in a first "
        "synchronisation: there, what is not shown is not there."
    )
    next_cursor: str | None = Field(
        description="Pass as `cursor` to read on; null on the last page."
    )
    sync_token: str | None = Field(
        description="On the last page: pass it next time, to see only what has changed since."
    )


class EmployeeSyncPage(SyncPage):
    """Employees as of today."""

    model_config = _example(EmployeeRead)

    items: list[EmployeeRead]


class UnitSyncPage(SyncPage):
    """Units as of today."""

    model_config = _example(UnitRead)

    items: list[UnitRead]


class PositionSyncPage(SyncPage):
    """Positions as of today, with their holders counted."""

    model_config = _example(PositionRead)

    items: list[PositionRead]


class AssessmentResultSyncPage(SyncPage):
    """Results of assessments, every version, as in their list."""

    model_config = _example(AssessmentResultSummary)

    items: list[AssessmentResultSummary]
