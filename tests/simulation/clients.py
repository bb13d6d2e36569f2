"""Clients of the simulated cluster: each does one thing at a time, and records what it saw for `tests/history`.

They use a few registers (write, create, compare-and-set, remove, and both kinds of reads) and locks with guarded
writes. They know node ids and answers, and nothing of what is inside.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from cluster.core.effects import Done, NotDone, Outcome, Refused, Unknown
from cluster.core.events import ReadAsked, ReadGivenUp
from cluster.core.operations import AnyOperation, Expect, Expire, Holding, Mkdir, Remove, Write, digest_of
from tests.history.call import Call, Recorder
from tests.simulation.requests import Asked

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

CLIENTS = 8
HOT_PATHS = 3
LOCKS = 2
CALLS_PER_PATH = 380
SESSION_WAITS_S = 1.0
READ_WAITS_S = 10.0
SAYS_WHY = {errno.EEXIST, errno.ENOENT, errno.ESTALE}  # a refusal that tells what the register held


class Client:
    def __init__(self, name: str, world: World) -> None:
        self.recorder = Recorder(name, lambda: world.clock.now_s)
        self.busy = False
        self.floor = 0  # the highest index this session has seen
        self.node_id = 0
        self.known: dict[str, str | None] = {}
        self.tokens: dict[str, int] = {}


class Clients:
    def __init__(self, world: World) -> None:
        self.world, self.dice = world, world.dice
        self.everyone = [Client(f"client {number}", world) for number in range(1, CLIENTS + 1)]
        self._used: dict[int, int] = {}
        self._values = 0
        self._reading: dict[str, tuple[Client, Call]] = {}
        self._reads = 0

    @property
    def calls(self) -> list[Call]:
        return [call for client in self.everyone for call in client.recorder.calls]

    @property
    def waiting_reads(self) -> list[str]:
        return sorted(self._reading)

    def someone_acts(self) -> None:
        """One client that is not waiting does its next thing."""
        client = self.dice.choice(self.everyone)
        if client.busy:
            return
        here = [node_id for node_id in self.world.votes if node_id in self.world.processes]
        if here and (client.node_id not in here or self.dice.random() < 0.1):
            client.node_id = self.dice.choice(here)
        choice = self.dice.random()
        if choice < 0.25:
            self._session_read(client, self._path(), self.world.clock.now_s)
        elif choice < 0.45:
            self._read(client, self._path())
        elif choice < 0.85:
            self._change(client, self._path())
        else:
            self._use_lock(client, f"priv/lock/L{self.dice.randrange(LOCKS)}")

    def _path(self) -> str:
        """A hot path; a new one takes its place when it has been used often enough for one search."""
        slot = self.dice.randrange(HOT_PATHS)
        used = self._used[slot] = self._used.get(slot, 0) + 1
        return f"k{slot}.{used // CALLS_PER_PATH}"

    def _value(self) -> str:
        self._values += 1
        return f"v{self._values}"

    # --- changes ----------------------------------------------------------------------------------------------------

    def _change(self, client: Client, path: str) -> None:
        kind = self.dice.choice(("write", "write", "create", "cas", "cas", "remove"))
        value = None if kind == "remove" else self._value()
        content = (value or "").encode()
        expect = client.known.get(path)
        operations: tuple[AnyOperation, ...] = (Write(path, content, create=kind == "create"),)
        if kind == "remove":
            operations = (Remove(path),)
        elif kind == "cas":
            operations = (Expect(path, digest_of(expect.encode()) if expect is not None else ""), *operations)
        call = client.recorder.invoke(kind, path, value=value, expect=expect if kind == "cas" else None)
        self._ask(client, call, operations)

    def _ask(self, client: Client, call: Call, operations: tuple[AnyOperation, ...]) -> None:
        client.busy = True
        patient = self.dice.random() < 0.8
        node_id = client.node_id

        def then(asked: Asked) -> None:
            client.busy = False
            assert asked.outcome is not None
            self._answered(client, call, asked.outcome)

        asked = self.world.requests.ask(operations, then=then, patient=patient, node_id=node_id)
        call.request_id, call.node_id = asked.request_id, node_id

    def _answered(self, client: Client, call: Call, outcome: Outcome) -> None:
        if isinstance(outcome, Done):
            revision = (outcome.revision.epoch, outcome.revision.index)
            client.floor = max(client.floor, outcome.revision.index)
            client.known[call.path] = call.value
            client.recorder.returned(call, "OK", revision=revision)
        elif isinstance(outcome, Refused):
            place = outcome.revision
            revision = (place.epoch, place.index) if place is not None else None
            client.floor = max(client.floor, place.index if place is not None else 0)
            tells = call.kind in ("create", "cas", "remove") and outcome.errno in SAYS_WHY
            client.recorder.returned(call, "REFUSED" if tells else "FAILED", revision=revision)
        elif isinstance(outcome, NotDone):
            client.recorder.returned(call, "FAILED")
        else:
            assert isinstance(outcome, Unknown)

    # --- locks ------------------------------------------------------------------------------------------------------

    def _use_lock(self, client: Client, lock: str) -> None:
        """Write under the lock with the token this client has, take it, or break it because it seems too old."""
        guarded = f"guarded.{lock.rpartition('/')[2]}"
        token = client.tokens.get(lock)
        choice = self.dice.random()
        if token is not None and choice < 0.6:
            value = self._value()
            call = client.recorder.invoke("write", guarded, value=value, lock=lock, token=token)
            self._ask(client, call, (Holding(lock, token), Write(guarded, value.encode())))
        elif token is not None and choice < 0.75:
            del client.tokens[lock]
            self.world.requests.ask((Holding(lock, token), Remove(lock)), node_id=client.node_id)
        elif choice < 0.85:
            self._take(client, lock)
        else:
            self._break(client, lock)

    def _take(self, client: Client, lock: str) -> None:
        client.busy = True
        call = client.recorder.invoke("lock", lock)

        def then(asked: Asked) -> None:
            client.busy = False
            if isinstance(asked.outcome, Done):
                token = client.tokens[lock] = self.world.judge.tokens[asked.request_id]
                revision = (asked.outcome.revision.epoch, asked.outcome.revision.index)
                client.floor = max(client.floor, revision[1])
                client.recorder.returned(call, "OK", revision=revision, token=token)
            elif not isinstance(asked.outcome, Unknown):
                client.recorder.returned(call, "FAILED")

        folders = (Mkdir("priv/lock", parents=True), Mkdir(lock))
        call.request_id = self.world.requests.ask(folders, then=then, node_id=client.node_id).request_id

    def _break(self, client: Client, lock: str) -> None:
        """What a node's lock watch does when a lock was not refreshed for too long."""
        process = self.world.processes.get(client.node_id)
        entry = process.replica.machine.tree.find(lock) if process is not None else None
        if entry is not None:
            if any(lock in other.tokens for other in self.everyone):
                self.world.judge.saw("S9 lock expired while held")
            self.world.requests.ask((Expire(lock, entry.version),), node_id=client.node_id)

    # --- reads ------------------------------------------------------------------------------------------------------

    def _session_read(self, client: Client, path: str, began_s: float, call: Call | None = None) -> None:
        """What this node has, at least as new as what the session has seen; a node that is behind gets a moment."""
        if call is None:
            call = client.recorder.invoke("session-read", path, node_id=client.node_id)
        client.busy = False
        process = self.world.processes.get(client.node_id)
        if process is not None and not process.paused and process.replica.machine.log.commit.index >= client.floor:
            self._has_read(client, call, process)
        elif self.world.clock.now_s - began_s < SESSION_WAITS_S:
            client.busy = True
            self.world.clock.after(0.2, self._session_read, client, path, began_s, call)
        else:
            client.recorder.returned(call, "FAILED")
            client.node_id = 0

    def _read(self, client: Client, path: str) -> None:
        """A linearizable read. A node that goes away leaves the reader waiting, who then gives up."""
        process = self.world.processes.get(client.node_id)
        if process is None:
            return
        self._reads += 1
        read_id = f"read{self._reads}"
        client.busy = True
        self._reading[read_id] = client, client.recorder.invoke("read", path, node_id=client.node_id)
        process.feed(ReadAsked(read_id))
        if read_id in self._reading:
            self.world.clock.after(READ_WAITS_S, self._give_up, read_id, process)

    def may_read(self, process: Process, read_id: str) -> None:
        waiting = self._reading.pop(read_id, None)
        if waiting is not None:
            waiting[0].busy = False
            self._has_read(*waiting, process)
            self.world.judge.saw("linearizable read")

    def may_not_read(self, read_id: str) -> None:
        waiting = self._reading.pop(read_id, None)
        if waiting is not None:
            client, call = waiting
            client.busy = False
            client.recorder.returned(call, "FAILED")

    def _give_up(self, read_id: str, process: Process) -> None:
        if read_id in self._reading:
            process.feed(ReadGivenUp(read_id))
            self.may_not_read(read_id)

    def _has_read(self, client: Client, call: Call, process: Process) -> None:
        self.world.judge.saw_read(process)
        machine = process.replica.machine
        entry = machine.tree.find(call.path)
        value = entry.data.decode() if entry is not None and entry.data is not None else None
        commit = machine.log.commit
        client.known[call.path] = value
        client.floor = max(client.floor, commit.index)
        client.recorder.returned(call, "OK", value=value, revision=(commit.epoch, commit.index))
