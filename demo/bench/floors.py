"""The floors below which no acknowledged write can be: one flush, one SQLite commit, one agreed multicast.

    python -m demo.bench.floors flush|sqlite|multicast --place DIR --count N      (run inside a node)

Prints one JSON object, as `load.py` does.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import json
import os
import select
import sqlite3
import time
from collections.abc import Callable

from demo.bench.load import content, summary

SIZE = 1024


def timed(count: int, act: Callable[[int], None]) -> dict[str, object]:
    took, began = array.array("q"), time.perf_counter_ns()
    for i in range(count):
        start = time.perf_counter_ns()
        act(i)
        took.append(time.perf_counter_ns() - start)
    return summary(took, (time.perf_counter_ns() - began) / 1e9)


def flush(place: str, count: int) -> dict[str, object]:
    """1 KiB appended to a file and flushed."""
    path = f"{place}/floor"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def act(i: int) -> None:
        os.write(fd, content(SIZE, i))
        os.fdatasync(fd)

    try:
        return timed(count, act)
    finally:
        os.close(fd)
        os.unlink(path)


def sqlite(place: str, count: int) -> dict[str, object]:
    """One row of 1 KiB, WAL, synchronous FULL."""
    path = f"{place}/floor.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE floor (id INTEGER PRIMARY KEY, body BLOB)")
        insert = "INSERT INTO floor VALUES (?, ?)"
        told = timed(count, lambda i: void(connection.execute(insert, (i, content(SIZE, i)))))
    for ending in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + ending)
    return told


def multicast(place: str, count: int) -> dict[str, object]:
    """1 KiB through corosync in agreed order, until it comes back."""
    from cluster.corosync.cpg import Cpg, Membership, Message

    cpg = Cpg()
    with contextlib.closing(cpg):
        cpg.join("quire-bench-floor")
        waiting = select.poll()
        waiting.register(cpg.fd(), select.POLLIN)

        def until(kind: type) -> None:
            while True:
                waiting.poll(5000)
                if any(isinstance(event, kind) for event in cpg.dispatch(64)):
                    return

        until(Membership)

        def act(i: int) -> None:
            while not cpg.multicast(content(SIZE, i)):
                time.sleep(0.0002)
            until(Message)

        for i in range(20):
            act(i)
        return timed(count, act)


def void(_: object) -> None:
    return


FLOORS = {"flush": flush, "sqlite": sqlite, "multicast": multicast}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("floor", choices=FLOORS)
    parser.add_argument("--place", required=True)
    parser.add_argument("--count", type=int, default=300)
    given = parser.parse_args()
    print(json.dumps(FLOORS[given.floor](given.place, given.count)))
