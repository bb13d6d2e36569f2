"""Requests about links, the witness and expected votes: typed as in `requests.py`, whose rules hold here too."""

from __future__ import annotations

from cluster.control.requests import Request


class Links(Request, tag="cluster.links"):
    """→ [{node, peer, link, address, peer_address, connected, latency_us, latency_ave_us, latency_max_us, loss,
    retries, flaps, mtu}]: every link of every node towards every peer, this node's measured now and the others' as
    they told within the last seconds; `connected` and all after it are null where a node has told nothing.
    Raises NotInCluster."""
