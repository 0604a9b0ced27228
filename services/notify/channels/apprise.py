"""Every other service, by the Apprise library, which does not tell a refusal from a lost answer."""

import asyncio
from collections.abc import Sequence

from pydantic import SecretStr

from services.notify.channels import Letter, Sent, digest
from services.notify.channels.plain import text
from services.notify.core.rules import Channel
from services.notify.settings import apprise_library

DEADLINE = 30.0
"""Seconds; Apprise's own time-outs are 4 s for connecting and 4 s for an answer."""


class Apprise:
    """The configured URLs; a delivery's recipient is the number of one, counted from 1."""

    name: Channel = "apprise"

    def __init__(self, urls: Sequence[SecretStr]) -> None:
        self._urls = tuple(urls)

    @property
    def recipients(self) -> Sequence[str]:
        return [str(number) for number in range(1, len(self._urls) + 1)]

    @property
    def address(self) -> str:
        return digest(*(url.get_secret_value() for url in self._urls))

    async def send(self, letter: Letter) -> Sent:
        index = int(letter.recipient) - 1
        if index >= len(self._urls):
            return Sent("failed", f"There is no URL number {letter.recipient} in CITEWATCH_APPRISE_URLS any more.")
        url = self._urls[index].get_secret_value()
        subject, body = letter.message.subject, text(letter.message, letter.links)
        try:
            async with asyncio.timeout(DEADLINE):
                taken = await asyncio.to_thread(_notify, url, subject, body)
        except TimeoutError:
            return Sent("uncertain", "Apprise did not come back in time.", trouble="passing")
        if taken:
            return Sent("delivered", "Apprise says it was taken.")
        return Sent("uncertain", "Apprise says that it failed, and not whether anything was sent.", trouble="passing")


def _notify(url: str, subject: str, body: str) -> bool:
    """In a thread: the library blocks. `format=text` keeps line breaks where a service would render Markdown."""
    library = apprise_library()
    notifier = library.Apprise()
    if not notifier.add(url):
        return False
    return bool(notifier.notify(title=subject, body=body, body_format=library.NotifyFormat.TEXT))
