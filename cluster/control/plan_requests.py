"""Requests for what a workflow would do, without doing it. Like `requests.py`, whose manner and rules hold here too."""

from __future__ import annotations

from cluster.control.requests import AddNode, CreateCluster, JoinCluster, LeaveCluster, Request


class Rename(Request, tag="cluster.rename"):
    """Call a node, or with an empty `node` the cluster, `name`. → {upid}. Raises InvalidInput, NotInCluster, Conflict;
    what stands against it is the task's outcome."""

    name: str
    node: str = ""
    user: str = "root@pam"


class Plan(Request, tag="cluster.plan"):
    """What the workflow of `asked` would do: its checks are made, on the other node as well, and nothing is changed.
    → {steps: [sentence], warnings: [sentence], obstacle}: `obstacle` is why it would be refused now, else "". Raises
    InvalidInput as that request does."""

    asked: CreateCluster | JoinCluster | LeaveCluster | AddNode | Rename
    user: str = "root@pam"


class PlanUndoRemoval(Request, tag="cluster.plan-undo-removal"):
    """What taking the removal of `node` back would do. → as Plan."""

    node: str
    user: str = "root@pam"


class RenewCertificate(Request, tag="node.renew-certificate"):
    """This node's certificate, made anew where there is none fit for use, or with `force` in any case. → {renewed,
    fingerprint}. Raises NoQuorum, Unavailable."""

    force: bool = False
    user: str = "root@pam"
