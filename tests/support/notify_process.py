"""Notify in a process of its own, to be killed: `python -m tests.support.notify_process FOLDER HOOK_URL SECONDS_AHEAD`.

Its clock runs so many seconds ahead, so that the leases of a process that was killed have run out.
"""

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path

from services.notify import app
from services.notify.settings import NotifySettings
from shared import migrate
from shared.clock import SystemClock
from shared.db import Database
from shared.eventlog.database import DatabaseLog
from shared.settings import load
from tests.support.notifying import door


class Ahead:
    """A clock that runs ahead."""

    def __init__(self, seconds: float) -> None:
        self._by = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return SystemClock().now() + self._by


async def main(folder: Path, hook: str, ahead: float) -> None:
    clock = Ahead(ahead)
    db = Database(f"sqlite:///{folder / 'notify.db'}")
    await migrate.upgrade(db, "eventlog", "notify")
    settings = load(NotifySettings, _env_file=None, data_dir=folder, alert_webhook_url=hook, alert_group_wait="0s")
    notify = await app.build(settings, db, clock, door())
    log, stop = DatabaseLog(db, clock), asyncio.Event()
    print("ready", flush=True)
    await asyncio.gather(log.run(notify.subscription(), stop), notify.worker().run(stop))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
