"""Who hears whom on the wire: rings, groups and the one order of messages, for one cluster. Pure, without sockets.

All nodes of a ring are served from one place, in one go, so order and view synchrony hold by construction: whatever
happens is put at the end of every concerned node's line before anything else happens. Two nodes hear each other when
they are on the same side of a split and each has the other in its configuration, as with corosync.
Next: `wire_server.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cluster.engine.wire_frames import Message, Reloaded, Ring, View, encode
from cluster.errors import Conflict, InvalidInput

GROUPS_MAX = 16  # groups one node may be in
SEQUENCE_STEP = 4  # as corosync counts its rings


@dataclass(eq=False, slots=True)
class Port:
    """One connected node. `put` takes a frame to the end of its line and must not call back."""

    node_id: int
    pid: int
    nodes: frozenset[int]
    put: Callable[[bytes], None]
    groups: set[str] = field(default_factory=set)
    circle: Circle | None = None


@dataclass(eq=False, slots=True)
class Circle:
    """The ports that share a ring, by node id."""

    ports: tuple[Port, ...]
    sequence: int

    @property
    def representative(self) -> int:
        return self.ports[0].node_id


class Switchboard:
    """Calls may come in any order and never raise, except where a docstring says so."""

    def __init__(self) -> None:
        self.ports: dict[int, Port] = {}
        self._circles: list[Circle] = []
        self._side_of: dict[int, int] = {}
        self._sequence = 0

    def attach(self, port: Port, sequence: int) -> None:
        """A node connects, having seen rings up to `sequence`. Raises `Conflict` when its node id is taken."""
        if port.node_id in self.ports:
            raise Conflict(f"A node with id {port.node_id} is already connected.")
        self.ports[port.node_id] = port
        self._sequence = max(self._sequence, sequence)
        self._reform()

    def detach(self, port: Port) -> None:
        """A node is gone, with all its memberships."""
        if self.ports.get(port.node_id) is port:
            del self.ports[port.node_id]
            self._reform()

    def configured(self, port: Port, nodes: Iterable[int]) -> None:
        port.nodes = frozenset(nodes)
        self._reform()

    def split(self, sides: Sequence[Sequence[int]]) -> None:
        self._side_of = {node_id: number for number, side in enumerate(sides) for node_id in side}
        self._reform()

    def join(self, port: Port, group: str) -> None:
        """Raises `InvalidInput` when the node is in too many groups."""
        if group in port.groups:
            return
        if len(port.groups) >= GROUPS_MAX:
            raise InvalidInput(f"A node may be in at most {GROUPS_MAX} groups.")
        port.groups.add(group)
        self._tell_view(_circle(port), group)

    def leave(self, port: Port, group: str) -> None:
        if group in port.groups:
            port.groups.remove(group)
            self._tell_view(_circle(port), group)

    def send(self, port: Port, group: str, payload: bytes) -> None:
        """To every member in the sender's ring, itself included. From one who is no member it goes nowhere."""
        if group in port.groups:
            self._tell(_members(_circle(port), group), encode(Message(group, port.node_id, port.pid, payload)))

    def reload(self, port: Port, version: int) -> None:
        self._tell(_circle(port).ports, encode(Reloaded(version)))

    def _reform(self) -> None:
        """Form a new ring wherever the nodes that hear each other are not those of one; other rings go on."""
        standing = {circle.ports: circle for circle in self._circles}
        wanted = self._gather()
        self._circles = [standing.get(ports) or self._new_ring(ports) for ports in wanted]

    def _gather(self) -> list[tuple[Port, ...]]:
        """The sets of nodes that all hear each other, each node with the lowest ids it hears."""
        gathered: list[list[Port]] = []
        for node_id in sorted(self.ports):
            port = self.ports[node_id]
            home = next((ports for ports in gathered if all(self._hear(port, other) for other in ports)), None)
            if home is None:
                gathered.append([port])
            else:
                home.append(port)
        return [tuple(ports) for ports in gathered]

    def _hear(self, one: Port, other: Port) -> bool:
        same_side = self._side_of.get(one.node_id) == self._side_of.get(other.node_id)
        return same_side and one.node_id in other.nodes and other.node_id in one.nodes

    def _new_ring(self, ports: tuple[Port, ...]) -> Circle:
        self._sequence += SEQUENCE_STEP
        circle = Circle(ports, self._sequence)
        for port in ports:
            port.circle = circle
        ring = Ring(circle.sequence, circle.representative, [port.node_id for port in ports])
        self._tell(ports, encode(ring))
        for group in sorted(set().union(*(port.groups for port in ports))):
            self._tell_view(circle, group)
        return circle

    def _tell_view(self, circle: Circle, group: str) -> None:
        members = _members(circle, group)
        listed = [(port.node_id, port.pid) for port in members]
        self._tell(members, encode(View(group, circle.sequence, circle.representative, listed)))

    def _tell(self, ports: Iterable[Port], frame: bytes) -> None:
        for port in ports:
            port.put(frame)


def _members(circle: Circle, group: str) -> list[Port]:
    return [port for port in circle.ports if group in port.groups]


def _circle(port: Port) -> Circle:
    assert port.circle is not None, "a port is in a ring from the moment it is attached"
    return port.circle
