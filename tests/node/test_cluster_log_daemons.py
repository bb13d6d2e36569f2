"""The cluster log and status by key of real daemons: a newcomer learns what was before, and brings what happened to it
alone."""

from __future__ import annotations

import pytest

from cluster.control.requests import ClusterLog, KeyRead, KeyWrite
from cluster.errors import NotFound
from tests.workflow.test_killed_daemon import (
    READY_S,
    WORKFLOW_S,
    Node,
    begin_join,
    create,
    finished,
    node,
    wait_until,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

__all__ = ["node"]


def log_of(one: Node) -> list[tuple[str, str]]:
    return [(row["node"], row["msg"]) for row in one.client.call(ClusterLog(500))]


def said(asked: Node, of: str) -> bytes | None:
    try:
        return asked.client.call(KeyRead("kv/x", of))["data"]
    except NotFound:
        return None


def test_nodes_that_join_share_one_log(node) -> None:  # noqa: F811
    alpha, beta = node("alpha", 41), node("beta", 42)
    alpha.start()
    create(alpha)
    beta.start()
    begin_join(beta, alpha)
    wait_until(lambda: finished(beta), WORKFLOW_S, "joined")
    assert beta.last_task()["status"] == "OK"
    wait_until(lambda: log_of(alpha) == log_of(beta), READY_S, "both have the same log")
    shared = log_of(beta)
    for name in ("alpha", "beta"):
        assert (name, "this node has started") in shared
        assert any(who == name and said.startswith("end task") and said.endswith("OK") for who, said in shared)
    alpha.client.call(KeyWrite("kv/x", b"of alpha"))
    wait_until(lambda: said(beta, "alpha") == b"of alpha", READY_S, "beta knows what alpha says of itself")
    assert said(beta, "") is None
    beta.stop()
    beta.start()
    wait_until(lambda: said(beta, "alpha") == b"of alpha", READY_S, "beta is told again")
    wait_until(lambda: log_of(alpha) == log_of(beta), READY_S, "the log is the same again")
    assert log_of(beta)[-len(shared) :] == shared
    assert log_of(beta).count(("beta", "this node has started")) == 2
