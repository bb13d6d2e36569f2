"""What corosync counts on its links, out of its map of statistics: `stats.knet.`, `stats.srp.`, `stats.pg.`.

Plain blocking calls, to be run through `cluster/corosync/bounded.py`. Only the keys that are shown are asked for:
the whole map of thirty-two nodes has more than a thousand. What two readings mean is `cluster/node/link_readings.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

from cluster.corosync.cfg import Cfg, KnetLink
from cluster.corosync.statistics import Statistics
from cluster.engine.base import LinkCount, Measured
from cluster.errors import CorosyncError
from cluster.model import TotemState


class LinkCounter:
    """Two connections that are kept, for making them costs corosync more than what is asked. For one call at a time."""

    def __init__(self) -> None:
        """Connect. Raises CorosyncError."""
        self._cfg = Cfg()
        try:
            self._statistics = Statistics()
        except BaseException:
            self._cfg.close()
            raise

    def close(self) -> None:
        """Never raises."""
        self._statistics.close()
        self._cfg.close()

    def read(self, wanted: Collection[tuple[int, int]]) -> Measured:
        """Raises CorosyncError when corosync does not answer, or takes no questions just now (CS_ERR_TRY_AGAIN): each
        question to `cfg` comes right after one that would have been refused, for those are not."""
        statistics, number = self._statistics, self._statistics.number
        totem = TotemState(
            number("stats.srp.mcast_retx"), number("stats.srp.mtt_rx_token"), number("stats.pg.msg_queue_avail")
        )
        found: list[LinkCount] = []
        for peer, pairs in groupby(sorted(wanted), key=lambda pair: pair[0]):
            known = {link.number: link for link in links_towards(self._cfg, peer)}
            found += [_read_link(statistics, peer, known[link]) for _, link in pairs if link in known]
        return Measured(tuple(found), totem)


def links_towards(cfg: Cfg, peer_id: int) -> tuple[KnetLink, ...]:
    """The links towards a peer that corosync has now; none towards a node of which it has not read yet, for which it
    has no word of its own. Raises CorosyncError when it does not answer."""
    try:
        return cfg.node_status(peer_id).links
    except CorosyncError as error:
        if error.status in ("CS_ERR_NOT_EXIST", "CS_ERR_FAILED_OPERATION"):
            return ()
        raise


def _read_link(statistics: Statistics, peer_id: int, link: KnetLink) -> LinkCount:
    prefix = f"stats.knet.node{peer_id}.link{link.number}"

    def figure(name: str) -> int:
        return statistics.number(f"{prefix}.{name}") or 0

    samples = figure("latency_samples")
    return LinkCount(
        peer_id,
        link.number,
        link.connected,
        figure("latency_ave") if samples else None,
        figure("latency_max") if samples else None,
        samples,
        figure("tx_ping_packets"),
        figure("rx_pong_packets"),
        figure("tx_total_retries"),
        figure("down_count"),
        link.mtu,
        link.destination,
    )
