"""Gates for people, as rows and words: consent, login. What takes more than one row is in gates.py."""

from services.linkcheck.core.signs.row import Sign

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
