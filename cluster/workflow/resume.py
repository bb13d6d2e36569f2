"""After the daemon died in the middle of a workflow: take back what was begun, or confirm what was complete.

To be called when the daemon starts, before the store is opened to anyone and before the engine runs; and later again
while only another node still has to be told. Uses the journal's facts and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.errors import QuireError
from cluster.workflow import create, join, leave, rename
from cluster.workflow.asking import Peers
from cluster.workflow.host import Host
from cluster.workflow.journal import Journal, Record
from cluster.workflow.steps import UndoStep, take_back


@dataclass(frozen=True, slots=True)
class Resumed:
    """What became of an interrupted workflow, for its task: some lines and its status (`OK` or a sentence)."""

    upid: str
    lines: tuple[str, ...]
    status: str


async def resume_or_undo(journal: Journal, host: Host, peers: Peers) -> Resumed | None:
    """None when nothing was interrupted. Raises Unavailable only when the journal itself cannot be read."""
    record = journal.read()
    if record is None:
        return None
    if record.state == "complete":
        return await _complete(journal, host, record)
    told_before = record.state == "remainder"
    taken_back = await take_back(_undo_steps(record, host, peers), record, journal)
    began = "" if told_before else "The daemon ended in the middle of this. "
    return Resumed(record.upid, taken_back.lines, began + taken_back.outcome)


async def _complete(journal: Journal, host: Host, record: Record) -> Resumed:
    """Only finishing steps were left. The daemon issues a missing certificate by itself once the store is writable."""
    lines = ["The daemon ended when this was complete; only tidying up was left."]
    try:
        await host.settle()
        journal.clear()
    except QuireError as error:
        lines.append(error.message)
    return Resumed(record.upid, tuple(lines), "OK")


def _undo_steps(record: Record, host: Host, peers: Peers) -> dict[str, UndoStep]:
    if record.workflow == "join":
        return join.undo_steps(host, peers, at_start=True)
    if record.workflow == "leave":
        return leave.undo_steps(host, at_start=True)
    if record.workflow == "rename":
        return rename.undo_steps(host, at_start=True)
    return create.undo_steps(host)
