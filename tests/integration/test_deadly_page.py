"""A page that kills whoever reads it: after the first death it is read where it harms nobody, and told unread.

The fault point `reading` of the environment stands for a parser of C++ that falls over the page; whatever reads a page in
this process would end the test run.
"""

from pathlib import Path

import pytest

from services.linkcheck.store import leases
from shared.faults import ENV
from tests.support.linkchecking import PAGE, Bench, linkchecking
from tests.support.origin import Origin

WELCOME = "<!doctype html><title>Welcome</title><p>Welcome to our site, dear reader.</p>"


async def die(bench: Bench, *hosts: str) -> None:
    """As a process that was killed in its turn at these hosts leaves them."""
    async with bench.db.write() as tx:
        found = await leases.claim(tx, bench.clock.now(), bench.clock.now() + leases.LONGEST, "lse_dead", 10)
    assert {lease.host.partition(":")[0] for lease in found} == set(hosts)
    bench.clock.forward(seconds=leases.LONGEST.total_seconds() + 1)


async def test_it_is_told_unread_and_the_others_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench:
        deadly = await bench.cite(origin.page("deadly.test", "/", PAGE))
        await die(bench, "deadly.test")
        monkeypatch.setenv(ENV, "reading")
        await bench.check(deadly)
        link = await bench.link(deadly)
        assert (link["outcome"], link["reason"]) == ("unsupported", "media_type")
        monkeypatch.delenv(ENV)
        living = await bench.cite(origin.page("living.test", "/", PAGE))
        await bench.check(living)
        assert (await bench.link(living))["outcome"] == "ok"


async def test_what_merely_died_elsewhere_is_read(tmp_path: Path) -> None:
    async with Origin() as origin, linkchecking(tmp_path, origin) as bench:
        links = [await bench.cite(origin.page(f"site{number}.test", "/", PAGE)) for number in range(3)]
        doubtful = await bench.cite(origin.page("site3.test", "/deep/page", WELCOME))
        await die(bench, *(f"site{number}.test" for number in range(4)))
        await bench.check()
        assert {(await bench.link(one))["outcome"] for one in links} == {"ok"}
        assert (await bench.link(doubtful))["outcome"] in ("ok", "soft_404")
