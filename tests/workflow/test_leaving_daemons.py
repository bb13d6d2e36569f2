"""Real daemons on the loopback engine that leave their cluster, are removed from it, and come back."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.control.former_requests import FormerStores, UndoJoin
from cluster.control.requests import (
    CheckTicket,
    CreateCluster,
    JoinCluster,
    JoinInfo,
    LeaveCluster,
    Login,
    RemovalPlan,
    RemoveNode,
    Status,
    StoreWrite,
    TaskStatus,
    UndoRemoval,
)
from cluster.engine import wire
from cluster.errors import Conflict, NotFound, NotInCluster, Unauthenticated, Unavailable
from cluster.node.access.passwords import prepare_hash
from tests.workflow.test_killed_daemon import PASSWORD, WORKFLOW_S, Node, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def finish(node: Node, upid: str) -> str:
    """How the task ended."""
    wait_until(lambda: node.client.call(TaskStatus(upid))["end_time_s"] is not None, WORKFLOW_S, upid)
    return str(node.client.call(TaskStatus(upid))["status"])


def join(node: Node, member: Node) -> str:
    listed = member.client.call(JoinInfo())["nodelist"]
    peer = next(one for one in listed if one["name"] == member.name)
    status = finish(node, node.client.call(JoinCluster(peer["pve_addr"], peer["pve_fp"], PASSWORD))["upid"])
    return "OK" if status == "WARNINGS: 1" else status  # its own content gives way to the cluster's


def leave(node: Node, **wishes: bool) -> str:
    return finish(node, node.client.call(LeaveCluster(**wishes))["upid"])


def state(node: Node):
    return node.client.call(Status())["cluster"]


def write(node: Node, text: str) -> None:
    node.client.call(StoreWrite("datacenter.cfg", text.encode(), user="root@pam"))


def has_a_problem(node: Node) -> bool:
    with contextlib.suppress(Unavailable):
        return bool(state(node)["problem"])
    return False


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[list[Node]]:
    """alpha, beta and gamma in one cluster."""
    (tmp_path / "hash").write_text(prepare_hash(PASSWORD))
    nodes = [Node(name, place, tmp_path) for place, name in enumerate(("alpha", "beta", "gamma"), 101)]
    try:
        for node in nodes:
            node.start()
        created = nodes[0].client.call(CreateCluster("demo"))["upid"]
        assert finish(nodes[0], created) == "OK"
        assert [join(node, nodes[0]) for node in nodes[1:]] == ["OK", "OK"]
        yield nodes
    finally:
        for node in nodes:
            node.stop()
        wire.end(tmp_path / "wire.sock")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[Node]]:
    """alpha in a cluster, beta stand-alone."""
    (tmp_path / "hash").write_text(prepare_hash(PASSWORD))
    nodes = [Node(name, place, tmp_path) for place, name in enumerate(("alpha", "beta"), 101)]
    try:
        for node in nodes:
            node.start()
        assert finish(nodes[0], nodes[0].client.call(CreateCluster("demo"))["upid"]) == "OK"
        yield nodes
    finally:
        for node in nodes:
            node.stop()
        wire.end(tmp_path / "wire.sock")


def test_a_node_leaves_keeps_its_content_and_comes_back_under_its_name(trio):
    alpha, beta, gamma = trio
    write(alpha, "keyboard: de\n")
    ticket = alpha.client.call(Login("root@pam", PASSWORD))["ticket"]
    gamma.client.call(CheckTicket(ticket))
    assert leave(gamma) == "OK"
    assert state(gamma)["name"] == "" and state(gamma)["store"]["writable"]
    with pytest.raises(NotInCluster):
        gamma.client.call(JoinInfo())
    files = gamma.files()
    assert files["datacenter.cfg"] == b"keyboard: de\n"
    assert "corosync.conf" not in files and not [path for path in files if path.startswith("nodes/alpha")]
    assert (
        not list((gamma.state / "corosync").glob("corosync.conf")) and not (gamma.state / "corosync/authkey").exists()
    )
    with pytest.raises(Unauthenticated):
        gamma.client.call(CheckTicket(ticket))
    own = gamma.client.call(Login("root@pam", PASSWORD))["ticket"]
    with pytest.raises(Unauthenticated):
        alpha.client.call(CheckTicket(own))
    write(gamma, "keyboard: fr\n")
    for node in (alpha, beta):
        wait_until(lambda node=node: node.nodes_online() == {"alpha", "beta"}, 10, "the two others go on")
    write(beta, "keyboard: en-us\n")
    assert join(gamma, beta) == "OK"
    wait_until(lambda: alpha.nodes_online() == {"alpha", "beta", "gamma"}, 10, "gamma is back")
    assert gamma.files()["datacenter.cfg"] == b"keyboard: en-us\n"


@pytest.mark.parametrize("point", ["", "remove_configuration:after", "restore_store:after"])
def test_a_join_is_undone_and_the_node_is_what_it_was_before(pair, point):
    alpha, beta = pair
    write(beta, "keyboard: fr\n")
    before = beta.everything()
    assert join(beta, alpha) == "OK"
    assert beta.client.call(FormerStores())["joined"]["cluster"] == "demo"
    if point:
        beta.stop()
        beta.start(dies_at=point)
        wait_until(lambda: state(beta)["store"]["writable"], 20, "beta is back")
        beta.client.call(UndoJoin())
        assert beta.process is not None
        beta.process.wait(30)
        beta.is_ready = lambda: has_a_problem(beta)
        beta.start()
    assert finish(beta, beta.client.call(UndoJoin())["upid"]) == "OK"
    assert beta.everything() == before and state(beta)["name"] == ""
    wait_until(lambda: alpha.nodes_online() == {"alpha"}, 20, "alpha goes on alone")
    with pytest.raises(NotFound):
        beta.client.call(UndoJoin())
    assert beta.client.call(FormerStores())["copies"]
    assert join(beta, alpha) == "OK"


def test_a_daemon_killed_while_removing_or_taking_that_back_finishes_on_the_next_try(trio):
    alpha, beta, gamma = trio
    gamma.stop()
    removal, undoing = RemoveNode("gamma"), UndoRemoval("gamma")
    for point, request, left in [
        ("commit_removal:after", removal, False),
        ("store_clean:before", undoing, False),
        ("commit_removal:before", removal, True),
        ("store_clean:after", undoing, True),
    ]:
        alpha.stop()
        alpha.start(dies_at=point)
        wait_until(lambda: alpha.nodes_online() == {"alpha", "beta"}, 20, "both are here")
        wait_until(lambda: state(alpha)["store"]["writable"], 20, "alpha writes")
        with pytest.raises(Unavailable):  # the connection ends with the daemon
            alpha.client.call(request, timeout_s=30)
        assert alpha.process is not None
        alpha.process.wait(30)
        alpha.start()
        assert ("gamma" in {node["name"] for node in state(alpha)["nodes"]}) is left, point
        with contextlib.suppress(NotFound, Conflict):  # it is done already
            alpha.client.call(request, timeout_s=30)
        listed = {"alpha", "beta"} | ({"gamma"} if request is undoing else set())
        assert {node["name"] for node in state(beta)["nodes"]} == listed, point
    gamma.start()
    wait_until(lambda: gamma.nodes_online() == {"alpha", "beta", "gamma"}, 30, "gamma is back")
    write(gamma, "keyboard: de\n")


def test_two_leave_one_after_the_other_and_the_last_ends_the_cluster_by_force(trio):
    alpha, beta, gamma = trio
    for node in (alpha, beta):
        ended = leave(node)
        assert ended == "OK", ended
    write(gamma, "keyboard: de\n")
    assert "last node" in leave(gamma)
    assert leave(gamma, force=True).startswith("WARNINGS")
    assert [state(node)["name"] for node in trio] == ["", "", ""]


def test_a_removed_node_says_so_is_read_only_also_after_a_restart_and_may_leave_and_return(trio):
    alpha, beta, gamma = trio
    assert alpha.client.call(RemovalPlan("gamma"))["after"]["expected_votes"] == 2
    for wrong, error in (("alpha", Conflict), ("delta", NotFound)):
        with pytest.raises(error):
            alpha.client.call(RemoveNode(wrong))
    began_s = time.monotonic()
    assert alpha.client.call(RemoveNode("gamma"), timeout_s=30) == {"warnings": []}
    assert time.monotonic() - began_s < 30
    wait_until(lambda: "removed from the cluster demo" in state(gamma)["problem"], 10, "gamma says so")
    wait_until(lambda: not state(gamma)["store"]["writable"], 10, "gamma is read-only")
    write(beta, "keyboard: de\n")
    gamma.stop()
    gamma.is_ready = lambda: has_a_problem(gamma)
    gamma.start()
    assert "removed from the cluster demo" in state(gamma)["problem"]
    assert leave(gamma) == "OK"
    assert join(gamma, alpha) == "OK"
    assert gamma.files()["datacenter.cfg"] == b"keyboard: de\n"


def test_a_live_node_whose_removal_is_taken_back_at_once_is_a_member_again(trio):
    alpha, _, gamma = trio
    alpha.client.call(RemoveNode("gamma"), timeout_s=30)
    wait_until(lambda: "removed from the cluster demo" in state(gamma)["problem"], 20, "gamma says so")
    alpha.client.call(UndoRemoval("gamma"), timeout_s=30)
    wait_until(lambda: alpha.nodes_online() == {"alpha", "beta", "gamma"}, 60, "gamma is back")
    wait_until(lambda: state(gamma)["store"]["writable"], 60, "gamma writes")
    assert not state(gamma)["problem"]


def test_of_two_live_nodes_one_removes_the_other_and_can_still_write(trio):
    alpha, beta, gamma = trio
    for name in ("gamma", "beta"):
        alpha.client.call(RemoveNode(name), timeout_s=30)
    wait_until(lambda: state(alpha)["store"]["writable"], 10, "alpha alone is the majority")
    write(alpha, "keyboard: de\n")
    assert [node["name"] for node in state(alpha)["nodes"]] == ["alpha"]


def test_a_dead_node_is_removed_and_leaving_without_quorum_needs_force(trio):
    alpha, beta, gamma = trio
    gamma.stop()
    wait_until(lambda: alpha.nodes_online() == {"alpha", "beta"}, 20, "gamma is gone")
    alpha.client.call(RemoveNode("gamma"), timeout_s=30)
    assert len(state(beta)["nodes"]) == 2
    beta.stop()
    wait_until(lambda: not state(alpha)["store"]["writable"], 20, "alpha has lost its quorum")
    assert "With force" in leave(alpha)
    assert leave(alpha, force=True).startswith("WARNINGS")
    assert state(alpha)["name"] == "" and state(alpha)["store"]["writable"]
    beta.is_ready = lambda: has_a_problem(beta)  # it comes back to a cluster whose other node is none of it any more
    beta.start()
    assert "separated from the cluster" in state(beta)["problem"]


@pytest.mark.parametrize("point", ["commit_removal:after", "remove_configuration:after", "separate_store:after"])
def test_a_daemon_killed_while_leaving_finishes_by_leaving_again(trio, point):
    alpha, _, gamma = trio
    gamma.stop()
    gamma.start(dies_at=point)
    wait_until(lambda: gamma.nodes_online() == {"alpha", "beta", "gamma"}, 20, "gamma is back")
    gamma.client.call(LeaveCluster())
    assert gamma.process is not None
    gamma.process.wait(30)
    gamma.is_ready = lambda: has_a_problem(gamma)
    gamma.start()
    wait_until(lambda: "removed from the cluster demo" in state(gamma)["problem"], 10, "gamma says so")
    assert leave(gamma) == "OK"
    assert state(gamma)["name"] == "" and alpha.nodes_online() == {"alpha", "beta"}


def test_a_machine_that_was_removed_while_off_learns_it_at_its_start_and_comes_back_once_that_is_undone(trio):
    alpha, beta, gamma = trio
    key = gamma.state / "corosync/authkey"
    former = key.read_bytes()
    gamma.stop()
    wait_until(lambda: alpha.nodes_online() == {"alpha", "beta"}, 20, "gamma is gone")
    alpha.client.call(RemoveNode("gamma"), timeout_s=30)
    for node in (alpha, beta):
        own = node.state / "corosync/authkey"
        wait_until(lambda own=own: own.read_bytes() != former, 20, "the key it knew is replaced")
    gamma.is_ready = lambda: has_a_problem(gamma)
    gamma.start()
    assert "removed from the cluster demo" in state(gamma)["problem"]
    assert key.read_bytes() == former and not state(gamma)["store"]["writable"]
    assert alpha.client.call(UndoRemoval("gamma"), timeout_s=30) == {"warnings": []}
    wait_until(lambda: alpha.nodes_online() == {"alpha", "beta", "gamma"}, 30, "gamma is back")
    wait_until(lambda: state(gamma)["store"]["writable"], 20, "gamma writes")
    assert key.read_bytes() != former and not state(gamma)["problem"]


def test_a_machine_told_of_its_removal_leaves_without_force_and_keeps_that_through_restarts(trio):
    alpha, beta, gamma = trio
    gamma.stop()
    wait_until(lambda: alpha.nodes_online() == {"alpha", "beta"}, 20, "gamma is gone")
    alpha.client.call(RemoveNode("gamma"), timeout_s=30)
    gamma.is_ready = lambda: has_a_problem(gamma)
    for _ in range(2):
        gamma.start()
        assert "removed from the cluster demo" in state(gamma)["problem"]
        gamma.stop()
    gamma.start()
    assert leave(gamma) == "OK"
    assert join(gamma, beta) == "OK"
    assert not state(gamma)["problem"]
