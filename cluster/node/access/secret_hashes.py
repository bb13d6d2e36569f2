"""Hashes of passwords and of tokens: made, compared, and recognised as old.

Passwords are Argon2; the hashes of crypt(3) that Proxmox VE wrote ($5$, $6$, $y$) are compared by the C library's own
function and replaced after the next right password. Tokens are random enough for one SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets

import argon2

CRYPT_PREFIXES = ("$5$", "$6$", "$y$", "$2b$", "$2y$", "$7$", "$gy$")
TOKEN_PREFIX = "$sha256$"

log = logging.getLogger(__name__)

_hasher = argon2.PasswordHasher()


def _nobodys(made_by: argon2.PasswordHasher) -> str:
    """A hash that no password has, which costs as much to compare, and nothing to make at each start."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (made_by.salt_len, made_by.hash_len)
    )
    costs = f"m={made_by.memory_cost},t={made_by.time_cost},p={made_by.parallelism}"
    return f"$argon2id$v={argon2.low_level.ARGON2_VERSION}${costs}${salt}${digest}"


# What a user who does not exist is compared with, so that it costs the same.
NOBODYS = _nobodys(_hasher)


def new(password: str) -> str:
    return _hasher.hash(password)


def is_right(stored: str, password: str) -> bool:
    """Takes time; for a thread. A hash of a kind not known here is never right."""
    if stored.startswith("$argon2"):
        try:
            return _hasher.verify(stored, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
    if stored.startswith(CRYPT_PREFIXES):
        return _crypt_is_right(stored, password)
    return False


def is_old(stored: str) -> bool:
    """Should this be replaced now that the password is known?"""
    return not stored.startswith("$argon2") or _hasher.check_needs_rehash(stored)


def _crypt_is_right(stored: str, password: str) -> bool:
    try:
        import crypt_r
    except ImportError:
        log.warning("A password's hash of crypt(3) cannot be compared: crypt_r is not installed.")
        return False
    try:
        computed = crypt_r.crypt(password, stored)
    except OSError:
        return False
    return computed is not None and hmac.compare_digest(computed.encode(), stored.encode())


def of_token(value: str) -> str:
    return TOKEN_PREFIX + hashlib.sha256(value.encode()).hexdigest()


def is_token(stored: str, value: str) -> bool:
    """`stored` is a hash, or in a file of Proxmox VE the token's value itself."""
    given = of_token(value) if stored.startswith(TOKEN_PREFIX) else value
    return hmac.compare_digest(stored.encode(), given.encode("utf-8", "surrogatepass"))


def token_is_clear(stored: str) -> bool:
    return not stored.startswith(TOKEN_PREFIX)
