"""A1-A19 as far as one moment shows them: a commit, an answer, a record for the disk, a message, a change of phase.

Each answers with a sentence when the property does not hold here, and with nothing otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from cluster.core import electorate as votes
from cluster.core import tree as limits
from cluster.core.effects import Committed, InstallRecord, Outcome, PromiseRecord
from cluster.core.messages import Point, decode, encode
from cluster.core.proposals import BYTES_MAX, COMMANDS_MAX
from cluster.core.replica import QUEUE_BYTES_MAX, Phase
from cluster.store.base import Record
from cluster.store.memory import MemoryDisk

if TYPE_CHECKING:
    from tests.simulation.judge import Judge
    from tests.simulation.process import Process

CONTENT_MARK = "hunter2"  # in every file's content, and in nothing that is said about it
LOCK_FOLDER = "priv/lock/"
APPEND = b"\xa6Append"  # how a message's tag looks in msgpack, behind the version and the array's head


def a1_committed_prefixes_agree(judge: Judge, process: Process, one: Committed) -> str | None:
    known = judge.order.setdefault(one.point.index, one.point)
    if known != one.point:
        return f"node {process.member.node_id} commits {_at(one.point)} where another has committed {_at(known)}"
    return None


def a2_an_epoch_is_writable_in_one_view(judge: Judge, process: Process) -> str | None:
    """Ring sequences may repeat; the epochs that are written in must not."""
    work = process.replica.work
    known = judge.writable.setdefault(work.epoch, work.session)
    if known != work.session:
        return f"node {process.member.node_id} writes in epoch {work.epoch}, which another view has written in"
    return None


def a3_epochs_rise(judge: Judge, process: Process, record: Record) -> str | None:
    """What is promised and installed rises, as long as a process lives and across what it knows of its past."""
    if isinstance(record, PromiseRecord | InstallRecord):
        if record.epoch < judge.promised.get(process.member, 0):
            return f"node {process.member.node_id} promises or installs epoch {record.epoch} after a greater one"
        judge.promised[process.member] = record.epoch
    return None


def a3_committed_epochs_never_fall(judge: Judge, process: Process, one: Committed) -> str | None:
    """With A1 and the hash chain: no epoch is used again with other content. Entries that nobody counted may stand in
    a wrong place for a while (docs/decisions/0023); what is committed may not."""
    before = judge.order.get(one.point.index - 1)
    if before is not None and before.epoch > one.point.epoch:
        return f"node {process.member.node_id} commits {_at(one.point)} after {_at(before)}"
    return None


def a4_a_commit_index_never_goes_back(judge: Judge, process: Process) -> str | None:
    index = process.replica.machine.log.commit.index
    before = judge.committed.get(process.member, 0)
    judge.committed[process.member] = index
    return f"{process.member} goes back from {before} to {index}" if index < before else None


def a5_an_answer_is_on_a_majority_of_disks(judge: Judge, process: Process, request_id: str, point: Point) -> str | None:
    holders = {node_id for node_id, disk in judge.world.disks.items() if holds(disk, point)} | judge.wiped
    electorate = process.replica.machine.electorate
    if votes.is_majority(electorate, holders):
        return None
    return f"{request_id} at {_at(point)} was answered with only {sorted(holders)} of {electorate} holding it on disk"


def a6_what_readers_see_is_a_committed_prefix(judge: Judge, process: Process) -> str | None:
    point = process.replica.machine.log.commit
    known = judge.order.get(point.index)
    if known in (None, point) and (known is not None or point.index == 0):
        return None
    return f"node {process.member.node_id} shows {_at(point)} as committed, which is {known and _at(known)}"


def a7_only_members_make_a_majority(judge: Judge, process: Process, one: Committed) -> str | None:
    """A voter is in the committed nodelist when it comes in; the electorate changes by one node at a time."""
    if one.electorate is None:
        return None
    machine = process.replica.machine
    before = judge.electorate_before.setdefault(one.point.index, dict(judge.electorate))
    changed = {node_id for node_id in {*before, *one.electorate} if before.get(node_id) != one.electorate.get(node_id)}
    strangers = [node_id for node_id in changed if node_id in one.electorate and node_id not in judge.ever_configured]
    if len(changed) > 1 or strangers:
        return f"the voters become {one.electorate} after {before}; the nodelist has {machine.configured_votes()}"
    return None


def a8_another_cluster_changes_nothing(judge: Judge, process: Process, one: Committed) -> str | None:
    if one.remembered is not None and one.remembered.request_id not in judge.world.requests.asked:
        return f"node {process.member.node_id} commits {one.remembered.request_id}, which nobody here asked for"
    return None


def a9_a_request_happens_at_most_once(judge: Judge, process: Process, one: Committed) -> str | None:
    if one.remembered is None:
        return None
    request_id = one.remembered.request_id
    place = judge.happened.setdefault(request_id, one.point.index)
    if place != one.point.index:
        return f"{request_id} happened at {place} and again at {one.point.index}"
    if request_id in judge.never:
        return f"{request_id} happened: {judge.never[request_id]}"
    return None


def a10_fencing_tokens_rise(judge: Judge, process: Process, one: Committed) -> str | None:
    if one.applied is None:
        return None
    for change in one.applied.paths:
        if change.kind == "dir" and change.path.startswith(LOCK_FOLDER):
            token = max(entry.inode for entry in one.applied.entries if entry.is_dir)
            index, highest = judge.lock_tokens.get(change.path, (0, 0))
            if one.point.index > index and token < highest + (one.remembered is not None):
                return f"{change.path} is taken with token {token} after {highest}"
            if one.point.index > index:
                judge.lock_tokens[change.path] = one.point.index, token
                if one.remembered is not None:
                    judge.tokens[one.remembered.request_id] = token
    return None


def a11_limits_hold(judge: Judge, process: Process) -> str | None:
    tree = process.replica.machine.tree
    if tree.size > limits.TREE_SIZE_MAX or len(tree.entries) > limits.ENTRIES_MAX:
        return f"node {process.member.node_id} holds {tree.size} bytes in {len(tree.entries)} entries"
    return None


def a14_queues_are_bounded(judge: Judge, process: Process) -> str | None:
    proposals, work = process.replica.machine.proposals, process.replica.work
    within = len(proposals.pending) <= COMMANDS_MAX and proposals.bytes <= BYTES_MAX
    if within and work.queue_bytes <= QUEUE_BYTES_MAX:
        return None
    return f"node {process.member.node_id} keeps {len(proposals.pending)} changes and {work.queue_bytes} bytes waiting"


def a15_no_content_is_told(text: str) -> str | None:
    return f"content is told: {text}" if CONTENT_MARK in text else None


def a16_messages_come_back_from_bytes(payload: bytes) -> str | None:
    return None if encode(decode(payload)) == payload else f"{payload!r} does not come back"


def a16_a_later_version_is_understood(payload: bytes) -> bytes:
    """The same message as a later version would say it, with one more field at its end."""
    fields = msgspec.msgpack.decode(payload[1:])
    later = payload[:1] + msgspec.msgpack.encode([*fields, {"from": "later"}])
    if decode(later) != decode(payload):
        raise AssertionError(f"A16: {payload!r} is understood otherwise with one more field")
    return later


def a19_only_a_writable_node_writes(judge: Judge, process: Process, payload: bytes) -> str | None:
    if payload[2:9] == APPEND and process.replica.phase is not Phase.ACTIVE:
        return f"node {process.member.node_id} is {process.replica.phase.value} and sends entries"
    return None


def answered_as_it_happened(judge: Judge, request_id: str, outcome: Outcome) -> str | None:
    """Part of A9 and C6: what the client hears is what the order says."""
    place = judge.happened.get(request_id)
    kind = type(outcome).__name__
    if kind == "Done" and place != outcome.revision.index:  # type: ignore[union-attr]
        return f"{request_id} is answered {outcome} but happened at {place}"
    if kind == "Refused" and place is None:
        return f"{request_id} is refused without a place in the order"
    if kind == "NotDone" and judge.world.requests.asked[request_id].tries == 1 and place is not None:
        return f"{request_id} happened and is answered {outcome}"
    return None


def _at(point: Point) -> str:
    return f"{point.epoch}.{point.index} ({point.hash.hex()[:8]})"


def holds(disk: MemoryDisk, point: Point) -> bool:
    if point.index <= disk.base.index:
        return True
    place = point.index - disk.base.index - 1
    return place < len(disk.log) and disk.log[place].point == point
