"""The time machine, asked of a real daemon: who changed what and when, what was there, and bringing it back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cluster.control.access_requests import AclChange, UserAdd
from cluster.control.requests import (
    StoreCheck,
    StoreConflict,
    StoreConflictRestore,
    StoreConflicts,
    StoreDiff,
    StoreHistory,
    StoreList,
    StoreOutcome,
    StoreRead,
    StoreRestore,
    StoreShow,
    StoreWrite,
)
from cluster.core.log import chained
from cluster.core.messages import Point
from cluster.core.operations import (
    Command,
    EpochStart,
    Expect,
    Mkdir,
    Remove,
    Rename,
    Touch,
    Write,
    digest_of,
    encode_body,
)
from cluster.errors import Conflict as Contradiction
from cluster.errors import Forbidden, InvalidInput, NotFound, StoreRefusal
from cluster.node.handlers.conflicts import id_of
from cluster.store.base import Conflict
from tests.node.alone import Alone, alone, named


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Alone]:
    async with alone(tmp_path / "alpha") as started:
        yield started


async def content(node: Alone, path: str, revision: str) -> Any:
    shown = await node.ask(StoreShow(path, revision))
    return shown["data"] if shown["kind"] == "file" else shown["kind"]


async def changes(node: Alone, path: str = "", **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await node.ask(StoreHistory(path, **more)))["changes"]
    return found


async def test_a_change_is_told_with_who_when_where_how_and_what(node: Alone) -> None:
    began_s = time.time()
    revision = await node.write("datacenter.cfg", "keyboard: de\n", door="page")
    newest = (await changes(node, "datacenter.cfg"))[0]
    assert named(newest["revision"]) == revision
    assert (newest["user"], newest["door"], newest["node"]) == ("root@pam", "page", "alpha")
    assert newest["paths"] == [{"path": "datacenter.cfg", "kind": "file"}] and newest["held"]
    assert began_s - 1 <= newest["time_s"] <= time.time() + 1


async def test_a_local_user_is_told_by_number(node: Alone) -> None:
    await node.change(Write("a.cfg", b"x"), user="uid 1000")
    newest = (await changes(node))[0]
    assert (newest["user"], newest["door"]) == ("uid 1000", "mount")


async def test_every_revision_of_a_file_can_be_shown(node: Alone) -> None:
    first = await node.write("a.cfg", "one\n")
    second = await node.write("a.cfg", "two\n")
    removed = await node.change(Remove("a.cfg"))
    assert await content(node, "a.cfg", first) == b"one\n"
    assert await content(node, "a.cfg", second) == b"two\n"
    assert await content(node, "a.cfg", removed) == "absent"
    before = f"{int(first.split('.')[1]) - 1}"
    assert await content(node, "a.cfg", before) == "absent"


async def test_a_file_is_followed_through_renames_and_touches(node: Alone) -> None:
    written = await node.change(Mkdir("dir"), Write("dir/new", b"content"))
    renamed = await node.change(Rename("dir/new", "dir/old"))
    touched = await node.change(Touch("dir/old", 7))
    await node.change(Write("dir/old", b"other"))
    assert await content(node, "dir/new", written) == b"content"
    assert await content(node, "dir/old", written) == "absent"
    assert await content(node, "dir/old", renamed) == b"content" == await content(node, "dir/old", touched)
    assert await content(node, "dir/new", renamed) == "absent"
    assert await content(node, "dir", written) == "dir"


async def test_what_was_there_before_the_log_begins_is_kept_when_it_is_overwritten(node: Alone) -> None:
    """As after founding a cluster: the log begins anew, and the first edit must not lose what it replaced."""
    await node.write("a.cfg", "old\n")
    await node.write("b.cfg", "stays\n")
    await node.change(Mkdir("folder"), Write("folder/c", b"gone"))
    node.daemon.life.disk.trim(0, 0)
    first = (await changes(node, "folder"))[0]
    at = named((await node.ask(StoreHistory()))["first"])
    assert named(first["revision"]) == at and not first["held"]
    await node.change(Write("a.cfg", b"new\n"), Remove("folder/c"), Remove("folder"), Write("made.cfg", b""))
    assert await content(node, "a.cfg", at) == b"old\n"
    assert await content(node, "b.cfg", at) == b"stays\n"
    assert await content(node, "folder/c", at) == b"gone"
    assert await content(node, "folder", at) == "dir"
    assert await content(node, "made.cfg", at) == "absent"


async def test_what_is_too_old_to_be_held_is_plainly_said(node: Alone) -> None:
    first = await node.write("a.cfg", "one\n")
    second = await node.write("a.cfg", "two\n")
    await node.write("a.cfg", "three\n")
    node.daemon.life.disk.trim(0, 0)
    await node.write("a.cfg", "four\n")
    for revision in (first, second):
        with pytest.raises(NotFound, match="older than what this node keeps") as caught:
            await content(node, "a.cfg", revision)
        assert caught.value.http_status == 404
    with pytest.raises(NotFound, match="older than what this node keeps"):
        await node.ask(StoreRestore("a.cfg", first))


@pytest.mark.parametrize("revision", ["", "x", "1.", ".", "1.999999", "77.3", "-1", "1.2.3", "٣"])
async def test_a_revision_that_does_not_exist_is_not_found(node: Alone, revision: str) -> None:
    with pytest.raises(NotFound):
        await content(node, "a.cfg", revision)


async def test_two_revisions_are_compared_line_by_line(node: Alone) -> None:
    first = await node.write("a.cfg", "one\ntwo\n")
    second = await node.write("a.cfg", "one\n2\n")
    by_pair = await node.ask(StoreDiff("a.cfg", first, second))
    by_change = await node.ask(StoreDiff("a.cfg", newer=second))
    assert by_pair["lines"][2:] == by_change["lines"][2:] == ["@@ -1,2 +1,2 @@", " one", "-two", "+2"]
    assert (await node.ask(StoreDiff("a.cfg", first)))["lines"] == by_pair["lines"]
    assert not by_pair["binary"]
    binary = await node.change(Write("a.cfg", b"\0\1"))
    assert (await node.ask(StoreDiff("a.cfg", newer=binary)))["binary"]


async def test_a_file_is_restored_as_a_new_change(node: Alone) -> None:
    first = await node.write("a.cfg", "one\n")
    await node.write("a.cfg", "two\n")
    answer = await node.ask(StoreRestore("a.cfg", first, door="page"))
    assert answer["paths"] == ["a.cfg"]
    assert (await node.ask(StoreRead("a.cfg")))["data"] == b"one\n"
    assert [named(one["revision"]) for one in await changes(node, "a.cfg")][0] == named(answer["revision"])
    assert await node.ask(StoreRestore("a.cfg", first)) == {"revision": None, "paths": []}


async def test_a_removed_file_comes_back_with_its_folder(node: Alone) -> None:
    there = await node.change(Mkdir("x/y", parents=True), Write("x/y/z", b"data"))
    await node.change(Remove("x/y/z"), Remove("x/y"), Remove("x"))
    await node.ask(StoreRestore("x/y/z", there))
    assert (await node.ask(StoreRead("x/y/z")))["data"] == b"data"


async def test_a_restore_does_not_undo_what_its_asker_has_not_seen(node: Alone) -> None:
    first = await node.write("a.cfg", "one\n")
    await node.write("a.cfg", "two\n")
    with pytest.raises(StoreRefusal, match="changed by someone else"):
        await node.ask(StoreRestore("a.cfg", first, digest=digest_of(b"not this\n")))
    assert (await node.ask(StoreRead("a.cfg")))["data"] == b"two\n"


async def test_the_whole_tree_is_restored_in_one_change_and_keys_stay(node: Alone) -> None:
    await node.change(Write("kept.cfg", b"1"), Mkdir("d"), Write("d/gone.cfg", b"2"), Write("typed", b"file"))
    then = await node.write("changed.cfg", "before")
    keys = await node.ask(StoreRead("priv/authkey.key"))
    await node.change(Write("changed.cfg", b"after"), Remove("d/gone.cfg"), Remove("d"))
    await node.change(Mkdir("n/e/w", parents=True), Write("n/e/w/file", b"3"), Remove("typed"), Mkdir("typed"))
    await node.change(Write("priv/authkey.key", keys["data"] + b"\n"))
    before = len(await changes(node))
    await node.ask(StoreRestore("", then))
    assert len(await changes(node)) == before + 1
    assert (await node.ask(StoreRead("changed.cfg")))["data"] == b"before"
    assert (await node.ask(StoreRead("d/gone.cfg")))["data"] == b"2"
    assert (await node.ask(StoreRead("typed")))["data"] == b"file"
    assert (await node.ask(StoreRead("priv/authkey.key")))["data"] == keys["data"] + b"\n"
    with pytest.raises(NotFound):
        await node.ask(StoreList("n"))


async def test_history_comes_in_pages(node: Alone) -> None:
    for number in range(7):
        await node.write("a.cfg", str(number))
    first = await node.ask(StoreHistory("a.cfg", limit=3))
    rest = await node.ask(StoreHistory("a.cfg", limit=50, before=first["changes"][-1]["revision"][1]))
    indexes = [one["revision"][1] for one in first["changes"] + rest["changes"]]
    assert first["more"] and not rest["more"]
    assert len(indexes) == 7 and indexes == sorted(indexes, reverse=True)


async def test_a_path_is_not_taken_for_another_that_contains_it(node: Alone) -> None:
    await node.change(Mkdir("x"), Write("x/a.cfg", b""), Write("aa.cfg", b""))
    assert await changes(node, "a.cfg") == []
    assert len(await changes(node, "x")) == 1


# --- who may ----------------------------------------------------------------------------------------------------------


async def test_a_user_without_the_privilege_reads_nothing_of_the_store(node: Alone) -> None:
    alice = "alice@pve"
    await node.ask(UserAdd("root@pam", alice))
    revision = await node.write("corosync.conf.new", "totem {}\n")
    path = "corosync.conf.new"
    for request in (
        StoreRead(path, user=alice), StoreRead("user.cfg", user=alice), StoreRead("nodes/alpha/config", user=alice),
        StoreList("", user=alice), StoreHistory("", user=alice), StoreShow(path, revision, user=alice),
        StoreDiff(path, newer=revision, user=alice), StoreCheck(path, b"", user=alice),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            await node.ask(request)
    with pytest.raises(NotFound):
        await node.ask(StoreRead("storage.cfg", user=alice))


async def test_private_things_are_for_root_alone(node: Alone) -> None:
    mallory = "mallory@pve"
    await node.ask(UserAdd("root@pam", mallory))
    await node.ask(AclChange("root@pam", "/", ["PVEAuditor"], users=[mallory]))
    await node.write("priv/tfa.cfg", "{}")
    revision = await node.change(Mkdir("nodes/alpha/priv", parents=True), Write("nodes/alpha/priv/x", b"secret"))
    for path in ("priv", "priv/tfa.cfg", "/priv//tfa.cfg", "nodes/alpha/priv/x", "pve-www.key"):
        for request in (
            StoreRead(path, user=mallory),
            StoreList(path, user=mallory),
            StoreHistory(path, user=mallory),
            StoreShow(path, revision, user=mallory),
            StoreDiff(path, newer=revision, user=mallory),
            StoreCheck(path, b"", user=mallory),
        ):
            with pytest.raises(Forbidden):
                await node.ask(request)
    names = {one["name"] for one in await node.ask(StoreList(user=mallory))}
    assert "authkey.pub" in names and not names & {"priv", "pve-www.key"}
    told = [path["path"] for one in await changes(node, user=mallory) for path in one["paths"]]
    assert told and not [path for path in told if "priv" in path or path.endswith(".key")]


async def test_only_root_changes_anything(node: Alone) -> None:
    revision = await node.write("a.cfg", "x")
    for request in (
        StoreWrite("a.cfg", b"y", user="mallory@pve"),
        StoreRestore("a.cfg", revision, user="mallory@pve"),
        StoreConflicts(user="mallory@pve"),
    ):
        with pytest.raises(Forbidden):
            await node.ask(request)
    assert await node.ask(StoreConflicts()) == []


async def test_what_the_cluster_did_not_keep_is_told_with_who_made_it(
    node: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Command("r", 7, 1_700_000_000_000, "uid 33", "mount", (Expect("a", ""), Write("a", b"lost"), Remove("b")))
    journal = (
        Conflict(1_700_000_009, chained(Point(3, 11), 4, encode_body(command))),
        Conflict(1_700_000_008, chained(Point(3, 10), 4, encode_body(EpochStart(4)))),
    )
    monkeypatch.setattr(node.daemon.life.disk, "conflicts", lambda limit: journal)
    assert await node.ask(StoreConflicts()) == [
        {
            "id": id_of(journal[0].entry), "time_s": 1_700_000_009, "revision": [4, 12], "user": "uid 33",
            "door": "mount", "node": "node 7",
            "node_id": 7, "made_s": 1_700_000_000.0,
            "operations": [
                {"what": "write", "path": "a", "size": 4}, {"what": "remove", "path": "b", "size": 0},
            ],
        }
    ]  # fmt: skip


async def test_what_the_cluster_did_not_keep_is_shown_and_made_again_by_hand(
    node: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Command("r", 7, 1_000, "uid 33", "mount", (Expect("x/a", "0" * 40), Write("x/a", b"lost"), Remove("b")))
    entry = chained(Point(3, 11), 4, encode_body(command))
    monkeypatch.setattr(node.daemon.life.disk, "conflicts", lambda limit: (Conflict(1_700_000_009, entry),))
    shown = await node.ask(StoreConflict(id_of(entry)))
    assert [one["data"] for one in shown["operations"]] == [b"lost", None]
    asked = StoreConflictRestore(id_of(entry), request_id="again-please")
    done = await node.ask(asked)
    assert done["paths"] == ["x", "x/a"] and (await node.ask(StoreRead("x/a")))["data"] == b"lost"
    told = (await changes(node, "x/a"))[0]
    assert (told["user"], told["revision"]) == ("root@pam", done["revision"])
    assert (await node.ask(asked))["revision"] == done["revision"]
    with pytest.raises(NotFound):
        await node.ask(StoreConflict("0" * 16))


async def test_what_has_nothing_to_make_again_and_membership_are_left_alone(
    node: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_removed = chained(Point(3, 11), 4, encode_body(Command("r", 7, 1_000, "uid 0", "mount", (Remove("b"),))))
    membership = Command("s", 7, 1_000, "uid 0", "mount", (Write("corosync.conf", b""),))
    journal = tuple(Conflict(1, each) for each in (only_removed, chained(Point(3, 12), 4, encode_body(membership))))
    monkeypatch.setattr(node.daemon.life.disk, "conflicts", lambda limit: journal)
    for one in journal:
        with pytest.raises(Contradiction):
            await node.ask(StoreConflictRestore(id_of(one.entry)))


async def test_what_happened_after_all_is_no_conflict(node: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that was dropped at a merge and asked for again by its proposer, under the same id."""
    await node.write("a.cfg", "x", request_id="asked-twice")
    entry = chained(Point(3, 11), 4, encode_body(Command("asked-twice", 0, 1, "uid 0", "api", (Write("a", b"x"),))))
    monkeypatch.setattr(node.daemon.life.disk, "conflicts", lambda limit: (Conflict(1, entry),))
    assert await node.ask(StoreConflicts()) == []


# --- what became of a request -----------------------------------------------------------------------------------------


async def test_what_became_of_a_request_can_be_asked_later(node: Alone) -> None:
    revision = await node.write("a.cfg", "x", request_id="first-request")
    assert await node.ask(StoreOutcome("first-request")) == {
        "request_id": "first-request", "outcome": "ok", "revision": [int(part) for part in revision.split(".")],
        "message": "",
    }  # fmt: skip
    with pytest.raises(StoreRefusal):
        await node.write("a.cfg", "y", digest="0" * 40, request_id="second-request")
    failed = await node.ask(StoreOutcome("second-request"))
    assert failed["outcome"] == "failed" and "by someone else" in failed["message"]
    assert failed["revision"] > [int(part) for part in revision.split(".")], "where it was looked at, and refused"
    unknown = await node.ask(StoreOutcome("never-asked-for"))
    assert (unknown["outcome"], unknown["message"]) == ("unknown", "This node knows of no such change.")


async def test_the_same_request_id_is_done_once_and_answered_alike(node: Alone) -> None:
    revision = await node.write("a.cfg", "x", request_id="one-request")
    await node.write("a.cfg", "z")
    assert await node.write("a.cfg", "x", request_id="one-request") == revision
    assert (await node.ask(StoreRead("a.cfg")))["data"] == b"z"


# --- checking before writing ------------------------------------------------------------------------------------------


async def test_a_text_is_checked_by_the_grammar_of_its_file(node: Alone) -> None:
    good = await node.ask(StoreCheck("storage.cfg", b"dir: local\n\tpath /var/lib/vz\n\tshared\n"))
    assert good == {"grammar": "sections", "errors": [], "warnings": []}
    bad = await node.ask(StoreCheck("storage.cfg", b"dir: local\n\npath /x\n"))
    assert [one["line"] for one in bad["errors"]] == [3]
    assert (await node.ask(StoreCheck("notes.txt", b"\xff")))["grammar"] == ""
    assert (await node.ask(StoreCheck("corosync.conf", b"totem {\n")))["errors"]


async def test_what_does_not_follow_its_grammar_is_not_saved_when_asked_to_check(node: Alone) -> None:
    with pytest.raises(InvalidInput) as caught:
        await node.write("datacenter.cfg", "keyboard de\n", check=True)
    assert "text" in caught.value.fields
    with pytest.raises(InvalidInput, match="not a door"):
        await node.write("datacenter.cfg", "", door="window")
    with pytest.raises(NotFound):
        await node.ask(StoreRead("datacenter.cfg"))
