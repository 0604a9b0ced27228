"""Blocks by a network or a law on the way: filters, courts, providers. They say nothing of the page behind them."""

from services.linkcheck.core.signs.row import Sign


def _net(name: str, text: str, **conditions: object) -> Sign:
    return Sign(
        name,
        "walled",
        "network_block",
        text,
        "Citizen Lab and OONI on block pages; own reading",
        **conditions,  # type: ignore[arg-type]
    )


NETWORK_SIGNS: tuple[Sign, ...] = (
    _net(
        "blocked_by_law",
        "the network says that the site is blocked by law or order",
        lead=r"(?:(?:this|the requested|requested|the) (?:web ?site|site|web ?page|page|resource|url|content)|"
        r"access to (?:this|the requested|"
        r"the) (?:\S+ )?(?:web ?site|site|page|resource)|(?:данн|эт|запрашиваем|указанн|"
        r"информационн)\w* (?:\S+ )?(?:ресурс|сайт|домен|страниц)\w*|"
        r"доступ к (?:\S+ )?(?:ресурсу|сайту)|(?:situs|laman)(?: \S+)? ini|akses ke situs ini)\b[^.!?]{0,160}?"
        r"(?:\b(?:is |has been |was |been )(?:blocked|restricted|prohibited|not available)|заблокирован\w*|"
        r"ограничен\w*|"
        r"запрещ[её]н\w*|закрыт\w*|di ?blokir|diblokir|tida?k? (?:dapat|boleh) diakses)",
        words=r"federal law|court|regulation|law\b|laws\b|government|authorit|ministry|prohibited|network operator|"
        r"administrator|федеральн|закон|суда?\b|роскомнадзор|реестр|государствен|министерств|kominfo|undang-undang|"
        r"peraturan|categor",
        max_prose=3500,
    ),
    _net(
        "blocked_title",
        "the page's title says that the site is blocked",
        title=r"заблокирован|блокировк|доступ (?:к \S+ )?(?:ограничен|закрыт|запрещ[её]н)|(?:web ?site|site|"
        r"page|domain|access) (?:is )?"
        r"(?:blocked|restricted)|blocked page|tak dapat (?:ditampilkan|diakses)|tidak dapat diakses|diblokir",
        max_prose=1500,
    ),
    _net(
        "blocked_resource",
        "the network says that the resource is blocked",
        lead=r"(?:данный |этот |запрашиваем\w+ )?(?:интернет-)?ресурс(?: \S+){0,3} (?:заблокирован|ограничен|закрыт)|"
        r"(?:access to (?:the |this )?(?:requested )?(?:resource|site|website|page)|(?:this|the) (?:web ?site|"
        r"site|url|page)) "
        r"(?:\S+ ){0,4}(?:has been|is|was) (?:blocked|restricted) (?:by|due|because|under|in accordance|"
        r"pursuant|at the)|"
        r"(?:this|the) (?:web ?site|content|page) (?:is|has been) (?:blocked|restricted|not available) (?:in|on) "
        r"(?:your|this) (?:network|connection|account|device)|adult content (?:is |has been )?(?:blocked|restricted)|"
        r"age[- ]restricted (?:content|website)|content (?:controls?|lock)[^.]{0,80}(?:restrict|block|adult|18)|"
        r"(?:prove|confirm|verify)[^.]{0,40}(?:over|18|age)[^.]{0,80}(?:content|mobile|network|account)",
        max_prose=12_000,
    ),
    _net(
        "adult_filter",
        "the network withholds the page from people under age",
        words=r"(?:site|page) you(?:(?:'|’)re| have| are)? (?:tried|trying|attempting|"
        r"requested) (?:to (?:access|visit|view) )?"
        r"(?:is |was |has been )(?:for over|only|restricted|blocked|categori|detected|classified)|"
        r"(?:adult|parental|safe|content)[- ](?:content )?(?:filter|control|lock|bar|settings?)s? (?:is|are|has|"
        r"have) (?:on|active|enabled|blocked)|"
        r"we(?:(?:'|’)ve| have) (?:blocked|restricted) access to th(?:is|e) (?:page|site|content)",
        max_prose=12_000,
    ),
    _net(
        "filter_frame",
        "a page that only hands the address on to a filter",
        markup=r"<iframe[^>]{0,200}?src=[\"'](?:https?:)?//[^\"']{0,300}?(?:censor|block(?:ed|page)|filter|"
        r"prohibit|forbid|"
        r"warning|[?&;](?:accessurl|"
        r"url|host|uri|dst)=)|location(?:\.href)?\s{0,4}=\s{0,4}[\"']https?://[^\"']{0,200}?(?:block|filter|censor|"
        r"deny)[^\"']{0,200}?[?&;](?:url|host)=",
        max_prose=80,
    ),
    _net(
        "web_filter",
        "a web filter of the network stands there",
        lead=r"web (?:page|site) (?:is )?blocked|website blocked|the url you requested has been blocked|blocked page|"
        r"web filter(?:ing)? (?:block|violation)|settings prevent access|restricted access to (?:adult )?content|"
        r"(?:content|site) (?:filter|control)s? .{0,40}(?:blocked|restrict)|internet (?:positif|sehat)|netsafe|"
        r"заблокирован\w* роскомнадзором|блокировк[аи]|유해차단|불법·?유해|warning\.or\.kr",
        max_prose=1800,
    ),
    _net(
        "legal_451",
        "the site withholds the page in our region",
        lead=r"unavailable (?:for|due to) legal reasons|"
        r"not available in your (?:country|region|location)|(?:unavailable|not accessible) (?:in|from) "
        r"(?:your (?:country|region)|the european|most european)|aus rechtlichen gründen nicht verfügbar",
        max_prose=900,
    ),
)
"""Blocks by a network or a law on the way."""
