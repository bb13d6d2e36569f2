"""Puts something into every list of a cluster, so that each row's dialogs are there to be opened."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp

from cluster.access import tfa
from cluster.control.store_requests import StoreRead, StoreWrite
from demo.visitor import Visited
from tests.browser.services import Services
from tests.datacenter.fake_daemon import PASSWORD
from tests.scenarios.evidence import ask

CHARLIE = "charlie@pve"
REALMS: tuple[dict[str, Any], ...] = (
    {"realm": "corp", "type": "ldap", "server1": "127.0.0.1", "base_dn": "dc=example,dc=org", "user_attr": "uid"},
    {"realm": "forest", "type": "ad", "server1": "127.0.0.1", "domain": "example.org"},
    {"realm": "cloud", "type": "openid", "issuer-url": "https://127.0.0.1:9/", "client-id": "quire"},
)
TARGETS: dict[str, dict[str, Any]] = {
    "webhook": {"url": "http://127.0.0.1:9/", "local": 1},
    "ntfy": {"url": "http://127.0.0.1:9/alerts", "local": 1},
    "gotify": {"url": "http://127.0.0.1:9/", "local": 1},
    "smtp": {"server": "127.0.0.1", "mode": "insecure", "mailfrom": "a@example.org", "mailto": "b@example.org",
             "local": 1},
}  # fmt: skip


@contextlib.contextmanager
def furnished_node(folder: Path) -> Iterator[Services]:
    """A node with something in every list, running until the block ends."""
    node = Services(folder)
    node.start("whole")
    try:
        furnish(node)
        yield node
    finally:
        node.stop("whole")


def furnish(node: Services) -> None:
    here = administrator(node)
    sure = {"confirmation-password": PASSWORD}
    here.post("/access/groups", groupid="ops", comment="Halle 7")
    here.post("/access/roles", roleid="Watcher", privs="Sys.Audit")
    for user in ("alice@pve", "bob@pve"):
        here.post("/access/users", userid=user, password=PASSWORD, groups="ops", comment="Halle 7")
        here.put("/access/acl", path="/nodes", users=user, roles="Watcher")
        here.post(f"/access/tfa/{user}", type="recovery", password=PASSWORD)
    for user in ("alice@pve", "bob@pve", "root@pam"):
        here.post(f"/access/users/{user}/token/ci", comment="Bau", **sure)
    for realm in REALMS:
        here.post("/access/domains", **realm)
    for kind, settings in TARGETS.items():
        here.put(f"/cluster/alerts/settings/{kind}/{kind}-here", **settings)
    here.put("/cluster/alerts/settings/silence/moving", until=4070908800)


def administrator(node: Services) -> Visited:
    return Visited("alpha", node.url, str(node.folder / "control.sock"), [], 0, [], "root@pam", PASSWORD).sign_in()


def add_authenticator(here: Visited, user: str) -> None:
    """One for whoever it is, by an administrator."""
    secret = pyotp.TOTP(pyotp.random_base32())
    address = secret.provisioning_uri(name=user, issuer_name="Quire")
    here.post(f"/access/tfa/{user}", type="totp", totp=address, value=secret.now(), password=PASSWORD)


def furnish_accounts(node: Services) -> None:
    """Alice and Bob have authenticators that are locked, Charlie has nothing but a password."""
    here = administrator(node)
    here.post("/access/users", userid=CHARLIE, password=PASSWORD)
    for user in ("alice@pve", "bob@pve"):
        add_authenticator(here, user)
    lock_authenticators(here)


def lock_authenticators(here: Visited) -> None:
    """As after eight wrong codes for each, every one of which would be answered late."""
    content = json.loads(ask(here, StoreRead(tfa.PATH))["data"])
    for user in content["users"].values():
        if user.get("totp"):
            user["totp-locked"] = True
    ask(here, StoreWrite(tfa.PATH, json.dumps(content).encode()))
