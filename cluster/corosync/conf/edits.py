"""The changes made to a corosync.conf: a new cluster's first one, a node added, a node removed, the version raised.

Each takes a document and returns a new one whose config_version is higher by one; corosync activates nothing less.
Values are checked here once more, whoever checked them before. Next: `verifier.py` judges a whole document.
"""

from __future__ import annotations

from collections.abc import Sequence

from cluster.corosync import names
from cluster.corosync.conf.document import Document, Section, node_key
from cluster.corosync.conf.renderer import render
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.model import LINKS_MAX, Link, Node

TOKEN_COEFFICIENT_MS = 125


def new(cluster_name: str, node: Node, token_coefficient: int = TOKEN_COEFFICIENT_MS) -> Document:
    """The first corosync.conf of a cluster of one node, version 1. `node.links` carry the link priorities."""
    _check_node(node)
    totem = {
        "cluster_name": names.cluster_name(cluster_name),
        "config_version": "1",
        "ip_version": "ipv4-6",
        "link_mode": "passive",
        "secauth": "on",
        "token_coefficient": str(names.token_coefficient(token_coefficient)),
        "version": "2",
    }
    interfaces = [("interface", _interface_section(link)) for link in node.links]
    root = Section.of(
        {},
        [
            ("logging", Section.of({"debug": "off", "to_syslog": "yes"})),
            ("nodelist", Section.of({}, [("node", _node_section(node))])),
            ("quorum", Section.of({"provider": "corosync_votequorum"})),
            ("totem", Section.of(totem, interfaces)),
        ],
    )
    return Document(root)


def plan_node(
    document: Document,
    name: str,
    links: Sequence[Link],
    node_id: int | None = None,
    votes: int | None = None,
    *,
    replace: bool = False,
) -> Node:
    """The entry an addition would make: id and votes filled in. Raises `Conflict` and `InvalidInput` naming the field.

    A name already listed is refused, unless `replace` and its id and votes stay as they are.
    """
    listed = document.node(name)
    if listed is None:
        node = Node(name, node_id or document.next_node_id(), 1 if votes is None else votes, tuple(links))
    else:
        kept_id, kept_votes = node_id or listed.node_id, listed.votes if votes is None else votes
        if not replace or (kept_id, kept_votes) != (listed.node_id, listed.votes):
            sentence = f"A node named {name} is already part of the cluster."
            raise Conflict(sentence, fields={"node": sentence})
        node = Node(name, kept_id, kept_votes, tuple(links))
    _check_node(node)
    _check_against(document, node)
    return node


def add_node(document: Document, node: Node, *, replace: bool = False) -> Document:
    """With this node in the nodelist, version raised. Raises as `plan_node` does."""
    node = plan_node(document, node.name, node.links, node.node_id, node.votes, replace=replace)
    others = [section for section in _listed(document) if node_key(section) != node.name]
    return _with_nodes(document, [*others, _node_section(node)])


def remove_node(document: Document, name: str) -> Document:
    """Without this node, version raised; `totem.interface` stays. Raises `NotFound`, `Conflict` for the last node."""
    remaining = [section for section in _listed(document) if node_key(section) != name]
    if len(remaining) == len(_listed(document)):
        raise NotFound(f"No node named {name} is part of the cluster.")
    if not remaining:
        raise Conflict(f"{name} is the last node of the cluster and cannot be removed.")
    return _with_nodes(document, remaining)


def rename_node(document: Document, former: str, name: str) -> Document:
    """The node by its new name, all else as it was; version raised. Raises `NotFound`, `Conflict`."""
    name = names.node_name(name)
    if document.node(name) is not None:
        raise Conflict(f"A node named {name} is part of the cluster already.")
    if document.node(former) is None:
        raise NotFound(f"No node named {former} is part of the cluster.")
    return _with_nodes(
        document, [one.with_value("name", name) if node_key(one) == former else one for one in _listed(document)]
    )


def rename_cluster(document: Document, name: str) -> Document:
    """The cluster by its new name, version raised."""
    totem = (document.totem or Section()).with_value("cluster_name", names.cluster_name(name))
    return raise_version(Document(document.root.with_sections("totem", [totem])))


def raise_version(document: Document, above: int = 0) -> Document:
    """The same with config_version one higher, and higher than `above`. Raises `InvalidInput` when it has none."""
    if document.totem is None or document.config_version == 0:
        raise InvalidInput("corosync.conf has no config_version, so no change to it could be activated.")
    version = max(document.config_version, above) + 1
    totem = document.totem.with_value("config_version", str(version))
    return Document(document.root.with_sections("totem", [totem]))


def with_version(document: Document, version: int) -> Document:
    """The same with exactly this config_version."""
    totem = (document.totem or Section()).with_value("config_version", str(version))
    return Document(document.root.with_sections("totem", [totem]))


def _with_nodes(document: Document, nodes: Sequence[Section]) -> Document:
    nodelist = document.root.only("nodelist") or Section()
    root = document.root.with_sections("nodelist", [nodelist.with_sections("node", sorted(nodes, key=node_key))])
    changed = raise_version(Document(root))
    render(changed)  # refuses here what could not be written later
    return changed


def _listed(document: Document) -> tuple[Section, ...]:
    nodelist = document.root.only("nodelist")
    return nodelist.all("node") if nodelist else ()


def _node_section(node: Node) -> Section:
    values = {"name": node.name, "nodeid": str(node.node_id), "quorum_votes": str(node.votes)}
    return Section.of(values | {f"ring{link.number}_addr": link.address for link in node.links})


def _interface_section(link: Link) -> Section:
    values = {"linknumber": str(link.number)}
    if link.priority:
        values["knet_link_priority"] = str(link.priority)
    return Section.of(values)


def _check_node(node: Node) -> None:
    names.node_name(node.name)
    names.node_id(node.node_id)
    names.votes(node.votes)
    if not node.links:
        raise InvalidInput("A node needs at least one link.", fields={"link0": "At least one link is needed."})
    if len({link.number for link in node.links}) != len(node.links):
        raise InvalidInput("A link number is given twice.", fields={"link0": "A link number is given twice."})
    for link in node.links:
        _check_link(link)


def _check_link(link: Link) -> None:
    """Loopback addresses pass here: whether they may be used is known at the door, where the engine is."""
    field = f"link{link.number}"
    if not 0 <= link.number < LINKS_MAX:
        raise InvalidInput(f"Links are numbered 0 to {LINKS_MAX - 1}.", fields={field: "There is no such link."})
    names.link_address(link.address, field, allow_loopback=True)


def _check_against(document: Document, node: Node) -> None:
    others = [listed for listed in document.nodes() if listed.name != node.name]
    holder = next((other for other in others if other.node_id == node.node_id), None)
    if holder is not None:
        sentence = f"Node id {node.node_id} already belongs to {holder.name}."
        raise Conflict(sentence, fields={"nodeid": sentence})
    _check_addresses_unused(others, node)
    wanted, given = set(document.link_numbers()), {link.number for link in node.links}
    if wanted and given != wanted:
        fields = {f"link{n}": f"The cluster uses link {n}; give this node's address on it." for n in wanted - given}
        fields |= {f"link{n}": f"The cluster has no link {n}." for n in given - wanted}
        raise InvalidInput(" ".join(fields[field] for field in sorted(fields)), fields=fields)


def _check_addresses_unused(others: Sequence[Node], node: Node) -> None:
    taken = [(link.address, other.name) for other in others for link in other.links]
    taken += [(link.address, "another link of this node") for link in node.links]
    for link in node.links:
        same = [holder for address, holder in taken if names.same_address(address, link.address)]
        if len(same) > 1:  # once is the link itself
            sentence = f"{link.address} is already the address of {same[0]}."
            raise Conflict(sentence, fields={f"link{link.number}": sentence})
