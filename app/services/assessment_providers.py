"""Providers of assessments: what they are accredited for, and on which days (BKN 26/2019)."""

from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, String, Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import Range, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import now
from app.database import Reader, SessionReader
from app.errors import Bilingual, Conflict, FieldError, Invalid, NotFound, StaleVersion
from app.models.assessments import AssessmentProvider, ProviderAccreditation
from app.pagination import decode_cursor, encode_cursor
from app.schemas.assessment_providers import (
    AccreditationRecord,
    ProviderCreate,
    ProviderPage,
    ProviderQuery,
    ProviderRead,
    ProviderUpdate,
)
from app.services import timeline
from app.services.structure import NotInForce
from app.services.timeline import begins, ends, overlaps
from app.vocabulary import AssessmentPurpose

ORDER = "assessment_providers:code"
P, A = AssessmentProvider, ProviderAccreditation


class ProviderCodeTaken(Conflict):
    """Another provider has this code."""

    code = "provider_code_taken"
    title = Bilingual("Kode penyelenggara sudah dipakai", "The provider code is taken")
    constraints = ("uq_assessment_providers_code",)


class NotAccredited(Conflict):
    """On `first_day` the provider is not accredited for the purpose."""

    code = "provider_not_accredited"
    title = Bilingual(
        "Penyelenggara tidak terakreditasi untuk tujuan ini",
        "The provider is not accredited for this purpose",
    )


# --- reading ------------------------------------------------------------------------------

_ACCREDITATION = func.jsonb_build_object(
    *("accreditation_no", A.accreditation_no, "purposes", A.purposes),
    *("effective_from", begins(A), "effective_until", ends(A)),
)
_ACCREDITATIONS = (
    select(
        func.coalesce(
            func.jsonb_agg(aggregate_order_by(_ACCREDITATION, begins(A).desc())), text("'[]'")
        )
    )
    .where(A.provider_id == P.id)
    .scalar_subquery()
    .label("accreditations")
)
_PROVIDERS = select(P.id, P.version, P.code, P.name, _ACCREDITATIONS)
_ONE = _PROVIDERS.where(P.id == bindparam("provider_id", type_=Uuid()))
_COUNT = select(func.count()).select_from(P)


@lru_cache(maxsize=2)
def _page(after: bool) -> Select[Any]:
    chosen = _PROVIDERS.order_by(P.code).limit(bindparam("rows", type_=Integer))
    return chosen.where(P.code > bindparam("after", type_=String)) if after else chosen


async def read_provider(reader: Reader, provider_id: UUID) -> ProviderRead:
    """One provider. Errors: NotFound."""
    row = await reader.one(_ONE, provider_id=provider_id)
    if row is None:
        raise NotFound
    return ProviderRead.model_validate(dict(row))


async def list_providers(reader: Reader, query: ProviderQuery) -> ProviderPage:
    """One page of providers, by code. Errors: InvalidCursor."""
    after = decode_cursor(query.cursor, ORDER, (str,)) if query.cursor else []
    given = {"after": after[0]} if after else {}
    rows = await reader.all(_page(bool(after)), rows=query.limit + 1, **given)
    items = [ProviderRead.model_validate(dict(row)) for row in rows[: query.limit]]
    return ProviderPage(
        items=items,
        next_cursor=encode_cursor(ORDER, [items[-1].code]) if len(rows) > query.limit else None,
        total=await reader.value(_COUNT) if query.include_total else None,
    )


# --- changing -----------------------------------------------------------------------------


async def create_provider(session: AsyncSession, new: ProviderCreate) -> ProviderRead:
    """A provider that is not accredited yet. Errors: ProviderCodeTaken."""
    provider = AssessmentProvider(**new.model_dump())
    session.add(provider)
    await session.flush()
    return await read_provider(SessionReader(session), provider.id)


async def update_provider(
    session: AsyncSession, provider_id: UUID, expected: int, change: ProviderUpdate
) -> ProviderRead:
    """Another name. Errors: NotFound, StaleVersion."""
    provider = await _locked(session, provider_id, expected)
    provider.name = change.name
    await session.flush()
    return await read_provider(SessionReader(session), provider_id)


async def accredit(
    session: AsyncSession, provider_id: UUID, expected: int, record: AccreditationRecord
) -> ProviderRead:
    """What it is accredited for from a day on, up to the next change already recorded.

    Errors: NotFound, StaleVersion.
    """
    await _locked(session, provider_id, expected)
    values = record.model_dump(mode="json", exclude={"effective_from"})
    values["purposes"] = sorted(set(values["purposes"]))
    await timeline.record(session, A.provider_id, provider_id, record.effective_from, values)
    return await read_provider(SessionReader(session), provider_id)


async def end_accreditation(
    session: AsyncSession, provider_id: UUID, expected: int, on: date
) -> ProviderRead:
    """From that day on it is accredited for nothing.

    Errors: NotFound, StaleVersion, NotInForce where it isn't accredited then or later anyway.
    """
    await _locked(session, provider_id, expected)
    then = select(A.id).where(A.provider_id == provider_id, overlaps(A, Range(on, None)))
    if await session.scalar(then.limit(1)) is None:
        raise NotInForce
    await timeline.end(session, A.provider_id, provider_id, on)
    return await read_provider(SessionReader(session), provider_id)


async def _locked(session: AsyncSession, provider_id: UUID, expected: int) -> AssessmentProvider:
    provider = await session.get(AssessmentProvider, provider_id, with_for_update=True)
    if provider is None:
        raise NotFound
    if provider.version != expected:
        raise StaleVersion
    provider.updated_at = now()  # a change of its accreditation is a change of the provider
    return provider


# --- what events lean on ------------------------------------------------------------------

FIRST_DAY_WITHOUT = text(
    """
    SELECT lower(datemultirange(daterange(:first, :last, '[]'))
                 - coalesce(range_agg(valid), '{}'::datemultirange))
    FROM provider_accreditations WHERE provider_id = :provider_id AND :purpose = ANY (purposes)
    """
)


async def require_accredited(
    session: AsyncSession, provider_id: UUID, purpose: AssessmentPurpose, first: date, last: date
) -> None:
    """The provider is accredited for the purpose on each of these days, both ends included.

    Its accreditation can't change until the transaction ends.
    Errors: Invalid at `/provider_id` where there is no such provider; NotAccredited.
    """
    if await session.get(AssessmentProvider, provider_id, with_for_update={"read": True}) is None:
        detail = Bilingual("Tidak dikenal.", "Unknown.")
        raise Invalid(errors=[FieldError("/provider_id", "unknown", detail)])
    values = {"provider_id": provider_id, "purpose": purpose.value, "first": first, "last": last}
    day = await session.scalar(FIRST_DAY_WITHOUT, values)
    if day is not None:
        detail = Bilingual(f"Tidak terakreditasi pada {day}.", f"Not accredited on {day}.")
        raise NotAccredited(detail, first_day=day)
