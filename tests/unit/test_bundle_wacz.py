"""Evidence bundles: signed, whole, and the same bytes for the same evidence; every tampering is named."""

import base64
import hashlib
import json
import stat
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from services.linkcheck.archive.bundle import build, url_key
from services.linkcheck.archive.signing import Signer, check, fingerprint
from services.linkcheck.archive.snapshots import DamagedCapture
from services.linkcheck.archive.verify import verify_bundle
from shared.errors import SettingError
from tests.support.bundles import CLAIM, CREATED, Desk, Members, unzipped


@pytest.fixture
async def bench(tmp_path: Path) -> Desk:
    return await Desk(tmp_path).fill()


def zipped(members: Members) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


async def test_equal_evidence_makes_equal_bytes(bench: Desk) -> None:
    once = await bench.build()
    assert await bench.build(Signer(bench.signer.path)) == once
    with zipfile.ZipFile(BytesIO(once)) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


async def test_objects_stand_in_it_as_in_the_archive(bench: Desk) -> None:
    members = unzipped(await bench.build())
    for row in bench.rows:
        data = members[f"archive/{row.warc_sha256}.warc.gz"]
        assert data == await bench.archive.read_warc(row.warc_key)


async def test_claims_passages_and_verdicts_are_annotations(bench: Desk) -> None:
    document = json.loads(unzipped(await bench.build())["provenance/provenance.json"])
    cited, lost = (one for one in document["@graph"] if one["type"] == "Annotation")
    assert cited["body"]["selector"] == {"type": "TextQuoteSelector", "exact": CLAIM}
    then, now = cited["target"]
    assert then["selector"] == {"type": "TextQuoteSelector", "exact": "rose by 4 percent", "prefix": "In May, "}
    assert now["state"]["cached"] == f"archive/{bench.rows[-1].warc_sha256}.warc.gz"
    assert cited["citewatch:verdict"]["changes"] == ["number"]
    assert lost["target"] == "#"
    captures = [one for one in document["@graph"] if one["id"].startswith("urn:citewatch:snapshot:")]
    assert [one["citewatch:previous_warc_sha256"] for one in captures] == [
        None, *(row.warc_sha256 for row in bench.rows[:-1])
    ]  # fmt: skip
    assert captures[1]["prov:wasDerivedFrom"] == "urn:citewatch:snapshot:snp_1"


async def test_an_untouched_bundle_is_whole_and_its_signer_known(bench: Desk) -> None:
    found = verify_bundle(bench.path(await bench.build()))
    assert found.damages == []
    assert found.signed_by == fingerprint(bench.signer.public_key)
    assert (found.objects, found.records) == (7, 16)


async def test_the_signature_is_what_webcrypto_would_check(bench: Desk) -> None:
    """r and s side by side, over the text of the digest, with the key beside it."""
    members = unzipped(await bench.build())
    signed = json.loads(members["datapackage-digest.json"])["signedData"]
    assert signed["hash"] == "sha256:" + hashlib.sha256(members["datapackage.json"]).hexdigest()
    assert set(signed) == {"hash", "created", "software", "version", "signature", "publicKey"}
    assert signed["created"] == json.loads(members["datapackage.json"])["created"] == "2026-06-09T12:00:00Z"
    raw = base64.b64decode(signed["signature"])
    assert len(raw) == 96
    key = serialization.load_der_public_key(base64.b64decode(signed["publicKey"]))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    der = encode_dss_signature(int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big"))
    key.verify(der, signed["hash"].encode(), ec.ECDSA(hashes.SHA256()))


def change_package(members: Members) -> Members:
    return members | {"datapackage.json": members["datapackage.json"].replace(b"Prices", b"Prizes")}


def change_verdict(members: Members) -> Members:
    name = "provenance/provenance.json"
    return members | {name: members[name].replace(b'"altered"', b'"intact"')}


def change_verdict_and_digests(members: Members) -> Members:
    """All digests made right again; only the signature cannot be."""
    changed = change_verdict(members)
    package = json.loads(changed["datapackage.json"])
    for one in package["resources"]:
        one["hash"] = "sha256:" + hashlib.sha256(changed[one["path"]]).hexdigest()
    changed["datapackage.json"] = json.dumps(package).encode()
    digest = json.loads(changed["datapackage-digest.json"])
    digest["hash"] = digest["signedData"]["hash"] = "sha256:" + hashlib.sha256(changed["datapackage.json"]).hexdigest()
    return changed | {"datapackage-digest.json": json.dumps(digest).encode()}


def first_object(members: Members) -> str:
    return min(name for name in members if name.startswith("archive/"))


def drop_capture(members: Members) -> Members:
    return {name: data for name, data in members.items() if name != first_object(members)}


def tear_capture(members: Members) -> Members:
    name = first_object(members)
    return members | {name: members[name][:-9]}


def add_file(members: Members) -> Members:
    return members | {"archive/added.warc.gz": members[first_object(members)]}


def move_index(members: Members) -> Members:
    return members | {"indexes/index.cdx": members["indexes/index.cdx"].replace(b'"offset": "', b'"offset": "1')}


def drop_package(members: Members) -> Members:
    return {name: data for name, data in members.items() if name != "datapackage.json"}


def spoil_digest(members: Members) -> Members:
    return members | {"datapackage-digest.json": b"["}


TAMPERED: dict[str, tuple[Callable[[Members], Members], set[str]]] = {
    "the package": (change_package, {"datapackage.json"}),
    "a verdict": (change_verdict, {"provenance/provenance.json"}),
    "a verdict, with all digests": (change_verdict_and_digests, {"datapackage-digest.json"}),
    "a capture gone": (drop_capture, {"the object"}),
    "a capture torn": (tear_capture, {"the object"}),
    "a file added": (add_file, {"archive/added.warc.gz"}),
    "an index that leads astray": (move_index, {"indexes/index.cdx"}),
    "no package": (drop_package, {"datapackage.json"}),
    "a digest that is no JSON": (spoil_digest, {"datapackage-digest.json"}),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERED)
async def test_what_was_tampered_with_is_named(bench: Desk, how: str) -> None:
    change, expected = TAMPERED[how]
    members = unzipped(await bench.build())
    found = verify_bundle(bench.path(zipped(change(members))))
    named = {damage.name for damage in found.damages}
    wanted = {first_object(members) if name == "the object" else name for name in expected}
    assert wanted <= named, found.damages
    assert named <= wanted | {"indexes/index.cdx"}
    if how == "a verdict, with all digests":
        assert found.signed_by is None


@pytest.mark.parametrize("cut", [0, 1, 100, 5000, -1, -30])
async def test_a_torn_file_is_named(bench: Desk, cut: int) -> None:
    data = await bench.build()
    found = verify_bundle(bench.path(data[:cut]))
    assert "no whole ZIP file" in str(found.damages[0])


async def test_a_flipped_byte_anywhere_is_noticed(bench: Desk) -> None:
    data = await bench.build()
    path = bench.folder / "flipped.wacz"
    unseen = []
    for place in range(0, len(data), 97):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        if not verify_bundle(path).damages and unzipped(path.read_bytes()) != unzipped(data):
            unseen.append(place)
    assert unseen == []


async def test_evidence_that_is_damaged_is_not_left_out_in_silence(bench: Desk) -> None:
    path = bench.folder / "archive" / bench.rows[1].warc_key
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedCapture, match=bench.rows[1].warc_key):
        await bench.build()


async def test_an_article_without_captures_has_a_bundle_too(bench: Desk) -> None:
    bare = {"article_id": "art_2", "url": None, "title": "", "version": 1, "citations": []}
    data = await build(bare, [], bench.archive, created=CREATED, signer=bench.signer)
    assert verify_bundle(bench.path(data)).damages == []


def test_the_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "data" / "key.pem"
    first = Signer(path).public_key
    assert Signer(path).public_key == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["key.pem"]


def test_a_wrong_key_file_is_a_setting_to_mend(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("not a key")
    with pytest.raises(SettingError, match="no key for P-384"):
        Signer(path).sign("x")


def test_signatures_of_others_do_not_fit(tmp_path: Path) -> None:
    ours, theirs = Signer(tmp_path / "a.pem"), Signer(tmp_path / "b.pem")
    good = {"hash": "sha256:00", "signature": ours.sign("sha256:00"), "publicKey": ours.public_key}
    assert check(good) is None
    for wrong in (
        {"publicKey": theirs.public_key}, {"hash": "sha256:01"}, {"signature": "AAAA"}, {"signature": "%%"},
        {"publicKey": "AAAA"}, {"signature": None}, {"signature": "AA=="},
    ):  # fmt: skip
        assert check(good | wrong) is not None, wrong
    assert check({}) is not None


@pytest.mark.parametrize(
    ("href", "key"),
    [
        ("https://www.example.org/A/B?b=2&a=1#f", "org,example)/a/b?a=1&b=2"),
        ("http://example.org:8080/", "org,example:8080)/"),
        ("https://xn--bcher-kva.example/a%20b?x", "example,xn--bcher-kva)/a%20b?x"),
        ("http://192.0.2.1/x", "1,2,0,192)/x"),
        ("http://[2001:db8::1]/x", "2001:db8::1)/x"),
        ("https://example.org/a//b/", "org,example)/a/b"),
        ("https://www2.example.org/?", "org,example)/"),
        ("https://example.org/%7Ejo/?q=a+b&c=%20%7E", "org,example)/~jo?c=%20~&q=a+b"),
    ],
)
def test_url_keys_are_those_of_other_archives(href: str, key: str) -> None:
    assert url_key(href) == key
