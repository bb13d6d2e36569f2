"""What is worth recording: two looks at the cluster compared, committed changes, and tasks, as events. Pure.

Nothing is remembered here but what is handed in. Why something happened is `causes.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cluster.core.effects import Committed
from cluster.flight.recorded import PATHS_SHOWN, SENTENCE_CHARACTERS_MAX, Recorded
from cluster.model import ClusterState, NodeState, TaskState

LOCKS = "priv/lock/"
Links = Mapping[tuple[str, int], bool]  # (the node at the other end, number) → connected


def differences(before: ClusterState | None, now: ClusterState) -> Iterator[Recorded]:
    """What is different since the look before; nothing when there was none."""
    if before is None:
        return
    yield from _engine(before, now)
    if before.name != now.name:
        word, name = ("cluster-entered", now.name) if now.name else ("cluster-left", before.name)
        said = "belongs to" if now.name else "no longer belongs to"
        yield _seen(now, "membership", word, name, f"This node {said} the cluster {name}.")
    yield from _nodes(before, now)
    yield from _quorum(before, now)
    yield from _witness(before, now)
    yield from _store(before, now)


def links(before: Links, now: Links) -> Iterator[Recorded]:
    """Links that went down, and those that came up again. `before` are those that have been up (`ever_up`): one that
    never was, as every link while a node starts, has not gone."""
    for (peer, number), connected in sorted(now.items()):
        if connected != before.get((peer, number), connected):
            code, words = ("link-up", "works again") if connected else ("link-down", "is down")
            yield Recorded("link", code, peer, f"Link {number} to {peer} {words}.", number)


def ever_up(before: Links, now: Links) -> Links:
    """Of the links there are now those that have been up, and whether they are."""
    return {key: connected for key, connected in now.items() if connected or key in before}


def links_of(state: ClusterState) -> dict[tuple[str, int], bool]:
    """This node's own links, as it measures them; {} while it measures none."""
    own = state.node(state.local_node)
    names = {node.node_id: node.name for node in state.nodes}
    known = own.link_states if own is not None else ()
    return {(names[one.peer_id], one.link): one.connected for one in known if one.peer_id in names}


def committed(changes: Iterable[Committed], names: Mapping[int, str], locks: set[str]) -> Iterator[Recorded]:
    """Changes of the configuration, with who made them. `locks` are those known to be held, and is kept up to date."""
    for one in changes:
        if one.applied is None:
            continue
        paths = [(change.path, change.kind) for change in one.applied.paths]
        by = names.get(one.node_id, f"node {one.node_id}")
        revision = f"{one.point.epoch}.{one.point.index}"
        plain = [(path, kind) for path, kind in paths if not path.startswith(LOCKS)]
        for path, kind in paths:
            if path.startswith(LOCKS) and (code := _lock(path, kind, locks)):
                name = path.removeprefix(LOCKS)
                words = "was taken" if code == "lock-taken" else "was given up"
                yield Recorded("lock", code, name, f"The lock {name} {words}.", user=one.user, door=one.door, by=by,
                               revision=revision)  # fmt: skip
        if plain:
            yield Recorded("config", "changed", plain[0][0], paths_sentence(plain), user=one.user, door=one.door,
                           by=by, revision=revision)  # fmt: skip


def paths_sentence(paths: Iterable[tuple[str, str]]) -> str:
    listed = [f"{path} was removed" if kind == "removed" else f"{path} was written" for path, kind in paths]
    more = f", and {len(listed) - PATHS_SHOWN} more" if len(listed) > PATHS_SHOWN else ""
    return cut(f"{', '.join(listed[:PATHS_SHOWN])}{more}.")


def task(state: TaskState) -> Recorded:
    """A task's beginning, or its end."""
    what = f"{state.type} {state.id}".strip()
    if state.end_time_s is None:
        return Recorded("task", "task-started", state.upid, f"Task {what} began.", user=state.user)
    fine = state.status == "OK" or state.status.startswith("WARNINGS")
    code = "task-ended" if fine else "task-failed"
    return Recorded("task", code, state.upid, cut(f"Task {what} ended: {state.status}"), user=state.user)


def folded(first: Recorded, next_: Recorded) -> Recorded | None:
    """Two changes of the configuration as one event when the same one made both, in quick succession."""
    same = (first.kind, first.user, first.door, first.by) == (next_.kind, next_.user, next_.door, next_.by)
    if first.kind != "config" or not same:
        return None
    count = first.count + next_.count
    kept = first.sentence.partition(" And ")[0]
    sentence = cut(f"{kept} And {count - 1} more changes, the last at revision {next_.revision}.")
    return Recorded("config", "changed", first.about, sentence, user=first.user, door=first.door, by=first.by,
                    revision=first.revision, count=count)  # fmt: skip


def cut(sentence: str) -> str:
    return sentence if len(sentence) <= SENTENCE_CHARACTERS_MAX else sentence[: SENTENCE_CHARACTERS_MAX - 1] + "…"


# --- a look compared --------------------------------------------------------------------------------------------------


def _seen(now: ClusterState, kind: str, code: str, about: str, sentence: str) -> Recorded:
    """An event with what this node sees from here on."""
    sees = tuple(node.name for node in now.nodes if node.online)
    quorate = now.quorum.quorate if now.quorum is not None else None
    return Recorded(kind, code, about, cut(sentence), sees=sees, quorate=quorate)


def _engine(before: ClusterState, now: ClusterState) -> Iterator[Recorded]:
    if before.problem != now.problem:
        code = "engine-lost" if now.problem else "engine-back"
        yield _seen(now, "node", code, now.local_node, now.problem or "The cluster's transport is there again.")


def _nodes(before: ClusterState, now: ClusterState) -> Iterator[Recorded]:
    for node in now.nodes:
        known = before.node(node.name)
        if known is None and before.name and before.name == now.name:
            yield _seen(now, "membership", "node-added", node.name, f"{node.name} is one of the cluster's nodes now.")
        was = known.online if known is not None else None
        if node.online and not was and not node.local:
            yield _seen(now, "membership", "node-here", node.name, f"{node.name} is here.")
        elif was and not node.online:
            yield _seen(now, "membership", "node-gone", node.name, f"{node.name} is gone.")
    for node in _removed(before, now):
        sentence = f"{node.name} is no longer one of the cluster's nodes."
        yield _seen(now, "membership", "node-removed", node.name, sentence)


def _removed(before: ClusterState, now: ClusterState) -> list[NodeState]:
    """Of the same cluster: one that is left takes all its nodes with it."""
    return [node for node in before.nodes if now.node(node.name) is None] if before.name == now.name else []


def _quorum(before: ClusterState, now: ClusterState) -> Iterator[Recorded]:
    old, new = before.quorum, now.quorum
    if new is None or (old is not None and old.quorate == new.quorate):
        return
    votes = f"{new.total_votes} of {new.expected_votes} votes are here, {new.quorum} are needed."
    if new.quorate:
        yield _seen(now, "quorum", "quorum-gained", now.name, f"This node's part has quorum: {votes}")
    elif old is not None:
        yield _seen(now, "quorum", "quorum-lost", now.name, f"This node's part has lost quorum: {votes}")


def _witness(before: ClusterState, now: ClusterState) -> Iterator[Recorded]:
    """The QDevice: set up or removed, at rest or not, and whether this node is connected to it."""
    old, new = before.witness, now.witness
    if old is None or new is None:
        return
    if old.host != new.host:
        if old.host:
            yield _seen(now, "quorum", "witness-removed", old.host, f"{old.host} is no longer the witness.")
        if new.host:
            yield _seen(now, "quorum", "witness-set-up", new.host, f"{new.host} is the witness now.")
        return
    if not new.host or old.resting != new.resting:
        return
    had, has = dict(old.seen).get(now.local_node), dict(new.seen).get(now.local_node)
    if had is None or has is None or had.connected == has.connected:
        return
    code, words = ("witness-here", "answers this node") if has.connected else ("witness-gone", "answers no more")
    yield _seen(now, "quorum", code, new.host, f"The witness {new.host} {words}.")


def _store(before: ClusterState, now: ClusterState) -> Iterator[Recorded]:
    old, new = before.store, now.store
    if old is None or new is None:
        return
    if old.writable != new.writable:
        code = "store-writable" if new.writable else "store-read-only"
        sentence = (
            "The store can be written here." if new.writable else f"The store cannot be written here. {new.reason}"
        )
        yield Recorded("store", code, now.local_node, cut(sentence))
    if old.trouble != new.trouble:
        code = "store-trouble" if new.trouble else "store-well"
        yield Recorded("store", code, now.local_node, cut(new.trouble or "This node's store is well again."))


def _lock(path: str, kind: str, locks: set[str]) -> str:
    if path.count("/") != LOCKS.count("/"):
        return ""
    if kind == "removed":
        locks.discard(path)
        return "lock-freed"
    if path in locks:
        return ""
    locks.add(path)
    return "lock-taken"
