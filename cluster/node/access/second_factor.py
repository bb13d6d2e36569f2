"""Second factors when signing in: what a user is asked for, whether the answer is right, and that none serves twice.

An answer is looked at inside the change that marks it used, so two nodes cannot both accept one. A node that cannot
write accepts codes of an authenticator all the same, each once as far as it knows, and no recovery codes. How factors
are added and removed is `enrolment.py`; the file is `cluster/access/tfa.py`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from cluster.access.tfa import Entry, SecondFactors
from cluster.core.tree import Tree
from cluster.errors import NoQuorum, Unauthenticated, Unavailable
from cluster.node.access import webauthn
from cluster.node.access.directory import Directory, Draft
from cluster.node.access.tickets import TicketKeys

REFUSED = "The code is not right, or was used before."
LOCKED = "Too many wrong codes: this second factor is locked. Use a recovery code, or ask an administrator."
CODE_LENGTH_MAX = 8192
STEPS = (0, -1, 1)
USED_MAX = 4096


class FactorCheck:
    """`keys` gives the ticket keys of now."""

    def __init__(
        self, directory: Directory, tree: Callable[[], Tree], keys: Callable[[], TicketKeys], now_s: Callable[[], float]
    ) -> None:
        self._directory, self._tree, self._keys, self._now_s = directory, tree, keys, now_s
        self._used: deque[tuple[str, str, int]] = deque(maxlen=USED_MAX)

    def challenge(self, user: str) -> str:
        """Half a ticket when the user has a second factor to give, else "". Raises InvalidInput for a damaged file."""
        factors = self._directory.factors()
        kinds = factors.kinds(user)
        if not kinds:
            return ""
        asked: dict[str, Any] = {"totp": "totp" in kinds, "recovery": recovery_left(factors, user)}
        if "webauthn" in kinds:
            asked["webauthn"] = webauthn.ask(factors, user)
        return self._keys().issue_challenge(user, json.dumps(asked, separators=(",", ":")), self._now_s())

    async def check(self, user: str, half: str, answer: str) -> None:
        """Raises Unauthenticated, one sentence for wrong and used, another for locked."""
        challenge = self._keys().verify_challenge(half, user, self._now_s())
        kind, _, code = answer.partition(":")
        if len(code) > CODE_LENGTH_MAX:
            raise Unauthenticated(REFUSED)

        def edit(draft: Draft) -> str:
            return self._judge(draft.factors, user, kind, code, challenge)

        try:
            verdict = await self._directory.change(edit, user=user, door="node")
        except (NoQuorum, Unavailable):
            verdict = self._judge_alone(user, kind, code, challenge)
        if verdict:
            raise Unauthenticated(verdict)

    def _judge(self, factors: SecondFactors, user: str, kind: str, code: str, challenge: str) -> str:
        """→ a refusal, or "" where the answer is right; what follows from it is noted in `factors`."""
        if factors.is_locked(user, kind, self._now_s()):
            return LOCKED
        if self._is_right(factors, user, kind, code, challenge):
            factors.succeeded(user, kind)
            return ""
        if kind in factors.kinds(user):
            factors.failed(user, kind, self._now_s())
        return REFUSED

    def _judge_alone(self, user: str, kind: str, code: str, challenge: str) -> str:
        factors = Draft(self._tree()).factors
        if kind != "totp":
            return REFUSED
        verdict = self._judge(factors, user, kind, code, challenge)
        marks = [
            (user, str(entry.get("id")), int(entry.get("last-step", 0))) for entry in factors.user(user).get(kind, ())
        ]
        if verdict or all(mark in self._used for mark in marks):
            return verdict or REFUSED
        self._used.extend(marks)
        return ""

    def _is_right(self, factors: SecondFactors, user: str, kind: str, code: str, challenge: str) -> bool:
        entries = [entry for each, entry in factors.entries(user) if each == kind and entry.get("enable", True)]
        if kind == "totp":
            return any(totp_is_right(entry, code, self._now_s()) for entry in entries)
        if kind == "recovery":
            return bool(entries) and _use_recovery(factors.own(user)["recovery"], code)
        if kind == "webauthn":
            return webauthn.is_right(factors, user, entries, code, challenge)
        return False


def recovery_left(factors: SecondFactors, user: str) -> list[int]:
    codes = (factors.user(user).get("recovery") or {}).get("entries") or ()
    return [number for number, code in enumerate(codes) if code]


def recovery_hash(secret: str, code: str) -> str:
    return hmac.new(secret.encode(), code.strip().encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def totp_is_right(entry: Entry, code: str, now_s: float) -> bool:
    """Marks the step of time as used: a code is good once, and no older one after it."""
    import pyotp

    try:
        totp = pyotp.parse_uri(str(entry["entry"]))
    except (KeyError, ValueError):
        return False
    if not isinstance(totp, pyotp.TOTP) or not code.isascii() or not code.isdecimal():
        return False
    for offset in STEPS:
        step = int(now_s) // totp.interval + offset
        right = hmac.compare_digest(totp.generate_otp(step), code)
        if right and step > int(entry.get("last-step") or 0):
            entry["last-step"] = step
            return True
    return False


def _use_recovery(recovery: Entry, code: str) -> bool:
    wanted = recovery_hash(str(recovery.get("secret")), code)
    for number, kept in enumerate(recovery.get("entries") or ()):
        if kept and hmac.compare_digest(str(kept), wanted):
            recovery["entries"][number] = None
            return True
    return False
