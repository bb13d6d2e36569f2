"""An event as one node recorded it, and the kinds of events there are. Values only.

`observe.py` makes them without number and time; the recorder stamps them. Which node an event is of is said by whoever
asked that node, never by the event.
"""

from __future__ import annotations

import msgspec

KINDS = {
    "membership": "Nodes that come and go",
    "quorum": "Quorum",
    "link": "Links",
    "store": "The store of a node",
    "lock": "Locks",
    "config": "Configuration",
    "task": "Tasks",
    "node": "The service of a node",
    "alert": "Alerts",
}
SENTENCE_CHARACTERS_MAX = 400
NAME_CHARACTERS_MAX = 254
PATHS_SHOWN = 4


class Recorded(msgspec.Struct, frozen=True, omit_defaults=True):
    """`number` rises by one per event of a node, over all lives of its daemon; `life` names one. `time_s` is unix,
    `mono_s` the host's monotonic clock, by which events of one life are compared. `about` is the node, lock, path or
    task it is about; `sees` are the nodes the recording one was together with from here on, `quorate` whether that is
    enough. `count` tells how many like events this one stands for."""

    kind: str
    code: str
    about: str = ""
    sentence: str = ""
    link: int | None = None
    user: str = ""
    door: str = ""
    by: str = ""
    revision: str = ""
    sees: tuple[str, ...] | None = None
    quorate: bool | None = None
    ends_s: float | None = None
    count: int = 1
    number: int = 0
    life: str = ""
    time_s: float = 0.0
    mono_s: float = 0.0


def is_sound(event: Recorded) -> bool:
    """Of a size and form that one of ours has: what another node says is shown, not believed."""
    names = (event.kind, event.code, event.user, event.door, event.by, event.revision, event.life)
    return (
        event.kind in KINDS
        and max(map(len, names)) <= NAME_CHARACTERS_MAX
        and max(len(event.about), len(event.sentence)) <= 2 * SENTENCE_CHARACTERS_MAX
        and len(event.sees or ()) <= 256
        and 0 <= event.time_s < 1e11
    )
