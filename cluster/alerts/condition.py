"""One thing that is wrong, by a name that is the same on every node. What there is to find is `conditions.py`."""

from __future__ import annotations

import msgspec


class Condition(msgspec.Struct, array_like=True, frozen=True):
    """`key` is one and the same for one trouble wherever it is seen. `once`: told, and never said to be over."""

    key: str
    kind: str
    node: str
    sentence: str
    once: bool = False
