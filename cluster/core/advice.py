"""What could be arranged better although nothing is wrong: the count of nodes, links, versions, certificates, clocks.

Pure: a `ClusterState` and the time in, advice out; the pages, the API and `pvecm status` say it. What is wrong now is
`health.py`. Each piece says what it means when something fails, and what to do.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from cluster.model import ClusterState, Link, NodeState

DAY_S = 86400.0
CERTIFICATE_S = 28 * DAY_S  # a daemon renews its own at 30 days: one that is nearer was not renewed
CLOCK_APART_S = 3
NAMED_MAX = 4
SAME_NETWORK_BITS = {4: 24, 6: 64}  # how wide a network of these is taken to be; what is configured only its host knows


@dataclass(frozen=True, slots=True)
class Advice:
    """`code` names it for programs; `step` is what to do."""

    code: str
    title: str
    sentence: str
    step: str


def advice(cluster: ClusterState, now_s: float) -> tuple[Advice, ...]:
    """Nothing for a node on its own."""
    if not cluster.in_cluster:
        return ()
    return (*_votes(cluster), *_links(cluster), *_upkeep(cluster, now_s))


def has_witness(cluster: ClusterState) -> bool:
    configured = cluster.witness is not None and bool(cluster.witness.host)
    return configured or (cluster.quorum is not None and "Qdevice" in cluster.quorum.flags)


def _votes(cluster: ClusterState) -> Iterator[Advice]:
    voters = [node for node in cluster.nodes if node.votes]
    total = sum(node.votes for node in voters)
    if has_witness(cluster) or len(voters) < 2 or total % 2:
        return
    if len(voters) == 2:
        yield Advice(
            "two-nodes", "Two nodes",
            "When one of two nodes fails, the other cannot tell that from a broken link, so nothing can be changed "
            "until both are back.",
            "Add a third node, or a QDevice on a machine outside the cluster.",
        )  # fmt: skip
        return
    yield Advice(
        "even-votes", {4: "Four nodes"}.get(len(voters), f"{total} votes, an even number"),
        f"Split into halves of {total // 2} votes, neither half goes on. As many may fail as with one node less.",
        "Add one more node, or a QDevice on a machine outside the cluster.",
    )  # fmt: skip


def _links(cluster: ClusterState) -> Iterator[Advice]:
    peers = [node for node in cluster.nodes if node.links]
    if len(peers) < 2:
        return
    single = [node for node in peers if len(node.links) == 1]
    if single:
        who = "Every node has" if len(single) == len(peers) else f"{_names(single)} {_has(single)}"
        yield Advice(
            "one-link", "One link only", f"{who} one link only: where it fails, nodes are lost.",
            "Give each node a second link over another network.",
        )  # fmt: skip
    sharing = [node for node in peers if _shared(node.links)]
    if sharing:
        one, other = _shared(sharing[0].links)
        where = "" if len(sharing) == len(peers) else f" of {_names(sharing)}"
        yield Advice(
            "shared-network", "Links seem to share a network",
            f"Links {one.number} and {other.number}{where} seem to be in one network, for their addresses begin alike: "
            f"{one.address} and {other.address}. If so, what breaks or fills it takes both.",
            "Look how these are cabled; put each link on a network of its own, over another switch.",
        )  # fmt: skip


def _upkeep(cluster: ClusterState, now_s: float) -> Iterator[Advice]:
    versions = sorted({node.version for node in cluster.nodes if node.version})
    if len(versions) > 1:
        held = ", ".join(f"{each} on {_names([one for one in cluster.nodes if one.version == each])}"
                         for each in versions[:NAMED_MAX])  # fmt: skip
        yield Advice("versions", "Uneven versions", f"The nodes run different versions: {held}.",
                     "Update the older ones.")  # fmt: skip
    ending = [
        node for node in cluster.nodes
        if node.certificate_ends_s is not None and node.certificate_ends_s - now_s < CERTIFICATE_S
    ]  # fmt: skip
    if ending:
        days = max(0, int((min(node.certificate_ends_s or now_s for node in ending) - now_s) / DAY_S))
        yield Advice(
            "certificate", "Certificates near their end",
            f"The {'certificate' if len(ending) == 1 else 'certificates'} of {_names(ending)} "
            f"{'ends' if len(ending) == 1 else 'end, the first'} in {days} {'day' if days == 1 else 'days'}.",
            "A node renews its own when it starts with a writable store: restart its service.",
        )  # fmt: skip
    apart = [node for node in cluster.nodes if node.online and abs(node.clock_apart_s) >= CLOCK_APART_S]
    if apart:
        most = max(abs(node.clock_apart_s) for node in apart)
        yield Advice(
            "clocks", "Clocks apart",
            f"The {'clock' if len(apart) == 1 else 'clocks'} of {_names(apart)} {'is' if len(apart) == 1 else 'are'} "
            f"up to {most} s from that of {cluster.local_node}: tickets and times of events go wrong.",
            "Let all nodes follow the same time servers (NTP).",
        )  # fmt: skip


def _shared(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """The first two links that look to be in one network; nothing where there are none."""
    known = [(link, found) for link in links if (found := _network(link.address)) is not None]
    for place, (link, one) in enumerate(known):
        for other_link, other in known[place + 1 :]:
            if one == other:
                return link, other_link
    return ()


def _network(address: str) -> str | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None  # a host name
    if found.is_loopback:
        return None  # several nodes on one machine
    return str(ipaddress.ip_network(f"{address}/{SAME_NETWORK_BITS[found.version]}", strict=False))


def _names(nodes: list[NodeState]) -> str:
    shown = [node.name for node in nodes[:NAMED_MAX]]
    more = f" and {len(nodes) - NAMED_MAX} more" if len(nodes) > NAMED_MAX else ""
    return ", ".join(shown) + more


def _has(nodes: list[NodeState]) -> str:
    return "has" if len(nodes) == 1 else "have"
