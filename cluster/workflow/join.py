"""Join a cluster: ask a member to add this node, install what it gives, become its member, or leave no trace.

`join_plan.py` refuses malformed input at the door. No byte of the password leaves before the peer has shown the pinned
certificate (`cluster/control/peer.py`). From the moment the store is synchronised the join is complete; everything
before is taken back on failure, here and on the peer, whose side is `add_node.py`. How steps run is `steps.py`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from cluster.errors import Conflict, PeerError, PeerRefused
from cluster.model import Link
from cluster.workflow import answer, bring, preflight, waiting
from cluster.workflow.asking import ANSWER_S, Peers, PeerSession, answered
from cluster.workflow.clock import Clock
from cluster.workflow.create import default_link, engine_word, local_undo_steps
from cluster.workflow.foretelling import Foretold, foretell
from cluster.workflow.former import Joined, JoinMemory
from cluster.workflow.host import Host
from cluster.workflow.import_plan import Taken, plan_import
from cluster.workflow.join_plan import JoinPlan
from cluster.workflow.journal import Journal
from cluster.workflow.steps import Account, Run, Step, UndoStep, Workflow, run
from cluster.workflow.token_session import signed_in

API_VERSION, API_VERSION_MIN = 1, 0
QUEUE_S, ASK_AGAIN_S = 300.0, 1.0  # how long this node waits while others join before it
QUORATE_S = 90.0
SYNCHRONISED_S = 120.0

_NETWORK_ADVICE = (
    "Check that the nodes reach each other on every link: UDP ports 5405 to 5412, no firewall between, the same MTU."
)


async def join(
    host: Host, plan: JoinPlan, peers: Peers, memory: JoinMemory, journal: Journal, account: Account, clock: Clock
) -> None:
    """Raises TaskFailed; then this node is stand-alone as before and the cluster no longer lists it. `memory` learns
    what the node was before."""
    await run(_Joining(host, plan, peers, clock, memory).workflow(), journal, account)


async def foretell_join(host: Host, plan: JoinPlan, peers: Peers, user: str, clock: Clock) -> Foretold:
    """Signs in on the peer and asks it what it is; nothing is changed there either."""
    return await foretell(_Joining(host, plan, peers, clock).workflow(), user)


def undo_steps(host: Host, peers: Peers, *, at_start: bool = False) -> dict[str, UndoStep]:
    """How each step of joining is taken back, from the journal's facts. `at_start`: the daemon is only starting, and
    starts the engine of a former cluster by itself."""

    async def withdraw(facts: Mapping[str, str]) -> str | None:
        if facts.get("refused"):
            return ""
        if "undo_token" not in facts:
            return (
                f"Whether {facts['peer']} has added this node is not known, because its answer did not come; if it "
                "has, it takes that back by itself within a few minutes."
            )
        peer = peers(facts["peer"], facts["fingerprint"])
        params = {"undo_token": facts["undo_token"]}
        await peer.call("POST", f"/cluster/config/nodes/{facts['node']}/undo", params)
        return None

    async def start_former_engine(facts: Mapping[str, str]) -> str | None:
        if "engine_ran" not in facts or at_start:
            return ""
        await host.start_engine()
        return None

    return {
        "addition": UndoStep(
            "Take the addition back on the peer",
            withdraw,
            f"The peer may still list {host.name}: it drops a node that never came online by itself, and this node "
            "asks again when its daemon starts.",
        ),
        "stop": UndoStep(f"Start {engine_word(host)} again", start_former_engine),
        **local_undo_steps(host),
    }


class _Joining:
    """One join under way; what one step learns and a later one needs."""

    def __init__(self, host: Host, plan: JoinPlan, peers: Peers, clock: Clock, memory: JoinMemory | None = None):
        self._host, self._plan, self._peers, self._memory, self._clock = host, plan, peers, memory, clock
        self._links = plan.links or (default_link(host),)
        self._session: PeerSession
        self._cluster: answer.PeerCluster
        self._reply: Any = None
        self._addition: answer.Addition
        self._own: dict[str, bytes] = {}

    def workflow(self) -> Workflow:
        host, peer = self._host, self._plan.hostname
        word = engine_word(host)
        return Workflow(
            "join",
            [
                Step("check", "Check this node", self._check, 30.0, looks=True),
                Step("sign-in", f"Show {peer} the join token" if self._plan.token else f"Sign in on {peer}",
                     self._sign_in, ANSWER_S, looks=True),
                Step("versions", "Compare versions and links", self._compare, 2 * ANSWER_S, looks=True),
                Step("content", "Plan what becomes of this node's own configuration", self._plan_content, 60.0,
                     looks=True),
                Step("addition", f"Ask {peer} to add this node", self._request, QUEUE_S + 2 * ANSWER_S),
                Step("answer", "Check what the cluster sent", self._check_answer, 30.0),
                Step("stop", f"Make sure that {word} is stopped", self._stop, 30.0),
                Step("backup", "Keep a copy of this node's own store", self._backup, 60.0),
                Step("configuration", "Write the cluster's key and configuration", self._install, 15.0),
                Step("store", "Empty the store for the cluster's content", self._adopt, 30.0),
                Step("engine", f"Start {word}", self._start, 45.0),
                Step("quorum", "Wait for quorum", self._quorate, QUORATE_S + 5, _NETWORK_ADVICE),
                Step("synchronise", "Receive the cluster's store", self._synchronise, SYNCHRONISED_S + 5),
            ],
            [
                Step("import", "Bring this node's own configuration along", self._import, 60.0,
                     "What it had is in the copy of its former store; nothing is lost."),
                Step("certificate", "Issue this node's certificate", self._certify, 60.0,
                     "The daemon issues it when it can; the join itself is complete."),
                Step("settle", "Tidy up", self._settle, 15.0),
            ],
            undo_steps(host, self._peers),
            f"{host.name} is now a member of the cluster.",
            {"node": host.name, "peer": peer, "fingerprint": self._plan.fingerprint},
        )  # fmt: skip

    # --- before anything is touched -----------------------------------------------------------------------------------

    async def _check(self, run: Run) -> None:
        findings = await preflight.inspect_join(self._host, self._plan.links)
        if self._plan.brings:  # then guests get other numbers where theirs are taken
            findings = [one for one in findings if one.code not in ("guests-present", "content-replaced")]
        preflight.settle_findings(findings, run, self._plan.force)

    async def _sign_in(self, run: Run) -> None:
        self._session = await signed_in(self._plan, self._peers, self._clock)

    async def _compare(self, run: Run) -> str:
        theirs = await self._their_version()
        if theirs < API_VERSION_MIN:
            raise Conflict("The cluster runs an older version that this node cannot join. Update the cluster first.")
        self._cluster = answer.read_join_information(await self._join_information(), self._plan.fingerprint)
        given = {link.number for link in self._links}
        if given != self._cluster.links:
            wanted = ", ".join(str(number) for number in sorted(self._cluster.links))
            raise Conflict(
                f"The cluster {self._cluster.name} uses the links {wanted}: give an address for each of them."
            )
        if self._host.name in self._cluster.nodes and not self._plan.force:
            run.say(f"The cluster already lists a node named {self._host.name}.")
        count = len(self._cluster.nodes)
        return f"OK, cluster {self._cluster.name} of {count} {'node' if count == 1 else 'nodes'}"

    async def _their_version(self) -> int:
        try:
            return answer.read_api_version(await self._session.get("/cluster/config/apiversion"))
        except PeerRefused:
            return 0  # from before there was a version

    async def _join_information(self) -> Any:
        try:
            return await self._session.get("/cluster/config/join")
        except PeerRefused as error:
            if "not in a cluster" in error.message.lower():
                raise Conflict(f"{self._plan.hostname} is not in a cluster. Create one there first.") from error
            raise

    async def _plan_content(self, run: Run) -> str | None:
        """Told before anything is asked for; made anew once the cluster's store is here."""
        self._own = await bring.own_files(self._host)
        if not self._own:
            return "there is none"
        if not self._plan.brings:
            return f"OK, all of it ({len(self._own)} files) stays in a copy of this node's store"
        plan = plan_import(self._own, self._host.name, await self._what_is_taken(run))
        for row in plan.rows:
            run.say(f"{row.path}{f' ({row.what})' if row.what else ''}: {row.becomes}. {row.sentence}")
        return None

    async def _what_is_taken(self, run: Run) -> Taken:
        try:
            return bring.read_taken(await self._session.get("/cluster/config/join/taken"))
        except PeerRefused:
            run.say("What the cluster has is not known yet: names and numbers are kept where they are free there.")
            return Taken()

    # --- the cluster's side -------------------------------------------------------------------------------------------

    async def _request(self, run: Run) -> None:
        plan = self._plan
        params: dict[str, Any] = {f"link{link.number}": _link_string(link) for link in plan.links}
        if not plan.links:
            params["new_node_ip"] = self._links[0].address
        params |= {"nodeid": plan.node_id, "votes": plan.votes, "force": plan.force or None, "apiversion": API_VERSION}
        end_s, said = self._clock.monotonic_s() + QUEUE_S, ""
        while True:
            asked = self._session.post(f"/cluster/config/nodes/{self._host.name}", **params)
            try:
                self._reply = await answered(asyncio.ensure_future(asked), run)
                return
            except PeerRefused as refusal:
                if "place" not in refusal.fields or self._clock.monotonic_s() > end_s:
                    raise
                if refusal.message != said:
                    run.say(f"Waiting: {refusal.message}")
                    said = refusal.message
            await self._clock.sleep(ASK_AGAIN_S)
            self._cluster = answer.read_join_information(await self._join_information(), plan.fingerprint)

    async def _check_answer(self, run: Run) -> None:
        if "undo_token" not in run.facts:
            raise PeerError("The peer gave no means to take the addition back; is it a Quire node?")
        self._addition = answer.read_addition(self._reply, self._cluster, self._host.name, self._links)
        for line in self._addition.warnings:
            run.warn(f"cluster: {line}")
        await self._host.check_configuration(self._addition.conf)

    # --- this node's side ---------------------------------------------------------------------------------------------

    async def _stop(self, run: Run) -> None:
        """With force, a former cluster's engine may run."""
        if (await self._host.engine_status()).running:
            run.note(engine_ran="yes")
            await self._host.stop_engine()

    async def _backup(self, run: Run) -> str:
        name = await self._host.backup_store()
        run.note(backup=name)
        addition, now_s = self._addition, int(self._clock.unix_s())
        if self._memory is not None:
            self._memory.keep(Joined(name, now_s, addition.cluster_name, addition.uuid))
        return f"OK, {name}"

    async def _install(self, run: Run) -> None:
        await self._host.install_configuration(self._addition.conf, self._addition.key)

    async def _adopt(self, run: Run) -> None:
        await self._host.adopt_cluster(self._addition.uuid)

    async def _start(self, run: Run) -> None:
        await self._host.start_engine()

    async def _quorate(self, run: Run) -> None:
        await waiting.until_quorate(self._host, self._addition.nodes, run, self._clock, QUORATE_S)

    async def _synchronise(self, run: Run) -> None:
        await waiting.until_synchronised(self._host, run, self._clock, SYNCHRONISED_S)

    async def _import(self, run: Run) -> str | None:
        if not self._own or not self._plan.brings:
            return "nothing to do"
        plan = await bring.bring(self._host, self._own)
        counts = Counter(row.becomes for row in plan.rows)
        return "OK, " + ", ".join(f"{number} {word}" for word, number in counts.items())

    async def _certify(self, run: Run) -> str:
        return f"OK, fingerprint {await self._host.refresh_certificate()}"

    async def _settle(self, run: Run) -> None:
        await self._host.settle()
        await self._host.cluster_log(f"{self._host.name} joined the cluster {self._addition.cluster_name}")


def _link_string(link: Link) -> str:
    return link.address if link.priority is None else f"{link.address},priority={link.priority}"
