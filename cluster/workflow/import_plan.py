"""What becomes of a node's own configuration when the node joins: kept, renamed, re-numbered or dropped. Pure.

What belongs to the node or stands beside what the cluster has comes along; what is one for the whole cluster (who may
do what, options, jobs) is the cluster's. Nothing is lost either way: the node's former store stays as a copy. Who reads
and writes is `bring.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from cluster.core.operations import digest_of
from cluster.workflow import references

STORAGE = "storage.cfg"
GUEST_MIN, GUEST_MAX = 100, 999_999_999
SMALL_BYTES = 128 << 10  # what is larger is no configuration that anybody wrote
FILES_MAX = 1000
_FIREWALL = re.compile(r"firewall/([0-9]+)\.fw")
_VOLUME = re.compile(rb"([a-z]+[0-9]*:[ \t]*)([A-Za-z][A-Za-z0-9._-]*)(:.*)", re.S)
_THE_CLUSTERS = frozenset({
    "corosync.conf", "corosync.conf.new", "user.cfg", "domains.cfg", "datacenter.cfg", "alerts.cfg", "jobs.cfg",
    "replication.cfg", "vzdump.cron", "notifications.cfg",
})  # fmt: skip
_MADE_BY_ITSELF = re.compile(
    r"nodes/[^/]+/(?:pve-ssl\.(?:pem|key)|lrm_status|ssh_known_hosts)"
    r"|(?:priv/)?(?:authkey\.(?:pub|pub\.old|key)|pve-www\.key|pve-root-ca\.(?:pem|key)|sessions\.cfg)"
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What the cluster has: digests of its files and of its storages' sections by their heads, and guests' numbers."""

    files: Mapping[str, str] = field(default_factory=dict)
    storages: Mapping[str, str] = field(default_factory=dict)
    guests: frozenset[int] = frozenset()


Becomes = Literal["kept", "renamed", "re-numbered", "dropped"]


@dataclass(frozen=True, slots=True)
class Row:
    """`becomes` in one word, `sentence` in one line."""

    path: str
    what: str
    becomes: Becomes
    sentence: str


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """`files` are to be made; `storages` are sections to add to storage.cfg."""

    rows: tuple[Row, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    storages: tuple[bytes, ...] = ()


def taken(files: Mapping[str, bytes]) -> Taken:
    sections = {head: digest_of(b"".join(lines)) for head, lines in _storages(files.get(STORAGE, b""))}
    return Taken({path: digest_of(data) for path, data in files.items()}, sections, references.guests_in(files))


def plan_import(own: Mapping[str, bytes], node: str, theirs: Taken) -> ImportPlan:
    """`own` is the node's store; what every new node makes for itself is no content and not told of."""
    return _Planning(node, theirs, own).plan()


class _Planning:
    def __init__(self, node: str, theirs: Taken, own: Mapping[str, bytes]) -> None:
        self._node, self._theirs, self._own = node, theirs, own
        self._rows: list[Row] = []
        self._files: dict[str, bytes] = {}
        self._storage_names: dict[bytes, bytes] = {}  # former name → new name
        self._numbers = self._numbered()

    def plan(self) -> ImportPlan:
        storages = tuple(self._storages())
        for path, data in sorted(self._own.items()):
            if path != STORAGE and not _MADE_BY_ITSELF.fullmatch(path):
                self._file(path, data)
        return ImportPlan(tuple(self._rows), self._files, storages)

    def _numbered(self) -> dict[int, int]:
        """Guests by their numbers here → their numbers in the cluster."""
        mine = references.guests_in(path for path in self._own if path.startswith(f"nodes/{self._node}/"))
        used, numbers = set(self._theirs.guests | mine), {}
        for number in sorted(mine):
            numbers[number] = number
            if number in self._theirs.guests:
                numbers[number] = next(free for free in range(GUEST_MIN, GUEST_MAX) if free not in used)
                used.add(numbers[number])
        return numbers

    def _storages(self) -> Iterable[bytes]:
        names = {head.split(":", 1)[1].strip() for head in self._theirs.storages}
        for head, lines in _storages(self._own.get(STORAGE, b"")):
            kind, name = (part.strip() for part in head.split(":", 1))
            if self._theirs.storages.get(head) == digest_of(b"".join(lines)):
                self._tell(STORAGE, head, "kept", "The cluster has the same.")
                continue
            fresh = _free(name, self._node, names)
            names.add(fresh)
            if fresh != name:
                self._storage_names[name.encode()] = fresh.encode()
                self._tell(STORAGE, head, "renamed", f"{fresh}, on this node only: the cluster has another {name}.")
            else:
                self._tell(STORAGE, head, "kept", "On this node only.")
            yield _section(kind, fresh, lines, self._node)

    def _file(self, path: str, data: bytes) -> None:
        if why := self._not_wanted(path, data):
            self._tell(path, "", "dropped", why)
        elif guest := references.GUEST.fullmatch(path):
            self._guest(path, int(guest[2]), data)
        elif (rules := _FIREWALL.fullmatch(path)) and int(rules[1]) in self._numbers:
            self._put(path, f"firewall/{self._numbers[int(rules[1])]}.fw", data, "re-numbered")
        elif self._theirs.files.get(path) == digest_of(data):
            self._tell(path, "", "kept", "The cluster has the same.")
        else:
            self._put(path, _free_path(path, self._node, self._theirs.files), data, "renamed")

    def _not_wanted(self, path: str, data: bytes) -> str:
        if path in _THE_CLUSTERS or path.startswith(("priv/", "ha/", "sdn/")) or path == "firewall/cluster.fw":
            return "The cluster's counts; this one stays in the copy."
        if path.startswith("nodes/") and not path.startswith(f"nodes/{self._node}/"):
            return "It is of another node; it stays in the copy."
        if len(data) > SMALL_BYTES or len(self._files) >= FILES_MAX:
            return "It is too large to be brought along; it stays in the copy."
        return ""

    def _guest(self, path: str, number: int, data: bytes) -> None:
        fresh = self._numbers[number]
        target = f"{path.rsplit('/', 1)[0]}/{fresh}.conf"
        self._files[target] = b"".join(self._volume(line) for line in data.splitlines(keepends=True))
        if fresh == number:
            self._tell(path, f"guest {number}", "kept", f"It keeps the number {number}.")
        else:
            said = f"It becomes guest {fresh}: the cluster has a {number}. Its volumes keep their names."
            self._tell(path, f"guest {number}", "re-numbered", said)

    def _volume(self, line: bytes) -> bytes:
        found = _VOLUME.fullmatch(line)
        return line if found is None else found[1] + self._storage_names.get(found[2], found[2]) + found[3]

    def _put(self, path: str, target: str, data: bytes, changed: Becomes) -> None:
        self._files[target] = data
        if target == path:
            self._tell(path, "", "kept", "It comes along as it is.")
        else:
            self._tell(path, "", changed, f"It becomes {target}.")

    def _tell(self, path: str, what: str, becomes: Becomes, sentence: str) -> None:
        self._rows.append(Row(path, what, becomes, sentence))


def _storages(data: bytes) -> list[tuple[str, list[bytes]]]:
    """(`kind: name`, its lines) of each section."""
    found = []
    for section in references.sections(data):
        kind, colon, name = section[0].decode("utf-8", "replace").partition(":")
        if colon and not section[0][:1].isspace():
            found.append((f"{kind.strip()}: {name.strip()}", [line for line in section if line.strip()]))
    return found


def _section(kind: str, name: str, lines: list[bytes], node: str) -> bytes:
    """For this node alone, whatever nodes it was for."""
    kept = [line.rstrip() for line in lines[1:] if not re.match(rb"\s+nodes\s", line)]
    return b"\n".join([f"{kind}: {name}".encode(), *kept, f"\tnodes {node}".encode()]) + b"\n"


def _free(name: str, node: str, used: Iterable[str]) -> str:
    return name if name not in used else next(one for one in _names(f"{name}-{node}") if one not in used)


def _free_path(path: str, node: str, used: Mapping[str, str]) -> str:
    if path not in used:
        return path
    stem, dot, ending = path.rpartition(".")
    stem, ending = (stem, f".{ending}") if dot and "/" not in ending and stem else (path, "")
    return next(one for one in (f"{name}{ending}" for name in _names(f"{stem}-{node}")) if one not in used)


def _names(name: str) -> Iterable[str]:
    yield name
    yield from (f"{name}-{number}" for number in range(2, FILES_MAX))
