"""`pvecm create` and `pvecm add`: what the daemon is asked, what the person sees, and how it ends."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from cluster.cli import task as task_module
from cluster.control import requests as r
from cluster.control.blocking import BlockingClient
from cluster.control.pinned import PORT
from cluster.errors import Conflict, InvalidInput, OutcomeUnknown
from cluster.secret import Secret
from tests.cli.node import UPID, Task, answering, command, environment, node, pvecm
from tests.control.sockets import until
from tests.control.tls import api, certificate, tls_server

PASSWORD = "correct horse battery staple"
FINGERPRINT = certificate()[1]
ADD = ("add", "127.0.0.1", "--fingerprint", FINGERPRINT)


# --- create -----------------------------------------------------------------------------------------------------------


async def test_create_asks_for_exactly_what_was_typed(tmp_path: Path) -> None:
    task = Task().ends("OK")
    async with node(tmp_path, task.handlers()) as socket:
        plain = await pvecm("create", "demo", socket=socket)
        full = await pvecm(
            "create", "demo", "-link0", "10.0.0.1,priority=15", "--link1=10.0.1.1", "--nodeid", "7", "--votes=2",
            "--token-coefficient", "200", socket=socket,
        )  # fmt: skip
    assert (plain.code, full.code, full.err) == (0, 0, "")
    assert task.asked == [
        r.CreateCluster(clustername="demo"),
        r.CreateCluster(
            clustername="demo",
            links={0: "10.0.0.1,priority=15", 1: "10.0.1.1"},
            nodeid=7,
            votes=2,
            token_coefficient=200,
        ),
    ]


async def test_the_log_is_shown_without_its_marker(tmp_path: Path) -> None:
    task = Task().ends("OK", "Writing the configuration", "Starting corosync", "TASK OK")
    async with node(tmp_path, task.handlers()) as socket:
        ran = await pvecm("create", "demo", socket=socket)
    assert (ran.code, ran.out, ran.err) == (0, "Writing the configuration\nStarting corosync\n", "")


async def test_a_task_that_fails_exits_1_with_its_error(tmp_path: Path) -> None:
    task = Task().ends("corosync did not start", "Starting corosync", "TASK ERROR: corosync did not start")
    async with node(tmp_path, task.handlers()) as socket:
        ran = await pvecm("create", "demo", socket=socket)
    assert (ran.code, ran.out, ran.err) == (1, "Starting corosync\n", "corosync did not start\n")


async def test_warnings_are_told_and_are_no_failure(tmp_path: Path) -> None:
    task = Task().ends("WARNINGS: 2", "WARN: this", "WARN: that", "TASK WARNINGS: 2")
    async with node(tmp_path, task.handlers()) as socket:
        ran = await pvecm("create", "demo", socket=socket)
    assert (ran.code, ran.out, ran.err) == (0, "WARN: this\nWARN: that\n", "WARNINGS: 2\n")


async def test_lines_come_while_the_task_runs(tmp_path: Path) -> None:
    task = Task()
    async with node(tmp_path, task.handlers()) as socket:
        process = await asyncio.create_subprocess_exec(
            *command("create", "demo"), stdout=asyncio.subprocess.PIPE, env=environment(socket)
        )
        assert process.stdout is not None
        for line in ("first", "second", "third"):
            task.lines.append(line)
            assert await asyncio.wait_for(process.stdout.readline(), 20) == f"{line}\n".encode()
        task.ends("OK")
        assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_a_long_log_is_shown_whole_and_in_order(tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(1501)]
    async with node(tmp_path, Task().ends("OK", *lines).handlers()) as socket:
        ran = await pvecm("create", "demo", socket=socket)
    assert ran.out.splitlines() == lines


async def test_a_log_line_cannot_command_the_terminal(tmp_path: Path) -> None:
    task = Task().ends("bad\x1b[2J", "\x1b]52;c;aGk=\x07", "right\u202eleft", "a\rb")
    async with node(tmp_path, task.handlers()) as socket:
        ran = await pvecm("create", "demo", socket=socket)
    assert ran.out.splitlines() == ["\\x1b]52;c;aGk=\\x07", "right\\u202eleft", "a\\rb"]
    assert ran.err == "bad\\x1b[2J\n"


async def test_a_daemon_away_for_a_moment_does_not_end_the_watch(tmp_path: Path) -> None:
    task = Task().ends("OK", "back again")
    task.looks_in_vain = 3
    async with node(tmp_path, task.handlers()) as socket:
        ran = await pvecm("create", "demo", socket=socket)
    assert (ran.code, ran.out, ran.err, task.looks_in_vain) == (0, "back again\n", "", 0)


async def test_a_daemon_that_stays_away_leaves_the_outcome_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_module, "SILENCE_S", 0.1)
    task = Task()
    task.looks_in_vain = 1000
    async with node(tmp_path, task.handlers()) as socket:
        with pytest.raises(OutcomeUnknown, match=UPID):
            await asyncio.to_thread(task_module.follow, BlockingClient(socket), UPID)


async def test_what_the_daemon_finds_wrong_is_told_by_parameter_with_the_usage(tmp_path: Path) -> None:
    async def refuses(_request: r.CreateCluster) -> None:
        raise InvalidInput(
            "The cluster cannot be created.", fields={"clustername": "too long", "token_coefficient": "?"}
        )

    async with node(tmp_path, {r.CreateCluster: refuses}) as socket:
        ran = await pvecm("create", "a-name-that-is-too-long", socket=socket)
    assert ran.err.splitlines() == [
        "400 The cluster cannot be created.",
        "clustername: too long",
        "token-coefficient: ?",
        "pvecm create <clustername> [OPTIONS]",
    ]
    assert (ran.code, ran.out) == (255, "")


async def test_a_cluster_that_exists_is_refused_before_a_task_begins(tmp_path: Path) -> None:
    async def refuses(_request: r.CreateCluster) -> None:
        raise Conflict("This node is in the cluster demo already.")

    async with node(tmp_path, {r.CreateCluster: refuses}) as socket:
        ran = await pvecm("create", "demo", socket=socket)
    assert (ran.code, ran.out, ran.err) == (255, "", "This node is in the cluster demo already.\n")


# --- add --------------------------------------------------------------------------------------------------------------


async def test_add_asks_for_exactly_what_was_typed(tmp_path: Path) -> None:
    task = Task().ends("OK", "joined")
    async with node(tmp_path, task.handlers()) as socket:
        ran = await pvecm(
            *ADD, "--link0", "10.0.0.2", "--votes", "0", "--nodeid=5", "--force",
            socket=socket, stdin=f"{PASSWORD}\n".encode(),
        )  # fmt: skip
    assert (ran.code, ran.out, ran.err) == (0, "joined\n", "")
    assert task.asked == [
        r.JoinCluster(
            hostname="127.0.0.1",
            fingerprint=FINGERPRINT,
            password=PASSWORD,
            links={0: "10.0.0.2"},
            nodeid=5,
            votes=0,
            force=True,
        )
    ]


async def test_a_join_that_fails_exits_1(tmp_path: Path) -> None:
    async with node(tmp_path, Task().ends("wrong password").handlers()) as socket:
        ran = await pvecm(*ADD, socket=socket, stdin=b"x\n")
    assert (ran.code, ran.err) == (1, "wrong password\n")


async def test_the_password_is_in_no_argument_and_no_environment(tmp_path: Path) -> None:
    task = Task()
    async with node(tmp_path, task.handlers()) as socket:
        process = await asyncio.create_subprocess_exec(
            *command(*ADD),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment(socket),
        )
        assert process.stdin is not None
        process.stdin.write(f"{PASSWORD}\n".encode())
        await until(lambda: bool(task.asked), 20)
        about = Path(f"/proc/{process.pid}")
        seen = (about / "cmdline").read_bytes() + (about / "environ").read_bytes()
        task.ends("it failed")
        out, _ = await asyncio.wait_for(process.communicate(), 20)
    assert task.asked[0].password == Secret(PASSWORD)
    assert b"battery" not in seen + out


async def test_on_a_terminal_the_password_is_asked_for_and_not_shown(tmp_path: Path) -> None:
    task = Task().ends("OK", "joined")
    ours, theirs = os.openpty()
    try:
        async with node(tmp_path, task.handlers()) as socket:
            process = await asyncio.create_subprocess_exec(
                *command(*ADD), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                env=environment(socket),
            )  # fmt: skip
            os.close(theirs)
            shown = await asyncio.to_thread(read_until, ours, b"Password of root@pam on 127.0.0.1: ")
            os.write(ours, f"{PASSWORD}\n".encode())
            shown += await asyncio.to_thread(read_until, ours, b"joined")
            assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        os.close(ours)
    assert task.asked[0].password == Secret(PASSWORD)
    assert b"battery" not in shown


def read_until(descriptor: int, words: bytes) -> bytes:
    shown = b""
    while words not in shown:
        shown += os.read(descriptor, 4096)
    return shown


async def test_without_a_password_nobody_is_asked(tmp_path: Path) -> None:
    task = Task()
    async with node(tmp_path, task.handlers()) as socket:
        ran = await pvecm(*ADD, socket=socket)
    assert (ran.code, task.asked) == (255, [])
    assert "password: it was left empty" in ran.err


async def test_without_a_daemon_no_password_is_asked_for(tmp_path: Path) -> None:
    ran = await pvecm(*ADD, socket=tmp_path / "nobody.sock")
    assert ran.code == 255
    assert "does not answer" in ran.err


async def test_ssh_is_refused(tmp_path: Path) -> None:
    async with node(tmp_path, {}) as socket:
        ran = await pvecm(*ADD, "--use_ssh", socket=socket, stdin=b"x\n")
    assert ran.code == 255
    assert "use_ssh: a node joins over HTTPS" in ran.err


async def test_a_join_from_inside_the_mount_is_refused(tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    (mount / "nodes").mkdir(parents=True)
    (tmp_path / "link").symlink_to(mount)
    (tmp_path / "mountain").mkdir()
    task = Task().ends("OK")
    async with node(tmp_path, task.handlers()) as socket:
        for inside in (mount, mount / "nodes", tmp_path / "link"):
            ran = await pvecm(*ADD, socket=socket, stdin=b"x\n", cwd=inside, QUIRE_MOUNT=str(tmp_path / "link"))
            assert ran.code == 255
            assert f"inside {mount}" in ran.err
        assert task.asked == []
        beside = await pvecm(*ADD, socket=socket, stdin=b"x\n", cwd=tmp_path / "mountain", QUIRE_MOUNT=str(mount))
        assert beside.code == 0


# --- the fingerprint --------------------------------------------------------------------------------------------------


async def test_the_fingerprint_is_shown_and_after_yes_it_is_the_one_to_meet(tmp_path: Path) -> None:
    task = Task().ends("OK")
    with tls_server(api({}), address="127.68.0.1", port=PORT) as server:
        async with node(tmp_path, task.handlers()) as socket:
            ran = await pvecm("add", server.address, socket=socket, stdin=f"{PASSWORD}\nyes\n".encode())
    assert ran.code == 0
    assert f"  {server.fingerprint}\n" in ran.out
    assert [each.fingerprint for each in task.asked] == [server.fingerprint]
    assert server.handshakes == 1
    assert server.received == b""


@pytest.mark.parametrize("answer", ["", "y", "no", "yes please"])
async def test_anything_but_yes_stops(tmp_path: Path, answer: str) -> None:
    task = Task()
    with tls_server(api({}), address="127.68.0.2", port=PORT) as server:
        async with node(tmp_path, task.handlers()) as socket:
            ran = await pvecm("add", server.address, socket=socket, stdin=f"{PASSWORD}\n{answer}\n".encode())
    assert (ran.code, task.asked) == (255, [])
    assert "not confirmed" in ran.err
    assert server.received == b""


async def test_a_node_nobody_answers_at_is_named(tmp_path: Path) -> None:
    task = Task()
    async with node(tmp_path, task.handlers()) as socket:
        ran = await pvecm("add", "127.99.99.99", socket=socket, stdin=b"x\nyes\n")
    assert (ran.code, task.asked) == (255, [])
    assert f"127.99.99.99:{PORT} refused the connection" in ran.err


# --- leave and delnode ------------------------------------------------------------------------------------------------


async def test_leave_follows_its_task_and_its_code_is_the_outcome(tmp_path: Path) -> None:
    task = Task().ends("OK", "Tidy up: OK")
    async with node(tmp_path, task.handlers()) as socket:
        went = await pvecm("leave", socket=socket)
        await pvecm("leave", "--force", socket=socket)
        task.status = "The cluster has no quorum."
        failed = await pvecm("leave", socket=socket)
    assert (went.code, went.out, went.err) == (0, "Tidy up: OK\n", "")
    assert (failed.code, failed.err) == (1, "The cluster has no quorum.\n")
    assert task.asked == [r.LeaveCluster(), r.LeaveCluster(force=True), r.LeaveCluster()]


async def test_delnode_says_nothing_when_all_is_well(tmp_path: Path) -> None:
    async with node(tmp_path, {r.RemoveNode: answering({"warnings": []})}) as socket:
        ran = await pvecm("delnode", "gamma", socket=socket)
    assert (ran.code, ran.out, ran.err) == (0, "", "")


async def test_delnode_tells_why_it_was_refused(tmp_path: Path) -> None:
    async def refuse(request: r.RemoveNode) -> None:
        assert request.node == "delta"
        raise Conflict("No node named delta is part of the cluster.")

    async with node(tmp_path, {r.RemoveNode: refuse}) as socket:
        ran = await pvecm("delnode", "delta", socket=socket)
    assert (ran.code, ran.out, ran.err) == (255, "", "No node named delta is part of the cluster.\n")
