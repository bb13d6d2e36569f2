"""Tasks over the API: lists, state, log and stopping, and who may see which."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from cluster.control.requests import TaskLog, TaskStop
from tests.api.conftest import Api, body, data
from tests.api.fake_node import ENDED, RUNNING, UPID, UPID_OF_ALICE, FakeNode
from tests.cast import ALICE


def of(upid: str, rest: str = "") -> str:
    return f"/nodes/alpha/tasks/{quote(upid, safe='')}{rest}"


async def test_a_running_task_says_so(api: Api) -> None:
    assert data(await api.get(of(UPID, "/status"))) == {
        "upid": UPID, "node": "alpha", "starttime": 0x68A1B6C3, "type": "clustercreate", "id": "demo",
        "user": "root@pam", "pid": 0x1267, "pstart": 0x075BCD15, "status": "running",
    }  # fmt: skip


async def test_an_ended_task_has_an_outcome(api: Api) -> None:
    state = data(await api.get(of(UPID_OF_ALICE, "/status")))
    assert (state["status"], state["exitstatus"]) == ("stopped", "WARNINGS: 1")


async def test_a_log_is_read_in_parts_and_says_how_long_it_is(api: Api) -> None:
    response = await api.get(of(UPID, "/log"), start=10, limit=2)
    assert data(response) == [{"n": 11, "t": "line 11"}, {"n": 12, "t": "line 12"}]
    assert body(response)["total"] == 100
    assert len(data(await api.get(of(UPID, "/log")))) == 50
    assert len(data(await api.get(of(UPID, "/log"), limit=0))) == 100


async def test_a_task_leads_to_its_log_and_state(api: Api) -> None:
    assert data(await api.get(of(UPID))) == [{"name": "log"}, {"name": "status"}]


@pytest.mark.parametrize("upid", [UPID.replace("1267", "9999"), "UPID:nonsense", "x", UPID[:-1], UPID + "x"])
async def test_an_unknown_task_is_a_wrong_parameter(upid: str, api: Api) -> None:
    response = await api.get(of(upid, "/status"))
    assert response.status_code == 400
    assert list(body(response)["errors"]) == ["upid"]


async def test_stopping_a_task_reaches_the_daemon(api: Api, node: FakeNode) -> None:
    assert data(await api.delete(of(UPID))) is None
    assert node.last(TaskStop).upid == UPID


@pytest.mark.parametrize(
    ("params", "upids"),
    [
        ({}, [UPID_OF_ALICE]),
        ({"source": "active"}, [UPID]),
        ({"source": "all"}, [UPID, UPID_OF_ALICE]),
        ({"source": "all", "limit": 1}, [UPID]),
        ({"source": "all", "start": 1}, [UPID_OF_ALICE]),
        ({"typefilter": "clustercreate"}, []),
        ({"userfilter": "ALICE"}, [UPID_OF_ALICE]),
        ({"errors": 1}, []),
        ({"statusfilter": "ok,warning"}, [UPID_OF_ALICE]),
        ({"statusfilter": ["ok", "error"]}, None),
        ({"since": ENDED.start_time_s + 1}, []),
        ({"until": ENDED.start_time_s}, [UPID_OF_ALICE]),
    ],
)
async def test_a_node_s_tasks_can_be_chosen(params: dict[str, Any], upids: list[str] | None, api: Api) -> None:
    response = await api.get("/nodes/localhost/tasks", **params)
    if upids is None:
        assert response.status_code == 400
        return
    assert [row["upid"] for row in data(response)] == upids


async def test_rows_tell_running_from_ended(api: Api) -> None:
    running, ended = data(await api.get("/nodes/alpha/tasks", source="all"))
    assert running["status"] == "RUNNING" and "endtime" not in running
    assert (ended["status"], ended["endtime"]) == ("WARNINGS: 1", ENDED.end_time_s)
    running, ended, elsewhere = data(await api.get("/cluster/tasks"))
    assert (elsewhere["node"], elsewhere["status"]) == ("beta", "OK")
    assert running["pid"] == RUNNING.pid and "status" not in running
    assert "pid" not in ended and ended["saved"] == 1


async def test_everybody_sees_their_own_tasks_and_no_others(node: FakeNode) -> None:
    alice = Api().sign_in(ALICE)
    assert [row["upid"] for row in data(await alice.get("/cluster/tasks"))] == [UPID_OF_ALICE]
    assert [row["upid"] for row in data(await alice.get("/nodes/alpha/tasks", source="all"))] == [UPID_OF_ALICE]
    assert data(await alice.get(of(UPID_OF_ALICE, "/status")))["status"] == "stopped"
    for path in (of(UPID, "/status"), of(UPID, "/log")):
        response = await alice.get(path)
        assert response.status_code == 403
        assert "(/nodes/alpha, Sys.Audit)" in body(response)["message"]
    assert (await alice.delete(of(UPID))).status_code == 403
    assert node.count(TaskStop) == 0


async def test_a_log_is_read_in_parts_or_whole(api: Api, node: FakeNode) -> None:
    for given, limit in (({}, 50), ({"limit": 0}, 0), ({"download": 1}, 0)):
        data(await api.get(of(UPID, "/log"), **given))
        assert node.last(TaskLog).limit == limit
