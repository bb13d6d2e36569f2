"""What the What-if page's switches say, as one supposition in its address, so that it can be shared. Pure.

An address has `off=beta,gamma&split=alpha,beta/gamma&links=1`. The form sends a field per switch (`node-off`,
`group-alpha` …), marked by `form=1`; both become the same `Typed`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from cluster.control.supposition_requests import WhatIf
from cluster.model import NodeState

GROUPS = ("A", "B", "C", "D")
TEXT_CHARS_MAX = 4096


@dataclass(frozen=True, slots=True)
class Typed:
    """`groups` are names by the group they were put in."""

    off: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    links: tuple[str, ...] = ()
    witness: bool = True
    anew: bool = False

    def request(self) -> WhatIf:
        split = "/".join(",".join(group) for group in self.groups)
        return WhatIf(",".join(self.off), split, ",".join(self.links), self.witness, self.anew)

    def query(self) -> str:
        """The part of the address after the question mark; empty when nothing is supposed."""
        asked = self.request()
        fields = {"off": asked.off, "split": asked.split, "links": asked.links}
        given = {name: value for name, value in fields.items() if value}
        return urlencode(
            given | ({} if self.witness else {"witness": "0"}) | ({"anew": "1"} if self.anew else {}), safe=",/:"
        )

    def group_of(self, name: str) -> str:
        return next((GROUPS[place] for place, group in enumerate(self.groups[: len(GROUPS)]) if name in group), "")


def read(form: QueryDict, nodes: Iterable[NodeState]) -> Typed:
    if form.get("form") == "1":
        return _from_switches(form, nodes)
    split = form.get("split", "")[:TEXT_CHARS_MAX].split("/")
    return Typed(
        tuple(_words(form.get("off", ""))),
        tuple(tuple(_words(group)) for group in split if any(_words(group))),
        tuple(_words(form.get("links", ""))),
        form.get("witness") != "0",
        form.get("anew") == "1",
    )


def _from_switches(form: QueryDict, nodes: Iterable[NodeState]) -> Typed:
    names = [node.name for node in nodes]
    groups = (tuple(name for name in names if form.get(f"group-{name}") == group) for group in GROUPS)
    return Typed(
        tuple(name for name in names if name in form.getlist("node-off")),
        tuple(group for group in groups if group),
        tuple(form.getlist("link-off")),
        form.get("witness") == "1",
        form.get("anew") == "1",
    )


def _words(text: str) -> Iterable[str]:
    return (word.strip() for word in text[:TEXT_CHARS_MAX].split(",") if word.strip())
