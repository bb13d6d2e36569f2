"""Requests that look: pre-flight of create and join, from this side and as a member; and putting leftovers away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.control.check_requests import (
    CheckCreate,
    CheckJoin,
    CheckMembers,
    CheckState,
    MembersPreflight,
    RemoveLeftovers,
    TokenPreflight,
)
from cluster.control.conversation import Handler
from cluster.control.requests import CheckNode, Request, VerifyCluster, as_plain
from cluster.core.findings import Finding
from cluster.corosync import names
from cluster.errors import Conflict, InvalidInput, NotInCluster
from cluster.node.check_now import check_now
from cluster.node.checks import Checks, Tell
from cluster.node.surveys import Surveys
from cluster.node.verification import Heard, Verification, rows
from cluster.workflow import check_together
from cluster.workflow.check_together import Joiner
from cluster.workflow.clock import SystemClock
from cluster.workflow.surveyor import NONCE_BYTES

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    surveys = Surveys(node)
    verification = Verification(node, surveys.surveyor.corosync_version)
    checks = Checks(lambda state: node.publisher.publish("check", state), node.background.run)
    workflows, port = node.workflows, node.options.port

    async def check(request: CheckNode) -> Any:
        return as_plain(await check_now(node, surveys))

    async def create(request: CheckCreate) -> Any:
        links = workflows.checked_create_links(request.links)
        return {"id": checks.start("create", lambda tell: check_together.check_create(
            node.host, surveys.surveyor, links, tell))}  # fmt: skip

    async def join(request: CheckJoin) -> Any:
        plan = workflows.checked_join(request)
        return {"id": checks.start("join", lambda tell: check_together.check_join(
            node.host, surveys.surveyor, port, plan, workflows.peer, SystemClock(), tell))}  # fmt: skip

    async def members(request: CheckMembers) -> Any:
        if node.document() is None:
            raise NotInCluster("This node is not in a cluster, so there is nothing to compare it with.")

        async def work(tell: Tell) -> None:
            def answered(name: str, one: Heard) -> None:
                tell([Finding("answer", "ok", f"{name} has answered.", node=name)])

            _, findings = await verification.verify(answered)
            tell(findings or [Finding("alike", "ok", "All nodes are alike, and nothing is wrong.")])

        return {"id": checks.start("verify", work)}

    async def state(request: CheckState) -> Any:
        return as_plain(await checks.state(request.id, request.after, request.wait_s))

    async def verify(request: VerifyCluster) -> Any:
        heard, findings = await verification.verify()
        return {"nodes": rows(node.document(), heard), "findings": as_plain(findings)}

    async def remove_leftovers(request: RemoveLeftovers) -> Any:
        if node.document() is not None or workflows.busy or (await node.host.engine_status()).running:
            raise Conflict("These files are in use: this node is in a cluster, or corosync runs.")
        files = await surveys.surveyor.leftovers()
        return {"backup": await surveys.surveyor.set_leftovers_aside(), "files": list(files)}

    async def as_member(request: MembersPreflight) -> Any:
        return as_plain(await surveys.ask(_joiner(request)))

    async def by_token(request: TokenPreflight) -> Any:
        if node.document() is None:
            raise NotInCluster("This node is not in a cluster; there is nothing to join.")
        await workflows.tokens.check(request.token.reveal(), request.cluster, request.time)
        return as_plain(await surveys.ask(_joiner(request)))

    def _joiner(request: MembersPreflight | TokenPreflight) -> Joiner:
        """Only what a join may name: addresses that can be links, and the port all sites of this cluster use."""
        near = node.options.engine != "corosync"
        links = {link.number: link.address for link in names.links(request.links, allow_loopback=near)}
        address = names.link_address(request.address, "address", allow_loopback=near)
        if request.port != port:
            sentence = f"The cluster's sites use port {port}, this node {request.port}."
            raise InvalidInput(sentence, fields={"port": sentence})
        return Joiner(names.node_name(request.node), links, address, port, _nonce(request.nonce))

    return {
        CheckNode: check,
        CheckCreate: create,
        CheckJoin: join,
        CheckMembers: members,
        CheckState: state,
        VerifyCluster: verify,
        RemoveLeftovers: remove_leftovers,
        MembersPreflight: as_member,
        TokenPreflight: by_token,
    }


def _nonce(text: str) -> bytes:
    try:
        nonce = bytes.fromhex(text)
    except ValueError:
        nonce = b""
    if len(nonce) != NONCE_BYTES:
        raise InvalidInput("The nonce is not one.", fields={"nonce": f"It is {NONCE_BYTES} bytes in hexadecimal."})
    return nonce
