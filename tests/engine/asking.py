"""Asks the corosync of the node it runs in for figures, and prints what came: a line of JSON each."""

from __future__ import annotations

import json
import sys
from contextlib import closing

from cluster.corosync.cmap import Cmap, Map
from cluster.corosync.cpg import Cpg
from cluster.corosync.statistics import Statistics
from cluster.errors import CorosyncError
from lab.kernel import until

KEYS = ("stats.knet.node2.link0.connected", "stats.knet.node2.link0.mtu", "stats.srp.memb_ring_id.seq", "stats.no.such")
REFUSED = "CS_ERR_TRY_AGAIN"
FULL_S, WELL_AGAIN_S = 4.0, 20.0  # the first: within the token's time-out


def compare() -> list[list[object]]:
    """Key, as libcmap tells it, as `Statistics` does."""
    with closing(Cmap(Map.STATISTICS)) as theirs, closing(Statistics()) as ours:
        return [[key, theirs.number(key), ours.number(key)] for key in KEYS]


def ask_while_full() -> None:
    """What a question comes to while corosync's queue is full, and after. A line is awaited before each, and printed
    before the first: then the peer's corosync shall stand still, and then go on."""
    with closing(Statistics()) as statistics, closing(Cpg()) as group:
        group.join("asking")
        tell("ready")
        sys.stdin.readline()
        until(lambda: _is_full(group, statistics), FULL_S, "corosync takes more and more")
        tell(_asked(statistics))
        sys.stdin.readline()
        until(lambda: _asked(statistics) != REFUSED, WELL_AGAIN_S, "corosync takes no questions")
        tell(_asked(statistics))


def tell(what: object) -> None:
    print(json.dumps(what), flush=True)


def _is_full(group: Cpg, statistics: Statistics) -> bool:
    """After all that the group takes now; it has a bound of its own, and after a moment it may take more."""
    while group.multicast(b"." * 1000):
        pass
    return _asked(statistics) == REFUSED


def _asked(statistics: Statistics) -> str:
    try:
        return type(statistics.number("stats.srp.mcast_retx")).__name__
    except CorosyncError as error:
        return error.status


if __name__ == "__main__":
    tell(compare()) if sys.argv[1] == "compare" else ask_while_full()
