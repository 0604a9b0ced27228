"""Mail: plain text and HTML in one message, threaded per citation, one SMTP transaction per recipient.

One transaction a recipient makes each one's fate its own. What the server refuses before or after DATA is known;
a connection that is lost once the text was on its way leaves open whether it was taken.
"""

import functools
import ssl
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiosmtplib

from services.notify.channels import Letter, Sent, clean_detail, digest
from services.notify.channels.plain import text
from services.notify.core.clean import header
from services.notify.core.links import Links
from services.notify.core.message import Message
from services.notify.core.rules import Channel
from services.notify.settings import Relay

if TYPE_CHECKING:
    from jinja2 import Environment

TIMEOUT = 20.0
"""Seconds for one command."""
TEMPLATES = Path(__file__).parent / "templates"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@functools.cache
def _templates() -> "Environment":
    """Made for the first mail: a start that sends none need not wait for it."""
    from jinja2 import Environment, FileSystemLoader

    return Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )


class Mail:
    """One relay."""

    name: Channel = "mail"

    def __init__(self, relay: Relay, sender: str, recipients: Sequence[str], ca_file: Path | None = None) -> None:
        self._relay, self._sender, self.recipients = relay, sender, tuple(recipients)
        self._tls = ssl.create_default_context()
        if ca_file is not None:
            self._tls.load_verify_locations(cafile=str(ca_file))

    @property
    def address(self) -> str:
        relay = self._relay
        return digest(relay.host, str(relay.port), relay.username or "", self._sender)

    async def send(self, letter: Letter) -> Sent:
        raw = build(letter, self._sender).as_bytes(policy=SMTP_POLICY)
        try:
            client = await self._connected()
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            return Sent("retry", f"Not sent: {_said(error)}", trouble="passing")
        try:
            return await _transaction(client, self._sender, letter.recipient, raw)
        finally:
            client.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        """Connected, encrypted where that is asked for or offered, and logged in."""
        relay = self._relay
        offered: dict[str, bool | None] = {"implicit": False, "required": True, "offered": None}
        client = aiosmtplib.SMTP(
            hostname=relay.host, port=relay.port, timeout=TIMEOUT, use_tls=relay.tls == "implicit",
            start_tls=offered[relay.tls], tls_context=self._tls,
        )  # fmt: skip
        try:
            await client.connect()
            if relay.username is not None and relay.password is not None:
                if client.get_transport_info("sslcontext") is None and relay.host not in _LOOPBACK:
                    raise aiosmtplib.SMTPException("the server offers no encryption: the password was not sent")
                await client.login(relay.username, relay.password.get_secret_value())
        except BaseException:
            client.close()
            raise
        return client


async def _transaction(client: aiosmtplib.SMTP, sender: str, recipient: str, raw: bytes) -> Sent:
    text_on_its_way = False
    try:
        await client.mail(parseaddr(sender)[1])
        await client.rcpt(parseaddr(recipient)[1])
        text_on_its_way = True
        answer = await client.data(raw)
    except aiosmtplib.SMTPResponseException as error:
        return _refused(error.code, error.message)
    except (aiosmtplib.SMTPException, OSError) as error:
        if text_on_its_way:
            return Sent("uncertain", f"Sent, but no answer came: {_said(error)}", trouble="passing")
        return Sent("retry", f"Not sent: {_said(error)}", trouble="passing")
    return Sent("delivered", clean_detail(f"{answer.code} {answer.message}"))


def _refused(code: int, message: str) -> Sent:
    """4yz: try again; 5yz: never (RFC 5321 §4.2.1). 421 means that the server is going away."""
    said = clean_detail(f"{code} {message}")
    if 400 <= code < 500:
        return Sent("retry", said, trouble="passing" if code == 421 else "none")
    return Sent("failed", said)


def _said(error: Exception) -> str:
    return clean_detail(str(error) or type(error).__name__)


def build(letter: Letter, sender: str) -> EmailMessage:
    """The whole mail. Its Message-ID is the same at every attempt; References put a citation's mails in one thread."""
    message, links = letter.message, letter.links
    domain = _domain(links.public_url)
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = _address(sender, "Citewatch")
    mail["To"] = _address(letter.recipient)
    mail["Subject"] = header(message.subject)
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.message_id}@{domain}>"
    thread = f"<{_token(message.thread)}@{domain}>"
    mail["In-Reply-To"] = thread
    mail["References"] = thread
    mail["List-ID"] = f"Citewatch alerts <alerts.{domain}>"
    mail["List-Unsubscribe"] = f"<{links.unsubscribe(message.route_id)}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if message.severity == "critical":
        mail["Importance"] = "high"
    mail.set_content(text(message, links), cte="quoted-printable")
    mail.add_alternative(html(message, links), subtype="html", cte="quoted-printable")
    return mail


def html(message: Message, links: Links) -> str:
    """The HTML part: no remote content, no script; readable without styles, in light and dark."""
    return _templates().get_template("mail.html").render(message=message, links=links)


def _domain(public_url: str) -> str:
    """The right side of our message ids: the host of our pages."""
    host = (urlsplit(public_url).hostname or "localhost").strip("[]")
    return f"[IPv6:{host}]" if ":" in host else host


def _token(thread: str) -> str:
    """A thread's name as the left side of a message id (RFC 5322 dot-atom)."""
    return thread if thread.replace("_", "").isalnum() else f"t-{digest(thread)[:32]}"


def _address(text: str, name: str = "") -> Address:
    shown, mail = parseaddr(text)
    user, _, domain = mail.rpartition("@")
    return Address(shown or name, user, domain)
