"""Which changes the kernel sends one after the other, whatever the store could do: those are never in one flush."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.store.mounted import Mounted, mounted

PATIENCE_S = 20.0
ACTS: dict[str, Callable[[Path], object]] = {
    "rename": lambda file: file.rename(file.with_suffix(".new")),
    "make": lambda file: os.close(os.open(file.with_suffix(".new"), os.O_CREAT | os.O_EXCL | os.O_WRONLY)),
    "remove": lambda file: file.unlink(),
    "overwrite": lambda file: file.write_bytes(b"newer"),
}


@pytest.fixture(scope="module")
def mount(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mounted]:
    with mounted(tmp_path_factory.mktemp("turns") / "mount") as mount:
        yield mount


@pytest.mark.parametrize(("act", "at_once"), [("rename", 2), ("make", 2), ("remove", 2), ("overwrite", 3)])
def test_names_of_one_folder_change_in_turns_and_contents_do_not(mount: Mounted, act: str, at_once: int) -> None:
    files = [mount.path / f"{act}-{folder}" / name for folder, name in (("one", "a"), ("one", "b"), ("other", "c"))]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"content")
    mount.changes()
    mount.ask("hold", True)
    try:
        threads = [threading.Thread(target=ACTS[act], args=(file,), daemon=True) for file in files]
        threads[0].start()
        await_waiting(mount, 1)
        for thread in threads[1:]:
            thread.start()
        await_waiting(mount, at_once)
    finally:
        mount.ask("hold", False)
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(mount.changes()) == 3


def await_waiting(mount: Mounted, count: int) -> None:
    """Until so many changes have come to the store, and not one more."""
    until_s = time.monotonic() + PATIENCE_S
    while (waiting := mount.ask("waiting")) < count:
        assert time.monotonic() < until_s, f"{waiting} changes wait, not {count}"
        time.sleep(0.01)
    assert waiting == count
