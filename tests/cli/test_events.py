"""`pvecm events`: what is asked, and how it is printed."""

from __future__ import annotations

import json
from pathlib import Path

from cluster.control.flight_requests import FlightEvents
from tests.api.fake_node import EVENTS
from tests.cli.node import answering, node, pvecm


async def test_events_are_printed_oldest_first_with_what_is_unknown(tmp_path: Path) -> None:
    async with node(tmp_path, {FlightEvents: answering(EVENTS)}) as socket:
        ran = await pvecm("events", "--kind", "membership", socket=socket)
    assert ran.code == 0 and "beta is gone." in ran.out
    assert "In parts from" in ran.out and "to now: alpha (quorum not known)." in ran.out
    assert "beta: unknown since" in ran.out


async def test_json_is_the_daemon_s_answer(tmp_path: Path) -> None:
    async with node(tmp_path, {FlightEvents: answering(EVENTS)}) as socket:
        ran = await pvecm("events", "--output-format", "json", socket=socket)
    assert (ran.code, json.loads(ran.out)) == (0, EVENTS)


async def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    async with node(tmp_path) as socket:
        ran = await pvecm("events", "--output-format", "xml", socket=socket)
    assert ran.code == 255 and "this is one of text, json, json-pretty, yaml, csv" in ran.err
