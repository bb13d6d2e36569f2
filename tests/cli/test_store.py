"""`pvecm store`: the store from the command line, bytes as they are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from cluster.control import requests as r
from cluster.errors import NoQuorum, NotFound
from tests.cli.node import answering, command, environment, node, pvecm

FOUND = {"ok": True, "revision": (2, 17), "digest": "ab" * 32, "entries": 12, "findings": []}


WELL = {"trouble": "", "scrub": None, "quarantine": []}


async def test_verify_says_what_was_checked(tmp_path: Path) -> None:
    async with node(tmp_path, {r.StoreVerify: answering(FOUND), r.StoreHealth: answering(WELL)}) as socket:
        ran = await pvecm("store", "verify", socket=socket)
    assert ran.out.splitlines() == [
        "Revision: 2.17", "Entries:  12", f"Digest:   {'ab' * 32}", "Scrub:    not since the daemon started",
        "Result:   OK",
    ]  # fmt: skip
    assert (ran.code, ran.err) == (0, "")


async def test_verify_tells_of_the_last_scrub_of_what_was_set_aside_and_of_trouble(tmp_path: Path) -> None:
    aside = {"name": "store-7", "path": "/x/store-7", "time_s": 7, "reason": "Rows are missing.", "bytes": 9}
    scrub = {"time_s": 1700000000.0, "took_s": 0.5, "rows": 34, "findings": []}
    health = {"trouble": "The disk is full.", "scrub": scrub, "quarantine": [aside]}
    async with node(tmp_path, {r.StoreVerify: answering(FOUND), r.StoreHealth: answering(health)}) as socket:
        ran = await pvecm("store", "verify", socket=socket)
    assert "34 rows, 0 findings" in ran.out and "Aside:    /x/store-7: Rows are missing." in ran.out
    assert (ran.code, ran.err) == (1, "The disk is full.\n")


async def test_findings_are_a_failure_and_are_told(tmp_path: Path) -> None:
    found = {**FOUND, "ok": False, "findings": ["user.cfg: checksum differs", "\x1b[2Jx"]}
    async with node(tmp_path, {r.StoreVerify: answering(found), r.StoreHealth: answering(WELL)}) as socket:
        ran = await pvecm("--socket", str(socket), "store", "verify")
    assert (ran.code, ran.err) == (1, "user.cfg: checksum differs\n\\x1b[2Jx\n")
    assert ran.out.splitlines()[-1] == "Result:   2 findings"


async def test_what_is_written_is_read_back_byte_for_byte(tmp_path: Path) -> None:
    files: dict[str, bytes] = {}

    async def write(request: r.StoreWrite) -> dict[str, Any]:
        files[request.path] = request.data
        return {"revision": (1, len(files))}

    async def read(request: r.StoreRead) -> dict[str, Any]:
        return {"data": files[request.path]}

    data = bytes(range(256)) * 4096
    async with node(tmp_path, {r.StoreWrite: write, r.StoreRead: read}) as socket:
        ran = await pvecm("store", "write", "a/b", socket=socket, stdin=data)
        assert (ran.code, ran.out) == (0, "1.1\n")
        out = tmp_path / "out"
        with out.open("wb") as target:
            process = await asyncio.create_subprocess_exec(
                *command("store", "read", "a/b"), stdout=target, env=environment(socket)
            )
            assert await asyncio.wait_for(process.wait(), 20) == 0
    assert out.read_bytes() == data


async def test_a_file_too_large_is_refused_here(tmp_path: Path) -> None:
    async with node(tmp_path, {}) as socket:
        ran = await pvecm("store", "write", "a", socket=socket, stdin=bytes((1 << 20) + 1))
    assert ran.code == 255
    assert "1048576 bytes" in ran.err


async def test_a_digest_goes_along_when_given(tmp_path: Path) -> None:
    asked = []

    async def write(request: r.StoreWrite) -> dict[str, Any]:
        asked.append(request.digest)
        return {"revision": (1, 1)}

    async with node(tmp_path, {r.StoreWrite: write}) as socket:
        await pvecm("store", "write", "a", socket=socket)
        await pvecm("store", "write", "a", "--digest", "0" * 40, socket=socket)
    assert asked == [None, "0" * 40]


async def test_ls_lists_the_root_or_a_folder(tmp_path: Path) -> None:
    async def entries(request: r.StoreList) -> list[dict[str, Any]]:
        if request.path:
            raise NotFound(f"There is no {request.path}.")
        return [{"name": "user.cfg", "type": "file", "size": 120}, {"name": "nodes", "type": "dir", "size": 0}]

    async with node(tmp_path, {r.StoreList: entries}) as socket:
        root = await pvecm("store", "ls", socket=socket)
        missing = await pvecm("store", "ls", "priv", socket=socket)
    assert root.out == "     120  user.cfg\n       0  nodes/\n"
    assert (missing.code, missing.err) == (255, "There is no priv.\n")


async def test_without_quorum_the_reason_is_told(tmp_path: Path) -> None:
    async def refuses(_request: r.StoreWrite) -> None:
        raise NoQuorum("This node holds 1 of 3 votes; 2 are needed to write.")

    async with node(tmp_path, {r.StoreWrite: refuses}) as socket:
        ran = await pvecm("store", "write", "a", socket=socket)
    assert (ran.code, ran.err) == (255, "This node holds 1 of 3 votes; 2 are needed to write.\n")


async def test_a_consistent_read_gets_the_newest_first(tmp_path: Path) -> None:
    asked: list[Any] = []

    async def hear(request: Any) -> Any:
        asked.append(request)
        return {"data": b"newest"}

    async with node(tmp_path, {r.StorePoint: hear, r.StoreRead: hear}) as socket:
        for words in (("store", "read", "--consistent", "a"), ("store", "show", "a", "--consistent")):
            asked.clear()
            ran = await pvecm(*words, socket=socket)
            assert (ran.code, ran.out) == (0, "newest")
            assert [type(one) for one in asked] == [r.StorePoint, r.StoreRead] and asked[0].consistent
        ran = await pvecm("store", "read", "a", socket=socket)
        assert type(asked[-2]) is r.StoreRead and type(asked[-1]) is r.StoreRead


async def test_a_consistent_read_fails_where_nobody_can_tell(tmp_path: Path) -> None:
    async def refuse(_request: r.StorePoint) -> None:
        raise NoQuorum("1 of the 2 votes needed to write are present.")

    async with node(tmp_path, {r.StorePoint: refuse, r.StoreRead: answering({"data": b"old"})}) as socket:
        ran = await pvecm("store", "read", "--consistent", "a", socket=socket)
    assert (ran.code, ran.out) == (255, "") and "1 of the 2 votes" in ran.err


async def test_the_outcome_of_a_request_is_told_with_an_exit_code(tmp_path: Path) -> None:
    told = {
        "done-1234": {"outcome": "ok", "revision": (3, 9), "message": ""},
        "bad-1234": {"outcome": "failed", "revision": None, "message": "a.cfg was changed by someone else"},
        "lost-1234": {"outcome": "unknown", "revision": None, "message": "The change is under way on this node."},
    }

    async def answer(request: r.StoreOutcome) -> Any:
        return {"request_id": request.request_id, **told[request.request_id]}

    async with node(tmp_path, {r.StoreOutcome: answer}) as socket:
        ran = [await pvecm("store", "outcome", name, socket=socket) for name in told]
    assert [(one.code, one.out) for one in ran] == [
        (0, "OK 3.9\n"),
        (1, "FAILED a.cfg was changed by someone else\n"),
        (2, "UNKNOWN The change is under way on this node.\n"),
    ]


async def test_a_write_carries_its_request_id(tmp_path: Path) -> None:
    asked: list[Any] = []

    async def write(request: r.StoreWrite) -> Any:
        asked.append(request)
        return {"revision": (1, 2)}

    async with node(tmp_path, {r.StoreWrite: write}) as socket:
        assert (await pvecm("store", "write", "a", "--request-id", "mine-1234", socket=socket)).code == 0
    assert asked[0].request_id == "mine-1234"
