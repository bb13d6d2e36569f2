"""What a corosync.conf says, as an immutable value: sections, keys and values, and the questions asked of them.

Values stay the strings they are in the file, because that is what the API shows; only `nodes()` reads them as numbers.
Knows nothing of the file's layout. Next: `parser.py` and `renderer.py` turn text into this and back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cluster.corosync import names
from cluster.errors import InvalidInput
from cluster.model import LINKS_MAX, Link, Node

DOCUMENT_SIZE_MAX = 256 * 1024  # bytes
_LINK_KEY = re.compile(r"(?:ring|link)([0-9]{1,3})_addr")


@dataclass(frozen=True, slots=True)
class Section:
    """Keys with their values, and sections inside by name. Repeated sections (`node`, `interface`) keep file order."""

    values: tuple[tuple[str, str], ...] = ()
    sections: tuple[tuple[str, Section], ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, str], sections: Iterable[tuple[str, Section]] = ()) -> Section:
        """In the one order that makes equal sections compare equal: by key, repeated sections as given."""
        ordered = sorted(sections, key=lambda named: named[0])
        return cls(tuple(sorted(values.items())), tuple(ordered))

    def get(self, key: str, default: str = "") -> str:
        return dict(self.values).get(key, default)

    def all(self, name: str) -> tuple[Section, ...]:
        return tuple(section for found, section in self.sections if found == name)

    def only(self, name: str) -> Section | None:
        """The section of this name; there is at most one, unless the parser lets it repeat."""
        found = self.all(name)
        return found[0] if found else None

    def with_value(self, key: str, value: str) -> Section:
        return Section.of({**dict(self.values), key: value}, self.sections)

    def with_sections(self, name: str, replacement: Iterable[Section]) -> Section:
        """The same, with all sections of this name replaced by these."""
        others = [(found, section) for found, section in self.sections if found != name]
        return Section.of(dict(self.values), [*others, *((name, section) for section in replacement)])


@dataclass(frozen=True)  # without slots: what was read from it once is kept beside it
class Document:
    """A whole corosync.conf. `source` is the text it was read from, empty when it was made here."""

    root: Section
    source: bytes = field(default=b"", compare=False, repr=False)

    @property
    def totem(self) -> Section | None:
        return self.root.only("totem")

    @property
    def cluster_name(self) -> str:
        return self.totem.get("cluster_name") if self.totem else ""

    @property
    def config_version(self) -> int:
        """0 when absent or not a number: such a file is never activated."""
        text = self.totem.get("config_version") if self.totem else ""
        return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0

    def nodes(self) -> tuple[Node, ...]:
        """The nodelist in node id order. Raises `InvalidInput` when an entry has no usable node id or votes."""
        return self._nodes

    @cached_property
    def _nodes(self) -> tuple[Node, ...]:
        priorities = self._link_priorities()
        found = [_read_node(section, priorities) for section in self._node_sections()]
        return tuple(sorted(found, key=lambda node: (node.node_id, node.name)))

    def node(self, name: str) -> Node | None:
        return next((node for node in self.nodes() if node.name == name), None)

    def next_node_id(self) -> int:
        taken = {node.node_id for node in self.nodes()}
        return next(candidate for candidate in range(1, len(taken) + 2) if candidate not in taken)

    def link_numbers(self) -> tuple[int, ...]:
        """The links every node must have: those of the interface sections, else those of any node."""
        declared = {number for number, _ in self._interfaces()}
        if not declared:
            declared = {link.number for node in self.nodes() for link in node.links}
        return tuple(sorted(declared))

    def totem_section(self) -> dict[str, Any] | None:
        """The totem section as the API shows it: strings, and `interface` as an object keyed by link number."""
        if self.totem is None:
            return None
        plain: dict[str, Any] = _plain(self.totem)
        interfaces = self.totem.all("interface")
        if interfaces:
            plain["interface"] = {_interface_key(section): _plain(section) for section in interfaces}
        return plain

    def node_sections(self) -> list[dict[str, str]]:
        """The nodelist entries as the API shows them: every key of the entry, all strings, in name order."""
        return [dict(section.values) for section in sorted(self._node_sections(), key=node_key)]

    def _node_sections(self) -> tuple[Section, ...]:
        nodelist = self.root.only("nodelist")
        return nodelist.all("node") if nodelist else ()

    def _interfaces(self) -> list[tuple[int, Section]]:
        sections = self.totem.all("interface") if self.totem else ()
        keyed = [(_interface_key(section), section) for section in sections]
        return [(int(key), section) for key, section in keyed if re.fullmatch(r"[0-9]{1,3}", key)]

    def _link_priorities(self) -> dict[int, int]:
        given = ((number, section.get("knet_link_priority")) for number, section in self._interfaces())
        return {number: int(text) for number, text in given if re.fullmatch(r"[0-9]{1,3}", text)}


def digest(text: bytes | str) -> str:
    """The digest Proxmox VE gives a configuration file: SHA-1 of its text, in hexadecimal."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def node_key(section: Section) -> str:
    """What names a nodelist entry: its name, or its first address in old files without names."""
    return section.get("name") or section.get("ring0_addr")


def link_number(key: str) -> int | None:
    """The link an address key belongs to (`ring0_addr` → 0), None for any other key."""
    match = _LINK_KEY.fullmatch(key)
    return int(match[1]) if match and int(match[1]) < LINKS_MAX else None


def _interface_key(section: Section) -> str:
    return section.get("linknumber") or section.get("ringnumber")


def _plain(section: Section) -> dict[str, Any]:
    """Keys and inner sections as nested dictionaries; interfaces are added by the caller, who knows their key."""
    plain: dict[str, Any] = dict(section.values)
    plain.update({name: _plain(inner) for name, inner in section.sections if name != "interface"})
    return plain


def _read_node(section: Section, priorities: Mapping[int, int]) -> Node:
    name = node_key(section)
    try:
        node_id = names.node_id(section.get("nodeid"), "nodeid")
        votes = names.votes(section.get("quorum_votes", "1"), "quorum_votes")
    except InvalidInput as error:
        raise InvalidInput(f"Node {name or '?'} in corosync.conf: {error.message}", fields=error.fields) from None
    numbered = ((link_number(key), address) for key, address in section.values)
    links = [Link(number, address, priorities.get(number)) for number, address in numbered if number is not None]
    return Node(name, node_id, votes, tuple(sorted(links, key=lambda link: link.number)))
