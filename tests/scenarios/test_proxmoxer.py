"""proxmoxer, as people's scripts use it, does the whole job on real corosync: nodes become a cluster, users get rights,
tasks are followed, and one node is switched off meanwhile. Always with its own time-out of 5 s. About 40 s.

`test_api.py` uses it on the loopback engine.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest
from proxmoxer import AuthenticationError, ProxmoxAPI, ResourceException
from proxmoxer.tools import Tasks
from requests.exceptions import ConnectionError, Timeout

from demo.visitor import Visit, eventually
from lab.hosts import Lab
from tests.cast import ALICE
from tests.scenarios.conftest import demo_of

pytestmark = [
    pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
]  # fmt: skip

NAMES = ["alpha", "beta", "gamma"]
CLIENT_TIMEOUT_S, JOIN_S, SEEN_S = 5, 90.0, 30.0
ALICES = "correct horse battery"
GONE = (ResourceException, ConnectionError, Timeout)


@dataclass
class Scripted:
    """A cluster, as a script holds it: a client of one of its nodes at a time."""

    visit: Visit

    def client(self, name: str = "alpha", **login: Any) -> ProxmoxAPI:
        where = urlsplit(self.visit[name].url)
        known = {"user": self.visit.user, "password": self.visit.password}
        found = ProxmoxAPI(where.hostname, port=where.port, verify_ssl=False, **(login or known))
        assert found._backend.auth.timeout == CLIENT_TIMEOUT_S
        return found

    def join(self, name: str) -> str:
        """Join a node with what alpha's join information says, and follow the task on alpha; returns the UPID."""
        told = self.client().cluster.config.join.get()
        peer = next(row for row in told["nodelist"] if row["name"] == told["preferred_node"])
        asked = {"hostname": peer["pve_addr"], "fingerprint": peer["pve_fp"], "password": self.visit.password}
        upid = str(self.client(name).cluster.config.join.post(**asked))
        eventually(f"alpha sees {name}", lambda: name in self.online(), JOIN_S)
        assert self.ended(name, upid)["exitstatus"] == "OK"
        return upid

    def ended(self, node: str, upid: str) -> Any:
        """The status of a task that is over, asked for through alpha. While a node joins it may not answer."""

        def stopped() -> Any:
            try:
                status = self.client().nodes(node).tasks(upid).status.get()
            except GONE:
                return None
            return status if status["status"] == "stopped" else None

        return eventually(f"the end of {upid}", stopped, JOIN_S)

    def online(self, name: str = "alpha") -> set[str]:
        rows = self.client(name).cluster.status.get()
        return {row["name"] for row in rows if row["type"] == "node" and row["online"]}

    def switch_off(self, name: str) -> None:
        """From one moment to the next the host says nothing any more."""
        Lab.at(str(self.visit.state / "lab")).kill(name)


@pytest.fixture(scope="module")
def here() -> Iterator[Scripted]:
    logging.getLogger("proxmoxer").setLevel(logging.CRITICAL)
    with demo_of("corosync", 3) as visit:
        scripted = Scripted(visit)
        alpha = scripted.client()
        with pytest.raises(ResourceException, match="424.*node is not in a cluster"):
            alpha.cluster.config.join.get()
        made = Tasks.blocking_status(alpha, alpha.cluster.config.post(clustername="office"), polling_interval=0.2)
        assert (made["exitstatus"], made["type"]) == ("OK", "clustercreate")
        for name in NAMES[1:]:
            scripted.join(name)
        eventually("all see all", lambda: all(scripted.online(name) == set(NAMES) for name in NAMES), SEEN_S)
        yield scripted


@pytest.fixture
def proxmox(here: Scripted) -> ProxmoxAPI:
    return here.client()


def test_what_it_made_is_a_cluster_of_three(proxmox: ProxmoxAPI) -> None:
    cluster = next(row for row in proxmox.cluster.status.get() if row["type"] == "cluster")
    assert (cluster["name"], cluster["nodes"], cluster["quorate"]) == ("office", 3, 1)
    assert sorted(row["name"] for row in proxmox.cluster.config.nodes.get()) == NAMES
    assert proxmox.cluster.config.totem.get()["cluster_name"] == "office"
    assert len(proxmox.cluster.config.join.get()["nodelist"]) == 3
    with pytest.raises(ResourceException, match="500"):
        proxmox.cluster.config.post(clustername="again")


def test_it_reads_every_node_through_one(here: Scripted, proxmox: ProxmoxAPI) -> None:
    resources = proxmox.cluster.resources.get()
    assert {row["node"] for row in resources if row["type"] == "node"} == set(NAMES)
    assert proxmox.cluster.resources.get(type="vm") == []
    for name in NAMES:
        assert proxmox.nodes(name).version.get()["release"] == "9.2"
        assert len(proxmox.nodes(name).status.get()["loadavg"]) == 3
        assert proxmox.nodes(name).network.get() and proxmox.nodes(name).time.get()["timezone"]


def test_it_follows_tasks_and_their_logs_on_every_node(proxmox: ProxmoxAPI) -> None:
    tasks = {(row["node"], row["type"]): row["upid"] for row in proxmox.cluster.tasks.get()}
    for node, kind in (("alpha", "clustercreate"), ("beta", "clusterjoin"), ("gamma", "clusterjoin")):
        upid = tasks[node, kind]
        assert Tasks.decode_upid(upid)["node"] == node
        log = Tasks.decode_log(proxmox.nodes(node).tasks(upid).log.get(limit=0))
        assert log.splitlines()[-1] == "TASK OK"
        assert upid in {row["upid"] for row in proxmox.nodes(node).tasks.get()}
    assert any("successful auth" in row["msg"] for row in proxmox.cluster.log.get(max=200))


def test_users_groups_roles_and_rights_are_made_on_one_node_and_hold_on_another(
    here: Scripted, proxmox: ProxmoxAPI
) -> None:
    proxmox.access.groups.post(groupid="ops", comment="The office")
    proxmox.access.roles.post(roleid="Watcher", privs="Sys.Audit")
    proxmox.access.users.post(userid=ALICE, password=ALICES, groups="ops", comment="Alice")
    proxmox.access.acl.put(path="/", roles="Watcher", groups="ops")
    alice = eventually("beta knows Alice", lambda: signed_in(here, "beta"), SEEN_S)
    eventually("beta knows what Alice may", lambda: alice.access.permissions.get().get("/"), SEEN_S)
    assert alice.access.permissions.get(path="/") == {"/": {"Sys.Audit": 1}}
    assert len(alice.cluster.status.get()) == 4
    with pytest.raises(ResourceException, match=r"403.*Sys\.Modify"):
        alice.cluster.options.put(keyboard="de")
    shown = proxmox.access.users(ALICE).get()
    assert (shown["groups"], shown["comment"], shown["tokens"]) == (["ops"], "Alice", {})
    assert proxmox.access.groups("ops").get()["members"] == [ALICE]
    assert proxmox.access.roles("Watcher").get() == {"Sys.Audit": 1}
    assert {"path": "/", "type": "group", "ugid": "ops", "roleid": "Watcher", "propagate": 1} in (
        proxmox.access.acl.get()
    )
    proxmox.access.roles("Watcher").put(privs="Sys.Syslog", append=1)
    assert proxmox.access.roles("Watcher").get() == {"Sys.Audit": 1, "Sys.Syslog": 1}
    proxmox.access.users(ALICE).put(comment="Alice of the office")
    assert {row["userid"]: row.get("comment") for row in proxmox.access.users.get()}[ALICE] == "Alice of the office"


def signed_in(here: Scripted, node: str) -> ProxmoxAPI | None:
    try:
        return here.client(node, user=ALICE, password=ALICES)
    except AuthenticationError:
        return None


def test_a_ticket_is_renewed_with_itself_and_then_goes_on(here: Scripted) -> None:
    client = here.client("beta")
    auth = client._backend.auth
    before, csrf = auth.get_tokens()
    auth.birth_time -= auth.renew_age  # as if an hour had gone by since it signed in
    assert client.version.get()["release"] == "9.2"
    after, renewed = auth.get_tokens()
    assert after.startswith("PVE:root@pam:") and before.startswith("PVE:root@pam:") and len(csrf) == len(renewed)
    assert time.monotonic() - auth.birth_time < auth.renew_age
    client.cluster.options.put(description="written with a renewed ticket")
    assert client.cluster.options.get()["description"].strip() == "written with a renewed ticket"


def test_a_token_reads_and_writes_what_it_may_until_it_is_taken_away(here: Scripted, proxmox: ProxmoxAPI) -> None:
    made = proxmox.access.users(ALICE).token("ci").post(privsep=1, comment="for scripts")
    assert made["full-tokenid"] == f"{ALICE}!ci"
    token = here.client("gamma", user=ALICE, token_name="ci", token_value=made["value"])
    eventually("gamma knows the token", lambda: answers(token), SEEN_S)
    with pytest.raises(ResourceException, match="403"):
        token.cluster.status.get()
    proxmox.access.acl.put(path="/", roles="PVEAuditor", tokens=f"{ALICE}!ci")
    eventually("gamma knows what it may", lambda: len(seen(token)) == 4, SEEN_S)
    again = proxmox.access.users(ALICE).token("ci").put(regenerate=1)
    token = here.client("gamma", user=ALICE, token_name="ci", token_value=again["value"])
    eventually("gamma knows its new value", lambda: answers(token), SEEN_S)
    assert [row["tokenid"] for row in proxmox.access.users(ALICE).token.get()] == ["ci"]
    proxmox.access.users(ALICE).token("ci").delete()
    eventually("it is dead on gamma", lambda: not answers(token), SEEN_S)


def seen(client: ProxmoxAPI) -> Any:
    try:
        return client.cluster.status.get()
    except GONE:
        return []


def answers(client: ProxmoxAPI) -> bool:
    try:
        return bool(client.version.get())
    except GONE:
        return False


def test_a_second_factor_is_given_with_the_password(here: Scripted, proxmox: ProxmoxAPI) -> None:
    proxmox.access.users.post(userid="bob@pve", password=ALICES)
    secret = pyotp.random_base32()
    address = f"otpauth://totp/Quire:bob?secret={secret}&issuer=Quire"
    proxmox.access.tfa("bob@pve").post(
        type="totp", description="phone", totp=address, value=pyotp.TOTP(secret).now(), password=here.visit.password
    )
    assert [row["type"] for row in proxmox.access.tfa("bob@pve").get()] == ["totp"]
    with pytest.raises(AuthenticationError):
        here.client(user="bob@pve", password=ALICES, otp="000000")
    proxmox.access.users("bob@pve").delete()
    assert "bob@pve" not in {row["userid"] for row in proxmox.access.users.get()}


def test_with_a_node_dead_every_answer_still_comes_in_time(here: Scripted, proxmox: ProxmoxAPI) -> None:
    """At once, while nobody has noticed yet, it reads; once they have, it changes things as before."""
    upid = next(row["upid"] for row in proxmox.cluster.tasks.get() if row["node"] == "gamma")
    here.switch_off("gamma")
    for _ in range(3):
        with pytest.raises(ResourceException, match="59[5-9]"):
            proxmox.nodes("gamma").time.get()
        assert proxmox.cluster.status.get() and proxmox.cluster.resources.get() and proxmox.nodes.get()
        assert proxmox.nodes("beta").status.get()["uptime"] > 0
    eventually("gamma is seen offline", lambda: here.online() == here.online("beta") == {"alpha", "beta"}, SEEN_S)
    with pytest.raises(ResourceException, match="595.*node 'gamma' is offline since"):
        proxmox.nodes("gamma").tasks(upid).log.get()
    assert upid in {row["upid"] for row in proxmox.cluster.tasks.get()}
    assert {row["node"]: row["status"] for row in proxmox.nodes.get()}["gamma"] == "offline"
    changed_with_a_node_dead(here, proxmox)


def changed_with_a_node_dead(here: Scripted, proxmox: ProxmoxAPI) -> None:
    proxmox.cluster.options.put(keyboard="de")
    made = proxmox.access.users(ALICE).token("late").post(privsep=0)
    token = here.client("beta", user=ALICE, token_name="late", token_value=made["value"])
    eventually("beta knows the token", lambda: answers(token), SEEN_S)
    proxmox.access.acl.put(path="/", roles="Watcher", groups="ops", delete=1)
    eventually("beta took the right away", lambda: not token.access.permissions.get(), SEEN_S)
    proxmox.access.users(ALICE).delete()
    proxmox.access.groups("ops").delete()
    proxmox.access.roles("Watcher").delete()
    eventually("Alice is gone on beta", lambda: not answers(token), SEEN_S)
    assert [row["userid"] for row in here.client("beta").access.users.get()] == ["root@pam"]
