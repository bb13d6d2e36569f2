"""How pvecm's words are read: the forms people type, and a reason for each that is not one."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.cli.arguments import Command, Parameter, help_text, parse, usage
from cluster.cli.main import COMMANDS
from cluster.errors import InvalidInput

ADD = COMMANDS["add"]
CREATE = COMMANDS["create"]


def refused(command: Command, *words: str) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse(command, words)
    return caught.value.fields


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["demo"], {}),
        (["demo", "--nodeid", "7"], {"nodeid": 7}),
        (["demo", "-nodeid", "7"], {"nodeid": 7}),
        (["demo", "--nodeid=7"], {"nodeid": 7}),
        (["-nodeid=7", "demo"], {"nodeid": 7}),
        (["--votes", "2", "demo", "--nodeid", "3"], {"votes": 2, "nodeid": 3}),
        (["demo", "--link0", "10.0.0.1,priority=15"], {"link0": "10.0.0.1,priority=15"}),
        (["demo", "--link0=address=10.0.0.1,priority=15"], {"link0": "address=10.0.0.1,priority=15"}),
        (["demo", "--link7", "2001:db8::1"], {"link7": "2001:db8::1"}),
        (["demo", "--token-coefficient", "0"], {"token-coefficient": 0}),
        (["demo", "--token", "0"], {"token-coefficient": 0}),
        (["--nodeid", "1", "--", "demo"], {"nodeid": 1}),
        (["demo", "--link0", "-strange"], {"link0": "-strange"}),
        (["demo", "--nodeid", "1", "--nodeid", "2"], {"nodeid": 2}),
        (["demo", "--link0="], {"link0": ""}),
        (["demo", "--socket", "/run/x.sock"], {"socket": "/run/x.sock"}),
    ],
)
def test_options_are_read_in_every_form(words: list[str], values: dict[str, Any]) -> None:
    assert parse(CREATE, words) == {"clustername": "demo", **values}


@pytest.mark.parametrize("word", ["1", "on", "yes", "true", "True", "ON"])
@pytest.mark.parametrize("form", ["--force {}", "-force {}", "--force={}"])
def test_a_switch_takes_a_word_for_true(word: str, form: str) -> None:
    assert parse(ADD, [*form.format(word).split(), "alpha"])["force"] is True


@pytest.mark.parametrize("word", ["0", "off", "no", "false", "No"])
def test_a_switch_takes_a_word_for_false(word: str) -> None:
    assert parse(ADD, ["--force", word, "alpha"])["force"] is False
    assert parse(ADD, ["alpha", f"--force={word}"])["force"] is False


def test_a_bare_switch_is_true_and_takes_nothing_from_what_follows() -> None:
    assert parse(ADD, ["--force", "alpha"]) == {"force": True, "hostname": "alpha"}
    assert parse(ADD, ["alpha", "--force"]) == {"force": True, "hostname": "alpha"}
    assert parse(ADD, ["--force", "--votes", "1", "alpha"]) == {"force": True, "votes": 1, "hostname": "alpha"}


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ([], "clustername"),
        (["a", "b"], "b"),
        (["a", "--color", "red"], "color"),
        (["a", "--link"], "link"),
        (["a", "--link8", "x"], "link8"),
        (["a", "--nodeid"], "nodeid"),
        (["a", "--nodeid", "x"], "nodeid"),
        (["a", "--nodeid", "0"], "nodeid"),
        (["a", "--nodeid", "-1"], "nodeid"),
        (["a", "--nodeid", "1.5"], "nodeid"),
        (["a", "--nodeid", "٣"], "nodeid"),
        (["a", "--nodeid", "9" * 5000], "nodeid"),
        (["a", "--votes=0"], "votes"),
        (["a", "--"], None),
        (["a", "---", "x"], ""),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(words: list[str], field: str | None) -> None:
    if field is None:
        assert parse(CREATE, words) == {"clustername": "a"}
    else:
        assert field in refused(CREATE, *words)


def test_every_fault_is_told_at_once() -> None:
    assert set(refused(CREATE, "a", "b", "--nodeid", "x", "--color=red", "--votes=0")) == {
        "b", "nodeid", "color", "votes",
    }  # fmt: skip


def test_a_switch_with_another_word_is_refused() -> None:
    assert "force" in refused(ADD, "alpha", "--force=maybe")


def test_votes_may_be_zero_when_joining_and_not_when_creating() -> None:
    assert parse(ADD, ["alpha", "--votes", "0"])["votes"] == 0
    assert "votes" in refused(CREATE, "demo", "--votes", "0")


def test_usage_shows_what_is_needed_and_what_may_be_left_out() -> None:
    assert usage(CREATE) == "pvecm create <clustername> [OPTIONS]"
    assert usage(COMMANDS["manual"]) == "pvecm manual"
    assert usage(COMMANDS["store ls"]) == "pvecm store ls [<path>] [OPTIONS]"


LINKED = ("create", "add", "addnode", "join", "links set", "check create", "check join")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_every_option(name: str) -> None:
    text = help_text(COMMANDS[name])
    links = {f"link{number}" for number in range(8)}
    assert all(f"--{each.name}" in text for each in COMMANDS[name].options if each.name not in links)
    assert ("--link0..7 <string>" in text) is (name in LINKED)
    assert all(len(line) <= 120 for line in text.splitlines())


def test_names_of_parameters_are_those_of_the_interface() -> None:
    links = [f"link{number}" for number in range(8)]
    ours = ["dry-run", "output-format"]
    assert [each.name for each in CREATE.options] == [*links, "nodeid", "votes", "token-coefficient", *ours]
    assert [each.name for each in ADD.options] == [
        *links,
        "import",
        "nodeid",
        "votes",
        "force",
        *ours,
        "fingerprint",
        "use_ssh",
    ]
    assert isinstance(ADD.positional[0], Parameter)
