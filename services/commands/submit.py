"""`citewatch submit`: posts an article to a running ingest, signed by Standard Webhooks."""

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
from standardwebhooks import Webhook

from services.commands.sources import read
from services.embedded import webhook_secret
from services.ingest.settings import IngestSettings
from shared.errors import InputError
from shared.ids import new_id
from shared.settings import load
from shared.text import html


async def submit(name: str, url: str | None, server: str, data_dir: Path | None) -> None:
    """Post the article and print the answer."""
    source = read(name)
    if source.url is None and url is None:
        raise InputError(f"{name}: an article needs its address.", "Give it with --url https://…")
    settings = load(IngestSettings, data_dir=data_dir)
    body: dict[str, object] = {"url": url or source.url}
    if source.body is not None:
        body |= {"content": html.decode(source.body), "content_type": source.kind}  # known by its address, not its path
    raw = json.dumps(body).encode()
    now = datetime.now(UTC)
    delivery = new_id("msg", now)
    signature = Webhook(webhook_secret(settings)).sign(delivery, now, raw.decode())
    headers = {
        "content-type": "application/json", "webhook-id": delivery, "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }  # fmt: skip
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            answer = await client.post(f"{server.rstrip('/')}/v1/articles", content=raw, headers=headers)
    except httpx.HTTPError as error:
        raise InputError(
            f"{server} does not answer ({type(error).__name__}).", "Start it with `citewatch up`."
        ) from None
    print(answer.text)
    if answer.status_code >= 400:
        raise InputError(f"{server} answered {answer.status_code}.", answer.json().get("detail", ""))
