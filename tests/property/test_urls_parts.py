"""The parts of a URL are those that the WHATWG parser gives, whichever way they are read."""

import ada_url
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared import urls

PIECES = st.text(st.sampled_from("ab/:@?#[]%25.\\ é☃\"'<>|^`{}&=;,~!$()*+-_0189\u2028"), max_size=25)


@given(
    st.sampled_from(["http", "https", "HTTP"]),
    PIECES,
    st.sampled_from(["h.test", "[::1]", "127.0.0.1", "bücher.test"]),
    PIECES,
)
@example("http", "u:p@", "h.test:80", "/?#")
@example("https", ":@", "[2001:db8::1]:8443", "?q#f?#/")
@example("http", "a:b:c@d@", "h.test:", "//x:y@z/..//?a?b")
@example("http", "", "h.test", "/a\u2028b#c\u2028d")
def test_parts_are_the_parsers_own(scheme: str, before: str, host: str, after: str) -> None:
    text = f"{scheme}://{before}{host}{after}"
    try:
        parsed = ada_url.URL(text)
    except ValueError:
        return
    assert urls._HTTP.fullmatch(parsed.href)
    assert urls._whatwg(text, None) == urls._by_attributes(parsed)


@given(st.from_regex(urls._PLAIN, fullmatch=True))
@example("https://a.test/b/..c?d=%2e/../e")
@example("http://-.--a-.zz//:@/a/...")
def test_a_plain_url_is_what_the_parser_makes_of_it(text: str) -> None:
    """Also with a base, and whether or not it is told apart by sight."""
    assert (
        urls._whatwg(text, None) == urls._whatwg(text, "https://base.test/x/") == urls._by_attributes(ada_url.URL(text))
    )


@given(st.text(st.sampled_from("xn-.a1"), min_size=1, max_size=8), st.text(st.sampled_from("/.a"), max_size=8))
@example("a", "a/./b")
@example("a", "..")
@example("a.xn--a", "")  # this parser takes any punycode; one that validates it is to be asked
def test_what_is_not_plain_is_not_taken_for_it(host: str, path: str) -> None:
    text = f"https://{host}.test/{path}"
    try:
        parsed = ada_url.URL(text)
    except ValueError:
        with pytest.raises(urls.UrlError):
            urls._whatwg(text, None)
    else:
        assert urls._whatwg(text, None) == urls._by_attributes(parsed)
