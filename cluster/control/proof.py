"""How one node proves to another that it holds the cluster's key: a keyed hash over what it asks, good once, for 60 s.

Used where a node fetches what it missed from another (`peer.fetch`). The corosync key itself never leaves the node.
Clocks of members may differ by up to the window; no more than that is trusted to them. Pure: the time is handed in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import deque

from cluster.errors import Busy, Unauthenticated

WINDOW_S = 60
REMEMBERED_MAX = 4096
PURPOSE = b"quire peer request 1\n"
PROOF = re.compile(r"1:(?P<time_s>[0-9]{1,12}):(?P<nonce>[0-9a-f]{32}):(?P<mac>[0-9a-f]{64})")


class ReplayCache:
    """Proofs seen in the last window. Full means refusing newcomers, never forgetting one that could come again."""

    def __init__(self, size_max: int = REMEMBERED_MAX) -> None:
        self._size_max = size_max
        self._seen: set[str] = set()
        self._order: deque[tuple[float, str]] = deque()

    def remember(self, mac: str, now_s: float) -> bool:
        """False when it was seen before. Raises `Busy` when there is no room."""
        while self._order and self._order[0][0] < now_s:
            self._seen.discard(self._order.popleft()[1])
        if mac in self._seen:
            return False
        if len(self._seen) >= self._size_max:
            raise Busy("Too many nodes are asking this one at once. Try again in a minute.")
        self._seen.add(mac)
        self._order.append((now_s + 2 * WINDOW_S, mac))  # a proof from a clock ahead of ours lives that long
        return True


def proof(authkey: bytes, node_id: int, time_s: float, body: bytes) -> str:
    """The text that goes with a request of node `node_id` with this body, made now (`time_s`, unix)."""
    seconds, nonce = int(time_s), secrets.token_hex(16)
    return f"1:{seconds}:{nonce}:{_mac(authkey, node_id, seconds, nonce, body)}"


def check_proof(authkey: bytes, text: str, node_id: int, body: bytes, now_s: float, seen: ReplayCache) -> None:
    """Return when the asker holds the key. Raises `Unauthenticated`, one sentence for every cause but the clock."""
    parts = PROOF.fullmatch(text) if len(text) < 200 else None
    if parts is None:
        raise _refusal()
    seconds = int(parts["time_s"])
    expected = _mac(authkey, node_id, seconds, parts["nonce"], body)
    if not hmac.compare_digest(expected, parts["mac"]):
        raise _refusal()
    if abs(now_s - seconds) > WINDOW_S:
        raise Unauthenticated(
            f"The clocks of node {node_id} and of this node differ by more than {WINDOW_S} s. Set them right."
        )
    if not seen.remember(parts["mac"], now_s):
        raise _refusal()


def _mac(authkey: bytes, node_id: int, seconds: int, nonce: str, body: bytes) -> str:
    text = PURPOSE + f"{node_id}:{seconds}:{nonce}:".encode() + hashlib.sha256(body).digest()
    return hmac.new(authkey, text, hashlib.sha256).hexdigest()


def _refusal() -> Unauthenticated:
    return Unauthenticated("The asking node did not prove that it is a member of this cluster.")
