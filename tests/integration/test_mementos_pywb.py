"""Mementos asked of a real archive: pywb's TimeMap is read, and the nearest raw body comes back byte for byte."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from services.linkcheck.archive.mementos import Mementos
from services.linkcheck.archive.snapshots import Archive
from shared.blobs import FolderBlobs
from shared.outbound.exchange import Exchange
from tests.support.captures import NOW, capture, exchange
from tests.support.webarchive import Pywb

PAGE = '<html><head><title>T</title></head><body><a href="/x">On day {day}</a></body></html>'


@pytest.mark.parametrize("url", ["https://www.example.org/often?b=1&a=2", "http://example.org:8080/%7Ejo/"])
async def test_the_nearest_capture_of_a_real_archive(pywb: Pywb, tmp_path: Path, url: str) -> None:
    archive, collection = Archive(FolderBlobs(tmp_path)), f"mementos{len(url)}"
    files = []
    for day in (0, 40, 400):
        body = PAGE.format(day=day).encode()
        made = capture(exchange(url, body), capture_id=f"snp_{day}", at=NOW + timedelta(days=day))
        files.append(tmp_path / (await archive.store_capture(made)).key)
    pywb.add(collection, *files)

    async def fetch(address: str) -> Sequence[Exchange]:
        status, headers, body = await asyncio.to_thread(pywb.get, address.removeprefix(pywb.url + "/"))
        return [exchange(address, body, status=status, headers=tuple(headers.items()))]

    mementos = Mementos(fetch, [f"{pywb.url}/{collection}/timemap/link/{{url}}"])
    until = time.monotonic() + 10
    while len(listed := await mementos.listed(url, NOW)) < 3 and time.monotonic() < until:
        await asyncio.sleep(0.1)
    assert [one.captured_at for one in listed] == [
        (NOW + timedelta(days=day)).replace(microsecond=0) for day in (0, 40, 400)
    ]
    moment = NOW + timedelta(days=60)
    taken = await anext(mementos.taken(await mementos.listed(url, moment), moment))
    assert taken.exchanges[-1].body == PAGE.format(day=40).encode()
    assert taken.memento.captured_at == (NOW + timedelta(days=40)).replace(microsecond=0)
