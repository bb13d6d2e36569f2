"""What a link's latency was, both directions, as the points of a chart. Pure; `_link_history.html` makes SVG of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from datacenter.membership.link_cells import LATENCY_HOT_US, LATENCY_WARM_US, milliseconds

WIDTH, HEIGHT = 600, 180
TOPS_US = (500, 1000, 2000, 5500, 11_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 10_000_000)


@dataclass(frozen=True, slots=True)
class Chart:
    """`there` and `back` are paths, `down` the places (x, width) where either end had the link down; `lines` are what
    to measure it by: height and words."""

    there: str
    back: str
    down: tuple[tuple[float, float], ...]
    lines: tuple[tuple[float, str, str], ...]
    first_s: int
    last_s: int
    sentence: str


def chart(there: Sequence[Mapping[str, Any]], back: Sequence[Mapping[str, Any]]) -> Chart:
    """Rows as the daemon gives them, both of the same steps."""
    known = [row["latency_us"] for row in (*there, *back) if row["latency_us"] is not None]
    top = next((top for top in TOPS_US if top >= 1.1 * max(known, default=0)), TOPS_US[-1])
    step = WIDTH / max(1, len(there) - 1)
    down = tuple(
        (round((place - 0.5) * step, 1), round(step, 1))
        for place, (one, other) in enumerate(zip(there, back, strict=True)) if one["down"] or other["down"]
    )  # fmt: skip
    lines = [(_height(top / 2, top), milliseconds(round(top / 2)), "plain")]
    lines += [
        (_height(limit, top), f"{limit // 1000} ms", name)
        for limit, name in ((LATENCY_WARM_US, "warm"), (LATENCY_HOT_US, "hot")) if limit <= top
    ]  # fmt: skip
    if len(lines) > 1:
        lines = lines[1:]
    return Chart(
        _path(there, top, step), _path(back, top, step), down, tuple(lines), there[0]["time"], there[-1]["time"],
        _sentence(known, len(down)),
    )  # fmt: skip


def _path(rows: Sequence[Mapping[str, Any]], top: float, step: float) -> str:
    found, joined = [], False
    for place, row in enumerate(rows):
        if row["latency_us"] is None:
            joined = False
            continue
        found.append(f"{'L' if joined else 'M'}{place * step:.1f} {_height(row['latency_us'], top)}")
        if not joined:
            found.append("h0")
        joined = True
    return "".join(found)


def _height(latency_us: float, top: float) -> float:
    return round(HEIGHT * (1 - min(latency_us, top) / top), 1)


def _sentence(known: list[int], down: int) -> str:
    if not known:
        if down:
            return gettext("The link was down in this time.")
        return gettext("Nothing was measured in this time.")
    mean = round(sum(known) / len(known))
    said = gettext("Between {least} and {most}, {mean} on average.").format(
        least=milliseconds(min(known)), most=milliseconds(max(known)), mean=milliseconds(mean)
    )
    return said + gettext(" Down in {steps} of the steps.").format(steps=down) if down else said
