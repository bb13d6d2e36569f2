"""The data center's options: read as clients know them, changed in one write, and kept where they are not ours."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from cluster.control.requests import StoreWrite
from tests.api.conftest import Api, body, data
from tests.api.fake_node import FakeNode
from tests.cast import ALICE

KEPT = """# Our office
#  100%25 ours
keyboard: de
migration: secure,network=10.0.0.0/24
next-id: lower=200,upper=203
registered-tags: blue;green
tag-style: shape=full,case-sensitive=1
unknown: stays
"""


@pytest.fixture
def kept(node: FakeNode) -> FakeNode:
    node.stored["datacenter.cfg"] = KEPT
    return node


async def test_structured_options_are_objects(api: Api, kept: FakeNode) -> None:
    shown = data(await api.get("/cluster/options"))
    assert shown["migration"] == {"type": "secure", "network": "10.0.0.0/24"}
    assert shown["next-id"] == {"lower": 200, "upper": 203}
    assert shown["tag-style"] == {"shape": "full", "case-sensitive": 1}
    assert shown["allowed-tags"] == shown["registered-tags"] == ["blue", "green"]
    assert (shown["description"], shown["mac_prefix"]) == (" Our office\n  100% ours\n", "BC:24:11")
    assert "unknown" not in shown


async def test_a_new_cluster_has_no_options_but_their_defaults(api: Api) -> None:
    assert data(await api.get("/cluster/options")) == {"mac_prefix": "BC:24:11", "description": "", "allowed-tags": []}


async def test_whoever_may_not_look_at_everything_sees_how_pages_look(kept: FakeNode) -> None:
    shown = data(await Api().sign_in(ALICE).get("/cluster/options"))
    assert shown == {"tag-style": {"shape": "full", "case-sensitive": 1}, "allowed-tags": ["blue", "green"]}


async def test_a_change_leaves_the_rest_as_it_is(api: Api, kept: FakeNode) -> None:
    assert data(await api.call("PUT", "/cluster/options", keyboard="en-us", delete="next-id,migration")) is None
    assert kept.stored["datacenter.cfg"] == (
        "# Our office\n#  100%25 ours\n\nkeyboard: en-us\nregistered-tags: blue;green\n"
        "tag-style: shape=full,case-sensitive=1\nunknown: stays\n"
    )
    written = kept.last(StoreWrite)
    assert written.digest == hashlib.sha1(KEPT.encode()).hexdigest()
    assert (written.user, written.door, written.check) == ("root@pam", "api", True)


async def test_a_description_is_kept_as_comment_lines(api: Api, node: FakeNode) -> None:
    assert data(await api.call("PUT", "/cluster/options", description="Büro: 100%\nzwei")) is None
    assert node.stored["datacenter.cfg"] == "#Büro: 100%25\n#zwei\n"
    assert data(await api.get("/cluster/options"))["description"] == "Büro: 100%\nzwei\n"


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"keyboard": "klingon"}, {"keyboard"}),
        ({"migration": "secure,network=office"}, {"migration"}),
        ({"migration": "type=secure,type=insecure"}, {"migration"}),
        ({"next-id": "lower=500,upper=300"}, {"next-id"}),
        ({"ha": "shutdown_policy=maybe", "max_workers": "0"}, {"ha", "max_workers"}),
        ({"mac_prefix": "01:00:5E"}, {"mac_prefix"}),
        ({"email_from": "a@b\nkeyboard: de"}, {"email_from"}),
        ({"notify": "x\nkeyboard: fr"}, {"notify"}),
        ({"delete": "nonsense"}, {"delete"}),
        ({"keyboard": "de", "delete": "keyboard"}, {"delete"}),
        ({"digest": "0" * 40, "keyboard": "de"}, {"digest"}),
        ({"nonsense": "1"}, {"nonsense"}),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    given: dict[str, Any], fields: set[str], api: Api, kept: FakeNode
) -> None:
    response = await api.call("PUT", "/cluster/options", **given)
    assert response.status_code == 400
    assert set(body(response)["errors"]) == fields
    assert kept.count(StoreWrite) == 0


async def test_changing_takes_the_privilege(node: FakeNode) -> None:
    response = await Api().sign_in(ALICE).call("PUT", "/cluster/options", keyboard="de")
    assert response.status_code == 403 and "(/, Sys.Modify)" in body(response)["message"]


async def test_the_next_id_is_the_lowest_that_is_free(api: Api, node: FakeNode) -> None:
    assert data(await api.get("/cluster/nextid")) == 100
    node.guests = [100, 101, 103]
    assert data(await api.get("/cluster/nextid")) == 102
    assert data(await api.get("/cluster/nextid", vmid=104)) == 104
    taken = await api.get("/cluster/nextid", vmid=103)
    assert taken.status_code == 400 and set(body(taken)["errors"]) == {"vmid"}


async def test_the_next_id_keeps_to_the_bounds_that_are_set(api: Api, kept: FakeNode) -> None:
    kept.guests = [200]
    assert data(await api.get("/cluster/nextid")) == 201
    kept.guests = [200, 201, 202]
    assert (await api.get("/cluster/nextid")).status_code == 404
