"""From bytes to characters."""

import codecs

import pytest

from shared.text.html import decode

GERMAN = "Größe, Café und „Zitate“ – überall. " * 8
RUSSIAN = "Это русский текст, записанный в старой кодировке. " * 8
JAPANESE = "これは日本語の文章です。新聞記事から。" * 8


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_without_a_declaration(encoding: str) -> None:
    assert decode(GERMAN.encode(encoding)) == GERMAN


@pytest.mark.parametrize(
    ("text", "codec", "label"),
    [
        (GERMAN, "cp1252", "iso-8859-1"),
        (GERMAN, "cp1252", "us-ascii"),
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "koi8-r", "KOI8-R"),
        (JAPANESE, "cp932", "x-sjis"),
        (JAPANESE, "euc_jp", "euc-jp"),
        ("简体中文" * 20, "gb18030", "gb2312"),
    ],
)
def test_declared(text: str, codec: str, label: str) -> None:
    assert decode(text.encode(codec), f"text/html; charset={label}") == text
    page = f'<meta charset="{label}">{text}'
    assert decode(page.encode(codec)) == page


def test_a_wrong_declaration_yields_to_proof() -> None:
    assert decode(GERMAN.encode(), "text/html; charset=iso-8859-1") == GERMAN
    assert decode(GERMAN.encode("cp1252"), "text/html; charset=utf-8") == GERMAN


@pytest.mark.parametrize("label", ["no-such-thing", "utf-7", "base64", "\x00", "idna"])
def test_an_unknown_label_is_ignored(label: str) -> None:
    assert decode(GERMAN.encode(), f"text/html; charset={label}") == GERMAN


def test_one_broken_byte_spoils_nothing() -> None:
    assert decode(GERMAN.encode() + b"\xe2\x82") == GERMAN + "\ufffd"


def test_a_mark_goes_before_everything() -> None:
    assert decode(codecs.BOM_UTF8 + b"\xc3\xa9", "text/html; charset=latin-1") == "é"
