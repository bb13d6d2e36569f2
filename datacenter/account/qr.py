"""A QR code as the path of a drawing: dark squares, row by row. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import segno

BORDER = 4  # squares; readers need them


@dataclass(frozen=True, slots=True)
class Code:
    """`path` is for an SVG whose view box is `size` squares wide and high."""

    size: int
    path: str


def code_of(text: str) -> Code:
    rows = list(segno.make(text, error="m", micro=False).matrix_iter(border=BORDER))
    squares = ((x, y) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return Code(len(rows), "".join(f"M{x} {y}h1v1h-1z" for x, y in squares))
