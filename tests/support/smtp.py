"""A real SMTP server on loopback whose answers are scripted per recipient, and that keeps what it accepted."""

import asyncio
import ssl
from collections import defaultdict
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Mailbox:
    """Answers of the script are taken in order; when it is empty, everything is accepted.

    `rcpt`, `data`: `250 …`, `421 …`, `451 …`, `550 …`; `drop` closes the connection without an answer (in `data`: after
    the whole text was taken); `slow` never answers.
    """

    accepted: list[tuple[str, EmailMessage]] = field(default_factory=list)
    rcpt: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    data: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        script = self.rcpt[address]
        answer = script.pop(0) if script else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.data.pop(0) if self.data else "250 taken"
        if answer == "slow":
            await asyncio.sleep(3600)
        if answer.startswith("250") or answer == "drop":
            message = message_from_bytes(envelope.content, policy=default)  # type: ignore[arg-type]
            assert isinstance(message, EmailMessage)
            self.accepted += [(recipient, message) for recipient in envelope.rcpt_tos]
            self.encrypted.append(session.ssl is not None)
        if answer == "drop":
            assert server.transport is not None
            server.transport.abort()
            await asyncio.sleep(3600)
        return answer

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == b"right password"
        if good:
            self.logins.append(data.login.decode())
        return AuthResult(success=good, handled=False)


class MailServer:
    """`async with MailServer() as server:` then `server.port`, `server.box`."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, auth: bool = False) -> None:
        self.box = Mailbox()
        self.port = 0
        options: dict[str, Any] = {"tls_context": tls, "timeout": 30}
        if auth:
            options |= {
                "authenticator": self.box.authenticate,
                "auth_required": True,
                "auth_require_tls": tls is not None,
            }
        self._options = options

    async def __aenter__(self) -> "MailServer":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self.box, hostname="localhost", loop=loop, **self._options), "127.0.0.1", 0
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.sleep(0)

    @property
    def accepted(self) -> list[tuple[str, EmailMessage]]:
        return self.box.accepted
