"""`priv/tfa.cfg`: each user's second factors, as JSON in Proxmox VE's shape. Members not known here survive.

Kinds are totp (an otpauth address), recovery (hashes of codes, each good once), webauthn, and the old u2f and yubico,
which are kept and can be removed. How a code is checked is `cluster/node/access/second_factor.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cluster.errors import InvalidInput, NotFound

PATH = "priv/tfa.cfg"
LISTED = ("totp", "webauthn", "u2f", "yubico")
TOTP_FAILURES_MAX = 8
OTHER_FAILURES_MAX = 100
LOCK_S = 3600
DESCRIPTION_LENGTH_MAX = 255

Entry = dict[str, Any]


@dataclass(slots=True)
class SecondFactors:
    """The file as it is, with the few questions and changes there are."""

    content: dict[str, Any] = field(default_factory=dict, repr=False)

    def user(self, name: str) -> Entry:
        """What a user has; empty, and not kept, for a user without."""
        found = self.content.get("users", {}).get(name)
        return found if isinstance(found, dict) else {}

    def own(self, name: str) -> Entry:
        """The same to be changed."""
        users: Entry = self.content.setdefault("users", {})
        made: Entry = users.setdefault(name, {})
        return made

    def kinds(self, name: str) -> list[str]:
        """The kinds a user can be asked for now."""
        return sorted({kind for kind, entry in self.entries(name) if entry.get("enable", True)})

    def entries(self, name: str) -> Iterator[tuple[str, Entry]]:
        user = self.user(name)
        for kind in LISTED:
            for entry in user.get(kind) or ():
                yield kind, entry
        recovery = user.get("recovery")
        if isinstance(recovery, dict) and any(recovery.get("entries") or ()):
            yield "recovery", {"id": "recovery", "description": "", "created": 0, "enable": True, **recovery}

    def described(self, name: str) -> list[Entry]:
        """Entries as clients see them: no secret among it."""
        return [
            {
                "id": str(entry.get("id", "")),
                "type": kind,
                "description": str(entry.get("description") or ""),
                "created": int(entry.get("created") or 0),
                "enable": bool(entry.get("enable", True)),
            }
            for kind, entry in self.entries(name)
        ]

    def find(self, name: str, entry_id: str) -> tuple[str, Entry]:
        """Raises NotFound."""
        for kind, entry in self.entries(name):
            if entry.get("id") == entry_id:
                return kind, entry
        raise NotFound(f"{name} has no second factor {entry_id[:64]}.")

    def remove(self, name: str, entry_id: str) -> None:
        """Raises NotFound."""
        kind, _ = self.find(name, entry_id)
        user = self.own(name)
        if kind == "recovery":
            del user["recovery"]
        else:
            user[kind] = [entry for entry in user[kind] if entry.get("id") != entry_id]
        if not any(user.get(each) for each in (*LISTED, "recovery")):
            self.forget(name)

    def forget(self, name: str) -> None:
        self.content.get("users", {}).pop(name, None)

    def is_locked(self, name: str, kind: str, now_s: float) -> bool:
        user = self.user(name)
        return (kind == "totp" and bool(user.get("totp-locked"))) or now_s < float(user.get("tfa-locked-until") or 0)

    def unlock(self, name: str) -> bool:
        """→ was it locked?"""
        user = self.user(name)
        found = [key for key in ("totp-locked", "tfa-locked-until", "totp-failures", "tfa-failures") if key in user]
        for key in found:
            del user[key]
        return any(key.endswith(("locked", "until")) for key in found)

    def failed(self, name: str, kind: str, now_s: float) -> None:
        """Count a wrong code: eight of an authenticator lock it, a hundred of the others lock all for an hour."""
        user = self.own(name)
        if kind == "totp":
            user["totp-failures"] = int(user.get("totp-failures") or 0) + 1
            if user["totp-failures"] >= TOTP_FAILURES_MAX:
                user["totp-locked"] = True
        else:
            user["tfa-failures"] = int(user.get("tfa-failures") or 0) + 1
            if user["tfa-failures"] >= OTHER_FAILURES_MAX:
                user["tfa-locked-until"], user["tfa-failures"] = int(now_s) + LOCK_S, 0

    def succeeded(self, name: str, kind: str) -> None:
        user = self.own(name)
        user.pop("totp-failures" if kind == "totp" else "tfa-failures", None)
        if kind == "recovery":  # whoever has a recovery code is let back to the authenticator
            user.pop("totp-locked", None)
            user.pop("totp-failures", None)


def parse(data: bytes) -> SecondFactors:
    """Raises InvalidInput for what is no JSON object: nobody with a second factor is then let in without."""
    try:
        content = json.loads(data) if data.strip() else {}
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("users", {}), dict):
        raise InvalidInput(f"{PATH} in the store is damaged.")
    return SecondFactors(content)


def render(factors: SecondFactors) -> bytes:
    return json.dumps(factors.content, separators=(",", ":"), ensure_ascii=False).encode()
