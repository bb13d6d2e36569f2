"""Reading and writing through a real mount: what is acknowledged, who sees what when, and what the kernel keeps."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.store.mounted import Mounted, mounted

VIRTUAL = {"local", "qemu-server", "lxc", "openvz", ".version", ".members", ".vmlist", ".clusterlog", ".rrd", ".debug"}
Reader = Callable[[Path], bytes]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mounted]:
    with mounted(tmp_path_factory.mktemp("mount")) as mount:
        yield mount


@pytest.fixture
def mount(served: Mounted) -> Iterator[Mounted]:
    served.as_it_was()
    yield served
    served.as_it_was()


@pytest.fixture
def folder(mount: Mounted, request: pytest.FixtureRequest) -> Path:
    path = mount.path / request.node.name
    path.mkdir()
    mount.changes()
    return path


@pytest.fixture
def read_elsewhere(mount: Mounted) -> Iterator[Reader]:
    with mount.other_reader() as read:
        yield read


def until(true: Callable[[], bool], why: str) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, why
        time.sleep(0.005)


def test_a_closed_file_is_one_change_in_the_store(mount: Mounted, folder: Path) -> None:
    (folder / "file").write_bytes(b"content")
    assert mount.content(f"{folder.name}/file") == b"content"
    assert mount.changes() == [["Write"]]


def test_writing_in_pieces_of_4_kib_is_one_change(mount: Mounted, folder: Path) -> None:
    data = os.urandom(300_000)
    with open(folder / "file", "wb", buffering=0) as file:
        for start in range(0, len(data), 4096):
            file.write(data[start : start + 4096])
        assert mount.content(f"{folder.name}/file") is None
    assert mount.content(f"{folder.name}/file") == data
    assert mount.changes() == [["Write"]]


def test_each_fsync_is_a_change_and_closing_adds_none(mount: Mounted, folder: Path) -> None:
    with open(folder / "file", "wb", buffering=0) as file:
        file.write(b"one")
        os.fsync(file)
        assert mount.content(f"{folder.name}/file") == b"one"
        os.fsync(file)
        file.write(b"two")
        os.fsync(file)
        assert mount.content(f"{folder.name}/file") == b"onetwo"
    assert mount.changes() == [["Write"], ["Write"]]


def test_an_untouched_handle_proposes_nothing(mount: Mounted, folder: Path) -> None:
    (folder / "file").write_bytes(b"content")
    mount.changes()
    with open(folder / "file", "r+b") as file:
        assert file.read() == b"content"
    assert mount.changes() == []


def test_appending_continues_at_the_end(mount: Mounted, folder: Path) -> None:
    (folder / "file").write_bytes(b"one\n")
    with open(folder / "file", "ab", buffering=0) as file:
        file.write(b"two\n")
        file.write(b"three\n")
    assert mount.content(f"{folder.name}/file") == b"one\ntwo\nthree\n"


def test_a_write_in_the_middle_keeps_the_rest(mount: Mounted, folder: Path) -> None:
    (folder / "file").write_bytes(b"0123456789")
    with open(folder / "file", "r+b", buffering=0) as file:
        file.seek(4)
        file.write(b"XY")
    assert mount.content(f"{folder.name}/file") == b"0123XY6789"


def test_a_gap_is_filled_with_zeros(mount: Mounted, folder: Path) -> None:
    with open(folder / "file", "wb", buffering=0) as file:
        file.seek(5)
        file.write(b"x")
    assert mount.content(f"{folder.name}/file") == b"\0\0\0\0\0x"


def test_truncating_by_name_and_by_handle(mount: Mounted, folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"0123456789")
    os.truncate(path, 4)
    assert mount.content(f"{folder.name}/file") == b"0123"
    with open(path, "r+b", buffering=0) as file:
        file.truncate(6)
        assert os.fstat(file.fileno()).st_size == 6
    assert mount.content(f"{folder.name}/file") == b"0123\0\0"
    assert path.read_bytes() == b"0123\0\0"


def test_writing_less_over_more_leaves_no_tail(mount: Mounted, folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"a long first content")
    path.read_bytes()
    path.write_bytes(b"short")
    assert (path.read_bytes(), mount.content(f"{folder.name}/file")) == (b"short", b"short")


def test_renaming_over_a_file_replaces_it_at_once(mount: Mounted, folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"old")
    with open(path, "rb") as old:
        (folder / "file.tmp").write_bytes(b"new")
        os.rename(folder / "file.tmp", path)
        assert path.read_bytes() == b"new"
        assert old.read() == b"old"
    assert mount.changes() == [["Write"], ["Write"], ["Rename"]]
    assert sorted(os.listdir(folder)) == ["file"]


def test_a_file_made_exclusively_is_there_for_everyone_at_once(mount: Mounted, folder: Path) -> None:
    fd = os.open(folder / "file", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        assert mount.content(f"{folder.name}/file") == b""
        with pytest.raises(FileExistsError):
            os.open(folder / "file", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(fd, b"mine")
    finally:
        os.close(fd)
    assert mount.content(f"{folder.name}/file") == b"mine"


def test_a_file_removed_before_it_was_closed_is_nowhere(mount: Mounted, folder: Path) -> None:
    with open(folder / "file", "wb", buffering=0) as file:
        file.write(b"x")
        os.unlink(folder / "file")
        assert not (folder / "file").exists()
    assert mount.changes() == []
    assert os.listdir(folder) == []
    folder.rmdir()


def test_a_folder_in_which_a_file_is_being_made_is_not_empty(mount: Mounted, folder: Path) -> None:
    with open(folder / "file", "wb", buffering=0) as file:
        file.write(b"x")
        with pytest.raises(OSError, match="not empty"):
            folder.rmdir()
    assert mount.content(f"{folder.name}/file") == b"x"


def test_a_file_renamed_while_it_is_being_written_keeps_all_of_it(mount: Mounted, folder: Path) -> None:
    with open(folder / "new", "wb", buffering=0) as file:
        file.write(b"one ")
        os.rename(folder / "new", folder / "file")
        file.write(b"two")
    assert mount.content(f"{folder.name}/file") == b"one two"
    assert os.listdir(folder) == ["file"]


def test_other_readers_see_the_whole_old_or_the_whole_new_content(
    mount: Mounted, folder: Path, read_elsewhere: Reader
) -> None:
    path = folder / "file"
    path.write_bytes(b"old old old")
    assert read_elsewhere(path) == b"old old old"
    with open(path, "wb", buffering=0) as file:
        assert read_elsewhere(path) == b"old old old"
        file.write(b"new ")
        assert read_elsewhere(path) == b"old old old"
        file.write(b"new, and longer than what was there before")
        assert os.fstat(file.fileno()).st_size == 46
        assert read_elsewhere(path) == b"old old old"
    until(
        lambda: read_elsewhere(path) == b"new new, and longer than what was there before", "the new content is missing"
    )


def test_a_new_file_has_no_content_for_others_until_it_is_closed(
    mount: Mounted, folder: Path, read_elsewhere: Reader
) -> None:
    with open(folder / "file", "wb", buffering=0) as file:
        file.write(b"half")
        assert read_elsewhere(folder / "file") == b""
    assert read_elsewhere(folder / "file") == b"half"


def test_a_time_set_is_kept(mount: Mounted, folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"x")
    os.utime(path, (5, 1_600_000_000))
    assert path.stat().st_mtime == 1_600_000_000
    os.utime(folder, (5, 1_500_000_000))
    assert folder.stat().st_mtime == 1_500_000_000


def test_a_time_set_while_writing_goes_with_the_content(mount: Mounted, folder: Path) -> None:
    with open(folder / "file", "wb", buffering=0) as file:
        file.write(b"x")
        os.utime(file.fileno(), (5, 1_600_000_000))
    assert mount.changes() == [["Write", "Touch"]]
    assert (folder / "file").stat().st_mtime == 1_600_000_000


def test_what_is_written_while_a_flush_is_under_way_is_not_lost(mount: Mounted, folder: Path) -> None:
    with open(folder / "file", "wb", buffering=0) as file:
        file.write(b"one ")
        mount.ask("hold", True)
        flushing = threading.Thread(target=os.close, args=(os.dup(file.fileno()),))
        flushing.start()
        until(lambda: mount.ask("requests").get("flush", 0) > 0, "nothing is flushed")
        file.write(b"two")
        mount.ask("hold", False)
        flushing.join(10)
    assert mount.content(f"{folder.name}/file") == b"one two"


# --- what the kernel keeps, and is told ------------------------------------------------------------------------------


def test_reading_again_asks_for_no_attributes_no_content_and_no_flush(mount: Mounted, folder: Path) -> None:
    (folder / "file").write_bytes(b"content")
    (folder / "file").read_bytes()
    mount.ask("requests")
    for _ in range(50):
        assert (folder / "file").read_bytes() == b"content"
        os.stat(folder / "file")
    asked = mount.ask("requests")
    assert asked.get("read", 0) + asked.get("getattr", 0) + asked.get("lookup", 0) <= 3
    assert (asked["open"], asked.get("flush", 0)) == (50, 0)


def test_listing_again_asks_for_nothing_until_something_is_made(mount: Mounted, folder: Path) -> None:
    for number in range(300):
        mount.put(f"{folder.name}/file-{number:04}", b"")
    names = [f"file-{number:04}" for number in range(300)]
    until(lambda: sorted(os.listdir(folder)) == names, "not all are listed")

    def asked() -> int:
        mount.ask("requests")
        for _ in range(20):
            assert sorted(os.listdir(folder)) == names
        return sum(mount.ask("requests").values())

    until(lambda: asked() == 0, "it is asked for again and again")
    mount.put(f"{folder.name}/file-0300", b"")
    until(lambda: sorted(os.listdir(folder)) == [*names, "file-0300"], "a new file is not listed")
    mount.ask("remove", f"{folder.name}/file-0000")
    until(lambda: sorted(os.listdir(folder)) == [*names[1:], "file-0300"], "a removed file is listed")


def test_who_has_closed_a_file_sees_it_listed_and_its_content_whoever_looked_before(
    mount: Mounted, folder: Path, read_elsewhere: Reader
) -> None:
    for number in range(30):
        path = folder / f"file-{number}"
        with open(path, "wb") as file:
            assert path.name not in os.listdir(folder)
            assert read_elsewhere(path) == b""
            file.write(b"new")
        assert path.name in os.listdir(folder)
        assert read_elsewhere(path) == b"new"
        with open(path, "r+b") as file:
            assert read_elsewhere(path) == b"new"
            file.write(b"N")
        assert path.read_bytes() == b"New"


def test_links_and_absent_names_are_not_asked_for_again(mount: Mounted, folder: Path) -> None:
    def asked() -> int:
        mount.ask("requests")
        for _ in range(20):
            assert os.readlink(mount.path / "local") == "nodes/alpha"
            assert not (folder / "absent").exists()
        return sum(mount.ask("requests").values())

    until(lambda: asked() == 0, "they are asked for again and again")
    mount.put(f"{folder.name}/absent", b"x")
    until(lambda: (folder / "absent").exists(), "what was made stays absent")


def test_a_file_removed_by_another_node_can_be_read_on(mount: Mounted, folder: Path) -> None:
    (folder / "file").write_bytes(b"content")
    with open(folder / "file", "rb", buffering=0) as file:
        mount.ask("remove", f"{folder.name}/file")
        until(lambda: not (folder / "file").exists(), "a removed file stays")
        assert os.fstat(file.fileno()).st_size == 7
        assert file.read() == b"content"


@pytest.mark.parametrize("told", [True, False])
def test_a_store_replaced_by_another_shows_nothing_of_the_old(mount: Mounted, told: bool) -> None:
    mount.ask("replace", {"one": "old one", "two": "old two", "three": "old three"}, True)
    assert {name: (mount.path / name).read_text() for name in ("one", "two")} == {"one": "old one", "two": "old two"}
    assert os.stat(mount.path / "three").st_size == 9
    mount.ask("replace", {"two": "new", "one": "old"}, told)  # with the same inodes for other names
    mount.put("one", b"new one")
    until(
        lambda: (mount.path / "one").read_text() == "new one" and (mount.path / "two").read_text() == "new",
        "the old content stays",
    )
    until(lambda: {"one", "two"} == {*os.listdir(mount.path)} - VIRTUAL, "the old names stay")
    assert not (mount.path / "three").exists()


def test_what_another_node_changes_is_seen(mount: Mounted, folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"first")
    for number in range(30):
        data = b"x" * number
        mount.put(f"{folder.name}/file", data)
        until(lambda data=data: (path.read_bytes(), path.stat().st_size) == (data, len(data)), "the old content stays")


def test_what_another_node_makes_removes_and_renames_is_seen(mount: Mounted, folder: Path) -> None:
    assert not (folder / "file").exists()
    mount.put(f"{folder.name}/file", b"x")
    until(lambda: (folder / "file").exists(), "a new file is missing")
    mount.ask("rename", f"{folder.name}/file", f"{folder.name}/other")
    until(lambda: not (folder / "file").exists() and (folder / "other").read_bytes() == b"x", "the old name stays")
    mount.ask("remove", f"{folder.name}/other")
    until(lambda: not (folder / "other").exists() and os.listdir(folder) == [], "a removed file stays")


def test_a_file_replaced_by_another_node_is_read_anew(mount: Mounted, folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"old")
    assert path.read_bytes() == b"old"
    mount.put(f"{folder.name}/tmp", b"new")
    mount.ask("rename", f"{folder.name}/tmp", f"{folder.name}/file")
    until(lambda: path.read_bytes() == b"new", "the old file stays")


def test_modes_follow_the_quorum_at_once(mount: Mounted, folder: Path) -> None:
    (folder / "file").write_bytes(b"x")
    assert (folder / "file").stat().st_mode & 0o777 == 0o640
    mount.ask("writable", False)
    until(lambda: (folder / "file").stat().st_mode & 0o777 == 0o440, "still writable")
    until(lambda: folder.stat().st_mode & 0o777 == 0o555, "still writable")
    assert os.lstat(mount.path / "local").st_mode & 0o200 == 0
    mount.ask("writable", True)
    until(lambda: (folder / "file").stat().st_mode & 0o777 == 0o640, "still read-only")


def test_a_stalled_cluster_does_not_stop_reading(mount: Mounted, folder: Path, read_elsewhere: Reader) -> None:
    (folder / "file").write_bytes(b"content")
    mount.ask("hold", True)
    writing = [threading.Thread(target=(folder / f"w{n}").write_bytes, args=(b"x",)) for n in range(8)]
    for thread in writing:
        thread.start()
    assert read_elsewhere(folder / "file") == b"content"
    assert "file" in os.listdir(folder)
    mount.ask("hold", False)
    for thread in writing:
        thread.join(10)
    assert len(os.listdir(folder)) == 9


def test_a_large_folder_is_listed_whole(mount: Mounted, folder: Path) -> None:
    for number in range(700):
        mount.put(f"{folder.name}/file-{number:04}", b"")
    assert sorted(os.listdir(folder)) == [f"file-{number:04}" for number in range(700)]


def test_a_folder_lists_itself_and_the_one_above(mount: Mounted, folder: Path) -> None:
    (folder / "below").mkdir()
    listed = mount.run("ls", "-ai", str(folder / "below")).stdout.split()
    assert listed == [str((folder / "below").stat().st_ino), ".", str(folder.stat().st_ino), ".."]


def test_a_folder_may_change_while_it_is_listed(mount: Mounted, folder: Path) -> None:
    for number in range(300):
        mount.put(f"{folder.name}/file-{number:04}", b"")
    with os.scandir(folder) as listing:
        seen = [next(listing).name]
        for number in range(0, 300, 2):
            mount.ask("remove", f"{folder.name}/file-{number:04}")
        seen += [entry.name for entry in listing]
    assert len(seen) == len(set(seen))
    assert {f"file-{number:04}" for number in range(1, 300, 2)} <= set(seen)
