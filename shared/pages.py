"""Server-rendered pages: one layout, autoescaped, under a policy that lets no script run."""

import secrets
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse

from shared.urls import display

if TYPE_CHECKING:
    from jinja2 import Environment

GIVE_TARGET = "give_target"
"""Route of ingest that takes a citation's target from a form: pages show it where ingest answers beside them."""
LAYOUT = Path(__file__).parent / "templates"


def day(moment: datetime | str | None) -> str:
    """`3 May 2026, 14:05 UTC`; an em dash for none."""
    if moment is None:
        return "—"
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.astimezone(UTC).strftime("%-d %b %Y, %H:%M UTC")


def clip(text: str | None, limit: int = 200) -> str:
    """The beginning of a long text, cut at a word."""
    if not text or len(text) <= limit:
        return text or ""
    return text[:limit].rsplit(" ", 1)[0] + " …"


class Pages:
    """Renders the templates of one service inside the shared layout."""

    def __init__(self, templates: Path) -> None:
        self._templates = templates

    @cached_property
    def _jinja(self) -> "Environment":
        """Made for the first page: a start need not wait for it."""
        from jinja2 import Environment, FileSystemLoader, select_autoescape

        found = Environment(
            loader=FileSystemLoader([self._templates, LAYOUT]),
            autoescape=select_autoescape(default=True, default_for_string=True),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        found.filters.update(day=day, clip=clip, address=display)
        return found

    def render(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page as an answer."""
        nonce = secrets.token_urlsafe(12)
        text = self._jinja.get_template(template).render(nonce=nonce, **values)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; form-action 'self'; "
            "frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(text, status, headers=headers)
