"""From pending notices to messages: grouped by root cause, storms as one digest, worst first. Pure.

A group is told once it was quiet for the group wait. While many notices of it still pour in, it waits for the end of
the storm; after each message about one cause, the next about the same waits longer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.notify.core.rules import News

STORM = 20
"""So many notices of one cause are a storm …"""
CALM = timedelta(seconds=5)
"""… which is told when nothing was added for so long …"""
STORM_LASTS = timedelta(minutes=5)
"""… or at the latest so long (and ten group waits) after its beginning."""
MERGE = 5
"""More groups due at once than this become one digest."""
GROWTH = 4
"""Each further message about one cause waits so many times longer than the one before …"""
LONGEST = timedelta(hours=6)
FORGET = timedelta(hours=24)
"""… and after so much silence it is news again."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A piece of news about one alert, for one route."""

    notice_id: int
    alert_id: str
    news: News
    rank: int
    created_at: datetime
    citation_id: str
    article_id: str
    link_id: str | None
    host: str | None
    """Set where the trouble may be the whole host's."""


@dataclass(frozen=True, slots=True)
class Told:
    """Messages about one cause in the recent past."""

    times: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """Notices of one root cause, worst first."""

    cause: str
    notices: tuple[Notice, ...]

    @property
    def resolved(self) -> bool:
        return self.notices[0].news == "resolved"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes into one message."""

    groups: tuple[Group, ...]

    @property
    def notices(self) -> tuple[Notice, ...]:
        return tuple(sorted((one for group in self.groups for one in group.notices), key=_worst_first))


@dataclass(frozen=True, slots=True)
class Plan:
    """Bundles to send now, and when to look again."""

    bundles: tuple[Bundle, ...] = ()
    again_at: datetime | None = None
    causes: Mapping[str, Told] = field(default_factory=dict)


def _worst_first(notice: Notice) -> tuple[int, datetime, int]:
    return -notice.rank, notice.created_at, notice.notice_id


def cluster(notices: Iterable[Notice]) -> list[Group]:
    """Each notice goes with the largest of its possible root causes: host, link, article. Recoveries go apart."""
    many = list(notices)
    sizes = Counter(cause for notice in many for cause in _causes(notice))
    groups: dict[str, list[Notice]] = defaultdict(list)
    for notice in many:
        causes = _causes(notice)
        groups[max(causes, key=lambda cause: (sizes[cause], -causes.index(cause)))].append(notice)
    return [Group(cause, tuple(sorted(members, key=_worst_first))) for cause, members in groups.items()]


def _causes(notice: Notice) -> list[str]:
    ahead = "resolved " if notice.news == "resolved" else ""
    found = [f"{ahead}article:{notice.article_id}"]
    if notice.link_id:
        found.insert(0, f"{ahead}link:{notice.link_id}")
    if notice.host:
        found.insert(0, f"{ahead}host:{notice.host}")
    return found


def due_at(group: Group, wait: timedelta, told: Told | None) -> datetime:
    """When a group may be told."""
    first = min(notice.created_at for notice in group.notices)
    last = max(notice.created_at for notice in group.notices)
    if len(group.notices) >= STORM:
        due = min(last + max(wait, CALM), first + max(10 * wait, STORM_LASTS))
    else:
        due = first + wait
    if told is None or first - told.last_at > FORGET:
        return due
    return max(due, told.last_at + min(wait * float(GROWTH**told.times), LONGEST))


def plan(
    notices: Sequence[Notice], wait: timedelta, told: Mapping[str, Told], now: datetime, *, whole: bool = False
) -> Plan:
    """What to send now. `whole`: everything in one digest, due or not (a daily digest, the end of quiet hours)."""
    groups = sorted(cluster(notices), key=lambda group: _worst_first(group.notices[0]))
    dues = {group.cause: due_at(group, wait, told.get(group.cause)) for group in groups}
    due = groups if whole else [group for group in groups if dues[group.cause] <= now]
    later = [dues[group.cause] for group in groups if group not in due] if len(due) < len(groups) else []
    if not due:
        return Plan(again_at=min(later, default=None))
    merged = whole or len(due) > MERGE
    bundles = (Bundle(tuple(due)),) if merged else tuple(Bundle((group,)) for group in due)
    causes = {group.cause: _count(told.get(group.cause), now) for group in due}
    return Plan(bundles, min(later, default=None), causes)


def _count(told: Told | None, now: datetime) -> Told:
    times = told.times if told is not None and now - told.last_at <= FORGET else 0
    return Told(times + 1, now)
