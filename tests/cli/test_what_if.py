"""`pvecm what-if`: every side with its verdict, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

from cluster.control.supposition_requests import WhatIf
from cluster.model import Link, NodeState
from tests.cli.node import node, pvecm
from tests.supposed import supposed

NODES = [NodeState(name, number, 1, (Link(0, f"10.0.0.{number}"),)) for number, name in enumerate("abc", 1)]


async def answered(request: WhatIf) -> object:
    return supposed(NODES, request)


async def test_a_split_is_told_side_by_side_with_the_next_step(tmp_path: Path) -> None:
    async with node(tmp_path, {WhatIf: answered}) as socket:
        ran = await pvecm("what-if", "--off", "c", "--split", "a/b", socket=socket)
    assert ran.code == 0
    assert ran.out.startswith("Supposed, nothing is touched: No side would be quorate")
    assert "a: not quorate, read-only" in ran.out and "c: off" in ran.out
    assert ran.out.splitlines()[-1].startswith("Next: Bring back b")


async def test_programs_get_what_the_daemon_says(tmp_path: Path) -> None:
    async with node(tmp_path, {WhatIf: answered}) as socket:
        ran = await pvecm("what-if", "--off", "c", "--output-format", "json", socket=socket)
    assert json.loads(ran.out) == supposed(NODES, WhatIf(off="c"))


async def test_a_node_that_is_not_there_is_a_fault_of_what_was_typed(tmp_path: Path) -> None:
    async with node(tmp_path, {WhatIf: answered}) as socket:
        ran = await pvecm("what-if", "--off", "z", socket=socket)
    assert ran.code == 255 and "off: no node of this cluster has the name z" in ran.err
