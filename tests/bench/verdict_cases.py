"""Evidence as observations: what each labelled page would look like to the judge. Read from `../shared/evidence`."""

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.linkcheck.core.model import History, Hop, Observation, Page
from services.linkcheck.core.text import extract

ROT = frozenset({"gone", "soft_404", "redirected_away", "parked"})
FAILING = ROT | {"server_error", "unreachable"}
_SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"
EVIDENCE = Path(os.environ.get("CITEWATCH_EVIDENCE_DIR", _SHARED)) / "evidence"


@dataclass(frozen=True)
class Case:
    """One labelled answer. `group` is the site or template that it comes from, `allowed` what outcomes are right."""

    source: str
    label: str
    group: str
    name: str
    allowed: frozenset[str]
    observation: Observation
    history: History = field(default_factory=History)


def unpacked(name: str, into: Path) -> Path:
    """Unpack an archive of the evidence into a folder of its own."""
    folder = into / name
    if not folder.exists():
        folder.mkdir(parents=True)
        subprocess.run(["tar", "--zstd", "-xf", EVIDENCE / f"{name}.tar.zst", "-C", folder], check=True)
    inner = [path for path in folder.iterdir() if path.is_dir()]
    return inner[0] if len(inner) == 1 and not any(folder.glob("*.jsonl")) else folder


def rows(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text().splitlines():
        yield json.loads(line)


def observe(
    url: str, page: Page | None, status: int | None = 200, headers: dict[str, str] | None = None
) -> Observation:
    hop = Hop(url, status or 200, tuple((headers or {}).items()))
    return Observation(url=url, hops=(hop,), page=page, body_length=len(page.markup) if page else 0)


_ALLOWED: dict[str, set[str]] = {
    "bot_block": {"walled"},
    "hdr_bot_block": {"walled"},
    "network_block": {"walled"},
    "login_wall": {"walled"},
    "paywall": {"walled", "ok"},
    "default_page": {"parked", "soft_404"},
    "parked": {"parked"},
    "unclaimed_service": {"parked", "soft_404", "server_error"},
    "gone_410": {"gone"},
    "server_error_or_maintenance": {"server_error"},
    "redirect_body": {"unsupported", "ok"},
    "ok_control": {"ok"},
    "hdr_ok": {"ok"},
    "soft_404": {"soft_404", "redirected_away"},
}


def allowed(label: str, status: int | None) -> frozenset[str]:
    """What outcomes are right for a label of the evidence at a status."""
    if label in ("soft_404_or_404", "not_found"):
        return frozenset({"gone"} if status in (404, 410) else {"soft_404", "parked"})
    if label in ("client_error", "proxy_error"):
        return frozenset({"server_error"} if (status or 0) >= 500 else {"walled"})
    return frozenset(_ALLOWED[label])


def fates() -> Iterator[Case]:
    """`evidence/fates`: one case an item, served at its own status, or 200 where none was recorded."""
    for row in rows(EVIDENCE / "fates" / "manifest.jsonl"):
        raw = (EVIDENCE / row["file"]).read_bytes()
        status, headers = row["status"], row["headers"] or {}
        url = f"https://site-{row['id'][:6]}.example/2019/03/some-page-that-was-cited.html"
        if row["label"].startswith("hdr_"):
            seen = json.loads(raw)
            yield Case(
                "fates", row["label"], row["group"], row["id"], allowed(row["label"], status), _headers_only(seen)
            )
            continue
        kind = "text/plain" if row["file"].endswith(".txt") else "text/html"
        page = extract(raw, headers.get("content-type", kind), url)
        right = allowed(row["label"], status)
        yield Case("fates", row["label"], row["group"], row["id"], right, observe(url, page, status, headers))
        if status in (404, 410):
            yield Case(
                "fates", "as_200:" + row["label"], row["group"], row["id"], frozenset({"soft_404", "parked"}),
                observe(url, page, 200, headers),
            )  # fmt: skip


def _headers_only(seen: dict[str, Any]) -> Observation:
    hops = [Hop(one["url"], one.get("status", 302)) for one in seen.get("redirects", []) if isinstance(one, dict)]
    hops = hops or [Hop(url, 302) for url in seen.get("redirects", [])[:-1]]
    last = Hop(seen.get("final_url", seen["url"]), seen["status"], tuple(seen["headers"].items()))
    page = Page("text/html", title=seen.get("title") or "", full=seen.get("title") or "")
    return Observation(url=seen["url"], hops=(*hops, last), page=page)


def walls(folder: Path) -> Iterator[Case]:
    """`walls-dev`: real walls, missing pages and landers."""
    for row in rows(folder / "manifest.jsonl"):
        url = row["url"] or f"https://{(row['host'] or 'site.example').strip('?')}/"
        if row["label"] == "soft_404":
            url += "2017/10/the-item-that-was-cited/"
        page = extract((folder / row["file"]).read_bytes(), "text/html", url)
        status = row["http_status"]
        right = allowed(row["label"], status)
        yield Case(
            "walls", row["label"], row["site"] or row["host"] or "?", row["id"], right, observe(url, page, status)
        )


_STATES = {
    "content": {"ok", "walled"},
    "js_shell_or_empty": {"ok"},
    "bot_block": {"walled"},
    "not_found": {"gone", "soft_404"},
    "soft_404": {"soft_404", "redirected_away"},
    "login_wall": {"walled"},
    "error_401": {"walled"},
}


def series(folder: Path) -> Iterator[Case]:
    """`url_series`: one URL over years, each capture judged with the last good one as its past."""
    for one in json.loads((folder / "url_series" / "series.json").read_text()):
        url, past = f"https://{one['host']}/" + one["series"].removeprefix(one["host"]).strip("."), History()
        for capture in one["captures"]:
            page = extract((folder / capture["file"]).read_bytes(), None, url)
            right = _STATES.get(capture["state"], {"gone"} if capture["status"] in (404, 410) else {"ok"})
            name = f"{Path(capture['file']).stem} {capture['state']}"
            seen = observe(url, page, capture["status"])
            yield Case("series", capture["state"], one["host"], name, frozenset(right), seen, past)
            if capture["state"] == "content":
                past = History(good_page=page, good_final_url=url, good_status=200)


def ordinary(folder: Path) -> Iterator[Case]:
    """`pages-dev`: ordinary pages; a paywall teaser may be a wall."""
    for row in rows(folder / "manifest.jsonl"):
        url = row["url"] or f"https://{row['host'] or 'site.example'}/pages/{row['id']}"
        page = extract((folder / row["file"]).read_bytes(), "text/html", url)
        right = frozenset({"soft_404"} if url.endswith("/404") else {"ok"})  # one of the pages is an error page
        label = "ordinary" if "ok" in right else "error page among them"
        yield Case("pages", label, row["host"] or row["id"], row["id"], right, observe(url, page))


def drift(folder: Path) -> Iterator[Case]:
    """`drift-dev`: real before/after pages, all alive."""
    for row in rows(folder / "manifest.jsonl"):
        before = None
        for side in "ab":
            url = f"https://site.example/documents/{row['group']}"
            page = extract((folder / row[side]).read_bytes(), "text/html", url)
            past = History(good_page=before)
            right = frozenset({"ok", "redirected_away"} if page.refresh else {"ok"})
            yield Case("drift", "alive", row["group"], f"{row['id']}.{side}", right, observe(url, page), past)
            before = page


_FATES = {
    "block_page": {"walled"},
    "consent_wall": {"walled"},
    "login_wall": {"walled"},
    "paywall_teaser": {"walled", "ok"},
    "soft404": {"soft_404"},
    "soft404_in_template": {"soft_404"},
    "article_replaced": {"ok", "soft_404", "redirected_away", "parked"},
}


def pairs(folder: Path, *, with_past: bool) -> Iterator[Case]:
    """`pairs-dev`: versions of a page made by rule, judged with and without the base as their past."""
    bases: dict[str, Page] = {}
    for row in rows(folder / "labels.jsonl"):
        url = row["url"] or f"https://site.example/pages/{row['page_id']}"
        page = extract((folder / row["file"]).read_bytes(), "text/html", url)
        if row["kind"] == "base":
            bases[row["page_id"]] = page
        past = History(good_page=bases.get(row["page_id"])) if with_past else History()
        right = frozenset(_FATES.get(row["kind"], {"ok"}))
        source = "pairs+past" if with_past else "pairs"
        label = row["kind"] if row["kind"] in _FATES else "alive"
        yield Case(source, label, row["page_id"], row["file"], right, observe(url, page), past)


def all_cases(folder: Path | None = None) -> Iterator[Case]:
    """Everything; archives are unpacked into `folder`, or into a temporary one."""
    if folder is None:
        with tempfile.TemporaryDirectory() as made:
            yield from all_cases(Path(made))
            return
    yield from journeys()
    yield from fates()
    walled = unpacked("walls-dev", folder)
    yield from walls(walled)
    yield from series(walled)
    yield from ordinary(unpacked("pages-dev", folder))
    yield from drift(unpacked("drift-dev", folder))
    made = unpacked("pairs-dev", folder)
    yield from pairs(made, with_past=False)
    yield from pairs(made, with_past=True)


def journeys() -> Iterator[Case]:
    """Scripted redirects of our own (`tests/cases/redirects`): moved or away."""
    text = "The pilots met in the old customs house and spoke of the channel and the winter to come. " * 8
    for number, row in enumerate(rows(Path(__file__).resolve().parents[1] / "cases" / "redirects" / "journeys.jsonl")):
        page = Page("text/html", title=row["title"], main=text, full=text, headings=(row["title"],))
        hops = (Hop(row["from"], row["code"], location=row["to"]), Hop(row["to"], 200))
        outcome = row["expect"].partition("/")[0]
        label = "stays" if outcome in ("moved", "ok") else "away"
        seen = Observation(url=row["from"], hops=hops, page=page)
        yield Case("journeys", label, str(number), row["from"], frozenset({outcome}), seen)


def held_out(group: str) -> bool:
    """Whether a site or template belongs to the half that was not looked at while the rules were written."""
    return hashlib.sha256(group.encode()).digest()[0] % 2 == 1
