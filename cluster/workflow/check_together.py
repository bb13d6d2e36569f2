"""Pre-flight from both sides: what a node finds before it creates or joins, with the members' help, told at once.

Nothing is changed anywhere. A member helps only whom it would add: who signs in as root there, or shows a join token.
This node's own state is `preflight.py`; what observations mean is `cluster/core/preflight.py`; how they are made is
behind `surveyor.py`. The members' side is `cluster/node/surveys.py`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from cluster.core import preflight as judge
from cluster.core.findings import Finding, finding
from cluster.core.survey import UDP_PORT, Listed, NodeFacts, Wanted, Way
from cluster.corosync.conf.document import link_number
from cluster.errors import PeerError, PeerRefused, QuireError
from cluster.model import Link
from cluster.workflow import answer, preflight
from cluster.workflow.asking import Peers, PeerSession
from cluster.workflow.clock import Clock
from cluster.workflow.create import default_link
from cluster.workflow.host import Host
from cluster.workflow.join_plan import JoinPlan
from cluster.workflow.surveyor import NAMES_MAX, NONCE_BYTES, Exchange, Surveyor
from cluster.workflow.token_session import PREFLIGHT, signed_in

ANSWERS_MAX = 256
Tell = Callable[[Sequence[Finding]], None]


@dataclass(frozen=True, slots=True)
class MemberAnswer:
    """A member's facts, and what it measured on the ways to and from the joining node."""

    facts: NodeFacts
    ways: tuple[Way, ...] = ()
    apart_s: float = 0.0


@dataclass(frozen=True, slots=True)
class MembersAnswer:
    """All of them, by the one that was asked: its clock when it answered, how long it took; each answer's `apart_s` is
    how far ahead of that clock the other's was."""

    nodes: tuple[MemberAnswer, ...]
    now_s: float
    took_s: float


@dataclass(frozen=True, slots=True)
class Joiner:
    """The joining node, as members are asked to look at it. `address` and `port` are its site's."""

    name: str
    links: Mapping[int, str]
    address: str
    port: int
    nonce: bytes


async def check_create(host: Host, surveyor: Surveyor, links: Sequence[Link], tell: Tell) -> None:
    """Before this node founds a cluster."""
    tell(await preflight.inspect_rows(host, links, joins=False))
    tell(judge.about_leftovers(await surveyor.leftovers()))
    facts = await surveyor.facts({link.number: link.address for link in links}, [host.name])
    tell(alone(facts))
    tell([*judge.about_versions([facts]), *judge.about_processors([facts])])


def alone(facts: NodeFacts) -> list[Finding]:
    """What a node's own facts say without another's beside them."""
    return [
        *judge.about_time_source(facts), *judge.about_space(facts), *judge.about_shared_networks(facts),
        *judge.about_bonds(facts), *judge.about_mtus([facts]), *judge.about_ssh(facts),
    ]  # fmt: skip


async def check_join(
    host: Host, surveyor: Surveyor, port: int, plan: JoinPlan, peers: Peers, clock: Clock, tell: Tell
) -> None:
    """Before this node joins the plan's cluster. What cannot be asked is told as a finding."""
    links = plan.links or (default_link(host),)
    tell(await preflight.inspect_rows(host, links, joins=True))
    tell(judge.about_leftovers(await surveyor.leftovers()))
    try:
        session = await signed_in(plan, peers, clock)
        information = await session.get("/cluster/config/join")
        cluster = answer.read_join_information(information, plan.fingerprint)
    except QuireError as error:
        tell([finding("peer", "error", error.message, "", "Nothing was asked of the cluster's side.")])
        tell(alone(await surveyor.facts({link.number: link.address for link in links}, [host.name])))
        return
    members = _listed(information)
    tell([finding("peer", "ok", f"{plan.hostname} is a member of {cluster.name} and lets this node in.")])
    tell(_link_numbers(cluster, links))
    addresses = {link.number: link.address for link in links}
    tell(judge.about_uniqueness(Wanted(host.name, addresses, plan.node_id), members))
    joiner = Joiner(host.name, addresses, host.address, port, secrets.token_bytes(NONCE_BYTES))
    await _together(surveyor, session, joiner, members, _sites(information), clock, tell)


def _link_numbers(cluster: answer.PeerCluster, links: Sequence[Link]) -> list[Finding]:
    given = {link.number for link in links}
    if given == cluster.links:
        return [finding("link-numbers", "ok", "This node has an address for every link of the cluster.")]
    wanted = ", ".join(map(str, sorted(cluster.links)))
    return [
        Finding("link-numbers", "error", f"The cluster {cluster.name} uses the links {wanted}.", True,
                advice="Give an address for each of them.", fix="choose-address")
    ]  # fmt: skip


async def _together(
    surveyor: Surveyor, session: PeerSession, joiner: Joiner, members: Sequence[Listed], sites: Mapping[str, str],
    clock: Clock, tell: Tell,
) -> None:  # fmt: skip
    targets = [(n, member.addresses[n]) for member in members for n in joiner.links if n in member.addresses]
    names = [*(member.name for member in members), joiner.name][:NAMES_MAX]
    async with surveyor.exchange(joiner.nonce, joiner.links, targets) as exchange:
        own, reached, said = await asyncio.gather(
            surveyor.facts(joiner.links, names), ways_to_sites(surveyor, joiner.name, joiner.port, sites),
            _asked(session, joiner, clock),
        )  # fmt: skip
        ways = [*reached, *_heard(exchange, joiner, members)]
    tell(alone(own))
    if isinstance(said, Finding):
        tell([*judge.about_ways(reached), said])
        return
    answers, apart_s = said
    everyone = [own, *(each.facts for each in answers)]
    measured = [way for each in answers for way in each.ways]
    silent = sorted({member.name for member in members} - {each.facts.name for each in answers})
    tell(judge.about_ways([*measured, *ways]))
    tell([finding("member", "warning", f"{name} did not answer the member that was asked.", name) for name in silent])
    tell(judge.about_mtus(everyone))
    tell(judge.about_clocks(apart_s))
    tell([*judge.about_names(everyone), *judge.about_versions(everyone), *judge.about_processors(everyone)])
    tell([each for answer_ in answers for each in _of_member(answer_.facts)])


def _of_member(facts: NodeFacts) -> list[Finding]:
    """Of what a member says of itself, what is not in order."""
    return [each for each in alone(facts) if each.severity in ("warning", "error") and each.code != "mtu"]


async def ways_to_sites(surveyor: Surveyor, source: str, port: int, sites: Mapping[str, str]) -> list[Way]:
    """By TCP from `source`, which is this node, to the sites of others: name → address."""
    passed = await asyncio.gather(*(surveyor.reach(address, port) for address in sites.values()))
    return [
        Way(source, name, 0, "tcp", port, one, address=address)
        for (name, address), one in zip(sites.items(), passed, strict=True)
    ]


def _heard(exchange: Exchange, joiner: Joiner, members: Sequence[Listed]) -> list[Way]:
    """From the members to this node; what is measured there and back comes from them, who began later."""
    return [
        Way(member.name, joiner.name, n, "udp", UDP_PORT + n, found.heard if found is not None else None)
        for member in members for n in joiner.links if n in member.addresses
        for found in (exchange.measured(n, member.addresses[n]),)
    ]  # fmt: skip


async def _asked(
    session: PeerSession, joiner: Joiner, clock: Clock
) -> tuple[list[MemberAnswer], list[tuple[str, float]]] | Finding:
    links = {f"link{number}": address for number, address in joiner.links.items()}
    begun_s = clock.unix_s()
    try:
        said = read_answer(
            await session.post(
                PREFLIGHT, node=joiner.name, address=joiner.address, port=joiner.port, nonce=joiner.nonce.hex(), **links
            )
        )
    except PeerRefused as error:
        return finding("peer", "warning", f"The cluster's side cannot look: {error.message}", "",
                             "Update the cluster's nodes; the join itself may go on.")  # fmt: skip
    except QuireError as error:
        return finding("peer", "error", f"The cluster's side cannot look: {error.message}")
    ended_s = clock.unix_s()
    ahead_s = said.now_s - (ended_s - max(ended_s - begun_s - said.took_s, 0.0) / 2)
    return list(said.nodes), [(each.facts.name, ahead_s + each.apart_s) for each in said.nodes]


def read_answer(data: Any) -> MembersAnswer:
    """A peer's word. Raises PeerError where it has not the form it should have."""
    try:
        said = msgspec.convert(data, MembersAnswer, strict=False)
    except msgspec.ValidationError as error:
        raise PeerError("The peer did not say what it found in a way this node understands.") from error
    if len(said.nodes) > ANSWERS_MAX:
        raise PeerError("The peer answers for too many nodes.")
    return said


def _listed(information: Mapping[str, Any]) -> list[Listed]:
    """Of join information whose form was checked."""
    return [
        Listed(
            str(entry["name"]),
            int(str(entry.get("nodeid", 0))) if str(entry.get("nodeid", 0)).isdecimal() else 0,
            {n: str(value) for key, value in entry.items() if (n := link_number(key)) is not None},
        )
        for entry in information["nodelist"]
    ]


def _sites(information: Mapping[str, Any]) -> dict[str, str]:
    return {str(entry["name"]): str(entry["pve_addr"]) for entry in information["nodelist"] if entry.get("pve_addr")}
