"""Requests for looking before and after: pre-flight of create and join, what a check has found so far, leftovers.

A check runs in the daemon and is followed by its id: every finding is told to subscribers as a change `check`
({id, kind, done, findings}), and the whole so far can be asked for. What a finding is: `cluster/core/findings.py`.
"""

from __future__ import annotations

from cluster.control.request import Request
from cluster.secret import Secret


class CheckCreate(Request, tag="check.create"):
    """Look whether this node can found a cluster with these links. → {id}. Raises InvalidInput, Busy."""

    links: dict[int, str] = {}
    user: str = "root@pam"


class CheckJoin(Request, tag="check.join"):
    """Look from both sides whether this node can join; fields as JoinCluster's. → {id}. Raises InvalidInput, Busy."""

    hostname: str
    fingerprint: str
    password: Secret = Secret()
    links: dict[int, str] = {}
    nodeid: int | None = None
    token: Secret = Secret()
    cluster_uuid: str = ""
    user: str = "root@pam"


class CheckMembers(Request, tag="check.members"):
    """Compare all nodes, as VerifyCluster does, told as they answer. → {id}. Raises NotInCluster, Busy."""

    user: str = "root@pam"


class CheckState(Request, tag="check.state"):
    """→ {id, kind, done, findings: [{code, severity, sentence, firm, node, why, advice, fix}]}; with `after` not before
    there are more findings than that, or it is done, or `wait_s` are over. Raises NotFound."""

    id: str
    after: int = -1
    wait_s: float = 0
    user: str = "root@pam"


class RemoveLeftovers(Request, tag="check.remove-leftovers"):
    """Move what a former cluster left on this node into a backup. → {backup, files: [path]}. Raises Conflict on a node
    that is in a cluster or is changing."""

    user: str = "root@pam"


class MembersPreflight(Request, tag="check.as-member"):
    """A node that would join asks its members to look at it: see cluster/workflow/check_together.py. → {nodes, now_s,
    took_s}. Raises NotInCluster, Busy, InvalidInput."""

    node: str
    address: str
    port: int
    nonce: str
    links: dict[int, str] = {}
    user: str = "root@pam"


class TokenPreflight(Request, tag="join-token.preflight"):
    """The same, by a node that shows a join token."""

    token: Secret
    cluster: str
    time: int
    node: str
    address: str
    port: int
    nonce: str
    links: dict[int, str] = {}
