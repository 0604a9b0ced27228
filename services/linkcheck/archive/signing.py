"""Signatures of evidence bundles: the anonymous signature of "WACZ Signing and Verification" 0.1.0.

ECDSA over P-384 with SHA-256, of the text of the digest (`sha256:…`); signature as r and s side by side, key as DER
SubjectPublicKeyInfo, both base64: what the browsers' WebCrypto makes, and other tools check. Whoever checks compares
the key with one that the publisher made known; the signature alone says that the bundle is whole and of one hand.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from shared.errors import SettingError, Unavailable

_WIDTH = 48
"""Bytes of a P-384 number."""
_ECDSA = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


@dataclass(frozen=True)
class Signer:
    """A key in a file, made at its first use."""

    path: Path

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        try:
            if not self.path.exists():
                _make(self.path)
            key = serialization.load_pem_private_key(self.path.read_bytes(), None)
        except OSError as error:
            raise Unavailable(f"The signing key {self.path} cannot be used: {error.strerror}.") from error
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp384r1":
            raise SettingError(f"{self.path} is no key for P-384.", "Put the right key back, or move it away.")
        return key

    @property
    def public_key(self) -> str:
        """Base64 of the DER SubjectPublicKeyInfo."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return base64.b64encode(self._key.public_key().public_bytes(serialization.Encoding.DER, form)).decode()

    def sign(self, text: str) -> str:
        """Base64 of the signature; equal text, equal signature (RFC 6979)."""
        r, s = decode_dss_signature(self._key.sign(text.encode(), _ECDSA))
        return base64.b64encode(r.to_bytes(_WIDTH, "big") + s.to_bytes(_WIDTH, "big")).decode()


def _make(path: Path) -> None:
    """Write a new key, readable by its owner alone; whole, or not there; another process's is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    part = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()


def fingerprint(public_key: str) -> str:
    """Hex sha256 of a base64 key: what a publisher makes known."""
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()


def check(signed: Mapping[str, object]) -> str | None:
    """What is wrong with an anonymous `signedData`, in plain words; None: nothing."""
    try:
        text, signature, public = (str(signed[name]) for name in ("hash", "signature", "publicKey"))
        raw = base64.b64decode(signature, validate=True)
        key = serialization.load_der_public_key(base64.b64decode(public, validate=True))
    except (KeyError, ValueError, TypeError, binascii.Error):
        return "The signature cannot be read."
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(raw) % 2:
        return "The signature is of a kind that is not known here."
    r, s = (int.from_bytes(half, "big") for half in (raw[: len(raw) // 2], raw[len(raw) // 2 :]))
    try:
        key.verify(encode_dss_signature(r, s), text.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return "The signature does not fit: the bundle was changed after it was signed, or signed with another key."
    return None
