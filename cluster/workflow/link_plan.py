"""What changing a cluster's links comes to, before anybody does it: one link at a time, and the way back. Pure.

Corosync takes no other addresses for a link it has: the link is taken out and put back, while another one works. So
links are added first and removed last, and moving the only one means another number. Every step is a whole
corosync.conf with a version of its own; the way back ends at the former file with a version above them all, the same on
every node, because corosync refuses to be in one ring with another version. Who acts on it is `change_links.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cluster.corosync import conf, names
from cluster.corosync.conf.link_edits import remove_link, set_link
from cluster.errors import InvalidInput
from cluster.model import LINKS_MAX, Node

WAY_BACK_MAX = 2 * LINKS_MAX + 1  # steps; versions are kept free for them


@dataclass(frozen=True, slots=True)
class LinkWish:
    """What one link shall be: `addresses` by node (the others keep theirs), or removed."""

    number: int
    addresses: Mapping[str, str]
    priority: int | None = None
    remove: bool = False


@dataclass(frozen=True, slots=True)
class LinkStep:
    """One change of one link; `document` is the whole corosync.conf after it."""

    title: str
    document: conf.Document


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """`needed` are addresses that a node must have by then, as (node, address)."""

    steps: tuple[LinkStep, ...]
    fallback: conf.Document
    needed: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


def read_wish(number: int, text: str, *, allow_loopback: bool) -> LinkWish:
    """`alpha=10.0.0.1,beta=10.0.0.2,priority=5`, or `remove`. Raises InvalidInput for the field `linkN`."""
    field = f"link{number}"
    if text.strip() == "remove":
        return LinkWish(number, {}, remove=True)
    addresses: dict[str, str] = {}
    priority = None
    for part in text.split(","):
        key, equals, value = (each.strip() for each in part.partition("="))
        if not equals or key in addresses:
            sentence = "A link is written as NODE=ADDRESS,NODE=ADDRESS,priority=NUMBER, each node once, or as remove."
            raise InvalidInput(sentence, fields={field: sentence})
        if key == "priority":
            priority = names.link_string(number, f"192.0.2.1,priority={value}", field).priority
        else:
            addresses[names.node_name(key, field)] = names.link_address(value, field, allow_loopback=allow_loopback)
    return LinkWish(number, addresses, priority)


def plan_links(document: conf.Document, wishes: list[LinkWish]) -> LinkPlan:
    """Raises InvalidInput, NotFound, Conflict."""
    if not wishes:
        raise InvalidInput("Nothing was to be changed.", fields={"links": "Change at least one link."})
    target, warnings = document, []
    for wish in sorted(wishes, key=lambda each: (each.remove, each.number)):
        if wish.remove:
            target = remove_link(target, wish.number)
            continue
        wished = set_link(target, wish.number, wish.addresses, wish.priority)
        if _addresses(wished) != _addresses(target) and target.link_numbers() == (wish.number,):
            free = next(number for number in range(LINKS_MAX) if number != wish.number)
            warnings.append(f"Link {wish.number} is the only one, so its new addresses become link {free}.")
            target = remove_link(set_link(target, free, _addresses(wished)[wish.number], wish.priority), wish.number)
        else:
            target = wished
    steps = way(document, target, document.config_version)
    if not steps:
        raise InvalidInput("The links are like this already.", fields={"links": "Nothing would change."})
    verification = conf.verify(steps[-1].document, current_version=document.config_version)
    if not verification.ok:
        raise InvalidInput(" ".join(verification.errors))
    above = steps[-1].document.config_version + WAY_BACK_MAX
    fallback = conf.raise_version(conf.Document(document.root), above)
    return LinkPlan(steps, fallback, _new_addresses(document.nodes(), target.nodes()), tuple(warnings))


def way(document: conf.Document, target: conf.Document, above: int) -> tuple[LinkStep, ...]:
    """From one set of links to another, each step a file that corosync takes; versions count up from `above`.

    Also the way back, from wherever the change stands. Raises Conflict where addresses would meet on the way."""
    steps: list[LinkStep] = []
    now = document

    def take(title: str, changed: conf.Document) -> None:
        nonlocal now
        now = conf.with_version(changed, above + len(steps) + 1)
        steps.append(LinkStep(title, now))

    wanted = _addresses(target)
    priorities = {link.number: link.priority for node in target.nodes() for link in node.links}
    for number in sorted(wanted.keys() - _addresses(now).keys()):
        take(f"Add link {number}", set_link(now, number, wanted[number], priorities[number]))
    for number in sorted(wanted):
        if _addresses(now)[number] != wanted[number]:
            take(f"Take link {number} out for its new addresses", remove_link(now, number))
            take(f"Put link {number} back", set_link(now, number, wanted[number], priorities[number]))
        elif _priority(now, number) != priorities[number]:
            take(f"Change the priority of link {number}", set_link(now, number, {}, priorities[number] or 0))
    for number in sorted(_addresses(now).keys() - wanted.keys()):
        take(f"Remove link {number}", remove_link(now, number))
    return tuple(steps)


def way_back(document: conf.Document, fallback: conf.Document) -> tuple[conf.Document, ...]:
    """The files from what is in force to the former links; the last one is the fallback itself, the same everywhere."""
    steps = way(document, fallback, fallback.config_version - WAY_BACK_MAX - 1)
    return (*(step.document for step in steps[:-1]), fallback)


def _addresses(document: conf.Document) -> dict[int, dict[str, str]]:
    """Link → node → address."""
    found: dict[int, dict[str, str]] = {}
    for node in document.nodes():
        for link in node.links:
            found.setdefault(link.number, {})[node.name] = link.address
    return found


def _priority(document: conf.Document, number: int) -> int | None:
    return next((link.priority for node in document.nodes() for link in node.links if link.number == number), None)


def _new_addresses(before: tuple[Node, ...], after: tuple[Node, ...]) -> tuple[tuple[str, str], ...]:
    known = {(node.name, link.address) for node in before for link in node.links}
    return tuple(
        (node.name, link.address) for node in after for link in node.links if (node.name, link.address) not in known
    )
