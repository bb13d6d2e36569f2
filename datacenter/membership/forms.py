"""What the Create and Join forms sent, as requests to the daemon; or which field is wrong, and why. Pure.

Only what a request's types need is checked here (numbers are numbers, a link is not given twice). What a name or an
address may be is the daemon's to say, and its answer names the same fields: `clustername`, `link0` …
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext

from cluster.control.requests import CreateCluster, JoinCluster
from cluster.errors import InvalidInput
from cluster.model import LINKS_MAX
from cluster.secret import Secret

PRIORITY_MAX = 255


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One row of the link editor, as typed."""

    number: str
    address: str
    priority: str = ""


def read_create(form: QueryDict, user: str) -> CreateCluster:
    """Raises InvalidInput naming the fields."""
    problems: dict[str, str] = {}
    name = form.get("clustername", "").strip()
    if not name:
        problems["clustername"] = gettext("Give the cluster a name.")
    links = read_links(form, problems)
    if not links and not problems:
        problems["links"] = gettext("Choose an address for at least one link.")
    nodeid = _number(form, "nodeid", 1, 2**31 - 1, problems)
    votes = _number(form, "votes", 1, 255, problems)
    _raise(problems)
    return CreateCluster(clustername=name, links=links, nodeid=nodeid, votes=votes, user=user)


def read_join(form: QueryDict, invitation: dict[str, Any] | None, user: str) -> JoinCluster:
    """`invitation` is the decoded join string, None when the peer was entered by hand. Raises InvalidInput."""
    problems: dict[str, str] = {}
    prefix = "" if invitation is not None else "manual-"
    hostname = invitation["address"] if invitation else form.get("hostname", "").strip()
    fingerprint = invitation["fingerprint"] if invitation else form.get("fingerprint", "").strip()
    if not hostname:
        problems["hostname"] = gettext("Enter the address of a node of the cluster.")
    if not fingerprint:
        problems["fingerprint"] = gettext("Enter the fingerprint that the cluster's Join Information shows.")
    token = invitation.get("token", "") if invitation else ""
    password = "" if token else str(form.get("password") or "")
    if not password and not token:
        problems["password"] = gettext("Enter the peer's password for root@pam.")
    links = read_links(form, problems, prefix)
    if invitation is not None and not invitation.get("address_optional"):
        for link in invitation["links"]:
            if link["number"] not in links:
                problems.setdefault(f"link{link['number']}", gettext("Choose this node's address on this link."))
    _raise(problems)
    return JoinCluster(
        hostname=hostname,
        fingerprint=fingerprint,
        password=Secret(password),
        links=links,
        token=Secret(token),
        cluster_uuid=invitation.get("cluster_uuid", "") if invitation else "",
        brings=form.get("brings") == "1",
        user=user,
    )


def read_links(form: QueryDict, problems: dict[str, str], prefix: str = "") -> dict[int, str]:
    """The link editor's rows as `{number: "address[,priority=n]"}`. A row without an address is no link."""
    rows = [
        LinkRow(number.strip(), address.strip(), priority.strip())
        for number, address, priority in zip(
            form.getlist(f"{prefix}link-number"),
            form.getlist(f"{prefix}link-address"),
            form.getlist(f"{prefix}link-priority"),
            strict=False,
        )
    ]
    rows = [row for row in rows if row.address]
    if len(rows) > LINKS_MAX:
        problems["links"] = gettext("A node has {links_max} links at most.").format(links_max=LINKS_MAX)
        return {}
    numbers, addresses = Counter(row.number for row in rows), Counter(row.address for row in rows)
    links: dict[int, str] = {}
    for row in rows:
        reason = _row_problem(row, numbers, addresses)
        if reason:
            problems[f"link{row.number}" if row.number.isdecimal() else "links"] = reason
        else:
            links[int(row.number)] = row.address + (f",priority={int(row.priority)}" if row.priority else "")
    return links


def _row_problem(row: LinkRow, numbers: Counter[str], addresses: Counter[str]) -> str:
    if not _is_number(row.number, 0, LINKS_MAX - 1):
        return gettext("Links are numbered 0 to {links_max}.").format(links_max=LINKS_MAX - 1)
    if numbers[row.number] > 1:
        return gettext("Link {number} is given more than once.").format(number=row.number)
    if addresses[row.address] > 1:
        return gettext("{address} is used for more than one link.").format(address=row.address)
    if row.priority and not _is_number(row.priority, 0, PRIORITY_MAX):
        return gettext("A priority is a number from 0 to {priority_max}.").format(priority_max=PRIORITY_MAX)
    return ""


def _number(form: QueryDict, field: str, least: int, most: int, problems: dict[str, str]) -> int | None:
    text = form.get(field, "").strip()
    if not text:
        return None
    if _is_number(text, least, most):
        return int(text)
    problems[field] = (
        gettext("This is a whole number from {least} to {most}.")
        if most < 2**31 - 1
        else gettext("This is a whole number from {least}.")
    ).format(least=least, most=most)
    return None


def _is_number(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10 and least <= int(text) <= most


def _raise(problems: dict[str, str]) -> None:
    if problems:
        raise InvalidInput(next(iter(problems.values())), fields=problems)
