"""Hosts out of namespaces: what they see, how they are reached, and that nothing of them stays."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Lab, LabError, faults, processes
from lab.inside import run_inside
from lab.kernel import network_namespaces, until

pytestmark = pytest.mark.corosync
ROOT = Path(__file__).resolve().parent.parent.parent
PORT = 7777


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    made = Lab(f"hosts{os.getpid()}")
    try:
        made.up(links=2, management=True, private=["/var/lib/quire"])
        yield made
    finally:
        made.down()


def traces(name: str) -> list[str]:
    """What is still there of a lab: namespaces, folders, interfaces and processes."""
    found = [netns for netns in network_namespaces() if netns.startswith(f"{name}-")]
    found += [str(path) for path in Path("/tmp").glob(f"lab-{name}")]
    found += [processes.command(pid) for pid in processes.pids() if f"/tmp/lab-{name}" in processes.command(pid)]
    return found


def answers(address: str, timeout_s: float) -> bool:
    """Whether a UDP datagram to the echo below comes back in time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout_s)
        sock.sendto(b"there?", (address, PORT))
        try:
            return sock.recv(100) == b"there?"
        except OSError:
            return False


def reachable(address: str) -> bool:
    """Sooner or later there is an answer."""
    return any(answers(address, 1) for _ in range(10))


def silent(address: str) -> bool:
    """For a while there is no answer."""
    return not answers(address, 0.5)


ECHO = f"""
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("0.0.0.0", {PORT}))
while True:
    data, sender = sock.recvfrom(100)
    sock.sendto(data, sender)
"""


@pytest.fixture(scope="module")
def echo(lab: Lab) -> Lab:
    """Every node answers datagrams."""
    for node in lab.nodes:
        lab.spawn(node, [sys.executable, "-c", ECHO])
    for node in lab.nodes:
        until(lambda node=node: reachable(lab.management_address(node)), 10, f"{node} does not echo")  # type: ignore[misc]
    return lab


def test_a_node_has_a_name_addresses_and_knows_the_others(lab: Lab) -> None:
    assert lab.output("beta", ["hostname"]).strip() == "beta"
    for node in lab.nodes:
        assert lab.output("beta", ["getent", "hosts", node]).split() == [lab.address(node), node]
    shown = lab.output("gamma", ["ip", "-4", "-br", "address"])
    for address in (lab.address("gamma", 0), lab.address("gamma", 1), lab.management_address("gamma")):
        assert f"{address}/24" in shown


def test_a_node_runs_the_projects_python_and_reads_its_files(lab: Lab) -> None:
    program = "import django, cluster.errors; print('ready')"
    argv = [*lab.enter("alpha"), sys.executable, "-c", program]
    ran = subprocess.run(argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=30)
    assert ran.stdout == "ready\n"
    assert "fuse" in lab.output("alpha", ["ls", "/dev"])


def test_files_below_etc_run_and_private_folders_are_a_nodes_own(lab: Lab) -> None:
    for path in ("/etc/mine", "/var/lib/mine", "/run/mine", "/dev/shm/mine", "/var/lib/quire/mine"):
        lab.path("alpha", path).write_text("alpha")
        assert lab.output("alpha", ["cat", path]) == "alpha"
        assert "No such file" in lab.output("beta", ["cat", path])
        assert not Path(path).exists()


def test_a_nodes_processes_are_its_own_and_have_no_parent_outside(lab: Lab) -> None:
    pid = lab.spawn("alpha", ["sleep", "1000"])
    try:
        assert lab.processes("alpha")[pid] == "sleep 1000"
        assert pid not in lab.processes("beta")
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert parent == lab.init_pid("alpha")
    finally:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(LabError, match="no program"):
        lab.spawn("alpha", ["no-such-program"])


def test_this_machine_reaches_a_node_through_the_management_network(echo: Lab) -> None:
    assert reachable(echo.management_address("beta"))
    with socket.socket() as sock:
        sock.settimeout(2)
        assert sock.connect_ex((echo.management_address("beta"), PORT)) != 0, "nothing listens for TCP"


def test_a_cut_is_silent_and_heals(echo: Lab) -> None:
    def sees(one: str, other: str, link: int) -> bool:
        return run_inside(echo, one, lambda: reachable(echo.address(other, link)))

    def misses(one: str, other: str, link: int) -> bool:
        return run_inside(echo, one, lambda: silent(echo.address(other, link)))

    assert sees("alpha", "beta", 0) and sees("alpha", "beta", 1)
    faults.cut(echo, ["alpha"], ["beta"], link=0)
    assert misses("alpha", "beta", 0) and misses("beta", "alpha", 0)
    assert sees("alpha", "beta", 1) and sees("alpha", "gamma", 0)
    faults.heal(echo)
    faults.split(echo, [["alpha"], ["beta", "gamma"]])
    assert misses("alpha", "gamma", 1) and sees("beta", "gamma", 0)
    faults.heal(echo)
    assert sees("alpha", "gamma", 1) and sees("beta", "alpha", 0)


def test_a_one_way_cut_drops_one_direction(echo: Lab) -> None:
    heard = threading.Event()

    def listen() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((echo.address("alpha"), PORT + 1))
            sock.settimeout(5)
            if sock.recv(10) == b"hello":
                heard.set()

    def hello(one: str, other: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"hello", (echo.address(other), PORT + 1))

    faults.cut(echo, ["alpha"], ["beta"], oneway=True)
    listening = threading.Thread(target=lambda: run_inside(echo, "alpha", listen))
    listening.start()
    while not heard.wait(0.05) and listening.is_alive():
        run_inside(echo, "beta", lambda: hello("beta", "alpha"))
    listening.join(10)
    assert heard.is_set(), "beta still reaches alpha"
    assert run_inside(echo, "alpha", lambda: silent(echo.address("beta"))), "alpha does not reach beta"
    faults.heal(echo)


def test_a_delayed_line_is_slower_than_a_direct_one(echo: Lab) -> None:
    faults.delay(echo, "gamma", 400, link=1)
    address = echo.address("gamma", 1)
    try:
        assert run_inside(echo, "alpha", lambda: silent(address)), "an answer takes two times 400 ms"
        assert run_inside(echo, "alpha", lambda: reachable(address))
        assert faults.relay_log(echo, "gamma", 1) == ""
    finally:
        faults.delay(echo, "gamma", 0, link=1)
    assert run_inside(echo, "alpha", lambda: reachable(address))


def test_a_node_without_power_is_silent_and_keeps_its_files(lab: Lab) -> None:
    lab.path("beta", "/etc/kept").write_text("kept")
    pid = lab.spawn("beta", ["sleep", "1000"])
    lab.kill("beta")
    assert not processes.alive(pid)
    assert lab.processes("beta") == {}
    with pytest.raises(LabError, match="off"):
        lab.enter("beta")
    lab.start("beta")
    assert lab.output("beta", ["cat", "/etc/kept"]) == "kept"


def test_two_labs_do_not_meet(lab: Lab) -> None:
    other = Lab(f"other{os.getpid()}", ["delta"])
    try:
        other.up(management=True)
        assert other.management != lab.management
        assert other.output("delta", ["hostname"]).strip() == "delta"
        assert other.address("delta") == lab.address("alpha"), "the same address, on another switch"
    finally:
        other.down()
    assert traces(other.name) == []


def test_a_lab_whose_owner_was_killed_is_swept_by_name() -> None:
    name = f"swept{os.getpid()}"
    program = (
        f"from lab import Lab; lab = Lab({name!r}, ['alpha', 'beta']); lab.up(links=2, management=True);"
        "from lab import faults; faults.delay(lab, 'alpha', 5); lab.spawn('beta', ['sleep', '1000']);"
        "print('up', flush=True); import time; time.sleep(100)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert owner.stdout is not None and owner.stdout.readline() == b"up\n"
        owner.stdout.close()
        owner.kill()
        owner.wait(10)
        assert len(traces(name)) > 3
    finally:
        owner.kill()
        Lab.sweep(name)
    assert traces(name) == []
    Lab.sweep(name)


def test_a_lab_that_is_up_is_not_made_again_and_a_half_made_one_is_removed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LabError, match="up already"):
        Lab(lab.name).up()
    assert lab.init_pid("alpha") is not None

    def fail(self: Lab, nodes: object) -> None:
        raise LabError("no power")

    broken = Lab(f"broken{os.getpid()}")
    monkeypatch.setattr(Lab, "_boot", fail)
    with pytest.raises(LabError, match="no power"):
        broken.up(links=2, management=True)
    assert traces(broken.name) == []


def test_a_lab_that_cannot_be_made_leaves_the_files_that_were_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alpha/etc").mkdir(parents=True)
    (tmp_path / "alpha/etc/kept").write_text("kept")

    def fail(self: Lab, nodes: object) -> None:
        raise LabError("no power")

    broken = Lab(f"broken{os.getpid()}", ["alpha"], str(tmp_path))
    with monkeypatch.context() as patched, pytest.raises(LabError, match="no power"):
        patched.setattr(Lab, "_boot", fail)
        broken.up()
    assert traces(broken.name) == []
    try:
        broken.up()
        assert broken.output("alpha", ["cat", "/etc/kept"]) == "kept"
    finally:
        broken.down()


def test_a_name_that_would_be_mistaken_for_another_labs_is_refused() -> None:
    with pytest.raises(LabError, match="letters, digits"):
        Lab("demo-alpha")
    with pytest.raises(LabError, match="no lab"):
        Lab.at("/tmp/no-such-lab")


def test_the_command_line_brings_a_lab_up_and_down(tmp_path: Path) -> None:
    name = f"cli{os.getpid()}"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "lab", "--name", name, *words]
        return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60)

    try:
        assert "one" in run("up", "one", "two", "--links", "2").stdout
        assert run("exec", "two", "--", "hostname").stdout == "two\n"
        assert run("cut", "one", "two").returncode == run("heal").returncode == 0
        assert run("kill", "one").returncode == 0
        assert "off" in run("status").stdout
        assert run("cut", "one", "three").stderr == f"lab: there is no node 'three' in lab {name}\n"
    finally:
        assert run("down").returncode == 0
    assert traces(name) == []
