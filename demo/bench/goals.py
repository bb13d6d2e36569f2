"""What the store has to reach, as sentences that a run can check, and the reference the C file system set.

The figures of pmxcfs are from the same kind of machine (two cores, ext4 on a virtual disk) when it was quiet; they
cannot be in the run, so a ratio to them is only as good as this machine is quiet. Ratios to etcd and to the floors are
of one run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PMXCFS_OVERWRITE_MS = 0.906
PMXCFS_OVERWRITE_16_RATE = 2659.0
PMXCFS_READ_RATE = 10056.0
PMXCFS_COLD_READ_MS = 0.084
PMXCFS_STAT_MS = 0.019
PMXCFS_LISTING_MS = 0.404


@dataclass
class Line:
    """One line of the table. `told` is what `load.summary` gives; `value` is for what is a single figure."""

    name: str
    told: dict[str, Any] = field(default_factory=dict)
    value: float | None = None
    unit: str = ""
    bytes_each: dict[str, float] = field(default_factory=dict)
    foreign_share: float = 0.0
    verdicts: list[str] = field(default_factory=list)

    @property
    def p50(self) -> float:
        return self.told.get("p50_ms") or float("nan")

    @property
    def p99(self) -> float:
        return self.told.get("p99_ms") or float("nan")

    @property
    def rate(self) -> float:
        return self.told.get("rate") or float("nan")

    @property
    def most_bytes(self) -> float:
        return max(self.bytes_each.values(), default=float("nan"))


Lines = dict[str, Line]


def judge(lines: Lines) -> None:
    """Add to each line its ratios: what it is compared with, the ratio, and whether the goal is met."""
    floor_ms = lines["floor: agreed multicast of 1 KiB"].p50 + lines["floor: flush of 1 KiB"].p50
    for name, line in lines.items():
        for about, check in CHECKS.items():
            if name.startswith(about):
                line.verdicts += [verdict for verdict in check(line, lines, floor_ms) if verdict]


def at_most(what: str, value: float, reference: float, times: float) -> str:
    if value != value or reference != reference:
        return ""
    ratio = value / reference
    return f"{ratio:.2f} × {what} (≤ {times:g}: {'ok' if ratio <= times else 'NO'})"


def at_least(what: str, value: float, reference: float, times: float) -> str:
    if value != value or reference != reference:
        return ""
    ratio = value / reference
    return f"{ratio:.2f} × {what} (≥ {times:g}: {'ok' if ratio >= times else 'NO'})"


Check = Callable[[Line, Lines, float], list[str]]


def nothing() -> Line:
    return Line("")


def acknowledged_1(line: Line, lines: Lines, floor_ms: float) -> list[str]:
    return [
        at_most("multicast + flush", line.p50, floor_ms, 3),
        at_most("etcd's p50", line.p50, lines.get("etcd: put, 1 writer", nothing()).p50, 1),
        at_most("12 KiB", line.most_bytes, 12 << 10, 1),
    ]


def acknowledged_16(line: Line, lines: Lines, floor_ms: float) -> list[str]:
    etcd = lines.get("etcd: put, 16 writers", nothing())
    return [
        at_most("etcd's p50", line.p50, etcd.p50, 1),
        at_least("etcd's rate", line.rate, etcd.rate, 2),
        at_least("pmxcfs's overwrite rate", line.rate, PMXCFS_OVERWRITE_16_RATE, 1),
        at_most("6 KiB", line.most_bytes, 6 << 10, 1),
    ]


def through_mount_1(line: Line, lines: Lines, floor_ms: float) -> list[str]:
    return [*acknowledged_1(line, lines, floor_ms), at_most("pmxcfs's 0.9 ms", line.p50, PMXCFS_OVERWRITE_MS, 1.5)]


def replaced_1(line: Line, lines: Lines, floor_ms: float) -> list[str]:
    return [at_most("12 KiB", line.most_bytes, 12 << 10, 1)]


def replaced_16(line: Line, lines: Lines, floor_ms: float) -> list[str]:
    return [at_most("6 KiB", line.most_bytes, 6 << 10, 1)]


def seconds(limit_s: float) -> Check:
    return lambda line, lines, floor_ms: [at_most(f"{limit_s:g} s", line.value or 0.0, limit_s, 1)]


CHECKS: dict[str, Check] = {
    "control socket: write, 1 writer": acknowledged_1,
    "control socket: write, 16 writers": acknowledged_16,
    "mount: overwrite, 1 writer": through_mount_1,
    "mount: overwrite, 16 writers": acknowledged_16,
    "mount: create, 1 writer": replaced_1,
    "mount: create, 16 writers": replaced_16,
    "mount: rename over, 1 writer": replaced_1,
    "mount: rename over, 16 writers": replaced_16,
    "written on the first, readable on the last": lambda line, lines, _: [
        at_most("the write's own p99", line.p99, lines["mount: the same writes, acknowledged"].p99, 1)
    ],
    "mount: the same file read again": lambda line, *_: [
        at_least("pmxcfs's rate", line.rate, PMXCFS_READ_RATE, 5),
    ],
    "mount: first read of each file": lambda line, *_: [at_most("pmxcfs's", line.p50, PMXCFS_COLD_READ_MS, 2)],
    "mount: attributes": lambda line, *_: [at_most("pmxcfs's", line.p50, PMXCFS_STAT_MS, 2)],
    "mount: listing of 500": lambda line, *_: [at_most("pmxcfs's", line.p50, PMXCFS_LISTING_MS, 2)],
    "mount: 1 MiB": lambda line, *_: [at_most("1 MiB", line.most_bytes, 1 << 20, 1.5)],
    "mount: touch": lambda line, *_: [at_most("16 KiB", line.most_bytes, 16 << 10, 1)],
    "idle:": lambda line, *_: [f"(0: {'ok' if not line.value else 'NO'})"],
    "caught up after": seconds(5),
    "longest wait of a writer meanwhile": lambda line, *_: [at_most("100 ms", line.value or 0.0, 100, 1)],
    "started again": seconds(2),
    "memory of": lambda line, *_: [],
}
