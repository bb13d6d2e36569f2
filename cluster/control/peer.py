"""Another node, as this one asks it: signing in and calling its API, or fetching what this node missed.

Every exchange goes through `pinned.py`, which compares the certificate before a byte leaves; nothing is redirected,
and an answer that is not the JSON of an API is no answer. The blocking work runs in a thread; cancelling the caller
cuts the line. What is asked for, and in which order, is `cluster/workflow/join.py` and `cluster/node/`.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any, TypeGuard

from cluster.control.pinned import (
    ANSWER_SIZE_MAX,
    CONNECT_S,
    DEADLINE_S,
    Answer,
    Exchange,
    checked_address,
    checked_fingerprint,
    place,
    probe_fingerprint,
)
from cluster.control.proof import ReplayCache, check_proof, proof
from cluster.errors import InvalidInput, PeerError, PeerRefused
from cluster.secret import Secret

__all__ = ["Peer", "PeerSession", "ReplayCache", "check_proof", "fetch", "probe_fingerprint", "proof"]

API = "/api2/json"
HISTORY_PATH = "/peer/history"
EVENTS_PATH = "/peer/events"
STANDING_PATH = "/peer/standing"
NODE_HEADER = "Quire-Node"
PROOF_HEADER = "Quire-Proof"
HISTORY_SIZE_MAX = 192 << 20
HISTORY_DEADLINE_S = 300.0
SENTENCE_LENGTH_MAX = 1000
FIELDS_MAX = 64
PATH = re.compile(r"/[A-Za-z0-9%._~:@!+/-]*")
PRINTABLE = re.compile(r"[\x21-\x7e]{1,4096}")


class Peer:
    """A node at an address, to be trusted if it shows the certificate with this fingerprint."""

    def __init__(
        self,
        address: str,
        port: int,
        fingerprint: str,
        *,
        deadline_s: float = DEADLINE_S,
        size_max: int = ANSWER_SIZE_MAX,
        connect_s: float = CONNECT_S,
    ) -> None:
        """Raises `InvalidInput` when address or fingerprint are not of their form."""
        self.address = checked_address(address)
        self.port = port
        self.fingerprint = checked_fingerprint(fingerprint)
        self.deadline_s = deadline_s
        self.size_max = size_max
        self.connect_s = connect_s

    def __repr__(self) -> str:
        return f"Peer({self.address!r}, {self.port})"

    @property
    def where(self) -> str:
        return place(self.address, self.port)

    async def login(self, username: str, password: Secret) -> PeerSession:
        """Sign in. Raises `PeerRefused` (wrong password, second factor needed), `FingerprintMismatch`, `PeerError`."""
        data = await self.call("POST", "/access/ticket", {"username": username, "password": password.reveal()})
        if not isinstance(data, dict):
            raise PeerError(f"{self.where} answered the sign-in with something that is not a ticket.")
        if data.get("NeedTFA"):
            raise PeerRefused(f"{self.where} asks {username} for a second factor, which a join cannot give.")
        ticket, csrf = data.get("ticket"), data.get("CSRFPreventionToken")
        if not _is_printable(ticket) or not _is_printable(csrf):
            raise PeerError(f"{self.where} answered the sign-in with something that is not a ticket.")
        return PeerSession(self, Secret(ticket), Secret(csrf))

    async def call(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """One request to the node's API; → the envelope's `data`."""
        if not PATH.fullmatch(path):
            raise InvalidInput(f"{path!r} is not a path of the API.")
        body = None if params is None else urllib.parse.urlencode(_as_form(params)).encode()
        sent = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        return self._data_of(await _exchange(self, method, API + path, sent, body))

    def _data_of(self, answer: Answer) -> Any:
        if 300 <= answer.status < 400:
            raise PeerError(f"{self.where} wants to redirect the request elsewhere; that is refused.")
        if answer.status == 401 and not answer.body:
            raise PeerRefused(f"{self.where} does not accept who is asking (401 {_clean(answer.reason)}).")
        envelope = self._envelope_of(answer)
        if answer.status >= 400:
            raise self._refusal(answer, envelope)
        if "data" not in envelope:
            raise PeerError(f"{self.where} answered without data.")
        return envelope["data"]

    def _envelope_of(self, answer: Answer) -> dict[str, Any]:
        stranger = PeerError(f"{self.where} answered {answer.status} with something that is not an API's answer.")
        if answer.content_type != "application/json":
            raise stranger
        try:
            envelope = json.loads(answer.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise stranger from None
        if not isinstance(envelope, dict):
            raise stranger
        return envelope

    def _refusal(self, answer: Answer, envelope: Mapping[str, Any]) -> PeerRefused:
        message = envelope.get("message")
        text = _clean(message) if isinstance(message, str) else ""
        errors = envelope.get("errors")
        fields = list(errors.items())[:FIELDS_MAX] if isinstance(errors, dict) else []
        return PeerRefused(
            text or _clean(answer.reason) or f"{self.where} refused with HTTP {answer.status}.",
            fields={_clean(name): _clean(str(reason)) for name, reason in fields},
        )


class PeerSession:
    """A signed-in conversation with a peer. Holds a ticket, which appears in no repr."""

    def __init__(self, peer: Peer, ticket: Secret, csrf: Secret) -> None:
        self.peer = peer
        self._cookie = Secret("PVEAuthCookie=" + urllib.parse.quote(ticket.reveal(), safe=""))
        self._csrf = csrf

    def __repr__(self) -> str:
        return f"PeerSession({self.peer!r})"

    async def get(self, path: str) -> Any:
        """→ the envelope's data. Raises `PeerRefused` with the peer's own words, `PeerError`, `FingerprintMismatch`."""
        return await self.peer.call("GET", path, headers={"Cookie": self._cookie.reveal()})

    async def post(self, path: str, /, **params: Any) -> Any:
        """As `get`. Parameters that are None are left out; True and False travel as 1 and 0."""
        headers = {"Cookie": self._cookie.reveal(), "CSRFPreventionToken": self._csrf.reveal()}
        return await self.peer.call("POST", path, params, headers)


async def fetch(
    address: str,
    port: int,
    fingerprint: str,
    node_id: int,
    authkey: bytes,
    body: bytes,
    *,
    path: str = HISTORY_PATH,
    deadline_s: float = HISTORY_DEADLINE_S,
    size_max: int = HISTORY_SIZE_MAX,
    connect_s: float = CONNECT_S,
) -> bytes:
    """Ask a member of the cluster, as node `node_id`, for what this node lacks. Raises `PeerError`, `PeerRefused`."""
    peer = Peer(address, port, fingerprint, deadline_s=deadline_s, size_max=size_max, connect_s=connect_s)
    headers = {
        "Content-Type": "application/octet-stream",
        NODE_HEADER: str(node_id),
        PROOF_HEADER: proof(authkey, node_id, time.time(), body),
    }
    answer = await _exchange(peer, "POST", path, headers, body)
    if answer.status == 200 and answer.content_type == "application/octet-stream":
        return answer.body
    peer._data_of(answer)
    raise PeerError(f"{peer.where} answered {answer.status} with something that is not what was asked for.")


async def standing(
    address: str, port: int, fingerprint: str, node_id: int, shown: str, body: bytes, deadline_s: float
) -> Any:
    """Ask a member whether this node still is one. Raises `PeerError`, `PeerRefused`."""
    peer = Peer(address, port, fingerprint, deadline_s=deadline_s)
    headers = {"Content-Type": "application/json", NODE_HEADER: str(node_id), PROOF_HEADER: shown}
    return peer._data_of(await _exchange(peer, "POST", STANDING_PATH, headers, body))


async def _exchange(peer: Peer, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
    exchange = Exchange(
        peer.address, peer.port, peer.fingerprint,
        deadline_s=peer.deadline_s, size_max=peer.size_max, connect_s=peer.connect_s,
    )  # fmt: skip
    try:
        return await asyncio.to_thread(exchange.run, method, path, headers, body)
    except asyncio.CancelledError:
        exchange.abort()
        raise


def _as_form(params: Mapping[str, Any]) -> dict[str, str]:
    given = {name: value for name, value in params.items() if value is not None}
    return {name: str(int(value)) if isinstance(value, bool) else str(value) for name, value in given.items()}


def _clean(text: str) -> str:
    """A peer's words made fit for one line of a log: no control characters, not without end."""
    return "".join(char if char.isprintable() else " " for char in text.strip())[:SENTENCE_LENGTH_MAX]


def _is_printable(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and PRINTABLE.fullmatch(value) is not None


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
