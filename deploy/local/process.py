"""Programs in the background: started apart from the terminal, waited for, found again by pid, stopped."""

import contextlib
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class Absent(Exception):
    """A component cannot be had on this machine; says what would help."""


class Failed(Exception):
    """A program did not become ready; carries the end of its log."""


def cache() -> Path:
    """Where fetched programs are kept between runs."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "citewatch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def fetching(name: str) -> Iterator[None]:
    """One process fetches; the others wait for it."""
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now, and that the kernel gives to no outgoing connection."""
    while True:
        port = random.randrange(20_000, 32_000)  # below the ephemeral ports of Linux, macOS and IANA
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def open_port(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def alive(pid: int) -> bool:
    """Whether the process runs. A zombie does not, whatever `kill -0` says."""
    with contextlib.suppress(OSError, IndexError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX"
    if Path("/proc/self/stat").exists():
        return False
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


def run(command: Sequence[str | Path], *, quiet: bool = True, **options: object) -> str:
    """Run to the end and give its output; `Failed` with what it said when it fails."""
    done = subprocess.run(  # noqa: S603  commands are our own
        [str(part) for part in command],
        capture_output=quiet,
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    if done.returncode:
        said = f"{done.stdout or ''}{done.stderr or ''}"[-2000:]
        raise Failed(f"{Path(command[0]).name} ended with {done.returncode}: {said}")
    return str(done.stdout or "")


def apt_install(*packages: str) -> bool:
    """Install Debian packages where that is allowed. apt can fail once in the middle: it is mended and tried again."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in ([], ["dpkg", "--configure", "-a"]):
        with contextlib.suppress(Failed):
            if step:
                run(step, env=environment)
            run(["apt-get", "update", "-q"], env=environment)
            run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], env=environment)
            return True
    return False


@dataclass
class Program:
    """One background program with a folder of its own (`pid`, `log` and its data)."""

    name: str
    folder: Path
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = Path(self.folder).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / f"{self.name}.log"
        self._pid = self.folder / f"{self.name}.pid"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        with contextlib.suppress(OSError, ValueError):
            pid = int(self._pid.read_text())
            return pid if alive(pid) else None
        return None

    def start(
        self,
        command: Sequence[str | Path],
        ready: Callable[[], bool],
        *,
        seconds: float = 60,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start it unless it runs, and wait until it is ready."""
        if self.pid is None:
            with self.log.open("ab") as log:
                process = subprocess.Popen(  # noqa: S603  commands are our own
                    [str(part) for part in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                    cwd=self.folder, env={**os.environ, **(env or {})}, start_new_session=True,
                )  # fmt: skip
            self._pid.write_text(str(process.pid))
            _children[process.pid] = process
        until = time.monotonic() + seconds
        while not ready():
            if self.pid is None or time.monotonic() > until:
                raise Failed(f"{self.name} is not ready; its log ends:\n{self.tail()}")
            time.sleep(0.05)

    def tail(self) -> str:
        """The end of its log."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        return ""

    def send(self, number: int) -> None:
        """Send a signal, if it runs."""
        if (pid := self.pid) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 15) -> None:
        """End it, in the end by force, and wait until it is gone."""
        pid = self.pid
        self.send(signal.SIGCONT)
        self.send(number)
        until = time.monotonic() + seconds
        while self.pid is not None:
            if time.monotonic() > until:
                self.send(signal.SIGKILL)
            time.sleep(0.02)
        if pid in _children:
            _children.pop(pid).wait()  # a zombie would look alive to a server that reads its own old lock file
        self._pid.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.stop(signal.SIGKILL)


_children: dict[int, "subprocess.Popen[bytes]"] = {}


def watch(parent: int, folder: Path) -> None:
    """Wait until the parent is gone, however it ended; then end what it started in the folder, and remove that."""
    while alive(parent):
        time.sleep(0.5)
    for path in folder.rglob("*.pid"):
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(path.read_text()), signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    watch(int(sys.argv[1]), Path(sys.argv[2]))
