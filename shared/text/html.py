"""From the bytes of a page to its characters."""

import codecs
import re

from resiliparse.parse.encoding import detect_encoding

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:+-]+)", re.IGNORECASE)
_META_CHARSET = re.compile(
    rb"<meta\b[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:+-]+)|<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:+-]+)",
    re.IGNORECASE,
)
_PRESCAN = 4096
"""Bytes searched for a declaration; the standard says 1024, pages put theirs later."""
_SNIFF = 64 * 1024

_WIDER = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932",
    "euc_kr": "cp949", "johab": "cp949", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "big5": "big5hkscs",
}  # fmt: skip
"""WHATWG Encoding §4.2: labels that mean a superset of what they name, by Python's codec names."""
_LABELS = {
    "x-sjis": "cp932", "windows-31j": "cp932", "ks_c_5601-1987": "cp949", "x-gbk": "gb18030", "x-x-big5": "big5hkscs",
    "x-mac-cyrillic": "mac_cyrillic", "x-mac-roman": "mac_roman", "windows-874": "cp874", "dos-874": "cp874",
    "iso-8859-8-i": "iso8859-8", "unicode-1-1-utf-8": "utf-8", "x-cp1251": "cp1251", "x-cp1252": "cp1252",
    "utf8mb4": "utf-8", "x-euc-jp": "euc_jp",
}  # fmt: skip
"""Labels in use on the web that Python does not know."""
_NOT_TEXT = frozenset({"utf-7", "idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined", "charmap"})


def decode(body: bytes, content_type: str | None = None) -> str:
    """Decode a page: byte order mark, then UTF-8 where the bytes prove it, then the charset of the
    `Content-Type` header, the page's own declaration, and what the bytes look like. Never raises: bytes that fit
    nothing become U+FFFD. (Order of WHATWG HTML §13.2.3, save that proof goes before declarations.)
    """
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(encoding, "replace")
    if b"\x00" in body[:_PRESCAN] and (wide := utf16(body[:_PRESCAN])):
        return body.decode(wide, "replace")
    declared = _declared(body, content_type)
    if declared in (None, "utf-8") or _is_utf8(body):
        # A legacy encoding that happens to be valid UTF-8 with several multi-byte characters does not occur.
        text = _utf8(body)
        if text is not None:
            return text
    for name in (declared if declared != "utf-8" else None, _sniffed(body), "cp1252"):
        if name is not None:
            return body.decode(name, "replace")
    return body.decode("utf-8", "replace")


def _utf8(body: bytes) -> str | None:
    """UTF-8, a few broken bytes allowed (a cut in mid-character, one foreign snippet); None where it is not."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("utf-8", "replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    wide = sum(map(text.count, "éüöäñ—’“”…")) if len(text) < 1 << 20 else 0
    multibyte = len(body) - len(text)
    return text if broken * 10 <= max(multibyte, wide) or broken == 1 else None


def _is_utf8(body: bytes) -> bool:
    if body.isascii():
        return False
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _declared(body: bytes, content_type: str | None) -> str | None:
    header = _HEADER_CHARSET.search(content_type or "")
    if header and (name := _codec(header[1])):
        return name
    meta = _META_CHARSET.search(body[:_PRESCAN])
    label = _codec((meta[1] or meta[2]).decode("ascii", "replace")) if meta else None
    return "utf-8" if label and label.startswith("utf-16") else label


def _codec(label: str) -> str | None:
    """Python's name of the encoding that browsers use for a label; None when unknown."""
    label = label.strip().lower()
    try:
        info = codecs.lookup(_LABELS.get(label, label))
    except (LookupError, ValueError):
        return None
    if info.name in _NOT_TEXT or not info._is_text_encoding:
        return None
    return _WIDER.get(info.name, info.name)


def utf16(head: bytes) -> str | None:
    """The byte order of UTF-16 without a mark, None for other text: nearly every other byte of Western text is NUL."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > half * 0.4 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.1:
        return "utf-16-be"
    return None


def _sniffed(body: bytes) -> str | None:
    name = _codec(detect_encoding(body[:_SNIFF], html5_compatible=True, from_html_meta=False) or "")
    return None if name == "utf-8" else name
