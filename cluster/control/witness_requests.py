"""Requests about the cluster's witness: typed as in `requests.py`, whose rules hold here too."""

from __future__ import annotations

from cluster.control.requests import Request


class SetUpWitness(Request, tag="cluster.witness-set-up"):
    """Give the cluster a witness. → {upid}. `invitation` is the line that script/witness printed on its host; `force`:
    also for an odd number of nodes. Raises InvalidInput, Conflict; what goes wrong later is the task's outcome."""

    invitation: str
    force: bool = False
    user: str = "root@pam"


class RemoveWitness(Request, tag="cluster.witness-remove"):
    """→ {upid}. Raises Conflict; that there is none, or no quorum, is the task's outcome."""

    user: str = "root@pam"


class PlanWitness(Request, tag="cluster.plan-witness"):
    """What setting up would do, or with `remove` taking away, and whether it could be done now; the witness's host is
    not asked. → {steps: [sentence], warnings: [sentence], obstacle}. Raises InvalidInput."""

    invitation: str = ""
    force: bool = False
    remove: bool = False
    user: str = "root@pam"


class WitnessTold(Request, tag="cluster.witness"):
    """→ {host, algorithm, configured_votes, votes, resting, managed, connected, since_s, seen: [[node, {installed,
    state, connected, since_s, vote, algorithm, tie_breaker, trouble}]], advice}: the witness as this node knows of it;
    `host` is empty where there is none. Raises NotInCluster."""
