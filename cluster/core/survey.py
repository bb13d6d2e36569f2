"""What is observed before nodes come together: each node's own facts, and the ways between them. Values only.

Who observes is behind doors (`cluster/workflow/surveyor.py`); what the observations mean is `preflight.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

UDP_PORT, UDP_PORTS = 5405, 8  # corosync's, one for each link
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """A link's address on one node and the interface that carries it. `mtu` 0: not known. `bond` is the mode of a bond
    below it, `lacp` how often a bond of that kind asks its switch (slow or fast); both else empty. `shared` says what
    else travels there, where that is heavy."""

    number: int
    address: str
    interface: str = ""
    mtu: int = 0
    bond: str = ""
    lacp: str = ""
    shared: str = ""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node says of itself. `resolves`: names → their addresses there, none where it does not know them.
    `time_source` is the program that keeps its clock, `synchronised` what the kernel says, None where it does not;
    `corosync_package` is Debian's version of the installed engine, empty where it is of no Debian package."""

    name: str
    time_s: float = 0.0
    time_source: str = ""
    synchronised: bool | None = None
    version: str = ""
    corosync: str = ""
    cpu_vendor: str = UNKNOWN
    cpu_model: str = UNKNOWN
    free_bytes: int = 0
    ssh: bool = False
    links: tuple[LinkFacts, ...] = ()
    resolves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    corosync_package: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """The way from one node to another on a link, by one protocol and port. `passed` is None where nobody could look.
    Round trip, loss and the size of the largest packet tried come with a way that was measured there and back. The
    site has one address, on no link in particular: `address` says which."""

    source: str
    target: str
    link: int
    protocol: str
    port: int
    passed: bool | None
    round_trip_ms: float | None = None
    loss: float | None = None
    size: int = 0
    size_passed: bool | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a node wants to be in a cluster: its name, addresses by link, and perhaps its id."""

    name: str
    addresses: Mapping[int, str]
    node_id: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A member as its cluster lists it."""

    name: str
    node_id: int
    addresses: Mapping[int, str]
