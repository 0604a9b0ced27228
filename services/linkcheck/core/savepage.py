"""Save Page Now: how another archive is asked to keep a page too, and what its answers mean.

Two forms are spoken. The Internet Archive's SPN2 (its "Save Page Now 2 Public API Docs"): POST of a form with `url`;
JSON with a `job_id` comes back (without keys, a page that watches the job), and a status at `…/status/JOB` that ends in
`success` with a timestamp, or in `error`. And the older one, which others imitate: POST to an address with the page's
own in it, and the memento's address comes back in `Content-Location` or `Location`. An address with `{url}` in it, or
with a slash at its end, gets the page's address there; the form goes along in any case.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from shared.urls import UrlError, parse

State = Literal["waiting", "asked", "saved", "failed"]
"""`waiting` to be asked (again) · `asked`: the archive is at work · `saved` · `failed` for good."""
_TIMESTAMP = re.compile(r"\d{14}")
_WATCHED = re.compile(rb"watchJob\(\s*[\"']([\w.~-]{1,200})[\"']")
_JOB = re.compile(r"[\w.~-]{1,200}")
_FINAL = frozenset({400, 401, 403, 404, 405, 410, 413, 414, 415, 422, 451})
"""Statuses that the same request will get again."""
_FOR_GOOD = re.compile(r"error:(?:blocked|not-found|invalid|no-access|filesize|method|unauthori[sz]ed|forbidden)")
"""`status_ext` of SPN2 that no further try will change."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent."""

    method: Literal["GET", "POST"]
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer makes of the wish. `waiting`: it is to be tried again."""

    state: State
    detail: str = ""
    job_id: str | None = None
    memento: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where other archives are asked; its keys are in no repr."""

    address: str
    authorization: str = field(default="", repr=False)

    @classmethod
    def read(cls, text: str) -> "Endpoint":
        """`https://KEY:SECRET@web.archive.org/save`, with the keys that the Internet Archive gives its users."""
        parts = urlsplit(text)
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        keys = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        return cls(bare, f"LOW {keys}" if parts.username else "")

    def ask(self, url: str) -> Request:
        """The wish to have a page kept."""
        headers = (*self._headers(), ("Content-Type", "application/x-www-form-urlencoded"))
        return Request("POST", self._filled(url), headers, urlencode({"url": url}).encode())

    def ask_after(self, job_id: str) -> Request:
        """The question what became of it."""
        parts = urlsplit(self.address.partition("{url}")[0])
        path = f"{parts.path.rstrip('/')}/status/{quote(job_id, safe='')}"
        return Request("GET", urlunsplit(parts._replace(path=path, query="", fragment="")), self._headers())

    def _headers(self) -> tuple[tuple[str, str], ...]:
        accepted = (("Accept", "application/json"),)
        return (*accepted, ("Authorization", self.authorization)) if self.authorization else accepted

    def _filled(self, url: str) -> str:
        before, named, _ = self.address.partition("{url}")
        if not named:
            return f"{self.address}{url}" if self.address.endswith("/") else self.address
        return self.address.replace("{url}", quote(url, safe="") if "?" in before else url)

    def understand(self, status: int, headers: Mapping[str, str], body: bytes, job_id: str | None = None) -> Answer:
        """What an answer means, to the wish or to the question after `job_id`; header names in lower case."""
        if status in _FINAL:
            return Answer("failed", f"The archive answered {status}: {_excerpt(body)}")
        if status >= 400:
            return Answer("waiting", f"The archive answered {status}.", job_id)
        told = _told(body)
        if told.get("status") == "error" or ("job_id" not in told and "message" in told and "status" not in told):
            return _refused(told)
        memento = self._memento(told, headers, sent_there=300 <= status < 400)
        if memento is not None:
            return Answer("saved", memento=memento)
        if 300 <= status < 400:
            return Answer("failed", f"The archive's address moved to {headers.get('location', 'nowhere')[:200]}.")
        job = told.get("job_id")
        if isinstance(job, str) and _JOB.fullmatch(job) and told.get("status") != "success":
            return Answer("asked", "The archive is at work.", job_id=job)
        return Answer("saved", "The archive took it, and did not say where it stands.")

    def _memento(self, told: Mapping[str, Any], headers: Mapping[str, str], *, sent_there: bool) -> str | None:
        stamp, original = str(told.get("timestamp", "")), told.get("original_url")
        if _TIMESTAMP.fullmatch(stamp) and isinstance(original, str):
            return _absolute(f"/web/{stamp}/{original}", self.address)
        place = headers.get("content-location") or headers.get("location") or ""
        named = bool(place) and (not sent_there or _TIMESTAMP.search(place) is not None)
        return _absolute(place, self.address) if named else None


def _refused(told: Mapping[str, Any]) -> Answer:
    text = str(told.get("message") or told.get("exception") or told.get("status_ext") or "no reason")[:300]
    final = _FOR_GOOD.match(str(told.get("status_ext", ""))) is not None
    return Answer("failed" if final else "waiting", f"The archive could not keep it: {text}")


def _absolute(place: str, base: str) -> str | None:
    """A web address, however it was written; None for anything else."""
    try:
        url = parse(place, base.partition("{url}")[0])
    except UrlError:
        return None
    return url.href if url.scheme in ("http", "https") and not url.username else None


def _told(body: bytes) -> Mapping[str, Any]:
    """What the body says: JSON, or a page that watches a job."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        watched = _WATCHED.search(body)
        return {"job_id": watched[1].decode()} if watched else {}
    return found if isinstance(found, dict) else {}


def _excerpt(body: bytes) -> str:
    return " ".join(body[:200].decode("utf-8", "replace").split()) or "nothing more"
