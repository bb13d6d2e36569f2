"""What corosync knows now, asked of its libraries from scratch: for status pages, never to decide anything.

Plain blocking functions, to be run through `cluster/corosync/bounded.py`; they need no engine, so a corosync that
somebody else started is reported too.
"""

from __future__ import annotations

import re
import select
from contextlib import closing

from cluster.corosync.cfg import Cfg
from cluster.corosync.cmap import Cmap, Map, Value
from cluster.corosync.quorum import QuorumNotice, QuorumTracker
from cluster.corosync.votequorum import CASTS_VOTE, QDEVICE, Votequorum
from cluster.engine.base import EngineStatus, LinkStatus
from cluster.errors import Unavailable

FIRST_NOTICE_MS = 500
# stats.knet.node2.link0.connected; latencies in microseconds (cmap_keys(7))
_LINK_KEY = re.compile(r"stats\.knet\.node(\d+)\.link(\d+)\.(connected|enabled|latency_ave)")


def read_status() -> EngineStatus:
    """Raises Unavailable when corosync does not answer, or has no answer yet."""
    with closing(Cfg()) as cfg:
        node_id = cfg.local_node_id()
    notice = _present_quorum()
    with closing(Votequorum()) as votequorum:
        info = votequorum.info()
        known = votequorum.infos(notice.nodes)
        votes = {node_id: one.votes for node_id, one in known.items()}
        devices = {node_id: one.device for node_id, one in known.items()} if info.qdevice_name else None
        if info.qdevice_name:
            votes[QDEVICE] = info.qdevice_votes if info.flags & CASTS_VOTE else 0
    with closing(Cmap(Map.STATISTICS)) as cmap:
        links = read_links(cmap.items("stats.knet.node"), node_id)
    with closing(Cmap()) as cmap:
        version = cmap.number("totem.config_version") or 0
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


def read_links(statistics: dict[str, Value], local_node_id: int) -> tuple[LinkStatus, ...]:
    """The links towards other nodes out of the keys below `stats.knet.`."""
    found: dict[tuple[int, int], dict[str, int]] = {}
    for key, value in statistics.items():
        if (match := _LINK_KEY.fullmatch(key)) and isinstance(value, int):
            found.setdefault((int(match[1]), int(match[2])), {})[match[3]] = value
    return tuple(
        LinkStatus(peer, link, bool(figures.get("connected")), figures.get("latency_ave") or None)
        for (peer, link), figures in sorted(found.items())
        if peer != local_node_id and figures.get("enabled")
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
