"""A member's life on real corosync, on the command line and over the API: leaving, joining with a token and with what
the node has of its own, undoing that, and a live node removed and taken back.

In order, and by turns: each is asked for in both ways. In the browser it is `tests/browser/test_life_on_corosync.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from cluster.control.requests import Status
from cluster.control.store_requests import StoreWrite
from demo.visitor import Refused, Visited, eventually
from tests.scenarios.evidence import ask, tree_of
from tests.scenarios.office import NAMES, Office

pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(300)]
SOON_S = 90.0
TASK_S = 120.0
GUEST, BROUGHT = "nodes/{}/qemu-server/100.conf", "nodes/gamma/qemu-server/101.conf"


@pytest.fixture(scope="module")
def office(shared_office: Office) -> Iterator[Office]:
    """alpha has a guest 100. Whatever becomes of the tests, gamma is a member afterwards."""
    ask(shared_office["alpha"], StoreWrite(GUEST.format("alpha"), b"name: of-alpha\n"))
    yield shared_office
    if shared_office["alpha"].sign_in().online() != set(NAMES):
        by_command(shared_office["gamma"], "join", token(shared_office, "last"), *links(shared_office), "--import")
    eventually("all are here", lambda: shared_office["alpha"].sign_in().online() == set(NAMES), SOON_S)


def links(office: Office) -> list[str]:
    return [f"--link{number}={office.lab.address('gamma', number)}" for number in (0, 1)]


def token(office: Office, name: str) -> str:
    ran = office["alpha"].pvecm("token", "create", name)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.strip()


def by_command(node: Visited, *words: str) -> str:
    ran = node.pvecm(*words, timeout_s=TASK_S)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def over_the_api(node: Visited, path: str, **parameters: object) -> None:
    assert node.task_end(node.sign_in().post(path, **parameters), TASK_S) in ("OK", "WARNINGS: 1")


def own(office: Office) -> dict[str, bytes]:
    """What gamma has that is no key, certificate or session."""
    found = tree_of(office["gamma"])
    return {path: data for path, data in found.items() if re.search(r"(cfg|/\d+\.conf)$", path) and "priv" not in path}


def alone(office: Office) -> None:
    """gamma is in no cluster and takes sign-ins of its own; the others go on."""

    def on_its_own() -> bool:
        cluster = ask(office["gamma"], Status())["cluster"]
        return cluster["name"] == "" and cluster["store"]["writable"]

    eventually("gamma is on its own", on_its_own, SOON_S)
    eventually("gamma takes a sign-in", office["gamma"].sign_in, SOON_S)
    eventually("two go on", lambda: office["alpha"].sign_in().online() == {"alpha", "beta"}, SOON_S)
    assert "gamma" not in office["alpha"].command("corosync-quorumtool", "-l").stdout


def together(office: Office) -> None:
    def seen(node: Visited) -> bool:
        try:
            return node.online() == set(NAMES)
        except Refused:
            return bool(node.sign_in().online() == set(NAMES))

    for node in office.nodes:
        eventually(f"{node.name} sees all", lambda node=node: seen(node), SOON_S)
    assert "gamma" in office["alpha"].command("corosync-quorumtool", "-l").stdout


def test_by_command_a_node_leaves_joins_with_a_token_and_its_content_and_undoes_the_join(office: Office) -> None:
    gamma = office["gamma"]
    assert "stand-alone now" in by_command(gamma, "leave")
    alone(office)
    ask(gamma, StoreWrite(GUEST.format("gamma"), b"name: of-gamma\n"))
    before = own(office)

    text = token(office, "rack")
    planned = gamma.pvecm("join", text, *links(office), "--import", "--dry-run")
    assert planned.returncode == 0 and "Bring this node's own configuration along" in planned.stdout, planned.stderr
    assert f"{GUEST.format('gamma')} (guest 100): kept." in planned.stderr  # what the cluster has it tells who joins
    by_command(gamma, "join", text, *links(office), "--import")
    together(office)
    assert tree_of(office["beta"])[BROUGHT] == b"name: of-gamma\n"
    rows = json.loads(by_command(office["alpha"], "token", "list", "--output-format", "json"))
    assert [(row["state"], row["used_by"]) for row in rows if row["name"] == "rack"] == [("used-up", ["gamma"])]

    by_command(gamma, "undo", "join")
    alone(office)
    assert own(office) == before


def test_over_the_api_a_node_joins_with_a_token_and_its_content_and_undoes_the_join(office: Office) -> None:
    alpha, gamma, before = office["alpha"].sign_in(), office["gamma"], own(office)
    made = alpha.post("/cluster/config/tokens", name="shelf")
    addresses = {f"link{number}": office.lab.address("gamma", number) for number in (0, 1)}
    over_the_api(gamma, "/cluster/config/join/token", invitation=made["invitation"], **addresses, **{"import": 1})
    together(office)
    assert tree_of(office["beta"])[BROUGHT] == b"name: of-gamma\n"
    rows = {row["name"]: row for row in alpha.sign_in().get("/cluster/config/tokens")}
    assert (rows["shelf"]["state"], rows["shelf"]["used_by"]) == ("used-up", ["gamma"])

    over_the_api(gamma, "/cluster/config/undo-join")
    alone(office)
    assert own(office) == before


def test_over_the_api_a_live_node_is_removed_taken_back_and_leaves(office: Office) -> None:
    alpha, gamma = office["alpha"], office["gamma"]
    by_command(gamma, "join", token(office, "shelter"), *links(office), "--import")
    together(office)
    assert alpha.sign_in().get("/cluster/config/nodes/gamma/removal")["obstacle"] == ""
    assert alpha.delete("/cluster/config/nodes/gamma") is None
    said = eventually("gamma says what it is", lambda: ask(gamma, Status())["cluster"]["problem"], SOON_S)
    assert "was removed from the cluster" in said
    assert [row["node"] for row in alpha.sign_in().get("/cluster/config/removed")] == ["gamma"]
    assert alpha.post("/cluster/config/removed/gamma/undo") == []
    together(office)

    over_the_api(gamma, "/cluster/config/leave")
    alone(office)
    by_command(gamma, "join", token(office, "again"), *links(office), "--import")
    together(office)
