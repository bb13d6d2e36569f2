"""The daemon's sentences on a German page: each has a pattern, and is said in German with the same values."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.conf import settings
from django.utils import translation

from cluster.alerts.conditions import KINDS, THRESHOLDS, Facts, conditions
from cluster.core import supposition_text, supposition_words
from cluster.core.advice import advice
from cluster.core.health import health, quorum_standing
from cluster.core.supposition import Configured, suppose
from cluster.core.witness import Witness
from cluster.flight import observe
from cluster.flight.causes import Past, Placed, cause_of
from cluster.flight.recorded import Recorded
from cluster.model import (
    AlertState,
    ClusterState,
    Link,
    LinkState,
    LoweredVotes,
    Node,
    NodeState,
    Quorum,
    Revision,
    Sample,
    StoreState,
    WitnessSeen,
    WitnessState,
)
from datacenter.language.patterns import PATTERNS
from datacenter.language.patterns_of_refusals import REFUSALS
from datacenter.language.sentences import HOLE, is_known, read, said

NOW_S, DAY_S = 1_000_000.0, 86400.0
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")
STORE = StoreState(True, "", Revision(1, 1), "")
READ_ONLY = replace(STORE, writable=False, reason="1 of the 2 votes needed to write are present. Not here: beta.")


def node(number: int, online: bool | None = True, **more: object) -> NodeState:
    links = (Link(0, f"10.0.0.{number}"), Link(1, f"10.0.0.{number + 100}"))
    found = NodeState(NAMES[number - 1], number, 1, links, local=number == 1, online=online, since_s=900.0)
    return replace(found, version="1.0", certificate_ends_s=NOW_S + 300 * DAY_S, **more)  # type: ignore[arg-type]


def state(*nodes: NodeState, present: int | None = None, **more: object) -> ClusterState:
    here = sum(one.online is True for one in nodes) if present is None else present
    quorum = Quorum(here > len(nodes) // 2, len(nodes), here, len(nodes) // 2 + 1)
    found = ClusterState("alpha", "office", 3, nodes, quorum, store=STORE)
    return replace(found, **more)  # type: ignore[arg-type]


def witnessed(connected: bool) -> WitnessState:
    seen = (("alpha", WitnessSeen(True, "", connected, 1.0)),)
    return WitnessState("10.0.0.9", "ffsplit", 1, int(connected), connected=connected, seen=seen)


def states() -> Iterator[ClusterState]:
    down = (LinkState(2, 0, False), LinkState(3, 1, False), LinkState(4, 0, True, 20_000))
    for count in range(1, 7):
        nodes = tuple(node(number) for number in range(1, count + 1))
        yield state(*nodes)
        yield state(*nodes, store=READ_ONLY)
        yield state(*nodes, store=replace(STORE, lagging=NAMES[1:count]))
        yield state(*nodes, lowered=LoweredVotes(1, 3, 0.0, "root@pam"))
        yield state(*(replace(one, links=one.links[:1]) for one in nodes))
        yield state(replace(nodes[0], links=nodes[0].links[:1]), *nodes[1:])
        yield state(*(replace(one, version=f"1.{one.node_id}") for one in nodes))
        for days in (-1, 1.5, 3, 20):
            yield state(*(replace(one, certificate_ends_s=NOW_S + days * DAY_S) for one in nodes))
            yield state(replace(nodes[0], certificate_ends_s=NOW_S + days * DAY_S), *nodes[1:])
        for apart_s in (5, -20):
            yield state(*(replace(one, clock_apart_s=apart_s) for one in nodes))
            yield state(*nodes[:-1], replace(nodes[-1], clock_apart_s=apart_s, sample=Sample(NOW_S + apart_s)))
        for gone in range(1, count):
            yield state(*nodes[:-gone], *(replace(one, online=False) for one in nodes[-gone:]))
            yield state(*nodes[:-gone], *(replace(one, online=None) for one in nodes[-gone:]))
        yield state(replace(nodes[0], link_states=down[: count - 1]), *nodes[1:])
        for connected in (True, False):
            yield state(*nodes, witness=witnessed(connected))
    trouble = "The disk with /var/lib/quire is full. Make room there."
    yield state(node(1), store=replace(READ_ONLY, trouble=trouble))
    yield replace(state(node(1)), quorum=None)
    yield ClusterState("alpha", store=STORE)


def of_states() -> Iterator[str]:
    facts = Facts(NOW_S, 97.0, 3.0)
    for one in states():
        for told in (health(one, NOW_S), quorum_standing(one)):
            yield from (told.word, told.sentence)
            yield from (text for reason in told.reasons for text in (reason.short, reason.sentence))
        yield from (text for piece in advice(one, NOW_S) for text in (piece.title, piece.sentence, piece.step))
        yield from (condition.sentence for condition in conditions(one, facts, THRESHOLDS))


def recorded() -> Iterator[str]:
    looks = [*states(), replace(state(node(1), node(2)), problem="The connection to corosync was lost (it ended).")]
    for before, now in itertools.pairwise(looks):
        yield from (event.sentence for event in observe.differences(before, now))
    ends = [{("beta", 0): True}, {("beta", 0): False}, {("beta", 0): True}]
    for before_links, now_links in itertools.pairwise(ends):
        yield from (event.sentence for event in observe.links(before_links, now_links))
    changed = [(f"file-{number}", ("written", "removed")[number % 2]) for number in range(7)]
    yield from (observe.paths_sentence(changed[:count]) for count in range(1, 8))


def causes() -> Iterator[str]:
    codes = ("stopped", "started", "started-unclean", "engine-lost", "node-removed", "node-gone", "node-here",
             "quorum-lost", "quorum-gained", "store-trouble", "store-well", "link-down", "link-up",
             "task-started")  # fmt: skip
    effects = ("node-gone", "node-here", "quorum-lost", "quorum-gained", "store-read-only", "store-writable",
               "link-down", "changed", "task-failed")  # fmt: skip
    upid = "UPID:beta:00000001:00000001:00000001:clustercreate:office:root@pam:"
    for cause, effect, by in itertools.product(codes, effects, ("alpha", "beta")):
        kind = "task" if cause.startswith("task") else "link" if cause.startswith("link") else "node"
        about = upid if kind == "task" else "beta" if by == "alpha" else "alpha"
        sentence = "The connection to corosync was lost (it ended)."
        links = (0, 1) if kind == "link" else (None,)
        earlier = [Placed(by, Recorded(kind, cause, about, sentence, link, user="root@pam", time_s=9.0 + (link or 0)))
                   for link in links]  # fmt: skip
        own = [
            Placed("alpha", Recorded("membership", cause, name, sentence, time_s=9.5)) for name in ("gamma", "delta")
        ]
        at = Placed("alpha", Recorded("node", effect, "beta", link=0, door="workflow", by="beta", time_s=12.0))
        yield cause_of(at, Past([*earlier, *own, at]))


def supposed() -> Iterator[str]:
    for count in range(1, 6):
        nodes = tuple(
            Node(name, number, 1, tuple(Link(link, f"10.{link}.0.{number}") for link in range(2)))
            for number, name in enumerate(NAMES[:count], 1)
        )
        for witness in (None, Witness()):
            configured = Configured(nodes, witness=witness)
            for gone in range(count + 1):
                for split in ("", NAMES[0], ",".join(NAMES[: max(1, count // 2)])):
                    for links in ("", "0,1", "alpha:0,alpha:1"):
                        typed = {"off": ",".join(NAMES[count - gone : count]), "split": split, "links": links}
                        for flags in ({}, {"anew": True}, {"witness": False}):
                            asked = supposition_text.read(configured.nodes, **typed, **flags)  # type: ignore[arg-type]
                            words = supposition_words.tell(configured, suppose(configured, asked))
                            yield from (words.sentence, words.step, *words.consequences)
                            yield from itertools.chain.from_iterable(words.sides)


@pytest.mark.parametrize("source", [of_states, recorded, causes, supposed], ids=lambda source: source.__name__)
def test_whatever_the_daemon_says_of_the_cluster_has_a_pattern(source: object) -> None:
    unknown = sorted({text for text in source() if text and not is_known(text)})  # type: ignore[operator]
    assert unknown == []


def test_the_steps_of_every_workflow_have_a_pattern() -> None:
    """Each is named by the second argument of a step, or the first of one that undoes."""
    titles = set()
    for path in sorted((settings.BASE_DIR / "cluster" / "workflow").glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("Step", "UndoStep"):
                titles.update(text for each in call.args[:2] if " " in (text := _text(each)))
    assert len(titles) > 30
    assert sorted(title for title in titles if not is_known(title)) == []


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join("corosync" if isinstance(each, ast.FormattedValue) else each.value for each in node.values)  # type: ignore[attr-defined]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_each_refusal_that_has_a_pattern_is_still_said() -> None:
    source = []
    for path in sorted((settings.BASE_DIR / "cluster").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                source.append(node.value)
    text = "\n".join(source)
    pieces = {piece.strip() for pattern in REFUSALS for piece in HOLE.split(pattern)[::2] if len(piece) > 12}
    assert len(pieces) > 40
    assert sorted(piece for piece in pieces if piece not in text) == []


def test_the_kinds_of_alerts_have_a_pattern() -> None:
    assert [words for words in KINDS.values() if not is_known(words)] == []


def test_a_sentence_is_said_with_its_values_in_the_language_of_the_page() -> None:
    told = health(state(node(1), node(2), replace(node(3), online=False)), NOW_S)
    with translation.override("de"):
        assert said(told.word) == "gamma ist offline"
        assert said(told.sentence) == (
            "gamma ist offline. 2 von 3 Stimmen sind da, 2 sind nötig. Keine Stimme darf mehr ausfallen."
        )
    with translation.override("en"):
        assert said(told.sentence) == told.sentence


def test_lists_and_sentences_within_a_sentence_are_said_too() -> None:
    with translation.override("de"):
        assert said("alpha, beta, gamma and 4 more are offline").startswith("alpha, beta, gamma und 4 weitere")
        assert said("Down: link 0 between alpha and beta and 2 more.") == (
            "Ausgefallen: Link 0 zwischen alpha und beta und 2 weitere."
        )
        assert said("Over: Node gone: beta is gone. (told 1 of 2 targets)") == (
            "Vorbei: Knoten weg: beta ist fort. (1 von 2 Zielen benachrichtigt)"
        )


def test_what_no_pattern_fits_stays_and_what_follows_it_is_said() -> None:
    with translation.override("de"):
        assert said("Something else happened. beta is gone.") == "Something else happened. beta ist fort."
        assert said("") == "" and said("x " * 2000) == "x " * 2000


def test_no_sentence_can_smuggle_a_hole_or_markup_into_another() -> None:
    with translation.override("de"):
        assert said("{0.__class__} is gone.") == "{0.__class__} ist fort."
        assert "<b>" in said("<b>x</b> is gone.")  # the template escapes it, as it does the English one


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_pattern_is_found_by_a_sentence_of_its_form(pattern: str) -> None:
    assert read(pattern.replace("{", "").replace("}", "")) is not None or "{" in pattern


def test_an_alert_of_another_node_is_one_too() -> None:
    alert = AlertState("disk/beta", "disk", "beta", "The disk of beta is full to 97 %.", 1.0)
    told = health(state(node(1), node(2), node(3), alerts=(alert,)), NOW_S)
    with translation.override("de"):
        assert said(told.sentence).startswith("Die Festplatte von beta ist zu 97 % voll.")
