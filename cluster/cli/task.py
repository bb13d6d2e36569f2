"""Following a task of the daemon from the terminal: its lines as they come, and its outcome as the exit code.

The task does not need its watcher: leaving, or losing the daemon, leaves it running.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cluster.cli.output import Style, show
from cluster.cli.terminal import complain, printable
from cluster.errors import OutcomeUnknown, Unavailable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

LINES_PER_CALL = 500
INTERVAL_S = 0.2
SILENCE_S = 30.0  # how long the daemon may not answer, for instance while it serves a new certificate
FOLLOW_S = 1800.0
OK, FAILED = 0, 1
TEXT = Style()
# The marker belongs to the log; at the terminal the exit code and the error's own words stand for it.
EMPTY = "no content"  # what an empty log is said to hold
MARKER = re.compile(r"TASK (?:OK|ERROR: .*|WARNINGS: \d+)")


def follow(daemon: BlockingClient, upid: str, style: Style = TEXT) -> int:
    """Print the task's log live, or all of it at its end as data. → 0 when it ended well, 1 when it failed, its error
    on standard error."""
    lines: list[str] = []
    tell = _print if style.format == "text" else lines.append
    try:
        status = _followed(daemon, upid, tell)
        if style.format != "text":
            show({"upid": upid, "status": status, "log": lines}, style)
        return _outcome(status)
    except KeyboardInterrupt:
        complain(f"The task goes on without this terminal: {upid}")
        raise


def _print(line: str) -> None:
    print(printable(line), flush=True)


def _followed(daemon: BlockingClient, upid: str, tell: Callable[[str], None]) -> str:
    shown = 0
    now_s = time.monotonic()
    end_s, heard_s = now_s + FOLLOW_S, now_s
    while now_s < min(end_s, heard_s + SILENCE_S):
        try:
            state, more = _look(daemon, upid, shown)
        except Unavailable:
            more = []
        else:
            heard_s = time.monotonic()
            shown += len(more)
            for line in more:
                if not MARKER.fullmatch(line["t"]):
                    tell(line["t"])
            if state["end_time_s"] is not None and len(more) < LINES_PER_CALL:
                return str(state["status"])
        if len(more) < LINES_PER_CALL:
            time.sleep(INTERVAL_S)
        now_s = time.monotonic()
    raise OutcomeUnknown(f"How the task ended is not known; look for it in the task list: {upid}", upid)


def _look(daemon: BlockingClient, upid: str, start: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The state first: what is logged before the end is then in the lines."""
    state = daemon.call({"method": "task.status", "upid": upid})
    log = daemon.call({"method": "task.log", "upid": upid, "start": start, "limit": LINES_PER_CALL})
    return state, [line for line in log["lines"] if line["t"] != EMPTY]


def _outcome(status: str) -> int:
    if status == "OK":
        return OK
    complain(status)
    return OK if status.startswith("WARNINGS: ") else FAILED
