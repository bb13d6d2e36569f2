"""Security keys as a second factor (WebAuthn): what is asked of the browser, and whether its answer is right.

The challenge travels inside the half ticket, which is signed, so that any node can look at the answer. The site a key
is bound to is the one it was registered at: its name is kept with the key. The library does the cryptography.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cluster.access.tfa import Entry, SecondFactors
from cluster.errors import InvalidInput

CHALLENGE_BYTES = 32
TIMEOUT_MS = 60_000
WRONG = "The security key's answer is not right."


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def rp_of(origin: str) -> str:
    """The host in `https://host:port`: what a key is bound to."""
    return urlsplit(origin).hostname or "localhost"


def known(factors: SecondFactors, user: str) -> list[str]:
    entries = factors.entries(user)
    return [entry["entry"]["credential"] for kind, entry in entries if kind == "webauthn" and _is_ours(entry)]


def ask(factors: SecondFactors, user: str) -> Entry:
    """What navigator.credentials.get() is given, under `publicKey`."""
    keys = [entry["entry"] for kind, entry in factors.entries(user) if kind == "webauthn" and _is_ours(entry)]
    asked = {
        "challenge": encoded(secrets.token_bytes(CHALLENGE_BYTES)),
        "timeout": TIMEOUT_MS,
        "allowCredentials": [{"type": "public-key", "id": key["credential"]} for key in keys],
        "userVerification": "discouraged",
    }
    return {"publicKey": {**asked, **({"rpId": keys[0]["rp"]} if keys else {})}}


def is_right(factors: SecondFactors, user: str, entries: Sequence[Entry], answer: str, challenge: str) -> bool:
    """`answer` is the browser's credential as JSON; the key's counter goes on, and never back."""
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        credential = json.loads(answer)
        expected = decoded(json.loads(challenge)["webauthn"]["publicKey"]["challenge"])
        entry = next(one for one in entries if _is_ours(one) and one["entry"]["credential"] == credential["id"])
        key = entry["entry"]
        used = factors.own(user).setdefault("used-challenges", [])
        if encoded(expected) in used:
            return False
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=expected,
            expected_rp_id=key["rp"],
            expected_origin=key["origin"],
            credential_public_key=decoded(key["public-key"]),
            credential_current_sign_count=int(key["counter"]),
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, StopIteration, RecursionError):
        return False
    key["counter"] = verified.new_sign_count
    factors.own(user)["used-challenges"] = [*used, encoded(expected)][-16:]
    return True


def ask_registration(user: str, rp: str, known: Sequence[str]) -> tuple[str, bytes]:
    """→ what navigator.credentials.create() is given, as JSON, and the challenge in it."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=rp,
        rp_name="Quire",
        user_name=user,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=decoded(each)) for each in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            user_verification=UserVerificationRequirement.DISCOURAGED
        ),
    )
    return json.dumps({"publicKey": json.loads(options_to_json(options))}), options.challenge


def registered(answer: str, challenge: bytes, rp: str, origin: str) -> Entry:
    """What is kept of a new key. Raises InvalidInput."""
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        made = verify_registration_response(
            credential=json.loads(answer), expected_challenge=challenge, expected_rp_id=rp, expected_origin=origin
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput(WRONG, fields={"value": "is not a right answer of a security key"}) from None
    return {
        "credential": encoded(made.credential_id),
        "public-key": encoded(made.credential_public_key),
        "counter": made.sign_count,
        "rp": rp,
        "origin": origin,
    }


def _is_ours(entry: Entry) -> bool:
    """Not one that Proxmox VE registered: its entries are kept as they are, and cannot be used here."""
    kept: Any = entry.get("entry")
    return isinstance(kept, dict) and {"credential", "public-key", "rp", "origin", "counter"} <= kept.keys()
