"""Which items a client must see again: ids from the audit log, and by the days that passed.

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
    select,
    union,
)
from sqlalchemy.orm import InstrumentedAttribute

from app.models.audit import Xid8
from app.services.timeline import AS_OF

SINCE = cast(bindparam("since", type_=Text), Xid8)
UNTIL: ColumnElement[date] = bindparam("until", type_=Date)
"""The day as of which the client was last shown."""
Ids = Select[Any] | CompoundSelect[Any]


def of_persons(*tables: type[Any]) -> Ids:
    """The persons about whom something changed in these tables, as far as the caller knows them."""
    names = bindparam(None, [table.__tablename__ for table in tables], type_=ARRAY(Text))
    return _ids(func.app.changed_persons(names, SINCE, UNTIL, AS_OF, type_=Uuid()))


def of_wholes(whole: InstrumentedAttribute[UUID]) -> Ids:
    """The units, positions or events of which something changed, by the column that names them.

    Told to all staff, as counts are, also where a row is not theirs to see.
    """
    names = whole.class_.__tablename__, whole.key
    return _ids(func.app.changed_wholes(*names, SINCE, UNTIL, AS_OF, type_=Uuid()))


def together(*parts: Ids) -> Select[Any]:
    """All of these ids, each once, as the column `id`."""
    ids = union(*parts).subquery("changed")
    return select(ids.c[0].label("id"))


def _ids(function: Any) -> Select[Any]:
    return select(function.column_valued("id"))
