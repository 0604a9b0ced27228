"""Wakes those of this process who wait for news of a kind."""

import asyncio


class Bell:
    """Listeners of this process by channel."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = {}

    def ring(self, channel: str) -> None:
        for event in self._listeners.get(channel, ()):
            event.set()

    def listen(self, channel: str) -> asyncio.Event:
        event = asyncio.Event()
        self._listeners.setdefault(channel, set()).add(event)
        return event

    def forget(self, channel: str, event: asyncio.Event) -> None:
        self._listeners.get(channel, set()).discard(event)
