"""`pvecm check` and `pvecm verify`: what is shown, and what the exit code says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cluster.control import check_requests as looking
from cluster.control import requests as r
from tests.cli.node import answering, node, pvecm

FINE = {"code": "engine", "severity": "ok", "sentence": "The engine runs."}
WARNED = {"code": "links", "severity": "warning", "sentence": "No answer from node 2 on link 0."}
WRONG = {"code": "quorum", "severity": "error", "sentence": "The cluster has no quorum."}
ALPHA = {
    "name": "alpha", "online": True, "config_version": 3, "config_digest": "c" * 40, "revision": [2, 40],
    "store_digest": "d" * 64, "version": "0.1.0", "clock_ms": -3,
}  # fmt: skip
SILENT = {"node": "beta", "code": "offline", "severity": "error", "sentence": "beta is silent.", "advice": "Start it."}


async def test_check_tells_all_and_fails_only_on_errors(tmp_path: Path) -> None:
    async with node(tmp_path, {r.CheckNode: answering([FINE, WARNED])}) as socket:
        ran = await pvecm("check", socket=socket)
    assert (ran.code, ran.err, len(ran.out.splitlines())) == (0, "", 2)
    async with node(tmp_path, {r.CheckNode: answering([FINE, WRONG])}) as socket:
        ran = await pvecm("check", socket=socket)
    assert ran.code == 1 and "The cluster has no quorum." in ran.out


async def test_check_as_json_is_the_daemon_s_answer(tmp_path: Path) -> None:
    async with node(tmp_path, {r.CheckNode: answering([FINE])}) as socket:
        ran = await pvecm("check", "--output-format", "json", socket=socket)
    assert (ran.code, json.loads(ran.out)) == (0, [FINE])


async def test_an_unknown_format_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    async with node(tmp_path) as socket:
        ran = await pvecm("check", "--output-format", "xml", socket=socket)
    assert ran.code == 255 and "output-format: this is one of text, json" in ran.err


async def test_verify_shows_the_nodes_and_ends_well(tmp_path: Path) -> None:
    async with node(tmp_path, {r.VerifyCluster: answering({"nodes": [ALPHA], "findings": []})}) as socket:
        ran = await pvecm("verify", socket=socket)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "Result: OK")
    assert "2.40" in ran.out and "dddddddddddddddd" in ran.out


async def test_verify_says_what_differs_and_what_to_do(tmp_path: Path) -> None:
    said = {"nodes": [ALPHA, {"name": "beta", "online": False}], "findings": [SILENT]}
    async with node(tmp_path, {r.VerifyCluster: answering(said)}) as socket:
        ran = await pvecm("verify", socket=socket)
    assert ran.code == 1 and "error: beta is silent. Start it." in ran.out


CLOSED = {
    "code": "udp", "severity": "error", "sentence": "UDP port 5405 of beta cannot be reached.", "firm": False,
    "node": "beta", "why": "Messages travel so.", "advice": "Open it.", "fix": "",
}  # fmt: skip
SHOWN = {"address": "10.0.0.1", "fingerprint": "AB", "token": "t0ken", "cluster_uuid": "u"}


def found_in_turns(*turns: tuple[int, bool]) -> Any:
    """A check that has so many findings, and is done or not, each time it is asked for."""
    states = [{"id": "c1", "kind": "join", "done": done, "findings": [FINE, CLOSED][:count]} for count, done in turns]

    async def answer(request: looking.CheckState) -> Any:
        return states.pop(0)

    return answer


async def test_a_check_before_joining_is_told_row_by_row_with_reason_and_advice(tmp_path: Path) -> None:
    asked: list[looking.CheckJoin] = []

    async def begin(request: looking.CheckJoin) -> Any:
        asked.append(request)
        return {"id": "c1"}

    handlers = {
        r.DecodeInvitation: answering(SHOWN), looking.CheckJoin: begin,
        looking.CheckState: found_in_turns((1, False), (2, False), (2, True)),
    }  # fmt: skip
    async with node(tmp_path, handlers) as socket:
        ran = await pvecm("check", "join", "QUJD", "--link0", "10.0.0.2", "--nodeid", "7", socket=socket)
    assert (ran.code, ran.err) == (1, "")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["ok", "error", "Messages"]
    assert "Messages travel so. Open it." in ran.out
    assert (asked[0].hostname, asked[0].links, asked[0].token.reveal()) == ("10.0.0.1", {0: "10.0.0.2"}, "t0ken")
    assert asked[0].nodeid == 7


async def test_a_check_before_creating_is_data_at_its_end(tmp_path: Path) -> None:
    handlers = {
        looking.CheckCreate: answering({"id": "c1"}), looking.CheckState: found_in_turns((1, False), (1, True))
    }  # fmt: skip
    async with node(tmp_path, handlers) as socket:
        ran = await pvecm("check", "create", "--output-format", "json", socket=socket)
    assert (ran.code, json.loads(ran.out)) == (0, [FINE])


async def test_leftovers_are_moved_and_named_or_only_told(tmp_path: Path) -> None:
    left = {**FINE, "code": "leftovers", "sentence": "A former cluster left /x/authkey."}
    handlers = {
        looking.RemoveLeftovers: answering({"backup": "leftovers-1", "files": ["/x/authkey"]}),
        r.CheckNode: answering([FINE, left]),
    }  # fmt: skip
    async with node(tmp_path, handlers) as socket:
        ran = await pvecm("leftovers", "remove", socket=socket)
        tried = await pvecm("leftovers", "remove", "--dry-run", socket=socket)
    assert (ran.code, ran.out) == (0, "Moved to the backup leftovers-1: /x/authkey.\n")
    assert (tried.code, tried.out) == (0, "A former cluster left /x/authkey.\n")
