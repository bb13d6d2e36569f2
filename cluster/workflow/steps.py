"""Named steps in order, each with a deadline and a way back: how every workflow runs, fails and is undone.

Before a step begins it is in the journal; a step that fails, is stopped or takes too long has everything undone that
was begun, in reverse. Undoing uses the journal's facts and nothing else, so `resume.py` can do it after `kill -9`.
Once a workflow is complete, what follows only finishes it: a failure there is a warning. Which steps there are is
`create.py` and `join.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from cluster.errors import QuireError, TaskFailed, Unavailable
from cluster.workflow.journal import Journal, Record

UNDO_DEADLINE_S = 60.0

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Account(Protocol):
    """To whom a workflow reports: the task it runs in (`cluster/node/tasks.py`)."""

    @property
    def upid(self) -> str: ...

    @property
    def user(self) -> str: ...

    def log(self, line: str) -> None: ...

    def step(self, name: str, fraction: float) -> None: ...

    def warn(self, line: str) -> None: ...


class Run:
    """What a step may do to the run it is part of: note facts for the undoing, say what it waits for."""

    def __init__(self, journal: Journal, record: Record, account: Account) -> None:
        self._journal, self._record, self._account = journal, record, account
        self.last_said = ""

    @property
    def facts(self) -> Mapping[str, str]:
        return self._record.facts

    @property
    def user(self) -> str:
        return self._record.user

    def note(self, **facts: str) -> None:
        """Durable when it returns: the undoing will know it."""
        self._record.facts.update(facts)
        self._journal.write(self._record)

    def say(self, line: str) -> None:
        self.last_said = line
        self._account.log(line)

    def warn(self, line: str) -> None:
        self._account.warn(line)


Do = Callable[[Run], Awaitable[str | None]]
Undo = Callable[[Mapping[str, str]], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a workflow. `title` is an order in plain words ("Start corosync"); `do` may answer with a remark
    for the log; `advice` is what to do when it fails. A step that `looks` changes nothing: `foretelling.py` does it."""

    name: str
    title: str
    do: Do
    deadline_s: float
    advice: str = ""
    looks: bool = False


@dataclass(frozen=True, slots=True)
class UndoStep:
    """How a step is taken back: idempotent, also for a step that only half happened. `do` answers None when it is
    done, "" when there was nothing to do, or a sentence about what it could not know.

    `left_over` says what then remains elsewhere, for a step that takes back something on another node.
    """

    title: str
    do: Undo
    left_over: str = ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """Steps, then steps that finish what is complete; `undo` by step name. `done` is the last line of success."""

    name: str
    steps: Sequence[Step]
    finishing: Sequence[Step]
    undo: Mapping[str, UndoStep]
    done: str
    facts: Mapping[str, str] = field(default_factory=dict)


async def run(workflow: Workflow, journal: Journal, account: Account) -> None:
    """Do all of it, or leave everything as it was. Raises TaskFailed with the sentence that says which."""
    unfinished = journal.read()
    if unfinished is not None and unfinished.state != "remainder":
        raise TaskFailed("An earlier operation on this node is not taken back yet. Restart the daemon, then try again.")
    record = Record(workflow.name, account.upid, account.user, dict(workflow.facts))
    this = Run(journal, record, account)
    total = len(workflow.steps) + len(workflow.finishing)
    step = workflow.steps[0]
    try:
        for place, step in enumerate(workflow.steps):
            record.begun.append(step.name)
            journal.write(record)
            await _perform(step, this, account, place / total)
        record.state = "complete"
        journal.write(record)
    except Exception as error:
        await _fail(workflow, record, journal, account, _what_failed(step, error, this), step.advice)
    except asyncio.CancelledError:
        _accept_cancellation()
        await _fail(workflow, record, journal, account, f"Stopped during “{step.title}”.", "")
    await _uninterrupted(_finish(workflow, this, account, journal))


@dataclass(frozen=True, slots=True)
class TakenBack:
    """How taking back went: a line for each step, and what state this node and others are in, as sentences."""

    lines: tuple[str, ...]
    outcome: str


async def take_back(undo: Mapping[str, UndoStep], record: Record, journal: Journal) -> TakenBack:
    """Undo what the record says was begun, newest first. What did not succeed stays in the record, to be tried again
    at the daemon's start; when nothing is left the journal is cleared."""
    lines, unknown, kept = [], [], []
    for name in reversed(record.begun):
        step = undo.get(name)
        if step is None:
            continue
        try:
            async with asyncio.timeout(UNDO_DEADLINE_S):
                remark = await step.do(record.facts)
        except Exception as error:
            lines.append(f"{step.title}: failed: {_reason(error, UNDO_DEADLINE_S)}")
            kept.append(name)
            continue
        if remark is None:
            lines.append(f"{step.title}: OK")
        elif remark:
            unknown.append(remark)
    record.begun = kept[::-1]
    record.state = "begun" if any(not undo[name].left_over for name in kept) else "remainder"
    try:
        if kept:
            journal.write(record)
        else:
            journal.clear()
    except Unavailable as error:
        lines.append(_sentence(error.message))  # the older record names more, and undoing twice does no harm
    return TakenBack(tuple(lines), _outcome([undo[name] for name in kept], unknown))


def _outcome(failed: list[UndoStep], unknown: list[str]) -> str:
    if not failed and not unknown:
        return "Everything was taken back; this node is as it was before."
    stuck = [f"“{step.title}” did not succeed; it is tried again when the daemon starts." for step in failed
             if not step.left_over]  # fmt: skip
    here = stuck or ["This node is as it was before."]
    return " ".join([*here, *unknown, *(step.left_over for step in failed if step.left_over)])


async def _perform(step: Step, this: Run, account: Account, fraction: float) -> None:
    """One step, one line: written when it is done, because only then is it known how it went."""
    account.step(step.title, fraction)
    this.last_said = ""
    async with asyncio.timeout(step.deadline_s):
        remark = await step.do(this)
    account.log(f"{step.title}: {remark or 'OK'}")


async def _finish(workflow: Workflow, this: Run, account: Account, journal: Journal) -> None:
    total = len(workflow.steps) + len(workflow.finishing)
    for place, step in enumerate(workflow.finishing, len(workflow.steps)):
        try:
            await _perform(step, this, account, place / total)
        except Exception as error:
            account.warn(" ".join(filter(None, [_what_failed(step, error, this), step.advice])))
    journal.clear()
    account.log(workflow.done)


async def _fail(
    workflow: Workflow, record: Record, journal: Journal, account: Account, sentence: str, advice: str
) -> None:
    account.log(sentence)
    account.step("Taking everything back", 1.0)
    taken_back = await _uninterrupted(take_back(workflow.undo, record, journal))
    for line in taken_back.lines:
        account.log(line)
    raise TaskFailed(" ".join(filter(None, [sentence, taken_back.outcome, advice]))) from None


async def _uninterrupted(work: Coroutine[Any, Any, _T]) -> _T:
    """Taking back is bounded, and is not stopped half-way by who stops the task once more."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            _accept_cancellation()
    return task.result()


def _accept_cancellation() -> None:
    current = asyncio.current_task()
    if current is not None:
        current.uncancel()


def _what_failed(step: Step, error: Exception, this: Run) -> str:
    reason = _reason(error, step.deadline_s)
    if isinstance(error, TimeoutError) and this.last_said:
        reason = f"{reason} Last: {_sentence(this.last_said)}"
    return f"{step.title} failed: {reason}"


def _reason(error: Exception, deadline_s: float) -> str:
    if isinstance(error, QuireError):
        return _sentence(error.message)
    if isinstance(error, TimeoutError):
        return f"it was not done within {deadline_s:g} s."
    # The text of a surprise may hold anything; it goes to the daemon's own log only.
    _log.error("a step failed unexpectedly", exc_info=error)
    return f"an internal error ({type(error).__name__}), see the daemon's log."


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else text + "."
