"""Real daemons on the loopback engine: a node joins with content of its own, and undoing gives all of it back."""

from __future__ import annotations

import pytest

from cluster.control.former_requests import UndoJoin
from cluster.control.import_requests import PlanImport
from cluster.control.plan_requests import Plan
from cluster.control.requests import JoinCluster, JoinInfo, TaskLog
from cluster.secret import Secret
from tests.node.trio import SOON_S, await_read, read, write
from tests.workflow.test_killed_daemon import PASSWORD, Node, wait_until
from tests.workflow.test_leaving_daemons import finish, pair, state

__all__ = ["pair"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
GUEST = "nodes/{}/qemu-server/100.conf"


def test_what_a_node_had_comes_along_and_is_its_own_again_once_the_join_is_undone(pair: list[Node]) -> None:
    alpha, beta = pair
    for node in pair:
        write(node, GUEST.format(node.name), f"name: of-{node.name}\n")
    peer = alpha.client.call(JoinInfo())["nodelist"][0]
    asked = JoinCluster(peer["pve_addr"], peer["pve_fp"], Secret(PASSWORD), brings=True)
    assert [row["becomes"] for row in beta.client.call(PlanImport())] == ["kept"]
    plan = beta.client.call(Plan(asked), 35.0)
    assert plan["obstacle"] == "" and "It becomes guest 101" in " ".join(plan["warnings"])

    upid = beta.client.call(asked)["upid"]
    assert finish(beta, upid) == "OK", beta.client.call(TaskLog(upid))
    await_read(alpha, "nodes/beta/qemu-server/101.conf", "name: of-beta\n")
    assert read(alpha, GUEST.format("alpha")) == "name: of-alpha\n"

    assert finish(beta, beta.client.call(UndoJoin())["upid"]).startswith(("OK", "WARNINGS"))
    wait_until(lambda: state(beta)["store"]["writable"], SOON_S, "beta is on its own")
    assert read(beta, GUEST.format("beta")) == "name: of-beta\n"
