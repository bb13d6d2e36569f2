"""When a failed store is opened again: after a moment that grows, and at once when a full disk has room."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from cluster.core.replica import Phase
from cluster.errors import Unavailable
from cluster.node import recovery
from cluster.node.recovery import TRY_FIRST_S, Recovery


class FailedReplica:
    phase, reason = Phase.FAILED, "Writing the store failed."

    def __init__(self, failed_errno: int) -> None:
        self.failed_errno = failed_errno


class WholeDisk:
    def missing(self) -> str:
        return ""


class FailedLife:
    """A store that failed, and cannot be opened again while `works` is False."""

    is_open, works, damage = True, True, ""

    def __init__(self, folder: Path, failed_errno: int) -> None:
        self.path, self.replica, self.disk = folder / "store.db", FailedReplica(failed_errno), WholeDisk()
        self.tries = 0

    async def wake_again(self) -> None:
        self.tries += 1
        if not self.works:
            raise Unavailable("not yet")


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def watching(life: FailedLife, clock: Clock) -> Recovery:
    return Recovery(life, lambda: False, lambda trouble: None, clock)  # type: ignore[arg-type]


async def test_room_on_a_full_disk_is_used_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    life, room = FailedLife(tmp_path, errno.ENOSPC), [False]
    monkeypatch.setattr(recovery, "has_room", lambda folder: room[0])
    watch = watching(life, Clock())
    for _ in range(3):
        await watch.look()
    assert (life.tries, "is full" in watch.trouble) == (0, True)
    room[0] = True
    await watch.look()
    assert (life.tries, watch.trouble) == (1, "")


async def test_a_disk_that_has_room_and_fails_all_the_same_waits_longer_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "has_room", lambda folder: True)
    life, clock = FailedLife(tmp_path, errno.ENOSPC), Clock()
    life.works = False
    watch = watching(life, clock)
    tried_at_s = []
    for _ in range(40):
        before = life.tries
        await watch.look()
        if life.tries > before:
            tried_at_s.append(clock.now_s - 1000.0)
        clock.now_s += TRY_FIRST_S / 2
    assert tried_at_s == [1.0, 3.0, 7.0, 15.0]


async def test_room_means_nothing_to_a_disk_that_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    life, room = FailedLife(tmp_path, errno.EIO), [False]
    monkeypatch.setattr(recovery, "has_room", lambda folder: room[0])
    watch = watching(life, Clock())
    await watch.look()
    room[0] = True
    await watch.look()
    assert life.tries == 0


async def test_what_a_look_at_the_disk_says_replaces_the_first_errors_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(folder: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    life, clock = FailedLife(tmp_path, errno.EIO), Clock()
    monkeypatch.setattr(recovery, "probe", refused)
    watch = watching(life, clock)
    await watch.look()
    assert "mount it for writing" not in watch.trouble
    clock.now_s += TRY_FIRST_S
    await watch.look()
    assert "mount it for writing" in watch.trouble
    assert life.tries == 0
