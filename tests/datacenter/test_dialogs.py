"""Creating, inviting and joining: what the dialogs offer, what they ask of the daemon, and errors at the fields."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from cluster.control import requests as ask
from cluster.errors import Conflict, InvalidInput
from cluster.secret import Secret
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import FINGERPRINT, PASSWORD, ROOT, FakeDaemon

CREATE, JOIN = "/datacenter/cluster/create", "/datacenter/cluster/join"


def link(number: object = 0, address: str = "10.0.0.1", priority: str = "", prefix: str = "") -> dict[str, Any]:
    return {f"{prefix}link-number": number, f"{prefix}link-address": address, f"{prefix}link-priority": priority}


def links(*rows: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def errors(html: str) -> dict[str, str]:
    return dict(re.findall(r'<p class="form-error" data-field="([^"]+)">([^<]*)</p>', html))


def invitation(**changes: Any) -> str:
    content = {
        "ipAddress": "10.0.0.9",
        "fingerprint": FINGERPRINT,
        "peerLinks": {"0": "10.0.0.9", "1": "10.1.0.9"},
        "ring_addr": ["10.0.0.9", "10.1.0.9"],
        "totem": {"cluster_name": "office", "interface": {"0": {"linknumber": "0"}, "1": {"linknumber": "1"}}},
    }
    return base64.b64encode(json.dumps(content | changes).encode()).decode()


# --- create -----------------------------------------------------------------------------------------------------------


async def test_create_offers_this_hosts_addresses_with_advice(visitor: Visitor) -> None:
    dialog = text(await visitor.htmx(CREATE))
    for shown in ("10.0.0.1/24 · eth0", "10.1.0.1/24 · eth1", "fd00::1/64 · eth2", "default route"):
        assert shown in dialog
    assert re.search(r'<option value="10.0.0.1"[^>]*selected', dialog), "the address the node is known by comes first"


async def test_create_asks_the_daemon_and_shows_the_task(visitor: Visitor, daemon: FakeDaemon) -> None:
    rows = links(link(0, "10.0.0.1", "10"), link(1, "10.1.0.1"))
    response = await visitor.post(CREATE, {"clustername": " office ", "nodeid": "3", "votes": "2", **rows})
    asked = daemon.last(ask.CreateCluster)
    assert (asked.clustername, asked.nodeid, asked.votes, asked.user) == ("office", 3, 2, ROOT)
    assert asked.links == {0: "10.0.0.1,priority=10", 1: "10.1.0.1"}
    assert response["HX-Retarget"] == "#dialog-slot"
    assert "Create Cluster" in text(response) and "data-watch=" in text(response)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"clustername": ""}, "clustername"),
        ({"votes": "many"}, "votes"),
        ({"votes": "0"}, "votes"),
        ({"nodeid": "-1"}, "nodeid"),
        ({"nodeid": "١"}, "nodeid"),
        (link(8), "link8"),
        (link("x"), "links"),
        (link(0, priority="256"), "link0"),
        (link(0, priority="high"), "link0"),
        (link(0, address=""), "links"),
        (links(link(0), link(0, "10.1.0.1")), "link0"),
        (links(link(0), link(1)), "link1"),
        (links(*(link(number, f"10.0.0.{number}") for number in range(9))), "links"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_asked(
    visitor: Visitor, daemon: FakeDaemon, fields: dict[str, Any], field: str
) -> None:
    response = await visitor.post(CREATE, {"clustername": "office", **link(), **fields})
    assert response.status_code == 422 and field in errors(text(response))
    assert not [request for request in daemon.asked if isinstance(request, ask.CreateCluster)]


async def test_the_daemons_own_reasons_reach_the_fields_too(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.refusals[ask.CreateCluster] = InvalidInput("x", fields={"clustername": "too <long>", "link0": "not here"})
    response = await visitor.post(CREATE, {"clustername": "office", **link()})
    assert errors(text(response)) == {"clustername": "too &lt;long&gt;", "link0": "not here"}


async def test_a_reason_without_a_field_stands_alone(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.refusals[ask.CreateCluster] = Conflict("This node is in a cluster already.")
    response = await visitor.post(CREATE, {"clustername": "office", **link()})
    assert response.status_code == 422 and "This node is in a cluster already." in text(response)
    assert errors(text(response)) == {}


async def test_creating_needs_the_anti_forgery_token(visitor: Visitor, daemon: FakeDaemon) -> None:
    response = await visitor.post(CREATE, {"clustername": "office", **link()}, CSRFPreventionToken="0:someone")
    assert response.status_code == 403
    assert not [request for request in daemon.asked if isinstance(request, ask.CreateCluster)]


# --- join information -------------------------------------------------------------------------------------------------


async def test_join_information_is_what_a_joining_node_can_read(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(1)
    dialog = text(await visitor.htmx("/datacenter/cluster/join-information"))
    pasted = re.search(r"<textarea[^>]*>([^<]+)</textarea>", dialog)
    assert pasted
    content = json.loads(base64.b64decode(pasted[1], validate=True))
    assert content["ipAddress"] == "10.0.0.1" and content["fingerprint"] == FINGERPRINT
    assert content["peerLinks"] == {"0": "10.0.0.1", "1": "10.1.0.1"}
    assert content["ring_addr"] == ["10.0.0.1", "10.1.0.1"]
    assert content["totem"]["cluster_name"] == "office" and "0" in content["totem"]["interface"]
    assert PASSWORD not in dialog


async def test_a_standalone_node_has_no_join_information(visitor: Visitor) -> None:
    assert (await visitor.htmx("/datacenter/cluster/join-information")).status_code == 424


# --- join -------------------------------------------------------------------------------------------------------------


async def test_pasted_text_is_read_back_at_once(visitor: Visitor) -> None:
    shown = text(await visitor.post(f"{JOIN}/decode", {"invitation": f"  {invitation()}\n"}))
    assert "office" in shown and "10.0.0.9" in shown and "A0:<wbr>" in shown
    assert shown.count('name="link-address"') == 2 and shown.count("data-link-row") == 2
    assert "peer's address: 10.1.0.9" in shown or "peer&#x27;s address: 10.1.0.9" in shown
    assert re.search(r'<option value="10.1.0.1"[^>]*selected', shown), "the address in the peer's network is chosen"
    assert "Join ‘office’" in shown


async def test_text_that_is_no_invitation_is_said_so_at_its_field(visitor: Visitor) -> None:
    shown = text(await visitor.post(f"{JOIN}/decode", {"invitation": "rubbish"}))
    assert "This is not join information" in errors(shown)["invitation"]


async def test_no_text_is_no_error(visitor: Visitor) -> None:
    shown = text(await visitor.post(f"{JOIN}/decode", {"invitation": " "}))
    assert errors(shown) == {} and "hint" in shown


async def test_a_very_long_text_does_not_travel(visitor: Visitor, daemon: FakeDaemon) -> None:
    shown = text(await visitor.post(f"{JOIN}/decode", {"invitation": "A" * 9000}))
    assert "too long" in errors(shown)["invitation"]
    assert not [request for request in daemon.asked if isinstance(request, ask.DecodeInvitation)]


async def test_one_link_at_the_peers_address_may_stay_blank(visitor: Visitor) -> None:
    totem = {"cluster_name": "office", "interface": {"0": {}}}
    pasted = invitation(peerLinks={"0": "192.0.2.9"}, ipAddress="192.0.2.9", totem=totem)
    shown = text(await visitor.post(f"{JOIN}/decode", {"invitation": pasted}))
    assert re.search(r'<option value="">[^<]*resolves to', shown)


async def test_joining_takes_address_and_fingerprint_from_the_pasted_text(visitor: Visitor, daemon: FakeDaemon) -> None:
    rows = links(link(0, "10.0.0.1"), link(1, "10.1.0.1"))
    fields = {"mode": "assisted", "invitation": invitation(), "password": PASSWORD, "hostname": "evil", **rows}
    response = await visitor.post(JOIN, fields)
    asked = daemon.last(ask.JoinCluster)
    assert (asked.hostname, asked.fingerprint, asked.password) == ("10.0.0.9", FINGERPRINT, Secret(PASSWORD))
    assert asked.links == {0: "10.0.0.1", 1: "10.1.0.1"} and asked.user == ROOT
    assert "On joining, this node gets a certificate" in text(response)


async def test_every_link_of_the_invitation_needs_an_address(visitor: Visitor) -> None:
    fields = {"mode": "assisted", "invitation": invitation(), "password": PASSWORD, **link(0)}
    assert list(errors(text(await visitor.post(JOIN, fields)))) == ["link1"]


async def test_joining_by_hand_needs_address_fingerprint_and_password(visitor: Visitor, daemon: FakeDaemon) -> None:
    response = await visitor.post(JOIN, {"mode": "manual"})
    assert list(errors(text(response))) == ["hostname", "fingerprint", "password"]
    by_hand = {"hostname": "10.0.0.9", "fingerprint": FINGERPRINT, "password": PASSWORD}
    await visitor.post(JOIN, {"mode": "manual", **by_hand, **link(2, prefix="manual-"), **link(5, "10.9.9.9")})
    asked = daemon.last(ask.JoinCluster)
    assert (asked.hostname, asked.fingerprint, asked.links) == ("10.0.0.9", FINGERPRINT, {2: "10.0.0.1"})


async def test_a_refused_password_is_said_at_its_field_and_never_sent_back(visitor: Visitor) -> None:
    fields = {
        "mode": "assisted",
        "invitation": invitation(),
        "password": "wrong horse",
        **links(link(0), link(1, "::1")),
    }
    response = await visitor.post(JOIN, fields)
    assert errors(text(response)) == {"password": "The peer does not accept this password."}
    assert "wrong horse" not in text(response)


async def test_a_node_with_content_is_asked_whether_it_comes_along(visitor: Visitor, daemon: FakeDaemon) -> None:
    assert "Bring it along" not in text(await visitor.htmx("/datacenter/cluster/join"))
    row = {"path": "nodes/alpha/qemu-server/100.conf", "what": "guest 100", "becomes": "kept"}
    daemon.content = [row | {"sentence": "It keeps the number 100."}]
    dialog = text(await visitor.htmx("/datacenter/cluster/join"))
    assert "Bring it along" in dialog and "guest 100" in dialog and "It keeps the number 100." in dialog
    by_hand = {"mode": "manual", "hostname": "10.0.0.9", "fingerprint": "AA:BB", "password": "secret"}
    for ticked in ("1", ""):
        await visitor.post("/datacenter/cluster/join", by_hand | {"brings": ticked})
        assert daemon.last(ask.JoinCluster).brings is bool(ticked)
