"""What a node's host tells of itself, and the lists of what is not there."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.control.node_requests import HostJournal, NodeHistory
from datacenter.api import absent, empty
from tests.api.conftest import Api, body, data
from tests.api.fake_node import CERTIFICATE, SERVICE, FakeNode
from tests.cast import ALICE


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("time", {"time": 1, "localtime": 3601, "timezone": "Europe/Vienna"}),
        ("dns", {"search": "example.org", "dns1": "10.0.0.53"}),
        ("hosts", {"data": "127.0.0.1 localhost\n", "digest": "d" * 40}),
        ("services", [SERVICE]),
        ("services/corosync/state", SERVICE),
        ("certificates/info", [CERTIFICATE]),
        ("config", {"digest": ""}),
        ("subscription", {"status": "notfound", "message": "Quire needs no subscription."}),
        ("network/br0", {"iface": "br0", "type": "bridge", "active": 0}),
    ],
)
async def test_a_host_tells_what_clients_ask(path: str, answer: Any, api: Api) -> None:
    assert data(await api.get(f"/nodes/alpha/{path}")) == answer


async def test_the_journal_is_read_in_parts_or_from_its_end(api: Api, node: FakeNode) -> None:
    response = await api.get("/nodes/alpha/syslog", start=10, limit=2)
    assert data(response) == [{"n": 11, "t": "line 11"}, {"n": 12, "t": "line 12"}]
    assert body(response)["total"] == 100
    assert data(await api.get("/nodes/alpha/journal", lastentries=2)) == ["line 99", "line 100"]
    assert node.last(HostJournal).user == "root@pam"


async def test_the_journal_is_read_from_one_time_to_another(api: Api, node: FakeNode) -> None:
    data(await api.get("/nodes/alpha/syslog", since="2026-01-31", until="2026-01-31 23:59:59"))
    asked = node.last(HostJournal)
    assert asked.since is not None and asked.until == asked.since + 86399
    for wrong in ("yesterday", "2026-02-30", "2026-01-31 25:00", "1 January"):
        response = await api.get("/nodes/alpha/syslog", since=wrong)
        assert response.status_code == 400 and list(body(response)["errors"]) == ["since"]


async def test_a_node_s_own_options_are_read_from_the_store(api: Api, node: FakeNode) -> None:
    node.stored["nodes/alpha/config"] = "#In the cellar\nwakeonlan: 00:11:22:33:44:55\n"
    told = data(await api.get("/nodes/alpha/config"))
    assert (told["description"], told["wakeonlan"]) == ("In the cellar\n", "00:11:22:33:44:55")
    assert data(await api.get("/nodes/alpha/config", property="wakeonlan")).keys() == {"wakeonlan", "digest"}


async def test_a_report_holds_every_part(api: Api) -> None:
    text = data(await api.get("/nodes/alpha/report"))
    for part in ("==== version ====", "quire_version: 0.1.0", "dns1: 10.0.0.53", "name: corosync"):
        assert part in text


async def test_figures_over_time_have_a_row_per_step_and_gaps_stay_empty(api: Api, node: FakeNode) -> None:
    gap, point = data(await api.get("/nodes/beta/rrddata", timeframe="hour", cf="MAX"))
    assert gap == {"time": 60}
    assert (point["time"], point["cpu"], point["iowait"], point["loadavg"]) == (120, 0.25, 0.01, 0.5)
    assert node.last(NodeHistory) == NodeHistory("beta", "hour", maximum=True)
    assert (await api.get("/nodes/beta/rrddata")).status_code == 400


@pytest.mark.parametrize("path", ["time", "services", "journal", "syslog", "report", "hosts", "dns", "config"])
async def test_a_host_is_not_everybody_s_to_look_at(path: str, node: FakeNode) -> None:
    assert (await Api().sign_in(ALICE).get(f"/nodes/alpha/{path}")).status_code == 403


@pytest.mark.parametrize("path", [*empty.CLUSTER, *empty.NODE])
async def test_what_there_is_none_of_is_an_empty_list(path: str, api: Api) -> None:
    assert data(await api.get(path.replace("{node}", "beta"))) == []


@pytest.mark.parametrize("entry", absent.REASONS)
async def test_what_is_not_part_of_this_product_is_501_with_the_reason(entry: str, api: Api) -> None:
    method, _, path = entry.rpartition(" ")
    response = await api.call(method or "DELETE", path.replace("*", "alpha") + ("" if method else "/some/thing/below"))
    assert response.status_code == 501
    assert absent.REASONS[entry] in body(response)["message"]


async def test_what_nobody_has_is_404(api: Api) -> None:
    for path in ("/nothing", "/cluster/nothing", "/nodes/alpha/nothing", "/version/deeper"):
        assert (await api.get(path)).status_code == 404
