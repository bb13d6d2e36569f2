"""How plain data is printed: tables as pvesh draws them, JSON, YAML; nothing that would control the terminal."""

from __future__ import annotations

import json

import pytest

from cluster.cli.output import Style, render

ROWS = [{"node": "alpha", "cpu": 0.5}, {"node": "beta", "status": None}]


def test_rows_are_a_table_with_every_column() -> None:
    assert render(ROWS, Style()).splitlines() == [
        "┌───────┬─────┬────────┐",
        "│ node  │ cpu │ status │",
        "╞═══════╪═════╪════════╡",
        "│ alpha │ 0.5 │        │",
        "├───────┼─────┼────────┤",
        "│ beta  │     │        │",
        "└───────┴─────┴────────┘",
    ]


def test_lines_and_the_first_row_can_be_left_out() -> None:
    assert render(ROWS, Style(border=False)) == "node  cpu status\nalpha 0.5\nbeta"
    assert render(ROWS, Style(border=False, header=False)) == "alpha 0.5\nbeta"


def test_an_object_is_a_table_of_its_keys() -> None:
    assert render({"b": [1], "a": "x"}, Style(border=False, header=False)) == "a   x\nb   [1]"


@pytest.mark.parametrize(
    ("data", "text"), [(None, ""), (7, "7"), ("UPID:x:", "UPID:x:"), ([], ""), (["a", "b"], "a\nb")]
)
def test_what_is_no_table_is_printed_as_it_is(data: object, text: str) -> None:
    assert render(data, Style()) == text


def test_json_and_yaml_hold_everything() -> None:
    assert json.loads(render(ROWS, Style("json"))) == json.loads(render(ROWS, Style("json-pretty"))) == ROWS
    assert render(ROWS, Style("yaml")) == "- cpu: 0.5\n  node: alpha\n- node: beta\n  status: null"
    assert render("on", Style("yaml")) == "'on'"


def test_t57_control_characters_are_made_visible() -> None:
    assert "\x1b" not in render([{"msg": "\x1b[2J"}], Style())
    assert "\x1b" not in render("a\x1b]52;c;eA==\x07b", Style())
