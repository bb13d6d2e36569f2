"""The demo starts what it says and leaves nothing, whatever state its nodes are in. `stand_in.py` is the node."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from demo.nodes import Demo, answers
from demo.places import LoopbackPlaces, Trouble
from demo.visitor import eventually
from lab import processes

STAND_IN = (sys.executable, "-m", "tests.demo.stand_in")
FIRST = f"127.{80 + os.getpid() % 100}.{os.getpid() // 100 % 250}.11"


def demo_of(state: Path, *names: str, keep: bool = True) -> Demo:
    return Demo(state, LoopbackPlaces(state, list(names), FIRST), keep=keep, program=STAND_IN)


def tagged(state: Path) -> list[int]:
    return processes.tagged(f"QUIRE_DEMO={state}")


def test_every_node_answers_and_is_described(tmp_path: Path) -> None:
    demo = demo_of(tmp_path, "alpha", "beta")
    try:
        demo.start()
        told = json.loads(demo.as_json())
        assert [node["name"] for node in told["nodes"]] == ["alpha", "beta"]
        assert all(answers(node["url"]) for node in told["nodes"])
        assert all(processes.alive(node["pid"]) for node in told["nodes"])
        assert told["user"] == "root@pam"
        assert told["password"] in demo.as_text()
    finally:
        demo.stop()


def test_the_password_is_kept_as_a_hash_only_the_owner_reads(tmp_path: Path) -> None:
    demo = demo_of(tmp_path, "alpha")
    try:
        demo.start()
        kept = tmp_path / "password.hash"
        assert kept.read_text().startswith("$argon2")
        assert kept.stat().st_mode & 0o077 == 0
    finally:
        demo.stop()


def test_stopping_ends_detached_and_stubborn_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.nodes.PATIENCE_S", 0.3)
    demo = demo_of(tmp_path, "alpha", "stubborn")
    demo.start()
    assert len(tagged(tmp_path)) == 4  # two nodes, and what each detached
    demo.stop()
    assert tagged(tmp_path) == []


def test_a_state_that_is_not_kept_is_gone(tmp_path: Path) -> None:
    demo = demo_of(tmp_path / "state", "alpha", keep=False)
    demo.start()
    demo.stop()
    assert not (tmp_path / "state").exists()


def test_the_next_demo_ends_what_a_killed_one_left(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.demo.test_nodes import demo_of\n"
        "demo_of(Path(sys.argv[1]), 'alpha').start(); print('started', flush=True); input()"
    )
    killed = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None and killed.stdin is not None
    assert killed.stdout.readline() == "started\n"
    left = tagged(tmp_path)
    killed.kill()
    killed.communicate()
    assert left and all(map(processes.alive, left))

    demo = demo_of(tmp_path, "alpha")
    try:
        demo.start()
        assert not any(map(processes.alive, left))
    finally:
        demo.stop()


def test_two_demos_do_not_share_a_state(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        marker = {"pid": other.pid, "started": processes.started(other.pid)}
        (tmp_path / "demo.json").write_text(json.dumps(marker))
        with pytest.raises(Trouble, match=f"already running: process {other.pid}"):
            demo_of(tmp_path, "alpha").start()
        other.kill()


def test_a_taken_port_is_named_with_its_holder(tmp_path: Path) -> None:
    first = demo_of(tmp_path / "first", "alpha")
    try:
        first.start()
        with pytest.raises(Trouble, match=rf"port 8006 of {FIRST} is taken by process {first.nodes[0].pid} "):
            demo_of(tmp_path / "second", "alpha").start()
    finally:
        first.stop()


def test_a_node_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    places = LoopbackPlaces(tmp_path, ["alpha"], FIRST)
    demo = Demo(tmp_path, places, keep=True, program=(sys.executable, "-c", "raise SystemExit('no such disk')"))
    try:
        with pytest.raises(Trouble, match=r"alpha did not start(.|\n)*no such disk"):
            demo.start()
    finally:
        demo.stop()


def test_a_killed_node_is_started_again_by_its_run_script(tmp_path: Path) -> None:
    demo = demo_of(tmp_path, "alpha")
    try:
        demo.start()
        node = demo.nodes[0]
        os.kill(node.pid, signal.SIGKILL)
        processes.wait_gone([node.pid], 5)
        assert not answers(node.place.url)
        subprocess.run(["setsid", "--fork", node.place.folder / "run"], check=True, stdin=subprocess.DEVNULL)
        eventually("alpha answers again", lambda: answers(node.place.url), 20)
    finally:
        demo.stop()


def test_a_state_too_deep_for_a_socket_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="too long for a socket"):
        demo_of(tmp_path / ("d" * 100), "alpha").start()


def test_the_first_signal_ends_the_demo_and_later_ones_do_not_cut_its_ending_short() -> None:
    program = (
        "import os, signal; from demo.nodes import Ended, end_on_signals\n"
        "end_on_signals()\n"
        "try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "except Ended: os.kill(os.getpid(), signal.SIGINT); os.kill(os.getpid(), signal.SIGHUP); print('tidied up')"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("tidied up\n", "", 0)
