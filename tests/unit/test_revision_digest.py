"""What makes a version of an article, and what does not."""

import pytest

from services.ingest.core.revision import About, read

CONTENT = '<article><p>It carried <a href="https://a.example/">4,000 cars</a> a day.</p></article>'


def digest(url: str | None, head: str = "") -> str:
    return read(head + CONTENT, "text/html", article_id="art_1", about=About(url), base=None, content_type=None).digest


@pytest.mark.parametrize("head", ["", '<link rel="canonical" href="/draft">', '<link rel="canonical" href="http://[">'])
def test_an_article_may_have_no_address(head: str) -> None:
    assert digest(None, head) == digest(None, head)
    assert digest(None, head) != digest("https://paper.example/bridge", head)


def test_a_fragment_and_a_share_mark_are_no_news_and_another_address_is() -> None:
    assert digest("https://paper.example/bridge") == digest("https://PAPER.example/bridge?utm_source=x#top")
    assert digest("https://paper.example/bridge") != digest("https://paper.example/tunnel")
