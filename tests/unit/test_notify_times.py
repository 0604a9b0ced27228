"""Back-off, daily times, quiet hours, settings."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.notify.channels.http import retry_after
from services.notify.core.daily import next_at, quiet_until
from services.notify.core.rules import Hours
from services.notify.settings import NotifySettings
from shared.backoff import Backoff, next_try
from shared.errors import SettingError
from shared.settings import load

RULES = Backoff()


def test_waits_grow_up_to_the_cap_and_end() -> None:
    waits = [next_try(RULES, attempt, 1.0) for attempt in range(1, RULES.tries + 1)]
    assert waits[:4] == [timedelta(seconds=s) for s in (5, 15, 45, 135)]
    assert waits[-2] == RULES.cap and waits[-1] is None
    whole = sum((wait for wait in waits if wait), timedelta())
    assert timedelta(hours=40) < whole < timedelta(hours=72)


def test_chance_spreads_the_second_half() -> None:
    assert next_try(RULES, 1, 0.0) == timedelta(seconds=2.5)
    assert next_try(RULES, 1, 0.5) == timedelta(seconds=3.75)


def test_retry_after_is_never_undercut_and_bounded() -> None:
    assert next_try(RULES, 1, 1.0, timedelta(minutes=7)) == timedelta(minutes=7)
    assert next_try(RULES, 1, 1.0, timedelta(seconds=1)) == timedelta(seconds=5)
    assert next_try(RULES, 1, 1.0, timedelta(days=30)) == RULES.longest_asked


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120), (" 7 ", 7), ("Tue, 09 Jun 2026 12:01:00 GMT", 60), ("Tue, 09 Jun 2026 11:00:00 GMT", 0),
        ("soon", None), ("-3", None), ("1.5", None), ("٣", None), ("", None), (None, None), ("9" * 40, 10**7),
    ],
)  # fmt: skip
def test_retry_after_in_seconds_or_as_a_date(value: str | None, seconds: int | None) -> None:
    found = retry_after(value, datetime(2026, 6, 9, 12, 0, tzinfo=UTC))
    assert found == (None if seconds is None else timedelta(seconds=seconds))


def at(hour: int, minute: int = 0, day: int = 9) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)


def test_the_next_daily_time_follows_the_zone_and_its_summer_time() -> None:
    assert next_at(time(7, 30), "UTC", at(7)) == at(7, 30)
    assert next_at(time(7, 30), "UTC", at(7, 30)) == at(7, 30, day=10)
    assert next_at(time(7, 30), "Europe/Berlin", at(5)) == at(5, 30)
    night_of_the_change = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert next_at(time(7, 30), "Europe/Berlin", night_of_the_change) == datetime(2026, 10, 25, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (Hours(time(22), time(7)), at(23), at(7, day=10)),
        (Hours(time(22), time(7)), at(3), at(7)),
        (Hours(time(22), time(7)), at(7), None),
        (Hours(time(22), time(7)), at(21, 59), None),
        (Hours(time(12), time(13)), at(12, 30), at(13)),
        (Hours(time(12), time(13)), at(13), None),
        (Hours(time(5), time(5)), at(5), None),
        (Hours(time(22), time(7), "Europe/Berlin"), at(20), at(5, day=10)),
        (None, at(3), None),
    ],
)
def test_quiet_hours(hours: Hours | None, now: datetime, until: datetime | None) -> None:
    assert quiet_until(hours, now) == until


def settings(**given: Any) -> NotifySettings:
    return load(NotifySettings, _env_file=None, data_dir=Path("x"), **given)


GOOD = {"smtp_url": "smtp://mail.example", "mail_to": "a@news.example"}


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"smtp_url": "http://mail.example", "mail_to": "a@b.example"}, "CITEWATCH_SMTP_URL"),
        ({"smtp_url": "smtp://", "mail_to": "a@b.example"}, "CITEWATCH_SMTP_URL"),
        ({"smtp_url": "smtp://mail.example:port", "mail_to": "a@b.example"}, "CITEWATCH_SMTP_URL"),
        ({"smtp_url": "smtp://mail.example"}, "CITEWATCH_MAIL_TO"),
        (GOOD | {"mail_to": "nobody"}, "CITEWATCH_MAIL_TO"),
        (GOOD | {"mail_to": "a@b.example\r\nBcc: c@d.example"}, "CITEWATCH_MAIL_TO"),
        (GOOD | {"mail_from": "desk"}, "CITEWATCH_MAIL_FROM"),
        ({"slack_webhook_url": "hooks.slack.com/services/x"}, "CITEWATCH_SLACK_WEBHOOK_URL"),
        ({"alert_webhook_url": "ftp://x.example"}, "CITEWATCH_ALERT_WEBHOOK_URL"),
        ({"alert_webhook_secret": "whsec_abc"}, "CITEWATCH_ALERT_WEBHOOK_URL"),
        ({"apprise_urls": "json://127.0.0.1,nosuch://secret-token"}, "CITEWATCH_APPRISE_URLS"),
        ({"alert_group_wait": "soon"}, "CITEWATCH_ALERT_GROUP_WAIT"),
        ({"alert_group_wait": "-5s"}, "CITEWATCH_ALERT_GROUP_WAIT"),
        ({"digest_at": "25:00"}, "CITEWATCH_DIGEST_AT"),
        ({"digest_at": "07:30 Nowhere/Land"}, "CITEWATCH_DIGEST_AT"),
    ],
)
def test_a_wrong_setting_is_named_with_its_mend_and_shows_no_secret(given: dict[str, str], key: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings(**given)
    assert key in str(caught.value)
    assert "secret-token" not in str(caught.value)


def test_a_whole_configuration() -> None:
    found = settings(
        smtp_url="smtp+starttls://desk%40news.example:p%3Ass@mail.example",
        mail_to="Desk <desk@news.example>, b@c.example",
        digest_at="07:30 Europe/Berlin", alert_group_wait="1m",
    )  # fmt: skip
    assert found.smtp_url is not None and found.digest_at is not None
    assert (found.smtp_url.username, found.smtp_url.port, found.smtp_url.tls) == ("desk@news.example", 587, "required")
    assert found.smtp_url.password is not None and found.smtp_url.password.get_secret_value() == "p:ss"
    assert found.mail_to == ("Desk <desk@news.example>", "b@c.example")
    assert found.sender == "Desk <desk@news.example>"
    assert (found.digest_at.at, found.digest_at.zone) == (time(7, 30), "Europe/Berlin")
    assert "p:ss" not in repr(found)
