"""A run of the bench as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from demo.bench.goals import Line


def as_json(lines: Iterable[Line], about: dict[str, object]) -> str:
    return json.dumps({**about, "lines": [asdict(line) for line in lines]}, indent=2)


def as_table(lines: Iterable[Line], about: dict[str, object]) -> str:
    rows = [row_of(line) for line in lines]
    heads = ("", "p50 ms", "p99 ms", "per s", "KiB on disk", "others' CPU", "compared (goal)")
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads) - 1)]
    told = ["; ".join(f"{name} {value}" for name, value in about.items())]
    for row in [heads, *rows]:
        figures = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:], strict=True)]
        cells = [row[0].ljust(widths[0]), *figures]
        told.append(("  ".join(cells) + "  " + row[-1]).rstrip())
    return "\n".join(told)


def row_of(line: Line) -> tuple[str, ...]:
    verdicts = "; ".join(line.verdicts)
    errors = line.told.get("errors")
    if errors:
        verdicts = f"{verdicts}  errors: {errors}"
    if line.value is not None:
        single = f"{line.value:.2f} {line.unit}".strip()
        return (f"{line.name}: {single}", "", "", "", "", f"{line.foreign_share:.0%}", verdicts)
    size = f"{line.most_bytes / 1024:.1f}" if line.bytes_each else ""
    figures = (f"{line.p50:.2f}", f"{line.p99:.2f}", f"{line.rate:.0f}", size, f"{line.foreign_share:.0%}")
    return (line.name, *figures, verdicts)
