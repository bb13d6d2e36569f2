"""What a node says of the engine that is installed on this host: corosync's own word, and the package manager's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cluster.node.options import Options
from cluster.node.surveyor import NodeSurveyor


@pytest.mark.corosync
async def test_t60_the_version_that_is_installed_is_what_corosync_and_its_package_say(tmp_path: Path) -> None:
    facts = await NodeSurveyor(Options("alpha", tmp_path, "127.0.0.1", engine="corosync")).facts({}, [])
    assert f"'{facts.corosync}'" in said("corosync", "-v")
    assert f"\nVersion: {facts.corosync_package}\n" in said("dpkg", "-s", "corosync")
    assert facts.corosync_package.startswith(facts.corosync)


async def test_a_node_without_corosync_says_nothing_of_it(tmp_path: Path) -> None:
    facts = await NodeSurveyor(Options("alpha", tmp_path, "127.0.0.1", engine="loopback")).facts({}, [])
    assert (facts.corosync, facts.corosync_package) == ("", "")


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout
