"""The conversation of a joining node with a member, which a password opens, or a join token for its questions alone.

The member is known by its certificate before a byte of the token leaves (`cluster/control/peer.py`). What a token is
good for is `join_tokens.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from cluster.errors import PeerRefused
from cluster.secret import Secret
from cluster.workflow.asking import Peers, PeerSession
from cluster.workflow.clock import Clock
from cluster.workflow.join_plan import PEER_USER, JoinPlan

INFORMATION = "/cluster/config/join"
API_VERSION = "/cluster/config/apiversion"
PREFLIGHT = "/cluster/config/preflight"


async def signed_in(plan: JoinPlan, peers: Peers, clock: Clock) -> PeerSession:
    """By what the plan has. A token is shown with the first question. Raises PeerError and its kinds."""
    peer = peers(plan.hostname, plan.fingerprint)
    if plan.token:
        return TokenSession(peer, plan.token, plan.cluster_uuid, clock.unix_s)
    return await peer.login(PEER_USER, plan.password)


class Asking(Protocol):
    async def call(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> Any: ...


class TokenSession:
    """Answers as a session does (`PeerSession` of `join.py`). `now_s` is this node's clock, which the member checks."""

    def __init__(self, peer: Asking, token: Secret, cluster_uuid: str, now_s: Callable[[], float]) -> None:
        self._peer, self._token, self._uuid, self._now_s = peer, token, cluster_uuid, now_s
        self._version: Any = None

    async def get(self, path: str) -> Any:
        """Both are one question: whether the token opens the door, and to what."""
        if path == API_VERSION and self._version is not None:
            return self._version
        said = await self._peer.call("POST", "/cluster/config/tokens/open", self._shown({}))
        if not isinstance(said, Mapping):
            raise PeerRefused("The member did not say which cluster the join token opens.")
        self._version = said.get("apiversion")
        return self._version if path == API_VERSION else said.get("information")

    async def post(self, path: str, /, **params: Any) -> Any:
        if path == PREFLIGHT:
            return await self._peer.call("POST", "/cluster/config/tokens/preflight", self._shown(params))
        node = path.rsplit("/", 1)[1]
        return await self._peer.call("POST", f"/cluster/config/tokens/nodes/{node}", self._shown(params))

    def _shown(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {**params, "token": self._token.reveal(), "cluster": self._uuid or None, "time": int(self._now_s())}
