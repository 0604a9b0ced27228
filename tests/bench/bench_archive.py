"""How fast captures become durable: `python -m tests.bench.bench_archive [FOLDER]`.

Pages of 5–100 KB in the sizes of the web's middle, each a capture with its page text; groups of 100, as the committer
makes them. Prints a table: captures a second, CPU a capture by stage, bytes kept.
"""

import asyncio
import os
import platform
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from services.linkcheck.archive import warc
from services.linkcheck.archive.packing import Capture, pack, pack_page
from services.linkcheck.archive.snapshots import Archive
from services.linkcheck.archive.verify import verify_archive
from services.linkcheck.core.model import Page
from shared.blobs import FolderBlobs, open_blobs
from tests.support.captures import NOW, Peer, capture, exchange, revisited

GROUP, COUNT = 100, 2000
WORDS = ("turnover", "rose", "fell", "percent", "ministry", "court", "report", "quarter", "evidence", "minutes")


def pages(number: int) -> list[tuple[Capture, Page]]:
    """Captures of generated articles over HTTPS, with chains of real size."""
    dice = random.Random(7)
    peer = Peer("192.0.2.7", 443, "TLSv1.3", (dice.randbytes(1400), dice.randbytes(1300)))
    made = []
    for one in range(number):
        size = int(min(100_000, max(5_000, dice.lognormvariate(10.3, 0.7))))
        text = " ".join(dice.choices(WORDS, k=size // 12))
        markup = "".join(f'<p class="t{n % 9}">{text[n : n + 400]}</p>\n' for n in range(0, len(text), 400))
        url = f"https://host{one % 1000}.example/articles/{one}"
        moment = NOW + timedelta(seconds=one)
        answer = exchange(url, markup.encode(), peer=peer, started_at=moment)
        made.append((capture(answer, capture_id=f"snp_{one}", at=moment), Page("text/html", main=text, full=text)))
    return made


async def store(archive: Archive, captures: Sequence[tuple[Capture, Page | None]]) -> tuple[float, float]:
    """Captures a second, and CPU milliseconds a capture."""
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(captures), GROUP):
        await archive.put([pack(one, page) for one, page in captures[start : start + GROUP]])
    seconds = time.perf_counter() - wall
    return len(captures) / seconds, 1000 * (time.process_time() - cpu) / len(captures)


async def main(folder: Path) -> None:
    """Measure, and print."""
    captures = pages(COUNT)
    body = sum(len(one.exchanges[-1].body) for one, _ in captures) / COUNT
    print(f"{platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"{COUNT} captures, {body / 1000:.0f} KB a body, groups of {GROUP}")
    print(f"{'what':42} {'captures/s':>10} {'CPU ms':>8}")
    cpu = time.process_time()
    for one, _ in captures:
        warc.capture(one.exchanges, capture_id=one.capture_id, captured_at=one.captured_at)
    packed = 1000 * (time.process_time() - cpu) / COUNT
    cpu = time.process_time()
    for _, page in captures:
        pack_page(page)
    texts = 1000 * (time.process_time() - cpu) / COUNT
    root = folder / "archive"
    archive = Archive(FolderBlobs(root))
    rows: list[tuple[str, float, float]] = [
        ("WARC object alone", 1000 / packed, packed),
        ("text object alone", 1000 / texts, texts),
        ("folder, fsynced: capture and text", *await store(archive, captures)),
    ]
    kept = sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) / COUNT
    first = captures[0][0]
    stored = await archive.store_capture(first)
    again = [
        (capture(*one.exchanges, capture_id=f"again{n}", at=NOW, revisited=revisited(first, stored)), None)
        for n, (one, _) in enumerate(captures)
    ]
    rows.append(("folder, fsynced: revisit", *await store(archive, again)))
    rows.append(("memory: capture and text", *await store(Archive(open_blobs("memory://")), captures)))
    wall, cpu = time.perf_counter(), time.process_time()
    found = await verify_archive(archive.blobs, [])
    seconds, spent = time.perf_counter() - wall, time.process_time() - cpu
    rows.append(("verify (objects)", found.objects / seconds, 1000 * spent / found.objects))
    for name, rate, milliseconds in rows:
        print(f"{name:42} {rate:10.0f} {milliseconds:8.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{found.damages or 'no damage'}; {kept / 1000:.1f} KB kept a capture; peak memory {peak} MiB")


if __name__ == "__main__":
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd()
    place = Path(tempfile.mkdtemp(prefix=".bench-", dir=given))
    try:
        asyncio.run(main(place))
    finally:
        shutil.rmtree(place)
