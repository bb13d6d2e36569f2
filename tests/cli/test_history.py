"""`pvecm store log|show|diff|restore|conflicts`, asked of a real daemon as a real process."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.core.operations import Mkdir, Remove, Write
from tests.cli.node import command, environment, pvecm
from tests.node.alone import Alone, alone


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Alone]:
    async with alone(tmp_path / "alpha") as started:
        yield started


async def run(node: Alone, *words: str) -> tuple[int, str, str]:
    ran = await pvecm("store", *words, socket=node.daemon.options.socket)
    return ran.code, ran.out, ran.err


async def test_the_log_says_who_changed_what_when_and_where(node: Alone) -> None:
    revision = await node.write("a.cfg", "one\n", door="page")
    removed = await node.change(Remove("a.cfg"), Mkdir("folder"), user="uid 33")
    code, out, _ = await run(node, "log", "a.cfg")
    lines = out.splitlines()
    when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert code == 0 and len(lines) == 2
    assert re.fullmatch(rf"{re.escape(removed)} +{when}  uid 33 via mount on alpha: -a\.cfg folder/", lines[0])
    assert re.fullmatch(rf"{re.escape(revision)} +{when}  root@pam via page on alpha: a\.cfg", lines[1])
    assert len((await run(node, "log", "--limit", "1"))[1].splitlines()) == 1


async def test_what_is_written_here_is_told_as_written_here(node: Alone) -> None:
    await pvecm("store", "write", "a.cfg", socket=node.daemon.options.socket, stdin=b"x")
    assert "root@pam via cli on alpha: a.cfg" in (await run(node, "log"))[1]


async def test_an_old_revision_is_shown_byte_for_byte(node: Alone, tmp_path: Path) -> None:
    data = bytes(range(256))
    revision = await node.change(Write("odd@name", data))
    await node.change(Write("odd@name", b""))
    for words in ([f"odd@name@{revision}"], ["odd@name", "--revision", revision]):
        with (tmp_path / "out").open("wb") as target:
            process = await asyncio.create_subprocess_exec(
                *command("store", "show", *words), stdout=target, env=environment(node.daemon.options.socket)
            )
            assert await asyncio.wait_for(process.wait(), 20) == 0
        assert (tmp_path / "out").read_bytes() == data
    assert (await run(node, "show", "odd"))[0] == 255
    code, out, err = await run(node, "show", f"nothing@{revision}")
    assert (code, out, err) == (1, "", f"nothing was not there at revision {revision}.\n")


async def test_a_revision_is_compared_with_now_or_a_later_one(node: Alone) -> None:
    first = await node.write("a.cfg", "one\n")
    second = await node.write("a.cfg", "two\n")
    await node.write("a.cfg", "three\x1b[2J\n")
    assert (await run(node, "diff", "a.cfg", first, second))[1].splitlines()[-2:] == ["-one", "+two"]
    assert (await run(node, "diff", "a.cfg", second))[1].splitlines()[-2:] == ["-two", "+three\\x1b[2J"]


async def test_a_file_and_the_whole_tree_are_restored(node: Alone) -> None:
    first = await node.write("a.cfg", "one\n")
    await node.change(Write("a.cfg", b"two\n"), Write("b.cfg", b"new\n"))
    code, out, _ = await run(node, "restore", "a.cfg", first)
    assert code == 0 and re.fullmatch(r"a\.cfg\nRestored in revision \d+\.\d+\.\n", out)
    assert (await run(node, "restore", "a.cfg", first))[1] == "Nothing differs; nothing was changed.\n"
    assert "b.cfg" in (await run(node, "restore", "/", first))[1]
    assert (await run(node, "read", "a.cfg"))[1] == "one\n"
    assert (await run(node, "read", "b.cfg"))[0] == 255


async def test_what_cannot_be_told_is_said(node: Alone) -> None:
    code, _, err = await run(node, "restore", "a.cfg", "9.999")
    assert (code, err) == (255, "There is no revision 9.999 in this store.\n")
    assert await run(node, "conflicts") == (0, "", "")
