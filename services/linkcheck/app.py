"""Wires linkcheck: the one place where its parts meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.linkcheck import intake
from services.linkcheck.archive.snapshots import Archive
from services.linkcheck.canaries import Canaries
from services.linkcheck.check import Checker, Rules
from services.linkcheck.committer import Watcher
from services.linkcheck.core.savepage import Endpoint
from services.linkcheck.core.schedule import Bounds
from services.linkcheck.core.transitions import ConfirmationRules
from services.linkcheck.desk import Desk
from services.linkcheck.fetch import Fetcher, Manners
from services.linkcheck.hostbook import HostBook
from services.linkcheck.mending import Mending
from services.linkcheck.readers import Readers
from services.linkcheck.saver import Saver
from services.linkcheck.search import Searcher
from services.linkcheck.settings import LinkcheckSettings
from services.linkcheck.store import reports
from services.linkcheck.tariff import Tariff
from services.linkcheck.vantages import Vantages
from services.linkcheck.worker import LEASE, Worker, observe_totals
from shared import logs, migrate
from shared.blobs import open_blobs
from shared.clock import Clock, SystemClock
from shared.db import Database
from shared.eventlog import Subscription, open_log
from shared.outbound.client import Outbound
from shared.process import Work, log_ready, open_outbound, serve
from shared.settings import load

if TYPE_CHECKING:
    from fastapi import APIRouter

    from shared.web import Probe


@dataclass(frozen=True, slots=True)
class Linkcheck:
    """The parts of a running linkcheck."""

    settings: LinkcheckSettings
    db: Database
    clock: Clock
    archive: Archive
    checker: Checker
    desk: Desk
    saver: Saver | None
    searcher: Searcher

    def subscription(self) -> Subscription:
        """What it listens to."""
        return intake.subscription(self.clock)

    def worker(self, watch: Watcher | None = None) -> Worker:
        """What checks the links."""
        lease = min(LEASE, 3 * self.settings.fetch_deadline)
        return Worker(
            self.db, self.checker, self.clock, concurrency=self.settings.fetch_concurrency, watch=watch,
            lanes=self.settings.host_concurrency, lease=lease,
        )  # fmt: skip

    def work(self) -> Sequence[Work]:
        """Everything that goes on by itself."""
        work: list[Work] = [self.worker().run, self.checker.rules.tariff.run, self.searcher.run]
        return [*work, self.saver.run] if self.saver is not None else work

    def routers(self) -> "list[APIRouter]":
        """Its HTTP interface and pages; imported here, so that a command that serves nothing starts at once."""
        from services.linkcheck import api, pages

        deps = api.Deps(self.db, self.archive, self.desk, self.clock, self.settings.public_url)
        return [api.router(deps), pages.router(self.db, self.desk, self.clock)]

    def ready(self) -> "Mapping[str, Probe]":
        """What it depends on."""
        return {"database": self.db.ping, "archive": self.archive.ping}

    async def observe(self) -> None:
        """Bring its gauges up to date."""
        async with self.db.read() as tx:
            by_status, by_health = await reports.totals(tx)
        observe_totals(by_status, by_health)


def build(settings: LinkcheckSettings, db: Database, clock: Clock, outbound: Outbound) -> Linkcheck:
    """Put linkcheck together."""
    archive = Archive(open_blobs(settings.archive))
    manners = Manners(
        delay=None if settings.host_delay is None else settings.host_delay.total_seconds(),
        robots=settings.robots == "respect",
        user_agent=settings.user_agent,
    )
    fetcher = Fetcher(
        outbound, manners, deadline=settings.fetch_deadline.total_seconds(), max_body_bytes=settings.max_body_bytes
    )
    rules = Rules(
        confirmation=ConfirmationRules(settings.confirm_checks, settings.confirm_period),
        tariff=Tariff(
            db,
            clock,
            Bounds(settings.recheck_min, settings.recheck_max),
            slots=settings.fetch_concurrency,
            delay=manners.delay,
        ),
        public_url=settings.public_url,
        save_elsewhere=settings.save_page_now_url is not None,
    )
    canaries = Canaries(fetcher, settings.canary_urls)
    mending = Mending(db, settings.public_url)
    vantages = Vantages(fetcher, settings.vantage_proxies, settings.canary_urls)
    readers = Readers()
    hosts = HostBook(db, readers, clock)
    checker = Checker(fetcher, archive, hosts, canaries, vantages, mending, readers, clock, rules)
    desk = Desk(db, archive, clock, mending, settings.data_dir / "signing-key.pem")
    # An archive that the operator named serves programs: its robots.txt speaks to crawlers of its pages.
    asking = Fetcher(
        outbound, replace(manners, robots=False), deadline=settings.fetch_deadline.total_seconds(),
        max_body_bytes=settings.max_body_bytes,
    )  # fmt: skip
    searcher = Searcher(db, archive, asking, settings.memento_timemaps, clock)
    return Linkcheck(settings, db, clock, archive, checker, desk, _saver(settings, db, clock, outbound), searcher)


def _saver(settings: LinkcheckSettings, db: Database, clock: Clock, outbound: Outbound) -> Saver | None:
    if settings.save_page_now_url is None:
        return None
    return Saver(db, outbound, clock, Endpoint.read(settings.save_page_now_url.get_secret_value()))


async def run(host: str, port: int) -> None:
    """`citewatch serve linkcheck`: this service alone, until SIGINT or SIGTERM; any number of replicas."""
    from shared.web import create_app

    settings, clock = load(LinkcheckSettings), SystemClock()
    logs.configure(settings.log_level)
    db = Database(settings.database)
    try:
        await migrate.upgrade(db, "eventlog", "linkcheck")
        linkcheck = build(settings, db, clock, open_outbound(settings, clock))
        log = open_log(settings, db, clock=clock)
        app = create_app(
            "Citewatch linkcheck",
            tokens=settings.api_tokens,
            routers=linkcheck.routers(),
            ready={**linkcheck.ready(), "log": lambda: log_ready(log)},
            refresh=[linkcheck.observe],
        )
        reader: Work = lambda stop: log.run(linkcheck.subscription(), stop)  # noqa: E731
        await serve(app, host, port, [log.maintain, reader, *linkcheck.work()])
    finally:
        await db.close()
