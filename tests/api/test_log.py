"""The cluster log through the API."""

from __future__ import annotations

from cluster.control.requests import ClusterLog
from tests.api.conftest import Api, data
from tests.api.fake_node import FakeNode
from tests.cast import ALICE


async def test_the_log_comes_in_the_rows_clients_read(api: Api, node: FakeNode) -> None:
    rows = data(await api.get("/cluster/log"))
    assert [row["msg"] for row in rows] == ["entry 2", "entry 1"]
    assert rows[0] == {
        "id": "2:alpha", "uid": 2, "time": 7, "pri": 6, "tag": "cluster", "pid": 9, "node": "alpha",
        "user": "root@pam", "msg": "entry 2",
    }  # fmt: skip
    assert (node.last(ClusterLog).max, node.last(ClusterLog).user) == (50, None)


async def test_as_many_come_as_were_asked_for(api: Api) -> None:
    assert [row["uid"] for row in data(await api.get("/cluster/log", max=1))] == [2]
    assert (await api.get("/cluster/log", max="many")).status_code == 400


async def test_others_see_what_they_did_themselves(api: Api, node: FakeNode) -> None:
    rows = data(await Api().sign_in(ALICE).get("/cluster/log"))
    assert [row["user"] for row in rows] == [ALICE]
    assert node.last(ClusterLog).user == ALICE
