"""Create a cluster of which this node is the first: key, configuration, store, engine, quorum.

`plan_create` refuses malformed input at the door; `create` does the rest in undoable steps. The node's store keeps its
content and becomes the cluster's. How steps run and fail is `steps.py`; what the node does is `host.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from cluster.corosync import conf, names
from cluster.corosync.conf.edits import TOKEN_COEFFICIENT_MS
from cluster.errors import InvalidInput
from cluster.model import Link, Node
from cluster.workflow import preflight, waiting
from cluster.workflow.clock import Clock
from cluster.workflow.foretelling import Foretold, foretell
from cluster.workflow.host import Host
from cluster.workflow.journal import Journal
from cluster.workflow.steps import Account, Run, Step, UndoStep, Workflow, run

QUORATE_S = 60.0


@dataclass(frozen=True, slots=True)
class CreatePlan:
    """What is going to be created; every value is checked."""

    cluster_name: str
    links: tuple[Link, ...]
    node_id: int = 1
    votes: int = 1
    token_coefficient: int = TOKEN_COEFFICIENT_MS


def plan_create(
    host: Host,
    clustername: str,
    links: Mapping[int, str],
    nodeid: int | None = None,
    votes: int | None = None,
    token_coefficient: int = TOKEN_COEFFICIENT_MS,
) -> CreatePlan:
    """Raises InvalidInput naming the field. Without links, link 0 is the address this node's name resolves to."""
    checked_name = names.cluster_name(clustername)
    allow_loopback = host.engine_name != "corosync"
    if links:
        chosen = names.links(links, allow_loopback=allow_loopback)
    else:
        chosen = (default_link(host),)
    return CreatePlan(
        checked_name,
        chosen,
        1 if nodeid is None else names.node_id(nodeid),
        1 if votes is None else names.votes(votes, minimum=1),
        names.token_coefficient(token_coefficient),
    )


def default_link(host: Host) -> Link:
    """Link 0 at this node's own address. Raises InvalidInput when that is of no use to other nodes."""
    try:
        address = names.link_address(host.address, "link0", allow_loopback=host.engine_name != "corosync")
    except InvalidInput as error:
        sentence = f"This node's name resolves to {host.address}, which cannot be a link. Choose an address."
        raise InvalidInput(sentence, fields={"link0": sentence}) from error
    return Link(0, address)


async def create(host: Host, plan: CreatePlan, journal: Journal, account: Account, clock: Clock) -> None:
    """Raises TaskFailed; then the node is stand-alone as before, its store and files byte for byte."""
    await run(_Creation(host, plan, clock).workflow(), journal, account)


async def foretell_create(host: Host, plan: CreatePlan, user: str, clock: Clock) -> Foretold:
    return await foretell(_Creation(host, plan, clock).workflow(), user)


def undo_steps(host: Host) -> dict[str, UndoStep]:
    """How each step of creating is taken back, from the journal's facts."""
    return local_undo_steps(host)


def local_undo_steps(host: Host) -> dict[str, UndoStep]:
    """What create and join have in common: the way back to the node as it was."""

    async def restore_store(facts: Mapping[str, str]) -> None:
        if "backup" in facts:
            await host.restore_store(facts["backup"])

    async def restore_configuration(facts: Mapping[str, str]) -> None:
        await host.restore_configuration()

    async def stop_engine(facts: Mapping[str, str]) -> None:
        await host.stop_engine()

    return {
        "backup": UndoStep("Put the node's own store back", restore_store),
        "configuration": UndoStep("Put the former key and configuration back", restore_configuration),
        "engine": UndoStep(f"Stop {engine_word(host)}", stop_engine),
    }


def engine_word(host: Host) -> str:
    """How a line of the log names the engine."""
    return "corosync" if host.engine_name == "corosync" else "the engine"


class _Creation:
    """One creation under way; what one step makes and a later one needs."""

    def __init__(self, host: Host, plan: CreatePlan, clock: Clock) -> None:
        self._host, self._plan, self._clock = host, plan, clock
        self._node = Node(host.name, plan.node_id, plan.votes, plan.links)
        self._conf, self._key = b"", b""

    def workflow(self) -> Workflow:
        return Workflow(
            "create",
            [
                Step("check", "Check this node", self._check, 30.0, looks=True),
                Step("prepare", "Make the key and the configuration", self._prepare, 30.0, looks=True),
                Step("backup", "Keep a copy of the store", self._backup, 60.0),
                Step("configuration", "Write the key and the configuration", self._install, 15.0),
                Step("store", "Make the store the cluster's", self._found, 30.0),
                Step("engine", f"Start {engine_word(self._host)}", self._start, 45.0),
                Step("quorum", "Wait for quorum", self._quorate, QUORATE_S + 5),
            ],
            [Step("settle", "Tidy up", self._settle, 15.0)],
            undo_steps(self._host),
            f"The cluster {self._plan.cluster_name} is created. {self._host.name} is its first node.",
        )

    async def _check(self, run: Run) -> None:
        preflight.settle_findings(await preflight.inspect_create(self._host, self._plan.links), run)

    async def _prepare(self, run: Run) -> str:
        plan = self._plan
        document = conf.new(plan.cluster_name, self._node, plan.token_coefficient)
        verification = conf.verify(document)
        if not verification.ok:
            raise InvalidInput(" ".join(verification.errors))
        self._conf = conf.render(document).encode()
        await self._host.check_configuration(self._conf)
        present = await self._host.read_local_key()
        if present is not None and preflight.KEY_BYTES_MIN <= len(present) <= preflight.KEY_BYTES_MAX:
            self._key = present
            return "OK, the key that is there is used"
        self._key = await self._host.generate_key()
        return "OK"

    async def _backup(self, run: Run) -> None:
        run.note(backup=await self._host.backup_store())

    async def _install(self, run: Run) -> None:
        await self._host.install_configuration(self._conf, self._key)

    async def _found(self, run: Run) -> None:
        await self._host.found_cluster(str(uuid.uuid4()), self._conf)

    async def _start(self, run: Run) -> None:
        await self._host.start_engine()

    async def _quorate(self, run: Run) -> None:
        await waiting.until_quorate(self._host, [self._node], run, self._clock, QUORATE_S / 2)
        await waiting.until_synchronised(self._host, run, self._clock, QUORATE_S / 2)

    async def _settle(self, run: Run) -> None:
        await self._host.settle()
        await self._host.cluster_log(f"cluster {self._plan.cluster_name} created by {run.user}")
