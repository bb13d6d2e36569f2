"""Requests that only look ahead: what would be, and what would be better. Typed as in `requests.py`."""

from __future__ import annotations

from cluster.control.requests import Request


class WhatIf(Request, tag="cluster.what-if"):
    """Suppose nodes or links off, or a split, and touch nothing. `off`: `beta,gamma`; `split`: `alpha,beta/gamma`;
    `links`: `1,alpha:0`; `witness`: it can be reached; `anew`: all nodes have just started.
    → {level, sentence, step, consequences: [str], configured_votes, off: [name], has_witness,
    sides: [{nodes: [name], level, votes, expected_votes, needed_votes, witness, quorate: bool|null,
    writable: bool|null, store_votes, store_needed, spare_votes, apart: [[name, name]], sentences: [str]}]}.
    Raises NotInCluster, InvalidInput (fields `off`, `split`, `links`)."""

    off: str = ""
    split: str = ""
    links: str = ""
    witness: bool = True
    anew: bool = False
