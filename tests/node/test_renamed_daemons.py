"""Real daemons on the loopback engine: a node that is renamed begins anew under its new name, with all it had."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from cluster.control.plan_requests import Plan, Rename
from cluster.control.requests import JoinInfo, TaskList, TaskStatus
from cluster.errors import QuireError
from tests.node.trio import SOON_S, make_trio, one_store, read, trio, write
from tests.workflow.test_killed_daemon import WORKFLOW_S, Node, wait_until
from tests.workflow.test_leaving_daemons import finish

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_trio(tmp_path_factory.mktemp("trio"))


def seen(node: Node, names: set[str]) -> bool:
    with contextlib.suppress(QuireError):
        return node.nodes_online() == names
    return False


def test_a_renamed_node_is_itself_under_its_new_name_and_back_again(made: Path, tmp_path: Path) -> None:
    with trio(made, tmp_path) as nodes:
        alpha, _, gamma = nodes
        write(alpha, "nodes/gamma/config", "description: kept")
        joined = [task["upid"] for task in gamma.client.call(TaskList()) if task["type"] == "clusterjoin"]
        plan = alpha.client.call(Plan(Rename("delta", "gamma")))
        assert plan["obstacle"] == "" and seen(alpha, {"alpha", "beta", "gamma"})

        assert finish(alpha, alpha.client.call(Rename("delta", "gamma"))["upid"]) == "OK"
        wait_until(lambda: all(seen(node, {"alpha", "beta", "delta"}) for node in nodes), SOON_S, "all see delta")
        assert gamma.process is not None and gamma.process.poll() is None  # the same process, begun anew
        wait_until(lambda: one_store(nodes), SOON_S, "the three agree")
        assert read(gamma, "nodes/delta/config") == "description: kept"
        certified = wait_for_certificate(gamma, "delta")
        told = {row["name"]: row["pve_fp"] for row in alpha.client.call(JoinInfo())["nodelist"]}
        assert told["delta"] == certified and "gamma" not in told
        renamed = [task["upid"] for task in gamma.client.call(TaskList()) if task["type"] == "clusterjoin"]
        assert renamed == [upid.replace("UPID:gamma:", "UPID:delta:") for upid in joined]

        gamma.stop()
        gamma.start()  # still by the name it is started with, which is not its own any more
        assert (
            seen(gamma, {"alpha", "beta", "delta"})
            or wait_until(lambda: seen(gamma, {"alpha", "beta", "delta"}), SOON_S, "delta is back") is None
        )

        upid = gamma.client.call(Rename("gamma", "delta"))["upid"]  # asked of itself
        assert finish_while_it_begins_anew(gamma, upid, upid.replace("UPID:delta:", "UPID:gamma:")) == "OK"
        wait_until(lambda: all(seen(node, {"alpha", "beta", "gamma"}) for node in nodes), SOON_S, "all see gamma")
        wait_until(lambda: one_store(nodes), SOON_S, "the three agree")
        assert finish(alpha, alpha.client.call(Rename("office"))["upid"]) == "OK"
        wait_until(lambda: gamma.client.call(JoinInfo())["totem"]["cluster_name"] == "office", SOON_S, "gamma knows")


def finish_while_it_begins_anew(node: Node, *upids: str) -> str:
    """It does so as soon as the task has ended: for a moment it answers nobody, and then its tasks have its name."""
    told: dict[str, str] = {}

    def ended() -> bool:
        for upid in upids:
            with contextlib.suppress(QuireError):
                told.update(node.client.call(TaskStatus(upid)))
        return told.get("end_time_s") is not None

    wait_until(ended, WORKFLOW_S, upids[0])
    return told["status"]


def wait_for_certificate(node: Node, name: str) -> str:
    """The fingerprint of a certificate that is for this name and served."""
    from cluster.control.requests import Status
    from cluster.node.certificates import fingerprint

    def served() -> str:
        stored = fingerprint(read(node, f"nodes/{name}/pve-ssl.pem").encode())
        own = next(one for one in node.client.call(Status())["cluster"]["nodes"] if one["local"])
        return stored if own["fingerprint"] == stored else ""

    wait_until(served, SOON_S, "the certificate is served")
    return served()
