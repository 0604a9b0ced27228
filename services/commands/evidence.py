"""`citewatch export` and `citewatch verify`: take the evidence away, and prove that it is whole."""

from pathlib import Path

from services import terminal
from services.embedded import opened
from services.linkcheck.archive.verify import Verified, verify_archive, verify_bundle
from services.linkcheck.store import reports
from shared.errors import InputError


async def export(article_id: str, target: Path, data_dir: Path | None) -> None:
    """Write the evidence bundle of an article."""
    async with opened(data_dir) as system:
        bundle = await system.linkcheck.desk.bundle(article_id)
    if bundle is None:
        raise InputError(f"There is no article {article_id} here.", "Take its id from `citewatch check --json`.")
    _write(target, bundle)
    print(f"{target}: {len(bundle)} bytes")


def _write(target: Path, bundle: bytes) -> None:
    try:
        target.write_bytes(bundle)
    except OSError as error:
        raise InputError(f"{target}: {error.strerror}.", "Give a file that can be written.") from None


async def verify(bundle: Path | None, data_dir: Path | None) -> int:
    """Check a bundle, or the whole archive; 1 when something is damaged."""
    found = await _archive(data_dir) if bundle is None else _bundle(bundle)
    for damage in found.damages:
        print(terminal.safe(str(damage)))
    signed = f", signed by {found.signed_by[:16]}…" if found.signed_by else ", not signed" if bundle else ""
    verdict = "whole" if not found.damages else f"{len(found.damages)} damaged"
    print(f"{found.objects} objects, {found.records} records, {found.bytes} bytes: {verdict}{signed}")
    return 1 if found.damages else 0


def _bundle(path: Path) -> Verified:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file.", "Give a bundle that `citewatch export` wrote.")
    return verify_bundle(path)


async def _archive(data_dir: Path | None) -> Verified:
    async with opened(data_dir) as system:
        async with system.db.read() as tx:
            snapshots = await reports.all_snapshots(tx)
        return await verify_archive(system.linkcheck.archive.blobs, snapshots)
