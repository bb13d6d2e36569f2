"""The node as setting up a witness sees it: `WitnessHost` of `cluster/workflow/set_up_witness.py`, over this daemon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cluster.control import witness_agent
from cluster.core.machine import CONFIGURATION
from cluster.core.operations import Expect, Mkdir, Remove, Write, digest_of
from cluster.core.tree import AnyOperation
from cluster.errors import Conflict, StoreRefusal
from cluster.model import WitnessSeen
from cluster.node.changing_host import ChangingHost
from cluster.workflow.witness_rule import PATH, WitnessInvitation

if TYPE_CHECKING:
    pass


class NodeWitnessHost(ChangingHost):
    async def enrol(self, invitation: WitnessInvitation, cluster: str) -> tuple[bytes, bytes]:
        return await witness_agent.enrol(_agent(invitation), cluster)

    async def give_token_back(self, invitation: WitnessInvitation) -> None:
        await witness_agent.withdraw(_agent(invitation))

    async def enrolment_done(self, invitation: WitnessInvitation) -> None:
        await witness_agent.done(_agent(invitation))

    async def commit_witness(self, document: bytes, expected_digest: str, record: bytes | None) -> None:
        operations: list[AnyOperation] = [Expect(CONFIGURATION, expected_digest), Write(CONFIGURATION, document)]
        present = self._node.life.tree.read(PATH)
        if record is not None:
            operations += [Mkdir("priv", parents=True), Write(PATH, record, create=True)]
        elif present is not None:
            operations += [Expect(PATH, digest_of(present)), Remove(PATH)]
        try:
            await self._node.life.driver.propose(operations, user="root@pam", door="workflow")
        except StoreRefusal as refusal:
            raise Conflict("The configuration was changed by someone else meanwhile; try again.") from refusal
        await self._node.host.activate_configuration()

    async def witness_seen(self) -> Mapping[str, WitnessSeen]:
        document = self._node.document()
        nodes = document.nodes() if document is not None else ()
        cards = {node.name: self._node.board.card(node.node_id) for node in nodes}
        return {name: card.witness for name, card in cards.items() if card.online and card.witness is not None}

    async def witness_votes(self) -> int:
        state = self._node.publisher.state
        return state.witness.votes if state is not None and state.witness is not None else 0


def _agent(invitation: WitnessInvitation) -> witness_agent.Agent:
    return witness_agent.Agent(invitation.address, invitation.port, invitation.fingerprint, invitation.token)
