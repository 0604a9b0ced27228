"""What an answer means: a pure function of the hops, the page, the link's own past and the host's habits.

The order of questions is the rule: no answer → our policy → walls → nobody's home → the status → what the page says →
where the redirect led → content. A wall says nothing of what is behind it, so walls come before everything that
could be called rot; and everything that could be called rot needs evidence on the page, never its absence. Words are
evidence only where they are new: what stood on the page when it was good says nothing (`past`).
"""

from collections.abc import Callable
from functools import wraps

from services.linkcheck.core import past, redirects, similarity
from services.linkcheck.core.model import History, HostFacts, Observation, Signal, Verdict
from services.linkcheck.core.signs import gates, networks, notfound, parking, people, servers, walls
from services.linkcheck.core.signs.row import Scene, Sign, first, seen
from shared.events import Outcome
from shared.outbound.exchange import FaultReason

FAULTS: dict[FaultReason, Outcome] = {
    **dict.fromkeys(("private_address", "blocked_port", "blocked_scheme", "userinfo"), "unsafe"),
    "scheme": "unsupported",
    "robots": "walled",
}
"""Outcome of each fault; all others are `unreachable`."""

_WALL_STATUSES = frozenset({401, 403, 407, 429, 451})
_SOFT = 1.0
"""Weight of not-found signals that settles it."""
_LONG = 1500
"""Characters of running text beyond which words alone never make a page a soft 404."""

_SURE = frozenset({"instead_of_text", "newly_not_found"})
"""Signals that hold on long pages too."""

Rule = Callable[[Scene, History, HostFacts], Verdict | None]


def judge(observation: Observation, history: History, host: HostFacts) -> Verdict:
    """Outcome and reason (CONTRACT §2), confidence 0..1, and the signals that decided."""
    if observation.fault is not None:
        fault = observation.fault
        outcome = FAULTS.get(fault.reason, "unreachable")
        return Verdict(outcome, fault.reason, 1.0, (Signal(fault.reason, fault.detail or fault.reason),))
    if not observation.hops:
        return Verdict("unreachable", "protocol_error", 0.5, (Signal("no_answer", "there was no HTTP answer"),))
    if observation.not_modified and observation.page is None:
        return _repeated(observation)
    scene = Scene(observation)
    return next(found for rule in _RULES if (found := rule(scene, history, host)) is not None)


def _repeated(observation: Observation) -> Verdict:
    """Only good answers are asked for by condition, so only they are repeated."""
    reason = "not_modified" if observation.status == 304 else "unchanged"
    return Verdict("ok", reason, 0.95, (Signal(reason, "the answer is the same as at the last check"),))


def _fired(sign: Sign | None, confidence: float = 0.95) -> Verdict | None:
    return None if sign is None else Verdict(sign.outcome, sign.reason, confidence * sign.weight, (sign.signal(),))


def _by_what_is_new(rule: Rule) -> Rule:
    """A rule that is silent where the page always looked like that."""

    @wraps(rule)
    def controlled(scene: Scene, history: History, host: HostFacts) -> Verdict | None:
        if past.as_it_was(scene, history.good_page):
            return None
        found = rule(scene, history, host)
        if found is None or past.is_news(scene, history.good_page, lambda new: rule(new, history, host)):
            return found
        return None

    return controlled


@_by_what_is_new
def _bot_wall(scene: Scene, history: History, host: HostFacts) -> Verdict | None:
    return _fired(first(walls.BOT_SIGNS, scene) or first(networks.NETWORK_SIGNS, scene))


def _nobody_home(scene: Scene, history: History, host: HostFacts) -> Verdict | None:
    """For sale, parked, expired, unclaimed; not where the page always looked like this, or the link was to a market."""
    sign = first((*parking.PARKING_SIGNS, *parking.SERVICE_SIGNS), scene)
    if sign is None or past.as_before(scene.page, history.good_page):
        return _taken_over(scene, history)
    if sign.url and seen(sign.url, scene.observation.url):
        return None
    return _fired(sign)


def _taken_over(scene: Scene, history: History) -> Verdict | None:
    """The same address, nothing of the old text, and the trade of those who buy dropped domains."""
    then = history.good_page
    if then is None or len(then.main) < 400 or len(scene.observation.hops) > 1 or scene.status != 200:
        return None
    if past.as_before(scene.page, then):
        return None
    trade = parking.dropped_domain_trade(scene.page.full)
    trade = trade - parking.dropped_domain_trade(then.full) if len(trade) > 1 else trade
    if len(trade) < 2 or similarity.containment(then.main, scene.page.full) > 0.02:
        return None
    text = f"nothing of the old text is left, and the page is about {', '.join(sorted(trade)[:3])} now"
    return Verdict("parked", "taken_over", 0.9, (Signal("taken_over", text),))


def _status(scene: Scene, history: History, host: HostFacts) -> Verdict | None:
    """What the status says, where it says something."""
    status = scene.status
    outcome: Outcome | None = None
    if status in (404, 410):
        outcome = "gone"
    elif 500 <= status < 600:
        outcome = "server_error"
    elif status >= 400:
        outcome = "walled"  # beyond 599 there is no HTTP: some large sites refuse robots by 999
    if outcome is not None:
        reason = "paywall" if status == 402 else f"http_{status}"
        sure = 1.0 if status in _WALL_STATUSES or outcome != "walled" else 0.8
        return Verdict(outcome, reason, sure, (Signal("status", f"the server answered {status}"),))
    if 300 <= status < 400 and status != 304:
        text = f"the server answered {status} without a target"
        return Verdict("unsupported", "redirect_without_target", 0.8, (Signal("no_location", text),))
    return None


def _unreadable(scene: Scene, history: History, host: HostFacts) -> Verdict | None:
    """An answer that has no text to judge: pictures, films, archives; or that was too long to take."""
    page = scene.observation.page
    if page is not None and (page.readable or _empty(scene)):
        return None
    if page is None and scene.observation.truncated is None:
        return Verdict("ok", "content", 0.6, (Signal("answered", f"the server answered {scene.status}"),))
    if scene.observation.truncated is not None:
        text = "the answer was too long to read"
        return Verdict("unsupported", "too_large", 0.9, (Signal("too_large", text),))
    media = page.media_type if page is not None else ""
    return Verdict("unsupported", "media_type", 0.9, (Signal("media_type", f"nothing to read in {media or 'this'}"),))


def _empty(scene: Scene) -> bool:
    """Whether a text was promised and nothing came."""
    return scene.page.media_type.startswith("text/") and scene.observation.body_length < 64 and not scene.page.full


@_by_what_is_new
def _error_in_words(scene: Scene, history: History, host: HostFacts) -> Verdict | None:
    return _fired(first((*servers.STATUS_SIGNS, *servers.MAINTENANCE_SIGNS), scene), 0.9)


@_by_what_is_new
def _default_page(scene: Scene, history: History, host: HostFacts) -> Verdict | None:
    return _fired(first(parking.DEFAULT_SIGNS, scene), 0.9)


@_by_what_is_new
def _gate(scene: Scene, history: History, host: HostFacts) -> Verdict | None:
    return _fired(first(people.PERSON_SIGNS, scene), 0.9) or gates.login(scene)


@_by_what_is_new
def _paywall(scene: Scene, history: History, host: HostFacts) -> Verdict | None:
    return gates.paywall(scene)


def _soft_404(scene: Scene, history: History, host: HostFacts) -> Verdict | None:
    """The page says not found, or is what the host answers for a path that cannot exist."""
    if past.as_before(scene.page, history.good_page):
        return None
    if _same_as_missing(scene, history, host):
        text = "the host answers the same for a path that cannot exist"
        return Verdict("soft_404", "same_as_missing_path", 0.97, (Signal("same_as_missing", text),))
    if _empty(scene) and history.good_page is not None and len(history.good_page.main) >= 200:
        return Verdict("soft_404", "empty", 0.9, (Signal("empty", "there was a text, and now there is nothing"),))
    if _home_in_place(scene, history):
        text = "a deep address shows the home page, and nothing of what was cited"
        return Verdict("soft_404", "shows_home", 0.85, (Signal("shows_home", text),))
    told = notfound.signals(scene)
    if told and not past.is_news(scene, history.good_page, notfound.signals):
        told = []
    found = [*told, *_error_title(scene, history, host), *_newly_told(scene, history)]
    weight = sum(signal.weight for signal in found) - (0.2 if host.missing_status in (404, 410) else 0.0)
    if weight < _SOFT or (scene.running > _LONG and not _SURE & {signal.name for signal in found}):
        return None
    return Verdict("soft_404", "not_found_text", min(0.99, 0.6 + weight / 5), tuple(found))


def _home_in_place(scene: Scene, history: History) -> bool:
    """The page calls itself the home page, and has nothing of the old text or of what its address names."""
    page, url, then = scene.page, scene.observation.url, history.good_page
    if not redirects.bounced_in_place(page, url):
        return False
    if then is not None and len(then.main) >= 200:
        return similarity.containment(then.main, page.full) < 0.15 and not redirects.bounced_in_place(then, url)
    listing = page.link_text > 0.5 * len(page.full)
    return listing or redirects.lost_words(page, url)


def _newly_told(scene: Scene, history: History) -> list[Signal]:
    """A statement that the page is not there, on a page that did not make it before and has lost most of its text."""
    then = history.good_page
    if then is None or len(then.main) < 200:
        return []
    said = notfound.told(past.news(scene, then).page)  # what is new may stand deep in a page that is long otherwise
    if said is None or said in then.full or past.text_stands(scene.page, then):
        return []
    return [Signal("newly_not_found", f"the text says now, and did not before: {said[:80]}", 1.2)]


def _error_title(scene: Scene, history: History, host: HostFacts) -> list[Signal]:
    """The title is what the host gives to missing pages, and was another one before."""
    known = set(host.error_titles)
    if host.missing_page is not None and (host.missing_status or 0) in (404, 410):
        known.add(host.missing_page.title)
    before = {title for title, _ in history.title_counts} | ({history.good_page.title} if history.good_page else set())
    if not scene.page.title or scene.page.title not in known or scene.page.title in before:
        return []
    weight = 1.2 if before else 0.4
    return [Signal("error_title", "the title is the one this host gives to missing pages", weight)]


def _same_as_missing(scene: Scene, history: History, host: HostFacts) -> bool:
    missing = host.missing_page
    if missing is None or not 200 <= (host.missing_status or 0) < 300 or redirects.home(scene.observation.url):
        return False
    if len(scene.page.full) < (300 if scene.page.scripts else 80) or missing.title != scene.page.title:
        return False
    return similarity.resemblance(missing.main or missing.full, scene.page.main or scene.page.full) >= 0.9


def _journey(scene: Scene, history: History, host: HostFacts) -> Verdict | None:
    """Where redirects led."""
    asked, page = scene.observation.url, scene.page
    target = scene.url
    if page.refresh is not None and scene.running < 300:
        target = page.refresh
    if target == asked:
        return None
    way = redirects.classify(scene, target, history, host)
    if way.kind == "to_missing":
        return Verdict("soft_404", "not_found_text", way.confidence, way.signals)
    if way.kind != "same":
        probe = way.wants_probe and host.missing_status is None
        return Verdict("redirected_away", way.kind, way.confidence, way.signals, probe)
    if redirects.permanent(scene):
        return Verdict("moved", redirects.change(asked, target), way.confidence, way.signals)
    return None


def _content(scene: Scene, history: History, host: HostFacts) -> Verdict:
    """The cited resource answered; what remains of doubt becomes a probe."""
    doubts = tuple(_doubts(scene, history))
    probe = bool(doubts) and host.missing_status is None and not redirects.home(scene.observation.url)
    reason = "unchanged" if scene.observation.not_modified else "content"
    seen = Signal("answered", f"the server answered {scene.status} with a page")
    return Verdict("ok", reason, 0.6 if doubts else 0.95, (seen, *doubts), wants_probe=probe)


def _doubts(scene: Scene, history: History) -> list[Signal]:
    page, found = scene.page, []
    if history.good_page is not None and past.as_before(page, history.good_page):
        return []
    found.extend(notfound.signals(scene)[:2])
    if redirects.bounced_in_place(page, scene.observation.url):
        found.append(Signal("calls_itself_home", "the page calls itself the home page", 0.5))
    if _empty(scene):
        found.append(Signal("empty", "the answer is empty", 0.4))
    if len(page.full) < 200 and page.scripts:
        found.append(Signal("script_shell", "the page is drawn by scripts; little can be read", 0.2))
    return found


_RULES: tuple[Rule, ...] = (
    _bot_wall, _nobody_home, _status, _unreadable, _default_page, _soft_404, _error_in_words, _gate,
    _journey, _paywall, _content,
)  # fmt: skip
