"""Link identity, parsing and display (CONTRACT §3)."""

import json

import pytest

from shared import urls
from tests.support.evidence import evidence_dir


def _cases() -> list[dict[str, object]]:
    folder = evidence_dir()
    path = folder.parent / "cases" / "url_cases.jsonl" if folder else None
    if path is None or not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.skipif(not _cases(), reason="the shared cases are not beside the repository")
@pytest.mark.parametrize("case", _cases(), ids=lambda case: f"{case['id']}-{case['reason']}")
def test_the_shared_cases(case: dict[str, str]) -> None:
    assert (_identity(case["a"]) == _identity(case["b"])) is case["same"]


def _identity(text: str) -> str:
    try:
        return urls.identity(text)
    except urls.UrlError:
        return f"not a URL: {text}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTP://Example.org:80/a/../b?utm_source=x&id=1#part", "http://example.org/b?id=1"),
        ("https://example.org/?UTM_Campaign=x&fbclid=1", "https://example.org/"),
        ("https://example.org/%7euser/%2d", "https://example.org/~user/-"),
        ("https://example.org./a", "https://example.org/a"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://example.org/a?x=%c3%a9&gclid=1&y=+", "https://example.org/a?x=%C3%A9&y=+"),
    ],
)
def test_equal_links(one: str, other: str) -> None:
    assert urls.identity(one) == urls.identity(other)
    assert urls.link_id(one) == urls.link_id(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/a", "http://example.org/a"),
        ("https://example.org/a", "https://www.example.org/a"),
        ("https://example.org/a/", "https://example.org/a"),
        ("https://example.org/?a=1&b=2", "https://example.org/?b=2&a=1"),
        ("https://example.org/?source=x", "https://example.org/"),
        ("https://example.org/#!/a", "https://example.org/#!/b"),
        ("https://example.org/#/a", "https://example.org/"),
        ("https://example.org/a%2Fb", "https://example.org/a/b"),
        ("https://user@example.org/", "https://example.org/"),
        ("https://example.org/?si=x", "https://example.org/"),
    ],
)
def test_different_links(one: str, other: str) -> None:
    assert urls.identity(one) != urls.identity(other)


def test_identity_is_its_own_identity() -> None:
    once = urls.identity("https://Example.org/%7Ea?utm_source=1&b=%e2%82%ac#x")
    assert urls.identity(once) == once == "https://example.org/~a?b=%E2%82%AC"


def test_parts() -> None:
    url = urls.parse(" ../b?q#f ", "https://u:p@[2001:DB8::1]:8443/x/y ")
    assert url.href == "https://u:p@[2001:db8::1]:8443/b?q#f"
    assert (url.host, url.port, url.path, url.query, url.fragment) == ("[2001:db8::1]", 8443, "/b", "q", "f")
    assert (url.username, url.password, url.scheme) == ("u", "p", "https")
    assert urls.parse("mailto:a@b.example").host == ""
    assert urls.parse("http://example.org").port == 80


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "protocol_error"),
        ("a/b", "protocol_error"),
        ("http://exa mple.org/", "protocol_error"),
        ("http://example.org/\x00x", "protocol_error"),
        ("ht\ntp://example.org/", "protocol_error"),
        ("http://example.org:99999/", "protocol_error"),
        ("http://0177.1/", "private_address"),
        ("http://2130706433/", "private_address"),
        ("http://①②⑦.0.0.1/", "private_address"),
        ("http://010.8.8.8/", "private_address"),
        ("https://example.org/" + "a" * 9000, "protocol_error"),
        ("http://example.org/\ud800", "protocol_error"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(urls.UrlError) as caught:
        urls.parse(text)
    assert caught.value.reason == reason
    assert str(caught.value).isprintable()


def test_a_disguise_is_kept_to_be_refused() -> None:
    for text in ("http://0177.1/x?utm_source=y", "HTTP://0177.1:80/x#y"):
        kept = urls.identity(text)
        assert kept == urls.identity(kept) == "http://0177.1/x"
        with pytest.raises(urls.UrlError, match="disguised"):
            urls.parse(kept)


def test_a_plain_address_is_no_disguise() -> None:
    assert urls.parse("http://192.0.2.7:8080/?x=010.8.8.8").host == "192.0.2.7"


@pytest.mark.parametrize(
    ("host", "registrable"),
    [
        ("news.bbc.co.uk", "bbc.co.uk"),
        ("Example.ORG.", "example.org"),
        ("someone.github.io", "someone.github.io"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
    ],
)
def test_sites(host: str, registrable: str) -> None:
    assert urls.site(host) == registrable


@pytest.mark.parametrize(
    ("href", "shown"),
    [
        ("https://xn--bcher-kva.example/", "https://bücher.example/"),
        ("https://аррӏе.com/", "https://xn--80ak6aa92e.com/"),  # Cyrillic letters that pass for Latin
        ("https://xn--pple-43d.com/", "https://xn--pple-43d.com/"),  # two scripts in one label
        ("https://日本の.example/", "https://日本の.example/"),
        ("java\u202escript", "java\ufffdscript"),
    ],
)
def test_display(href: str, shown: str) -> None:
    assert urls.display(href) == shown
