"""Several stand-alone nodes on this machine, to try Quire out: starts them, says where they are, ends them all.

`script/demo` is its command line, and the tests, the bench and the screenshots start that. Where nodes run is
`places.py` (addresses of the loopback network, or namespaces with real corosync); finding what is left of a demo
that crashed is `lab/processes.py`. Knows nothing of clusters: creating and joining is up to the visitor.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from demo.places import Place, Places, Trouble
from lab import processes

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")
USER = "root@pam"
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_S = 90.0
READY_EACH_S = 12.0  # of many nodes, which share the cores
PATIENCE_S = 8.0  # from SIGTERM to SIGKILL
SOCKET_PATH_MAX = 107  # bytes of a Unix socket's path, unix(7)
RUNNODE = (sys.executable, str(ROOT / "manage.py"), "runnode")


@dataclass(frozen=True)
class RunningNode:
    """A node of the demo: where it is, its process, and the command that starts it again."""

    place: Place
    pid: int
    started: str
    command: tuple[str, ...]

    @property
    def alive(self) -> bool:
        return processes.started(self.pid) == self.started


class Demo:
    """The nodes and everything they leave on this machine, all of it below `state` or carrying its tag."""

    def __init__(self, state: Path, places: Places, *, keep: bool, program: tuple[str, ...] = RUNNODE) -> None:
        self.state = state
        self.places = places
        self.password = "-".join(secrets.token_hex(2) for _ in range(3))
        self.nodes: list[RunningNode] = []
        self._keep = keep
        self._program = program
        self._tag = f"QUIRE_DEMO={state}"

    # --- starting -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start every node and wait until each answers. Raises Trouble; call `stop` then as well."""
        self._claim_state()
        self.places.prepare()
        self._write_password_hash()
        for place in self.places.all():
            self.nodes.append(self._start_node(place))
        self._wait_until_all_answer()

    def _claim_state(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        marker = self.state / "demo.json"
        with contextlib.suppress(OSError, ValueError, KeyError):
            earlier = json.loads(marker.read_text())
            if earlier["pid"] != os.getpid() and processes.started(earlier["pid"]) == earlier["started"]:
                raise Trouble(f"a demo with the state {self.state} is already running: process {earlier['pid']}")
        self._remove_what_runs(patience_s=2)  # of a demo that crashed
        marker.write_text(json.dumps({"pid": os.getpid(), "started": processes.started(os.getpid())}))

    def _write_password_hash(self) -> None:
        from cluster.node.access.passwords import prepare_hash

        path = self.state / "password.hash"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(prepare_hash(self.password) + "\n")

    def _start_node(self, place: Place) -> RunningNode:
        place.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        longest = max(place.socket, str(self.state / "wire.sock"), key=len)
        if len(os.fsencode(longest)) > SOCKET_PATH_MAX:
            raise Trouble(f"the path {longest} is too long for a socket: choose a shorter --state")
        # fmt: off
        command = (
            *place.enter, *self._program,
            "--name", place.name,
            "--state", str(place.state),
            "--socket", place.socket,
            "--address", place.address,
            "--port", str(place.port),
            "--password-hash-file", str(self.state / "password.hash"),
            "--web",
            *place.options,
        )
        # fmt: on
        self._write_run_script(place, command)
        with open(place.folder / "node.log", "ab") as log:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=ROOT,
                start_new_session=True,
            )
        return RunningNode(place, started.pid, processes.started(started.pid), command)

    def _write_run_script(self, place: Place, command: tuple[str, ...]) -> None:
        """`<folder>/run`: starts the node again, by hand, after it was killed."""
        script = place.folder / "run"
        enter = self.places.enter_in_shell(place)
        script.write_text(
            f"#!/bin/sh\n# Starts {place.name} again as the demo started it.\n"
            f"cd {shlex.quote(str(ROOT))} && exec env {shlex.quote(self._tag)} "
            f"{enter} {shlex.join(command[len(place.enter) :])}\n"
        )
        script.chmod(0o755)

    def _environment(self) -> dict[str, str]:
        """This process's environment without settings meant for another node, with the tag that finds what we start."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("QUIRE_")}
        return kept | dict([self._tag.split("=", 1)])

    def _wait_until_all_answer(self) -> None:
        deadline = time.monotonic() + max(READY_S, READY_EACH_S * len(self.nodes))
        waiting = list(self.nodes)
        while waiting := [node for node in waiting if not answers(node.place.url)]:
            for node in waiting:
                if not node.alive:
                    raise Trouble(f"{node.place.name} did not start; its log ends:\n{self._log_end(node.place)}")
            if time.monotonic() > deadline:
                names = ", ".join(node.place.name for node in waiting)
                raise Trouble(f"no answer from {names} within {READY_S:.0f} s\n{self._log_end(waiting[0].place)}")
            time.sleep(0.1)

    def _log_end(self, place: Place) -> str:
        log = place.folder / "node.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(f"  {line}" for line in lines[-12:]) or "  (nothing)"

    # --- telling ------------------------------------------------------------------------------------------------------

    def as_json(self) -> str:
        nodes = [
            {
                "name": node.place.name,
                "url": node.place.url,
                "socket": node.place.socket,
                "mount": node.place.mount,
                "enter": list(node.place.enter),
                "pid": self.places.pid_of(node.pid),
                "run": [str(node.place.folder / "run")],
            }
            for node in self.nodes
        ]
        return json.dumps({"user": USER, "password": self.password, "nodes": nodes})

    def as_text(self) -> str:
        """What a person reads: what this is, where to go, how to stop it."""
        first = self.nodes[0].place
        kept = f"What the nodes store stays in {self.state}." if self._keep else "Nothing is kept."
        width = max(len(node.place.name) for node in self.nodes)
        rows = [
            f"  {node.place.name:{width}}  {node.place.url}   process {self.places.pid_of(node.pid)}"
            for node in self.nodes
        ]
        return "\n".join(
            [
                f"{self._what_runs()} on this machine: {self.places.sentence}",
                f"Ctrl-C here stops them. {kept}",
                "",
                *rows,
                "",
                f"  user      {USER}",
                f"  password  {self.password}",
                "",
                f"Open {first.url} (the browser warns: each node made its own certificate).",
                *self.places.advice,
                "",
                f"On the command line:  {shlex.join([*first.enter, pvecm(), '--socket', first.socket, 'status'])}",
                f"Kill a node:  kill -9 {self.places.pid_of(self.nodes[-1].pid)}"
                f"   and start it again:  {self.nodes[-1].place.folder / 'run'}",
            ]
        )

    def _what_runs(self) -> str:
        return f"{len(self.nodes)} stand-alone nodes run" if len(self.nodes) > 1 else "One node runs"

    # --- ending -------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End every process and remove every namespace and mount, in whatever state they are. May be called twice."""
        self._remove_what_runs(PATIENCE_S)
        if self._keep:
            (self.state / "demo.json").unlink(missing_ok=True)
        else:
            shutil.rmtree(self.state, ignore_errors=True)

    def _remove_what_runs(self, patience_s: float) -> None:
        processes.end_tagged(self._tag, patience_s)
        self.places.remove()
        unmount_below(self.state)


def pvecm() -> str:
    return str(ROOT / ".venv/bin/pvecm")


def answers(url: str) -> bool:
    """Does a node answer at all? Any HTTP answer counts; its certificate is its own."""
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(f"{url}/api2/json/version", context=trusting, timeout=3):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def unmount_below(folder: Path) -> None:
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        point = line.split()[1].replace("\\040", " ")
        if Path(point).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", point], check=False, timeout=10, stderr=subprocess.DEVNULL)


class Ended(BaseException):
    """A signal asked the demo to end. Not an Exception, so that nothing on the way takes it for a fault."""


def end_on_signals() -> None:
    """The first signal raises Ended; those after it are not heard."""

    def end(number: int, frame: FrameType | None) -> None:
        ignore_signals()
        raise Ended

    for number in END_SIGNALS:
        signal.signal(number, end)


def ignore_signals() -> None:
    """While ending: a second Ctrl-C must not leave half of it behind."""

    def hear_nothing(number: int, frame: FrameType | None) -> None: ...

    for number in END_SIGNALS:
        signal.signal(number, hear_nothing)
