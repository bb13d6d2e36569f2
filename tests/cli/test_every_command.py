"""Every command of pvecm: helped, in the manual, completed by shells, told as data, and tried without doing it."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cluster.cli import shells
from cluster.cli.arguments import Command, exit_codes, help_text, usage
from cluster.cli.main import COMMANDS
from cluster.control import plan_requests as planning
from cluster.control import requests as r
from cluster.errors import NoQuorum
from tests.cli.node import Ran, answering, node, pvecm

# What Proxmox VE's tool has (reference §1), and what only Quire has. `qdevice` has tests of its own.
KNOWN = """create add addnode delnode nodes status expected keygen updatecerts apiver mtunnel
check leave links undo\u00a0removal verify join join-info alerts events what-if removed completion manual"""
SPEAKS_FOR_ITSELF = {"completion", "manual"}  # their output is a script, a page
CHANGING = """create add addnode delnode leave join expected keygen updatecerts undo\u00a0removal undo\u00a0join
qdevice\u00a0setup qdevice\u00a0remove rename\u00a0node rename\u00a0cluster
links\u00a0set links\u00a0confirm links\u00a0revert token\u00a0create token\u00a0revoke alerts\u00a0test
store\u00a0write store\u00a0restore store\u00a0conflict store\u00a0export store\u00a0import
leftovers\u00a0remove api\u00a0create api\u00a0set api\u00a0delete"""
EVERY = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


def words(text: str) -> list[str]:
    return [each.replace("\u00a0", " ") for each in text.split(" ") for each in each.split("\n") if each]


def has(command: Command, option: str) -> bool:
    return any(each.name == option for each in command.options)


def test_every_command_that_was_promised_is_there() -> None:
    assert set(words(KNOWN)) <= COMMANDS.keys()


@EVERY
def test_it_is_helped_with_every_parameter_and_every_exit_code(command: Command) -> None:
    text = help_text(command)
    assert text.startswith(f"USAGE: pvecm {command.name}") and command.text in text
    for each in command.positional:
        assert f"<{each.name}>" in text
    for code, said in exit_codes(command):
        assert f"{code} {said}" in text
    assert {0, command.failed} <= dict(exit_codes(command)).keys()


@EVERY
def test_it_has_an_entry_in_the_manual(command: Command) -> None:
    page = shells.page(COMMANDS.values())
    begin = page.index(f".SS {usage(command)}\n".replace("-", "\\-"))
    entry = page[begin:].partition("\n.SS ")[0]
    assert command.text.splitlines()[0].replace("-", "\\-") in entry and "Exits 0" in entry
    for each in command.options:
        assert f"--{each.name}".replace("-", "\\-") in entry


@EVERY
def test_it_is_told_as_data_where_it_tells_anything(command: Command) -> None:
    assert has(command, "output-format") or command.name in SPEAKS_FOR_ITSELF


@pytest.mark.parametrize("name", words(CHANGING))
def test_what_changes_something_can_be_tried_without_doing_it(name: str) -> None:
    assert has(COMMANDS[name], "dry-run")


def test_nothing_else_claims_to_be_tried() -> None:
    assert {name for name, command in COMMANDS.items() if has(command, "dry-run")} == set(words(CHANGING))


# --- as programs see it -----------------------------------------------------------------------------------------------

PLAN = {"steps": ["Check this node", "Write the key"], "warnings": ["A copy is kept."], "obstacle": ""}


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        (("create", "demo", "--votes", "2"), r.CreateCluster("demo", votes=2)),
        (("leave",), r.LeaveCluster()),
        (("addnode", "gamma", "--link0", "10.0.0.3"), r.AddNode("gamma", {0: "10.0.0.3"})),
    ],
)
async def test_a_plan_is_asked_of_the_daemon_with_the_very_request(tmp_path: Path, typed: Any, asked: Any) -> None:
    heard: list[Any] = []

    async def plan(request: planning.Plan) -> Any:
        heard.append(request.asked)
        return PLAN

    async with node(tmp_path, {planning.Plan: plan}) as socket:
        shown = await pvecm(*typed, "--dry-run", socket=socket)
        data = await pvecm(*typed, "--dry-run", "--output-format", "json", socket=socket)
    assert heard == [asked, asked]
    assert shown == Ran(0, "1. Check this node\n2. Write the key\n", "A copy is kept.\n")
    assert (data.code, json.loads(data.out)) == (0, PLAN)


async def test_what_could_not_be_done_now_says_why_and_exits_1(tmp_path: Path) -> None:
    refused = {**PLAN, "obstacle": "This node is in the cluster demo already."}
    async with node(tmp_path, {planning.Plan: answering(refused)}) as socket:
        ran = await pvecm("create", "other", "--dry-run", socket=socket)
    assert ran.code == 1 and ran.err.endswith("This node is in the cluster demo already.\n")


async def test_data_comes_as_json_and_as_yaml(tmp_path: Path) -> None:
    async with node(tmp_path) as socket:
        outs = {form: (await pvecm("apiver", "--output-format", form, socket=socket)).out for form in ("json", "yaml")}
    assert outs == {"json": "1\n", "yaml": "1\n"}


async def test_a_task_as_data_is_its_outcome_and_its_log(tmp_path: Path) -> None:
    from tests.cli.node import UPID, Task

    task = Task().ends("OK", "Starting corosync", "TASK OK")
    async with node(tmp_path, task.handlers()) as socket:
        ran = await pvecm("create", "demo", "--output-format", "json", socket=socket)
    assert json.loads(ran.out) == {"upid": UPID, "status": "OK", "log": ["Starting corosync"]}


async def test_adding_a_node_never_shows_the_key(tmp_path: Path) -> None:
    told = {"corosync_authkey": "secret", "corosync_conf": "totem {}", "cluster_uuid": "u", "undo_token": "t"}
    async with node(tmp_path, {r.AddNode: answering({**told, "warnings": []})}) as socket:
        quiet = await pvecm("addnode", "gamma", socket=socket)
        data = await pvecm("addnode", "gamma", "--output-format", "json", socket=socket)
    assert quiet == Ran(0, "", "")
    assert json.loads(data.out) == {"corosync_conf": "totem {}", "warnings": []}


async def test_a_key_is_made_once_for_root_alone(tmp_path: Path) -> None:
    path = tmp_path / "etc/authkey"
    tried = await pvecm("keygen", str(path), "--dry-run")
    assert tried.code == 0 and not path.exists()
    first, again = await pvecm("keygen", str(path)), await pvecm("keygen", str(path))
    assert first == Ran(0, "", "")
    assert len(path.read_bytes()) == 256 and stat.S_IMODE(path.stat().st_mode) == 0o400
    assert again.code == 255 and "is there already" in again.err


async def test_without_quorum_silent_certificates_are_no_failure(tmp_path: Path) -> None:
    async def refuse(_request: Any) -> Any:
        raise NoQuorum("The certificate cannot be written now: the cluster has no quorum.")

    async with node(tmp_path, {planning.RenewCertificate: refuse}) as socket:
        ran = await pvecm("updatecerts", "--silent", socket=socket)
    assert (ran.code, ran.out) == (0, "") and "no quorum" in ran.err


REPORT = {"running": True, "node_id": 1, "ring": None, "nodes": [1], "votes": {}, "links": [], "lagging": []}


async def test_a_tunnel_stays_open_until_it_is_told_to_quit(tmp_path: Path) -> None:
    handlers = {
        r.EngineReport: answering({**REPORT, "quorum": {"quorate": True}}),
        r.Interfaces: answering([{"iface": "eth0", "address": "10.1.0.4"}]),
    }
    async with node(tmp_path, handlers) as socket:
        tunnel = await pvecm("mtunnel", socket=socket, stdin=b"hello\nquit\n")
        asked = ("mtunnel", "--get_migration_ip", "--migration_network")
        there, absent = [await pvecm(*asked, net, socket=socket) for net in ("10.1.0.0/24", "10.9.0.0/24")]
    assert tunnel == Ran(0, "tunnel online\n", "")
    assert (there.out, absent.out) == ("ip: '10.1.0.4'\n", "no ip\n")


async def test_a_tunnel_without_quorum_says_so(tmp_path: Path) -> None:
    async with node(tmp_path, {r.EngineReport: answering({**REPORT, "quorum": {"quorate": False}})}) as socket:
        ran = await pvecm("mtunnel", socket=socket)
    assert (ran.code, ran.out) == (1, "no quorum\n")


# --- shells and man(1) ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", shells.SHELLS)
async def test_every_shell_is_told_of_every_command(shell: str) -> None:
    ran = await pvecm("completion", shell)
    assert ran.code == 0
    for name in {each.partition(" ")[0] for each in COMMANDS}:
        assert name in ran.out
    assert "output-format" in ran.out and "json-pretty" in ran.out


def test_bash_completes_a_command_and_its_options(tmp_path: Path) -> None:
    script = tmp_path / "pvecm.bash"
    script.write_text(shells.completion_text("bash"))
    asked = f'source {script}; COMP_WORDS=(pvecm expected --d); COMP_CWORD=2; _shtab_pvecm; echo "${{COMPREPLY[@]}}"'
    ran = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, timeout=20, check=True)
    assert "--dry-run" in ran.stdout.split()


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_man_shows_the_page_without_complaint(tmp_path: Path) -> None:
    page = tmp_path / "pvecm.8"
    page.write_text(shells.page(COMMANDS.values()))
    ran = subprocess.run(["man", "--warnings", "-l", str(page)], capture_output=True, text=True, timeout=30, check=True)
    assert "pvecm create" in ran.stdout and ran.stderr == ""
