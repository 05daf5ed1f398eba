"""The bases and field types that every schema uses."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LINE_BREAK = re.compile(r"[\r\n\t]")


def _no_control_characters(value: str) -> str:
    """PostgreSQL stores no NUL, UTF-8 has no lone surrogates, and people see no controls."""
    if _CONTROL.search(value):
        raise PydanticCustomError(
            "text_control_character",
            "Holds a control character.",
            {"indonesian": "Teks memuat karakter kendali."},
        )
    return value


def _one_line(value: str) -> str:
    if _LINE_BREAK.search(value):
        raise PydanticCustomError(
            "text_line_break", "Must be one line.", {"indonesian": "Harus satu baris."}
        )
    return value


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
    AfterValidator(_no_control_characters),
]
"""Free text of at most 4,000 characters."""
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_no_control_characters),
    AfterValidator(_one_line),
]
"""One line of at most 200 characters."""
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
"""A short code of letters, digits, dot, slash, dash and underscore."""


def _in_range(value: date) -> date:
    if not date(1900, 1, 1) <= value <= date(2200, 12, 31):
        raise PydanticCustomError(
            "date_out_of_range",
            "Must lie between 1900 and 2200.",
            {"indonesian": "Harus di antara tahun 1900 dan 2200."},
        )
    return value


Day = Annotated[date, AfterValidator(_in_range)]
"""A calendar day of the civil service: 1900 to 2200."""


class Schema(BaseModel):
    """Unknown fields are refused, NaN and infinities too."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, ser_json_inf_nan="null")


class Page(Schema):
    """One page of a list; each noun derives a named class with its `items`."""

    next_cursor: str | None = Field(
        default=None, description="Pass as `cursor` to read on; null on the last page."
    )
    total: int | None = Field(default=None, description="Only with `include_total=true`.")


class PageQuery(Schema):
    """The parameters that every list takes."""

    limit: Annotated[int, Field(ge=1, le=200, description="Rows a page.")] = 50
    cursor: Annotated[
        str | None, Field(max_length=600, description="`next_cursor` of the page before.")
    ] = None
    include_total: Annotated[
        bool, Field(description="Count every row that matches; this costs time.")
    ] = False


def example(value: dict[str, Any]) -> ConfigDict:
    """A model config that shows this example in the OpenAPI document."""
    return ConfigDict(json_schema_extra={"examples": [value]})


def page_example(item: type[Schema]) -> ConfigDict:
    """A page with the item's own example as its only one."""
    extra: Any = item.model_config["json_schema_extra"]
    return example({"items": extra["examples"], "next_cursor": None, "total": None})
