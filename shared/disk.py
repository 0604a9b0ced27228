"""Room on a disk: called full before it is, so that somebody can act while everything still works."""

import os
from pathlib import Path

from shared.errors import Unavailable

LEAST_FREE = 64 * 1024 * 1024
"""Bytes of free disk below which whoever keeps things there is not ready any more."""


def ensure_room(folder: Path, whose: str) -> None:
    """Raises `Unavailable` when the disk that the folder lies on is nearly full."""
    disk = os.statvfs(folder)
    if disk.f_bavail * disk.f_frsize < LEAST_FREE:
        raise Unavailable(f"The disk of the {whose} is nearly full.")
