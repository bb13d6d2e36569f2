"""A small world for workflow tests: fake nodes on one network, journals on disk, peers that answer as members do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.corosync import conf
from cluster.errors import NotInCluster, PeerError, PeerRefused, QuireError, TaskFailed
from cluster.secret import Secret
from cluster.workflow import bring
from cluster.workflow.add_node import Additions
from cluster.workflow.clock import JumpingClock
from cluster.workflow.create import create, plan_create
from cluster.workflow.fake_host import FakeHost, FakeNetwork, Killed
from cluster.workflow.former import JoinMemory
from cluster.workflow.join import join
from cluster.workflow.join_plan import plan_join
from cluster.workflow.journal import Journal
from cluster.workflow.resume import Resumed, resume_or_undo

PASSWORD = "correct horse battery"
ADDRESSES = {"alpha": "10.0.0.1", "beta": "10.0.0.2", "gamma": "10.0.0.3"}
FINGERPRINTS = {address: ":".join([f"{number:02X}"] * 32) for number, address in enumerate(ADDRESSES.values(), 16)}


class Story:
    """What a task would have written down."""

    upid, user = "UPID:beta:00000001:00000001:68A1B6C3:clusterjoin::root@pam:", "root@pam"

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.steps: list[tuple[str, float]] = []

    def log(self, line: str) -> None:
        self.lines.append(line)

    def warn(self, line: str) -> None:
        self.warnings.append(line)
        self.lines.append(f"WARN: {line}")

    def step(self, name: str, fraction: float) -> None:
        self.steps.append((name, fraction))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class World:
    """alpha, beta and gamma, stand-alone at first."""

    def __init__(self, folder: Path, make_host: type[FakeHost] = FakeHost) -> None:
        self.folder, self.clock, self.network = folder, JumpingClock(), FakeNetwork()
        for name in ADDRESSES:
            (folder / name).mkdir()
        self.alpha, self.beta, self.gamma = (make_host(name, ADDRESSES[name], self.network) for name in ADDRESSES)
        self.additions = {host.name: self.new_additions(host) for host in self.network.hosts}
        self.unreachable: set[str] = set()
        self.peer_calls: list[tuple[str, str, dict[str, Any]]] = []
        self.before_answer: Any = None  # called with (path, answer) and returns what the peer really answers
        self.hold_answer: asyncio.Event | None = None  # while unset, an addition's answer is on its way
        self.kill_on_answer = ""  # the joiner dies when the answer to this path arrives

    def new_additions(self, host: FakeHost) -> Additions:
        return Additions(host, self.folder / host.name / "pending-members.json", self.clock)

    def journal(self, host: FakeHost) -> Journal:
        return Journal(self.folder / host.name / "workflow.json")

    def memory(self, host: FakeHost) -> JoinMemory:
        return JoinMemory(self.folder / host.name / "joined.json", self.folder / host.name)

    def peer(self, address: str, fingerprint: str) -> FakePeer:
        return FakePeer(self, address, fingerprint)

    # --- what people do -----------------------------------------------------------------------------------------------

    async def create(self, host: FakeHost, story: Story | None = None, **wishes: Any) -> Story:
        story = story or Story()
        plan = plan_create(host, wishes.pop("clustername", "demo"), wishes.pop("links", {}), **wishes)
        await create(host, plan, self.journal(host), story, self.clock)
        return story

    async def join(self, host: FakeHost, to: FakeHost, story: Story | None = None, **wishes: Any) -> Story:
        story = story or Story()
        fingerprint = wishes.pop("fingerprint", FINGERPRINTS[to.address])
        plan = plan_join(host, to.address, fingerprint, Secret(wishes.pop("password", PASSWORD)), **wishes)
        await join(host, plan, self.peer, self.memory(host), self.journal(host), story, self.clock)
        return story

    async def three_nodes(self) -> None:
        await self.create(self.alpha)
        await self.join(self.beta, self.alpha)
        await self.join(self.gamma, self.alpha)

    async def failed(self, doing: Any) -> str:
        """The sentence a workflow failed with."""
        try:
            await doing
        except TaskFailed as error:
            return error.message
        raise AssertionError("it did not fail")

    async def killed(self, doing: Any) -> bool:
        """Whether the daemon died in it."""
        try:
            await doing
        except Killed:
            return True
        return False

    async def restart(self, host: FakeHost) -> Resumed | None:
        """The daemon starts again on what it left on disk; corosync ran on."""
        host.fail.clear()
        host.fail_after.clear()
        self.unreachable.discard(host.name)
        self.additions[host.name] = self.new_additions(host)
        return await resume_or_undo(self.journal(host), host, self.peer)

    def without_version(self, host: FakeHost) -> Any:
        """Everything on a node's disk but the configuration's version, which only ever rises."""
        uuid, blank, files, local, key, aside, backups = host.disk.snapshot()
        files = {path: _unversioned(data) if path == "corosync.conf" else data for path, data in files.items()}
        return uuid, blank, files, _unversioned(local), key, aside, backups


class FakePeer:
    """A member as `cluster/control/peer.py` would show it: pinned, then signed in, then asked."""

    def __init__(self, world: World, address: str, fingerprint: str) -> None:
        self._world, self._address, self._fingerprint = world, address, fingerprint

    async def login(self, username: str, password: Secret) -> FakeSession:
        self._meet("/access/ticket", {})
        if (username, password) != ("root@pam", Secret(PASSWORD)):
            raise PeerRefused("The user name or the password is not right.")
        return FakeSession(self)

    async def call(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> Any:
        host = self._meet(path, dict(params or {}))
        await asyncio.sleep(0)
        try:
            answer = await self._answer(host, path, dict(params or {}))
        except QuireError as error:
            raise PeerRefused(error.message, fields=error.fields) from error
        except Killed:  # this member's daemon, in the middle of its answer
            self._world.unreachable.add(host.name)
            raise PeerError(f"The node at {self._address}:8006 ended the connection.") from None
        if self._world.before_answer is not None:
            answer = self._world.before_answer(path, answer)
        if self._world.hold_answer is not None and "/nodes/" in path:
            await self._world.hold_answer.wait()
        if self._world.kill_on_answer and path.endswith(self._world.kill_on_answer):
            raise Killed
        return answer

    def _meet(self, path: str, params: dict[str, Any]) -> FakeHost:
        self._world.peer_calls.append((self._address, path, params))
        host = next((host for host in self._world.network.hosts if host.address == self._address), None)
        if host is None or host.name in self._world.unreachable:
            raise PeerError(f"The node at {self._address}:8006 cannot be reached.")
        if FINGERPRINTS[self._address] != self._fingerprint:
            raise PeerError(f"The node at {self._address}:8006 shows another certificate than expected.")
        return host

    async def _answer(self, host: FakeHost, path: str, params: dict[str, Any]) -> Any:
        if path == "/cluster/config/apiversion":
            return 1
        if path == "/cluster/config/join/taken":
            return bring.as_plain(await bring.what_is_taken(host))
        if path == "/cluster/config/join":
            return _join_information(host)
        additions = self._world.additions[host.name]
        name = path.split("/")[4]
        if path.endswith("/undo"):
            return await additions.withdraw(name, params["undo_token"])
        links = {int(key[4:]): value for key, value in params.items() if key.startswith("link")}
        rest = {key: value for key, value in params.items() if not key.startswith("link") and value is not None}
        added = await additions.add(name, links, **rest)
        return {field: getattr(added, field) for field in type(added).__dataclass_fields__}


class FakeSession:
    """A signed-in conversation with a fake peer."""

    def __init__(self, peer: FakePeer) -> None:
        self._peer = peer

    async def get(self, path: str) -> Any:
        return await self._peer.call("GET", path)

    async def post(self, path: str, /, **params: Any) -> Any:
        return await self._peer.call("POST", path, params)


def _join_information(host: FakeHost) -> dict[str, Any]:
    text = host.disk.store.files.get("corosync.conf")
    if text is None:
        raise NotInCluster("node is not in a cluster, no join info available!")
    document = conf.parse(text)
    nodes = [{**section, "pve_fp": FINGERPRINTS[ADDRESSES[section["name"]]]} for section in document.node_sections()]
    return {"preferred_node": host.name, "totem": document.totem_section(), "nodelist": nodes}


def _unversioned(text: bytes | None) -> bytes | None:
    if text is None:
        return None
    return b"\n".join(line for line in text.split(b"\n") if b"config_version" not in line)
