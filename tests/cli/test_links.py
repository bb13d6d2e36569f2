"""`pvecm links`: as a table for people, as JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cluster.control.link_requests import Links
from tests.cli.node import answering, node, pvecm

ROW: dict[str, Any] = {
    "node": "alpha", "peer": "beta", "link": 0, "address": "10.0.0.1", "peer_address": "10.0.0.2", "connected": True,
    "latency_us": 210, "latency_ave_us": 220, "latency_max_us": 900, "loss": 0.0, "retries": 0, "flaps": 1, "mtu": 1397,
}  # fmt: skip
SILENT = {**ROW, "node": "beta", "peer": "alpha", **dict.fromkeys([*ROW][5:])}


async def test_each_link_is_a_line_and_what_a_node_did_not_tell_is_a_dash(tmp_path: Path) -> None:
    async with node(tmp_path, {Links: answering([ROW, SILENT])}) as socket:
        ran = await pvecm("links", socket=socket)
    head, first, second = ran.out.splitlines()
    assert ran.code == 0 and head.split()[:4] == ["Link", "Node", "Peer", "State"]
    assert first.split()[:12] == ["0", "alpha", "beta", "up", "0.21", "ms", "0.22", "ms", "0.90", "ms", "0.0", "%"]
    assert second.split()[:5] == ["0", "beta", "alpha", "unknown", "-"]


async def test_a_link_that_is_down_is_in_the_exit_code_and_json_is_what_the_daemon_says(tmp_path: Path) -> None:
    down = {**ROW, "connected": False}
    async with node(tmp_path, {Links: answering([down])}) as socket:
        ran = await pvecm("links", "--output-format", "json", socket=socket)
    assert ran.code == 1 and json.loads(ran.out) == [down]
