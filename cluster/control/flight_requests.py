"""Requests of the flight recorder: the events of all nodes, and one node's own as another node asks for them.

Like `requests.py`, whose manner and rules hold here too.
"""

from __future__ import annotations

from cluster.control.requests import Request
from cluster.secret import Secret


class FlightEvents(Request, tag="flight.events"):
    """→ {now_s, nodes, events, partings}: what all nodes recorded, newest first, each with its cause.

    `nodes`: [{name, online, known, since_s, reason}], where `known` says whether the node answers now and `since_s`
    from when on nothing is known of it; `events`: rows as `cluster/flight/timeline.py` makes them; `partings`:
    [{from_s, to_s, parts: [{nodes, quorate}]}]. Empty `kinds` and `nodes` mean all. With `form` `csv` or `json` the
    answer is {text}, a file. Within two seconds, whatever becomes of the other nodes."""

    kinds: list[str] = []
    nodes: list[str] = []
    since_s: float | None = None
    until_s: float | None = None
    limit: int = 200
    form: str = ""
    user: str = "root@pam"


class PeerEvents(Request, tag="peer.events"):
    """What this node recorded, for another member that proves who it is. → {chunk: bytes, more: null}"""

    node_id: int
    proof: Secret
    body: bytes
    offset: int = 0
