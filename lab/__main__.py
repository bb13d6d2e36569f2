"""The lab on the command line.

    python -m lab up [NODE]... [--links N] [--management] [--private DIR]... [--corosync] [--token MS]
    python -m lab exec NODE -- COMMAND...        run a command on a node
    python -m lab enter NODE                     print the prefix that runs a command there
    python -m lab status                         what is on, what runs, who is quorate
    python -m lab cut A[,B...] C[,D...] [--link K] [--oneway]      silence between these; `all` for everyone
    python -m lab heal [--link K]
    python -m lab delay NODE MS [--jitter MS] [--loss PERCENT] [--link K]      0: as before
    python -m lab kill NODE [--corosync]         power off, or kill -9 its corosync
    python -m lab start NODE [--corosync]        power on, or start its corosync
    python -m lab down                           remove everything, whatever state it is in

$LAB (or --name) names the lab, so that several can exist at once; --base says where its files are.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from lab import corosync, faults
from lab.hosts import DEFAULT_NODES, Lab
from lab.kernel import LabError


def up(lab: Lab, chosen: argparse.Namespace) -> None:
    lab.nodes = tuple(chosen.nodes or DEFAULT_NODES)
    lab.up(chosen.links, chosen.management, chosen.private)
    if chosen.corosync:
        corosync.configure(lab, chosen.token)
        corosync.start(lab)
        print(f"quorate after {corosync.wait_quorate(lab):.1f} s")
    status(lab, chosen)


def down(lab: Lab, chosen: argparse.Namespace) -> None:
    lab.down()


def execute(lab: Lab, chosen: argparse.Namespace) -> None:
    argv = [*lab.enter(chosen.node), *chosen.command]
    os.execvp(argv[0], argv)


def enter(lab: Lab, chosen: argparse.Namespace) -> None:
    print(shlex.join(lab.enter(chosen.node)))


def status(lab: Lab, chosen: argparse.Namespace) -> None:
    for node in lab.nodes:
        on = lab.init_pid(node) is not None
        addresses = [lab.address(node, link) for link in range(lab.links)]
        addresses += [lab.management_address(node)] if lab.management is not None else []
        print(f"{node:12} {', '.join(addresses):44} {_in_words(lab, node) if on else 'off'}")


def cut(lab: Lab, chosen: argparse.Namespace) -> None:
    faults.cut(lab, _nodes(lab, chosen.ones), _nodes(lab, chosen.others), chosen.link, chosen.oneway)


def heal(lab: Lab, chosen: argparse.Namespace) -> None:
    faults.heal(lab, chosen.link)


def delay(lab: Lab, chosen: argparse.Namespace) -> None:
    faults.delay(lab, chosen.node, chosen.ms, chosen.jitter, chosen.loss, chosen.link)


def kill(lab: Lab, chosen: argparse.Namespace) -> None:
    corosync.kill(lab, chosen.node) if chosen.corosync else lab.kill(chosen.node)


def start(lab: Lab, chosen: argparse.Namespace) -> None:
    corosync.start(lab, [chosen.node]) if chosen.corosync else lab.start(chosen.node)


def _in_words(lab: Lab, node: str) -> str:
    if not corosync.running(lab, node):
        return "on, no corosync"
    quorate, votes = corosync.quorum(lab, node)
    return f"{'quorate' if quorate else 'NOT quorate'} with {votes} votes"


def _nodes(lab: Lab, words: str) -> list[str]:
    named = list(lab.nodes) if words == "all" else words.split(",")
    for node in named:
        lab.number(node)
    return named


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--name", default="", help="the lab's name, else $LAB, else 'lab'")
    parser.add_argument("--base", default="", help="the folder with its files")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    made = {
        name: commands.add_parser(name) for name in ("up", "down", "exec", "enter", "status", "cut", "heal", "delay")
    }
    made |= {name: commands.add_parser(name) for name in ("kill", "start")}
    actions = {"up": up, "down": down, "exec": execute, "enter": enter, "status": status, "cut": cut, "heal": heal}
    for name, action in (actions | {"delay": delay, "kill": kill, "start": start}).items():
        made[name].set_defaults(action=action)
    made["up"].add_argument("nodes", nargs="*", metavar="NODE")
    made["up"].add_argument("--links", type=int, default=1)
    made["up"].add_argument("--management", action="store_true")
    made["up"].add_argument("--private", action="append", default=[], metavar="DIR")
    made["up"].add_argument("--token", type=int, default=1000, metavar="MS")
    for name in ("exec", "enter", "delay", "kill", "start"):
        made[name].add_argument("node")
    for name in ("up", "kill", "start"):
        made[name].add_argument("--corosync", action="store_true")
    made["exec"].add_argument("command", nargs="+")
    made["cut"].add_argument("ones")
    made["cut"].add_argument("others")
    made["cut"].add_argument("--oneway", action="store_true")
    made["delay"].add_argument("ms", type=float)
    made["delay"].add_argument("--jitter", type=float, default=0)
    made["delay"].add_argument("--loss", type=float, default=0, metavar="PERCENT")
    for name in ("cut", "heal", "delay"):
        made[name].add_argument("--link", type=int)
    return parser


def main() -> int:
    chosen = _parser().parse_args()
    try:
        lab = Lab(chosen.name, base=chosen.base)
        # What can run without a lab that is up: making one, and sweeping up what is left of one.
        if chosen.action not in (up, down):
            lab = Lab.at(lab.base)
        chosen.action(lab, chosen)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
