"""This node's part in alerts: looks once a second, tells the others what it sees, and sends when it is the one to.

What is wrong is decided in `cluster/alerts/conditions.py`, who sends in `dispatch.py`; a message is carried by
`alert_delivery.py`. What this node saw while it had no quorum is told once it has, and says that it is late.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509

from cluster.access.sections import Section, parse, render
from cluster.alerts import conditions, settings
from cluster.alerts.condition import Condition
from cluster.alerts.dispatch import Dispatcher, Mark
from cluster.alerts.link_conditions import folded
from cluster.alerts.message import Message, grouped
from cluster.control.requests import as_plain
from cluster.core.operations import Mkdir, Write
from cluster.core.tree import AnyOperation
from cluster.errors import Forbidden, InvalidInput, NotFound
from cluster.flight.recorded import Recorded
from cluster.model import AlertState, TaskState
from cluster.node.alert_delivery import Told, deliver
from cluster.node.board_messages import AlertsSaid, encode

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

LOOK_EVERY_S = 1.0
FACTS_EVERY_S = 60.0
LATE_S = 120.0  # how long something that happened once is there to be told
SAID_MAX = 100

_settings_of = lru_cache(maxsize=2)(settings.read)  # asked for with every look and every alert, and it rarely differs


@dataclass(slots=True)
class Passing:
    """Something that is over and still to be told, until `until_s`."""

    condition: Condition
    until_s: float


class Alerting:
    def __init__(self, node: Daemon) -> None:
        self._node = node
        self._unsaid: list[Mark] = []
        self.dispatcher = Dispatcher(self._unsaid.append)
        self._facts = conditions.Facts(0.0)
        self._own: tuple[Condition, ...] = ()
        self._said: dict[int, tuple[Condition, ...]] = {}
        self._passing: list[Passing] = []
        self._without_since_s: float | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self.current: tuple[AlertState, ...] = ()
        node.board.alerts_said = self._hear
        node.board.greetings.append(lambda: self._say(own=True, marks=tuple(self.dispatcher.marks.values())))

    @property
    def settings(self) -> settings.Settings:
        return (
            _settings_of(self._node.life.tree.read(settings.PATH)) if self._node.life.is_open else settings.Settings()
        )

    @property
    def leads(self) -> bool:
        state = self._node.publisher.state
        if state is None or (state.in_cluster and (state.quorum is None or not state.quorum.quorate)):
            return False
        online = [node.node_id for node in state.nodes if node.online]
        own = state.node(state.local_node)
        return own is not None and own.node_id == min(online, default=own.node_id)

    # --- looking ----------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """For ever."""
        facts_s = 0.0
        while True:
            now_s = time.time()
            if now_s - facts_s >= FACTS_EVERY_S:
                facts_s, self._facts = now_s, self._read_facts(now_s)
            self._look(now_s)
            await asyncio.sleep(LOOK_EVERY_S)

    def task(self, state: TaskState) -> None:
        if state.end_time_s is None or state.status == "OK" or state.status.startswith("WARNINGS"):
            return
        sentence = f"Task {state.type} {state.id} on {state.node} failed: {state.status}"
        self._pass(Condition(f"task-failed/{state.upid}", "task-failed", state.node, sentence[:400], once=True))

    def _look(self, now_s: float) -> None:
        state, current = self._node.publisher.state, self.settings
        if state is None:
            return
        facts = conditions.Facts(now_s, self._facts.disk_percent, self._facts.certificate_days)
        own = conditions.conditions(state, facts, current.thresholds, {one.key for one in self._own})
        self._note_lost_quorum(own, now_s)
        self._passing = [one for one in self._passing if one.until_s > now_s]
        own = tuple(one for one in (*own, *(each.condition for each in self._passing)) if not current.is_off(one.kind))
        if own != self._own:
            self._own = own
            self._say(own=True)
        online = {node.node_id for node in state.nodes if node.online}
        there = {one.key: one for node_id, said in self._said.items() if node_id in online for one in said}
        there |= {one.key: one for one in own}
        quiet = lambda one: self.settings.is_silenced(one, now_s)  # noqa: E731
        there = folded(there, [node.name for node in state.nodes])
        due = self.dispatcher.step(now_s, self.leads, there, quiet)
        self._say_marks()
        for message in grouped(due):
            job = asyncio.get_running_loop().create_task(self._send(message))
            self._sending.add(job)
            job.add_done_callback(self._sending.discard)
        if (shown := self._states(now_s)) != self.current:
            self.current = shown
            self._node.showing.soon()

    def _states(self, now_s: float) -> tuple[AlertState, ...]:
        kept, unsent = self.settings, self.dispatcher.unsent
        return tuple(
            AlertState(one.condition.key, one.condition.kind, one.condition.node, one.condition.sentence, one.since_s,
                       not unsent(one.condition.key), kept.is_silenced(one.condition, now_s))
            for one in self.dispatcher.current.values()
        )  # fmt: skip

    def _note_lost_quorum(self, own: tuple[Condition, ...], now_s: float) -> None:
        """In a part without quorum nobody can send: it is told afterwards."""
        lost = any(one.kind == "quorum-lost" for one in own)
        if lost and self._without_since_s is None:
            self._without_since_s = now_s
        elif not lost and self._without_since_s is not None:
            since_s, self._without_since_s = self._without_since_s, None
            me = self._node.options.name
            when = f"from {_clock(since_s)} to {_clock(now_s)}"
            sentence = f"{me} was without quorum {when}. This comes late: it could not send."
            self._pass(Condition(f"quorum-lost/{me}/{int(since_s)}", "quorum-lost", me, sentence, once=True))

    def _pass(self, condition: Condition) -> None:
        self._passing = [*self._passing, Passing(condition, time.time() + LATE_S)][-SAID_MAX:]

    def _read_facts(self, now_s: float) -> conditions.Facts:
        usage = shutil.disk_usage(self._node.options.state_dir)
        pem = (
            self._node.life.tree.read(f"nodes/{self._node.options.name}/pve-ssl.pem")
            if self._node.life.is_open
            else None
        )
        days = None
        if pem is not None:
            try:
                ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc
                days = (ends - datetime.fromtimestamp(now_s, UTC)).total_seconds() / 86400
            except ValueError:
                days = None
        return conditions.Facts(now_s, 100 * usage.used / max(1, usage.total), days)

    # --- the other nodes --------------------------------------------------------------------------------------------

    def _say(self, own: bool = False, marks: tuple[Mark, ...] = ()) -> None:
        self._node.say(encode(AlertsSaid(self._own[:SAID_MAX] if own else None, marks)))

    def _say_marks(self) -> None:
        """Those that are new, in one message."""
        if self._unsaid:
            self._say(marks=tuple(self._unsaid))
            self._unsaid.clear()

    def _hear(self, node_id: int, said: AlertsSaid) -> None:
        if node_id == self._node.life.replica.node_id:
            return
        if said.conditions is not None:
            self._said[node_id] = tuple(one for one in said.conditions[:SAID_MAX] if one.kind in conditions.KINDS)
        self.dispatcher.hear(said.marks)

    # --- sending ----------------------------------------------------------------------------------------------------

    async def _send(self, message: Message) -> None:
        targets = [one for one in self.settings.targets if not one.is_on("disable")]
        told = await asyncio.gather(*(self.deliver(one, self._values(message)) for one in targets))
        failed = [f"{target.name}: {one.answer}" for target, one in zip(targets, told, strict=True) if not one.arrived]
        arrived, now_s = len(failed) < len(targets) or not targets, time.time()
        ended = [self.dispatcher.done(send, arrived, now_s) for send in message.sends]
        self._say_marks()
        if any(ended) or failed:
            where = (
                f"told {len(targets) - len(failed)} of {len(targets)} targets"
                if targets
                else "there is no target to tell"
            )
            problem = f" {'; '.join(failed)}" if failed else ""
            sentence = f"{message.title}: {message.told} ({where}){problem}"[:400]
            code = f"alert-{message.word}" if any(ended) else "alert-failed"
            self._node.flight.recorder.record(Recorded("alert", code, message.first.key[:400], sentence))

    async def deliver(self, target: Section, values: dict[str, str]) -> Told:
        return await asyncio.to_thread(deliver, target, self._secret(target), values)

    def _values(self, message: Message) -> dict[str, str]:
        one, state = message.first, self._node.publisher.state
        name = state.name if state is not None else ""
        title = f"[{name or one.node}] {message.title}"
        return {"title": title, "text": message.text, "kind": one.kind, "node": one.node, "cluster": name,
                "word": message.word}  # fmt: skip

    def _secret(self, target: Section) -> str:
        kept = parse(self._node.life.tree.read(settings.SECRETS) or b"")
        return next(
            (one.properties.get("secret", "") for one in kept if one.name == target.name and one.kind == target.kind),
            "",
        )

    # --- asked ------------------------------------------------------------------------------------------------------

    def shown(self) -> dict[str, Any]:
        listed = [
            {"type": one.kind, "id": one.name, **one.properties, "secret": bool(self._secret(one))}
            for one in self.settings.sections
        ]
        return {"leads": self.leads, "current": as_plain(self._states(time.time())), "settings": listed}

    async def test(self, kind: str, name: str) -> Told:
        """Raises NotFound."""
        target = self.settings.find(kind, name) if kind in settings.TARGETS else None
        if target is None:
            raise NotFound("There is no such target.")
        text = f"This is a test of the target {name}, sent by {self._node.options.name}. Nothing is wrong."
        values = dict.fromkeys(settings.VALUES, "") | {"title": "Test of an alert target", "text": text, "word": "test"}
        return await self.deliver(target, values)

    async def change(self, section: Section | None, kind: str, name: str, secret: str | None, user: str) -> None:
        """Put a section in the place of the one with this name; None takes it away. Raises InvalidInput, NotFound."""
        if section is not None:
            settings.check(section)
            if section.is_on("local") and user != "root@pam":
                raise Forbidden("Only root@pam may let a target be on this host or its link.")
        tree = self._node.life.tree
        kept = parse(tree.read(settings.PATH) or b"")
        others = [one for one in kept if (one.kind, one.name) != (kind, name)]
        if section is None and len(others) == len(kept):
            raise NotFound("There is no such setting of alerts.")
        if len(others) >= settings.SECTIONS_MAX:
            raise InvalidInput(f"There are {settings.SECTIONS_MAX} settings of alerts, and no room for more.")
        work: list[AnyOperation] = [Write(settings.PATH, render([*others, *([section] if section else [])]))]
        if kind in settings.TARGETS and (secret is not None or section is None):
            hidden = [one for one in parse(tree.read(settings.SECRETS) or b"") if (one.kind, one.name) != (kind, name)]
            if secret and section is not None:
                if not secret.isprintable() or secret != secret.strip() or len(secret) > 500:
                    raise InvalidInput(
                        "This secret cannot be kept.", fields={"secret": "one line, at most 500 characters"}
                    )
                hidden.append(Section(kind, name, {"secret": secret}))
            work += [Mkdir("priv", parents=True), Write(settings.SECRETS, render(hidden))]
        await self._node.life.driver.propose(work, user=user, door="api")


def _clock(time_s: float) -> str:
    return time.strftime("%H:%M:%S UTC", time.gmtime(time_s))
