"""A daemon for the API's tests: the real control server on a real socket, with answers made up here.

It keeps every request it was asked in `asked`; a test puts an error in `refusals` to have a request refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from cluster.access.privileges import PRIVILEGES
from cluster.access.user_cfg import Pool
from cluster.control import access_requests as access_ask
from cluster.control import flight_requests as flight_ask
from cluster.control import former_requests as former
from cluster.control import import_requests as importing
from cluster.control import node_requests as node_ask
from cluster.control import requests as ask
from cluster.control import supposition_requests as ahead
from cluster.control import token_requests as joining
from cluster.control import witness_requests as witnessing
from cluster.control.requests import as_plain
from cluster.control.server import ControlServer
from cluster.errors import InvalidInput, NotFound, NotInCluster, PeerError, QuireError, Unauthenticated
from cluster.model import ClusterState, Link, NodeState, Quorum, RingId, Sample, TaskState
from tests.cast import ALICE
from tests.supposed import supposed

ROOT = "root@pam"
MARK = "0123456789abcdef"  # of the cluster, in a browser's cookie
ALL = dict.fromkeys(sorted(PRIVILEGES), 1)
PASSWORD = "correct horse"
TICKETS = {"PVE:root@pam:6743A1B2::c2lnbmF0dXJl+/=": ROOT, "PVE:alice@pve:6743A1B2::YWxpY2U=": ALICE}
CSRF = {ROOT: "6743A1B2:cm9vdA", ALICE: "6743A1B2:YWxpY2U"}
UPID = "UPID:alpha:00001267:075BCD15:68A1B6C3:clustercreate:demo:root@pam:"
UPID_OF_ALICE = "UPID:alpha:00001268:075BCD15:68A1B6C4:aptupdate::alice@pve:"
FINGERPRINT = ":".join(["AB"] * 32)
HISTORY = b"entries " * 100_000
POINT = "1f1f1f1f-4194304.17"

FIGURES = {
    "cpu": 0.25, "wait": 0.01, "maxcpu": 4, "memtotal": 8 << 30, "memused": 2 << 30, "memfree": 5 << 30,
    "memavailable": 6 << 30, "swaptotal": 0, "swapused": 0, "swapfree": 0, "roottotal": 100 << 30,
    "rootused": 10 << 30, "rootavail": 85 << 30, "uptime": 12345.6, "loadavg1": 0.5, "loadavg5": 0.25, "loadavg15": 0.1,
}  # fmt: skip

ALPHA = NodeState("alpha", 1, 1, (Link(0, "10.0.0.1"),), "10.0.0.1", True, True, 1.0, FINGERPRINT, Sample(2.0, FIGURES))
BETA = NodeState("beta", 2, 1, (Link(0, "10.0.0.2"),), "10.0.0.2", False, False, 1.0, FINGERPRINT, Sample(2.0, FIGURES))
QUORUM = Quorum(True, 2, 2, 2)
CLUSTER = ClusterState("alpha", "demo", 3, (ALPHA, BETA), QUORUM, RingId(4, 1), True, None, "loopback")
ALONE = ClusterState("alpha", nodes=(ALPHA,), engine="loopback")

PROCESSOR = {
    "model": "Model", "vendor": "Maker", "family": "6", "mhz": "2000.000", "flags": "fpu vmx", "cpus": 4, "sockets": 1,
    "cores": 4, "user_hz": 100, "hvm": 1,
}  # fmt: skip
KERNEL = {"sysname": "Linux", "release": "6.1", "version": "#1", "machine": "x86_64"}
HEALTH = {
    "trouble": "",
    "scrub": {"time_s": 1700000000.0, "took_s": 0.5, "rows": 34, "findings": []},
    "quarantine": [{"name": "store-7", "path": "/x/store-7", "time_s": 7, "reason": "Rows are missing.", "bytes": 9}],
}
EVENT = {
    "id": "alpha-7", "time": 5.5, "node": "alpha", "kind": "membership", "code": "node-gone", "about": "beta",
    "sentence": "beta is gone.", "cause": "", "user": "", "door": "", "by": "", "revision": "", "count": 1, "number": 7,
    "life": "1", "mono_s": 1.0, "sees": ["alpha"], "quorate": False,
}  # fmt: skip
EVENTS = {
    "now_s": 9.0,
    "events": [EVENT],
    "nodes": [
        {"name": "alpha", "online": True, "known": True, "since_s": None, "reason": ""},
        {"name": "beta", "online": False, "known": False, "since_s": 5.0, "reason": "It does not answer."},
    ],
    "partings": [{"from_s": 1.0, "to_s": None, "parts": [{"nodes": ["alpha"], "quorate": None}]}],
}
FACTS = {"kversion": "Linux 6.1", "cpuinfo": PROCESSOR, "current-kernel": KERNEL, "boot-info": {"mode": "efi"}}
SERVICE = {
    "name": "corosync", "service": "corosync", "desc": "Corosync Cluster Engine", "state": "running",
    "active-state": "active", "unit-state": "enabled",
}  # fmt: skip
CERTIFICATE = {
    "filename": "pve-ssl.pem", "subject": "CN=alpha", "issuer": "CN=Cluster", "fingerprint": FINGERPRINT,
    "notbefore": 1, "notafter": 2, "san": ["alpha", "10.0.0.1"], "public-key-type": "rsaEncryption",
    "public-key-bits": 2048, "pem": "-----BEGIN CERTIFICATE-----",
}  # fmt: skip
UPID_OF_BETA = "UPID:beta:00001269:075BCD15:68A1B6C5:clusterjoin::root@pam:"
TASK_OF_BETA = TaskState(
    UPID_OF_BETA, "beta", 0x1269, 0x075BCD15, 0x68A1B6C5, "clusterjoin", "", ROOT, 0x68A1B6D0, "OK"
)
TOTEM = {"cluster_name": "demo", "config_version": "3", "version": "2", "interface": {"0": {"linknumber": "0"}}}
CONFIGURED = [{"name": "alpha", "nodeid": "1", "quorum_votes": "1", "ring0_addr": "10.0.0.1", "node": "alpha"}]
RUNNING = TaskState(UPID, "alpha", 0x1267, 0x075BCD15, 0x68A1B6C3, "clustercreate", "demo", ROOT)
ENDED = TaskState(
    UPID_OF_ALICE, "alpha", 0x1268, 0x075BCD15, 0x68A1B6C4, "aptupdate", "", ALICE, 0x68A1B6C9, "WARNINGS: 1"
)


COPY = {"name": "store-5.db", "time_s": 5, "size": 4096}
GONE = {"node": "gamma", "node_id": 3, "time_s": 5, "user": ROOT, "left": False, "undo_until_s": 86405}


JOIN_TOKEN = {
    "name": "rack", "state": "good", "uses": 2, "used_by": ["beta"], "made_s": 5, "expires_s": 10805, "user": ROOT,
}  # fmt: skip
MADE_TOKEN = {
    "name": "rack", "uses": 2, "expires_s": 10805, "invitation": "QUJD", "command": "pvecm join QUJD",
    "address": "10.0.0.1", "fingerprint": FINGERPRINT,
}  # fmt: skip

WITNESS = {
    "host": "10.0.0.9", "algorithm": "ffsplit", "configured_votes": 1, "votes": 1, "resting": False, "managed": True,
    "connected": True, "since_s": 5.0, "advice": "",
    "seen": [["alpha", {"installed": True, "state": "Connected", "connected": True, "since_s": 5.0, "vote": True,
                        "algorithm": "", "tie_breaker": "", "trouble": ""}]],
}  # fmt: skip


class FakeNode:
    """Serve with `start`, end with `stop`. `real` are handlers of a real daemon for requests it answers itself."""

    def __init__(self, socket: Path, real: Mapping[type[ask.Request], Any] | None = None) -> None:
        self.socket = socket
        self.cluster = CLUSTER
        self.tasks = [RUNNING, ENDED]
        self.asked: list[ask.Request] = []
        self.refusals: dict[type[ask.Request], QuireError] = {}
        self.files = ("", "")
        self.invitation = {"address": "10.0.0.1", "fingerprint": FINGERPRINT, "token": "", "cluster_uuid": ""}
        self.guests: list[int] = []
        self.held: dict[str, int] = {}  # what others than root@pam may, everywhere
        self.stored: dict[str, str] = {}
        self.pools: dict[str, Pool] = {}
        self.carried: dict[str, Any] | None = None  # what another node answers; none does at first
        answers = {
            ask.Version: self._version,
            ask.ClusterMark: lambda request: {"mark": MARK},
            ask.Status: self._status,
            ask.ClusterLog: self._cluster_log,
            ask.StorePoint: lambda request: {"point": POINT, "revision": (4194304, 17), "stale": False, "reason": ""},
            ask.NodeFacts: lambda request: FACTS,
            ask.StoreHealth: lambda request: HEALTH,
            node_ask.HostTime: lambda request: {"time": 1, "localtime": 3601, "timezone": "Europe/Vienna"},
            node_ask.HostDns: lambda request: {"search": "example.org", "dns1": "10.0.0.53"},
            node_ask.HostNames: lambda request: {"data": "127.0.0.1 localhost\n", "digest": "d" * 40},
            node_ask.HostServices: lambda request: [SERVICE],
            node_ask.HostJournal: self._journal,
            node_ask.NodeCertificates: lambda request: [CERTIFICATE],
            node_ask.QdeviceStatus: lambda request: {"State": "Connected"},
            node_ask.NodeHistory: lambda request: [{"time": 60}, {"time": 120, **FIGURES}],
            node_ask.GuestIds: lambda request: self.guests,
            node_ask.Pools: self._pools,
            node_ask.ClusterTasks: lambda request: as_plain([*self.tasks, TASK_OF_BETA]),
            flight_ask.FlightEvents: lambda request: EVENTS,
            ask.EngineReport: lambda request: {"running": True, "links": []},
            ask.StoreRead: self._read,
            ask.StoreWrite: self._write,
            node_ask.LocateNode: self._locate,
            node_ask.ForwardCall: self._forward,
            ask.Interfaces: self._interfaces,
            ask.ClusterConfig: self._configuration,
            ask.JoinInfo: self._join_info,
            ask.CreateCluster: lambda request: {"upid": UPID},
            ask.DecodeInvitation: lambda request: self.invitation,
            ask.JoinCluster: lambda request: {"upid": UPID},
            ask.AddNode: self._add_node,
            ask.UndoAddNode: lambda request: None,
            ask.LeaveCluster: lambda request: {"upid": UPID},
            ask.RemoveNode: lambda request: {"upid": UPID} if request.task else {"warnings": []},
            joining.TokenRows: lambda request: [JOIN_TOKEN],
            joining.TokenCreate: lambda request: MADE_TOKEN,
            joining.TokenRevoke: lambda request: None,
            witnessing.SetUpWitness: lambda request: {"upid": UPID},
            witnessing.RemoveWitness: lambda request: {"upid": UPID},
            witnessing.WitnessTold: lambda request: WITNESS,
            joining.TokenOpen: lambda request: {"apiversion": 1, "information": self._join_info(ask.JoinInfo())},
            joining.TokenAdd: lambda request: self._add_node(ask.AddNode(request.node)),
            ask.RemovedNodes: lambda request: [GONE],
            former.FormerStores: lambda request: {"joined": None, "copies": [COPY]},
            importing.ContentTaken: lambda request: {"files": {}, "storages": {}, "guests": []},
            importing.PlanImport: lambda request: [],
            former.UndoJoin: lambda request: {"upid": UPID},
            ask.UndoRemoval: lambda request: {"warnings": ["jobs.cfg was changed since."]},
            ask.RemovalPlan: self._removal,
            ahead.WhatIf: lambda request: supposed(self.cluster.nodes, request),
            ask.TaskList: lambda request: as_plain(self.tasks),
            ask.TaskStatus: lambda request: as_plain(self._task(request.upid)),
            ask.TaskLog: self._log,
            ask.TaskStop: lambda request: None,
            ask.Login: self._login,
            ask.CheckTicket: self._check_ticket,
            ask.CheckCsrf: self._check_csrf,
            ask.WebFiles: lambda request: {"certificate": self.files[0], "key": self.files[1], "secret_key": ""},
            ask.PeerHistory: self._history,
            access_ask.HeldRights: lambda request: ALL if request.user == ROOT else self.held,
            access_ask.RealmList: lambda request: [{"realm": "pam", "type": "pam", "default": 1}],
        }
        handlers = {kind: self._recording(answer) for kind, answer in answers.items()} | dict(real or {})
        self.server = ControlServer(socket, handlers, {ask.Subscribe: self._changes})

    async def start(self) -> None:
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()

    def last(self, kind: type[ask.Request]) -> Any:
        return next(request for request in reversed(self.asked) if isinstance(request, kind))

    def count(self, kind: type[ask.Request]) -> int:
        return sum(isinstance(request, kind) for request in self.asked)

    def _recording(self, answer: Any) -> Any:
        async def handler(request: ask.Request) -> Any:
            self.asked.append(request)
            if type(request) in self.refusals:
                raise self.refusals[type(request)]
            return answer(request)

        return handler

    # --- answers --------------------------------------------------------------------------------------------------

    def _cluster_log(self, request: ask.ClusterLog) -> Any:
        rows = [
            {"uid": number, "time": 5 + number, "pri": 6, "tag": "cluster", "pid": 9, "node": "alpha", "user": user,
             "msg": f"entry {number}"}
            for number, user in ((2, "root@pam"), (1, ALICE))
        ]  # fmt: skip
        return [row for row in rows if request.user in (None, row["user"])][: request.max]

    def _version(self, request: ask.Version) -> Any:
        known = {"version": "9.2.11", "release": "9.2", "repoid": "0123456789abcdef"}
        return known | {"name": "Quire", "quire_version": "0.1.0"}

    def _status(self, request: ask.Status) -> Any:
        return {"number": 7, "source": "life", "cluster": as_plain(self.cluster), "tasks": as_plain(self.tasks)}

    def _interfaces(self, request: ask.Interfaces) -> Any:
        eth0 = {"iface": "eth0", "type": "eth", "active": True, "address": "10.0.0.1", "cidr": "10.0.0.1/24"}
        return [eth0 | {"comments": "", "advice": ""}, {"iface": "br0", "type": "bridge", "active": False}]

    def _configuration(self, request: ask.ClusterConfig) -> Any:
        if not self.cluster.in_cluster:
            return {"totem": None, "nodes": [], "digest": ""}
        return {"totem": TOTEM, "nodes": CONFIGURED, "digest": "d" * 40}

    def _join_info(self, request: ask.JoinInfo) -> Any:
        if not self.cluster.in_cluster:
            raise NotInCluster("This node stands alone.")
        nodes = [{**CONFIGURED[0], "pve_addr": "10.0.0.1", "pve_fp": FINGERPRINT}]
        return {"preferred_node": "alpha", "config_digest": "d" * 40, "totem": TOTEM, "nodelist": nodes}

    def _add_node(self, request: ask.AddNode) -> Any:
        key = bytes(range(256)).decode("latin-1")
        conf = "totem {\n}\n"
        return {
            "corosync_authkey": key,
            "corosync_conf": conf,
            "undo_token": "t0k",
            "warnings": [],
            "cluster_uuid": "u",
        }

    def _removal(self, request: ask.RemovalPlan) -> Any:
        numbers = ("nodes", "online", "expected_votes", "present_votes", "needed_votes")
        standing = {**dict.fromkeys(numbers, 2), "quorate": True}
        plan = {"node": request.node, "node_id": 2, "online": True, "before": standing, "after": standing}
        return plan | {"obstacle": "", "warnings": [], "references": [], "order": []}

    def _journal(self, request: node_ask.HostJournal) -> Any:
        lines = [f"line {number}" for number in range(1, 101)]
        if request.last is not None:
            return {"lines": lines[-request.last :], "total": 100}
        return {"lines": lines[request.start :][: request.limit or None], "total": 100}

    def _pools(self, request: node_ask.Pools) -> Any:
        if request.user != ROOT and "Pool.Audit" not in self.held:
            return []
        return [{"poolid": name, **as_plain(pool)} for name, pool in sorted(self.pools.items())]

    def _read(self, request: ask.StoreRead) -> Any:
        if request.path not in self.stored:
            raise NotFound(f"There is no file {request.path} in the store.")
        data = self.stored[request.path].encode()
        return {"path": request.path, "data": data, "digest": hashlib.sha1(data).hexdigest()}

    def _write(self, request: ask.StoreWrite) -> Any:
        self.stored[request.path] = request.data.decode()
        return {"revision": [1, 1]}

    def _locate(self, request: node_ask.LocateNode) -> Any:
        found = self.cluster.node("alpha" if request.node == "localhost" else request.node)
        if found is None:
            raise NotFound(f"there is no node '{request.node}' here")
        return {"name": found.name, "local": found.local}

    def _forward(self, request: node_ask.ForwardCall) -> Any:
        if self.carried is None:
            raise PeerError(f"node '{request.node}' is offline")
        return self.carried

    def _login(self, request: ask.Login) -> Any:
        known = {ROOT: PASSWORD, ALICE: PASSWORD}
        if (
            known.get(request.username) != request.password.reveal()
            and TICKETS.get(request.password.reveal()) != request.username
        ):
            raise Unauthenticated("The user name or the password is not right.")
        ticket = next(ticket for ticket, user in TICKETS.items() if user == request.username)
        answer = {"username": request.username, "ticket": ticket, "CSRFPreventionToken": CSRF[request.username]}
        answer["cap"] = {"nodes": ALL}
        if request.verify:
            return {name: answer[name] for name in ("username", "cap")}
        return answer | ({"clustername": self.cluster.name} if self.cluster.in_cluster else {})

    def _check_ticket(self, request: ask.CheckTicket) -> Any:
        if request.ticket.reveal() not in TICKETS:
            raise Unauthenticated("The ticket is not valid here or has expired. Sign in again.")
        return {"username": TICKETS[request.ticket.reveal()], "issued_s": 0x6743A1B2}

    def _check_csrf(self, request: ask.CheckCsrf) -> None:
        if CSRF.get(request.username) != request.token.reveal():
            raise Unauthenticated("The anti-forgery token is missing, expired or belongs to somebody else.")

    def _task(self, upid: str) -> TaskState:
        for task in self.tasks:
            if task.upid == upid:
                return task
        raise NotFound("There is no such task on this node.")

    def _log(self, request: ask.TaskLog) -> Any:
        lines = [{"n": number, "t": f"line {number}"} for number in range(1, 101)]
        end = request.start + request.limit if request.limit else None
        return {"total": len(lines), "lines": lines[request.start : end]}

    def _history(self, request: ask.PeerHistory) -> Any:
        if request.proof.reveal() != "good":
            raise Unauthenticated("The asking node did not prove that it is a member of this cluster.")
        if not request.body:
            raise InvalidInput("The request for history is malformed.")
        end = request.offset + 300_000
        return {"chunk": HISTORY[request.offset : end], "more": end if end < len(HISTORY) else None}

    async def _changes(self, request: ask.Subscribe) -> AsyncIterator[Any]:
        yield self._status(ask.Status())
        yield {"number": 8, "topic": "node", "value": as_plain(BETA), "at_s": 1.0}
