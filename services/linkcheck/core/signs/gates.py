"""Gates for people: logins and paywalls. A form alone proves nothing; what matters is that no text stands behind it."""

from collections.abc import Iterator

from services.linkcheck.core.model import Page, Signal, Verdict
from services.linkcheck.core.signs.people import LOGIN_URL, LOGIN_WORDS
from services.linkcheck.core.signs.row import WORDS, Scene, regex, running_text, seen

_PAYWALL_WORDS = (
    r"subscribe (?:now )?(?:to (?:continue|keep|read|unlock|get (?:full )?access|view)|for (?:full |"
    r"unlimited )?access)|"
    r"(?:to (?:continue|keep) reading|continue reading) (?:this|the|your|with|,|for)|"
    r"(?:article|content|story|page) is (?:for|only for|available (?:only )?to|reserved for|exclusive to|"
    r"exclusively for) "
    r"(?:our )?(?:paying |paid |premium )?(?:subscribers|members)|subscribers? only|premium (?:article|content)|"
    r"already a (?:subscriber|member)\?|you(?:'|’)ve (?:reached|read|used) (?:your|all|the) .{0,40}(?:free|"
    r"limit|articles)|"
    r"(?:limit|number) of free articles|unlock this (?:article|story)|"
    r"(?:article|contenu|suite|lecture)[^.]{0,40}(?:réservée?s? (?:à nos|aux) abonnés|est réservée?)|"
    r"réservé aux abonnés|"
    r"(?:pour|de) (?:lire|continuer|poursuivre) (?:la suite|l(?:'|’)article|votre lecture|la lecture)|"
    r"déjà abonnée?|abonnez-vous pour|"
    r"(?:nur|exklusiv) für abonnent|weiterlesen mit|jetzt (?:weiterlesen|abonnieren und)|bereits abonnent|"
    r"(?:contenido|artículo) (?:exclusivo )?(?:solo )?para suscriptores|suscríbe(?:te|se) para|"
    r"(?:contenuto|articolo) (?:riservato|per) (?:agli )?abbonati|abbonati per|"
    r"(?:conteúdo|artigo) (?:exclusivo )?para assinantes|alleen voor abonnees|verder lezen\?|log in om verder|"
    r"для подписчиков|tylko dla (?:subskrybent|prenumerator)|会员专享|有料会員限定|残り\d*文字"
)
_PAYWALL_MARKUP = (
    r"[\"']?isaccessibleforfree[\"']?\s*[:=]\s*[\"']?false|content_tier\W{1,4}(?:content=\W)?(?:locked|metered)"
)


def login(scene: Scene) -> Verdict | None:
    """Sent to a login, or nothing on the page but one."""
    page, sent = scene.page, len(scene.observation.hops) > 1
    at_login = seen(LOGIN_URL, scene.url) is not None
    asked_for_it = seen(LOGIN_URL, scene.observation.url) is not None
    if sent and at_login and not asked_for_it and scene.running < 1500:
        return _wall("login", "login_redirect", f"we were sent to a login page: {scene.url[:100]}", 0.95)
    if not page.password_field and not at_login:
        return None
    named = seen(LOGIN_WORDS, "\n".join((page.title, *page.headings[:4])))
    worded = named or seen(LOGIN_WORDS, page.full[:2500])
    if page.password_field and page.links < 25 and scene.running < (700 if page.links < 10 else 250):
        return _wall("login", "password_only", "the page asks for a password and has no text", 0.75)
    if page.password_field and worded and _bare(scene, 700 if named or at_login else 250):
        return _wall("login", "login_form", "the page is a login form and has no text behind it", 0.9)
    if at_login and named and _bare(scene, 300):
        return _wall("login", "login_page", "the page is a login page", 0.8)
    return None


def _bare(scene: Scene, text: int) -> bool:
    """Whether main text and menus are too little for a page that people read."""
    return running_text(scene.page.main) < text and scene.running < 2 * text + 400 and scene.page.links < 90


def paywall(scene: Scene) -> Verdict | None:
    """A teaser: the words or the metadata of a paywall, and too little text for an article."""
    if scene.running >= 3000:
        return None
    worded = seen(_PAYWALL_WORDS, scene.page.full[:WORDS])
    if worded is None:
        return None
    if seen(_PAYWALL_MARKUP, scene.page.markup):
        return _wall("paywall", "paywall_declared", f"a paywall: {worded[:60]}", 0.9)
    if scene.running < 900:
        return _wall("paywall", "paywall_words", f"a paywall: {worded[:60]}", 0.7)
    return None


def asks_to_subscribe(page: Page) -> Iterator[str]:
    """The words with which a page keeps its text for those who pay, in lower case."""
    return (found[0] for found in regex(_PAYWALL_WORDS).finditer(page.full[:WORDS].lower()))


def _wall(reason: str, name: str, text: str, confidence: float) -> Verdict:
    return Verdict("walled", reason, confidence, (Signal(name, text, confidence),))
