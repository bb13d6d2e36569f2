"""The fake of `WitnessHost` (`set_up_witness.py`): a cluster in memory, and a witness that signs, refuses or is silent.

`fail` maps a method's name to what it raises before its effect, `fail_after` after it, as `fake_host.py` does.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from cluster.corosync import conf
from cluster.corosync.conf.device_edits import device_of
from cluster.errors import Conflict, InvalidInput, PeerRefused
from cluster.model import Revision, StoreState, WitnessSeen
from cluster.workflow.host import StoredFile
from cluster.workflow.witness_rule import PATH, WitnessInvitation

CONFIGURATION = "corosync.conf"


class FakeWitnessHost:
    """`silent`: nodes never get connected. `token_used` is what the witness knows of its token."""

    def __init__(self, text: bytes) -> None:
        self.files = {CONFIGURATION: text}
        self.online = {node.name for node in conf.parse(text).nodes()}
        self.seen = {name: WitnessSeen(installed=True) for name in self.online}
        self.silent, self.writable = False, True
        self.token_used, self.agent_ended = False, False
        self.logged: list[str] = []
        self.fail: dict[str, BaseException] = {}
        self.fail_after: dict[str, BaseException] = {}

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        return self._failing(name, found) if inspect.iscoroutinefunction(found) else found

    def _failing(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        async def call(*arguments: Any) -> Any:
            if name in self.fail:
                raise self.fail[name]
            result = await method(*arguments)
            if name in self.fail_after:
                raise self.fail_after[name]
            return result

        return call

    async def store_read(self, path: str) -> StoredFile | None:
        data = self.files.get(path)
        return StoredFile(data, conf.digest(data)) if data is not None else None

    async def store_state(self) -> StoreState:
        return StoreState(self.writable, "" if self.writable else "too few votes are present", Revision(1, 1), "")

    async def online_nodes(self) -> frozenset[str]:
        return frozenset(self.online)

    async def check_configuration(self, text: bytes) -> None:
        if not conf.verify(conf.parse(text)).ok:
            raise InvalidInput("corosync would not take this.")

    async def cluster_log(self, sentence: str) -> None:
        self.logged.append(sentence)

    async def enrol(self, invitation: WitnessInvitation, cluster: str) -> tuple[bytes, bytes]:
        if self.token_used:
            raise PeerRefused("The witness refused: the token is used.")
        self.token_used = True
        return b"authority", b"bundle"

    async def give_token_back(self, invitation: WitnessInvitation) -> None:
        self.token_used = False

    async def enrolment_done(self, invitation: WitnessInvitation) -> None:
        self.agent_ended = True

    async def commit_witness(self, document: bytes, expected_digest: str, record: bytes | None) -> None:
        if conf.digest(self.files[CONFIGURATION]) != expected_digest:
            raise Conflict("The configuration was changed by someone else meanwhile; try again.")
        self.files[CONFIGURATION] = document
        self.files.pop(PATH, None)
        if record is not None:
            self.files[PATH] = record
        asks = device_of(conf.parse(document)) is not None
        state = "" if not asks else "Connecting" if self.silent else "Connected"
        self.seen = {
            name: replace(seen, state=state, connected=state == "Connected") for name, seen in self.seen.items()
        }

    async def witness_seen(self) -> Mapping[str, WitnessSeen]:
        return {name: seen for name, seen in self.seen.items() if name in self.online}

    async def witness_votes(self) -> int:
        return int(any(seen.connected for seen in self.seen.values()))
