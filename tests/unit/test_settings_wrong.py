"""A wrong setting ends the start: it is named, what to mend is said, and no secret is shown."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.embedded import make_folder
from services.ingest.settings import IngestSettings
from services.linkcheck.settings import LinkcheckSettings
from services.notify.settings import NotifySettings
from shared.errors import SettingError
from shared.settings import Settings, load

WRONG = [
    (Settings, "kafka_bootstrap_servers", "http://broker:9092"),
    (Settings, "kafka_bootstrap_servers", "broker:port"),
    (Settings, "kafka_bootstrap_servers", "broker:99999"),
    (Settings, "kafka_bootstrap_servers", "fine:9092,:9092"),
    (Settings, "api_tokens", "s3cret, with blanks s3cret"),
    (Settings, "api_tokens", "s3crét"),
    (Settings, "dns_overrides", "a b=127.0.0.1"),
    (Settings, "user_agent", "me\r\nX-Injected: 1"),
    (Settings, "user_agent", "mé"),
    (Settings, "log_level", "loud"),
    (LinkcheckSettings, "canary_urls", "https://fine.example/,news.example"),
    (LinkcheckSettings, "memento_timemaps", "ftp://archive.example/{url}"),
    (LinkcheckSettings, "recheck_min", "40d"),
    (LinkcheckSettings, "host_delay", "99999999999d"),
    (LinkcheckSettings, "fetch_deadline", "1e9"),
    (LinkcheckSettings, "fetch_deadline", "0s"),
    (IngestSettings, "fetch_deadline", "0"),
    (LinkcheckSettings, "recheck_min", "0s"),
    (LinkcheckSettings, "recheck_max", "0d"),
    (LinkcheckSettings, "vantage_proxies", "socks5://h:1"),
    (NotifySettings, "digest_at", "7"),
    (NotifySettings, "smtp_url", "25"),
]


@pytest.mark.parametrize(("kind", "name", "value"), WRONG)
def test_wrong(monkeypatch: pytest.MonkeyPatch, kind: type[Settings], name: str, value: str) -> None:
    key = f"CITEWATCH_{name.upper()}"
    monkeypatch.setenv(key, value)
    with pytest.raises(SettingError) as raised:
        load(kind, _env_file=None)
    said = str(raised.value)
    assert key in said
    assert "s3cr" not in said
    assert ".." not in said
    assert "valid dictionary" not in said


@pytest.mark.parametrize(
    ("kind", "name", "value", "read"),
    [
        (Settings, "kafka_bootstrap_servers", "a:9092, [::1]:9092,broker", ("a:9092", "[::1]:9092", "broker")),
        (Settings, "dns_overrides", "A.Test.=127.0.0.1", (("a.test", "127.0.0.1"),)),
        (Settings, "dns_overrides", "münchen.test=[::1]", (("xn--mnchen-3ya.test", "::1"),)),
        (LinkcheckSettings, "recheck_max", "1s", timedelta(seconds=1)),
        (LinkcheckSettings, "host_delay", "0s", timedelta()),
        (LinkcheckSettings, "memento_timemaps", "https://a.example/{url}", ("https://a.example/{url}",)),
    ],
)
def test_right(monkeypatch: pytest.MonkeyPatch, kind: type[Settings], name: str, value: str, read: object) -> None:
    monkeypatch.setenv(f"CITEWATCH_{name.upper()}", value)
    assert getattr(load(kind, _env_file=None), name) == read


def test_a_data_dir_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="CITEWATCH_DATA_DIR"):
        make_folder(load(Settings, _env_file=None, data_dir=tmp_path / "file" / "inside"))
