"""Requests about join tokens: making, listing and revoking them, and what a joining node does with one."""

from __future__ import annotations

from cluster.control.request import Request
from cluster.secret import Secret


class TokenCreate(Request, tag="join-token.create"):
    """→ {name, uses, expires_s, invitation, command, address, fingerprint}: `invitation` is the join string with the
    token in it, which nobody can read again. Raises NotInCluster, InvalidInput, Conflict, NoQuorum."""

    name: str
    uses: int = 1
    hours: float = 3
    user: str = "root@pam"


class TokenRows(Request, tag="join-token.list"):
    """→ [{name, state: good|used-up|expired|revoked, uses, used_by: [node], made_s, expires_s, user}], newest first."""


class TokenRevoke(Request, tag="join-token.revoke"):
    """→ null. Raises NotFound."""

    name: str
    user: str = "root@pam"


class TokenOpen(Request, tag="join-token.open"):
    """A joining node shows its token. → {apiversion, information}: the second as JoinInfo answers. Nothing is used up.
    Raises the kinds of TokenRefused."""

    token: Secret
    cluster: str
    time: int


class TokenAdd(Request, tag="join-token.add"):
    """As AddNode, by a joining node that has a token."""

    token: Secret
    cluster: str
    time: int
    node: str
    links: dict[int, str] = {}
    nodeid: int | None = None
    votes: int | None = None
    force: bool = False
    new_node_ip: str | None = None
    apiversion: int = 0
