"""What the mount answers when something is wrong or not allowed, one error after the other (docs/decisions has why)."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.store.mounted import Mounted, mounted

LIMIT = 1 << 20


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mounted]:
    base = tmp_path_factory.mktemp("mount")
    base.parent.chmod(0o755), base.parent.parent.chmod(0o755)  # others must get as far as the mount itself
    with mounted(base) as mount:
        for folder in ("priv", "priv/lock", "nodes", "nodes/alpha", "nodes/alpha/priv", "nodes/alpha/qemu-server"):
            (mount.path / folder).mkdir()
        (mount.path / "nodes/alpha/lxc").mkdir()
        (mount.path / "priv/authkey.key").write_bytes(b"secret")
        (mount.path / "user.cfg").write_bytes(b"user")
        (mount.path / "folder").mkdir()
        (mount.path / "folder/file").write_bytes(b"x")
        (mount.path / "empty").mkdir()
        yield mount


@pytest.fixture
def mount(served: Mounted) -> Iterator[Mounted]:
    served.as_it_was()
    yield served
    served.as_it_was()


def number_of(call: Callable[[], object]) -> int:
    """The error a call fails with; 0 when it succeeds."""
    try:
        call()
    except OSError as error:
        assert error.errno is not None
        return error.errno
    return 0


def write(path: Path, data: bytes = b"x") -> None:
    path.write_bytes(data)


# --- the tree's own refusals ------------------------------------------------------------------------------------------

REFUSALS: dict[str, tuple[Callable[[Path], object], int]] = {
    "make in an absent folder": (lambda at: write(at / "absent/file"), errno.ENOENT),
    "make below a file": (lambda at: write(at / "user.cfg/file"), errno.ENOTDIR),
    "make exclusively what is there": (lambda at: (at / "user.cfg").open("xb").close(), errno.EEXIST),
    "write a folder": (lambda at: write(at / "folder"), errno.EISDIR),
    "mkdir what is there": (lambda at: os.mkdir(at / "folder"), errno.EEXIST),
    "mkdir over a file": (lambda at: os.mkdir(at / "user.cfg"), errno.EEXIST),
    "mkdir in an absent folder": (lambda at: os.mkdir(at / "absent/new"), errno.ENOENT),
    "mkdir below a file": (lambda at: os.mkdir(at / "user.cfg/new"), errno.ENOTDIR),
    "rmdir what is absent": (lambda at: os.rmdir(at / "absent"), errno.ENOENT),
    "remove what is absent": (lambda at: os.unlink(at / "absent"), errno.ENOENT),
    "unlink a folder": (lambda at: os.unlink(at / "empty"), errno.EISDIR),
    "rmdir a file": (lambda at: os.rmdir(at / "user.cfg"), errno.ENOTDIR),
    "rmdir a full folder": (lambda at: os.rmdir(at / "folder"), errno.ENOTEMPTY),
    "rename what is absent": (lambda at: os.rename(at / "absent", at / "new"), errno.ENOENT),
    "rename a full folder": (lambda at: os.rename(at / "folder", at / "new"), errno.ENOTEMPTY),
    "rename a file over a folder": (lambda at: os.rename(at / "user.cfg", at / "empty"), errno.EISDIR),
    "rename a folder over a file": (lambda at: os.rename(at / "empty", at / "user.cfg"), errno.ENOTDIR),
    "rename over a full folder": (lambda at: os.rename(at / "empty", at / "folder"), errno.ENOTEMPTY),
    "rename into an absent folder": (lambda at: os.rename(at / "user.cfg", at / "absent/x"), errno.ENOENT),
    "rename below a file": (lambda at: os.rename(at / "empty", at / "user.cfg/x"), errno.ENOTDIR),
    "rename a folder into itself": (lambda at: os.rename(at / "empty", at / "empty/x"), errno.EINVAL),
    "set the root's time": (lambda at: os.utime(at, (5, 5)), errno.EACCES),
    "remove the root": (lambda at: os.rmdir(at), errno.EBUSY),
    "list an absent folder": (lambda at: os.listdir(at / "absent"), errno.ENOENT),
    "read an absent file": (lambda at: (at / "absent").read_bytes(), errno.ENOENT),
    "touch what is absent": (lambda at: os.utime(at / "absent"), errno.ENOENT),
    # what a configuration file system has not
    "symlink": (lambda at: os.symlink("user.cfg", at / "link"), errno.EPERM),
    "hard link": (lambda at: os.link(at / "user.cfg", at / "link"), errno.EPERM),
    "fifo": (lambda at: os.mkfifo(at / "fifo"), errno.EPERM),
    "device": (lambda at: os.mknod(at / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3)), errno.EPERM),
    "socket": (lambda at: socket.socket(socket.AF_UNIX).bind(os.path.relpath(at / "s")), errno.EPERM),
    "extended attribute": (lambda at: os.setxattr(at / "user.cfg", "user.x", b"1"), errno.EOPNOTSUPP),
    "exchange": (lambda at: exchange(at / "user.cfg", at / "folder/file"), errno.EINVAL),
    # ownership and modes are given by the path
    "another mode": (lambda at: os.chmod(at / "user.cfg", 0o644), errno.EPERM),
    "setuid": (lambda at: os.chmod(at / "user.cfg", 0o4640), errno.EPERM),
    "a private mode for a public file": (lambda at: os.chmod(at / "user.cfg", 0o600), errno.EPERM),
    "a public mode for a private file": (lambda at: os.chmod(at / "priv/authkey.key", 0o640), errno.EPERM),
    "another owner": (lambda at: os.chown(at / "user.cfg", 12345, -1), errno.EPERM),
    "another group": (lambda at: os.chown(at / "user.cfg", -1, 12345), errno.EPERM),
    # virtual objects are in no tree
    "remove a virtual file": (lambda at: os.unlink(at / ".version"), errno.EACCES),
    "replace a virtual link": (lambda at: os.rename(at / "user.cfg", at / "local"), errno.EACCES),
    "write a virtual file": (lambda at: write(at / ".version"), errno.EIO),
    "rename a virtual file": (lambda at: os.rename(at / ".members", at / "members"), errno.EACCES),
    "mkdir over a virtual link": (lambda at: os.mkdir(at / "lxc"), errno.EEXIST),
    "write nonsense to .debug": (lambda at: at_offset(at / ".debug", 1), errno.EIO),
    # limits
    "a name of 256 bytes": (lambda at: write(at / ("n" * 256)), errno.ENAMETOOLONG),
    "a folder's name of 256 bytes": (lambda at: os.mkdir(at / ("n" * 256)), errno.ENAMETOOLONG),
    "a name that is not UTF-8": (lambda at: os.mkdir(os.fsencode(at) + b"/caf\xe9"), errno.EILSEQ),
    "a file that is not UTF-8": (
        lambda at: os.open(os.fsencode(at) + b"/caf\xe9", os.O_CREAT | os.O_WRONLY),
        errno.EILSEQ,
    ),
    "1 MiB and a byte": (lambda at: write(at / "big", b"x" * (LIMIT + 1)), errno.EFBIG),
    "a byte at 2^31": (lambda at: at_offset(at / "big", 1 << 31), errno.EFBIG),
    "truncate to 1 MiB and a byte": (lambda at: os.truncate(at / "user.cfg", LIMIT + 1), errno.EFBIG),
    # locks
    "rename a lock": (lambda at: rename_lock(at), errno.EACCES),
    "refresh a lock to the past": (lambda at: touch_lock(at, 1_000_000_000), errno.EACCES),
    "end a young lock": (lambda at: touch_lock(at, 0), errno.EACCES),
}


def exchange(one: Path, other: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), 2):
        raise OSError(ctypes.get_errno(), "renameat2")


def at_offset(path: Path, offset: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        os.pwrite(fd, b"x", offset)
    finally:
        os.close(fd)


def lock(at: Path) -> Path:
    path = at / "priv/lock/name"
    path.mkdir(exist_ok=True)
    return path


def rename_lock(at: Path) -> None:
    os.rename(lock(at), at / "priv/lock/other")


def touch_lock(at: Path, mtime_s: int) -> None:
    os.utime(lock(at), (mtime_s, mtime_s))


@pytest.mark.parametrize("what", REFUSALS)
def test_it_is_refused_with_the_right_error(mount: Mounted, what: str) -> None:
    call, number = REFUSALS[what]
    before = [path for path in mount.ask("entries") if path not in ("big", "priv/lock/name")]
    assert errno.errorcode.get(number_of(lambda: call(mount.path)), "success") == errno.errorcode[number]
    assert [path for path in mount.ask("entries") if path not in ("big", "priv/lock/name")] == before
    assert mount.content("user.cfg") == b"user"


def test_what_is_at_the_limit_is_accepted(mount: Mounted) -> None:
    (mount.path / ("n" * 255)).write_bytes(b"x")
    (mount.path / "big").write_bytes(b"x" * LIMIT)
    assert (mount.path / "big").stat().st_size == LIMIT
    (mount.path / "deep/er").parent.mkdir()
    for path in ("n" * 255, "big"):
        (mount.path / path).unlink()
    (mount.path / "deep").rmdir()


# --- a cluster that cannot --------------------------------------------------------------------------------------------

MUTATIONS: dict[str, Callable[[Path], object]] = {
    "make": lambda at: write(at / "new"),
    "make exclusively": lambda at: (at / "new").open("xb").close(),
    "overwrite": lambda at: write(at / "user.cfg"),
    "append": lambda at: (at / "user.cfg").open("ab").close(),
    "truncate": lambda at: os.truncate(at / "user.cfg", 1),
    "mkdir": lambda at: os.mkdir(at / "new"),
    "rmdir": lambda at: os.rmdir(at / "empty"),
    "remove": lambda at: os.unlink(at / "user.cfg"),
    "rename": lambda at: os.rename(at / "user.cfg", at / "new"),
    "touch": lambda at: os.utime(at / "user.cfg"),
}


@pytest.mark.parametrize("what", MUTATIONS)
def test_without_quorum_every_change_is_refused_and_reading_goes_on(mount: Mounted, what: str) -> None:
    mount.ask("writable", False)
    assert errno.errorcode.get(number_of(lambda: MUTATIONS[what](mount.path))) == "EACCES"
    assert (mount.path / "user.cfg").read_bytes() == b"user"
    assert mount.changes() == []


@pytest.mark.parametrize(("why", "number"), [("no-quorum", "EACCES"), ("busy", "EBUSY"), ("unknown", "EIO")])
def test_what_the_cluster_answers_is_what_close_answers(mount: Mounted, why: str, number: str) -> None:
    fd = os.open(mount.path / "user.cfg", os.O_WRONLY)
    os.write(fd, b"USER")
    mount.ask("fail", why)
    assert errno.errorcode.get(number_of(lambda: os.close(fd))) == number
    assert (mount.path / "user.cfg").read_bytes() == b"user"


def test_a_failed_fsync_can_be_tried_again(mount: Mounted) -> None:
    with open(mount.path / "again", "wb", buffering=0) as file:
        file.write(b"kept")
        mount.ask("fail", "busy")
        assert errno.errorcode.get(number_of(lambda: os.fsync(file.fileno()))) == "EBUSY"
        mount.ask("fail", "")
        os.fsync(file.fileno())
        assert mount.content("again") == b"kept"
    (mount.path / "again").unlink()


def test_a_second_guest_of_an_id_is_refused_when_it_is_made(mount: Mounted) -> None:
    at = mount.path / "nodes/alpha"
    (at / "qemu-server/100.conf").write_bytes(b"memory: 1\n")
    assert errno.errorcode.get(number_of(lambda: os.open(at / "lxc/100.conf", os.O_CREAT | os.O_WRONLY))) == "EEXIST"
    (at / "lxc/100.conf.tmp").write_bytes(b"x")
    assert errno.errorcode.get(number_of(lambda: os.rename(at / "lxc/100.conf.tmp", at / "lxc/100.conf"))) == "EEXIST"
    os.rename(at / "qemu-server/100.conf", at / "lxc/100.conf")
    (at / "lxc/100.conf").unlink()
    (at / "lxc/100.conf.tmp").unlink()


# --- locks through the mount ------------------------------------------------------------------------------------------


def test_a_lock_ends_on_request_after_120_seconds_and_not_before(mount: Mounted) -> None:
    path = mount.path / "priv/lock/storage"
    path.mkdir()
    mount.ask("later", 120)
    assert number_of(lambda: os.utime(path, (0, 0))) == errno.EACCES
    assert path.is_dir()
    mount.ask("later", 0.001)
    assert number_of(lambda: os.utime(path, (0, 0))) == errno.EACCES
    assert mount.content("priv/lock") is None and "priv/lock/storage" not in mount.ask("entries")
    path.mkdir()  # the next one takes it
    path.rmdir()


def test_a_refresh_by_its_writer_gives_a_lock_its_time_again(mount: Mounted) -> None:
    path = mount.path / "priv/lock/storage"
    path.mkdir()
    mount.ask("later", 119)
    os.utime(path)
    mount.ask("later", 119)
    number_of(lambda: os.utime(path, (0, 0)))
    assert "priv/lock/storage" in mount.ask("entries")
    path.rmdir()


def test_another_node_s_lock_cannot_be_refreshed(mount: Mounted) -> None:
    mount.ask("mkdir", "priv/lock/theirs")
    assert number_of(lambda: os.utime(mount.path / "priv/lock/theirs")) == errno.EACCES
    mount.ask("remove", "priv/lock/theirs")


# --- who may, and how it looks ----------------------------------------------------------------------------------------


def as_user(mount: Mounted, group: str, *argv: str) -> int:
    gid = str((mount.path / "user.cfg").stat().st_gid) if group == "www-data" else "65534"
    command = ("setpriv", "--reuid", "65534", "--regid", gid, "--clear-groups", *argv)
    return subprocess.run(command, capture_output=True, timeout=20).returncode


def test_others_may_look_at_folders_and_read_nothing(mount: Mounted) -> None:
    assert as_user(mount, "nogroup", "ls", str(mount.path)) == 0
    assert as_user(mount, "nogroup", "cat", str(mount.path / "user.cfg")) != 0
    assert as_user(mount, "nogroup", "touch", str(mount.path / "new")) != 0
    assert "new" not in mount.ask("entries")


def test_the_web_s_group_reads_what_is_public_only(mount: Mounted) -> None:
    assert as_user(mount, "www-data", "cat", str(mount.path / "user.cfg")) == 0
    assert as_user(mount, "www-data", "cat", str(mount.path / "priv/authkey.key")) != 0
    assert as_user(mount, "www-data", "ls", str(mount.path / "priv")) != 0
    assert as_user(mount, "www-data", "ls", str(mount.path / "nodes/alpha/priv")) != 0
    assert as_user(mount, "www-data", "sh", "-c", f"echo > {mount.path}/user.cfg") != 0
    assert mount.content("user.cfg") == b"user"


MODES = {
    "": (0o755, 0o755), "folder": (0o755, 0o555), "user.cfg": (0o640, 0o440), "priv": (0o700, 0o500),
    "priv/authkey.key": (0o600, 0o400), "nodes/alpha/priv": (0o700, 0o500), "local": (0o755, 0o555),
    ".version": (0o440, 0o440), ".debug": (0o640, 0o640),
}  # fmt: skip


@pytest.mark.parametrize("path", MODES)
def test_modes_with_and_without_quorum(mount: Mounted, path: str) -> None:
    for writable, mode in zip((True, False), MODES[path], strict=True):
        mount.ask("writable", writable)
        deadline = time.monotonic() + 10
        while (told := os.lstat(mount.path / path)) and stat.S_IMODE(told.st_mode) != mode:
            assert time.monotonic() < deadline, oct(told.st_mode)
            time.sleep(0.005)
        assert told.st_uid == 0


def test_the_usual_modes_and_owners_may_be_set_again(mount: Mounted) -> None:
    path = mount.path / "user.cfg"
    os.chmod(path, 0o640)
    os.chmod(mount.path / "priv/authkey.key", 0o600)
    os.chown(path, 0, path.stat().st_gid)
    os.chown(path, -1, -1)
    assert mount.changes() == []


def test_links_lead_to_this_node(mount: Mounted) -> None:
    assert {name: os.readlink(mount.path / name) for name in ("local", "qemu-server", "lxc", "openvz")} == {
        "local": "nodes/alpha",
        "qemu-server": "nodes/alpha/qemu-server",
        "lxc": "nodes/alpha/lxc",
        "openvz": "nodes/alpha/openvz",
    }


def test_virtual_files_are_made_anew_each_time(mount: Mounted) -> None:
    assert (mount.path / ".version").read_bytes() == b'{"starttime": 1}\n'
    for number in range(20):
        mount.ask("virtual", ".version", f"{'x' * number}\n")
        assert (mount.path / ".version").read_text() == f"{'x' * number}\n"
    mount.ask("virtual", ".version", '{"starttime": 1}\n')


def test_debugging_is_turned_on_and_off_by_writing(mount: Mounted) -> None:
    (mount.path / ".debug").write_text("1\n")
    assert (mount.path / ".debug").read_text() == "1\n"
    (mount.path / ".debug").write_text("0\n")
    assert (mount.path / ".debug").read_text() == "0\n"


def test_statfs_tells_the_truth(mount: Mounted) -> None:
    before = os.statvfs(mount.path)
    assert (before.f_bsize, before.f_blocks, before.f_files, before.f_namemax) == (4096, 32768, 262144, 255)
    (mount.path / "big").write_bytes(b"x" * LIMIT)
    (mount.path / "small").write_bytes(b"")
    after = os.statvfs(mount.path)
    assert (before.f_bavail - after.f_bavail, before.f_ffree - after.f_ffree) == (256, 2)
    assert after.f_ffree == 262144 - 1 - len(mount.ask("entries"))
    (mount.path / "big").unlink()
    (mount.path / "small").unlink()
    assert os.statvfs(mount.path).f_bavail == before.f_bavail
