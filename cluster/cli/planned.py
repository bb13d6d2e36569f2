"""What `--dry-run` shows: the plan as the daemon made it, and whether it could be followed as things are.

A plan is `steps`, sentences in their order, with `warnings`, and an `obstacle` where it could not be followed now. It
comes from the workflow itself, by the way the pages ask for it; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.cli.output import Style, show
from cluster.cli.terminal import complain, printable

POSSIBLE, IMPOSSIBLE = 0, 1


def show_plan(plan: Mapping[str, Any], style: Style) -> int:
    """→ the exit code of a dry run: 0 where it could be done now, 1 where not."""
    whole = {"steps": [], "warnings": [], "obstacle": "", **plan}
    if style.format != "text":
        show(whole, style)
    else:
        for place, sentence in enumerate(whole["steps"], 1):
            print(printable(f"{place}. {sentence}"))
        for sentence in filter(None, [*whole["warnings"], whole["obstacle"]]):
            complain(sentence)
    return IMPOSSIBLE if whole["obstacle"] else POSSIBLE
