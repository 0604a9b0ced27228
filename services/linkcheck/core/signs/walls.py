"""Walls: something stands between us and the resource. A wall says nothing of what is behind it."""

from services.linkcheck.core.signs.row import Sign


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
        markers="cf_chl_|_cf_chl|cf-challenge|jschl_|jschl-|challenge-error-text|cf-browser-verification|"
        "/cdn-cgi/l/chk_|cf-captcha-container|cf-turnstile-response",
    ),
    _bot(
        "cloudflare_challenge_status",
        "a Cloudflare challenge page",
        "own reading of its templates 2016–2024",
        markers="cf_chl_|_cf_chl|cf-challenge|jschl_|jschl-|/cdn-cgi/challenge-platform/h/",
        statuses=frozenset({403, 429, 503}),
        max_prose=20_000,
    ),
    _bot(
        "cloudflare_block",
        "a Cloudflare block page",
        "own reading of its templates 2016–2024",
        markers="cf-error-details|cf-wrapper|cf-error-overview",
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
        words=r"reference ?(?:#|&#35;|number)? ?[:#]? ?\d+\.[0-9a-f]+\.",
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
        markers="sec-if-cpt-container|/_sec/cp_challenge|bm-verify=|_bm_challenge",
        max_prose=600,
    ),
    _bot(
        "imperva",
        "an Imperva (Incapsula) challenge",
        "own reading of its pages",
        markers="_incapsula_resource|incapsula incident id|/_incapsula|imperva_",
        max_prose=600,
    ),
    _bot(
        "perimeterx",
        "a HUMAN (PerimeterX) challenge",
        "own reading of its pages",
        markers="px-captcha|_pxappid|captcha.px-cdn|captcha.px-cloud|perimeterx",
        max_prose=1500,
        lead=r"access to this page has been denied|human|robot|bot\b|blocked|press (?:&|and) hold|denied|captcha",
    ),
    _bot(
        "datadome",
        "a DataDome challenge",
        "own reading of its pages; x-datadome headers",
        markers="captcha-delivery.com|geo.captcha|ct.captcha|datadome-captcha",
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
        markers="awswafintegration|.awswaf.com/|gokuprops",
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
        markers="sucuri_cloudproxy|sucuri website firewall|sucuri.net/privacy|cloudproxy@sucuri",
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
        markers="ddos-guard.net|/.well-known/ddos-guard/|__ddg",
        statuses=frozenset({403, 429, 503}),
    ),
    _bot(
        "kasada",
        "a Kasada challenge",
        "own reading of its pages",
        markers="/149e9513-01fa-4fb0-aad4-566afd725d1b/|kpsdk",
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
        markers="fgd_icon|attack id|message id:|fortinet",
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
        markers="anubis_challenge|anubis_version|/.within.website/|techaro.lol|go-away challenge|"
        "/.well-known/.git.gammaspectra",
    ),
    _bot(
        "captcha_page",
        "the page is a captcha",
        "reCAPTCHA, hCaptcha, Turnstile, Friendly Captcha: their widgets",
        markers="g-recaptcha|h-captcha|hcaptcha.com/1|cf-turnstile|recaptcha/api.js|recaptcha/enterprise.js|"
        "frc-captcha|smartcaptcha",
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
