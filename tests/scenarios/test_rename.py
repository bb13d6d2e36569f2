"""Renaming on real corosync: a node and the cluster, over the API and on the command line by turns."""

from __future__ import annotations

import pytest

from demo.visitor import Refused, Visited, eventually
from tests.scenarios.office import NAMES, Office

pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(300)]
SOON_S = 60.0


def test_a_node_and_the_cluster_are_renamed_while_corosync_runs_on(office: Office) -> None:
    alpha, gamma = office["alpha"], office["gamma"]
    others = office.nodes[:2]
    ring = alpha.command("corosync-quorumtool", "-s").stdout
    plan = alpha.get("/cluster/config/nodes/gamma/rename", name="delta")
    assert plan["obstacle"] == "" and _names(alpha) == set(NAMES)

    try:
        assert alpha.task_end(alpha.post("/cluster/config/nodes/gamma/rename", name="delta")) == "OK"
        for node in office.nodes:
            eventually(f"{node.name} shows delta online", lambda node=node: _all_online(node, "delta"), SOON_S)
        assert "delta" in alpha.command("corosync-quorumtool", "-l").stdout
        assert "delta" in gamma.command("cat", "/etc/corosync/corosync.conf").stdout
        assert [row["name"] for row in alpha.get("/cluster/config/join")["nodelist"]] == ["alpha", "beta", "delta"]
        assert _ring(alpha.command("corosync-quorumtool", "-s").stdout) == _ring(ring)  # nobody left, nobody came
    finally:
        if "delta" in _names(alpha):
            back = alpha.pvecm("rename", "node", "delta", "gamma")
    assert back.returncode == 0, back.stderr
    for node in office.nodes:
        eventually(f"{node.name} shows gamma online", lambda node=node: _all_online(node, "gamma"), SOON_S)

    name = others[1].get("/cluster/config/totem")["cluster_name"]
    assert others[1].pvecm("rename", "cluster", "bureau").returncode == 0
    eventually("alpha knows", lambda: alpha.get("/cluster/config/totem")["cluster_name"] == "bureau", SOON_S)
    assert alpha.pvecm("verify").returncode == 0, alpha.pvecm("verify").stdout
    assert alpha.task_end(alpha.post("/cluster/config/rename", clustername=name)) == "OK"
    eventually("beta knows", lambda: others[1].get("/cluster/config/totem")["cluster_name"] == name, SOON_S)


def _names(node: Visited) -> set[str]:
    return {row["name"] for row in node.get("/cluster/config/nodes")}


def _all_online(node: Visited, name: str) -> bool:
    try:
        return node.online() == {"alpha", "beta", name}
    except Refused:
        return bool(node.sign_in().online() == {"alpha", "beta", name})


def _ring(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("Ring ID"))
