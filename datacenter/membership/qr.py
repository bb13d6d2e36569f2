"""A QR code as one path of an inline SVG: the library makes the modules, the template draws them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import segno

QUIET = 4  # modules of white around it, as readers need


@dataclass(frozen=True, slots=True)
class QrCode:
    """`path` draws the dark modules in a square of `size` units."""

    size: int
    path: str


def qr_code(text: str) -> QrCode:
    matrix = segno.make(text, error="l", micro=False).matrix
    runs = [run for y, row in enumerate(matrix) for run in _runs(row, y)]
    return QrCode(len(matrix) + 2 * QUIET, "".join(runs))


def _runs(row: bytearray, y: int) -> list[str]:
    """Dark modules side by side as one rectangle each."""
    found, start = [], -1
    for x, dark in enumerate((*row, 0)):
        if dark and start < 0:
            start = x
        elif not dark and start >= 0:
            found.append(f"M{start + QUIET} {y + QUIET}h{x - start}v1h-{x - start}z")
            start = -1
    return found
