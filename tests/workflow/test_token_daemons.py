"""Real daemons on loopback that join with a token, five at once and without a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.control.requests import CreateCluster, DecodeInvitation, JoinCluster, Status, TaskLog
from cluster.control.token_requests import TokenCreate, TokenRows
from cluster.engine import wire
from cluster.node.access.passwords import prepare_hash
from tests.workflow.test_killed_daemon import PASSWORD, Node, wait_until
from tests.workflow.test_leaving_daemons import finish

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")
SOON_S = 150.0


def test_five_nodes_join_at_once_with_one_token_and_get_ids_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "hash").write_text(prepare_hash(PASSWORD))
    nodes = [Node(name, place, tmp_path) for place, name in enumerate(NAMES, 111)]
    first, joiners = nodes[0], nodes[1:]
    try:
        for node in nodes:
            node.start_without_waiting()
        for node in nodes:
            wait_until(node.is_ready, SOON_S, f"{node.name} is ready")
        assert finish(first, first.client.call(CreateCluster("demo"))["upid"]) == "OK"
        text = first.client.call(TokenCreate("rack", uses=5))["invitation"]
        shown = first.client.call(DecodeInvitation(text))
        asked = JoinCluster(
            shown["address"], shown["fingerprint"], token=shown["token"], cluster_uuid=shown["cluster_uuid"]
        )
        begun = {node: node.client.call(asked)["upid"] for node in joiners}
        wait_until(lambda: first.nodes_online() == set(NAMES), SOON_S, "all are members")
        assert {finish(node, upid) for node, upid in begun.items()} <= {"OK", "WARNINGS: 1"}
        ids = [node["node_id"] for node in first.client.call(Status())["cluster"]["nodes"]]
        assert len(set(ids)) == len(NAMES)
        lines = [
            line["t"] for node, upid in begun.items() for line in node.client.call(TaskLog(upid, limit=0))["lines"]
        ]
        assert any("before" in line and "Waiting" in line for line in lines), "who waits is told its place"
        (row,) = first.client.call(TokenRows())
        assert (row["state"], sorted(row["used_by"])) == ("used-up", sorted(NAMES[1:]))
    finally:
        for node in nodes:
            node.stop()
        wire.end(tmp_path / "wire.sock")
