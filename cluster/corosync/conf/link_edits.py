"""Changes to the links of a corosync.conf: a link added, its addresses or priority changed, a link removed.

Each takes a document and returns a new one, version raised by one, as `edits.py` does. Which changes make sense one
after the other, and in which order, is `cluster/workflow/link_plan.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from cluster.corosync import names
from cluster.corosync.conf.document import Document, Section, link_number, node_key
from cluster.corosync.conf.edits import raise_version
from cluster.corosync.conf.renderer import render
from cluster.errors import Conflict, InvalidInput, NotFound
from cluster.model import LINKS_MAX


def set_link(document: Document, number: int, addresses: Mapping[str, str], priority: int | None = None) -> Document:
    """Every node has link `number` at its address in `addresses` (node → address); one that is not named keeps the
    one it has. Without a `priority` that stays as it is. Raises InvalidInput, Conflict."""
    field = f"link{number}"
    if not 0 <= number < LINKS_MAX:
        raise InvalidInput(f"Links are numbered 0 to {LINKS_MAX - 1}.", fields={field: "There is no such link."})
    unknown = sorted(set(addresses) - {node.name for node in document.nodes()})
    if unknown:
        sentence = f"{unknown[0]} is not a node of this cluster."
        raise InvalidInput(sentence, fields={field: sentence})
    nodes = []
    for section in _listed(document):
        name = node_key(section)
        address = addresses.get(name) or section.get(f"ring{number}_addr")
        if not address:
            sentence = f"{name} needs an address on link {number}."
            raise InvalidInput(sentence, fields={field: sentence})
        address = names.link_address(address, field, allow_loopback=True)
        nodes.append(section.with_value(f"ring{number}_addr", address))
    changed = _changed(document, nodes, {**_interfaces(document), number: _interface(document, number, priority)})
    _check_apart(changed, field)
    return changed


def remove_link(document: Document, number: int) -> Document:
    """No node has link `number`. Raises NotFound, Conflict for the last link."""
    numbers = document.link_numbers()
    if number not in numbers:
        raise NotFound(f"The cluster has no link {number}.")
    if len(numbers) == 1:
        raise Conflict(f"Link {number} is the only one; add another before you remove it.")
    nodes = [
        Section.of({key: value for key, value in section.values if link_number(key) != number}, section.sections)
        for section in _listed(document)
    ]
    interfaces = {known: section for known, section in _interfaces(document).items() if known != number}
    return _changed(document, nodes, interfaces)


def _listed(document: Document) -> tuple[Section, ...]:
    nodelist = document.root.only("nodelist")
    return nodelist.all("node") if nodelist else ()


def _interfaces(document: Document) -> dict[int, Section]:
    """A section for every link, also where the file had none."""
    sections = document.totem.all("interface") if document.totem else ()
    known = {section.get("linknumber") or section.get("ringnumber"): section for section in sections}
    return {
        number: known.get(str(number), Section.of({"linknumber": str(number)})) for number in document.link_numbers()
    }


def _interface(document: Document, number: int, priority: int | None) -> Section:
    section = _interfaces(document).get(number, Section.of({"linknumber": str(number)}))
    if priority is None:
        return section
    if not 0 <= priority <= names.LINK_PRIORITY_MAX:
        sentence = f"The link priority must be a whole number from 0 to {names.LINK_PRIORITY_MAX}."
        raise InvalidInput(sentence, fields={f"link{number}": sentence})
    return section.with_value("knet_link_priority", str(priority))


def _changed(document: Document, nodes: list[Section], interfaces: Mapping[int, Section]) -> Document:
    nodelist = (document.root.only("nodelist") or Section()).with_sections("node", nodes)
    totem = (document.totem or Section()).with_sections("interface", [interfaces[one] for one in sorted(interfaces)])
    root = document.root.with_sections("nodelist", [nodelist]).with_sections("totem", [totem])
    changed = raise_version(Document(root))
    render(changed)  # refuses here what could not be written later
    return changed


def _check_apart(document: Document, field: str) -> None:
    taken: dict[str, str] = {}
    for node in document.nodes():
        for link in node.links:
            holder = f"link {link.number} of {node.name}"
            if link.address.lower() in taken:
                sentence = f"{link.address} is given to {taken[link.address.lower()]} and to {holder}."
                raise Conflict(sentence, fields={field: sentence})
            taken[link.address.lower()] = holder
