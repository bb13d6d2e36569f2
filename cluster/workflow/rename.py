"""Give a node, or the cluster, another name: one change of the tree, which happens whole or not at all.

Whatever names the node goes with it (`renaming.py`); its machine sees its new name in the nodelist and begins anew with
it. Taking a rename back is renaming the other way. How steps run is `steps.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cluster.core.machine import CONFIGURATION
from cluster.corosync import conf, names
from cluster.errors import Conflict, InvalidInput, NoQuorum, NotFound, NotInCluster
from cluster.workflow import renaming, tombstone, waiting
from cluster.workflow.cleaning import Cleaning
from cluster.workflow.clock import Clock
from cluster.workflow.create import engine_word
from cluster.workflow.foretelling import Foretold, foretell
from cluster.workflow.host import Host
from cluster.workflow.journal import Journal
from cluster.workflow.remove_node import naming_files
from cluster.workflow.steps import Account, Run, Step, UndoStep, Workflow, run


@dataclass(frozen=True, slots=True)
class Wish:
    """`node` is the node's name as it is; empty: the cluster is renamed."""

    node: str
    name: str


def plan_rename(node: str, name: str) -> Wish:
    """Raises InvalidInput naming the field."""
    return (
        Wish(names.node_name(node), names.node_name(name, "name"))
        if node
        else Wish("", names.cluster_name(name, "name"))
    )


async def rename(host: Host, wish: Wish, journal: Journal, account: Account, clock: Clock) -> None:
    """Raises TaskFailed; then everything has its former name."""
    await run(_Renaming(host, wish, clock).workflow(), journal, account)


async def foretell_rename(host: Host, wish: Wish, user: str, clock: Clock) -> Foretold:
    return await foretell(_Renaming(host, wish, clock).workflow(), user)


def undo_steps(host: Host, *, at_start: bool = False) -> dict[str, UndoStep]:
    """`at_start`: the store is not open, so what was written is found out when it is."""

    async def name_back(facts: Mapping[str, str]) -> str | None:
        if "name" not in facts:
            return ""
        if at_start:
            return f"Whether {facts['name']} is the name now is seen on the page; rename again either way."
        return await _back(host, Wish(facts["node"], facts["name"]), facts["former"])

    return {"commit": UndoStep("Give the former name back", name_back)}


class _Renaming:
    """One rename under way."""

    def __init__(self, host: Host, wish: Wish, clock: Clock) -> None:
        self._host, self._wish, self._clock = host, wish, clock
        self._document, self._before = conf.Document(conf.Section()), b""
        self._moved: tuple[tuple[str, str], ...] = ()

    def workflow(self) -> Workflow:
        wish, word = self._wish, engine_word(self._host)
        what = f"the node {wish.node}" if wish.node else "the cluster"
        title = f"Call {what} {wish.name} wherever it is named"
        took = f" Its daemon begins anew as {wish.name} within a moment." if wish.node else ""
        return Workflow(
            "rename",
            [
                Step("check", "Check that the name is free and everybody is here", self._check, 30.0, looks=True),
                Step("commit", title, self._commit, 30.0),
            ],
            [Step("engine", f"Have every {word} read the configuration", self._activate, 15.0,
                  "It is read at the next change as well."),
             Step("folder", "Remove the empty folder of the former name", self._tidy, 15.0)],
            undo_steps(self._host),
            f"{what[0].upper()}{what[1:]} is called {wish.name} now.{took} Rename it again to take this back.",
        )  # fmt: skip

    async def _check(self, run: Run) -> None:
        stored = await self._host.store_read(CONFIGURATION)
        if stored is None:
            raise NotInCluster("This node is not in a cluster.")
        self._document, self._before = conf.parse(stored.data), stored.data
        if self._wish.node:
            await self._check_node()
        else:
            self._check_cluster()
        state = await waiting.settled(self._host, self._clock)
        if not state.writable:
            raise NoQuorum(f"Nothing can be renamed now: {state.reason or 'the cluster has no quorum'}")

    async def _check_node(self) -> None:
        node, name = self._wish.node, self._wish.name
        if self._document.node(node) is None:
            raise NotFound(f"No node named {node} is part of the cluster.")
        if node == name:
            raise InvalidInput(f"The node is called {name} already.", fields={"name": "It has this name."})
        conf.rename_node(self._document, node, name)
        stored = await self._host.store_read(tombstone.stone_path(name))
        if stored is not None and tombstone.read(stored.data).may_be_undone(self._clock.unix_s()):
            raise Conflict(f"A node named {name} was removed and may come back within a day. Choose another name.")
        paths = await self._host.store_paths()
        if any(path.startswith(f"nodes/{name}/") for path in paths):
            raise Conflict(f"The store has a folder nodes/{name} already. Choose another name, or move it away.")
        if node not in await self._host.online_nodes():
            raise Conflict(f"{node} is offline, and its machine has to take the new name. Start it first.")

    def _check_cluster(self) -> None:
        if self._document.cluster_name == self._wish.name:
            sentence = f"The cluster is called {self._wish.name} already."
            raise InvalidInput(sentence, fields={"name": sentence})
        quorum = self._document.root.only("quorum")
        if quorum is not None and quorum.all("device"):
            raise Conflict("The witness knows the cluster by its name. Remove it, rename, and set it up again.")

    async def _commit(self, run: Run) -> None:
        wish = self._wish
        change = await _change(self._host, self._document, self._before, wish)
        run.note(node=wish.node, name=wish.name, former=wish.node or self._document.cluster_name)
        await self._host.store_clean(change)
        self._moved = change.moved
        former = run.facts["former"]
        await self._host.cluster_log(
            f"{'node' if wish.node else 'cluster'} {former} renamed {wish.name}, by {run.user}"
        )

    async def _activate(self, run: Run) -> None:
        await self._host.activate_configuration()

    async def _tidy(self, run: Run) -> str | None:
        for folder in renaming.folders(self._moved):
            try:
                await self._host.store_clean(Cleaning(removed=(folder,)))
            except Conflict:
                return f"{folder} is not empty and stays"
        return None


async def _change(host: Host, document: conf.Document, before: bytes, wish: Wish) -> Cleaning:
    if not wish.node:
        text = conf.render(conf.rename_cluster(document, wish.name)).encode()
        return Cleaning(expected={CONFIGURATION: conf.digest(before)}, written={CONFIGURATION: text})
    text = conf.render(conf.rename_node(document, wish.node, wish.name)).encode()
    files, paths = await naming_files(host), await host.store_paths()
    return renaming.change(text, before, files, paths, wish.node, wish.name)


async def _back(host: Host, done: Wish, former: str) -> str | None:
    """As it was, where the change was committed. Raises what `store_clean` raises."""
    stored = await host.store_read(CONFIGURATION)
    document = conf.parse(stored.data) if stored is not None else None
    if stored is None or document is None:
        return ""
    held = document.node(done.name) is not None if done.node else document.cluster_name == done.name
    if not held:
        return ""
    wish = Wish(done.name if done.node else "", former)
    await host.store_clean(await _change(host, document, stored.data, wish))
    await host.activate_configuration()
    return None
