"""The next release's migration in a process of its own, to be killed: `python -m tests.support.migrating URL FOLDER`."""

import asyncio
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from shared import migrate
from shared.db import Database

LATER = Path(__file__).resolve().parents[1] / "cases" / "migrations" / "a_note.py"
HEAD = migrate.head("linkcheck") or ""
NEXT = f"{int(HEAD) + 1:04d}"
"""The revisions of this release and of the next."""


async def main(url: str, folder: Path) -> None:
    """The line of linkcheck with one more revision, put together in the folder."""
    part = migrate.PARTS["linkcheck"]
    shutil.copytree(part.migrations, folder, dirs_exist_ok=True)
    text = LATER.read_text().replace('"NEXT"', f'"{NEXT}"').replace('"HEAD"', f'"{HEAD}"')
    (folder / "versions" / f"{NEXT}_a_note.py").write_text(text)
    migrate.PARTS["linkcheck"] = replace(part, migrations=folder)
    db = Database(url)
    try:
        await migrate.upgrade(db, "linkcheck")
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
