"""Where alerts arrive: a mail server, a Slack and a webhook on loopback, and how often each claim was told there."""

import re
from collections import Counter
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from tests.support.sinks import Sink
from tests.support.smtp import MailServer

CHANNELS = ("mail", "slack", "webhook")
_CLAIM = re.compile(r"carried 4,(\d{3}) cars")
"""As `system.CLAIM` says it: what was cited, in every message that tells of it."""


class Receivers:
    """`async with Receivers() as receivers:` then `settings()` for the processes, `told()` for what came."""

    def __init__(self) -> None:
        self.mails, self.slack, self.hook = MailServer(), Sink(), Sink()
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for one in (self.mails, self.slack, self.hook):
            await self._open.enter_async_context(one)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def settings(self, *channels: str) -> dict[str, str]:
        """The environment that turns these channels on; all, when none is named."""
        each = {
            "mail": {"SMTP_URL": f"smtp://127.0.0.1:{self.mails.port}", "MAIL_TO": "desk@news.test"},
            "slack": {"SLACK_WEBHOOK_URL": self.slack.url},
            "webhook": {"ALERT_WEBHOOK_URL": self.hook.url},
        }
        chosen = {name: value for channel in channels or CHANNELS for name, value in each[channel].items()}
        return {f"CITEWATCH_{name}": value for name, value in chosen.items()} | {"CITEWATCH_ALERT_GROUP_WAIT": "0s"}

    def told(self) -> Counter[tuple[str, int]]:
        """(channel, number of the claim) → in how many messages it stood."""
        mails = [mail.get_body(("plain",)) for _, mail in self.mails.accepted]
        messages = [
            *(("mail", body.get_content()) for body in mails if body is not None),
            *(("slack", one.body.decode()) for one in self.slack.received),
            *(("webhook", one.body.decode()) for one in self.hook.received),
        ]
        return Counter(
            (channel, int(number))
            for channel, text in messages
            for number in set(_CLAIM.findall(" ".join(text.split())))
        )
