"""The upload as the database keeps it: sealed, because NIK stand in it as they were typed.

Sealed to its own SHA-256, so that the import of a checked file keeps the same bytes.
"""

import asyncio
import hashlib

from app.sealing import Sealer

PURPOSE = "import_file"


async def seal_file(sealer: Sealer, content: bytes) -> tuple[bytes, bytes]:
    """The SHA-256 and the sealed bytes; in a thread, since a file may have 64 MiB."""

    def work() -> tuple[bytes, bytes]:
        digest = hashlib.sha256(content).digest()
        return digest, sealer.seal(PURPOSE, content, context=digest)

    return await asyncio.to_thread(work)


async def open_file(sealer: Sealer, sealed: bytes, sha256: bytes) -> bytes:
    """The file as it came. Errors: SealBroken."""
    return await asyncio.to_thread(sealer.open, PURPOSE, sealed, context=sha256)
