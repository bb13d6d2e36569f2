"""Asks the corosync of the node it runs in for figures, and prints what came: a line of JSON each."""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing

from cluster.corosync.cmap import Cmap, Map
from cluster.corosync.cpg import Cpg
from cluster.corosync.statistics import Statistics
from cluster.errors import CorosyncError

KEYS = ("stats.knet.node2.link0.connected", "stats.knet.node2.link0.mtu", "stats.srp.memb_ring_id.seq", "stats.no.such")
REFUSED_AFTER = 200  # tries in a row: then it is not the group's own bound
SENT_MAX = 20_000


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
        _fill(group)
        tell(_asked(statistics))
        sys.stdin.readline()
        end_s = time.monotonic() + 20
        while (after := _asked(statistics)) == "CS_ERR_TRY_AGAIN" and time.monotonic() < end_s:
            time.sleep(0.05)
        tell(after)


def tell(what: object) -> None:
    print(json.dumps(what), flush=True)


def _fill(group: Cpg) -> None:
    refused = sent = 0
    while refused < REFUSED_AFTER and sent < SENT_MAX:
        if group.multicast(b"." * 1000):
            refused, sent = 0, sent + 1
        else:
            refused += 1
            time.sleep(0.001)


def _asked(statistics: Statistics) -> str:
    try:
        return type(statistics.number("stats.srp.mcast_retx")).__name__
    except CorosyncError as error:
        return error.status


if __name__ == "__main__":
    tell(compare()) if sys.argv[1] == "compare" else ask_while_full()
