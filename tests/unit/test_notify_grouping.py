"""Which news go into one message, and when."""

from datetime import timedelta

from services.notify.core.grouping import CALM, FORGET, LONGEST, MERGE, STORM, STORM_LASTS, Notice, Told, plan
from services.notify.core.rules import News
from tests.support.changes import START

WAIT = timedelta(seconds=30)


def notice(
    number: int, *, article: int | None = None, link: str | None = None, host: str | None = None, after: float = 0,
    rank: int = 12, news: News = "opened",
) -> Notice:  # fmt: skip
    return Notice(
        number, f"alr_{number}", news, rank, START + timedelta(seconds=after), f"cit_{number}",
        f"art_{number if article is None else article}", link or f"lnk_{number}", host,
    )  # fmt: skip


def due(*notices: Notice, seconds: float, told: dict[str, Told] | None = None) -> list[list[int]]:
    found = plan(notices, WAIT, told or {}, START + timedelta(seconds=seconds))
    return [[one.notice_id for one in bundle.notices] for bundle in found.bundles]


def test_news_waits_for_the_group_wait_and_no_longer() -> None:
    assert due(notice(1), seconds=29) == []
    assert due(notice(1), seconds=30) == [[1]]
    assert plan([notice(1)], WAIT, {}, START).again_at == START + WAIT


def test_one_host_is_one_message_whatever_the_articles() -> None:
    assert due(*(notice(n, host="down.example") for n in range(1, 6)), seconds=30) == [[1, 2, 3, 4, 5]]


def test_one_article_is_one_message_when_the_hosts_differ() -> None:
    assert due(notice(1, article=7, host="a.example"), notice(2, article=7, host="b.example"), seconds=30) == [[1, 2]]


def test_one_page_cited_by_many_articles_is_one_message() -> None:
    assert due(notice(1, link="lnk_x"), notice(2, link="lnk_x"), notice(3, link="lnk_x"), seconds=30) == [[1, 2, 3]]


def test_unrelated_news_goes_apart_worst_first() -> None:
    assert due(notice(1, rank=12), notice(2, rank=25), seconds=30) == [[2], [1]]


def test_recoveries_go_apart_from_troubles() -> None:
    many = [notice(1, host="x.example"), notice(2, host="x.example", news="resolved", rank=0)]
    assert due(*many, seconds=30) == [[1], [2]]


def test_many_groups_at_once_are_one_digest() -> None:
    few = [notice(n) for n in range(MERGE)]
    many = [notice(n) for n in range(MERGE + 1)]
    assert len(due(*few, seconds=30)) == MERGE
    assert len(due(*many, seconds=30)) == 1


def test_a_storm_is_told_when_it_is_over() -> None:
    storm = [notice(n, host="down.example", after=n) for n in range(STORM * 10)]
    last = STORM * 10 - 1
    assert due(*storm, seconds=last + 29) == []
    assert due(*storm, seconds=last + 30) == [list(range(STORM * 10))]
    assert CALM < WAIT


def test_a_storm_without_an_end_is_told_all_the_same() -> None:
    length = max(int(STORM_LASTS.total_seconds()), 300)
    storm = [notice(n, host="down.example", after=n) for n in range(length + 1)]
    assert len(due(*storm, seconds=length)) == 1


def test_each_further_message_about_one_cause_waits_longer() -> None:
    before = START - timedelta(seconds=1)
    waits = []
    for times in range(1, 9):
        told = {"host:x.example": Told(times, before)}
        found = plan([notice(1, host="x.example"), notice(2, host="x.example")], WAIT, told, START)
        assert found.again_at is not None
        waits.append(found.again_at - before)
    assert waits[:3] == [WAIT * 4, WAIT * 16, WAIT * 64]
    assert waits == sorted(waits) and waits[-1] == LONGEST


def test_after_a_days_silence_it_is_news_again() -> None:
    old = {"host:x.example": Told(7, START - FORGET - timedelta(seconds=1))}
    two = (notice(1, host="x.example"), notice(2, host="x.example"))
    assert due(*two, seconds=30, told=old) == [[1, 2]]
    assert plan(two, WAIT, old, START + WAIT).causes["host:x.example"].times == 1


def test_a_daily_digest_takes_everything() -> None:
    found = plan([notice(1), notice(2, after=10)], WAIT, {}, START, whole=True)
    assert [len(bundle.notices) for bundle in found.bundles] == [2]
