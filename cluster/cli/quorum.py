"""`pvecm status`, `nodes`, `expected`: the cluster in the layout scripts know from Proxmox VE and corosync-quorumtool.

Every blank is part of the layout, the trailing ones too. The facts come from the daemon: the configuration it has, and
what the engine says now. Rendering is pure; nothing here decides anything.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import DRY_RUN, FORMAT, Command, Parameter, Values
from cluster.cli.output import present, show, style_of
from cluster.cli.terminal import complain, printable
from cluster.errors import NotInCluster, Unavailable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

QUORATE, NOT_QUORATE, FAILED = 0, 2, 1
LINKS = range(8)
QDEVICE = 0  # the id under which votequorum counts a QDevice's votes
REQUEST_S = 20.0
SAID_ABOVE = ("quorum", "lagging")

Facts = Mapping[str, Any]


def status(values: Values, daemon: BlockingClient) -> int:
    config, style = _config(daemon), style_of(values)
    if style.format != "text":
        report = _report(daemon)
        show({"totem": config["totem"], "nodes": _members(config, report), **_without_nodes(report)}, style)
        return QUORATE if report["quorum"]["quorate"] else NOT_QUORATE
    sys.stdout.write(configuration_text(config["totem"]) + "\n")
    report = _report(daemon)
    sys.stdout.write(quorum_text(report, time.ctime()) + "\n" + membership_text(config, report, addresses=True))
    for name in report.get("lagging", ()):
        print(f"{printable(name)} has not confirmed for more than 10 s what the others have written.", file=sys.stderr)
    for reason in report.get("reasons", ()):
        if reason["kind"] not in SAID_ABOVE:
            complain(reason["sentence"])
    for piece in report.get("advice", ()):
        complain(f"Advice: {piece['sentence']} {piece['step']}")
    return QUORATE if report["quorum"]["quorate"] else NOT_QUORATE


def nodes(values: Values, daemon: BlockingClient) -> int:
    config, report = _config(daemon), _report(daemon)
    text = "\n" + membership_text(config, report, addresses=False)
    present(_members(config, report), style_of(values), lambda _: [text.removesuffix("\n")])
    return 0


def _members(config: Facts, report: Facts) -> list[dict[str, Any]]:
    """The nodes that are members now, as data."""
    configured = {int(node["nodeid"]): node for node in config["nodes"]}
    votes = {int(node_id): count for node_id, count in (report["votes"] or {}).items()}
    return [
        {
            "nodeid": node_id, "name": configured.get(node_id, {}).get("name", ""),
            "votes": votes.get(node_id, int(configured.get(node_id, {}).get("quorum_votes", 1))),
            "address": _address(configured.get(node_id, {})), "local": node_id == report["node_id"],
        }
        for node_id in sorted(report["nodes"])
    ]  # fmt: skip


def _without_nodes(report: Facts) -> dict[str, Any]:
    return {name: report[name] for name in ("node_id", "ring", "quorum")} | {"lagging": report.get("lagging", [])}


def configuration_text(totem: Facts) -> str:
    return _section(
        "Cluster information",
        [
            ("Name:", totem.get("cluster_name", "UNKOWN?")),  # spelled as Proxmox VE spells it
            ("Config Version:", totem.get("config_version", "-1")),
            ("Transport:", totem.get("transport", "knet")),
            ("Secure auth:", totem.get("secauth", "off")),
        ],
    )


def quorum_text(report: Facts, date: str) -> str:
    ring, quorum = report["ring"], report["quorum"]
    now = _section(
        "Quorum information",
        [
            ("Date:", date),
            ("Quorum provider:", "corosync_votequorum"),
            ("Nodes:", len(report["nodes"])),
            ("Node ID:", f"0x{report['node_id']:08x}"),
            ("Ring ID:", f"{ring['representative']:x}.{ring['sequence']:x}"),
            ("Quorate:", "Yes" if quorum["quorate"] else "No"),
        ],
    )
    votes = _section(
        "Votequorum information",
        [
            ("Expected votes:", quorum["expected_votes"]),
            ("Highest expected:", quorum["highest_expected"]),
            ("Total votes:", quorum["total_votes"]),
            ("Quorum:", f"{quorum['quorum']} {' ' if quorum['quorate'] else 'Activity blocked'}"),
            ("Flags:", "".join(f"{flag} " for flag in quorum["flags"])),
        ],
    )
    return f"{now}\n{votes}"


def membership_text(config: Facts, report: Facts, *, addresses: bool) -> str:
    """The nodes that are members now: with addresses and ids in hexadecimal, or with names and decimal ids."""
    configured = {int(node["nodeid"]): node for node in config["nodes"]}
    votes = {int(node_id): count for node_id, count in (report["votes"] or {}).items()}
    devices = {int(node_id): stands for node_id, stands in (report.get("devices") or {}).items()}
    title = f" {'Qdevice':>10}" if devices else ""
    lines = ["Membership information", "-" * 22, f"{'Nodeid':>10} {'Votes':>10}{title} Name"]
    for node_id in sorted(report["nodes"]):
        node = configured.get(node_id, {})
        label = f"0x{node_id:08x}" if addresses else f"{node_id:>10}"
        name = _address(node) if addresses else node.get("name", "")
        count = votes.get(node_id, node.get("quorum_votes", 1))
        stands = f" {devices.get(node_id, 'NR'):>10}" if devices else ""
        lines.append(f"{label} {count:>10}{stands} {name}{' (local)' if node_id == report['node_id'] else ''}")
    if devices:
        counted, label = votes.get(QDEVICE, 0), f"0x{QDEVICE:08x}" if addresses else f"{QDEVICE:>10}"
        lacks = "" if counted else f" (votes {report.get('device_votes', 0)})"
        lines.append(f"{label} {counted:>10} {'':>10} Qdevice{lacks}")
    return "\n".join(lines) + "\n"


def _section(title: str, rows: list[tuple[str, Any]]) -> str:
    return "".join([f"{title}\n{'-' * len(title)}\n", *(f"{label:<17} {value}\n" for label, value in rows)])


def _address(node: Facts) -> str:
    """On the first of its links."""
    return next((node[f"ring{link}_addr"] for link in LINKS if f"ring{link}_addr" in node), "")


def _config(daemon: BlockingClient) -> Facts:
    config: Facts = daemon.call({"method": "cluster.config"})
    if config["totem"] is None:
        raise NotInCluster(
            "Is this node part of a cluster? It has no corosync.conf. "
            "Create a cluster with 'pvecm create', or join one with 'pvecm add'."
        )
    return config


def _report(daemon: BlockingClient) -> Facts:
    report: Facts = daemon.call({"method": "engine.report"})
    if not report["running"] or report["quorum"] is None or report["ring"] is None:
        raise Unavailable("Corosync does not answer on this node, so nothing is known of its quorum. Is it running?")
    return report


def expected(values: Values, daemon: BlockingClient) -> int:
    """Silent about success, as corosync-quorumtool; what it means is said on standard error."""
    votes = values["expected"]
    if values.get("dry-run"):
        plan = daemon.call({"method": "cluster.plan-expected", "expected": votes}, REQUEST_S)
    else:
        asked = {"method": "cluster.set-expected", "expected": votes, "force": bool(values.get("force"))}
        asked |= {"lasts_s": values["lasts-s"]} if "lasts-s" in values else {}
        plan = daemon.call(asked, REQUEST_S)
    style = style_of(values)
    if style.format != "text":
        show(plan, style)
        return QUORATE
    for sentence in [*plan["sentences"], *([plan["obstacle"]] if plan["obstacle"] else [])]:
        complain(sentence)
    return QUORATE


COMMANDS = (
    Command(
        "expected",
        "Expect fewer votes for a while, where the others are certainly off. The store does not write for it.",
        expected,
        positional=(Parameter("expected", "integer", "votes to expect", minimum=1),),
        options=(
            Parameter("lasts-s", "integer", "seconds until the configured votes are expected again (default: 600)"),
            Parameter("force", "boolean", "also where an absent node answers"),
            DRY_RUN,
            FORMAT,
        ),
        failed=FAILED,
    ),
    Command(
        "status",
        "Show the cluster and its quorum as this node sees it.",
        status,
        options=(FORMAT,),
        failed=FAILED,
        exits=((QUORATE, "quorate"), (NOT_QUORATE, "not quorate")),
    ),
    Command("nodes", "Show the nodes that are members now.", nodes, options=(FORMAT,), failed=FAILED),
)
