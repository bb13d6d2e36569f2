"""Ordinary tools on a real mount: each does its work, and the store holds what the tool was given."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.mounted import Mounted, mounted

SOURCES = {
    "user.cfg": b"user:root@pam:1:0:::root@localhost::\n",
    "qemu-server/100.conf": b"memory: 512\ncores: 2\n",
    "firewall/cluster.fw": b"[OPTIONS]\n\nenable: 0\n",
    "firewall/empty.fw": b"",
    "large.bin": bytes(range(256)) * 1024,
    "ünïcödé näme.txt": "grüße\n".encode(),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mounted]:
    with mounted(tmp_path_factory.mktemp("mount")) as mount:
        yield mount


@pytest.fixture
def mount(served: Mounted) -> Iterator[Mounted]:
    served.as_it_was()
    yield served


@pytest.fixture
def folder(mount: Mounted, request: pytest.FixtureRequest) -> Path:
    path = mount.path / request.node.name
    path.mkdir()
    mount.changes()
    return path


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name, content in SOURCES.items():
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / name).write_bytes(content)
    return tmp_path / "from"


def stored(mount: Mounted, above: str) -> dict[str, bytes]:
    """Every file below a folder, as the store holds it."""
    found = {}
    for path in mount.ask("entries"):
        content = mount.content(path) if path.startswith(f"{above}/") else None
        if content is not None:
            found[path.removeprefix(f"{above}/")] = content
    return found


def test_cp_r_into_the_mount_and_out_of_it(mount: Mounted, folder: Path, sources: Path, tmp_path: Path) -> None:
    mount.run("cp", "-r", f"{sources}/.", str(folder))
    assert stored(mount, folder.name) == SOURCES
    mount.run("cp", "-r", str(folder), str(tmp_path / "back"))
    mount.run("diff", "-r", str(sources), str(tmp_path / "back"))


def test_tar_packs_and_unpacks(mount: Mounted, folder: Path, sources: Path, tmp_path: Path) -> None:
    mount.run("tar", "-C", str(sources), "-cf", str(tmp_path / "a.tar"), ".")
    mount.run("tar", "-C", str(folder), "--no-same-owner", "--no-same-permissions", "-xf", str(tmp_path / "a.tar"))
    assert stored(mount, folder.name) == SOURCES
    mount.run("tar", "-C", str(folder), "-cf", str(tmp_path / "b.tar"), ".")
    listed = mount.run("tar", "-tf", str(tmp_path / "b.tar"), "--quoting-style=literal").stdout.splitlines()
    assert {f"./{name}" for name in SOURCES} <= set(listed)


def test_sed_i_edits_a_file(mount: Mounted, folder: Path) -> None:
    (folder / "100.conf").write_text("memory: 512\ncores: 2\n")
    mount.run("sed", "-i", "s/512/1024/", str(folder / "100.conf"))
    assert stored(mount, folder.name) == {"100.conf": b"memory: 1024\ncores: 2\n"}
    mount.run("sed", "-i.bak", "s/1024/2048/", str(folder / "100.conf"))
    assert stored(mount, folder.name)["100.conf.bak"] == b"memory: 1024\ncores: 2\n"


def test_git_init_and_commit(mount: Mounted, folder: Path) -> None:
    who = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for name in ("AUTHOR", "COMMITTER"):
        who |= {f"GIT_{name}_NAME": "Alice", f"GIT_{name}_EMAIL": "alice@example.org"}
    (folder / "user.cfg").write_text("one\n")
    for number in range(2):
        if number == 0:
            mount.run("git", "init", "-q", cwd=folder, env=who)
        mount.run("git", "add", "user.cfg", cwd=folder, env=who)
        mount.run("git", "commit", "-q", "-m", f"change {number}", cwd=folder, env=who)
        (folder / "user.cfg").write_text(f"more {number}\n")
    assert mount.run("git", "log", "--format=%s", cwd=folder, env=who).stdout.split("\n")[:2] == [
        "change 1",
        "change 0",
    ]
    assert mount.run("git", "status", "--short", cwd=folder, env=who).stdout == " M user.cfg\n"
    mount.run("git", "fsck", "--strict", cwd=folder, env=who)


def test_cp_mv_rm_dd_and_shell_redirections(mount: Mounted, folder: Path, sources: Path) -> None:
    script = """
        set -e
        cp "$1/user.cfg" copy
        printf 'one\\n' > file; printf 'two\\n' >> file
        { echo a; echo b; /bin/echo c; } > several
        cat file several > joined
        mv file moved; mv -f moved joined
        mkdir -p deep/er; cp several deep/er/; mv deep/er/several .; rmdir deep/er deep
        ln -sf x link 2>/dev/null && exit 3
        rm copy
        dd if="$1/large.bin" of=copied bs=4096 status=none conv=fsync
        head -c 10 copied > head; truncate -s 5 head
        sort -o several several; touch several
    """
    mount.run("sh", "-c", script, "sh", str(sources), cwd=folder)
    assert stored(mount, folder.name) == {
        "joined": b"one\ntwo\n",
        "several": b"a\nb\nc\n",
        "copied": SOURCES["large.bin"],
        "head": bytes(range(5)),
    }


def test_the_steps_of_a_careful_editor(mount: Mounted, folder: Path) -> None:
    """What vim does: try whether it may make files here, keep the old one aside, write a new one, read it back."""
    path, probe, aside = folder / "storage.cfg", folder / "4913", folder / "storage.cfg~"
    path.write_text("dir: local\n")
    os.close(os.open(probe, os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_NOFOLLOW, 0o100640))
    os.chown(probe, 0, path.stat().st_gid)
    os.unlink(probe)
    os.rename(path, aside)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o640)
    os.write(fd, b"dir: local\n\tpath /srv\n")
    os.fsync(fd)
    os.close(fd)
    os.chmod(path, 0o640)
    os.unlink(aside)
    assert path.read_text() == "dir: local\n\tpath /srv\n"
    assert stored(mount, folder.name) == {"storage.cfg": b"dir: local\n\tpath /srv\n"}


@pytest.mark.parametrize("editor", ["ed", "vim", "sed"])
def test_an_editor_saves_a_file(mount: Mounted, mount_file: Path, editor: str) -> None:
    vim = shutil.which("vim") or "vim.tiny"
    commands = {
        "ed": ("sh", "-c", f"printf '%s\\n' '1s/512/1024/' w q | ed -s '{mount_file}'"),
        "vim": (vim, "-u", "NONE", "-i", "NONE", "-es", "-c", "%s/512/1024/", "-c", "wq", str(mount_file)),
        "sed": ("sed", "-i", "s/512/1024/", str(mount_file)),
    }
    mount.run(*commands[editor])
    assert mount.content(f"{mount_file.parent.name}/{mount_file.name}") == b"memory: 1024\n"
    assert [entry.name for entry in mount_file.parent.iterdir()] == [mount_file.name]


def test_vim_with_its_swap_file_and_a_backup(mount: Mounted, mount_file: Path) -> None:
    """As a person has it: a swap file beside the file while it is open, the old content kept aside while saving."""
    vim, settings = shutil.which("vim") or "vim.tiny", "set swapfile directory=. backup backupskip= backupcopy=auto"
    commands = ("-c", settings, "-c", "edit", "-c", "%s/512/1024/", "-c", "write", "-c", "quit")
    mount.run(vim, "-u", "NONE", "-i", "NONE", "-es", *commands, mount_file.name, cwd=mount_file.parent)
    assert stored(mount, mount_file.parent.name) == {"100.conf": b"memory: 1024\n", "100.conf~": b"memory: 512\n"}


# Modes are given by the path, so others could not be set; and a file's time is that of its renaming into place.
RSYNC = ("rsync", "-rc", "--chmod=D755,F640")


def test_rsync_into_the_mount_and_out_of_it(mount: Mounted, folder: Path, sources: Path, tmp_path: Path) -> None:
    mount.run(*RSYNC, f"{sources}/", f"{folder}/")
    assert stored(mount, folder.name) == SOURCES
    (sources / "user.cfg").write_bytes(b"changed, and longer than it was before\n")
    (sources / "large.bin").unlink()
    mount.changes()
    mount.run(*RSYNC, "--delete", f"{sources}/", f"{folder}/")
    changed = {**SOURCES, "user.cfg": b"changed, and longer than it was before\n"}
    del changed["large.bin"]
    assert stored(mount, folder.name) == changed
    written = [operations for operations in mount.changes() if "Write" in operations]
    assert len(written) <= 2, f"only what differed was to be made and written: {written}"
    mount.run(*RSYNC, "--inplace", f"{sources}/", f"{folder}/")
    mount.run(*RSYNC, f"{folder}/", f"{tmp_path}/back/")
    mount.run("diff", "-r", str(sources), str(tmp_path / "back"))


def test_a_script_that_takes_turns_by_making_a_folder(mount: Mounted, folder: Path) -> None:
    """Without flock: mkdir either makes the folder or fails, so one of many adds at a time."""
    script = """
        until mkdir turn 2>/dev/null; do sleep 0.01; done
        read -r number < count || number=0
        echo $((number + 1)) > count
        rmdir turn
    """
    (folder / "count").write_text("0\n")
    mount.run("sh", "-c", f"for i in 1 2 3 4 5 6 7 8; do ( {script} ) & done; wait", cwd=folder)
    assert stored(mount, folder.name) == {"count": b"8\n"}


@pytest.fixture
def mount_file(folder: Path) -> Path:
    (folder / "100.conf").write_text("memory: 512\n")
    return folder / "100.conf"


def test_a_program_replaces_a_file_the_way_clients_do(mount: Mounted, folder: Path) -> None:
    """Written beside it, flushed, renamed over it: two changes, and a reader sees the old or the new."""
    (folder / "user.cfg").write_bytes(b"old")
    mount.changes()
    temporary = folder / f"user.cfg.tmp.{os.getpid()}"
    with open(temporary, "xb", buffering=0) as file:
        file.write(b"new")
        os.fsync(file)
    os.rename(temporary, folder / "user.cfg")
    assert mount.changes() == [["Write"], ["Write"], ["Rename"]]
    assert stored(mount, folder.name) == {"user.cfg": b"new"}
