"""`pvecm check` and `pvecm verify`: what is shown, and what the exit code says."""

from __future__ import annotations

import json
from pathlib import Path

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
