"""What a running process holds: made once by `create_app`, found by every dependency."""

from dataclasses import dataclass, field

from app.database import Database
from app.services.audit_recorder import Recorder
from app.services.exports.delivering import Slots
from app.services.signing_keys import Keyring
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Runtime:
    """Settings, the database, the keys that tokens are signed with, the recorder of reads,
    and how many exports may still begin.
    """

    settings: Settings
    database: Database
    keyring: Keyring
    recorder: Recorder
    exports: Slots = field(default_factory=Slots)

    @classmethod
    def of(cls, settings: Settings) -> "Runtime":
        """A runtime that opens its connections by their first use."""
        database = Database(settings)
        # A connection of its own: the events of reads never queue behind the reads.
        recorder = Recorder(Database(settings.model_copy(update={"pool_size": 1})))
        return cls(settings, database, Keyring(database, settings), recorder)

    async def close(self) -> None:
        """Write what is queued, then close every connection."""
        await self.recorder.close()
        await self.database.close()
