"""A secret as a page carries it: covered with random bytes, other ones each time, and uncovered when it returns.

Pages are compressed. Whoever can put text into one and sees how long it becomes could guess a secret that is always the
same, letter by letter (BREACH); of one that never looks the same there is nothing to learn.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cluster.secret import Secret

SIGN = "~"  # no token of ours begins with it


def covered(secret: Secret) -> str:
    content = secret.reveal().encode()
    cover = secrets.token_bytes(len(content))
    return SIGN + urlsafe_b64encode(cover + _crossed(content, cover)).decode()


def uncovered(token: str) -> str:
    """What was covered; a token that is not stays as it is, and one that cannot be read is an empty one."""
    if not token.startswith(SIGN):
        return token
    try:
        both = urlsafe_b64decode(token.removeprefix(SIGN))
        half = len(both) // 2
        return _crossed(both[half:], both[:half]).decode()
    except ValueError:
        return ""


def _crossed(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
