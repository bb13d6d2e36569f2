"""Alerts over the API: every kind the daemon can find can be silenced and have its rule."""

from __future__ import annotations

from typing import get_args

from cluster.alerts.conditions import KINDS
from datacenter.alerts import sheets
from datacenter.api.alerts import Kind


def test_the_api_and_the_page_know_every_kind_of_alert() -> None:
    assert set(get_args(Kind)) == set(KINDS) == {name for name, *_ in sheets.KINDS}
