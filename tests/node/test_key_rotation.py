"""Giving corosync a new key after a removal, and what a removal that is taken back at that very moment makes of it."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from cluster.control.proof import proof
from cluster.control.requests import PeerStanding
from cluster.core.operations import Expect, Mkdir, Remove, Write, digest_of
from cluster.core.tree import Tree
from cluster.corosync import conf
from cluster.errors import StoreRefusal, Unauthenticated
from cluster.model import Link, Node
from cluster.node import certificates, key_rotation, own_files
from cluster.node.handlers import standing
from cluster.node.key_rotation import KeyRotation
from cluster.node.options import Options
from cluster.node.own_files import OwnFiles
from cluster.secret import Secret
from cluster.workflow import tombstone
from cluster.workflow.tombstone import KEY, KEY_ACTIVE, KEY_DUE, KEY_FORMER
from tests.core.trees import do

NODES = [
    Node(name, number, 1, (Link(0, f"10.0.0.{number}"),)) for number, name in enumerate(("alpha", "beta", "gamma"), 1)
]
OLD, OLDER = b"o" * 256, b"p" * 256
CONF = "corosync.conf"


def listing(*nodes: Node) -> bytes:
    document = conf.new("demo", nodes[0])
    for node in nodes[1:]:
        document = conf.add_node(document, node)
    return conf.render(document).encode()


class Member:
    """A node as far as its own files see it. `engine_key` is the one its corosync uses."""

    def __init__(self, office: Office, node: Node, folder: Any) -> None:
        folder.mkdir()
        self.name, self.number, self.office = node.name, node.node_id, office
        options = Options(node.name, folder, "10.0.0.1", corosync_dir=folder)
        self.disk = options.authkey
        self.disk.write_bytes(OLD)
        self.engine_key = OLD
        self.files = OwnFiles(options, self.life, SimpleNamespace(), lambda: False, lambda: "")  # type: ignore[arg-type]
        self.key = KeyRotation(node.name, options.authkey, self.life, lambda: False)  # type: ignore[arg-type]

    @property
    def life(self) -> Any:
        return Life(self)


class Life:
    """One store for all, committed everywhere at once."""

    is_open = True

    def __init__(self, member: Member) -> None:
        self._member, self._office = member, member.office
        self.connection = SimpleNamespace(engine=self)
        self.driver = self

    @property
    def tree(self) -> Tree:
        return self._office.tree

    def document(self) -> conf.Document:
        return conf.parse(self.tree.read(CONF) or b"")

    @property
    def replica(self) -> Any:
        members = tuple(one.number for one in self._office.here)
        log = SimpleNamespace(commit=SimpleNamespace(index=1))
        acked = dict.fromkeys(members, 1) | dict.fromkeys(self._office.behind, 0)
        return SimpleNamespace(
            writable=self._office.writable, members=members, node_id=self._member.number,
            machine=SimpleNamespace(log=log), work=SimpleNamespace(acked=acked),
        )  # fmt: skip

    async def propose(self, operations: Any, user: str, door: str) -> None:
        self._office.commit(*operations)

    async def reload(self) -> None:
        self._office.reload()


class Office:
    """alpha, beta and gamma; `here` are those in the ring."""

    def __init__(self, folder: Any) -> None:
        self.tree, self.writable = Tree(), True
        self.behind: tuple[int, ...] = ()  # who is in the ring and has not got the store yet
        self.members = [Member(self, node, folder / node.name) for node in NODES]
        self.here = self.members[:2]
        do(self.tree, Write(CONF, listing(*NODES)), Mkdir("priv"))

    def commit(self, *operations: Any) -> None:
        changes = (SimpleNamespace(applied=do(self.tree, *operations)),)
        for member in self.here:
            member.files.committed(changes, False)  # type: ignore[arg-type]

    def reload(self) -> None:
        for member in self.here:
            member.engine_key = member.disk.read_bytes()

    def remove_gamma(self) -> None:
        self.commit(Write(CONF, listing(*NODES[:2])), Write(KEY_DUE, b"gamma"))

    def take_back(self) -> None:
        """As the workflow does: the list, then every engine reads it."""
        self.commit(Write(CONF, listing(*NODES)))
        self.reload()


@pytest.fixture
def office(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(key_rotation, "HEARD_S", 0.0)
    monkeypatch.setattr(own_files.OwnFiles, "serve_stored_certificate", lambda self: None)
    return Office(tmp_path)


def disks(office: Office) -> set[bytes]:
    return {member.disk.read_bytes() for member in office.here}


async def test_no_new_key_is_made_while_one_who_joins_has_yet_to_fetch_the_store_with_the_one_it_was_given(office):
    office.remove_gamma()
    office.behind = (office.here[1].number,)
    await office.here[0].key._lead()
    assert office.tree.read(KEY) is None and disks(office) == {OLD}
    office.behind = ()
    await office.here[0].key._lead()
    assert disks(office) == {office.tree.read(KEY)} != {OLD}


async def test_a_new_key_lies_on_every_disk_with_its_commit_and_the_engines_use_it_then(office):
    office.remove_gamma()
    alpha = office.here[0].key
    await alpha._lead()
    new = office.tree.read(KEY)
    assert new not in (None, OLD) and disks(office) == {new} and office.tree.read(KEY_FORMER) == OLD
    assert {member.engine_key for member in office.here} == {OLD}
    await alpha._lead()
    assert {member.engine_key for member in office.here} == {new}
    assert office.tree.read(KEY_ACTIVE) == digest_of(new).encode()


async def test_a_removal_taken_back_while_the_key_changes_lets_the_machine_in_with_the_key_the_engines_use(office):
    office.remove_gamma()
    await office.here[0].key._lead()  # the key is in the tree, and not used yet
    office.take_back()  # from now on nobody changes the key: gamma is not here
    for member in office.here:  # each looks again and again
        member.key.install()
        await member.key._lead()
    given = await ask(office, shown=OLD)
    assert {member.engine_key for member in office.here} == {given.encode("latin-1")}


async def test_no_new_key_is_made_once_somebody_may_be_let_in_with_the_old_one(office):
    office.remove_gamma()
    made: list[Any] = []

    async def propose(operations, user, door):
        made.extend(operations)
        office.take_back()  # ordered before it
        office.commit(*operations)

    alpha = office.here[0]
    life = alpha.life
    life.driver = SimpleNamespace(propose=propose)
    with pytest.raises(StoreRefusal):
        await KeyRotation("alpha", alpha.disk, life, lambda: False)._lead()
    assert any(isinstance(one, Expect) and one.path == CONF for one in made)
    assert office.tree.read(KEY) is None and (await ask(office, shown=OLD)).encode("latin-1") == OLD


async def test_the_key_of_now_lets_in_as_well_as_the_one_before_and_no_other(office):
    office.commit(Write(KEY_FORMER, OLDER), Write(KEY, OLD))  # from an earlier removal
    office.remove_gamma()
    office.take_back()
    for key in (OLD, OLDER):
        assert (await ask(office, shown=key)).encode("latin-1") == OLD
    with pytest.raises(Unauthenticated):
        await ask(office, shown=b"x" * 256)


async def test_a_machine_that_was_off_through_several_removals_is_let_in_with_the_key_it_knew(office):
    alpha = office.here[0].key
    for _ in range(3):
        office.remove_gamma()
        await alpha._lead()
        await alpha._lead()
        office.take_back()
    assert (await ask(office, shown=OLD)).encode("latin-1") == office.tree.read(KEY)
    with pytest.raises(Unauthenticated):
        await ask(office, shown=OLDER)


async def test_who_is_removed_later_does_not_get_the_new_key_in_the_name_of_one_that_came_back(office):
    office.here = list(office.members)  # gamma is back
    await ask(office, shown=OLD)
    assert office.tree.read(tombstone.stone_path("gamma")) is not None
    office.commit(Write(CONF, listing(NODES[0], NODES[2])), Write(KEY_DUE, b"beta"))
    office.here = [office.members[0], office.members[2]]
    await office.here[0].key._lead()
    assert office.tree.read(KEY) not in (None, OLD)
    assert office.tree.read(tombstone.stone_path("gamma")) is None


async def test_a_node_that_started_while_the_key_changes_finds_the_others_by_the_former_key(office):
    office.remove_gamma()
    alpha, beta = office.here
    await alpha.key._lead()
    alpha.engine_key = alpha.disk.read_bytes()  # it starts again, and nobody has told the engines yet
    now_s = [0.0]
    one = KeyRotation("alpha", alpha.disk, alpha.life, lambda: False, lambda: now_s[0])
    office.writable, office.here = False, [alpha]
    used = set()
    for _ in range(60):
        await one._seek()
        used.add(alpha.engine_key)
        one.install()
        now_s[0] += 1.0
        if alpha.engine_key == beta.engine_key:
            break
    assert alpha.engine_key == beta.engine_key == OLD and now_s[0] <= key_rotation.PATIENCE_S + 2
    office.writable, office.here = True, [alpha, beta]
    one.install()
    await one._seek()
    await alpha.key._lead()
    assert alpha.engine_key == beta.engine_key == office.tree.read(KEY) != OLD


async def test_a_node_that_started_after_the_key_changed_tries_the_new_one_too_and_only_while_it_changes(office):
    office.remove_gamma()
    alpha = office.here[0]
    await alpha.key._lead()
    now_s = [0.0]
    one = KeyRotation("alpha", alpha.disk, alpha.life, lambda: False, lambda: now_s[0])
    office.writable, office.here = False, [alpha]
    used = []
    for _ in range(80):
        await one._seek()
        one.install()
        used.append(alpha.engine_key)
        now_s[0] += 1.0
    new = office.tree.read(KEY)
    assert used.count(OLD) > used.count(new) > 5
    do(office.tree, Write(KEY_ACTIVE, digest_of(new).encode()))
    alpha.engine_key = new
    for _ in range(80):
        await one._seek()
        now_s[0] += 1.0
    assert alpha.engine_key == new


def test_a_node_let_in_again_keeps_its_newer_key_until_it_has_the_cluster_s_store(office):
    office.commit(Write(KEY_FORMER, OLDER), Write(KEY, OLD))  # what its copy of the tree knows
    alpha, office.writable = office.here[0], False
    alpha.disk.write_bytes(b"n" * 256)
    alpha.key.install()
    assert alpha.disk.read_bytes() == b"n" * 256
    office.commit(Write(KEY_FORMER, OLD), Write(KEY, b"n" * 256), Remove(CONF), Write(CONF, listing(*NODES)))
    assert alpha.disk.read_bytes() == b"n" * 256
    alpha.disk.write_bytes(OLD)  # one that ended before its copy was made: its own tree has the newer one
    alpha.key.install()
    assert alpha.disk.read_bytes() == b"n" * 256


async def ask(office: Office, shown: bytes) -> str:
    """The key that gamma is given when it comes up and shows that it holds `shown`."""
    now_s = time.time()
    certificate = certificate_of_gamma()
    seen = certificates.fingerprint(certificate)
    stone = tombstone.Stone("gamma", 3, 1, {}, int(now_s), "root@pam", seen, reinstated=True)
    written = {tombstone.stone_path("gamma"): tombstone.write(stone), "nodes/gamma/pve-ssl.pem": certificate}
    do(office.tree, *(Mkdir(path.rpartition("/")[0], parents=True) for path in written))
    do(office.tree, *(Write(path, data) for path, data in written.items()))
    alpha = office.here[0]
    keys = SimpleNamespace(corosync=alpha.disk.read_bytes)
    node: Any = SimpleNamespace(life=alpha.life, document=alpha.life.document, keys=keys)
    body = msgspec.json.encode({"node": "gamma", "fingerprint": seen})
    request = PeerStanding(3, Secret(proof(shown, 3, now_s, body)), body)
    said = await standing.handlers(node)[PeerStanding](request)
    return str(said["admission"]["corosync_authkey"])


def certificate_of_gamma() -> bytes:
    if not MADE:
        from datetime import UTC, datetime

        now = datetime.now(UTC)
        authority, key = certificates.new_authority(now)
        MADE.append(certificates.new_node_certificate(authority, key, "gamma", [], now)[0])
    return MADE[0]


MADE: list[bytes] = []
