"""Names of users, realms, groups, roles, tokens and the paths rights are given on: what each may look like.

Every name is matched in full and is printable ASCII or plain text without a character that a file of §10 divides by.
Who is allowed what is `permissions.py`.
"""

from __future__ import annotations

import re

from cluster.errors import InvalidInput

USER_LENGTH_MAX = 64
REALM_LENGTH_MAX = 32
NAME_LENGTH_MAX = 64
PATH_LENGTH_MAX = 256
ROOT = "root@pam"

REALM = re.compile(r"[A-Za-z][A-Za-z0-9.\-_]+")
NAME = re.compile(r"[A-Za-z0-9.\-_]+")
TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9.\-_]+")
_USER = re.compile(r"[^\s:/!@,\x00-\x20\x7f]+@[A-Za-z][A-Za-z0-9.\-_]{1,31}")
_POOL_LEVELS_MAX = 3
_TWO_LEVELS = {"access/groups": NAME, "access/realm": REALM}
_PLAIN = ("nodes", "storage", "vms")


def is_user(text: str) -> bool:
    """Whether `text` is a user's full name: `name@realm`, 3 to 64 characters, nothing a ticket could trip over."""
    return 3 <= len(text) <= USER_LENGTH_MAX and text.isprintable() and _USER.fullmatch(text) is not None


def is_realm(text: str) -> bool:
    return len(text) <= REALM_LENGTH_MAX and REALM.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Of a group or a role."""
    return len(text) <= NAME_LENGTH_MAX and NAME.fullmatch(text) is not None


def is_token_name(text: str) -> bool:
    return len(text) <= NAME_LENGTH_MAX and TOKEN.fullmatch(text) is not None


def split_token(auth_id: str) -> tuple[str, str]:
    """User and token name of `user@realm!token`; the token name is empty for a user."""
    user, _, token = auth_id.partition("!")
    return user, token


def is_token(text: str) -> bool:
    user, bang, token = text.partition("!")
    return bool(bang) and is_user(user) and is_token_name(token)


def realm_of(user: str) -> str:
    return user.rpartition("@")[2]


def clean_path(text: str) -> str:
    """A path rights can be given on, in its one spelling. Raises InvalidInput for what is none (reference §8.6)."""
    parts = [part for part in text.split("/") if part]
    if not text.startswith("/") or len(text) > PATH_LENGTH_MAX or not _is_object(parts):
        reason = "is not a path that rights can be given on, like /nodes/alpha"
        raise InvalidInput(f"{text[:PATH_LENGTH_MAX]!r} {reason}.", fields={"path": reason})
    return "/" + "/".join(parts)


def _is_object(parts: list[str]) -> bool:
    if not all(NAME.fullmatch(part) and part not in (".", "..") for part in parts):
        return False
    if not parts:
        return True
    head, rest = parts[0], parts[1:]
    if head == "access":
        below = _TWO_LEVELS.get("/".join(parts[:2]))
        return not rest or (below is not None and (len(rest) == 1 or (len(rest) == 2 and _fits(below, rest[1]))))
    if head == "pool":
        return len(rest) <= _POOL_LEVELS_MAX
    if head == "mapping":
        return len(rest) <= 2
    if head == "sdn":
        return len(rest) <= 4
    return head in _PLAIN and len(rest) <= 1


def _fits(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.fullmatch(text) is not None
