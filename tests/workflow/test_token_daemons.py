"""Real daemons on loopback that join with a token, seven at once and without a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.control.requests import CreateCluster, DecodeInvitation, JoinCluster, Status, TaskLog
from cluster.control.token_requests import TokenCreate, TokenRows
from cluster.engine import wire
from cluster.node.access.passwords import prepare_hash
from cluster.secret import Secret
from tests.workflow.test_killed_daemon import PASSWORD, Node, wait_for_death, wait_until
from tests.workflow.test_leaving_daemons import finish

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")
SOON_S = 150.0


def test_seven_nodes_join_at_once_with_one_token_and_get_ids_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "hash").write_text(prepare_hash(PASSWORD))
    nodes = [Node(name, place, tmp_path) for place, name in enumerate(NAMES, 111)]
    first, joiners = nodes[0], nodes[1:]
    try:
        for node in nodes:
            node.start_without_waiting()
        for node in nodes:
            wait_until(node.is_ready, SOON_S, f"{node.name} is ready")
        assert finish(first, first.client.call(CreateCluster("demo"))["upid"]) == "OK"
        text = first.client.call(TokenCreate("rack", uses=7))["invitation"]
        shown = first.client.call(DecodeInvitation(text))
        asked = JoinCluster(
            shown["address"], shown["fingerprint"], token=Secret(shown["token"]), cluster_uuid=shown["cluster_uuid"]
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


def test_killed_on_either_side_a_join_with_a_token_is_taken_back_and_the_token_s_use_with_it(tmp_path: Path) -> None:
    (tmp_path / "hash").write_text(prepare_hash(PASSWORD))
    alpha, beta = (Node(name, place, tmp_path) for place, name in enumerate(("alpha", "beta"), 121))
    try:
        alpha.start("write_configuration:before")
        beta.start("store_state:before")
        before = beta.everything()
        assert finish(alpha, alpha.client.call(CreateCluster("demo"))["upid"]) == "OK"
        shown = alpha.client.call(DecodeInvitation(alpha.client.call(TokenCreate("rack"))["invitation"]))
        asked = JoinCluster(
            shown["address"], shown["fingerprint"], token=shown["token"], cluster_uuid=shown["cluster_uuid"]
        )
        assert "as it was before" in finish(beta, beta.client.call(asked)["upid"])
        wait_for_death(alpha)
        alpha.start()
        wait_until(lambda: alpha.client.call(TokenRows())[0]["state"] == "good", SOON_S, "its use is given back")
        beta.client.call(asked)
        wait_for_death(beta)
        beta.start()
        wait_until(lambda: not (beta.state / "workflow.json").exists(), SOON_S, "taken back")
        assert beta.everything() == before and alpha.nodes_online() == {"alpha"}
        (row,) = alpha.client.call(TokenRows())
        assert (row["state"], row["used_by"]) == ("good", [])
        assert finish(beta, beta.client.call(asked)["upid"]) == "OK"
        assert alpha.client.call(TokenRows())[0]["used_by"] == ["beta"]
    finally:
        for node in (alpha, beta):
            node.stop()
        wire.end(tmp_path / "wire.sock")
