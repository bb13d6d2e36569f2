"""A task's unique name, in Proxmox VE's form: `UPID:<node>:<pid>:<pstart>:<starttime>:<type>:<id>:<user>:`.

Numbers are upper-case hexadecimal; the trailing colon belongs to it. Knows nothing of tasks themselves (`tasks.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import InvalidInput

_UPID = re.compile(
    r"UPID:([A-Za-z0-9][A-Za-z0-9-]{0,62}):([0-9A-F]{8}):([0-9A-F]{8,9}):([0-9A-F]{8})"
    r":([^:\s/]{1,64}):([^:\s/]{0,128}):([^:\s/]{3,192}):"
)


@dataclass(frozen=True, slots=True)
class Upid:
    """The parts of a task's name. `pstart` is when the process started, in kernel ticks."""

    node: str
    pid: int
    pstart: int
    start_time_s: int
    type: str
    id: str
    user: str

    def __str__(self) -> str:
        numbers = f"{self.pid:08X}:{self.pstart:08X}:{self.start_time_s:08X}"
        return f"UPID:{self.node}:{numbers}:{self.type}:{self.id}:{self.user}:"


def parse_upid(text: str) -> Upid:
    """Raises InvalidInput when `text` is no UPID."""
    match = _UPID.fullmatch(text) if text.isprintable() else None
    if match is None:
        raise InvalidInput("This is not the name of a task (a UPID).", fields={"upid": "not a UPID"})
    node, pid, pstart, start, type_, id_, user = match.groups()
    return Upid(node, int(pid, 16), int(pstart, 16), int(start, 16), type_, id_, user)


def process_start_ticks(pid: int) -> int:
    """When a process started, as proc(5) counts it (field 22); 0 where that cannot be read."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        return int(stat.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0
