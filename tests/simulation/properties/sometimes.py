"""S1-S14: what the faults must cause now and then, or the simulation does not try what it says it tries.

Most are noticed where they happen, by `judge.saw("S8 ...")`; those that need a look at a node's inside are here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.core.effects import InstallRecord
from cluster.core.machine import body_of
from cluster.core.operations import Command
from cluster.core.replica import Phase
from cluster.store.base import Record

if TYPE_CHECKING:
    from tests.simulation.judge import Judge
    from tests.simulation.process import Process

SOMETIMES = (
    "S1 uncommitted entry adopted by new epoch", "S2 uncommitted entry journalled",
    "S3 crash between install and first commit", "S4 snapshot needed", "S5 snapshot interrupted",
    "S6 minority of 2 in 5 with longer log", "S7 all nodes power-cut", "S8 duplicate request after UNKNOWN",
    "S9 lock expired while held", "S10 join during partition", "S11 removal of a proposer",
    "S12 limit hit mid-batch", "S13 fsync failure on majority", "S14 rolling version change",
)  # fmt: skip


def look_at_phase(judge: Judge, process: Process) -> None:
    replica = process.replica
    log, work = replica.machine.log, replica.work
    if replica.phase is Phase.INSTALLING and work.choice is not None and work.choice.want.index > judge.reached():
        if any(isinstance(body_of(entry), Command) for entry in log.suffix if entry.point.index > judge.reached()):
            judge.saw("S1 uncommitted entry adopted by new epoch")
    elif replica.phase is Phase.READ_ONLY:
        voters = replica.machine.electorate
        if len(work.members) == 2 and len(voters) == 5 and log.last.index > judge.reached():
            judge.saw("S6 minority of 2 in 5 with longer log")


def look_at_record(judge: Judge, record: Record) -> None:
    if isinstance(record, InstallRecord):
        judge.saw("installed")
        if record.dropped:
            judge.saw("S2 uncommitted entry journalled")


def look_at_death(judge: Judge, process: Process) -> None:
    if process.replica.phase in (Phase.INSTALLING, Phase.INSTALLED):
        judge.saw("S3 crash between install and first commit")
