"""The store's contract when a node's file system becomes read-only under it, as the kernel does after an error."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from cluster.control import requests
from cluster.errors import QuireError
from demo.places import OWN_STATE
from demo.visitor import eventually
from tests.scenarios.evidence import ask
from tests.scenarios.healing import OURS_S, watch_healing
from tests.scenarios.load import Load
from tests.scenarios.office import Office

TOLD_S = 5.0
pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(200)]


def test_a_disk_that_became_read_only_is_told_and_the_others_go_on(office: Office, tell: Callable[[str], None]) -> None:
    def trouble() -> str:
        return str(ask(office["gamma"], requests.Status())["cluster"]["store"]["trouble"])

    with Load(office.nodes) as load:
        time.sleep(0.5)
        office.lab.output("gamma", ["mount", "-o", "remount,abort", OWN_STATE])
        eventually("gamma says that its disk is read-only", lambda: "mount it for writing" in trouble(), TOLD_S)
        told_at = time.monotonic()
        with pytest.raises(QuireError) as refused:
            ask(office["gamma"], requests.StoreWrite("gamma-may-not", b"x", timeout_s=5))
        assert time.monotonic() - told_at < 2, refused.value.message
        assert ask(office["gamma"], requests.StoreRead("corosync.conf"))["data"], "reading goes on"
        time.sleep(1)
        assert load.acknowledged_by("alpha", told_at), "the majority stopped writing"
        assert not load.acknowledged_by("gamma", told_at)
        office.cut_power(["gamma"])
        office.power_on(["gamma"])
        healing = watch_healing(office.lab, load)
    tell(f"disk read-only on gamma, then its host started again: {healing}; {office.judged(load)}")
    assert healing.ours_s < OURS_S, healing
