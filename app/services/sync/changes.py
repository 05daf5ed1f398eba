"""Which items a client must see again: statements over the audit log and over days.

An item is shown again where a row that it is made of was written, or where one began or ceased
to hold, which no write tells of. To show one in vain costs little; to miss one is an error.
"""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Date,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    or_,
    select,
    union,
)
from sqlalchemy.orm import InstrumentedAttribute

from app.models.audit import Xid8
from app.models.base import Dated
from app.services.timeline import AS_OF, begins, ends

SINCE = cast(bindparam("since", type_=Text), Xid8)
UNTIL: ColumnElement[date] = bindparam("until", type_=Date)
"""The day as of which the client was last shown."""
Ids = Select[Any] | CompoundSelect[Any]
Column = InstrumentedAttribute[UUID]


def of_persons(*columns: Column, days_pass: bool) -> Ids:
    """The persons about whom something changed, by the columns that name them."""
    models: list[type[Any]] = [c.class_ for c in columns]  # type: ignore[misc]
    tables = bindparam(None, [m.__tablename__ for m in models], type_=ARRAY(Text))
    written = _ids(func.app.changed_subjects(tables, SINCE, type_=Uuid()))
    turned = [
        select(owner).where(_turned(model))
        for owner, model in zip(columns, models, strict=True)
        if days_pass and issubclass(model, Dated)
    ]
    return union(written, *turned) if turned else written


def of_wholes(whole: Column) -> Ids:
    """The units or positions of which something changed, by the column that names them.

    Told to all staff, as the counts are, also where a row is not theirs to see.
    """
    names = whole.class_.__tablename__, whole.key
    return _ids(func.app.changed_wholes(*names, SINCE, UNTIL, AS_OF, type_=Uuid()))


def together(*parts: Ids) -> Select[Any]:
    """All of these ids, each once, as the column `id`."""
    ids = union(*parts).subquery("changed")
    return select(ids.c[0].label("id"))


def _ids(function: Any) -> Select[Any]:
    return select(function.column_valued("id"))


def _turned(fact: type[Dated]) -> ColumnElement[bool]:
    """The fact began or ceased to hold since the client was last shown."""
    return or_(*((day > UNTIL) & (day <= AS_OF) for day in (begins(fact), ends(fact))))
