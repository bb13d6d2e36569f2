"""One change of the tree beside corosync.conf, done together with it or not at all: what taking a node out cleans up.

Values only. What belongs in it when a node goes is `references.py`; the store performs it (`cluster/node/host.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Cleaning:
    """`expected`: path → SHA-1 it must still have. `moved` are files (source, target); `removed` files, or folders
    once they are empty, in this order."""

    expected: Mapping[str, str] = field(default_factory=dict)
    moved: tuple[tuple[str, str], ...] = ()
    written: Mapping[str, bytes] = field(default_factory=dict)
    removed: tuple[str, ...] = ()

    def beside(self, path: str, expected: str, data: bytes) -> Cleaning:
        """The same, and one more file that must be as `expected` and becomes `data`."""
        return replace(self, expected={**self.expected, path: expected}, written={**self.written, path: data})


NOTHING = Cleaning()
