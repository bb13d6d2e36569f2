"""Second factors made: an authenticator proved by a code, recovery codes shown once, a security key by its answer.

A key's registration has two steps; the challenge goes to the browser and comes back, signed for this very user. What a
factor is good for afterwards is `second_factor.py`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from cluster.access.tfa import DESCRIPTION_LENGTH_MAX, Entry, SecondFactors
from cluster.errors import Conflict, InvalidInput
from cluster.node.access import second_factor, webauthn
from cluster.node.access.tickets import TicketKeys
from cluster.secret import given

RECOVERY_CODES = 10
ENTRIES_MAX = 20
TOTP_LENGTH_MAX = 1024
REGISTER = "register "

Answer = dict[str, Any]


class Enrolment:
    """`keys` gives the ticket keys of now."""

    def __init__(self, keys: Callable[[], TicketKeys], now_s: Callable[[], float]) -> None:
        self._keys, self._now_s = keys, now_s

    def add(self, factors: SecondFactors, user: str, wanted: Any) -> Answer:
        """`wanted` has the fields of FactorAdd. Raises InvalidInput, Conflict, Unauthenticated."""
        if len(wanted.description) > DESCRIPTION_LENGTH_MAX:
            raise InvalidInput("The description is too long.", fields={"description": "has more than 255 characters"})
        if sum(1 for _ in factors.entries(user)) >= ENTRIES_MAX:
            raise Conflict(f"{user} has {ENTRIES_MAX} second factors already.")
        makers = {"totp": self._authenticator, "recovery": self._recovery, "webauthn": self._security_key}
        if wanted.type not in makers:
            raise InvalidInput("There is no such kind.", fields={"type": "must be totp, recovery or webauthn"})
        return makers[wanted.type](factors, user, wanted)

    def _authenticator(self, factors: SecondFactors, user: str, wanted: Any) -> Answer:
        entry = {**self._info(wanted.description), "entry": _address(given(wanted.totp))}
        if not second_factor.totp_is_right(entry, given(wanted.value), self._now_s()):
            raise InvalidInput("The code does not belong to it.", fields={"value": "is not the code it shows now"})
        factors.own(user).setdefault("totp", []).append(entry)
        return {"id": entry["id"]}

    def _recovery(self, factors: SecondFactors, user: str, _wanted: Any) -> Answer:
        if second_factor.recovery_left(factors, user):
            raise Conflict(f"{user} has recovery codes. Remove them first.")
        secret = secrets.token_hex(8)
        codes = ["-".join(secrets.token_hex(2) for _ in range(4)) for _ in range(RECOVERY_CODES)]
        hashed = [second_factor.recovery_hash(secret, code) for code in codes]
        factors.own(user)["recovery"] = {"secret": secret, "entries": hashed, "created": int(self._now_s())}
        return {"id": "recovery", "recovery": codes}

    def _security_key(self, factors: SecondFactors, user: str, wanted: Any) -> Answer:
        rp = webauthn.rp_of(wanted.origin)
        known = webauthn.known(factors, user)
        if wanted.challenge is None:
            asked, challenge = webauthn.ask_registration(user, rp, known)
            half = self._keys().issue_challenge(user, REGISTER + webauthn.encoded(challenge), self._now_s())
            return {"challenge": json.dumps({**json.loads(asked), "proof": half})}
        said = self._keys().verify_challenge(wanted.challenge.reveal(), user, self._now_s())
        if not said.startswith(REGISTER):
            raise InvalidInput("That is no registration.", fields={"challenge": "was given for something else"})
        challenge = webauthn.decoded(said.removeprefix(REGISTER))
        kept = webauthn.registered(given(wanted.value), challenge, rp, wanted.origin)
        if kept["credential"] in known:
            raise Conflict("This security key is registered already.")
        entry = {**self._info(wanted.description), "entry": kept}
        factors.own(user).setdefault("webauthn", []).append(entry)
        return {"id": entry["id"]}

    def _info(self, description: str) -> Entry:
        created = int(self._now_s())
        return {"id": secrets.token_hex(8), "description": description, "created": created, "enable": True}


def _address(text: str) -> str:
    import pyotp

    try:
        good = len(text) <= TOTP_LENGTH_MAX and isinstance(pyotp.parse_uri(text), pyotp.TOTP)
    except ValueError:
        good = False
    if not good:
        raise InvalidInput("That is no authenticator.", fields={"totp": "must be otpauth://totp/…?secret=…"})
    return text
