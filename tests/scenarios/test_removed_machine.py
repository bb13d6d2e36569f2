"""A machine that was removed boots with its old files, on real corosync: it changes nothing, its page says what it is,
and what it signs with the old key is refused; once the removal is undone it comes back with the new one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cluster.access import sessions
from cluster.control import requests
from cluster.core.operations import digest_of
from demo.visitor import eventually
from lab import corosync
from tests.scenarios.evidence import ask, tree_of
from tests.scenarios.healing import await_one_store
from tests.scenarios.office import Office

pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(400)]
VICTIM, OTHERS = "gamma", {"alpha", "beta"}
SOON_S = 60.0
WATCHED_S = 5.0  # several token timeouts of this office: long enough to form a ring, were the key taken


def key(store: Path) -> bytes:
    return Path("/etc/corosync/authkey").read_bytes()


def content(office: Office) -> dict[str, bytes]:
    """All but who is signed in."""
    return {path: data for path, data in tree_of(office["alpha"]).items() if path != sessions.PATH}


def members_stay_two(office: Office) -> bool:
    """Watched for a while: nothing of the machine reaches a member's ring."""
    ring = corosync.membership(office.lab, "alpha")
    end_s = time.monotonic() + WATCHED_S
    while time.monotonic() < end_s:
        if corosync.membership(office.lab, "alpha") != ring:
            return False
        time.sleep(0.25)
    return ring[:2] == (True, 2)


def test_a_removed_machine_s_old_key_is_refused_and_its_page_says_what_it_is(office: Office) -> None:
    alpha, gamma = office["alpha"], office[VICTIM]
    office.stop(VICTIM)
    former = office.at_store(VICTIM, key)
    corosync.kill(office.lab, VICTIM)
    eventually("its silence is noticed", lambda: alpha.online() == OTHERS, SOON_S)
    removed = alpha.pvecm("delnode", VICTIM)
    assert removed.returncode == 0, removed.stdout + removed.stderr
    for name in OTHERS:
        eventually("the key it knows is replaced", lambda at=name: office.at_store(at, key) != former, SOON_S)
    alpha.sign_in()  # the key of tickets changed as well
    eventually("two are the whole", lambda: corosync.membership(office.lab, "alpha")[:2] == (True, 2), SOON_S)
    eventually("every engine uses the new key", lambda: _active(office), SOON_S)
    before = content(office)

    office.start([VICTIM])
    said = eventually("it says what it is", lambda: ask(gamma, requests.Status())["cluster"]["problem"], SOON_S)
    assert "was removed from the cluster" in said and "Let it leave the cluster" in said
    eventually("its engine does not run", lambda: not corosync.running(office.lab, VICTIM), SOON_S)
    office.stop(VICTIM)

    corosync.start(office.lab, [VICTIM])  # somebody starts it by hand, with the old configuration and the old key
    eventually("it has a ring of its own", lambda: corosync.membership(office.lab, VICTIM)[2], SOON_S)
    assert office.at_store(VICTIM, key) == former and members_stay_two(office)
    assert content(office) == before and alpha.online() == OTHERS

    undone = alpha.pvecm("undo", "removal", VICTIM)
    assert undone.returncode == 0, undone.stdout + undone.stderr
    eventually("corosync lists it again", lambda: _listed(office), SOON_S)
    assert members_stay_two(office), "listed again, it is kept out by its key alone"
    corosync.kill(office.lab, VICTIM)
    office.start([VICTIM])
    eventually("it is back with the new key", lambda: alpha.online() == OTHERS | {VICTIM}, SOON_S)
    assert office.at_store(VICTIM, key) != former
    await_one_store(office.nodes, SOON_S)


def _active(office: Office) -> bool:
    """The members have noted that their engines use the key that is on their disks."""
    noted = content(office).get("priv/corosync.key.active", b"").decode()
    return noted == digest_of(office.at_store("alpha", key))


def _listed(office: Office) -> bool:
    """In what the members' corosync has read, not only in the tree."""
    names = office["alpha"].command("corosync-cmapctl", "-g", "nodelist.node.2.name").stdout
    return VICTIM in names
