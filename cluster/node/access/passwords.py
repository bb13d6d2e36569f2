"""Checks a password: against PAM, or against an Argon2 hash where there is no PAM for us (demo, unprivileged node).

An answer is yes or no, never why; a user who does not exist costs what a wrong password costs. Checks run in a few
threads with a bound on how many wait and how long. Slowing down guesses is `throttle.py`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

import argon2

from cluster.errors import Busy, InvalidInput, Unavailable

PASSWORD_BYTES_MAX = 4096
HASHES_AT_ONCE = 2  # Argon2 takes 64 MiB and four threads a check
PAM_AT_ONCE = 8  # PAM takes 3 s for a wrong password, and does nothing meanwhile
CHECKS_WAITING_MAX = 32
CHECK_TIMEOUT_S = 15.0
PAM_SERVICES = ("quire", "login")  # the first that /etc/pam.d has


T = TypeVar("T")


class Passwords(Protocol):
    """Is this the user's password? Raises Busy when too many ask, Unavailable when the check does not end."""

    async def check(self, user: str, password: str) -> bool: ...


class PamPasswords:
    """Users of the realm `pam`: the host's own accounts, including the account check (expired, locked, nologin)."""

    def __init__(self, service: str | None = None) -> None:
        self._service = service or _pam_service()
        self._pool = BoundedPool(PAM_AT_ONCE)

    async def check(self, user: str, password: str) -> bool:
        name, _, realm = user.partition("@")
        acceptable = realm == "pam" and is_acceptable(password)
        # An impossible request goes through PAM as well, so that it costs the same.
        asked = (name, password) if acceptable else ("no-such-user", "-")
        return await self._pool.run(_pam_check, *asked, self._service)


class HashPasswords:
    """One user, one Argon2 hash: root@pam of a demo or of a node without PAM."""

    def __init__(self, hash_text: str, user: str = "root@pam") -> None:
        try:
            self._hasher = argon2.PasswordHasher.from_parameters(argon2.extract_parameters(hash_text))
        except argon2.exceptions.InvalidHashError:
            raise InvalidInput("The password hash file does not hold an Argon2 hash.") from None
        self._hash, self._user = hash_text, user
        self._nobodys_hash = self._hasher.hash(secrets.token_urlsafe(24))
        self._pool = BoundedPool(HASHES_AT_ONCE)

    @classmethod
    def from_file(cls, path: Path, user: str = "root@pam") -> HashPasswords:
        try:
            text = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"The password hash file {path} cannot be read.") from error
        return cls(text, user)

    async def check(self, user: str, password: str) -> bool:
        if user == self._user and is_acceptable(password):
            return await self._pool.run(_hash_check, self._hasher, self._hash, password)
        await self._pool.run(_hash_check, self._hasher, self._nobodys_hash, "-")
        return False


def prepare_hash(password: str) -> str:
    """The Argon2 hash of a password, as `--password-hash-file` expects it. Raises InvalidInput."""
    if not is_acceptable(password):
        raise InvalidInput("A password has 1 to 4096 bytes and no NUL.", fields={"password": "not acceptable"})
    return argon2.PasswordHasher().hash(password)


class BoundedPool:
    """A few threads, a bounded number of callers, a bounded wait."""

    def __init__(self, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="password")
        self._waiting = 0

    async def run(self, check: Callable[..., T], *arguments: object) -> T:
        if self._waiting >= CHECKS_WAITING_MAX:
            raise Busy("Too many sign-ins are being checked. Try again in a few seconds.")
        future = asyncio.get_running_loop().run_in_executor(self._threads, check, *arguments)
        # Counted until the thread is done, not until the caller gave up: a hung PAM must not pile up work.
        self._waiting += 1
        future.add_done_callback(self._ended)
        try:
            return await asyncio.wait_for(asyncio.shield(future), CHECK_TIMEOUT_S)
        except TimeoutError:
            raise Unavailable("The password check did not answer in time. Try again.") from None

    def _ended(self, future: asyncio.Future[Any]) -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()  # taken by the caller, unless the caller gave up


def is_acceptable(password: str) -> bool:
    # PAM's `nullok` would let an account without a password in with an empty one.
    if not password or "\0" in password:
        return False
    try:
        return len(password.encode()) <= PASSWORD_BYTES_MAX
    except UnicodeEncodeError:
        return False


def _hash_check(hasher: argon2.PasswordHasher, hash_text: str, password: str) -> bool:
    try:
        return hasher.verify(hash_text, password)
    except argon2.exceptions.VerifyMismatchError:
        return False


def _pam_check(name: str, password: str, service: str) -> bool:
    import pam  # loads libpam: only where PAM is used

    # No pam_setcred: it would change the groups of this process.
    return bool(pam.authenticate(name, password, service=service, resetcreds=False))


def _pam_service() -> str:
    return next((name for name in PAM_SERVICES if Path("/etc/pam.d", name).exists()), PAM_SERVICES[-1])


def make_passwords(hash_file: Path | None) -> Passwords:
    """Those of a file of hashes, or the host's own through PAM."""
    return HashPasswords.from_file(hash_file) if hash_file is not None else PamPasswords()
