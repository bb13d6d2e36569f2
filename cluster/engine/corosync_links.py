"""What corosync counts on its links, out of its map of statistics: `stats.knet.`, `stats.srp.`, `stats.pg.`.

A plain blocking function, to be run through `cluster/corosync/bounded.py`. Only the keys that are shown are asked for:
the whole map of thirty-two nodes has more than a thousand. What two readings mean is `cluster/node/link_readings.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing

from cluster.corosync.cmap import Cmap, Map
from cluster.engine.base import LinkCount, Measured
from cluster.model import TotemState


def read_counts(wanted: Collection[tuple[int, int]]) -> Measured:
    """Raises CorosyncError when corosync does not answer."""
    with closing(Cmap(Map.STATISTICS)) as cmap:
        found = (_read_link(cmap, peer_id, link) for peer_id, link in wanted)
        links = tuple(count for count in found if count is not None)
        totem = TotemState(
            cmap.number("stats.srp.mcast_retx"),
            cmap.number("stats.srp.mtt_rx_token"),
            cmap.number("stats.pg.msg_queue_avail"),
        )
    return Measured(links, totem)


def _read_link(cmap: Cmap, peer_id: int, link: int) -> LinkCount | None:
    """None for a link that corosync does not use now."""
    prefix = f"stats.knet.node{peer_id}.link{link}"

    def figure(name: str) -> int:
        return cmap.number(f"{prefix}.{name}") or 0

    if not figure("enabled"):
        return None
    samples = figure("latency_samples")
    return LinkCount(
        peer_id,
        link,
        bool(figure("connected")),
        figure("latency_ave") if samples else None,
        figure("latency_max") if samples else None,
        samples,
        figure("tx_ping_packets"),
        figure("rx_pong_packets"),
        figure("tx_total_retries"),
        figure("down_count"),
        figure("mtu"),
    )
