"""A figure's last hour as the points of a small curve; what was not heard is a gap. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext


def path(values: Sequence[int | None]) -> str:
    """A step to the right per minute, from 100 at the bottom to 0 at the top; short, for there may be many of them."""
    found, before = [], None
    for place, value in enumerate(values):
        if value is None:
            before = None
            continue
        height = 100 - min(100, max(0, value))
        found.append(f"M{place} {height}h0" if before is None else f"l1 {height - before}".replace(" -", "-"))
        before = height
    return "".join(found)


def said(values: Sequence[int | None]) -> str:
    """What the curve shows, in words."""
    known = [value for value in values if value is not None]
    if not known:
        return gettext("nothing heard in the last hour")
    return gettext("last hour: {least} to {most} %, mean {mean} %").format(
        least=min(known), most=max(known), mean=round(sum(known) / len(known))
    )
