"""Correction requests: what an employee proposes, and how it was ruled on."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, TypeAdapter, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from app.schemas.base import Day, Line, Page, PageQuery, Schema, Text, example
from app.schemas.employees import (
    Email,
    IdentifierText,
    Name,
    Phone,
    ServiceDay,
    Title,
)
from app.validation_messages import explain
from app.vocabulary import CorrectionField, CorrectionState, Golongan, Sex

VALUES: Mapping[CorrectionField, TypeAdapter[Any]] = {
    CorrectionField.NAME: TypeAdapter(Name),
    CorrectionField.TITLE_PREFIX: TypeAdapter(Title),
    CorrectionField.TITLE_SUFFIX: TypeAdapter(Title),
    CorrectionField.EMAIL: TypeAdapter(Email),
    CorrectionField.PHONE: TypeAdapter(Phone),
    CorrectionField.ADDRESS: TypeAdapter(Text),
    CorrectionField.BIRTH_PLACE: TypeAdapter(Line),
    CorrectionField.BIRTH_DATE: TypeAdapter(Day),
    CorrectionField.SEX: TypeAdapter(Sex),
    CorrectionField.GOLONGAN: TypeAdapter(Golongan),
    CorrectionField.IDENTIFIER: TypeAdapter(IdentifierText),
    CorrectionField.EDUCATION: TypeAdapter(Text),
    CorrectionField.POSITION: TypeAdapter(Text),
}
"""What the proposed text of each field must be."""


def value_of(field: CorrectionField, text: str) -> Any:
    """The proposed text as the field's own type. Errors: a pydantic ValidationError."""
    return VALUES[field].validate_strings(text)


class Evidence(Schema):
    """A document that shows what is right."""

    title: Line
    reference: Annotated[Line, Field(description="Number, archive code or address of it.")]


class CorrectionCreate(Schema):
    """What is wrong, and what it should be."""

    model_config = example(
        {
            "field": "birth_place",
            "proposed_value": "Kota Magelang",
            "reason": "Di akta kelahiran tertulis Kota Magelang.",
            "evidence": [{"title": "Akta kelahiran", "reference": "1234/TP/1985"}],
        }
    )

    field: CorrectionField
    proposed_value: Annotated[Text, Field(description="Checked by what the field holds.")]
    reason: Text
    evidence: list[Evidence] = Field(default_factory=list, max_length=20)

    @field_validator("proposed_value")
    @classmethod
    def _fits_the_field(cls, text: str, info: ValidationInfo) -> str:
        field = info.data.get("field")
        if field is None:  # which is an error of its own
            return text
        try:
            value_of(field, text)
        except ValidationError as error:
            first = error.errors()[0]
            words = explain(first["type"], first["msg"], first.get("ctx") or {})
            code: Any = first["type"]
            raise PydanticCustomError(code, "{english}", _texts(*words)) from None
        return text


def _texts(indonesian: str, english: str) -> dict[str, Any]:
    return {"indonesian": indonesian, "english": english}


class CorrectionAccept(Schema):
    """Yes: it is corrected in the same transaction, or by hand where the field needs it."""

    model_config = example({"effective_from": None, "note": "Sesuai akta.", "done_by_hand": False})

    effective_from: Annotated[
        ServiceDay | None,
        Field(
            description="From which day the new value holds, for what changes with time. Left "
            "out, the recorded fact is corrected from its own first day."
        ),
    ] = None
    note: Text | None = None
    done_by_hand: Annotated[
        bool,
        Field(
            description="Must be true for `identifier`, `education` and `position`: it states "
            "that the officer has made the change by its own operation."
        ),
    ] = False


class CorrectionDecline(Schema):
    """No, and why not."""

    model_config = example({"reason": "Akta yang dilampirkan tidak terbaca."})

    reason: Text


_REQUEST = {
    "id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b95",
    "version": 1,
    "employee_id": "0199f1c2-7c4e-7b61-a8a4-6f3a7d1c2b90",
    "employee_name": "Dra. Siti Aminah, M.Si.",
    "field": "birth_place",
    "recorded_value": "Magelang",
    "proposed_value": "Kota Magelang",
    "reason": "Di akta kelahiran tertulis Kota Magelang.",
    "evidence": [{"title": "Akta kelahiran", "reference": "1234/TP/1985"}],
    "state": "pending",
    "created_at": "2026-11-24T02:00:00Z",
    "decided_at": None,
    "decision_reason": None,
}


class CorrectionRead(Schema):
    """A correction request and its outcome."""

    model_config = example(_REQUEST)

    id: UUID
    version: int
    employee_id: UUID
    employee_name: str | None
    field: CorrectionField
    recorded_value: str | None = Field(description="What was recorded when the request was made.")
    proposed_value: str
    reason: str
    evidence: list[Evidence]
    state: CorrectionState
    created_at: datetime
    decided_at: datetime | None
    decision_reason: str | None


class CorrectionQuery(PageQuery):
    """What narrows the list of requests; oldest first."""

    state: CorrectionState | None = Field(default=None, description="In this state only.")
    field: CorrectionField | None = Field(default=None, description="About this field only.")


class CorrectionPage(Page):
    """One page of correction requests."""

    model_config = example({"items": [_REQUEST], "next_cursor": None, "total": None})

    items: list[CorrectionRead]


def text_of(value: object) -> str | None:
    """A recorded value as the text that a request shows."""
    return value.isoformat() if isinstance(value, date) else None if value is None else str(value)
