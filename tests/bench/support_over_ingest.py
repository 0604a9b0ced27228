"""The cases of `measure_support` with their claims as ingest reads them from an article: as `--cli`, without sockets."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.ingest.core import citations
from services.ingest.core.document import read
from services.linkcheck.core.assess import located
from services.linkcheck.core.dossier import Citation
from shared.events import ArticleRef, CitationState, CitedLink
from tests.bench.measure_support import Answer, Case, Direct
from tests.bench.support_over_cli import CHUNK, article_of

_UNCHECKED = CitationState(support="pending", health="unknown", link_status="pending")


def over_ingest(cases: Sequence[Case]) -> Iterator[Answer]:
    """An answer for every case, in their order."""
    direct = Direct()
    for begin in range(0, len(cases), CHUNK):
        chunk = cases[begin : begin + CHUNK]
        urls = [f"https://case{number}.example/page/{case.page_id}" for number, case in enumerate(chunk)]
        found = citations.find(read(article_of(chunk, urls).encode(), "text/html"), article_id="measured")
        cited = {one.href: one for one in found.citations}
        for case, url in zip(chunk, urls, strict=True):
            yield _answer(case, cited.get(url), direct)


def _answer(case: Case, cited: CitedLink | None, direct: Direct) -> Answer:
    if cited is None:
        return Answer("not an evidence link")
    then = direct.page(case.then, case.url)
    baseline = located(_citation(cited), then)
    if baseline is None:
        return Answer("unlocated")
    return direct.again(replace(case, claim=cited.claim), then, baseline, case.now.read_bytes())


def _citation(cited: CitedLink) -> Citation:
    article = ArticleRef(id="measured", version=1, source="measure", url=None, title="Claims")
    return Citation(
        cited.citation_id, article, cited.claim, cited.context, cited.anchor, cited.href, cited.target, _UNCHECKED
    )
