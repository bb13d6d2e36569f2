"""Uses a running demo from outside, as a stranger's program would: over the REST API, `pvecm` and signals.

    with visit(nodes=3) as cluster:
        cluster.create("office")
        cluster.join("beta")

Knows none of Quire's modules, only its public interfaces. The tests, the bench and the screenshots start here.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import processes

ROOT = Path(__file__).resolve().parent.parent
PVECM = str(ROOT / ".venv/bin/pvecm")
STOP_S = 30.0
PAUSE_S = 0.05

TRUSTING = ssl.create_default_context()
TRUSTING.check_hostname = False
TRUSTING.verify_mode = ssl.CERT_NONE


class Refused(Exception):
    """The API answered with an error: its status, its sentence, and the reasons per field."""

    def __init__(self, status: int, message: str, fields: dict[str, str]) -> None:
        super().__init__(f"{status}: {message} {fields or ''}".strip())
        self.status, self.message, self.fields = status, message, fields


def eventually(what: str, true: Callable[[], Any], timeout_s: float, pause_s: float = PAUSE_S) -> Any:
    """Wait until `true()` is true and return what it returned; a refused connection counts as not yet."""
    deadline = time.monotonic() + timeout_s
    last: object = None
    while True:
        try:
            if answer := true():
                return answer
        except (OSError, http.client.HTTPException, Refused) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout_s:g} s" + (f" ({last})" if last else ""))
        time.sleep(pause_s)


@dataclass
class Visited:
    """One node of the demo: where it is, and a signed-in REST client of it."""

    name: str
    url: str
    socket: str
    enter: list[str]
    pid: int
    run: list[str]
    user: str
    password: str = field(repr=False)
    mount: str | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    # --- REST API -----------------------------------------------------------------------------------------------------

    def sign_in(self) -> Visited:
        self.headers = {}
        ticket = self.post("/access/ticket", username=self.user, password=self.password)
        self.headers = {
            "Cookie": "PVEAuthCookie=" + urllib.parse.quote(ticket["ticket"], safe=""),
            "CSRFPreventionToken": ticket["CSRFPreventionToken"],
        }
        return self

    def browser_cookie(self) -> tuple[str, str]:
        """Name and value of what a browser has from the sign-in page: pages and sockets take no other."""
        name, _, realm = self.user.partition("@")
        form = urllib.parse.urlencode({"username": name, "realm": realm, "password": self.password}).encode()
        where = urllib.parse.urlsplit(self.url)
        line = http.client.HTTPSConnection(where.hostname or "", where.port, context=TRUSTING, timeout=30)
        with contextlib.closing(line):
            line.request("POST", "/session/sign-in", form, {"Content-Type": "application/x-www-form-urlencoded"})
            put = line.getresponse().getheader("Set-Cookie", "")
        found = put.partition(";")[0].partition("=")
        return found[0], found[2]

    def get(self, path: str, /, **parameters: Any) -> Any:
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        return self._call("GET", path + query, None)

    def post(self, path: str, /, **parameters: Any) -> Any:
        return self._call("POST", path, urllib.parse.urlencode(parameters).encode())

    def put(self, path: str, /, **parameters: Any) -> Any:
        return self._call("PUT", path, urllib.parse.urlencode(parameters).encode())

    def delete(self, path: str, /) -> Any:
        return self._call("DELETE", path, None)

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        request = urllib.request.Request(f"{self.url}/api2/json{path}", body, self.headers, method=method)
        try:
            with urllib.request.urlopen(request, context=TRUSTING, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise refusal(error) from None

    def task_end(self, upid: str, timeout_s: float = 90) -> str:
        """How a task ended: OK, or the error's text."""
        path = f"/nodes/{self.name}/tasks/{urllib.parse.quote(upid, safe='')}/status"

        def stopped() -> Any:
            try:
                status = self.get(path)
            except Refused as refused:
                if refused.status != 401:
                    raise
                status = self.sign_in().get(path)  # a node that joined knows its former tickets no more
            return status if status["status"] == "stopped" else None

        return str(eventually(f"the end of task {upid}", stopped, timeout_s)["exitstatus"])

    def task_log(self, upid: str) -> list[str]:
        path = f"/nodes/{self.name}/tasks/{urllib.parse.quote(upid, safe='')}/log"
        return [line["t"] for line in self.get(path, limit=500)]

    def online(self) -> set[str]:
        """The names of the nodes that this one shows online."""
        return {row["name"] for row in self.get("/cluster/status") if row["type"] == "node" and row["online"]}

    # --- the machine --------------------------------------------------------------------------------------------------

    def command(self, *words: str, timeout_s: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a command on the node."""
        return subprocess.run(
            [*self.enter, *words], capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL
        )

    def pvecm(self, *words: str, timeout_s: float = 30) -> subprocess.CompletedProcess[str]:
        return self.command(PVECM, "--socket", self.socket, *words, timeout_s=timeout_s)

    def kill(self) -> None:
        """kill -9 of the node's process; with real corosync that goes on running, as on a real host."""
        os.kill(self.pid, signal.SIGKILL)
        assert not processes.wait_gone([self.pid], 10), f"{self.name} survived kill -9"

    def start_again(self, variables: Mapping[str, str] | None = None) -> None:
        """Start the node's process again, with `variables` in its environment, and wait until it answers."""
        nowhere = subprocess.DEVNULL
        # Detached: the node is the demo's to end, not ours.
        words, environment = ["setsid", "--fork", *self.run], {**os.environ, **(variables or {})}
        subprocess.run(words, stdin=nowhere, stdout=nowhere, stderr=nowhere, env=environment, check=True)
        eventually(f"{self.name} answers again", self.sign_in, 60)
        wanted = f"--name\0{self.name}\0".encode()
        self.pid = next(
            pid
            for pid in processes.tagged(f"QUIRE_DEMO={Path(self.run[0]).parent.parent}")
            if wanted in Path(f"/proc/{pid}/cmdline").read_bytes()
            and not Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"nsenter")
        )


def refusal(error: urllib.error.HTTPError) -> Refused:
    try:
        body = json.load(error)
    except ValueError:
        body = {}
    return Refused(error.code, str(body.get("message") or error.reason).strip(), body.get("errors") or {})


class Visit:
    """A running demo: its nodes by name, and the steps of the main job done through the API."""

    def __init__(self, told: dict[str, Any], state: Path, pid: int) -> None:
        self.user, self.password, self.state, self.pid = told["user"], told["password"], state, pid
        self.nodes = {
            node["name"]: Visited(**node, user=told["user"], password=told["password"]) for node in told["nodes"]
        }
        for node in self.nodes.values():
            node.sign_in()

    def __getitem__(self, name: str) -> Visited:
        return self.nodes[name]

    @property
    def first(self) -> Visited:
        return next(iter(self.nodes.values()))

    def create(self, name: str = "office", **parameters: Any) -> float:
        """Create a cluster on the first node; returns the seconds it took until the task ended."""
        began = time.monotonic()
        upid = self.first.post("/cluster/config", clustername=name, **parameters)
        ended = self.first.task_end(upid)
        assert ended == "OK", f"create ended with {ended}: {self.first.task_log(upid)}"
        return time.monotonic() - began

    def join(self, name: str, *, timeout_s: float = 90, pause_s: float = PAUSE_S, **parameters: Any) -> float:
        """Join a node to the first one's cluster and see its task to the end; returns the seconds until both show it
        online."""
        node, expected = self[name], len(self.first.online()) + 1
        peer = self.peer()
        began = time.monotonic()
        upid = node.post(
            "/cluster/config/join",
            **{"hostname": peer["pve_addr"], "fingerprint": peer["pve_fp"], "password": self.password, **parameters},
        )
        self.await_online(expected, [self.first, node], timeout_s, pause_s)
        took = time.monotonic() - began
        eventually(f"{name} signs in with the cluster's key", node.sign_in, 30)
        ended = node.task_end(upid)
        assert ended == "OK", f"the join of {name} ended with {ended}: {node.task_log(upid)}"
        return took

    def peer(self) -> dict[str, Any]:
        """What Join Information says of the node to join."""
        told = self.first.get("/cluster/config/join")
        peer: dict[str, Any] = next(row for row in told["nodelist"] if row["name"] == told["preferred_node"])
        return peer

    def await_online(self, count: int, seen_by: list[Visited], timeout_s: float, pause_s: float = PAUSE_S) -> None:
        """Wait until these nodes each show `count` nodes online. One that has just joined wants a new sign-in."""

        def agreed() -> bool:
            for node in seen_by:
                try:
                    names = node.online()
                except Refused:
                    names = node.sign_in().online()
                if len(names) != count:
                    return False
            return True

        eventually(f"{count} nodes online on {', '.join(node.name for node in seen_by)}", agreed, timeout_s, pause_s)

    def form(self) -> None:
        """A cluster of all nodes."""
        self.create()
        for name in list(self.nodes)[1:]:
            self.join(name)


@contextlib.contextmanager
def visit(
    state: Path, nodes: int = 3, engine: str = "loopback", first_address: str = "127.0.0.11", disk_mib: int = 0
) -> Iterator[Visit]:
    """Start script/demo, and stop it at the end. `state` must be short enough for sockets below it."""
    # fmt: off
    command = [
        sys.executable, str(ROOT / "script/demo"), "--json",
        "--nodes", str(nodes), "--engine", engine, "--state", str(state), "--first-address", first_address,
        "--disk", str(disk_mib),
    ]
    # fmt: on
    state.mkdir(parents=True, exist_ok=True)
    said = state / "demo.stderr"
    with open(said, "wb") as errors:
        demo = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
    try:
        assert demo.stdout is not None
        line = demo.stdout.readline()  # bounded by the demo itself, which gives up after a while
        assert line, f"the demo ended with {demo.wait(STOP_S)}: {said.read_text(errors='replace')}"
        yield Visit(json.loads(line), state.resolve(), demo.pid)
    finally:
        demo.send_signal(signal.SIGTERM)
        try:
            demo.wait(STOP_S)
        except subprocess.TimeoutExpired:
            demo.kill()
            demo.wait()
            raise
        finally:
            assert demo.stdout is not None
            demo.stdout.close()
