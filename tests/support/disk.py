"""A small disk of a test's own: a tmpfs in a mount namespace, seen from outside through `/proc`."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Disk:
    """`path` as processes in the namespace see it, `seen` as everybody else does."""

    path: Path
    seen: Path
    keeper: int

    @property
    def inside(self) -> tuple[str, ...]:
        """A command that runs another one where the disk is."""
        return ("nsenter", "-t", str(self.keeper), "-m", f"--wd={ROOT}", "--")

    @property
    def free(self) -> int:
        """Bytes."""
        found = os.statvfs(self.seen)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Take room until only so many bytes are left."""
        path = self.seen / f"filler-{len(list(self.seen.glob('filler-*')))}"
        with path.open("wb") as file:
            while (room := self.free - leave) > 0:
                try:
                    file.write(b"\xff" * min(room, 1 << 20))
                    file.flush()
                except OSError:
                    break

    def tidy(self) -> None:
        """Give the room back."""
        for path in self.seen.glob("filler-*"):
            path.unlink()


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[Disk | None]:
    """Mounted while the block runs. None where the kernel gives no namespaces."""
    path.mkdir()
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        yield None
        return
    script = 'mount -t tmpfs -o "size=$1m" tmpfs "$0" && exec sleep 3600'
    keeper = subprocess.Popen(["unshare", "-m", "sh", "-c", script, str(path), str(megabytes)])
    try:
        seen = Path(f"/proc/{keeper.pid}/root{path}")
        yield Disk(path, seen, keeper.pid) if _mounted(keeper, path) else None
    finally:
        keeper.kill()
        keeper.wait()


def _mounted(keeper: "subprocess.Popen[bytes]", path: Path) -> bool:
    while keeper.poll() is None:
        if f" {path} tmpfs " in Path(f"/proc/{keeper.pid}/mounts").read_text():
            return True
        time.sleep(0.01)
    return False
