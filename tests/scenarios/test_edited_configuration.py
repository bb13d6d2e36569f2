"""corosync.conf edited by hand at /etc/pve, on real corosync: every engine runs it, with nobody telling them to."""

from __future__ import annotations

import pytest

from demo.visitor import Visited, eventually
from tests.scenarios.healing import await_one_store
from tests.scenarios.office import Office

pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(200)]
SOON_S = 90.0
# As administrators are used to: a copy is edited, and takes the place of the file in one step.
EDIT = (
    "cd /etc/pve && sed 's/config_version: {now}$/config_version: {then}/' corosync.conf > corosync.conf.new"
    " && mv corosync.conf.new corosync.conf"
)


def engine_version(node: Visited) -> int:
    return int(node.command("corosync-cmapctl", "-g", "totem.config_version").stdout.rpartition("=")[2])


def test_who_edits_the_configuration_at_the_mount_has_every_engine_read_it(office: Office) -> None:
    now = engine_version(office["alpha"])
    edited = office["beta"].command("sh", "-c", EDIT.format(now=now, then=now + 1))
    assert edited.returncode == 0, edited.stderr
    for node in office.nodes:
        eventually("its engine runs it", lambda at=node: engine_version(at) == now + 1, SOON_S)
    await_one_store(office.nodes, SOON_S)
