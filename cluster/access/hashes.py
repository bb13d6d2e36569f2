"""`priv/shadow.cfg` and `priv/token.cfg`: one line per user of the realm `pve`, one per token. Values are opaque here.

A line that is not understood is kept. How a hash is made and compared is `cluster/node/access/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.access import names

SHADOW, TOKENS = "priv/shadow.cfg", "priv/token.cfg"


@dataclass(slots=True)
class Hashes:
    """Name → hash (or, in a token.cfg of Proxmox VE, the token's own value)."""

    of: dict[str, str] = field(default_factory=dict, repr=False)
    unknown: list[str] = field(default_factory=list, repr=False)


def parse_shadow(data: bytes) -> Hashes:
    """`name:hash:` a line; the name is without its realm."""
    found = Hashes()
    for line in _lines(data):
        parts = line.split(":")
        if len(parts) >= 2 and names.is_user(f"{parts[0]}@pve") and parts[1]:
            found.of[parts[0]] = parts[1]
        else:
            found.unknown.append(line)
    return found


def render_shadow(hashes: Hashes) -> bytes:
    return _text([f"{name}:{value}:" for name, value in sorted(hashes.of.items())] + hashes.unknown)


def parse_tokens(data: bytes) -> Hashes:
    """`user@realm!token value` a line."""
    found = Hashes()
    for line in _lines(data):
        name, _, value = line.partition(" ")
        if names.is_token(name) and value.strip():
            found.of[name] = value.strip()
        else:
            found.unknown.append(line)
    return found


def render_tokens(hashes: Hashes) -> bytes:
    return _text([f"{name} {value}" for name, value in sorted(hashes.of.items())] + hashes.unknown)


def _lines(data: bytes) -> list[str]:
    return [line for line in data.decode("utf-8", "surrogateescape").splitlines() if line.strip()]


def _text(lines: list[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
