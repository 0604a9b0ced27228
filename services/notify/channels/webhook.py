"""A CloudEvent by POST, signed as Standard Webhooks wants it (standardwebhooks.com, symmetric signatures)."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from services.notify.channels import Letter, Sent, digest
from services.notify.channels.http import Poster, post
from services.notify.core.links import Links
from services.notify.core.message import Item, Message
from services.notify.core.rules import Channel
from shared.clock import Clock, iso

TYPE = "citewatch.alert.message.v1"
"""CloudEvents type of a message as the webhook gets it."""


class Webhook:
    """One endpoint. `webhook-id` is the delivery's, so that the other side can drop a second copy."""

    name: Channel = "webhook"
    recipients: Sequence[str] = ("",)

    def __init__(self, url: SecretStr, secret: SecretStr | None, poster: Poster, clock: Clock) -> None:
        self._url, self._secret, self._poster, self._clock = url, secret, poster, clock

    @property
    def address(self) -> str:
        return digest(self._url.get_secret_value())

    async def send(self, letter: Letter) -> Sent:
        body = json.dumps(event(letter.message, letter.delivery_id, letter.links), ensure_ascii=False).encode()
        headers: tuple[tuple[str, str], ...] = (("webhook-id", letter.delivery_id),)
        if self._secret is not None:
            headers = signed(letter.delivery_id, self._clock.now(), body, self._secret.get_secret_value())
        return await post(self._poster, self._url.get_secret_value(), headers, body, gateways_doubt=False)


def signed(webhook_id: str, now: datetime, body: bytes, secret: str) -> tuple[tuple[str, str], ...]:
    """The three headers of Standard Webhooks."""
    time = str(int(now.timestamp()))
    mac = hmac.digest(secret_bytes(secret), f"{webhook_id}.{time}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return ("webhook-id", webhook_id), ("webhook-timestamp", time), ("webhook-signature", signature)


def secret_bytes(secret: str) -> bytes:
    """The key of a `whsec_…` secret; any other text is used as it is."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            pass
    return secret.encode()


def event(message: Message, webhook_id: str, links: Links) -> dict[str, Any]:
    """The CloudEvent (structured mode, JSON)."""
    return {
        "specversion": "1.0",
        "id": webhook_id,
        "source": "/citewatch/notify",
        "type": TYPE,
        "subject": message.items[0].alert_id if len(message.items) == 1 else message.message_id,
        "time": iso(message.created_at),
        "datacontenttype": "application/json",
        "data": {
            "message_id": message.message_id,
            "kind": message.kind,
            "severity": message.severity,
            "subject": message.subject,
            "headline": message.headline,
            "intro": message.intro,
            "notes": message.notes,
            "total": message.total,
            "counts": dict(message.counts),
            "alerts": [_alert(item, links) for item in message.items],
            "links": {"alerts": links.alerts()},
        },
    }


def _alert(item: Item, links: Links) -> dict[str, Any]:
    found = item.model_dump(mode="json", exclude={"then_label", "now_label"})
    found["links"] = {
        "ack": links.ack(item.alert_id),
        "citation": links.citation(item.citation_id),
        "article": links.article(item.article_id),
    }
    return found
