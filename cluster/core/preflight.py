"""What observations mean for nodes that are to become, or are, one cluster; a look that finds all well says so too.

Pure: facts and ways (`survey.py`) in, findings out, each with why it matters. Who observes is not known here; what
stands against create and join in this node's own state (membership, store, key) is `cluster/workflow/preflight.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cluster.core.engine_fixes import about_engine_fixes
from cluster.core.findings import WHY, Finding, Severity, finding
from cluster.core.survey import UDP_PORT, UDP_PORTS, UNKNOWN, Listed, NodeFacts, Wanted, Way

ROUND_TRIP_WARNING_MS, ROUND_TRIP_ERROR_MS = 5.0, 20.0
LOSS_ERROR = 0.2
CLOCK_WARNING_S, CLOCK_ERROR_S = 2.0, 30.0  # tickets forgive five minutes, people and logs do not
MTU_LEAST = 1280
SPACE_WARNING_BYTES, SPACE_ERROR_BYTES = 1 << 30, 64 << 20
NAMED_MAX = 4
# A bond of these sends one conversation over several cards, or moves it when it likes: packets come out of order.
BONDS_UNFIT = ("balance-rr", "broadcast", "balance-tlb", "balance-alb")


# --- the ways between nodes -------------------------------------------------------------------------------------------


def about_ways(ways: Sequence[Way]) -> list[Finding]:
    """UDP and TCP both ways, round-trip time, loss, and the size of packets."""
    return [
        *_passing(ways, "udp", f"UDP {UDP_PORT} to {UDP_PORT + UDP_PORTS - 1}"),
        *_passing(ways, "tcp", "TCP"),
        *_round_trips(ways),
        *_losses(ways),
        *_sizes(ways),
    ]


def _passing(ways: Iterable[Way], protocol: str, what: str) -> list[Finding]:
    looked_at = [way for way in ways if way.protocol == protocol]
    known = [way for way in looked_at if way.passed is not None]
    if looked_at and not known:
        return [finding(protocol, "info", f"{what}: could not be looked at here.")]
    advice = "Open the port in the firewalls of both, and between; see that both networks are connected."
    blocked = [way for way in known if not way.passed]
    found = [
        finding(protocol, "error", f"{protocol.upper()} port {way.port} of {way.target} cannot be reached from "
                f"{way.source}{_where(way)}.", way.target, advice)
        for way in blocked[:NAMED_MAX]
    ]  # fmt: skip
    if len(blocked) > NAMED_MAX:
        found.append(finding(protocol, "error", f"{len(blocked) - NAMED_MAX} more such ways are closed.", "", advice))
    if known and not blocked:
        passing = "pass both ways on every link" if protocol == "udp" else "passes both ways between all nodes"
        found.append(finding(protocol, "ok", f"{what} {passing}."))
    return found


def _where(way: Way) -> str:
    return f" at {way.address}" if way.address else f" on link {way.link}"


def _round_trips(ways: Iterable[Way]) -> list[Finding]:
    measured = [(way.round_trip_ms, way) for way in ways if way.protocol == "udp" and way.round_trip_ms is not None]
    measured = measured or [(way.round_trip_ms, way) for way in ways if way.round_trip_ms is not None]
    if not measured:
        return []
    longest_ms, way = max(measured, key=lambda one: one[0])
    between = f"{longest_ms:.1f} ms between {way.source} and {way.target}{_where(way)}"
    if longest_ms <= ROUND_TRIP_WARNING_MS:
        return [finding("round-trip", "ok", f"The longest round trip is {between}.")]
    severity: Severity = "error" if longest_ms > ROUND_TRIP_ERROR_MS else "warning"
    return [
        finding("round-trip", severity, f"A round trip takes {between}; a cluster wants less than "
                f"{ROUND_TRIP_WARNING_MS:g} ms.", way.target, "Choose a nearer or less busy network for this link.")
    ]  # fmt: skip


def _losses(ways: Iterable[Way]) -> list[Finding]:
    measured = [(way.loss, way) for way in ways if way.loss is not None]
    if not measured:
        return []
    most, way = max(measured, key=lambda one: one[0])
    if most <= 0:
        return [finding("loss", "ok", "No packet was lost.")]
    sentence = f"{most:.0%} of the packets between {way.source} and {way.target} were lost on link {way.link}."
    severity: Severity = "error" if most >= LOSS_ERROR else "warning"
    return [finding("loss", severity, sentence, way.target, "Look at cables, switches and the load of this network.")]


def _sizes(ways: Iterable[Way]) -> list[Finding]:
    measured = [way for way in ways if way.size_passed is not None]
    stuck = [way for way in measured if not way.size_passed]
    if measured and not stuck:
        least = min(way.size for way in measured)
        return [finding("mtu", "ok", f"Packets of {least} bytes pass whole on every link.")]
    return [
        finding("mtu", "error", f"Packets of {way.size} bytes do not pass whole between {way.source} and {way.target} "
                f"on link {way.link}, smaller ones do.", way.target, "Set the same MTU on both and on what is between.")
        for way in stuck[:NAMED_MAX]
    ]  # fmt: skip


# --- nodes compared ---------------------------------------------------------------------------------------------------


def about_mtus(nodes: Sequence[NodeFacts]) -> list[Finding]:
    """What the interfaces are set to, link by link; `about_ways` says what passes."""
    found = []
    for number in sorted({link.number for node in nodes for link in node.links}):
        said = {node.name: link.mtu for node in nodes for link in node.links if link.number == number and link.mtu}
        small = [name for name, mtu in said.items() if mtu < MTU_LEAST]
        if small:
            sentence = f"The MTU of {small[0]} on link {number} is {said[small[0]]}; corosync needs {MTU_LEAST}."
            found.append(finding("mtu", "error", sentence, small[0], "Raise it."))
        elif len(set(said.values())) > 1:
            listed = ", ".join(f"{name} {mtu}" for name, mtu in sorted(said.items()))
            advice = "Set the same on all; the smallest decides."
            found.append(finding("mtu", "warning", f"The MTU on link {number} differs: {listed}.", "", advice))
    return found


def about_clocks(apart_s: Sequence[tuple[str, float]]) -> list[Finding]:
    """Nodes and how far ahead of this node's clock theirs are."""
    if not apart_s:
        return []
    found = [
        finding("clock", "error" if abs(seconds) > CLOCK_ERROR_S else "warning",
                f"The clock of {name} is {abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} this node's.",
                name, "Let both follow the same time servers (NTP).")
        for name, seconds in apart_s if abs(seconds) > CLOCK_WARNING_S
    ]  # fmt: skip
    most = max(abs(seconds) for _, seconds in apart_s)
    return found or [finding("clock", "ok", f"The clocks agree within {max(most, 0.1):.1f} s.")]


def about_time_source(node: NodeFacts) -> list[Finding]:
    if node.synchronised:
        by = f" by {node.time_source}" if node.time_source else ""
        return [finding("time-source", "ok", f"The clock of {node.name} is kept{by}.", node.name)]
    if node.time_source:
        sentence = f"{node.time_source} runs on {node.name}, but its clock is not synchronised (yet)."
        return [finding("time-source", "warning", sentence, node.name, "See whether it reaches its time servers.")]
    sentence = f"Nothing that keeps the clock of {node.name} was found."
    return [finding("time-source", "warning", sentence, node.name, "Install chrony, or switch systemd-timesyncd on.")]


def about_names(nodes: Sequence[NodeFacts]) -> list[Finding]:
    """Every name that anybody asked for, as all resolve it. Who does not know a name contradicts nobody."""
    found, names = [], {name for node in nodes for name in node.resolves}
    for name in sorted(names):
        said = {node.name: frozenset(node.resolves.get(name, ())) for node in nodes}
        known = {who: addresses for who, addresses in said.items() if addresses}
        loops = [who for who, addresses in known.items() if who != name and all(map(_is_loopback, addresses))]
        if known and not frozenset.intersection(*known.values()):
            listed = "; ".join(f"{', '.join(sorted(addresses))} on {who}" for who, addresses in sorted(known.items()))
            found.append(finding("names", "warning", f"{name} resolves to {listed}.", name,
                                 "Write the same address in /etc/hosts of all nodes, or in DNS."))  # fmt: skip
        elif loops and len(known) > len(loops):
            found.append(finding("names", "warning", f"{name} is a loopback address on {loops[0]}.", loops[0],
                                 "Take the line out of /etc/hosts there."))  # fmt: skip
    return found or ([finding("names", "ok", "Every name means the same on all nodes that know it.")] if names else [])


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def about_uniqueness(wanted: Wanted, members: Sequence[Listed]) -> list[Finding]:
    same_name = any(member.name == wanted.name for member in members)
    others = [member for member in members if member.name != wanted.name]
    taken = [
        (address, member.name)
        for address in wanted.addresses.values() for member in others if address in member.addresses.values()
    ]  # fmt: skip
    same_id = [member.name for member in others if wanted.node_id is not None and member.node_id == wanted.node_id]
    found = [
        finding("unique-name", "error", f"The cluster lists a node named {wanted.name} already.", wanted.name,
                "Remove that one first if it is this machine's former self, or give this node another name.")
        if same_name else finding("unique-name", "ok", f"No other node is named {wanted.name}.")
    ]  # fmt: skip
    found += [
        Finding("unique-address", "error", f"{address} is an address of {name} already.", True, name,
                WHY["unique-address"], "Choose another address.", "choose-address")
        for address, name in taken
    ] or [finding("unique-address", "ok", "No other node has these addresses.")]  # fmt: skip
    if same_id:
        return [*found, finding("unique-id", "error", f"{same_id[0]} has the node id {wanted.node_id} already.",
                                same_id[0], "Leave the id out: the cluster gives the next free one.")]  # fmt: skip
    sentence = f"Node id {wanted.node_id} is free." if wanted.node_id else "The cluster gives a free node id."
    return [*found, finding("unique-id", "ok", sentence)]


def about_versions(nodes: Sequence[NodeFacts]) -> list[Finding]:
    found = _one_value("version", "Quire", {node.name: node.version for node in nodes}, "warning")
    engines = {node.name: node.corosync for node in nodes if node.corosync}
    if not engines:
        return found
    families = {version.partition(".")[0] for version in engines.values()}
    found += _one_value("engine-version", "corosync", engines, "error" if len(families) > 1 else "info")
    return found + about_engine_fixes(nodes)


def _one_value(code: str, what: str, said: dict[str, str], severity: Severity) -> list[Finding]:
    values = sorted(set(said.values()))
    if len(values) == 1:
        return [finding(code, "ok", f"{what} {values[0]} {'on all nodes' if len(said) > 1 else 'runs here'}.")]
    listed = ", ".join(f"{value or 'none'} on {name}" for name, value in sorted(said.items()))
    return [finding(code, severity, f"Different versions of {what} run: {listed}.", "", "Update the older nodes.")]


def about_processors(nodes: Sequence[NodeFacts]) -> list[Finding]:
    vendors = {node.name: node.cpu_vendor for node in nodes if node.cpu_vendor != UNKNOWN}
    models = {node.name: node.cpu_model for node in nodes if node.cpu_model != UNKNOWN}
    if len(set(vendors.values())) > 1:
        listed = ", ".join(f"{vendor} on {name}" for name, vendor in sorted(vendors.items()))
        return [finding("cpu", "warning", f"Processors of different makers: {listed}.", "",
                        "Running guests cannot move between them.")]  # fmt: skip
    if len(set(models.values())) > 1:
        listed = ", ".join(f"{model} on {name}" for name, model in sorted(models.items()))
        return [finding("cpu", "info", f"Different processors: {listed}.", "",
                        "Give guests that are to move a CPU type that all have.")]  # fmt: skip
    model = next(iter(models.values()), "unknown")
    said = f"All nodes have the processor {model}." if len(models) > 1 else f"The processor is {model}."
    return [finding("cpu", "ok", said)]


# --- a node by itself -------------------------------------------------------------------------------------------------


def about_space(node: NodeFacts) -> list[Finding]:
    free = f"{node.name} has {node.free_bytes >> 20} MiB free for the store"
    if node.free_bytes < SPACE_ERROR_BYTES:
        return [finding("space", "error", f"{free}.", node.name, "Make room first.")]
    if node.free_bytes < SPACE_WARNING_BYTES:
        return [finding("space", "warning", f"{free}, which is little.", node.name, "Make room in time.")]
    return [finding("space", "ok", f"{free}.", node.name)]


def about_ssh(node: NodeFacts) -> list[Finding]:
    said = "answers" if node.ssh else "does not answer"
    return [finding("ssh", "info", f"SSH {said} on {node.name}, port 22.", node.name)]


def about_shared_networks(node: NodeFacts) -> list[Finding]:
    advice = "Give the cluster a network of its own, or a second link on another one."
    found = [
        finding("shared-network", "warning", f"Link {link.number} of {node.name}: {link.shared}", node.name, advice)
        for link in node.links if link.shared
    ]  # fmt: skip
    return found or [finding("shared-network", "ok", "No heavy traffic was found on the links' networks.", node.name)]


def about_bonds(node: NodeFacts) -> list[Finding]:
    found = []
    for link in node.links:
        if link.bond in BONDS_UNFIT:
            found.append(finding("bond", "error", f"Link {link.number} of {node.name} runs over a bond in mode "
                                 f"{link.bond}, which corosync does not bear.", node.name,
                                 "Use active-backup, or 802.3ad with a fast LACP rate."))  # fmt: skip
        elif link.bond == "802.3ad" and link.lacp == "slow":
            found.append(finding("bond", "warning", f"Link {link.number} of {node.name} runs over an 802.3ad bond with "
                                 "a slow LACP rate: a failed port is noticed after 90 s.", node.name,
                                 "Set bond-lacp-rate fast, on the switch too."))  # fmt: skip
    bonded = sorted({link.bond for link in node.links if link.bond})
    fit = f"The bond below is fit ({', '.join(bonded)})." if bonded else "No link runs over a bond."
    return found or [finding("bond", "ok", fit, node.name)]


def about_leftovers(paths: Sequence[str]) -> list[Finding]:
    if not paths:
        return [finding("leftovers", "ok", "Nothing of a former cluster is left.")]
    return [
        Finding("leftovers", "warning", f"A former cluster left {', '.join(paths)}.", why=WHY["leftovers"],
                advice="They are moved to a backup, not deleted.", fix="remove-leftovers")
    ]  # fmt: skip
