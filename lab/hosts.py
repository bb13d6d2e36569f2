"""Nodes out of namespaces: made, entered, killed, started again, and removed whatever state they are in.

A node is a network namespace, plus mount, UTS, IPC and PID namespaces that hang off one small process 1 (`init.py`).
It has its own /etc and /var/lib (overlays), /run, /dev/shm, /proc, host name, and an interface `linkN` per link. Links
are bridges in a namespace of their own (the *switch*), so no packet leaves the machine. With a management network
every node also has `mgmt0`, which this machine reaches through one interface of its own: a browser can open a node.
With `disk_mib` its private folders lie on a disk of its own, which can be full, and whose power can be cut.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lab import disks, processes
from lab.kernel import LabError, add_netns, ip, ip_batch, namespace, network_namespaces, pids_in_netns, until

DEFAULT_NODES = ("alpha", "beta", "gamma")
LINKS_NETWORK = "10.77"  # 10.77.<link>.<node>; the same in every lab, for no two share a switch
MANAGEMENT_NETWORK = "10.78"  # 10.78.<a free number>.<node>, and .254 for this machine
ALWAYS_PRIVATE = ("/var/lib/corosync",)
ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"[A-Za-z0-9_.]{1,40}")  # no dash: it parts the lab's name from the node's in a namespace's name


class Lab:
    """A few nodes. Several labs can exist at once; the name ($LAB by default) tells them apart."""

    def __init__(self, name: str = "", nodes: Sequence[str] = DEFAULT_NODES, base: str = "") -> None:
        self.name = name or os.environ.get("LAB", "lab")
        if not NAME.fullmatch(self.name):
            raise LabError(f"a lab's name has letters, digits, '_' and '.' only, not {self.name!r}")
        self.base = base or f"/tmp/lab-{self.name}"
        self.nodes = tuple(nodes)
        self.links = 1
        self.private: tuple[str, ...] = ALWAYS_PRIVATE
        self.management: int | None = None
        self.disk_mib = 0

    @classmethod
    def at(cls, base: str) -> Lab:
        """The lab that was brought up with this base folder."""
        try:
            kept = json.loads(Path(base, "lab.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise LabError(f"there is no lab at {base}; bring it up first") from None
        lab = cls(kept["name"], kept["nodes"], base)
        lab.links, lab.private, lab.management = kept["links"], tuple(kept["private"]), kept["management"]
        lab.disk_mib = kept["disk_mib"]
        return lab

    # --- facts --------------------------------------------------------------------------------------------------------

    @property
    def switch(self) -> str:
        return f"{self.name}-.switch"

    def netns(self, node: str) -> str:
        return f"{self.name}-{node}"

    def folder(self, node: str) -> str:
        return f"{self.base}/{node}"

    def disk(self, node: str) -> str:
        """Where the node's private folders are: inside the node, a mount point if it has a disk of its own."""
        return f"{self.folder(node)}/private"

    def image(self, node: str) -> str:
        return f"{self.folder(node)}/disk.img"

    def number(self, node: str) -> int:
        """1, 2, 3 … in the order of `nodes`: the last part of its addresses, and its node id."""
        try:
            return self.nodes.index(node) + 1
        except ValueError:
            raise LabError(f"there is no node {node!r} in lab {self.name}") from None

    def address(self, node: str, link: int = 0) -> str:
        return f"{LINKS_NETWORK}.{link}.{self.number(node)}"

    def management_address(self, node: str) -> str:
        if self.management is None:
            raise LabError(f"lab {self.name} has no management network")
        return f"{MANAGEMENT_NETWORK}.{self.management}.{self.number(node)}"

    def init_pid(self, node: str) -> int | None:
        """The pid of the node's process 1 as this machine sees it; None when the node is off."""
        try:
            pid, start = Path(self.folder(node), "init.pid").read_text(encoding="utf-8").split()
        except (OSError, ValueError):
            return None
        return int(pid) if processes.started(int(pid)) == start else None

    def path(self, node: str, inside: str) -> Path:
        """Where a running node's file `inside` (absolute) is reached from this machine."""
        pid = self.init_pid(node)
        if pid is None:
            raise LabError(f"node {node} is off")
        return Path(f"/proc/{pid}/root{inside}")

    def processes(self, node: str) -> dict[int, str]:
        """Every living process of a node: its pid as this machine sees it → its command line."""
        init = self.init_pid(node)
        wanted = namespace(init, "pid") if init is not None else ""
        if not wanted:
            return {}
        inside = [pid for pid in processes.pids() if namespace(pid, "pid") == wanted]
        return {pid: processes.command(pid) for pid in inside if processes.alive(pid)}

    # --- life ---------------------------------------------------------------------------------------------------------

    def up(self, links: int = 1, management: bool = False, private: Iterable[str] = (), disk_mib: int = 0) -> None:
        """Make the nodes and power them on. `private`: folders that are plain and a node's own, with `disk_mib` on an
        ext4 of that size."""
        if os.path.exists(f"{self.base}/lab.json") or any(map(self._is_ours, network_namespaces())):
            raise LabError(f"lab {self.name} is up already; bring it down first")
        self.links, self.private, self.disk_mib = links, (*ALWAYS_PRIVATE, *private), disk_mib
        had_files = os.path.exists(self.base)
        os.makedirs(self.base, exist_ok=True)
        try:
            self._make_switch(management)
            kept = {key: getattr(self, key) for key in ("name", "nodes", "links", "private", "management", "disk_mib")}
            Path(self.base, "lab.json").write_text(json.dumps(kept), encoding="utf-8")
            for node in self.nodes:
                self._make_node(node)
            self._boot(self.nodes)
        except BaseException:
            self.sweep(self.name, self.base, keep_files=had_files)
            raise

    def down(self) -> None:
        """Remove the lab: every process, namespace, interface and file of it. Works on a half-made lab too."""
        self.sweep(self.name, self.base)
        self.management = None

    @classmethod
    def sweep(cls, name: str, base: str = "", keep_files: bool = False) -> None:
        """`down` for a lab whose owner is gone: all it needs is the name, and the base folder where it had one."""
        lab = cls(name, (), base)
        ours = [found for found in network_namespaces() if lab._is_ours(found)]

        def survivors() -> list[int]:
            left = [pid for found in ours for pid in pids_in_netns(found) if processes.alive(pid)]
            for pid in left:
                processes.send(pid, signal.SIGKILL)
            return left

        until(lambda: not survivors(), 10, f"some processes of lab {name} do not die", pause_s=0.02)
        for found in ours:
            ip("netns", "del", found, check=False)
        if keep_files:
            Path(lab.base, "lab.json").unlink(missing_ok=True)
        else:
            shutil.rmtree(lab.base, ignore_errors=True)

    def kill(self, node: str) -> None:
        """Power off: every process is gone at once, and so is the node's network."""
        pid = self.init_pid(node)
        if pid is None:
            raise LabError(f"node {node} is off already")
        ip_batch(self.switch, (f"link set {port} down" for port in self._ports(node)))
        os.kill(pid, signal.SIGKILL)
        until(lambda: not processes.alive(pid), 10, f"node {node} does not die")

    def start(self, node: str) -> None:
        """Power on again; the node has the files it had, and nothing runs on it."""
        if self.init_pid(node) is None:
            ip_batch(self.switch, (f"link set {port} up" for port in self._ports(node)))
            self._boot([node])

    # --- running things in a node -------------------------------------------------------------------------------------

    def enter(self, node: str) -> list[str]:
        """The command prefix that runs a command in a node."""
        pid = self.init_pid(node)
        if pid is None:
            raise LabError(f"node {node} is off")
        return ["nsenter", "--target", str(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--"]

    def output(self, node: str, argv: Sequence[str], timeout_s: float = 30) -> str:
        """What a command prints in a node, standard error included; its exit status does not matter."""
        ran = subprocess.run(
            [*self.enter(node), *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return ran.stdout

    def spawn(
        self, node: str, argv: Sequence[str], log: str = "/dev/null", env: Mapping[str, str] | None = None
    ) -> int:
        """Start a command in a node, detached from us; returns its pid on this machine, 0 when it has ended already."""
        if shutil.which(argv[0]) is None:
            raise LabError(f"there is no program {argv[0]}")
        tag = f"LAB_SPAWN={uuid.uuid4().hex}"
        variables = {**(os.environ if env is None else env), "LAB_SPAWN": tag.partition("=")[2]}
        with open(log, "ab") as out:
            # setsid forks and ends, so that the command becomes a child of the node's process 1 and none of ours.
            subprocess.run(
                [*self.enter(node), "setsid", "--fork", *argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=variables,
                timeout=30,
                check=True,
            )
        pid = min(processes.tagged(tag), default=0)
        until(lambda: not processes.command(pid).startswith("setsid --fork "), 10, f"{argv[0]} does not begin")
        return pid

    # --- how nodes are made -------------------------------------------------------------------------------------------

    def _is_ours(self, netns: str) -> bool:
        return netns.partition("-")[0] == self.name

    def _ports(self, node: str) -> list[str]:
        """The node's ends in the switch."""
        management = [f"n{self.number(node)}m"] if self.management is not None else []
        return [f"n{self.number(node)}l{link}" for link in range(self.links)] + management

    def _make_switch(self, management: bool) -> None:
        add_netns(self.switch)
        bridges = [f"br{link}" for link in range(self.links)] + (["brm"] if management else [])
        lines = []
        for bridge in bridges:
            lines.append(f"link add {bridge} type bridge mcast_snooping 0")
            lines.append(f"link set {bridge} up")
        ip_batch(self.switch, lines)
        if management:
            self.management = self._claim_management_network()

    def _claim_management_network(self) -> int:
        """Take the first free 10.78.X: the interface's name is the claim, so that two labs never share a number."""
        taken = ip("-4", "route", "show")
        for number in range(1, 255):
            port = f"lab{number}"
            if f"{MANAGEMENT_NETWORK}.{number}." in taken or os.path.exists(f"/sys/class/net/{port}"):
                continue
            try:
                ip("link", "add", port, "type", "veth", "peer", "name", "host", "netns", self.switch)
            except LabError:
                continue  # another lab was quicker
            ip_batch(self.switch, ["link set host master brm", "link set host up"])
            ip("addr", "add", f"{MANAGEMENT_NETWORK}.{number}.254/24", "dev", port)
            ip("link", "set", port, "up")
            return number
        raise LabError("no management network is free")

    def _make_node(self, node: str) -> None:
        folder, number = self.folder(node), self.number(node)
        for name in ("etc/corosync", "etc.work", "varlib", "varlib.work", *(f"private{path}" for path in self.private)):
            os.makedirs(f"{folder}/{name}", exist_ok=True)
        if self.disk_mib:
            disks.make(self.image(node), self.disk_mib)
        Path(folder, "etc/hostname").write_text(f"{node}\n", encoding="utf-8")
        hosts = "".join(f"{self.address(other)} {other}\n" for other in self.nodes)
        Path(folder, "etc/hosts").write_text(f"127.0.0.1 localhost\n{hosts}", encoding="utf-8")
        add_netns(self.netns(node))
        networks = [(f"link{link}", f"br{link}", f"{self.address(node, link)}/24") for link in range(self.links)]
        if self.management is not None:
            networks.append(("mgmt0", "brm", f"{self.management_address(node)}/24"))
        inner, outer = [], []
        for place, (port, (inside, bridge, address)) in enumerate(zip(self._ports(node), networks, strict=True)):
            mac = f"02:4c:42:{place:02x}:00:{number:02x}"
            ip("-n", self.switch, "link", "add", port, "type", "veth", "peer", "name", inside, "address", mac,
               "netns", self.netns(node))  # fmt: skip
            outer += [f"link set {port} master {bridge}", f"link set {port} up"]
            inner += [f"addr add {address} dev {inside}", f"link set {inside} up"]
        ip_batch(self.switch, outer)
        ip_batch(self.netns(node), inner)

    def _boot(self, nodes: Sequence[str]) -> None:
        """Start process 1 of these nodes, side by side."""
        booting = []
        for node in nodes:
            disks.wait_free(self.image(node))
            argv, nowhere = [sys.executable, "-m", "lab.init", self.base, node], subprocess.DEVNULL
            with open(f"{self.folder(node)}/init.log", "ab") as log:
                booting.append(
                    subprocess.Popen(argv, cwd=ROOT, stdin=nowhere, stdout=log, stderr=log, start_new_session=True)
                )
        for process in booting:
            process.wait(30)
        for node in nodes:
            if self.init_pid(node) is None:
                said = Path(self.folder(node), "init.log").read_text(encoding="utf-8", errors="replace")
                raise LabError(f"node {node} did not start: {said.strip()[-500:]}")
