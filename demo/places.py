"""Where the demo's nodes run: each at an address of the loopback network, or each in a namespace with real corosync.

Both answer the same few questions, so that `nodes.py` need not know which it has. What a namespace host is, and how its
networks are laid, is `lab/hosts.py`.
"""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import os
import shlex
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from lab import processes
from lab.hosts import Lab
from lab.kernel import LabError

PORT = 8006

OWN_STATE = "/var/lib/quire"  # on a node with a disk of its own
MOUNT = "/etc/pve"  # where the store is shown inside each host made of namespaces


class Trouble(Exception):
    """Why the demo cannot run, in a sentence for the person who started it."""


@dataclass(frozen=True)
class Place:
    """One node's place: `enter` is the command prefix that runs a command there; `options` are runnode's.

    `folder` is where this machine finds the node's log, socket and script; `state` is where the node keeps what it
    stores, as the node sees it."""

    name: str
    address: str
    folder: Path
    state: Path
    options: tuple[str, ...]
    enter: tuple[str, ...] = ()
    mount: str | None = None
    port: int = PORT
    socket: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "socket", str(self.folder / "control.sock"))

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.port}"


class Places(Protocol):
    sentence: str  # what kind of places these are
    advice: tuple[str, ...]  # what to do first there

    def prepare(self) -> None:
        """Make the places, or raise Trouble."""

    def all(self) -> list[Place]: ...

    def enter_in_shell(self, place: Place) -> str:
        """`place.enter` as shell text that holds even after the place was switched off and on again."""

    def pid_of(self, started: int) -> int:
        """The node's own process, on this machine, given the pid of the command that was started for it."""

    def remove(self) -> None:
        """Remove the places and what runs in them; never raises, and may be called at any time."""


CREATE_AND_JOIN = (
    "Datacenter > Cluster > Create Cluster, copy the Join Information, and paste it on the other nodes.",
)


class LoopbackPlaces:
    """Each node has an address of 127.0.0.0/8 with port 8006, so cookies and certificates work as on real hosts."""

    sentence = "each is a process with an address of its own, with no corosync and no root."
    advice: tuple[str, ...] = CREATE_AND_JOIN

    def __init__(self, state: Path, names: list[str], first: str) -> None:
        self._state = state
        self._names = names
        self._first = ipaddress.IPv4Address(first)

    def prepare(self) -> None:
        for place in self.all():
            refuse_taken(place.address, place.port)

    def all(self) -> list[Place]:
        return [
            Place(
                name=name,
                address=str(self._first + number),
                folder=self._state / name,
                state=self._state / name,
                options=("--engine", "loopback", "--wire", str(self._state / "wire.sock"), "--mount", "none"),
            )
            for number, name in enumerate(self._names)
        ]

    def enter_in_shell(self, place: Place) -> str:
        return ""

    def pid_of(self, started: int) -> int:
        return started

    def remove(self) -> None:
        (self._state / "wire.sock").unlink(missing_ok=True)


class SimulatedPlace(LoopbackPlaces):
    """One node, whose cluster is pretended: the others live in its own process (`cluster/node/simulation/`)."""

    advice = ("After a quiet minute things begin to happen: nodes die and return, the network splits.",)

    def __init__(self, state: Path, first: str, count: int, seed: int) -> None:
        super().__init__(state, ["alpha"], first)
        self.sentence = f"it shows a simulated cluster of {count}, drawn from the seed {seed}. Nothing in it is real."
        self._more = ("--engine", "simulated", "--simulated", str(count), "--seed", str(seed), "--mount", "none")

    def all(self) -> list[Place]:
        return [replace(place, options=self._more) for place in super().all()]


def refuse_taken(address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Trouble(f"port {port} of {address} cannot be used: {error.strerror}") from error
            holder = processes.holder_of_port(address, port)
            raise Trouble(f"port {port} of {address} is taken by {holder}") from error


class LabPlaces:
    """Each node is a host of its own made of namespaces, with two links for corosync and a way in from this machine.

    With `disk_mib` what it stores lies on a disk of its own (`lab/disks.py`)."""

    sentence = "each is a network namespace with two links and its own corosync."
    advice = CREATE_AND_JOIN

    def __init__(self, state: Path, names: list[str], disk_mib: int = 0) -> None:
        if os.geteuid() != 0:
            raise Trouble("--engine corosync needs root: it makes network namespaces")
        if missing := [program for program in ("corosync", "ip", "nsenter") if shutil.which(program) is None]:
            raise Trouble(f"--engine corosync needs {', '.join(missing)}: run script/setup as root")
        self._state = state
        self._disk_mib = disk_mib
        self._base = state / "lab"
        # The name tells this demo's namespaces from another's, also after a crash.
        self._lab = Lab("demo" + hashlib.sha256(os.fsencode(state)).hexdigest()[:8], names, str(self._base))

    def prepare(self) -> None:
        self._put_back_files()
        try:
            # A host whose corosync was never configured, whatever this machine's own folder holds.
            own = ["/etc/corosync", *([OWN_STATE] if self._disk_mib else [])]
            self._lab.up(links=2, management=True, private=own, disk_mib=self._disk_mib)
        except LabError as error:
            raise Trouble(f"the hosts could not be made: {error}") from error

    def all(self) -> list[Place]:
        return [
            Place(
                name=name,
                address=self._lab.management_address(name),
                folder=self._state / name,
                state=Path(OWN_STATE) if self._disk_mib else self._state / name,
                options=("--engine", "corosync", "--mount", MOUNT),
                mount=MOUNT,
                enter=tuple(self._lab.enter(name)),
            )
            for name in self._lab.nodes
        ]

    def enter_in_shell(self, place: Place) -> str:
        pid_file = shlex.quote(f"{self._lab.folder(place.name)}/init.pid")
        words = list(place.enter)
        place_of_pid = words.index("--target") + 1
        before, after = shlex.join(words[:place_of_pid]), shlex.join(words[place_of_pid + 1 :])
        return f'{before} "$(cut -d " " -f 1 {pid_file})" {after}'

    def pid_of(self, started: int) -> int:
        """`nsenter` stays outside the node and waits for its one child, which is the node's process."""
        return next(iter(processes.children(started)), started)

    def remove(self) -> None:
        self._set_files_aside()
        try:
            Lab.sweep(self._lab.name, str(self._base))
        except (LabError, OSError, subprocess.SubprocessError) as error:
            print(f"demo: {error}", file=sys.stderr)

    # A lab takes its hosts' files with it when it goes; a state that is kept needs them: /etc/corosync, /var/lib.

    def _set_files_aside(self) -> None:
        for kept, used in self._files():
            if used.exists():
                shutil.rmtree(kept, ignore_errors=True)
                kept.parent.mkdir(parents=True, exist_ok=True)
                used.rename(kept)

    def _put_back_files(self) -> None:
        for kept, used in self._files():
            if kept.exists():
                used.parent.mkdir(parents=True, exist_ok=True)
                kept.rename(used)

    def _files(self) -> list[tuple[Path, Path]]:
        return [
            (self._state / name / "host" / part, self._base / name / part)
            for name in self._lab.nodes
            for part in ("etc", "varlib", "private", "disk.img")
        ]


def places_for(engine: str, state: Path, names: list[str], first: str, disk_mib: int = 0) -> Places:
    return LabPlaces(state, names, disk_mib) if engine == "corosync" else LoopbackPlaces(state, names, first)
