"""One call of a client as it saw it, the recorder that makes them, and JSON lines to keep them in."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

READS = ("read", "session-read")
CHANGES = ("write", "create", "cas", "remove")
KINDS = (*READS, *CHANGES, "lock")


@dataclass(slots=True)
class Call:
    """Times are seconds of one clock for all; `returned_s` is infinite while the outcome is UNKNOWN.

    `revision` is (epoch, index): where a change stands, or was refused, or how far what was read reached."""

    process: str
    kind: str
    path: str
    invoked_s: float
    node_id: int = 0
    request_id: str = ""
    value: str | None = None
    expect: str | None = None
    lock: str = ""
    token: int = 0
    outcome: str = "UNKNOWN"
    returned_s: float = math.inf
    revision: tuple[int, int] | None = None

    @property
    def index(self) -> int:
        return self.revision[1] if self.revision is not None else 0

    def __str__(self) -> str:
        what = f"{self.kind} {self.path}" + (f" {self.value}" if self.value is not None else "")
        when = f"[{self.invoked_s:.4f}, {self.returned_s:.4f}]"
        place = f" at {self.revision[0]}.{self.revision[1]}" if self.revision is not None else ""
        return f"{self.process}: {what} {when} {self.outcome}{place}"


class Recorder:
    """One client's calls. `calls` has them in the order they were made."""

    def __init__(self, process: str, clock: Callable[[], float]) -> None:
        self.process, self.clock = process, clock
        self.calls: list[Call] = []

    def invoke(
        self,
        kind: str,
        path: str,
        *,
        value: str | None = None,
        expect: str | None = None,
        node_id: int = 0,
        request_id: str = "",
        lock: str = "",
        token: int = 0,
    ) -> Call:
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
        call = Call(self.process, kind, path, self.clock(), node_id, request_id, value, expect, lock, token)
        self.calls.append(call)
        return call

    def returned(
        self,
        call: Call,
        outcome: str,
        *,
        value: str | None = None,
        revision: tuple[int, int] | None = None,
        token: int | None = None,
    ) -> None:
        """The answer is there. `value` is what a read saw; `token` what a lock got."""
        call.outcome, call.revision = outcome, revision
        call.returned_s = math.inf if outcome == "UNKNOWN" else self.clock()
        if call.kind in READS:
            call.value = value
        if token is not None:
            call.token = token


def save(path: Path, calls: Iterable[Call]) -> None:
    path.write_text("".join(json.dumps(asdict(call)) + "\n" for call in calls))


def load(*paths: Path) -> list[Call]:
    calls = []
    for path in paths:
        for line in path.read_text().splitlines():
            fields = json.loads(line)
            fields["revision"] = tuple(fields["revision"]) if fields["revision"] is not None else None
            calls.append(Call(**fields))
    return calls
