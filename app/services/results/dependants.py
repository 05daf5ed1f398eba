"""What is computed from results, and has to follow when a person's results change."""

from collections.abc import Awaitable, Callable, Collection
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

Dependant = Callable[[AsyncSession, Collection[UUID]], Awaitable[None]]
"""Brings what it keeps up to date, in the transaction in which these employees' results changed."""

DEPENDANTS: Final[tuple[Dependant, ...]] = ()


async def refresh(session: AsyncSession, employee_ids: Collection[UUID]) -> None:
    """Bring all that depends on these employees' results up to date."""
    for dependant in DEPENDANTS:
        await dependant(session, employee_ids)
