"""Bytes of a web page to text: byte order mark, header, `<meta>`, then what the bytes look like."""

import codecs
import re

from charset_normalizer import from_bytes

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_META = re.compile(
    rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]+)|<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)", re.I
)
_LABELS = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "l1": "cp1252", "ascii": "cp1252",
    "us-ascii": "cp1252", "iso-8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949", "big5": "big5hkscs", "tis-620": "cp874", "iso-8859-11": "cp874", "unicode-1-1-utf-8": "utf-8",
    "utf8": "utf-8", "x-mac-roman": "mac_roman", "windows-31j": "cp932",
}  # fmt: skip
"""Labels that browsers read as a wider encoding (WHATWG Encoding §4.2)."""
SNIFF = 65_536


def decode(body: bytes, content_type: str | None = None) -> str:
    """Text of a page or text file. Never raises: what cannot be read becomes U+FFFD."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    for label in (_header_label(content_type), _meta_label(body)):
        codec = _codec(label)
        if codec is None:
            continue
        try:
            return body.decode(codec)
        except UnicodeDecodeError as error:
            if codec == "utf-8" and error.start < len(body) * 0.98 and _broken_share(body) > 0.02:
                continue
            return body.decode(codec, "replace")
    return _sniffed(body)


def _header_label(content_type: str | None) -> str | None:
    found = _HEADER.search(content_type or "")
    return found[1] if found else None


def _meta_label(body: bytes) -> str | None:
    found = _META.search(body, 0, 4096)
    label = (found[1] or found[2]).decode("ascii", "replace") if found else None
    return "utf-8" if label and label.lower().startswith("utf-16") else label  # it was read as ASCII up to here


def _codec(label: str | None) -> str | None:
    if not label:
        return None
    name = _LABELS.get(label.lower(), label.lower())
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def _broken_share(body: bytes) -> float:
    """Share of the non-ASCII characters that are no UTF-8."""
    text = body.decode("utf-8", "replace")
    strange = sum(char > "\x7f" for char in text)
    return text.count("\ufffd") / strange if strange else 0.0


def _sniffed(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if _broken_share(body) <= 0.02:
        return body.decode("utf-8", "replace")
    best = from_bytes(body[:SNIFF]).best()
    codec = _codec(best.encoding if best else None) or "cp1252"
    return body.decode(codec, "replace")
