"""The journal of what this node had and the cluster did not keep: written here, in somebody's transaction.

Bounded in rows and bytes, the oldest going first; none goes for its age. Whether an entry was dropped is the replica's
word, how it is shown and made again `cluster/node/handlers/conflicts.py`'s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from cluster.core.log import Entry

ROWS_MAX, BYTES_MAX = 10_000, 64 << 20
INSERT = "INSERT INTO conflicts (time_s, idx, epoch, hash, body) VALUES (?, ?, ?, ?, ?)"
# The very newest stays whatever its size.
FORGET = """
DELETE FROM conflicts WHERE id <= (
    SELECT id FROM (
        SELECT id, row_number() OVER newest AS number, sum(length(body)) OVER newest AS bytes
        FROM conflicts WINDOW newest AS (ORDER BY id DESC))
    WHERE number > ? OR (number > 1 AND bytes > ?) ORDER BY id DESC LIMIT 1)
"""


def journal(connection: sqlite3.Connection, dropped: Iterable[Entry], now_s: int) -> list[int]:
    """Keep these, and forget what no longer fits. → the bytes of each."""
    sizes = []
    for entry in dropped:
        point = entry.point
        connection.execute(INSERT, (now_s, point.index, point.epoch, point.hash, entry.body))
        sizes.append(len(entry.body))
    if sizes:
        connection.execute(FORGET, (ROWS_MAX, BYTES_MAX))
    return sizes
