"""Errors said in words: proxies, gateways, maintenance. They count as `server_error`, never as `gone`."""

from services.linkcheck.core.signs.row import Sign


def _error(name: str, reason: str, text: str, source: str, **conditions: object) -> Sign:
    return Sign(name, "server_error", reason, text, source, **conditions)  # type: ignore[arg-type]


_PHRASES = (
    ("500", r"internal server error|server error in '/|something went wrong on our (?:end|side)"),
    ("502", r"bad gateway|proxy error"),
    ("503", r"service (?:temporarily )?unavailable|backend fetch failed|error 503"),
    ("504", r"gateway time-?out"),
)

STATUS_SIGNS: tuple[Sign, ...] = (
    *(
        _error(
            f"says_http_{code}",
            f"http_{code}",
            f"the page's title says: error {code}",
            "RFC 9110 §15.6 reason phrases",
            title=rf"^\W*(?:(?:http )?(?:error|fehler|erreur|ошибка)\W*)?(?:{code}(?:\W*$|\W*[|–—:]|\W+(?:error|"
            rf"internal|server|bad|service|gateway|unavailable|-))|(?:{words})\W*(?:$|[|\-–—]))",
            max_prose=900,
        )
        for code, words in _PHRASES
    ),
    *(
        _error(
            f"says_only_http_{code}",
            f"http_{code}",
            f"the page says only: error {code}",
            "RFC 9110 §15.6 reason phrases",
            words=rf"^\W*(?:(?:http )?(?:error|fehler|erreur)\W*)?(?:{code}\W*)?(?:{words}|{code}\W+(?:the|"
            rf"error|page|sorry|request))",
            max_prose=500,
        )
        for code, words in _PHRASES
    ),
)

MAINTENANCE_SIGNS: tuple[Sign, ...] = (
    _error(
        "maintenance",
        "maintenance",
        "the site says that it is down for maintenance",
        "own reading",
        lead=r"(?:down|closed|unavailable|offline|away) (?:\w+ ){0,3}(?:for|due to|because of|"
        r"while) .{0,60}?(?:maintenance|upgrade|update|enhancement)|"
        r"(?:under|undergoing|performing|carrying out|during) (?:\w+ ){0,3}?maintenance\b|scheduled maintenance|"
        r"maintenance (?:mode|downtime|in progress)|site maintenance|"
        r"wartungs(?:arbeiten|modus)|wegen wartung|maintenance en cours|en maintenance|(?:en|em) mantenimiento|"
        r"em manutenção|"
        r"in manutenzione|onderhoud(?:swerkzaamheden)?\b|underhåll|prace (?:techniczne|serwisowe)|przerwa techniczna|"
        r"údržb|техническ\w+ (?:работ|обслужив)|технічн\w+ робот|bakım (?:çalışma|modun)|メンテナンス中|"
        r"系统维护|維護中|维护中|점검 ?중",
        max_prose=900,
    ),
    _error(
        "temporarily_unavailable",
        "maintenance",
        "the site says that it is away for a while",
        "own reading",
        lead=r"(?:site|web ?site|service|server|system|page|application|portal|\S+\.[a-z]{2,4}|"
        r"we) (?:\S+ ){0,3}?(?:is |are |be )?"
        r"(?:temporarily|currently|momentarily) (?:unavailable|down|offline|out of service)|"
        r"^\W*temporarily unavailable|(?:we(?:'|’)ll|"
        r"we will) be (?:right )?back (?:soon|shortly)|"
        r"(?:be|come) back (?:soon|shortly)\b|try (?:again |after )(?:some|a few|in a) (?:time|minutes|moments)|"
        r"experiencing (?:technical|some) (?:difficulties|problems|issues)|technical difficulties|"
        r"(?:having|there (?:was|is)) a(?:n)? (?:problem|issue|error) (?:with the page|serving|processing|loading)|"
        r"(?:vorübergehend|momentan|derzeit) nicht (?:erreichbar|verfügbar)|temporairement indisponible|"
        r"momentanément indisponible|"
        r"temporalmente (?:no disponible|fuera de servicio)|temporaneamente non disponibile|"
        r"temporariamente indisponível|"
        r"tijdelijk niet (?:beschikbaar|bereikbaar)|chwilowo niedostępn|временно недоступ|тимчасово недоступ|"
        r"geçici olarak",
        max_prose=900,
    ),
    _error(
        "application_error",
        "http_500",
        "the site shows an application's error",
        "frameworks' own pages",
        lead=r"error establishing a database connection|uncaught (?:exception|error)|"
        r"application error\b.{0,80}(?:client-side|server-side|occurred)|"
        r"an error occurred in the application and your page could not be served|"
        r"there has been a critical error on this website|we(?:'|’)re sorry, but something went wrong|"
        r"the website encountered an unexpected error|unhandled exception|(?:sql|database|jdbc) (?:error|exception)\b|"
        r"the page was not displayed because there was a conflict|error 1001|ein fehler ist aufgetreten\W*$",
        max_prose=900,
    ),
    _error(
        "proxy_says",
        "proxy_error",
        "a proxy on the way says that it could not fetch the page",
        "Squid's error pages",
        header=("x-squid-error", r"."),
        max_prose=10**9,
    ),
    _error(
        "proxy_page",
        "proxy_error",
        "a proxy on the way says that it could not fetch the page",
        "Squid's error pages",
        markers="(squid/|(squid)|err_connect_fail|err_dns_fail|err_access_denied|err_secure_connect_fail|"
        "err_read_error|err_zero_size",
        max_prose=2500,
    ),
)
