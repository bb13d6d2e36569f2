"""Who is asking: tickets, anti-forgery tokens, and the key a node signed with before it joined a cluster.

Tickets and CSRF tokens have Proxmox VE's exact form, so that its clients work; any node of a cluster can check what any
other issued, because the keys lie in the tree. Where keys are stored is the caller's business; here they are PEM bytes.
Passwords are `passwords.py`; how a sign-in is put together from both is `sign_in.py`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cluster.access.names import is_user
from cluster.errors import Unauthenticated, Unavailable

TICKET_LIFETIME_S = 7200  # from issue on
CLOCK_SKEW_S = 300  # a ticket from a node whose clock is ahead
FORMER_KEY_WINDOW_S = 600  # how long after a join a former ticket can be exchanged
KEY_BITS = 2048
TICKET_LENGTH_MAX = 2048
CHALLENGE_LIFETIME_S = 300  # to enter a second factor
CHALLENGE_LENGTH_MAX = 4096

_TICKET = re.compile(r"(PVE:([^:]+):([0-9A-F]{8}))::([A-Za-z0-9+/]+={0,2})")
_CHALLENGE = re.compile(r"(PVE:!tfa!([^:]+):([0-9A-F]{8}))::([A-Za-z0-9+/]+={0,2})")
_CSRF = re.compile(r"([0-9A-F]{8}):([A-Za-z0-9+/]+)")
_REFUSED = "The ticket is not valid here or has expired. Sign in again."
_CSRF_REFUSED = "The anti-forgery token is missing, expired or belongs to somebody else. Reload the page and try again."


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a valid ticket says."""

    user: str
    issued_s: int


class TicketKeys:
    """The keys that sign and check tickets: the private one, its public half, and the one before the last rotation.

    `rotated_s` is when the old key was replaced: a ticket it signed later than that is forged and refused.
    """

    def __init__(
        self, private_pem: bytes, public_pem: bytes, old_public_pem: bytes | None = None, rotated_s: float | None = None
    ) -> None:
        self._private = _private_key(private_pem)
        self._public = _public_key(public_pem)
        self._old = _public_key(old_public_pem) if old_public_pem else None
        self._rotated_s = rotated_s

    def __repr__(self) -> str:
        return "TicketKeys(***)"

    def issue(self, user: str, now_s: float) -> str:
        """A ticket for `user`, good for two hours from `now_s`. Raises ValueError for what is no user name."""
        if not is_user(user):
            raise ValueError("a ticket is issued for name@realm only")
        said = f"PVE:{user}:{int(now_s):08X}"
        return f"{said}::{self._signature(said)}"

    def issue_challenge(self, user: str, challenge: str, now_s: float) -> str:
        """Half a ticket: `user` gave the password, and has five minutes for a second factor. Good for nothing else."""
        escaped = challenge.replace("%", "%25").replace(":", "%3A")
        said = f"PVE:!tfa!{escaped}:{int(now_s):08X}"
        return f"{said}::{self._signature(f'{said}:{user}')}"

    def verify_challenge(self, ticket: str, user: str, now_s: float) -> str:
        """The challenge in half a ticket of this very user. Raises Unauthenticated."""
        match = _CHALLENGE.fullmatch(ticket) if len(ticket) <= CHALLENGE_LENGTH_MAX else None
        if match is None:
            raise Unauthenticated(_REFUSED)
        signature, issued_s = _signature_bytes(match[4]), int(match[3], 16)
        said = f"{match[1]}:{user}".encode()
        keys = [key for key in (self._public, self._old) if key is not None]
        in_time = -CLOCK_SKEW_S <= now_s - issued_s <= CHALLENGE_LIFETIME_S
        if not in_time or not any(_signed(key, signature, said) for key in keys):
            raise Unauthenticated(_REFUSED)
        return unquote(match[2])

    def _signature(self, said: str) -> str:
        signature = self._private.sign(said.encode(), padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signature).decode()

    def verify(self, ticket: str, now_s: float) -> Ticket:
        """Who the ticket was issued for. Raises Unauthenticated, with one sentence for every cause."""
        said, signature, read = _parse(ticket)
        if not _in_window(read.issued_s, now_s):
            raise Unauthenticated(_REFUSED)
        if _signed(self._public, signature, said):
            return read
        old_is_good = self._rotated_s is None or read.issued_s <= self._rotated_s + CLOCK_SKEW_S
        if self._old is not None and old_is_good and _signed(self._old, signature, said):
            return read
        raise Unauthenticated(_REFUSED)


def new_ticket_keys() -> tuple[bytes, bytes]:
    """A new signing key for tickets: (private PEM, public PEM)."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    private_pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public_pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private_pem, public_pem


def new_csrf_key() -> bytes:
    """A new key for anti-forgery tokens, as text: the content of `pve-www.key`."""
    return base64.b64encode(secrets.token_bytes(48)) + b"\n"


def issue_csrf_token(key: bytes, user: str, now_s: float) -> str:
    """The anti-forgery token of `user`: time and an HMAC over time and user."""
    stamp = f"{int(now_s):08X}"
    return f"{stamp}:{_csrf_signature(key, stamp, user)}"


def verify_csrf_token(key: bytes, token: str, user: str, now_s: float) -> None:
    """Raises Unauthenticated unless the token was issued to `user` within the last two hours."""
    match = _CSRF.fullmatch(token) if len(token) <= TICKET_LENGTH_MAX else None
    if match is None:
        raise Unauthenticated(_CSRF_REFUSED)
    genuine = hmac.compare_digest(_csrf_signature(key, match[1], user), match[2])
    if not genuine or not _in_window(int(match[1], 16), now_s):
        raise Unauthenticated(_CSRF_REFUSED)


@dataclass(slots=True)
class FormerKeys:
    """The signing key of a node's stand-alone life, kept through a join so that the browser which started it survives.

    `keep` before the store becomes the cluster's, `open` once the join succeeded, `drop` when it was taken back. While
    open (ten minutes) a valid ticket of the former key proves its user; the caller issues a new one for that user.
    """

    now_s: Callable[[], float]
    _keys: TicketKeys | None = field(default=None, repr=False)
    _open_until_s: float | None = None

    def keep(self, keys: TicketKeys) -> None:
        self._keys, self._open_until_s = keys, None

    def open(self) -> None:
        if self._keys is not None:
            self._open_until_s = self.now_s() + FORMER_KEY_WINDOW_S

    def drop(self) -> None:
        self._keys = self._open_until_s = None

    def user_of(self, ticket: str) -> str:
        """The user a former ticket was issued for. Raises Unauthenticated when closed or not valid."""
        if self._open_until_s is not None and self.now_s() > self._open_until_s:
            self.drop()
        if self._keys is None or self._open_until_s is None:
            raise Unauthenticated(_REFUSED)
        return self._keys.verify(ticket, self.now_s()).user


def _parse(ticket: str) -> tuple[bytes, bytes, Ticket]:
    """The signed part, the signature and the meaning of a ticket. One spelling only: no slack in base64."""
    match = _TICKET.fullmatch(ticket) if len(ticket) <= TICKET_LENGTH_MAX else None
    if match is None or not is_user(match[2]):
        raise Unauthenticated(_REFUSED)
    signature = _signature_bytes(match[4])
    return match[1].encode(), signature, Ticket(match[2], int(match[3], 16))


def _signature_bytes(text: str) -> bytes:
    try:
        signature = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Unauthenticated(_REFUSED) from None
    if base64.b64encode(signature).decode() != text:
        raise Unauthenticated(_REFUSED)
    return signature


def _in_window(issued_s: float, now_s: float) -> bool:
    return -CLOCK_SKEW_S <= now_s - issued_s <= TICKET_LIFETIME_S


def _signed(key: rsa.RSAPublicKey, signature: bytes, said: bytes) -> bool:
    try:
        key.verify(signature, said, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _csrf_signature(key: bytes, stamp: str, user: str) -> str:
    secret = _base64_unpadded(hmac.digest(key, b"", hashlib.sha256))
    return _base64_unpadded(hmac.digest(secret.encode(), f"{stamp}:{user}".encode(), hashlib.sha256))


def _base64_unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _private_key(pem: bytes) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise Unavailable("The key that signs tickets (priv/authkey.key) is damaged.") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Unavailable("The key that signs tickets (priv/authkey.key) is not an RSA key.")
    return key


def _public_key(pem: bytes) -> rsa.RSAPublicKey:
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError:
        raise Unavailable("The key that checks tickets (authkey.pub) is damaged.") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise Unavailable("The key that checks tickets (authkey.pub) is not an RSA key.")
    return key
