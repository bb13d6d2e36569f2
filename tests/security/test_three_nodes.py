"""Three real daemons, through whose every door secrets go: none is left lying about, and a dead ticket is dead on all.

The flows are done over HTTPS, as a client does them; meanwhile every process's arguments and environment are looked
through. About 20 s, most of it creating and joining.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pyotp
import pytest

from cluster.control import access_requests as ask
from cluster.control.requests import CheckTicket, CreateCluster, JoinCluster, JoinInfo, Login, RemoveNode, StoreExport
from cluster.engine import wire
from cluster.errors import QuireError, Unauthenticated
from cluster.node.access.passwords import prepare_hash
from cluster.secret import Secret
from demo.visitor import Refused, Visited
from tests.cast import ALICE, CHARLIE
from tests.node.trio import NAMES, SOON_S
from tests.workflow.test_killed_daemon import Node, wait_until
from tests.workflow.test_leaving_daemons import finish

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = "root@pam"
LOOK_EVERY_S, READY_S = 0.2, 120.0
# Where of a node's folder a secret of the tree has its home: the store's own files.
STORE = re.compile(r"(alpha|beta|gamma)/(store\.db(-wal|-shm)?|archive/.*)")


@dataclass
class Canaries:
    """Secrets made for this run, by what they are; `seen` is where a process showed one."""

    known: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def add(self, what: str, text: str) -> str:
        self.known[what] = text
        return text

    def watch(self, done: threading.Event) -> None:
        while not done.wait(LOOK_EVERY_S):
            wanted = {what: text.encode() for what, text in self.known.copy().items()}
            for place in [*Path("/proc").glob("[0-9]*/cmdline"), *Path("/proc").glob("[0-9]*/environ")]:
                try:
                    shown = place.read_bytes()
                except OSError:
                    continue
                self.seen |= {f"{what} in {place}" for what, text in wanted.items() if text in shown}

    def lying_in(self, folder: Path, home: Callable[[str, str], bool]) -> list[str]:
        found = []
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                data, name = path.read_bytes(), str(path.relative_to(folder))
                found += [f"{what} in {name}" for what, text in self.known.items() if text.encode() in data
                          and not home(what, name)]  # fmt: skip
        return found


@dataclass
class Trio:
    nodes: list[Node]
    folder: Path
    canaries: Canaries

    def visited(self, name: str, user: str = ROOT, password: str = "") -> Visited:
        node = self.nodes[NAMES.index(name)]
        return Visited(
            name, f"https://{node.address}:8006", "", [], 0, [], user, password or self.canaries.known["password"]
        )


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    folder, canaries, done = tmp_path_factory.mktemp("s"), Canaries(), threading.Event()
    password = canaries.add("password", f"canary {secrets.token_hex(12)}")
    (folder / "hash").write_text(prepare_hash(password))
    nodes = [Node(name, place, folder) for place, name in enumerate(NAMES, 131)]
    watching = threading.Thread(target=canaries.watch, args=(done,), daemon=True)
    watching.start()
    try:
        for node in nodes:
            node.start_without_waiting()
        for node in nodes:
            wait_until(node.is_ready, READY_S, f"{node.name} is ready")
        alpha = nodes[0]
        assert finish(alpha, alpha.client.call(CreateCluster("demo"))["upid"]) == "OK"
        for node in nodes[1:]:
            peer = alpha.client.call(JoinInfo())["nodelist"][0]
            asked = JoinCluster(peer["pve_addr"], peer["pve_fp"], Secret(password))
            assert finish(node, node.client.call(asked)["upid"]) in ("OK", "WARNINGS: 1")
        alpha.client.call(ask.UserAdd(ROOT, ALICE, password=Secret(password)))
        yield Trio(nodes, folder, canaries)
    finally:
        done.set()
        watching.join()
        for node in nodes:
            node.stop()
        wire.end(folder / "wire.sock")


def ticket_of(node: Visited) -> str:
    """Signed in over HTTPS; the ticket as the cookie has it."""
    node.sign_in()
    return node.headers["Cookie"].partition("=")[2]


def dead_on_all(trio: Trio, ticket: str, nodes: list[Node]) -> None:
    def refused(node: Node) -> bool:
        try:
            node.client.call(CheckTicket(Secret(ticket)))
        except Unauthenticated:
            return True
        except QuireError:
            return False
        return False

    for node in nodes:
        wait_until(lambda node=node: refused(node), SOON_S, f"the ticket is dead on {node.name}")


@pytest.fixture(scope="module")
def used(trio: Trio) -> Trio:
    """Secrets of every kind have been made, carried, checked, and refused."""
    kept, alpha, node = trio.canaries, trio.visited("alpha"), trio.nodes[0]
    kept.add("ticket", ticket_of(alpha))
    kept.add("CSRF token", alpha.headers["CSRFPreventionToken"])
    kept.add("API token", alpha.post(f"/access/users/{quote(ALICE)}/token/ci", privsep=0)["value"])
    reader = trio.visited("beta")
    reader.headers = {"Authorization": f"PVEAPIToken={ALICE}!ci={kept.known['API token']}"}
    wait_until(lambda: answers(reader), SOON_S, "the token is good on beta")
    code = kept.add("TOTP secret", pyotp.random_base32())
    address = f"otpauth://totp/Quire:alice?secret={code}&issuer=Quire"
    node.client.call(ask.FactorAdd(ROOT, ALICE, "totp", totp=Secret(address), value=Secret(pyotp.TOTP(code).now())))
    kept.add("half a ticket", node.client.call(Login(ALICE, Secret(kept.known["password"])))["ticket"])
    for wrong in ("wrong", kept.known["ticket"]):
        with pytest.raises(Unauthenticated):
            node.client.call(Login(ALICE, Secret(wrong)))
    with pytest.raises(Refused):
        trio.visited("gamma", password=f"{kept.known['password']} or so").sign_in()
    node.client.call(StoreExport())
    time.sleep(2 * LOOK_EVERY_S)
    return trio


def test_t55_no_secret_is_an_argument_or_in_an_environment(used: Trio) -> None:
    assert used.canaries.seen == set()


def test_t56_no_secret_lies_outside_its_home(used: Trio) -> None:
    assert used.canaries.lying_in(used.folder, at_home) == []


def at_home(what: str, name: str) -> bool:
    """An authenticator's secret has to be kept, in the tree; an export is the tree."""
    return what == "TOTP secret" and (STORE.fullmatch(name) is not None or "exchange/" in name)


def answers(node: Visited) -> bool:
    try:
        return bool(node.get("/version"))
    except Refused:
        return False


def test_t23_a_user_who_is_disabled_is_signed_out_on_every_node(trio: Trio) -> None:
    alpha = trio.nodes[0]
    alpha.client.call(ask.UserAdd(ROOT, "bob@pve", password=Secret(trio.canaries.known["password"])))
    bob = trio.visited("alpha", "bob@pve")
    ticket = alpha.client.call(Login("bob@pve", Secret(trio.canaries.known["password"])))["ticket"]
    bob.sign_in()
    for node in trio.nodes:
        wait_until(lambda node=node: good(node, ticket), SOON_S, f"good on {node.name}")
    alpha.client.call(ask.UserChange(ROOT, "bob@pve", enable=False))
    dead_on_all(trio, ticket, trio.nodes)
    there = trio.visited("gamma", "bob@pve")
    there.headers = bob.headers
    wait_until(lambda: not answers(there), SOON_S, "the site of gamma refuses it too")


def test_t23_signing_out_a_new_password_and_removal_end_tickets_on_every_node(trio: Trio) -> None:
    alpha, password = trio.nodes[0], Secret(trio.canaries.known["password"])

    def ticket_of(user: str) -> str:
        ticket = str(alpha.client.call(Login(user, password))["ticket"])
        for node in trio.nodes:
            wait_until(lambda node=node: good(node, ticket), SOON_S, f"good on {node.name}")
        return ticket

    alpha.client.call(ask.UserAdd(ROOT, CHARLIE, password=password))
    for end in (
        lambda ticket: alpha.client.call(ask.SignOut(Secret(ticket))),
        lambda _: alpha.client.call(ask.PasswordChange(ROOT, CHARLIE, password)),
        lambda _: alpha.client.call(ask.UserRemove(ROOT, CHARLIE)),
    ):
        ticket = ticket_of(CHARLIE)
        end(ticket)
        dead_on_all(trio, ticket, trio.nodes)


def test_t23_a_token_that_is_taken_away_is_dead_on_every_node(trio: Trio) -> None:
    alpha = trio.nodes[0]
    made = alpha.client.call(ask.TokenAdd(ROOT, ROOT, "short", privsep=False))
    shown = ask.CheckToken(f"{made['full-tokenid']}={made['value']}")
    for node in trio.nodes:
        wait_until(lambda node=node: takes(node, shown), SOON_S, f"good on {node.name}")
    alpha.client.call(ask.TokenRemove(ROOT, ROOT, "short"))
    for node in trio.nodes:
        wait_until(lambda node=node: not takes(node, shown), SOON_S, f"dead on {node.name}")


def takes(node: Node, shown: ask.CheckToken) -> bool:
    try:
        node.client.call(shown)
    except Unauthenticated:
        return False
    return True


def test_t25_tickets_end_everywhere_when_a_node_is_taken_out(trio: Trio) -> None:
    alpha, beta, gamma = trio.nodes
    ticket = gamma.client.call(Login(ROOT, Secret(trio.canaries.known["password"])))["ticket"]
    assert good(alpha, ticket) and good(beta, ticket)
    gamma.stop()
    wait_until(lambda: alpha.nodes_online() == {"alpha", "beta"}, SOON_S, "gamma is seen off")
    alpha.client.call(RemoveNode("gamma"), 60)
    dead_on_all(trio, ticket, [alpha, beta])
    again = alpha.client.call(Login(ROOT, Secret(trio.canaries.known["password"])))["ticket"]
    wait_until(lambda: good(beta, again), SOON_S, "a ticket of the new key is good on both")


def good(node: Node, ticket: str) -> bool:
    try:
        node.client.call(CheckTicket(Secret(ticket)))
    except QuireError:
        return False
    return True
