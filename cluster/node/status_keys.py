"""Status by key: short values that each node says of itself and every node knows, in memory and never on disk.

What pmxcfs calls the kvstore (reference pmxcfs.md §4.17, §6): programs of a node set a key as often as they like; all
nodes show which keys changed (`.version`) and give a value when asked. Values below `rrd/` are lines of `.rrd` instead.
A node that was away is told everything again when it comes back; what an absent node said last stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cluster.errors import Busy, InvalidInput
from cluster.node.board_messages import KeySet, encode

VALUE_BYTES_MAX = 32768
KEY_BYTES_MAX = 255
KEYS_MAX = 1000
BYTES_MAX = 4 << 20  # of one node's values together
RRD = "rrd/"
RRD_LASTS_S = 300.0


@dataclass(slots=True)
class _Value:
    """`version` counts the updates seen here, from 0; `number` those its node made; `time_s` is when it was heard."""

    data: bytes
    number: int
    version: int
    time_s: float


class StatusKeys:
    """`say` multicasts to the status group; `own` is this node's id now. Values are by node id."""

    def __init__(self, own: Callable[[], int], now_s: Callable[[], float], say: Callable[[bytes], None]) -> None:
        self._own, self._now_s, self._say = own, now_s, say
        self._mine: dict[str, _Value] = {}
        self._others: dict[int, dict[str, _Value]] = {}
        self._number = 0

    def set(self, key: str, data: bytes) -> None:
        """Say it to all; no data takes the key back. Raises InvalidInput or Busy where it does not fit."""
        if not key or len(key.encode()) > KEY_BYTES_MAX or not key.isprintable():
            raise InvalidInput(f"A key has 1 to {KEY_BYTES_MAX} printable characters.")
        if len(data) > VALUE_BYTES_MAX:
            raise InvalidInput(f"A value has at most {VALUE_BYTES_MAX} bytes, and this has {len(data)}.")
        if data and not _fits(self._mine, key, data):
            raise Busy(f"A node may have {KEYS_MAX} keys and {BYTES_MAX} bytes of values. Take others back first.")
        self._number += 1
        self._keep(self._mine, KeySet(key, data, self._number))
        self._say(encode(KeySet(key, data, self._number)))

    def hear(self, node_id: int, said: KeySet) -> None:
        """Another node set a key, or says again what it had set. One's own is known already."""
        if node_id == self._own():
            return
        of_node = self._others.setdefault(node_id, {})
        known = of_node.get(said.key)
        again = known is not None and (known.number, known.data) == (said.number, said.data)
        if not again and len(said.data) <= VALUE_BYTES_MAX and _fits(of_node, said.key, said.data):
            self._keep(of_node, said)

    def share(self) -> None:
        """Somebody new is there: say everything again."""
        for key, value in self._mine.items():
            self._say(encode(KeySet(key, value.data, value.number)))

    def forget(self, keep: frozenset[int]) -> None:
        """Drop what nodes said that are configured no longer."""
        for node_id in [known for known in self._others if known not in keep]:
            del self._others[node_id]

    def get(self, node_id: int, key: str) -> bytes | None:
        value = self._of(node_id).get(key)
        return value.data if value is not None else None

    def versions(self, node_id: int) -> dict[str, int]:
        """Key → how often it changed, as seen here; empty for a node that has said nothing."""
        return {key: value.version for key, value in self._of(node_id).items() if not key.startswith(RRD)}

    def rrd(self) -> Iterator[tuple[str, str]]:
        """Key, without `rrd/`, and value of every reading of the last five minutes."""
        for of_node in (self._mine, *self._others.values()):
            for key, value in of_node.items():
                if key.startswith(RRD) and self._now_s() - value.time_s <= RRD_LASTS_S:
                    yield key.removeprefix(RRD), value.data.rstrip(b"\0\n").decode(errors="replace")

    def _of(self, node_id: int) -> dict[str, _Value]:
        return self._mine if node_id == self._own() else self._others.get(node_id, {})

    def _keep(self, of_node: dict[str, _Value], said: KeySet) -> None:
        known = of_node.get(said.key)
        if not said.data:
            of_node.pop(said.key, None)
        else:
            version = known.version + 1 if known is not None else 0
            of_node[said.key] = _Value(said.data, said.number, version, self._now_s())


def _fits(of_node: dict[str, _Value], key: str, data: bytes) -> bool:
    others = [value for known, value in of_node.items() if known != key]
    return len(others) < KEYS_MAX and sum(len(value.data) for value in others) + len(data) <= BYTES_MAX
