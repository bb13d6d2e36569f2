"""pvecm as a program: how it is found, helped, started and left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.cli.node import ROOT, UPID, Task, command, environment, node, pvecm
from tests.control.sockets import until


async def test_apiver_prints_one_number(tmp_path: Path) -> None:
    async with node(tmp_path) as socket:
        ran = await pvecm("apiver", socket=socket)
    assert (ran.code, ran.out, ran.err) == (0, "1\n", "")


async def test_the_socket_is_named_before_or_after_the_command_or_by_the_environment(tmp_path: Path) -> None:
    async with node(tmp_path) as socket:
        path = str(socket)
        for words in (("--socket", path, "apiver"), (f"--socket={path}", "apiver"), ("apiver", "--socket", path)):
            assert (await pvecm(*words, socket=tmp_path / "nobody.sock")).code == 0
        assert (await pvecm("apiver", socket=socket)).code == 0
        assert (await pvecm("apiver", socket=tmp_path / "nobody.sock")).code == 255


async def test_no_socket_named_means_the_nodes_own() -> None:
    ran = await pvecm("apiver", socket="")
    assert ran.code in (0, 255)  # a real node may run here
    if ran.code:
        assert "/var/lib/quire/control.sock" in ran.err


@pytest.mark.parametrize("words", [(), ("explode",), ("store",), ("store", "explode"), ("help", "explode")])
async def test_an_unknown_or_incomplete_command_shows_the_usage_and_exits_255(words: tuple[str, ...]) -> None:
    ran = await pvecm(*words)
    assert (ran.code, ran.out) == (255, "")
    assert "pvecm" in ran.err


async def test_a_wrong_parameter_is_told_with_the_usage() -> None:
    ran = await pvecm("create", "demo", "--votes", "many")
    assert (ran.code, ran.out) == (255, "")
    assert ran.err.splitlines() == [
        "400 The command cannot be run as it was typed.",
        "votes: this is a whole number",
        "pvecm create <clustername> [OPTIONS]",
    ]


@pytest.mark.parametrize("words", [("help",), ("--help",), ("help", "--verbose"), ("help", "store", "ls")])
async def test_help_goes_to_standard_output(words: tuple[str, ...]) -> None:
    ran = await pvecm(*words)
    assert (ran.code, ran.err) == (0, "")
    assert "USAGE" in ran.out


@pytest.mark.parametrize("words", [("help", "create"), ("create", "--help"), ("create", "-h")])
async def test_every_way_to_ask_for_help_with_a_command(words: tuple[str, ...]) -> None:
    ran = await pvecm(*words)
    assert ran.code == 0
    assert "--token-coefficient <integer>" in ran.out


async def test_starting_loads_nothing_heavy(tmp_path: Path) -> None:
    heavy = {"asyncio", "django", "msgspec", "ssl", "http.client", "argparse", "dataclasses", "getpass", "threading"}
    program = f"import sys; from cluster.cli.main import main; main(['apiver']); print({heavy!r} & set(sys.modules))"
    async with node(tmp_path) as socket:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, cwd=ROOT, env=environment(socket)
        )
        out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert out.decode().splitlines() == ["1", "set()"]


async def test_a_reader_that_leaves_is_no_traceback(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        async with node(tmp_path) as socket:
            process = await asyncio.create_subprocess_exec(
                *command("apiver"), stdout=writing, stderr=asyncio.subprocess.PIPE, cwd=ROOT, env=environment(socket)
            )
            _, err = await asyncio.wait_for(process.communicate(), 30)
    finally:
        os.close(writing)
    assert (process.returncode, err) == (255, b"")


async def test_leaving_leaves_the_task_running_and_says_its_name(tmp_path: Path) -> None:
    task = Task()
    async with node(tmp_path, task.handlers()) as socket:
        process = await asyncio.create_subprocess_exec(
            *command("create", "demo"), stderr=asyncio.subprocess.PIPE, cwd=ROOT, env=environment(socket)
        )
        await until(lambda: task.looks > 0, 20)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 130
    assert err.decode() == f"The task goes on without this terminal: {UPID}\n"
