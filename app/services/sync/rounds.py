"""One page of a synchronisation.

The next round begins at the place that was taken before this round's first page was read: what
is written while a client pages comes again.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, Uuid, bindparam, func, select
from sqlalchemy.sql import ColumnElement

from app.access.actors import Actor
from app.access.employees import viewer
from app.calendar import now
from app.database import Reader
from app.schemas.sync import SyncQuery, Tombstone
from app.sealing import Sealer
from app.services.sync.data_sets import DataSet, Page
from app.services.sync.places import Place, Round, Seals
from app.vocabulary import Role

_PLACE = func.app.log_place().table_valued("xid", "history")
PLACE = select(_PLACE.c.xid, _PLACE.c.history)


async def synchronise(
    reader: Reader, actor: Actor, sealer: Sealer, data_set: DataSet[Page], query: SyncQuery
) -> Page:
    """What the data set holds, or what has changed of it since the token; ordered by id.

    Errors: InvalidSyncToken, InvalidCursor, SyncTokenExpired.
    """
    seals = await _seals(reader, actor, sealer, data_set)
    turn = _turn(seals, query)
    found = await _ids(reader, actor, data_set, turn, seals.here, query.limit + 1)
    ids, more = found[: query.limit], len(found) > query.limit
    items = await data_set.read(reader, actor, ids, seals.here.day) if ids else []
    shown = {item.id for item in items}
    gone = [id_ for id_ in ids if id_ not in shown] if turn.since else []
    return data_set.page.model_validate(
        {
            "items": sorted(items, key=lambda item: item.id),
            "tombstones": [Tombstone(id=id_) for id_ in gone],
            "next_cursor": seals.cursor(replace(turn, after=ids[-1])) if more else None,
            "sync_token": None if more else seals.token(turn.begun),
        }
    )


async def _seals(reader: Reader, actor: Actor, sealer: Sealer, data_set: DataSet[Any]) -> Seals:
    place = await reader.one(PLACE)
    assert place is not None
    scope = [actor.role, actor.employee_id, *sorted(actor.scopes), place["history"]]
    if data_set.related is not None and actor.role is Role.ASN:
        related = await reader.one(data_set.related)
        assert related is not None
        scope += [sorted(ids) for ids in related.values()]
    here = Place(int(place["xid"]), now())
    return Seals(sealer, actor, data_set.name, repr(scope), here)


def _turn(seals: Seals, query: SyncQuery) -> Round:
    if query.cursor is not None:
        return seals.round_of(query.cursor)
    since = None if query.sync_token is None else seals.place_of(query.sync_token)
    return Round(since, begun=seals.here)


async def _ids(
    reader: Reader, actor: Actor, data_set: DataSet[Any], turn: Round, here: Place, rows: int
) -> Sequence[UUID]:
    values: dict[str, object] = {"after": turn.after, "rows": rows, **viewer(actor)}
    if turn.since is None:
        statement = _every(data_set, actor.role)
    else:
        statement = _changed(data_set, actor.role)
        values |= {"since": str(turn.since.xid), "until": turn.since.day, "as_of": here.day}
    return [row["id"] for row in await reader.all(statement, **values)]


@lru_cache(maxsize=64)
def _every(data_set: DataSet[Any], role: Role) -> Select[Any]:
    return _paged(data_set.every(role))


@lru_cache(maxsize=64)
def _changed(data_set: DataSet[Any], role: Role) -> Select[Any]:
    return _paged(data_set.changed(role))


def _paged(ids: Select[Any]) -> Select[Any]:
    id_: ColumnElement[UUID] = ids.selected_columns["id"]
    return (
        ids.where(id_ > bindparam("after", type_=Uuid()))
        .order_by(id_)
        .limit(bindparam("rows", type_=Integer()))
    )
