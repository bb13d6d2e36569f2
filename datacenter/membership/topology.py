"""The cluster as a drawing: nodes on a circle, what lies between them, each with a level, a shape and a word. Pure.

Two pictures are drawn with it: what is (`seen`, from what each node tells of its links) and what would be (`supposed`,
from the daemon's answer). It knows only places and words; `templates/membership/_drawing.html` makes SVG of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext

from cluster.model import ClusterState, NodeState, WitnessState
from datacenter.language.sentences import said

WIDTH, HEIGHT = 640, 440
LABEL_CHARS_MAX = 16
EACH_PAIR_MAX = 9  # with more nodes only what is not well is drawn between them
WITNESS_PLACE, WITNESS_LINK = (WIDTH - 76, HEIGHT - 62), 8  # links of nodes are numbered below
APART = 5  # pixels between the links of one pair

Heard = dict[tuple[int, int, int], bool]  # (node id, peer's id, link): does the node hear the peer on it?


@dataclass(frozen=True, slots=True)
class Spot:
    """A node: `x` and `y` its place, `label_y` that of its name."""

    name: str
    label: str
    x: int
    y: int
    level: str
    word: str
    votes: int
    sentence: str

    @property
    def label_y(self) -> int:
        return self.y + (34 if self.y >= HEIGHT // 2 - 10 else -40)


@dataclass(frozen=True, slots=True)
class Line:
    """What is between two nodes on one link. `level` is good, warning (one way only), bad or unknown."""

    x1: int
    y1: int
    x2: int
    y2: int
    link: int
    level: str
    word: str
    sentence: str

    @property
    def name(self) -> str:
        return str(self.link) if self.link < WITNESS_LINK else gettext("Witness")

    @property
    def middle(self) -> tuple[int, int]:
        return (self.x1 + self.x2) // 2, (self.y1 + self.y2) // 2


@dataclass(frozen=True, slots=True)
class Drawing:
    spots: tuple[Spot, ...]
    lines: tuple[Line, ...]
    summary: str
    small: bool

    @property
    def notable(self) -> list[Line]:
        return [line for line in self.lines if line.level in ("warning", "bad")]


def seen(cluster: ClusterState) -> Drawing:
    """Who sees whom now, by what each end of every link tells."""
    nodes = _ordered(cluster.nodes)
    places = _places(len(nodes))
    spots = tuple(_spot(node, *place, *_state(node)) for node, place in zip(nodes, places, strict=True))
    lines = tuple(_lines_seen(nodes, places))
    if cluster.witness is not None and cluster.witness.host:
        spots += (_witness_spot(cluster.witness),)
        lines += tuple(_witness_lines(cluster.witness, nodes, places))
    troubled = sum(line.level in ("warning", "bad") for line in lines)
    online = sum(node.online is True for node in nodes)
    links = (
        gettext("No link is down.")
        if not troubled
        else ngettext("{number} link is not well.", "{number} links are not well.", troubled).format(number=troubled)
    )
    return Drawing(
        spots,
        lines,
        gettext("{online} of {nodes} nodes are online. {links}").format(online=online, nodes=len(nodes), links=links),
        len(nodes) > 12,
    )


def _witness_spot(witness: WitnessState) -> Spot:
    level, word = ("good", gettext("witness")) if witness.connected else ("bad", gettext("witness, gone"))
    level, word = ("plain", gettext("witness, resting")) if witness.resting else (level, word)
    sentence = gettext("Witness {host}: {votes} of {configured} votes counted here.").format(
        host=witness.host, votes=witness.votes, configured=witness.configured_votes
    )
    return Spot("", _short(witness.host), *WITNESS_PLACE, level, word, witness.votes, sentence)


def _witness_lines(witness: WitnessState, nodes: list[NodeState], places: list[tuple[int, int]]) -> Iterator[Line]:
    seen = dict(witness.seen)
    for node, place in zip(nodes, places, strict=True):
        if witness.resting or node.name not in seen or not node.online:
            continue
        if not seen[node.name].connected:
            sentence = gettext("{node} is not connected to the witness.").format(node=node.name)
            yield Line(*place, *WITNESS_PLACE, WITNESS_LINK, "bad", gettext("not connected"), sentence)
        elif len(nodes) <= EACH_PAIR_MAX:
            sentence = gettext("{node} and the witness are connected.").format(node=node.name)
            yield Line(*place, *WITNESS_PLACE, WITNESS_LINK, "good", "", sentence)


def looks_different(before: NodeState, now: NodeState) -> bool:
    """Has anything changed of a node that `seen` draws?"""
    return before is not now and _drawn(before) != _drawn(now)


def _drawn(node: NodeState) -> tuple[Any, ...]:
    heard = tuple((state.peer_id, state.link, state.connected) for state in node.link_states)
    return node.online, node.votes, node.links, heard


def supposed(cluster: ClusterState, answer: Mapping[str, Any]) -> Drawing:
    """Who would see whom, and how each would fare."""
    nodes = _ordered(cluster.nodes)
    places = _places(len(nodes))
    fate = {name: _fate(side) for side in answer["sides"] for name in side["nodes"]}
    spots = tuple(
        _spot(node, *place, *fate.get(node.name, ("plain", gettext("off"))))
        for node, place in zip(nodes, places, strict=True)
    )
    at = {spot.name: spot for spot in spots}
    lines = tuple(line for side in answer["sides"] for line in _lines_supposed(side, at))
    return Drawing(spots, lines, said(str(answer["sentence"])), len(nodes) > 12)


def _fate(side: Mapping[str, Any]) -> tuple[str, str]:
    if side["quorate"] is None:
        return "unknown", gettext("not foretold")
    if side["quorate"] and side["writable"]:
        return "good", gettext("goes on")
    return ("warning", gettext("quorate, read-only")) if side["quorate"] else ("bad", gettext("read-only"))


def _lines_supposed(side: Mapping[str, Any], at: Mapping[str, Spot]) -> Iterator[Line]:
    names, apart = side["nodes"], {tuple(pair) for pair in side["apart"]}
    level = str(side["level"])
    if len(at) > EACH_PAIR_MAX:
        here = [at[name] for name in names]
        x, y = sum(spot.x for spot in here) // len(here), sum(spot.y for spot in here) // len(here)
        yield from (Line(spot.x, spot.y, x, y, 0, level, "", "") for spot in here if len(here) > 1)
        return
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            if (one, other) not in apart:
                yield Line(
                    at[one].x,
                    at[one].y,
                    at[other].x,
                    at[other].y,
                    0,
                    level,
                    "",
                    gettext("{one} and {other} see each other.").format(one=one, other=other),
                )


def _lines_seen(nodes: list[NodeState], places: list[tuple[int, int]]) -> Iterator[Line]:
    heard: Heard = {
        (node.node_id, state.peer_id, state.link): state.connected for node in nodes for state in node.link_states
    }
    for number, one in enumerate(nodes):
        for further, other in enumerate(nodes[number + 1 :], number + 1):
            if one.online is not True or other.online is not True:
                continue
            shared = sorted({link.number for link in one.links} & {link.number for link in other.links})
            for place, link in enumerate(shared):
                level, word, sentence = _between(one, other, link, heard)
                if level in ("warning", "bad") or len(nodes) <= EACH_PAIR_MAX:
                    ends = _beside(places[number], places[further], APART * (place - (len(shared) - 1) / 2))
                    yield Line(*ends, link, level, word, sentence)


def _between(one: NodeState, other: NodeState, link: int, heard: Heard) -> tuple[str, str, str]:
    there = heard.get((one.node_id, other.node_id, link))
    back = heard.get((other.node_id, one.node_id, link))
    pair = gettext("{name} and {name2} on link {link}").format(name=one.name, name2=other.name, link=link)
    if there is None and back is None:
        return "unknown", gettext("unknown"), gettext("Nothing is known yet between {pair}.").format(pair=pair)
    if there is False and back is False:
        return "bad", gettext("down"), gettext("Down between {pair}.").format(pair=pair)
    if there is False or back is False:
        deaf, loud = (one, other) if there is False else (other, one)
        return (
            "warning",
            gettext("one way"),
            gettext("On link {link} {name} does not hear {name2}; the other way works.").format(
                link=link, name=deaf.name, name2=loud.name
            ),
        )
    return "good", gettext("up"), gettext("Up between {pair}.").format(pair=pair)


def _state(node: NodeState) -> tuple[str, str]:
    return {
        True: ("good", gettext("online")),
        False: ("bad", gettext("offline")),
        None: ("unknown", gettext("unknown")),
    }[node.online]


def _spot(node: NodeState, x: int, y: int, level: str, word: str) -> Spot:
    votes = ngettext("{number} vote", "{number} votes", node.votes).format(number=node.votes)
    return Spot(node.name, _short(node.name), x, y, level, word, node.votes, f"{node.name}: {word}, {votes}.")


def _short(name: str) -> str:
    return name if len(name) <= LABEL_CHARS_MAX else f"{name[: LABEL_CHARS_MAX - 1]}…"


def _ordered(nodes: Iterable[NodeState]) -> list[NodeState]:
    return sorted(nodes, key=lambda node: node.node_id)


def _places(count: int) -> list[tuple[int, int]]:
    """Around an ellipse from the top, clockwise; one node stands in the middle."""
    if count == 1:
        return [(WIDTH // 2, HEIGHT // 2)]
    turns = [2 * math.pi * number / count - math.pi / 2 for number in range(count)]
    wide, high = WIDTH / 2 - 70, HEIGHT / 2 - 66
    return [(round(WIDTH / 2 + wide * math.cos(turn)), round(HEIGHT / 2 + high * math.sin(turn))) for turn in turns]


def _beside(one: tuple[int, int], other: tuple[int, int], shift: float) -> tuple[int, int, int, int]:
    """The line between two places, moved aside."""
    (x1, y1), (x2, y2) = one, other
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    dx, dy = -(y2 - y1) / length * shift, (x2 - x1) / length * shift
    return round(x1 + dx), round(y1 + dy), round(x2 + dx), round(y2 + dy)
