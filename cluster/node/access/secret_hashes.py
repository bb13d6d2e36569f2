"""Hashes of passwords and of tokens: made, compared, and recognised as old.

Passwords are Argon2; the hashes of crypt(3) that Proxmox VE wrote ($5$, $6$, $y$) are compared by the C library's own
function and replaced after the next right password. Tokens are random enough for one SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets

import argon2

CRYPT_PREFIXES = ("$5$", "$6$", "$y$", "$2b$", "$2y$", "$7$", "$gy$")
TOKEN_PREFIX = "$sha256$"

log = logging.getLogger(__name__)

_hasher = argon2.PasswordHasher()
# What a user who does not exist is compared with, so that it costs the same.
NOBODYS = _hasher.hash(secrets.token_urlsafe(24))


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
