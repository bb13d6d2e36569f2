"""Set up the cluster's witness and take it away: the certificate, corosync.conf, then every node connected, or nothing.

Nothing is on any node before one change of the tree brings the record and the device together; each node then does by
itself what the record says (`cluster/node/witness.py`), and taking back is that change the other way round. The witness
is told that its token is free again. When it has a vote is `witness_rule.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cluster.corosync import conf
from cluster.corosync.conf.device_edits import device_of, with_device, without_device
from cluster.errors import Conflict, NoQuorum, NotFound, NotInCluster, PeerError
from cluster.model import StoreState, WitnessSeen
from cluster.workflow import witness_rule
from cluster.workflow.clock import Clock
from cluster.workflow.foretelling import Foretold, foretell
from cluster.workflow.host import StoredFile
from cluster.workflow.journal import Journal
from cluster.workflow.steps import Account, Run, Step, UndoStep, Workflow, run
from cluster.workflow.witness_rule import PATH, WitnessInvitation, WitnessRecord, read_invitation

CONFIGURATION = "corosync.conf"
POLL_S = 0.2
CHECK_S, ENROL_S, COMMIT_S, CONNECT_S, GONE_S = 20.0, 90.0, 30.0, 30.0, 30.0
AGAINST_A_DEVICE = ("two_node", "auto_tie_breaker", "last_man_standing", "allow_downscale")


class WitnessHost(Protocol):
    """What these workflows ask of their node; `cluster/node/witness_host.py` is the real one, `fake_witness_host.py`
    the fake."""

    async def store_read(self, path: str) -> StoredFile | None: ...

    async def store_state(self) -> StoreState: ...

    async def online_nodes(self) -> frozenset[str]: ...

    async def check_configuration(self, text: bytes) -> None: ...

    async def cluster_log(self, sentence: str) -> None: ...

    async def enrol(self, invitation: WitnessInvitation, cluster: str) -> tuple[bytes, bytes]:
        """Make a key for the cluster and have the witness sign it → (its authority's certificate, the bundle). Asking
        again with the same token is refused until it is given back. Raises PeerError, PeerRefused, OutcomeUnknown."""

    async def give_token_back(self, invitation: WitnessInvitation) -> None:
        """Raises PeerError."""

    async def enrolment_done(self, invitation: WitnessInvitation) -> None:
        """The program on the witness may end. Raises PeerError."""

    async def commit_witness(self, document: bytes, expected_digest: str, record: bytes | None) -> None:
        """Commit corosync.conf with the record, or without any, and have every member read it. Raises NoQuorum,
        Conflict, OutcomeUnknown, Unavailable."""

    async def witness_seen(self) -> Mapping[str, WitnessSeen]:
        """What each online node told lately of its part, by its name."""

    async def witness_votes(self) -> int:
        """How many votes of the device corosync counts on this node now."""


async def set_up_witness(
    host: WitnessHost, text: str, force: bool, journal: Journal, account: Account, clock: Clock, record_id: str
) -> None:
    """`text` is the line that the witness printed. Raises InvalidInput, TaskFailed."""
    await run(_SettingUp(host, read_invitation(text), force, clock, record_id).workflow(text), journal, account)


async def foretell_set_up(host: WitnessHost, text: str, force: bool, clock: Clock, user: str) -> Foretold:
    """Raises InvalidInput."""
    return await foretell(_SettingUp(host, read_invitation(text), force, clock, "").workflow(text), user)


async def foretell_removal(host: WitnessHost, clock: Clock, user: str) -> Foretold:
    return await foretell(_Removing(host, clock).workflow(), user)


async def remove_witness(host: WitnessHost, journal: Journal, account: Account, clock: Clock) -> None:
    """Raises TaskFailed."""
    await run(_Removing(host, clock).workflow(), journal, account)


def undo_steps(host: WitnessHost) -> dict[str, UndoStep]:
    async def take_out(facts: Mapping[str, str]) -> str | None:
        stored = await host.store_read(PATH)
        record = witness_rule.decode(stored.data) if stored is not None else None
        configuration = await host.store_read(CONFIGURATION)
        if record is None or configuration is None or record.id != facts.get("record"):
            return ""
        document = conf.raise_version(without_device(conf.parse(configuration.data)))
        await host.commit_witness(conf.render(document).encode(), configuration.digest, None)
        await host.cluster_log(f"the witness at {record.host} is taken out again")
        return None

    async def give_back(facts: Mapping[str, str]) -> str | None:
        if "invitation" not in facts:
            return ""
        try:
            await host.give_token_back(read_invitation(facts["invitation"]))
        except PeerError as error:
            return f"The witness could not be told: {error.message} Start its program again before the next try."
        return None

    return {
        "commit": UndoStep("Take the witness out of the configuration", take_out),
        "enrol": UndoStep("Give the witness's token back", give_back),
    }


class _SettingUp:
    """One set-up under way; what one step learns and a later one needs."""

    def __init__(
        self, host: WitnessHost, invitation: WitnessInvitation, force: bool, clock: Clock, record_id: str
    ) -> None:
        self._host, self._invitation, self._force, self._clock = host, invitation, force, clock
        self._record_id = record_id
        self._algorithm, self._cluster, self._ca, self._bundle = "", "", b"", b""

    def workflow(self, text: str) -> Workflow:
        where = self._invitation.address
        return Workflow(
            "witness",
            [
                Step("check", "Check that the cluster is whole and every node has what it needs", self._check, CHECK_S,
                     looks=True),
                Step("enrol", f"Have {where} sign the cluster's certificate", self._enroller(text), ENROL_S),
                Step("commit", "Give every node the certificate, and the witness its vote", self._commit, COMMIT_S),
                Step("connect", "Wait until every node is connected to the witness", self._connect, CONNECT_S,
                     f"Is port 5403/tcp of {where} open to every node?"),
            ],
            [Step("done", "Tell the witness that it is done", self._done, 15.0)],
            undo_steps(self._host),
            f"The witness at {where} has its vote.",
        )  # fmt: skip

    async def _check(self, run: Run) -> str:
        document = await _whole(self._host, "A witness cannot be set up now")
        stored = await self._host.store_read(PATH)
        record = witness_rule.decode(stored.data) if stored is not None else None
        device = device_of(document)
        if device is not None or record is not None:
            raise Conflict("This cluster has a witness already. Remove it first.")
        self._algorithm = witness_rule.algorithm_for(len(document.nodes()), self._force)
        self._cluster = document.cluster_name
        quorum = document.root.only("quorum")
        against = [key for key in AGAINST_A_DEVICE if quorum is not None and quorum.get(key, "0") != "0"]
        if against:
            raise Conflict(f"corosync takes no witness beside {', '.join(against)} in its quorum section.")
        absent = {node.name for node in document.nodes()} - await self._host.online_nodes()
        if absent:
            raise Conflict(f"Every node must be online for this; not here: {', '.join(sorted(absent))}.")
        await self._programs({node.name for node in document.nodes()}, run)
        return f"OK, {len(document.nodes())} nodes, {self._algorithm}"

    async def _programs(self, nodes: set[str], run: Run) -> None:
        """Each node tells whether it has the programs; one that came a moment ago gets a moment."""
        seen = await self._host.witness_seen()
        while silent := sorted(nodes - seen.keys()):
            run.last_said = f"{silent[0]} does not say whether it has corosync-qdevice"
            await self._clock.sleep(POLL_S)
            seen = await self._host.witness_seen()
        without = sorted(name for name in nodes if not seen[name].installed)
        if without:
            raise Conflict(
                f"The packages corosync-qdevice and libnss3-tools are needed on every node; not on: "
                f"{', '.join(without)}."
            )

    def _enroller(self, text: str):  # type: ignore[no-untyped-def]
        async def enrol(run: Run) -> None:
            run.note(invitation=text)
            self._ca, self._bundle = await self._host.enrol(self._invitation, self._cluster)

        return enrol

    async def _commit(self, run: Run) -> None:
        stored = await self._host.store_read(CONFIGURATION)
        if stored is None:
            raise NotInCluster("This node is not in a cluster.")
        document = conf.parse(stored.data)
        if witness_rule.algorithm_for(len(document.nodes()), self._force) != self._algorithm:
            raise Conflict("A node was added or removed meanwhile; try again.")
        changed = conf.raise_version(with_device(document, self._invitation.address, self._algorithm))
        rendered = conf.render(changed).encode()
        await self._host.check_configuration(rendered)
        record = WitnessRecord(
            self._record_id, self._invitation.address, self._algorithm, self._cluster, self._ca, self._bundle,
            run.user, self._clock.unix_s(),
        )  # fmt: skip
        run.note(record=record.id)
        await self._host.commit_witness(rendered, stored.digest, witness_rule.encode(record))
        await self._host.cluster_log(f"witness at {record.host} is set up, by {run.user}")

    async def _connect(self, run: Run) -> str:
        began_s = self._clock.monotonic_s()
        while waits := await self._unconnected():
            run.last_said = waits
            await self._clock.sleep(POLL_S)
        return f"OK, after {self._clock.monotonic_s() - began_s:.1f} s"

    async def _unconnected(self) -> str:
        seen, online = await self._host.witness_seen(), await self._host.online_nodes()
        for name in sorted(online):
            if name not in seen or not seen[name].connected:
                said = seen[name].state if name in seen else ""
                return f"{name} is not connected to the witness yet{f' ({said})' if said else ''}"
        return "" if await self._host.witness_votes() else "corosync does not count the witness's vote yet"

    async def _done(self, run: Run) -> None:
        await self._host.enrolment_done(self._invitation)


class _Removing:
    def __init__(self, host: WitnessHost, clock: Clock) -> None:
        self._host, self._clock = host, clock

    def workflow(self) -> Workflow:
        return Workflow(
            "witness-removal",
            [
                Step(
                    "check", "Check that there is a witness, and that it may be removed", self._check, 5.0, looks=True
                ),
                Step("commit", "Take the witness out of the configuration", self._commit, COMMIT_S),
            ],
            [Step("gone", "Wait until no node asks the witness any more", self._gone, GONE_S)],
            {},
            "The cluster has no witness.",
        )

    async def _check(self, run: Run) -> None:
        document = await _whole(self._host, "The witness cannot be removed now")
        if device_of(document) is None and await self._host.store_read(PATH) is None:
            raise NotFound("This cluster has no witness.")

    async def _commit(self, run: Run) -> None:
        stored = await self._host.store_read(CONFIGURATION)
        if stored is None:
            raise NotInCluster("This node is not in a cluster.")
        document = conf.parse(stored.data)
        rendered = conf.render(conf.raise_version(without_device(document))).encode()
        await self._host.check_configuration(rendered)
        await self._host.commit_witness(rendered, stored.digest, None)
        await self._host.cluster_log(f"the witness is removed, by {run.user}")

    async def _gone(self, run: Run) -> None:
        while asking := [name for name, seen in (await self._host.witness_seen()).items() if seen.state]:
            run.last_said = f"{sorted(asking)[0]} still runs corosync-qdevice"
            await self._clock.sleep(POLL_S)


async def _whole(host: WitnessHost, refusal: str) -> conf.Document:
    stored = await host.store_read(CONFIGURATION)
    if stored is None:
        raise NotInCluster("This node is not in a cluster.")
    state = await host.store_state()
    if not state.writable:
        raise NoQuorum(f"{refusal}: {state.reason or 'the cluster has no quorum'}")
    return conf.parse(stored.data)
