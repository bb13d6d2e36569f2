"""Requests about links, the witness and expected votes: typed as in `requests.py`, whose rules hold here too."""

from __future__ import annotations

from cluster.control.requests import Request


class Links(Request, tag="cluster.links"):
    """→ [{node, peer, link, address, peer_address, connected, latency_us, latency_ave_us, latency_max_us, loss,
    retries, flaps, mtu}]: every link of every node towards every peer, this node's measured now and the others' as
    they told within the last seconds; `connected` and all after it are null where a node has told nothing.
    Raises NotInCluster."""


class LinkHistory(Request, tag="cluster.link-history"):
    """→ {step_s, there: rows, back: rows}: what the latency of a link between two nodes was, as `node` measured it and
    as `peer` did; rows are [{time, latency_us, latency_max_us, down}], oldest first, latencies null where nothing is
    known. `frame` is hour or day. Raises NotInCluster, NotFound, InvalidInput."""

    node: str
    peer: str
    link: int
    frame: str = "hour"


class PlanLinks(Request, tag="cluster.plan-links"):
    """What changing links would come to; takes what ChangeLinks takes. → {steps: [sentence], warnings: [sentence]}.
    Raises NotInCluster, NotFound, Conflict, InvalidInput naming `linkN`."""

    links: dict[int, str]


class ChangeLinks(Request, tag="cluster.change-links"):
    """Change links of the running cluster, one at a time, on trial. → {upid}. `links` maps a link's number to
    "NODE=ADDRESS,…,priority=N" (nodes that are not named keep theirs) or to "remove". What is not confirmed within
    `confirm_s` goes back on every node; with `at_once` it confirms itself when every node hears every peer over it.
    Raises what PlanLinks raises, and Conflict while another change is on trial."""

    links: dict[int, str]
    confirm_s: int = 60
    at_once: bool = False
    user: str = "root@pam"


class ConfirmLinks(Request, tag="cluster.confirm-links"):
    """The change of links on trial stays. → null. Raises NotFound where there is none, NoQuorum."""

    user: str = "root@pam"


class RevertLinks(Request, tag="cluster.revert-links"):
    """The change of links on trial goes back now. → null. Raises NotFound where there is none, NoQuorum."""

    user: str = "root@pam"


class LinkTrial(Request, tag="cluster.link-trial"):
    """→ {user, deadline_s}: the change of links on trial, and until when (unix) it may be confirmed; null where there
    is none."""


class PlanExpected(Request, tag="cluster.plan-expected"):
    """What expecting so many votes would mean; tries whether absent nodes answer, two seconds at most. → {votes,
    configured_votes, present_votes, needed_now, needed_votes, quorate, absent: [{node, votes, answers_at: [address]}],
    sentences: [str], obstacle}. Raises NotInCluster, InvalidInput, Unavailable."""

    expected: int


class SetExpected(Request, tag="cluster.set-expected"):
    """Expect so many votes for `lasts_s`, or until all nodes are back; as many as are configured: at once as
    configured. → as PlanExpected. Raises also Conflict where an absent node answers, unless `force`."""

    expected: int
    lasts_s: int = 600
    force: bool = False
    user: str = "root@pam"
