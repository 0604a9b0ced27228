"""What is known controls every suspicion: the host's answer for a path that cannot exist, and the page's past."""

from dataclasses import replace

from services.linkcheck.core.model import History, Hop, HostFacts, Observation, Page, Verdict
from services.linkcheck.core.verdict import judge

URL = "https://harbour.example/2019/05/tides-turn-early"
TEXT = "The pilots met in the old customs house and spoke of the channel, the buoys and the winter. " * 8
ARTICLE = Page("text/html", title="Tides turn early", main=TEXT, full=f"Menu\n{TEXT}", headings=("Tides turn early",))
CATCH_ALL = "Welcome to the harbour. Here you find boats, berths and the tide tables of the year, and much more. " * 6
WELCOME = Page("text/html", title="Harbour", main=CATCH_ALL, full=CATCH_ALL)


def seen(page: Page, url: str = URL, status: int = 200) -> Observation:
    return Observation(url, (Hop(url, status),), page=page, body_length=len(page.full))


def probed(page: Page, status: int = 200) -> HostFacts:
    return HostFacts(missing_page=page, missing_status=status, missing_final_url=URL + "x")


def outcome(verdict: Verdict) -> str:
    return f"{verdict.outcome}/{verdict.reason}"


def test_what_the_host_answers_for_any_path_is_a_soft_404() -> None:
    assert outcome(judge(seen(WELCOME), History(), probed(WELCOME))) == "soft_404/same_as_missing_path"


def test_a_home_page_is_never_judged_by_the_probe() -> None:
    assert judge(seen(WELCOME, "https://harbour.example/"), History(), probed(WELCOME)).outcome == "ok"


def test_a_page_that_was_always_so_is_no_soft_404() -> None:
    assert judge(seen(WELCOME), History(good_page=WELCOME), probed(WELCOME)).outcome == "ok"


def test_a_shell_that_scripts_fill_is_the_same_for_every_path() -> None:
    shell = Page("text/html", title="App", full="Loading. Please turn on scripts to see this page, thank you so much.",
                 scripts=3, main="Loading.")  # fmt: skip
    assert judge(seen(shell), History(), probed(shell)).outcome == "ok"


def test_another_page_than_the_missing_one_is_alive() -> None:
    assert judge(seen(ARTICLE), History(), probed(WELCOME)).outcome == "ok"


def test_a_suspect_page_asks_for_the_probe_once() -> None:
    """It says not found in its title, and goes on for long: words alone do not settle that."""
    doubtful = replace(ARTICLE, title="Page not found", main=TEXT * 4, full=TEXT * 4)
    first = judge(seen(doubtful), History(), HostFacts())
    assert (first.outcome, first.wants_probe) == ("ok", True)
    assert not judge(seen(doubtful), History(), probed(WELCOME, 404)).wants_probe
    assert outcome(judge(seen(doubtful), History(), probed(doubtful))) == "soft_404/same_as_missing_path"


def test_a_plain_page_asks_for_nothing() -> None:
    verdict = judge(seen(ARTICLE), History(), HostFacts())
    assert (verdict.outcome, verdict.wants_probe) == ("ok", False)
    assert verdict.confidence > 0.9


def test_a_title_that_turned_into_the_hosts_error_title() -> None:
    missing = Page("text/html", title="Harbour – ahoy", main="Ahoy!", full="Ahoy!")
    now = replace(missing, main="Ahoy! Look around.", full="Ahoy! Look around.")
    assert judge(seen(now), History(good_page=ARTICLE), probed(missing, 404)).outcome == "soft_404"
    assert (
        judge(seen(now), History(good_page=replace(ARTICLE, title=missing.title)), probed(missing, 404)).outcome == "ok"
    )


def test_a_page_that_says_now_that_it_is_not_there() -> None:
    said = "Sorry, the page you are looking for has been moved or no longer exists."
    frame = "Boats and berths, as every day of the week, in the frame of the site. " * 40
    now = replace(ARTICLE, main=f"{said}\n{frame}", full=f"{frame}\n{said}\n{frame}")
    verdict = judge(seen(now), History(good_page=ARTICLE), HostFacts())
    assert outcome(verdict) == "soft_404/not_found_text"
    assert "newly_not_found" in {signal.name for signal in verdict.signals}


def test_a_page_that_shrank_to_nothing() -> None:
    empty = Page("text/plain", readable=False)
    assert outcome(judge(seen(empty), History(good_page=ARTICLE), HostFacts())) == "soft_404/empty"
    assert judge(seen(empty), History(), HostFacts()).outcome == "ok", "nothing is known of what it should be"


def test_a_deep_address_that_shows_the_home_page() -> None:
    home = replace(WELCOME, canonical="https://harbour.example/")
    assert outcome(judge(seen(home), History(good_page=ARTICLE), HostFacts())) == "soft_404/shows_home"
    same = replace(ARTICLE, canonical="https://harbour.example/")
    assert judge(seen(same), History(good_page=ARTICLE), HostFacts()).outcome == "ok", "a careless canonical"


def test_a_domain_that_was_taken_over() -> None:
    spam = "Play at the best casino of the year, with a jackpot every night and slots online for all. " * 9
    taken = Page("text/html", title="Best casino", main=spam, full=spam)
    assert outcome(judge(seen(taken), History(good_page=ARTICLE), HostFacts())) == "parked/taken_over"
    assert judge(seen(taken), History(good_page=taken), HostFacts()).outcome == "ok", "it was a casino all along"
    assert judge(seen(taken), History(), HostFacts()).outcome == "ok", "what is cited may be about casinos"


def test_pictures_and_what_is_too_long_are_not_judged() -> None:
    assert outcome(judge(seen(Page("image/png", readable=False)), History(), HostFacts())) == "unsupported/media_type"
    cut = replace(seen(Page("application/pdf", readable=False)), truncated="length")
    assert outcome(judge(cut, History(), HostFacts())) == "unsupported/too_large"


def test_a_redirect_without_a_target_proves_nothing() -> None:
    assert judge(seen(ARTICLE, status=302), History(), HostFacts()).outcome == "unsupported"


def test_the_same_answer_again_means_what_it_meant() -> None:
    again = Observation(URL, (Hop(URL, 304),), not_modified=True)
    assert outcome(judge(again, History(), HostFacts())) == "ok/not_modified"
    assert outcome(judge(replace(seen(ARTICLE), not_modified=True), History(), HostFacts())) == "ok/unchanged"
