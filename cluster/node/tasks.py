"""Long work with a name, a log and an outcome: tasks run one each on the event loop and are told to subscribers.

A task that ran when the daemon died is `interrupted` at the next start: whoever can say what became of it concludes it,
the rest are abandoned. What a task does is a function it is given; files are `task_log.py`, the name is `upid.py`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cluster.errors import Busy, NotFound, QuireError, Unavailable
from cluster.model import TaskState
from cluster.node.task_log import TaskFiles, is_ended, one_safe_line
from cluster.node.upid import Upid, parse_upid, process_start_ticks

RUNNING_MAX = 16
FINISHED_MAX = 500  # remembered, with their logs
LINES_MAX = 10_000  # of one task; what comes after is dropped, with a note
UNEXPECTED = "unexpected status"  # Proxmox VE's words for a task whose end nobody saw

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaskLines:
    """Lines added to a task's log; `first` is the number of the first of them, counted from 1."""

    upid: str
    first: int
    lines: tuple[str, ...]


TaskListener = Callable[[TaskState | TaskLines], None]


class TaskContext:
    """What a task may say about itself while it runs."""

    def __init__(self, runner: TaskRunner, upid: Upid) -> None:
        self._runner, self._upid = runner, upid
        self._lines = 0
        self.warnings = 0

    @property
    def upid(self) -> str:
        return str(self._upid)

    @property
    def user(self) -> str:
        return self._upid.user

    def log(self, line: str) -> None:
        """One line for the log, whatever is in it."""
        if self._lines < LINES_MAX:
            self._runner._write(self._upid, [line], self._lines + 1)
        elif self._lines == LINES_MAX:
            self._runner._write(self._upid, ["(further lines are not kept)"], self._lines + 1)
        else:
            return
        self._lines += 1

    def warn(self, line: str) -> None:
        """A line about something that does not stop the task; the outcome counts them."""
        self.warnings += 1
        self.log(f"WARN: {line}")

    def step(self, name: str, fraction: float) -> None:
        """What is being done now, and how much of the whole is done (0..1)."""
        self._runner._update(self._upid, step=name, progress=min(max(fraction, 0.0), 1.0))

    def _last(self, line: str) -> None:
        self._runner._write(self._upid, [line], self._lines + 1)
        self._lines += 1


class TaskRunner:
    """The tasks of one node. `now_s` is unix time."""

    def __init__(self, root: Path, node: str, now_s: Callable[[], float]) -> None:
        self._files, self._node, self._now_s = TaskFiles(root), node, now_s
        self._pid, self._pstart = os.getpid(), process_start_ticks(os.getpid())
        self._listeners: list[TaskListener] = []
        self._running: dict[str, TaskState] = {}
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._finished: OrderedDict[str, TaskState] = OrderedDict()  # oldest first
        self._load()

    # --- asking -------------------------------------------------------------------------------------------------------

    def subscribe(self, listener: TaskListener) -> Callable[[], None]:
        """Hear of every change and every line from now on; call the result to stop. Listeners must not block."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def list(self, limit: int = 50) -> tuple[TaskState, ...]:
        """Running tasks first, then finished ones; newest first in both."""
        return (*reversed(self._running.values()), *reversed(self._finished.values()))[: max(limit, 0)]

    def status(self, upid: str) -> TaskState:
        """Raises NotFound."""
        state = self._running.get(upid) or self._finished.get(upid)
        if state is None:
            raise NotFound("There is no such task on this node.")
        return state

    def log(self, upid: str, start: int = 0, limit: int = 50) -> tuple[int, tuple[tuple[int, str], ...]]:
        """(number of lines, (number, line) pairs from `start` on). `limit` 0 means all. Raises NotFound."""
        self.status(upid)
        lines = self._files.lines(parse_upid(upid)) or ["no content"]
        first = max(start, 0)
        chosen = lines[first:] if limit <= 0 else lines[first : first + limit]
        return len(lines), tuple(enumerate(chosen, first + 1))

    # --- running ------------------------------------------------------------------------------------------------------

    def start(self, type_: str, id_: str, user: str, work: Callable[[TaskContext], Awaitable[None]]) -> str:
        """Begin a task and return its UPID. Raises Busy, Unavailable (the log cannot be written)."""
        if len(self._running) >= RUNNING_MAX:
            raise Busy("Too many tasks are running on this node. Wait for one to end.")
        upid = self._new_upid(type_, id_, user)
        self._files.append(upid, [])
        self._running[str(upid)] = state_of(upid)
        self._files.set_running(map(parse_upid, self._running))
        context = TaskContext(self, upid)
        job = asyncio.create_task(self._run(context, upid, work), name=str(upid))
        self._jobs[str(upid)] = job
        self._tell(self._running[str(upid)])
        return str(upid)

    def stop(self, upid: str) -> None:
        """Ask a running task to stop and undo itself; a finished one is left alone. Raises NotFound."""
        self.status(upid)
        job = self._jobs.get(upid)
        if job is not None:
            self._cancel(job)

    async def wait(self, upid: str, timeout_s: float) -> TaskState:
        """The task's state once it has ended. Raises NotFound, Unavailable when it still runs after `timeout_s`."""
        job = self._jobs.get(upid)
        if job is not None and not (await asyncio.wait({job}, timeout=timeout_s))[0]:
            raise Unavailable("The task is still running.")
        return self.status(upid)

    async def close(self, timeout_s: float = 60.0) -> None:
        """Stop all tasks and wait for their undoing."""
        jobs = set(self._jobs.values())
        for job in jobs:
            self._cancel(job)
        if jobs:
            await asyncio.wait(jobs, timeout=timeout_s)

    async def _run(self, context: TaskContext, upid: Upid, work: Callable[[TaskContext], Awaitable[None]]) -> None:
        try:
            await work(context)
        except QuireError as error:
            status = one_safe_line(error.message)
        except asyncio.CancelledError:
            status = "stopped"
        except Exception as error:
            # The text of a surprise may hold anything; it goes to the daemon's own log, not to the task's readers.
            _log.exception("task %s failed unexpectedly", upid)
            status = f"internal error ({type(error).__name__}), see the daemon's log"
        else:
            status = f"WARNINGS: {context.warnings}" if context.warnings else "OK"
        context._last(_last_line(status))
        self._end(upid, status)

    # --- after a restart ----------------------------------------------------------------------------------------------

    @property
    def interrupted(self) -> tuple[str, ...]:
        """Tasks that were running when the daemon ended, not concluded yet."""
        return tuple(upid for upid in self._running if upid not in self._jobs)

    def conclude(self, upid: str, lines: Iterable[str], status: str) -> None:
        """Say what became of an interrupted task: some lines, then its outcome. Any other task is left alone."""
        if upid not in self.interrupted:
            return
        parsed, status = parse_upid(upid), one_safe_line(status)
        self._write(parsed, [*lines, _last_line(status)], len(self._files.lines(parsed)) + 1)
        self._end(parsed, status)

    def abandon_interrupted(self) -> None:
        """Nobody knows what became of the rest."""
        for upid in self.interrupted:
            self.conclude(upid, ["The daemon ended while this task was running."], UNEXPECTED)

    def _cancel(self, job: asyncio.Task[None]) -> None:
        """In the loop's next turn: a job cancelled before its first would never run, nor release what it was given."""
        asyncio.get_running_loop().call_soon(job.cancel)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        for upid, end_time_s, status in self._files.finished():
            self._finished.pop(str(upid), None)
            self._finished[str(upid)] = replace(state_of(upid), end_time_s=end_time_s, status=status, progress=1.0)
        for upid in self._files.running():
            if str(upid) not in self._finished:
                self._running[str(upid)] = state_of(upid)
                lines = self._files.lines(upid)
                if is_ended(lines):  # its last line was written, its line in the index was not
                    self._end(upid, lines[-1].removeprefix("TASK ").removeprefix("ERROR: "))
        self._forget_oldest()

    def _new_upid(self, type_: str, id_: str, user: str) -> Upid:
        """Tasks of one process share pid and start; two alike within a second are told apart by the ticks."""
        upid = Upid(self._node, self._pid, self._pstart, int(self._now_s()), type_, id_, user)
        while str(upid) in self._running or str(upid) in self._finished:
            upid = replace(upid, pstart=upid.pstart + 1)
        return parse_upid(str(upid))

    def _write(self, upid: Upid, lines: Sequence[str], first: int) -> None:
        safe = [one_safe_line(line) for line in lines]
        try:
            self._files.append(upid, safe)
        except Unavailable as error:
            _log.error("%s", error.message)  # a full disk must not stop the work that may be freeing it
        self._tell(TaskLines(str(upid), first, tuple(safe)))

    def _update(self, upid: Upid, *, step: str, progress: float) -> None:
        state = replace(self._running[str(upid)], step=one_safe_line(step), progress=progress)
        self._running[str(upid)] = state
        self._tell(state)

    def _end(self, upid: Upid, status: str) -> None:
        name = str(upid)
        state = replace(self._running.pop(name), end_time_s=int(self._now_s()), status=status, progress=1.0)
        self._jobs.pop(name, None)
        self._finished[name] = state
        try:
            self._files.add_finished(upid, int(self._now_s()), status)
            self._files.set_running(map(parse_upid, self._running))
        except Unavailable as error:
            _log.error("%s", error.message)
        self._forget_oldest()
        self._tell(state)

    def _forget_oldest(self) -> None:
        while len(self._finished) > FINISHED_MAX:
            name, _ = self._finished.popitem(last=False)
            self._files.remove(parse_upid(name))

    def _tell(self, what: TaskState | TaskLines) -> None:
        for listener in tuple(self._listeners):
            listener(what)


def state_of(upid: Upid) -> TaskState:
    """A running task, as far as its name tells."""
    return TaskState(str(upid), upid.node, upid.pid, upid.pstart, upid.start_time_s, upid.type, upid.id, upid.user)


def _last_line(status: str) -> str:
    if status == "OK" or status.startswith("WARNINGS: "):
        return f"TASK {status}"
    return f"TASK ERROR: {status}"
