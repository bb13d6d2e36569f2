"""A node's own disk: what was flushed survives a power cut, what was not is gone, and it can be full."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from lab import Lab, faults

pytestmark = pytest.mark.corosync

WRITE = """
import os
def write(path, flush):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"written")
    if flush:
        os.fsync(fd)
write("/srv/flushed", True)
write("/srv/not-flushed", False)
print("written", flush=True)
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    made = Lab(f"disks{os.getpid()}", ["alpha", "beta"])
    try:
        made.up(private=["/srv"], disk_mib=16)
        yield made
    finally:
        made.down()


def test_a_power_cut_takes_what_was_not_flushed_and_every_process(lab: Lab) -> None:
    pid = lab.spawn("alpha", ["sleep", "1000"])
    assert lab.output("alpha", [sys.executable, "-c", WRITE]) == "written\n"
    faults.cut_power(lab, ["alpha"])
    assert lab.init_pid("alpha") is None and lab.init_pid("beta") is not None
    assert not os.path.exists(f"/proc/{pid}")
    lab.start("alpha")
    assert lab.output("alpha", ["cat", "/srv/flushed"]) == "written"
    assert "No such file" in lab.output("alpha", ["cat", "/srv/not-flushed"])


def test_a_disk_can_be_full_without_filling_anothers(lab: Lab) -> None:
    fill = ["dd", "if=/dev/zero", "of=/srv/ballast", "bs=1M", "count=64"]
    assert "No space left" in lab.output("alpha", fill)
    assert "No space left" in lab.output("alpha", ["dd", "if=/dev/zero", "of=/srv/more", "bs=1M", "count=1"])
    assert lab.output("beta", ["sh", "-c", "echo more > /srv/more && cat /srv/more"]) == "more\n"
    lab.path("alpha", "/srv/ballast").unlink()
    assert lab.output("alpha", ["sh", "-c", "echo more > /srv/more && cat /srv/more"]) == "more\n"
