"""A supposition as it is typed, in the API and on the command line: `beta,gamma`, `alpha,beta/gamma`, `1,alpha:0`.

Every name and number is held against the configuration, so that a wrong one is told and not silently ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from cluster.core.supposition import Supposition
from cluster.errors import InvalidInput
from cluster.model import Node

HEADLINE = "This cannot be supposed."


def read(
    nodes: Sequence[Node], off: str = "", split: str = "", links: str = "", *, witness: bool = True, anew: bool = False
) -> Supposition:
    """`witness`: it can be reached. Raises InvalidInput naming the fields."""
    problems: dict[str, str] = {}
    known = {node.name for node in nodes}
    gone = frozenset(_words(off, ","))
    groups = tuple(frozenset(_words(group, ",")) for group in split.split("/")) if split.strip("/ ") else ()
    groups = tuple(group for group in groups if group)
    unknown = sorted(gone - known)
    if unknown:
        problems["off"] = _no_node(unknown)
    strangers = sorted(frozenset().union(*groups) - known)
    if strangers:
        problems["split"] = _no_node(strangers)
    elif sum(map(len, groups)) != len(frozenset().union(*groups)):
        problems["split"] = "a node stands in two groups"
    links_off = _links(nodes, links, problems)
    if problems:
        raise InvalidInput(HEADLINE, fields=problems)
    return Supposition(gone, groups, links_off, not witness, anew)


def _links(nodes: Sequence[Node], text: str, problems: dict[str, str]) -> dict[str, frozenset[int]]:
    ends = {(node.name, link.number) for node in nodes for link in node.links}
    ends |= {("", number) for _, number in ends}
    found: dict[str, set[int]] = {}
    for word in _words(text, ","):
        name, _, number = word.rpartition(":")
        if not (number.isdecimal() and len(number) < 3 and (name, int(number)) in ends):
            problems["links"] = f"{word} is neither a link's number nor a node's end of one, like alpha:0"
        else:
            found.setdefault(name, set()).add(int(number))
    return {name: frozenset(numbers) for name, numbers in found.items()}


def _words(text: str, between: str) -> Iterable[str]:
    return (word.strip() for word in text.split(between) if word.strip())


def _no_node(names: Collection[str]) -> str:
    return f"no node of this cluster has the name {', '.join(names)}"
