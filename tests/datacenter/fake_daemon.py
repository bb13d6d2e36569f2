"""A daemon for the pages' tests: the real control server, a cluster made up here, and a script to make things happen.

It numbers and tells its changes as the daemon does. `create` and `join` run as tasks whose steps wait for `go_on`, so
that a test can look at a page between them. After a join its tickets are others, as on a real node.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cluster.access.privileges import PRIVILEGES
from cluster.control import access_requests as access_ask
from cluster.control import check_requests as looking
from cluster.control import flight_requests as flight_ask
from cluster.control import former_requests as former
from cluster.control import import_requests as importing
from cluster.control import link_requests as paths_ask
from cluster.control import node_requests as node_ask
from cluster.control import plan_requests as planning
from cluster.control import requests as ask
from cluster.control import supposition_requests as ahead
from cluster.control import token_requests as joining
from cluster.control import witness_requests as witnessing
from cluster.control.requests import as_plain
from cluster.control.server import ControlServer
from cluster.errors import Conflict, InvalidInput, NotFound, NotInCluster, QuireError, Unauthenticated
from cluster.model import (
    Change,
    ClusterState,
    Link,
    NodeState,
    Quorum,
    Revision,
    RingId,
    Sample,
    StoreState,
    TaskState,
    Trends,
    WitnessState,
)
from cluster.node.tasks import state_of
from cluster.node.upid import parse_upid
from tests.datacenter.fake_flight import FakeFlight
from tests.supposed import supposed

ROOT, PASSWORD = "root@pam", "correct horse"


def mark_of(life: int) -> str:
    """What a browser's cookie is named after; another one after a join."""
    return f"{life:016x}"


FINGERPRINT = ":".join(f"{byte:02X}" for byte in range(160, 192))
REALMS = [{"realm": "pam", "type": "pam", "comment": "Linux (PAM)"}, {"realm": "pve", "type": "pve"}]
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")
TOTEM = {"cluster_name": "office", "config_version": "1", "version": "2", "interface": {"0": {"linknumber": "0"}}}
LONG_NAME = "a-node-whose-name-is-as-long-as-a-name-of-a-node-may-ever-be-63"
SERVICE = {
    "name": "corosync", "service": "corosync", "desc": "Corosync Cluster Engine", "state": "running",
    "active-state": "active", "unit-state": "enabled",
}  # fmt: skip
BUSY = "eth0 also carries the default route: other traffic can delay the cluster's. A network of its own is calmer."
ETH = {"type": "eth", "active": 1, "comments": "", "advice": ""}
INTERFACES = [
    ETH | {"iface": "eth0", "address": "10.0.0.1", "cidr": "10.0.0.1/24", "advice": BUSY},
    ETH | {"iface": "eth1", "address": "10.1.0.1", "cidr": "10.1.0.1/24"},
    ETH | {"iface": "eth2", "address6": "fd00::1", "cidr6": "fd00::1/64"},
]


def node_state(name: str, number: int, now_s: float, links: int = 2) -> NodeState:
    addresses = tuple(Link(link, f"10.{link}.0.{number}") for link in range(links))
    return NodeState(
        name, number, 1, addresses, f"10.0.0.{number}", number == 1, True, now_s - 7500, FINGERPRINT,
        Sample(now_s, figures(number)), version="1.0", certificate_ends_s=now_s + 700 * 86400.0, trends=past(number),
    )  # fmt: skip


def past(number: int) -> Trends:
    """An hour of load, with a gap in it."""
    cpu = tuple(None if minute in (20, 21) else (number * 37 + minute * minute) % 60 + 5 for minute in range(59))
    return Trends(cpu, tuple(30 + (number + minute // 9) % 40 for minute in range(59)))


def link_past(now_s: float) -> dict[str, Any]:
    """An hour of a link: steady there, slow for a while on the way back, once down."""
    times = range(int(now_s) // 30 * 30 - 119 * 30, int(now_s) + 1, 30)

    def row(time_s: int, latency_us: int | None, down: bool = False) -> dict[str, Any]:
        return {"time": time_s, "latency_us": latency_us, "latency_max_us": latency_us, "down": down}

    there = [row(each, 310 + place % 7 * 20) for place, each in enumerate(times)]
    back = [
        row(each, None, True) if place in (60, 61) else row(each, 5200 if 70 < place < 90 else 320)
        for place, each in enumerate(times)
    ]
    return {"step_s": 30, "there": there, "back": back}


def figures(number: int, turn: int = 0) -> dict[str, float]:
    cpu = (number * 37 + turn * 13) % 97 / 100
    return {
        "cpu": cpu, "wait": 0.01, "maxcpu": 16, "memtotal": 64 << 30, "memused": (8 + number * 7 % 55) << 30,
        "swaptotal": 0, "swapused": 0, "roottotal": 480 << 30, "rootused": (60 + number) << 30,
        "uptime": 86400.0 * number,
        "loadavg1": cpu * 16, "loadavg5": 2.5, "loadavg15": 1.25, "netin_rate": 1.5e6, "netout_rate": 3.25e5,
    }  # fmt: skip


class FakeDaemon:
    """Serve with `start`, end with `stop`. `listener` hears every change."""

    def __init__(self, socket: Path, listener: Callable[[Change], None] | None = None) -> None:
        self.listener = listener or (lambda change: None)
        self.source, self.number = "first life", 0
        self.cluster = ClusterState("alpha", engine="loopback", nodes=(node_state("alpha", 1, time.time(), 0),))
        self.tasks: dict[str, TaskState] = {}
        self.flight = FakeFlight()
        self.logs: dict[str, list[str]] = {}
        self.logged: list[dict[str, Any]] = []
        self.asked: list[ask.Request] = []
        self.refusals: dict[type[ask.Request], QuireError] = {}
        self.nonsense: set[str] = set()
        self.removed: list[dict[str, Any]] = []
        self.former: dict[str, Any] = {"joined": None, "copies": []}
        self.content: list[dict[str, str]] = []  # what this node would bring into a cluster
        self.obstacle = ""
        self.tokens: list[dict[str, Any]] = []
        self.check: dict[str, Any] = {}
        self.held = dict.fromkeys(PRIVILEGES, 1)  # by root@pam; nobody else has any
        self.life = 1  # tickets are signed by it
        self.former_life = 0  # whose tickets may be renewed
        self.renews_former_tickets = True
        self._steps = asyncio.Semaphore(0)
        self._serial = itertools.count(1)
        self._jobs: set[asyncio.Task[None]] = set()
        answers: dict[type[ask.Request], Callable[[Any], Any]] = {
            ask.Status: lambda request: self.status(),
            flight_ask.FlightEvents: self.flight.answer,
            ask.Interfaces: lambda request: INTERFACES,
            ask.JoinInfo: self._join_info,
            ask.CreateCluster: self._create,
            ask.DecodeInvitation: self._decode,
            ask.JoinCluster: self._join,
            ask.RemovalPlan: self._removal_plan,
            joining.TokenRows: lambda request: self.tokens,
            looking.CheckCreate: lambda request: self._begin_check("create"),
            looking.CheckJoin: lambda request: self._begin_check("join"),
            looking.CheckMembers: lambda request: self._begin_check("verify"),
            looking.CheckState: lambda request: self.check,
            looking.RemoveLeftovers: lambda request: {"backup": "leftovers-1", "files": ["/etc/corosync/authkey"]},
            joining.TokenCreate: self._make_token,
            joining.TokenRevoke: lambda request: self.tokens.clear(),
            ask.RemoveNode: lambda request: {"upid": self.begin("clusterremove", ("Take it out",), lambda: None)},
            ask.LeaveCluster: lambda request: {"upid": self.begin("clusterleave", ("Leave",), lambda: None)},
            ask.RemovedNodes: lambda request: self.removed,
            planning.Plan: self._plan,
            importing.PlanImport: lambda request: self.content,
            planning.Rename: lambda request: {"upid": self.begin("clusterrename", ("Commit",), lambda: None)},
            former.FormerStores: lambda request: self.former,
            former.UndoJoin: lambda request: {"upid": self.begin("clusterundojoin", ("Leave",), lambda: None)},
            ahead.WhatIf: lambda request: supposed(self.cluster.nodes, request),
            ask.UndoRemoval: lambda request: {"warnings": ["jobs.cfg was changed since."]},
            ask.TaskStatus: lambda request: as_plain(self._task(request.upid)),
            ask.TaskLog: self._task_log,
            ask.TaskStop: self._task_stop,
            ask.Login: self._login,
            ask.CheckTicket: lambda request: {"username": self._user_of(request.ticket.reveal()), "issued_s": 1},
            ask.CheckCsrf: self._check_csrf,
            ask.ClusterMark: lambda request: {"mark": mark_of(self.life)},
            ask.RenewAfterJoin: self._renew,
            access_ask.SignOut: lambda request: None,
            paths_ask.LinkHistory: lambda request: link_past(time.time()),
            paths_ask.ChangeLinks: lambda request: {"upid": self.begin("clusterlinks", ("Add link 2",), lambda: None)},
            witnessing.SetUpWitness: lambda request: {"upid": self.begin("clusterwitness", ("Enrol",), lambda: None)},
            witnessing.RemoveWitness: lambda request: {"upid": self.begin("witnessremove", ("Commit",), lambda: None)},
            paths_ask.ConfirmLinks: lambda request: None,
            paths_ask.RevertLinks: lambda request: None,
            paths_ask.PlanExpected: lambda request: self._expected(request.expected),
            paths_ask.SetExpected: lambda request: self._expected(request.expected),
            access_ask.HeldRights: lambda request: self.held if request.user == ROOT else {},
            access_ask.RealmList: lambda request: REALMS,
            node_ask.LocateNode: lambda request: {"name": request.node, "local": request.node == "alpha"},
            node_ask.HostServices: lambda request: [SERVICE],
            node_ask.HostJournal: lambda request: {"lines": ["<b>first</b>", "second"], "total": 2},
            ask.ClusterLog: lambda request: self.logged[: request.max],
        }
        handlers = {kind: self._recording(answer) for kind, answer in answers.items()}
        self.server = ControlServer(socket, handlers, {ask.Subscribe: self._changes})

    async def start(self) -> None:
        await self.server.start()

    async def stop(self) -> None:
        for job in self._jobs:
            job.cancel()
        if self._jobs:
            await asyncio.wait(self._jobs)
        await self.server.stop()

    def last(self, kind: type[ask.Request]) -> Any:
        return next(request for request in reversed(self.asked) if isinstance(request, kind))

    def _recording(self, answer: Callable[[Any], Any]) -> Any:
        async def handler(request: ask.Request) -> Any:
            self.asked.append(request)
            if type(request) in self.refusals:
                raise self.refusals[type(request)]
            return 5 if type(request).__name__ in self.nonsense else answer(request)

        return handler

    # --- making things happen -----------------------------------------------------------------------------------------

    def log_event(self, message: str, node: str = "beta", priority: int = 5) -> None:
        row = {"uid": len(self.logged), "time": int(time.time()), "pri": priority, "tag": "cluster", "pid": 1}
        self.logged.insert(0, {**row, "node": node, "user": ROOT, "msg": message})
        self.publish("log", {})

    def publish(self, topic: str, value: Any) -> Change:
        self.number += 1
        change = Change(self.number, topic, as_plain(value), time.time())
        self.listener(change)
        return change

    def show(self, cluster: ClusterState) -> None:
        """As the daemon does: the cluster without its figures, then each node that is another."""
        before, self.cluster = self.cluster, cluster
        bare = replace(cluster, store=None, nodes=tuple(replace(node, sample=None) for node in cluster.nodes))
        self.publish("cluster", bare)
        if before.store != cluster.store:
            self.publish("store", cluster.store)
        for node in cluster.nodes:
            if before.node(node.name) != node:
                self.publish("node", node)

    def form(self, count: int = 3, name: str = "office", links: int = 2, long_names: bool = False) -> None:
        """A cluster of so many nodes, all online."""
        names = [*NAMES, *(f"node{number:02}" for number in range(len(NAMES) + 1, 65))]
        if long_names:
            names = [names[0], *(f"{LONG_NAME[:-2]}{number:02}" for number in range(2, count + 1))]
        now_s = time.time()
        nodes = tuple(node_state(names[number - 1], number, now_s, links) for number in range(1, count + 1))
        store = StoreState(True, "", Revision(4, 12), "0" * 40)
        self.show(
            replace(self.cluster, name=name, config_version=count, nodes=nodes, quorum=votes(count, count),
                    ring=RingId(8 * count, 1), settled=True, store=store)
        )  # fmt: skip

    def record(self, node: str, code: str, **more: Any) -> None:
        """A node records an event, and says so."""
        self.flight.record(node, code, **more)
        self.publish("event", {"node": node, "number": len(self.flight.events)})

    def hold_nothing(self) -> None:
        """root@pam has no rights from now on."""
        self.held = {}

    def hold_everything(self) -> None:
        self.held = dict.fromkeys(PRIVILEGES, 1)

    def tell_of_a_split(self) -> None:
        self.flight.tell_of_a_split(time.time())
        self.publish("event", {"node": "alpha", "number": 0})

    def set_online(self, name: str, online: bool | None) -> None:
        nodes = tuple(
            replace(node, online=online, since_s=time.time()) if node.name == name else node
            for node in self.cluster.nodes
        )
        present = sum(node.online is True for node in nodes)
        quorum = votes(len(nodes), present) if self.cluster.in_cluster else None
        writable = quorum is None or quorum.quorate
        store = replace(
            self.cluster.store or StoreState(True, "", Revision(0, 0), ""),
            writable=writable,
            reason="" if writable else "Too few votes are present to change it.",
        )
        self.show(replace(self.cluster, nodes=nodes, quorum=quorum, store=store))

    def sample(self, turn: int = 1) -> None:
        """New figures from every node that is online."""
        now_s = time.time()
        nodes = tuple(
            replace(node, sample=Sample(now_s, figures(node.node_id, turn))) if node.online else node
            for node in self.cluster.nodes
        )
        self.show(replace(self.cluster, nodes=nodes))

    def _begin_check(self, kind: str) -> dict[str, str]:
        self.check = {"id": f"c{next(self._serial)}", "kind": kind, "done": False, "findings": []}
        return {"id": self.check["id"]}

    def find(self, findings: list[list[str]], done: bool = False) -> None:
        """The check under way finds these: code, severity, sentence, and what mends it."""
        keys = ("code", "severity", "sentence", "fix")
        blank = {"firm": False, "node": "", "why": "This is why.", "advice": "Do that."}
        found = [{**blank, **dict(zip(keys, one, strict=True))} for one in findings]
        self.check = {**self.check, "findings": [*self.check["findings"], *found], "done": done}
        self.publish("check", self.check)

    def go_on(self, steps: int = 1) -> None:
        """Let a running task take its next steps."""
        for _ in range(steps):
            self._steps.release()

    def forget_former_life(self) -> None:
        """After the next join no former ticket is renewed."""
        self.renews_former_tickets = False

    def run_task(self, steps: list[str], problem: str = "") -> None:
        self.begin("clustercreate", tuple(steps), lambda: None, problem)

    def run_corosync(self, witness: str = "") -> None:
        """As on real hosts: a witness can be set up, or there is one."""
        self.show(replace(self.cluster, engine="corosync", witness=WitnessState(witness, "ffsplit", 1, managed=True)))

    def remember_join(self) -> None:
        """This node joined a while ago, and kept what it had been."""
        self.former = {
            "joined": {"cluster": "office", "time_s": 5, "backup": "store-5.db", "undo_until_s": 4070908800},
            "copies": [{"name": "store-5.db", "time_s": 5, "size": 4096}],
        }

    def refuse(self, request: str, field: str, sentence: str) -> None:
        """What is asked by that name is not valid, until it is `allow`ed."""
        kind = next(one for one in ask.Request.__subclasses__() if one.__name__ == request)
        self.refusals[kind] = InvalidInput(sentence, fields={field: sentence})

    def talk_nonsense(self, request: str) -> None:
        """What is asked by that name is answered with what nobody understands."""
        self.nonsense.add(request)

    def allow(self, request: str) -> None:
        self.refusals = {kind: why for kind, why in self.refusals.items() if kind.__name__ != request}

    def hear_of_task(self, upid: str, **fields: Any) -> None:
        """Another node says that a task of its own runs, or has ended."""
        self.tasks[upid] = replace(state_of(parse_upid(upid)), **fields)
        self.publish("task", self.tasks[upid])

    # --- tasks --------------------------------------------------------------------------------------------------------

    def begin(self, type_: str, steps: tuple[str, ...], done: Callable[[], None], problem: str = "") -> str:
        upid = f"UPID:alpha:00001267:{next(self._serial):08X}:{int(time.time()):08X}:{type_}::{ROOT}:"
        self.tasks[upid] = TaskState(upid, "alpha", 0x1267, 1, int(time.time()), type_, "", ROOT)
        self.logs[upid] = []
        self.publish("task", self.tasks[upid])
        job = asyncio.create_task(self._work(upid, steps, done, problem))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return upid

    def log(self, upid: str, line: str) -> None:
        self.logs[upid].append(line)
        self.publish("tasklog", {"upid": upid, "first": len(self.logs[upid]), "lines": [line]})

    async def _work(self, upid: str, steps: tuple[str, ...], done: Callable[[], None], problem: str) -> None:
        for place, step in enumerate(steps):
            self._now(upid, step=step, progress=place / len(steps))
            self.log(upid, step)
            await self._steps.acquire()
        if not problem:
            done()
        self.log(upid, f"TASK ERROR: {problem}" if problem else "TASK OK")
        self._now(upid, end_time_s=int(time.time()), status=problem or "OK", progress=1.0)

    def _now(self, upid: str, **fields: Any) -> None:
        self.tasks[upid] = replace(self.tasks[upid], **fields)
        self.publish("task", self.tasks[upid])

    # --- answers ------------------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        tasks = as_plain(list(self.tasks.values()))
        return {"number": self.number, "source": self.source, "cluster": as_plain(self.cluster), "tasks": tasks}

    async def _changes(self, request: ask.Subscribe) -> AsyncIterator[Any]:
        yield self.status()

    def _join_info(self, request: ask.JoinInfo) -> Any:
        if not self.cluster.in_cluster:
            raise NotInCluster("This node stands alone.")
        nodes = [
            {"name": "alpha", "nodeid": "1", "quorum_votes": "1", "ring0_addr": "10.0.0.1", "ring1_addr": "10.1.0.1",
             "pve_addr": "10.0.0.1", "pve_fp": FINGERPRINT}
        ]  # fmt: skip
        return {"preferred_node": "alpha", "config_digest": "d" * 40, "totem": TOTEM, "nodelist": nodes}

    def _expected(self, votes: int) -> Any:
        return {
            "votes": votes, "configured_votes": 3, "present_votes": 1, "needed_now": 2, "needed_votes": 1,
            "quorate": True, "absent": [{"node": "gamma", "votes": 1, "answers_at": ["10.0.0.3"]}],
            "sentences": ["The configuration stays read-only all the same."], "obstacle": "gamma answers at 10.0.0.3.",
        }  # fmt: skip

    def _create(self, request: ask.CreateCluster) -> Any:
        if self.cluster.in_cluster:
            raise Conflict("This node is in a cluster already.")
        if "_" in request.clustername:
            sentence = "A cluster's name has letters, digits and hyphens."
            raise InvalidInput("not a name", fields={"clustername": sentence})
        steps = ("Checking names and links", "Making the corosync key", "Starting corosync", "Waiting for quorum")
        return {"upid": self.begin("clustercreate", steps, lambda: self.form(1, request.clustername))}

    def _make_token(self, request: joining.TokenCreate) -> Any:
        self.tokens.append(
            {"name": request.name, "state": "good", "uses": request.uses, "used_by": [], "made_s": 1,
             "expires_s": 9, "user": request.user}
        )  # fmt: skip
        return {
            "name": request.name, "uses": request.uses, "expires_s": 9, "invitation": "QUJD" * 200,
            "command": "pvecm join " + "QUJD" * 200, "address": "10.0.0.1", "fingerprint": FINGERPRINT,
        }  # fmt: skip

    def _plan(self, request: planning.Plan) -> Any:
        """What is asked of its workflows is foreseen to go well, but for what stands against it."""
        return {
            "steps": ["Check", f"Do {request.asked.__struct_config__.tag}"],
            "warnings": [],
            "obstacle": self.obstacle,
        }

    def _removal_plan(self, request: ask.RemovalPlan) -> Any:
        standing = {
            "nodes": 3,
            "online": 3,
            "expected_votes": 3,
            "present_votes": 3,
            "needed_votes": 2,
            "quorate": True,
        }
        storage = {"path": "storage.cfg", "kind": "storage", "what": "dir: local", "becomes": "The others stay."}
        return {
            "node": request.node, "node_id": 2, "online": True, "before": standing, "after": standing | {"nodes": 2},
            "obstacle": self.obstacle, "warnings": [], "references": [storage], "order": ["Remove it."],
        }  # fmt: skip

    def _decode(self, request: ask.DecodeInvitation) -> Any:
        try:
            content = json.loads(base64.b64decode(request.text, validate=True))
            links = [
                {"number": int(number), "peer_address": content["peerLinks"].get(number, "")}
                for number in content["totem"]["interface"]
            ]
        except (ValueError, KeyError, TypeError) as error:
            sentence = "This is not join information, or a part of it is missing. Copy it again."
            raise InvalidInput(str(error), fields={"invitation": sentence}) from None
        return {
            "address": content["ipAddress"], "fingerprint": content["fingerprint"], "links": links, "warnings": [],
            "cluster_name": content["totem"]["cluster_name"],
            "token": content.get("quireToken", ""), "cluster_uuid": content.get("quireCluster", ""),
            "address_optional": len(links) == 1 and links[0]["peer_address"] == content["ipAddress"],
        }  # fmt: skip

    def _join(self, request: ask.JoinCluster) -> Any:
        if not request.token and request.password.reveal() != PASSWORD:
            raise InvalidInput("wrong password", fields={"password": "The peer does not accept this password."})
        steps = ("Looking at this node", "Asking the peer", "Starting corosync", "Waiting for quorum", "Synchronising")
        return {"upid": self.begin("clusterjoin", steps, self._joined)}

    def _joined(self) -> None:
        self.former_life = self.life if self.renews_former_tickets else 0
        self.life += 1
        self.form(3)

    def _task(self, upid: str) -> TaskState:
        if upid not in self.tasks:
            raise NotFound("There is no such task on this node.")
        return self.tasks[upid]

    def _task_log(self, request: ask.TaskLog) -> Any:
        self._task(request.upid)
        lines = self.logs[request.upid] or ["no content"]
        return {"total": len(lines), "lines": [{"n": n, "t": text} for n, text in enumerate(lines, 1)][request.start :]}

    def _task_stop(self, request: ask.TaskStop) -> None:
        self._now(request.upid, end_time_s=int(time.time()), status="stopped", progress=1.0)
        for job in self._jobs:
            job.cancel()

    # --- access -------------------------------------------------------------------------------------------------------

    def _ticket(self, user: str) -> dict[str, Any]:
        ticket = f"PVE:{user}:{self.life:08X}::c2ln+/="
        return {"username": user, "ticket": ticket, "CSRFPreventionToken": self._csrf(user)}

    def _csrf(self, user: str) -> str:
        return f"{self.life:08X}:{user}"

    def _user_of(self, ticket: str, life: int | None = None) -> str:
        parts = ticket.split(":")
        if len(parts) != 5 or parts[2] != f"{life or self.life:08X}":
            raise Unauthenticated("The ticket is not valid here or has expired. Sign in again.")
        return parts[1]

    def _login(self, request: ask.Login) -> Any:
        password = request.password.reveal()
        renews = password.startswith("PVE:") and self._user_of(password) == request.username
        if not renews and (request.username, password) != (ROOT, PASSWORD):
            raise Unauthenticated("The user name or the password is not right.")
        return self._ticket(request.username)

    def _check_csrf(self, request: ask.CheckCsrf) -> None:
        if request.token.reveal() != self._csrf(request.username):
            raise Unauthenticated("The anti-forgery token is missing, expired or belongs to somebody else.")

    def _renew(self, request: ask.RenewAfterJoin) -> Any:
        if not self.former_life:
            raise Unauthenticated("Sign in again.")
        return self._ticket(self._user_of(request.ticket.reveal(), self.former_life))


def votes(expected: int, present: int) -> Quorum:
    needed = expected // 2 + 1
    return Quorum(present >= needed, expected, present, needed, expected, ("Quorate",) if present >= needed else ())
