"""Reads what `check` and `submit` are given: files, URLs, or standard input."""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from shared.errors import InputError
from shared.events import ArticleKind

KINDS: dict[str, ArticleKind] = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".txt": "text/plain",
}
MAX_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """Something to read an article from."""

    name: str
    body: bytes | None
    """None: fetch it from `url`."""
    kind: ArticleKind
    url: str | None
    external_id: str | None


def read(source: str) -> Source:
    """A SOURCE of the command line. Raises `InputError` that names it and says what to mend."""
    if source.startswith(("http://", "https://")):
        return Source(source, None, "text/html", source, None)
    if source == "-":
        body = sys.stdin.buffer.read(MAX_BYTES + 1)
        return _checked(Source("-", body, sniff(body), None, f"stdin:{hashlib.sha256(body).hexdigest()}"))
    path = Path(source)
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{source}: cannot tell what it is.", "Give a .md, .html or .txt file, an http(s) URL, or -.")
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{source}: {error.strerror or error}.", "Check the path and that you may read it.") from None
    return _checked(Source(source, body, kind, None, str(path.resolve())))


def _checked(source: Source) -> Source:
    assert source.body is not None
    if len(source.body) > MAX_BYTES:
        raise InputError(f"{source.name}: larger than 20 MB.", "Give the article alone, without its attachments.")
    if not source.body.strip():
        raise InputError(f"{source.name}: empty.", "Give a document with text in it.")
    return source


def sniff(body: bytes) -> ArticleKind:
    """What standard input holds, by its beginning."""
    head = body[:2000].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html", b"<?xml", b"<head", b"<body", b"<article", b"<div", b"<p")):
        return "text/html"
    return "text/markdown"
