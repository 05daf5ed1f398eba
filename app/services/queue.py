"""Work that outlasts a request: put into the queue by the transaction that wants it done.

The queue is pgqueuer's, in the same database, so that a job exists exactly if its transaction
was committed. `app.jobs` works it off.
"""

import json
from collections.abc import Mapping
from typing import Any

from pgqueuer import Queries
from sqlalchemy.ext.asyncio import AsyncSession


async def enqueue(session: AsyncSession, job: str, payload: Mapping[str, Any]) -> None:
    """Put a job into the queue: it is there once the session's transaction is committed."""
    connection = await (await session.connection()).get_raw_connection()
    queries = Queries.from_asyncpg_connection(connection.driver_connection)
    await queries.enqueue(job, json.dumps(payload, default=str).encode())
