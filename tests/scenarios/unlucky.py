"""A machine on which much is wrong at once, none of which hides another: what a pre-flight has to find.

All of it is real for the daemon that looks, with the means of one kernel. That has one clock, one processor and, here,
no bonds: the clock is another for that daemon alone (a time namespace knows no other time of day), and what the kernel
would say of another processor or of a bond lies where the daemon reads it.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.version import VERSION
from demo.visitor import Visited, eventually
from lab.hosts import ROOT, Lab

CLOCK_AHEAD_S = 8
NFS = 2049
SPARE_MIB = 24

# Each until its input ends.
LISTENS = "import socket, sys; s = socket.create_server((sys.argv[1], int(sys.argv[2]))); sys.stdin.read()"
CONNECTS = (
    "import socket, sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2])),"
    " source_address=(sys.argv[3], 0)); sys.stdin.read()"
)


@contextlib.contextmanager
def unlucky(node: Visited, member: Visited, lab: Lab, folder: Path) -> Iterator[None]:
    """`node` would join; `member` is one of the cluster. Everything is put back."""
    with contextlib.ExitStack() as stack:
        for part in (
            wrong_names(node), small_disk(node), other_processor(node, folder), bonded(node, folder),
            other_machine(node, folder), busy_network(node, member, lab), clock_keeper(node, folder),
        ):  # fmt: skip
            stack.enter_context(part)
        yield


@contextlib.contextmanager
def wrong_names(node: Visited) -> Iterator[None]:
    """It knows another address for beta than the others do."""
    run(node, "cp", "/etc/hosts", "/etc/hosts.before")
    run(node, "sed", "-i", "s/^[0-9.]* beta$/10.99.99.99 beta/", "/etc/hosts")
    try:
        yield
    finally:
        run(node, "mv", "/etc/hosts.before", "/etc/hosts")


@contextlib.contextmanager
def small_disk(node: Visited) -> Iterator[None]:
    """All but a little of the disk its store lies on is full."""
    where = "/var/lib/quire"
    free = run(node, "df", "--block-size=1M", "--output=avail", where).split()[-1]
    run(node, "fallocate", "-l", f"{max(int(free) - SPARE_MIB, 1)}M", f"{where}/full")
    try:
        yield
    finally:
        run(node, "rm", f"{where}/full")


@contextlib.contextmanager
def other_processor(node: Visited, folder: Path) -> Iterator[None]:
    told = folder / "cpuinfo"
    told.write_text("processor\t: 0\nvendor_id\t: AuthenticOther\nmodel name\t: Other 9000\n")
    with bound(node, told, "/proc/cpuinfo"):
        yield


@contextlib.contextmanager
def bonded(node: Visited, folder: Path) -> Iterator[None]:
    """link0 looks like a bond that sends packets over its cards in turn."""
    device, told = "/sys/devices/virtual/net/link0", folder / "link0"
    (told / "bonding").mkdir(parents=True)
    (told / "bonding" / "mode").write_text("balance-rr 0\n")
    for name in ("mtu", "operstate", "flags"):
        (told / name).write_text(run(node, "cat", f"{device}/{name}"))
    with bound(node, told, device):
        yield


@contextlib.contextmanager
def bound(node: Visited, told: Path, over: str) -> Iterator[None]:
    """In the node, `over` shows what lies at `told` on this machine."""
    run(node, "mount", "--bind", str(told), over)
    try:
        yield
    finally:
        run(node, "umount", over)


@contextlib.contextmanager
def other_machine(node: Visited, folder: Path) -> Iterator[None]:
    """Its daemon has another version, finds another corosync, and its clock is ahead."""
    library = folder / "skewed_clock.so"
    source = Path(__file__).with_name("skewed_clock.c")
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    command = [compiler, "-Wall", "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True, timeout=60)
    programs = folder / "programs"
    programs.mkdir()
    (programs / "corosync").write_text("#!/bin/sh\necho \"Corosync Cluster Engine, version '2.4.5'\"\n")
    (programs / "corosync").chmod(0o755)
    (programs / "sitecustomize.py").write_text("import cluster.version\n\ncluster.version.VERSION = '0.0.9'\n")
    node.kill()
    node.start_again({
        "PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": f"{programs}:{ROOT}",
        "LD_PRELOAD": str(library), "QUIRE_CLOCK_AHEAD_S": str(CLOCK_AHEAD_S),
    })  # fmt: skip
    assert VERSION != "0.0.9"
    try:
        yield
    finally:
        node.kill()
        node.start_again()


@contextlib.contextmanager
def busy_network(node: Visited, member: Visited, lab: Lab) -> Iterator[None]:
    """An NFS connection to a member over link 1, and something that answers on SSH's port."""
    near, far = lab.address(node.name, 1), lab.address(member.name, 1)
    site = node.url.removeprefix("https://").partition(":")[0]
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(member, sys.executable, "-c", LISTENS, far, str(NFS)))
        stack.enter_context(running(node, sys.executable, "-c", LISTENS, site, "22"))
        eventually("a server on NFS's port", lambda: listens(member, NFS), 20)
        stack.enter_context(running(node, sys.executable, "-c", CONNECTS, far, str(NFS), near))
        eventually("a connection to it", lambda: str(NFS) in run(node, "ss", "-Htn", "state", "established"), 20)
        eventually("a server on SSH's port", lambda: listens(node, 22), 20)
        yield


def listens(node: Visited, port: int) -> bool:
    return f":{port} " in run(node, "ss", "-Htln")


@contextlib.contextmanager
def clock_keeper(node: Visited, folder: Path) -> Iterator[None]:
    """A program of the name by which chrony is known."""
    program = folder / "chronyd"
    program.write_bytes(Path("/bin/cat").read_bytes())
    program.chmod(0o755)
    with running(node, str(program)):
        yield


@contextlib.contextmanager
def running(node: Visited, *words: str) -> Iterator[None]:
    """Until its input ends, which it does here."""
    process = subprocess.Popen([*node.enter, *words], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.communicate(b"", timeout=20)


def run(node: Visited, *words: str) -> str:
    ran = node.command(*words)
    assert ran.returncode == 0, f"{' '.join(words)}: {ran.stderr}"
    return ran.stdout
