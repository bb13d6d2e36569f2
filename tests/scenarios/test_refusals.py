"""Joins that must not happen: each ends with a clear sentence, and leaves both nodes byte-identical to before."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.control import requests
from cluster.errors import QuireError
from demo.visitor import Refused, Visit
from tests.scenarios.conftest import NETWORK, demo_of
from tests.scenarios.evidence import Evidence, ask, evidence
from tests.scenarios.middleman import Middleman, middleman, strangers_certificate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def office() -> Iterator[Visit]:
    """alpha and beta are a cluster; gamma is stand-alone and stays so."""
    with demo_of("loopback", 3) as visit:
        visit.create()
        visit.join("beta")
        yield visit


@pytest.fixture
def untouched(office: Visit) -> Iterator[dict[str, Evidence]]:
    """Whatever the test does, both sides hold the same bytes afterwards."""
    before = {name: evidence(office, office[name]) for name in ("alpha", "gamma")}
    yield before
    office["gamma"].sign_in()
    assert {name: evidence(office, office[name]) for name in before} == before
    assert office.first.online() == {"alpha", "beta"}


def failed_join(office: Visit, **parameters: Any) -> str:
    """Ask gamma to join; returns the sentence of the refusal, at the door or at the end of the task."""
    peer, gamma = office.peer(), office["gamma"]
    asked = {"hostname": peer["pve_addr"], "fingerprint": peer["pve_fp"], "password": office.password} | parameters
    try:
        upid = gamma.post("/cluster/config/join", **asked)
    except Refused as refused:
        assert refused.status in (400, 500), refused
        return " ".join([refused.message, *refused.fields.values()])
    ended = gamma.task_end(upid)
    assert ended != "OK"
    assert office.password not in "\n".join(gamma.task_log(upid))
    return ended


@pytest.fixture
def between(office: Visit) -> Iterator[Middleman]:
    """Looks like alpha, down to its certificate, and passes on what it is asked until it goes away."""
    tls = office.state / "alpha/tls"
    with middleman(f"{NETWORK}.41", office.first.url, tls / "cert.pem", tls / "key.pem") as server:
        yield server


# --- what was typed or pasted is wrong --------------------------------------------------------------------------------


def test_a_fingerprint_wrong_by_one_digit(office: Visit, untouched: dict[str, Evidence]) -> None:
    right = office.peer()["pve_fp"]
    wrong = ("0" if right[0] != "0" else "1") + right[1:]
    assert "fingerprint" in failed_join(office, fingerprint=wrong).lower()


@pytest.mark.parametrize("fingerprint", ["", "AB:CD", "zz" * 32, "AA:" * 32 + "\n"])
def test_a_fingerprint_that_is_none(office: Visit, untouched: dict[str, Evidence], fingerprint: str) -> None:
    assert "fingerprint" in failed_join(office, fingerprint=fingerprint).lower()


def test_a_wrong_password(office: Visit, untouched: dict[str, Evidence]) -> None:
    sentence = failed_join(office, password="not the password").lower()
    assert "password" in sentence or "sign" in sentence or "authentication" in sentence
    assert "not the password" not in sentence


def test_nobody_answers_at_the_address(office: Visit, untouched: dict[str, Evidence]) -> None:
    assert f"{NETWORK}.51" in failed_join(office, hostname=f"{NETWORK}.51")


@pytest.mark.parametrize("hostname", ["", "a b", "10.0.0.1/x", "user@alpha", "alpha#x", "\u202ealpha"])
def test_a_peer_address_that_is_none(office: Visit, untouched: dict[str, Evidence], hostname: str) -> None:
    assert failed_join(office, hostname=hostname)


def invitation(office: Visit, **changes: Any) -> str:
    """A join string as the page makes it."""
    told, peer = office.first.get("/cluster/config/join"), office.peer()
    addresses = {key[4]: value for key, value in peer.items() if re.fullmatch(r"ring[0-7]_addr", key)}
    content = {
        "ipAddress": peer["pve_addr"],
        "fingerprint": peer["pve_fp"],
        "peerLinks": addresses,
        "ring_addr": list(addresses.values()),
        "totem": told["totem"],
    }
    return base64.b64encode(json.dumps(content | changes, separators=(",", ":")).encode()).decode()


def test_the_string_the_page_shows_is_understood(office: Visit) -> None:
    decoded = ask(office["gamma"], requests.DecodeInvitation(invitation(office)))
    peer = office.peer()
    assert (decoded["address"], decoded["fingerprint"]) == (peer["pve_addr"], peer["pve_fp"])
    assert decoded["cluster_name"] == "office"


@pytest.mark.parametrize(
    "damage",
    {
        "truncated": lambda text: text[: len(text) // 2],
        "one character short": lambda text: text[:-1],
        "not base64": lambda text: "%" + text[1:],
        "something else": lambda text: base64.b64encode(b'{"kind":"invoice"}').decode(),
        "a list": lambda text: base64.b64encode(b"[1,2]").decode(),
        "empty": lambda text: "",
        "endless": lambda text: "QUFB" * 100_000,
        "nested": lambda text: base64.b64encode(b"[" * 3000).decode(),
    }.items(),
    ids=lambda pair: pair[0].replace(" ", "-"),
)
def test_a_damaged_join_string_is_refused_at_its_field(
    office: Visit, untouched: dict[str, Evidence], damage: Any
) -> None:
    with pytest.raises(QuireError) as refused:
        ask(office["gamma"], requests.DecodeInvitation(damage[1](invitation(office))))
    assert refused.value.http_status == 400
    assert list(refused.value.fields) == ["invitation"]
    assert len(refused.value.message) < 300


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": 5},
        {"ipAddress": ["127.0.0.1"]},
        {"ipAddress": None},
        {"totem": []},
        {"fingerprint": "AA:BB"},
        {"ipAddress": "10.0.0.1\nevil"},
        {"totem": {"cluster_name": "x}\nquorum {", "interface": {"0": {"linknumber": "0"}}}},
    ],
    ids=lambda changes: json.dumps(changes)[:40],
)
def test_a_tampered_join_string_is_refused_at_its_field(
    office: Visit, untouched: dict[str, Evidence], changes: dict[str, Any]
) -> None:
    with pytest.raises(QuireError) as refused:
        ask(office["gamma"], requests.DecodeInvitation(invitation(office, **changes)))
    assert refused.value.http_status == 400
    assert list(refused.value.fields) == ["invitation"]


# --- what is there already --------------------------------------------------------------------------------------------


def test_the_address_of_another_node(office: Visit, untouched: dict[str, Evidence]) -> None:
    taken = office.peer()["ring0_addr"]
    assert taken in failed_join(office, link0=taken)


def test_the_name_is_taken(office: Visit, untouched: dict[str, Evidence]) -> None:
    with demo_of("loopback", 1, f"{NETWORK}.61") as elsewhere:
        namesake, peer = elsewhere["alpha"], office.peer()
        before = evidence(elsewhere, namesake)
        upid = namesake.post(
            "/cluster/config/join", hostname=peer["pve_addr"], fingerprint=peer["pve_fp"], password=office.password
        )
        assert "alpha" in namesake.task_end(upid)
        assert evidence(elsewhere, namesake) == before


def test_a_member_joins_no_other_cluster(office: Visit) -> None:
    beta, peer = office["beta"].sign_in(), office.peer()
    before = evidence(office, beta)
    with pytest.raises(Refused) as refused:
        beta.post(
            "/cluster/config/join", hostname=peer["pve_addr"], fingerprint=peer["pve_fp"], password=office.password
        )
    assert "cluster" in refused.value.message
    assert evidence(office, beta) == before


# --- somebody is between, or the peer goes away -----------------------------------------------------------------------


def test_not_a_byte_of_the_password_reaches_a_stranger(
    office: Visit, untouched: dict[str, Evidence], tmp_path: Path
) -> None:
    with middleman(f"{NETWORK}.42", office.first.url, *strangers_certificate(tmp_path)) as stranger:
        assert "fingerprint" in failed_join(office, hostname=stranger.address).lower()
        assert stranger.received == []


@pytest.mark.parametrize("path", ["/access/ticket", "/cluster/config/nodes/"])
def test_the_peer_goes_away_before_it_did_anything(
    office: Visit, untouched: dict[str, Evidence], between: Middleman, path: str
) -> None:
    between.cut_before = path
    assert failed_join(office, hostname=between.address)
    assert path in between.paths[-1]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:8006/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"data": 7}',
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=["redirect", "page", "other-data", "endless", "another-protocol"],
)
def test_the_peer_answers_nonsense(
    office: Visit, untouched: dict[str, Evidence], between: Middleman, answer: bytes
) -> None:
    between.answer_instead = answer
    assert failed_join(office, hostname=between.address)


def test_the_peer_goes_away_after_it_added_the_node(office: Visit, between: Middleman) -> None:
    """Nobody can tell the peer, which lists the node until it gives up waiting; meanwhile nothing else is different."""
    between.cut_after = "/cluster/config/nodes/"
    gamma_before, tree_before = evidence(office, office["gamma"]), evidence(office, office.first).tree
    assert failed_join(office, hostname=between.address)
    assert "/cluster/config/nodes/gamma" in between.paths[-1]
    assert evidence(office, office["gamma"]) == gamma_before
    tree = evidence(office, office.first).tree
    assert b"name: gamma" in tree.pop("corosync.conf") and tree_before.pop("corosync.conf")
    assert tree == tree_before
    assert office.first.get("/cluster/status")[0]["quorate"] == 1


def test_after_all_this_the_node_joins(office: Visit) -> None:
    """Last on purpose: nothing above stands in the way of a join that is right."""
    office.join("gamma")
    assert office["gamma"].sign_in().online() == {"alpha", "beta", "gamma"}
