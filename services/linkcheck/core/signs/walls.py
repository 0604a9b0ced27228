"""Walls: something stands between us and the resource. A wall says nothing of what is behind it."""

from services.linkcheck.core.signs.row import Sign

_BLOCKED = frozenset({200, 202, 400, 403, 405, 406, 409, 429, 456, 498, 499, 500, 502, 503, 520, 521, 522, 523, 525})


def _bot(name: str, text: str, source: str, **conditions: object) -> Sign:
    return Sign(name, "walled", "bot_challenge", text, source, **conditions)  # type: ignore[arg-type]


BOT_SIGNS: tuple[Sign, ...] = (
    _bot(
        "cloudflare_mitigated",
        "Cloudflare says that it challenged the request",
        "Cloudflare docs: cf-mitigated",
        header=("cf-mitigated", r"challenge|block"),
        max_prose=10**9,
    ),
    _bot(
        "cloudflare_challenge",
        "a Cloudflare challenge page",
        "own reading of its templates 2016–2024",
        markup=r"cf_chl_|_cf_chl|cf-challenge|jschl[_-]|challenge-error-text|cf-browser-verification|"
        r"/cdn-cgi/l/chk_|cf-captcha-container|cf-turnstile-response",
    ),
    _bot(
        "cloudflare_challenge_status",
        "a Cloudflare challenge page",
        "own reading of its templates 2016–2024",
        markup=r"cf_chl_|_cf_chl|cf-challenge|jschl[_-]|/cdn-cgi/challenge-platform/h/",
        statuses=frozenset({403, 429, 503}),
        max_prose=20_000,
    ),
    _bot(
        "cloudflare_block",
        "a Cloudflare block page",
        "own reading of its templates 2016–2024",
        markup=r"cf-error-details|cf-wrapper|cf-error-overview",
        lead=r"access denied|attention required|you have been blocked|banned|security (?:check|service)|"
        r"used cloudflare to restrict|error code: 10(?:0\d|1\d|2\d)|error 10(?:0\d|1\d|2\d)",
        max_prose=2000,
    ),
    _bot(
        "cloudflare_checking",
        "a page that checks the browser first",
        "own reading of its templates 2016–2024",
        lead=r"checking (?:your|if the site connection|the site) .{0,60}?(?:before accessing|is secure|browser)|"
        r"(?:please )?stand by, while we are checking your browser|verifying you are human|"
        r"verify(?:ing)? (?:that )?you(?:'|’)?(?: a)?re (?:a |not a )?(?:human|robot|bot)|"
        r"enable javascript and cookies to continue|performing security verification|ddos(?: |-)protection by",
    ),
    _bot(
        "akamai_denied",
        "Akamai's refusal",
        "own reading; reference numbers of its edge servers",
        lead=r"you don(?:'|’)?t have permission to access",
        words=r"reference\s*(?:#|&#35;|number)?\s*[:#]?\s*\d+\.[0-9a-f]+\.",
    ),
    _bot(
        "akamai_server",
        "refused by Akamai's edge server",
        "server header AkamaiGHost",
        header=("server", r"^akamaighost"),
        statuses=frozenset({403, 429}),
        max_prose=3000,
    ),
    _bot(
        "akamai_bot_manager",
        "an Akamai bot challenge",
        "own reading of sensor pages",
        markup=r"sec-if-cpt-container|/_sec/cp_challenge|bm-verify=|_bm_challenge",
        max_prose=600,
    ),
    _bot(
        "imperva",
        "an Imperva (Incapsula) challenge",
        "own reading of its pages",
        markup=r"_incapsula_resource|incapsula incident id|/_Incapsula|imperva_",
        max_prose=600,
    ),
    _bot(
        "perimeterx",
        "a HUMAN (PerimeterX) challenge",
        "own reading of its pages",
        markup=r"px-captcha|_pxappid|captcha\.px-cdn|captcha\.px-cloud|perimeterx",
        max_prose=1500,
        lead=r"access to this page has been denied|human|robot|bot\b|blocked|press (?:&|and) hold|denied|captcha",
    ),
    _bot(
        "datadome",
        "a DataDome challenge",
        "own reading of its pages; x-datadome headers",
        markup=r"captcha-delivery\.com|geo\.captcha|ct\.captcha|dd=\{['\"]rt|datadome-captcha",
        max_prose=600,
    ),
    _bot(
        "aws_waf",
        "an AWS WAF challenge",
        "AWS WAF docs: x-amzn-waf-action",
        header=("x-amzn-waf-action", r"captcha|challenge"),
        max_prose=10**9,
    ),
    _bot(
        "aws_waf_script",
        "an AWS WAF challenge",
        "own reading of its pages",
        markup=r"awswafintegration|\.awswaf\.com/|gokuProps",
        max_prose=600,
    ),
    _bot(
        "cloudfront_blocked",
        "CloudFront refused the request",
        "own reading of its error page",
        lead=r"the request could not be satisfied",
        words=r"request blocked|block access from your country|configured to block",
    ),
    _bot(
        "sucuri",
        "a Sucuri firewall page",
        "own reading of its pages",
        markup=r"sucuri_cloudproxy|sucuri website firewall|sucuri\.net/privacy|cloudproxy@sucuri",
        max_prose=2000,
    ),
    _bot(
        "sucuri_server",
        "refused by Sucuri's firewall",
        "server header",
        header=("server", r"sucuri"),
        statuses=frozenset({403, 406, 429, 503}),
        max_prose=2000,
    ),
    _bot(
        "ddos_guard",
        "a DDoS-Guard challenge",
        "own reading of its pages",
        markup=r"ddos-guard\.net|/\.well-known/ddos-guard/|__ddg\d",
        statuses=frozenset({403, 429, 503}),
    ),
    _bot(
        "kasada",
        "a Kasada challenge",
        "own reading of its pages",
        markup=r"/149e9513-01fa-4fb0-aad4-566afd725d1b/|kpsdk",
        max_prose=600,
    ),
    _bot(
        "f5",
        "an F5 firewall's refusal",
        "own reading of its pages",
        lead=r"the requested url was rejected\. please consult",
        words=r"support id",
    ),
    _bot(
        "fortiweb",
        "a web application firewall's refusal",
        "own reading of its pages",
        lead=r"web page blocked|attack id|the page cannot be displayed\. please contact the administrator",
        markup=r"fgd_icon|attack id|message id:|fortinet",
    ),
    _bot(
        "wordfence",
        "Wordfence's block page",
        "own reading of its pages",
        lead=r"your access to this (?:site|service) has been (?:blocked|limited|temporarily)",
        words=r"wordfence",
        max_prose=4000,
    ),
    _bot(
        "proof_of_work",
        "a proof-of-work gate against bots",
        "Anubis and go-away: their pages",
        markup=r"anubis_challenge|anubis_version|/\.within\.website/|techaro\.lol|go-away challenge|"
        r"/\.well-known/\.git\.gammaspectra",
    ),
    _bot(
        "captcha_page",
        "the page is a captcha",
        "reCAPTCHA, hCaptcha, Turnstile, Friendly Captcha: their widgets",
        markup=r"g-recaptcha|h-captcha|hcaptcha\.com/1|cf-turnstile|recaptcha/(?:api|enterprise)\.js|"
        r"frc-captcha|smartcaptcha",
        lead=r"captcha|\brobots?\b|(?:you are|you(?:'|’)re|are you|verify|confirm)[^.]{0,40}human|human verification|"
        r"unusual (?:traffic|activity)|security (?:check|verification)|suspicious|automated|ungewöhnlich|"
        r"(?:êtes|être) humain|(?:eres|soy) humano|человек|робот",
        statuses=frozenset({200, 202, 401, 403, 405, 406, 429, 503}),
        max_prose=900,
    ),
    _bot(
        "unusual_traffic",
        "the site noticed unusual traffic from us",
        "own reading",
        lead=r"(?:noticed|detected) (?:some )?(?:unusual|suspicious|automated|abnormal) (?:activity|traffic|"
        r"behaviou?r|requests)|"
        r"unusual traffic from your|your (?:ip|request|browser) (?:address )?(?:has been|was|is) (?:temporarily )?"
        r"(?:blocked|banned|flagged|rate.?limited)|automated (?:access|requests?|queries) .{0,60}(?:not|blocked|"
        r"detected)|"
        r"pardon our interruption|are you a robot\?|prove (?:that )?you(?:'|’)?(?: a)?re (?:not a robot|human)|"
        r"press (?:&|and) hold to confirm|complete the (?:captcha|security check) (?:below )?to",
    ),
    _bot(
        "too_many_requests",
        "the page says: too many requests",
        "RFC 6585 §4, said in the body",
        title=r"^(?:error )?(?:429\b.*|too many requests)",
        max_prose=800,
    ),
    _bot(
        "denied_title",
        "the page's title says that access is denied",
        "own reading of block pages",
        title=r"(?:^|[|:–—-] )(?:error )?(?:40[13]\W*)?(?:access (?:to this page (?:has been|is) )?(?:denied|"
        r"forbidden|blocked)|"
        r"(?:40[13] )?forbidden|blocked|request (?:blocked|rejected|access)|zugriff verweigert|accès (?:refusé|"
        r"interdit)|"
        r"acceso denegado|accesso negato|toegang geweigerd|acesso negado|доступ запрещ[её]н|アクセスが拒否.*|"
        r"访问被拒绝)\W*"
        r"(?:$|[|\-–—·•:])",
        max_prose=800,
    ),
    _bot(
        "denied_text",
        "the page says only that access is denied",
        "own reading of block pages",
        words=r"^\W*(?:40[13]\W*)?(?:access denied|forbidden|you (?:do not|don(?:'|’)?t) have (?:permission|access))",
        max_prose=400,
    ),
)
"""Bot managers and firewalls. Their markers also sit in pages they let through: `max_prose` tells those apart."""


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
        markup=r"<iframe[^>]+src=[\"'](?:https?:)?//[^\"']*(?:censor|block(?:ed|page)|filter|prohibit|forbid|"
        r"warning|[?&;](?:accessurl|"
        r"url|host|uri|dst)=)|location(?:\.href)?\s*=\s*[\"']https?://[^\"']*(?:block|filter|censor|"
        r"deny)[^\"']*[?&;](?:url|host)=",
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

CONSENT_HOSTS = (
    r"^https?://(?:consent|guce|cmp|privacy-?gate|zustimmung|cookie-?wall|myprivacy|privacy|choices)\.[^/]+/|"
    r"/(?:cookie-?wall|consent-?(?:gate|wall|page)|collectconsent|privacy-gate|cookieconsent)(?:[/?]|$)"
)
LOGIN_URL = (
    r"(?:^https?://(?:login|signin|sign-in|sso|auth|accounts?|idp|id|passport|cas|myaccount|identity|secure)\.[^/]+/)|"
    r"[/.](?:log-?in|sign-?in|logon|sign-?on|sso|auth|authenticate|authorize|oauth2?|saml2?|cas|adfs|wp-login|"
    r"users?/login|session/new|accountchooser|servicelogin|anmelden|anmeldung|connexion|inloggen|iniciar-sesion|accedi|"
    r"ucp)(?:[/?.;#-]|\.\w+|$)"
)
LOGIN_WORDS = (
    r"\b(?:log ?in|log ?on|sign ?in|sign ?on|log into|secured? login|password|passwort|mot de passe|contraseña|senha|"
    r"wachtwoord|hasło|heslo|parola|şifre|giriş|anmelden|anmeldung|einloggen|connexion|se connecter|iniciar sesión|"
    r"inicia sesión|entrar|accedi|inloggen|zaloguj|logowanie|přihlášení|logga in|lösenord|logg inn|log ind|adgangskode|"
    r"kirjaudu|salasana|bejelentkezés|jelszó|conectare|autentificare|вход|войти|пароль|увійти|влизане|σύνδεση|"
    r"تسجيل الدخول|כניסה|התחבר|đăng nhập|masuk)\b|サインイン|ログイン|パスワード|登[录錄入]|密[码碼]|로그인|"
    r"비밀번호|เข้าสู่ระบบ"
)


def _wall(name: str, reason: str, text: str, source: str, **conditions: object) -> Sign:
    return Sign(name, "walled", reason, text, source, **conditions)  # type: ignore[arg-type]


PERSON_SIGNS: tuple[Sign, ...] = (
    _wall(
        "consent_redirect",
        "consent",
        "we were sent to a consent page",
        "own reading of consent gates",
        url=CONSENT_HOSTS,
        max_prose=12_000,
    ),
    _wall(
        "consent_page",
        "consent",
        "the page is a consent form",
        "own reading of consent gates",
        title=r"^(?:before you continue|bevor (?:sie|du) (?:fortfahren|zu)|avant d(?:'|’)accéder|antes de continuar|"
        r"prima di continuare|voordat je verdergaat|your privacy choices|.{0,40}\bconsent|.{0,30}cookie ?wall|"
        r".{0,40}(?:zustimmung|toestemming))",
        max_prose=6000,
    ),
    _wall(
        "consent_form",
        "consent",
        "the page is a consent form and has no text behind it",
        "own reading of consent gates",
        lead=r"^\W*(?:before you continue|we value your privacy|your privacy (?:matters|is important|choices)|"
        r"(?:we|wir|nous|noi) (?:and our|und unsere|et nos|e i nostri) (?:\d+ )?(?:partner|third)|"
        r"(?:wir|ihre|deine) (?:schätzen|respektieren|brauchen|privatsphäre|zustimmung)|(?:nous respectons|"
        r"votre vie privée)|"
        r"(?:tu privacidad|valoramos tu|nos importa)|la tua privacy|wij? (?:en onze|waarderen)|bevor (?:sie|"
        r"du) |avant de continuer|"
        r"(?:mit werbung|weiter mit werbung|accept (?:cookies )?(?:and|to) continue))",
        words=r"\b(?:accept|agree|consent|akzeptieren|zustimmen|einverstanden|accepter|aceptar|accett|"
        r"accepteren|akceptuj|принять)",
        max_prose=900,
    ),
)
"""Gates for people: consent; login and paywall need more than one row can say (see gates.py)."""
