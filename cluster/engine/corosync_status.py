"""What corosync knows now, asked of its libraries from scratch: for status pages, never to decide anything.

Plain blocking functions, to be run through `cluster/corosync/bounded.py`; they need no engine, so a corosync that
somebody else started is reported too. Every key is a question of its own, and a link has about fifty of them in the map
of statistics: so only what is shown is asked for, or thirty-two nodes would be busy with nothing else.
"""

from __future__ import annotations

import re
import select
from collections.abc import Iterable
from contextlib import closing

from cluster.corosync.cfg import Cfg
from cluster.corosync.cmap import Cmap, Map
from cluster.corosync.quorum import QuorumNotice, QuorumTracker
from cluster.corosync.votequorum import CASTS_VOTE, QDEVICE, Votequorum
from cluster.engine.base import EngineStatus, LinkStatus
from cluster.engine.corosync_links import links_towards
from cluster.errors import Unavailable

FIRST_NOTICE_MS = 500
_NODE_ID_KEY = re.compile(r"nodelist\.node\.\d+\.nodeid")  # cmap_keys(7)


def read_status() -> EngineStatus:
    """Raises Unavailable when corosync does not answer, or has no answer yet."""
    with closing(Cmap()) as cmap:
        version = _config_version(cmap)
        nodes = [cmap.number(key) or 0 for key in cmap.keys("nodelist.node.") if _NODE_ID_KEY.fullmatch(key)]
    with closing(Cfg()) as cfg, closing(Cmap(Map.STATISTICS)) as statistics:
        node_id = cfg.local_node_id()
        links = read_links(cfg, statistics, sorted({*nodes} - {node_id}))
    notice = _present_quorum()
    with closing(Votequorum()) as votequorum:
        info = votequorum.info()
        known = votequorum.infos(notice.nodes)
        votes = {node_id: one.votes for node_id, one in known.items()}
        devices = {node_id: one.device for node_id, one in known.items()} if info.qdevice_name else None
        if info.qdevice_name:
            votes[QDEVICE] = info.qdevice_votes if info.flags & CASTS_VOTE else 0
    return EngineStatus(
        running=True,
        node_id=node_id,
        ring=notice.ring,
        nodes=notice.nodes,
        quorum=info.as_quorum(),
        votes=votes,
        links=links,
        devices=devices,
        device_votes=info.qdevice_votes,
        config_version=version,
    )


def read_config_version() -> int:
    """Raises Unavailable when corosync does not answer."""
    with closing(Cmap()) as cmap:
        return _config_version(cmap)


def _config_version(cmap: Cmap) -> int:
    return cmap.number("totem.config_version") or 0


def read_links(cfg: Cfg, statistics: Cmap, peers: Iterable[int]) -> tuple[LinkStatus, ...]:
    """The links towards these nodes, in their order; latencies in microseconds, None while nothing was measured."""
    return tuple(
        LinkStatus(
            peer,
            link.number,
            link.connected,
            statistics.number(f"stats.knet.node{peer}.link{link.number}.latency_ave") or None,
        )
        for peer in peers
        for link in links_towards(cfg, peer)
    )


def _present_quorum() -> QuorumNotice:
    with closing(QuorumTracker()) as tracker:
        poll = select.poll()
        poll.register(tracker.fd(), select.POLLIN)
        # The nodes of the ring come first, the quorum notice after them.
        while poll.poll(FIRST_NOTICE_MS):
            for notice in tracker.dispatch(8):
                if isinstance(notice, QuorumNotice):
                    return notice
    raise Unavailable("corosync does not say who is in its ring")
