"""How free text lies in a line whose fields are divided by colons: UTF-8, percent-escaped where it must be."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

_PLAIN = frozenset(range(0x20, 0x7F)) - {ord("%"), ord(":")}


def encode(text: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))


def decode(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")
