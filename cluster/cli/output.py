"""Plain data on the terminal: JSON, YAML, or text, where lists of rows become tables as pvesh draws them.

What a node says is printed with control characters made visible; JSON and YAML escape them by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from cluster.cli.arguments import Values
from cluster.cli.terminal import printable


class Style(NamedTuple):
    """How to print; `border` and `header` matter to tables."""

    format: str = "text"
    border: bool = True
    header: bool = True


def style_of(values: Values) -> Style:
    """Of a command that has `FORMAT`; its tables have no lines, so that scripts may cut them."""
    return Style(values.get("output-format", "text"), border=False)


def present(data: Any, style: Style, lines: Callable[[Any], Iterable[str]]) -> None:
    """As data for programs, or as these lines for people."""
    if style.format != "text":
        show(data, style)
        return
    for line in lines(data):
        print(line)


def show(data: Any, style: Style) -> None:
    text = render(data, style)
    if text:
        print(text)


def render(data: Any, style: Style) -> str:
    if style.format == "json":
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    if style.format == "json-pretty":
        return json.dumps(data, ensure_ascii=False, indent=3, sort_keys=True)
    if style.format == "yaml":
        import yaml

        return (
            str(yaml.safe_dump(data, allow_unicode=True, default_flow_style=False)).rstrip("\n").removesuffix("\n...")
        )
    return _text(data, style)


def _text(data: Any, style: Style) -> str:
    if data is None:
        return ""
    if isinstance(data, dict):
        return table(["key", "value"], [[key, _cell(value)] for key, value in sorted(data.items())], style)
    if isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        columns = list(dict.fromkeys(key for row in data for key in row))
        return table(columns, [[_cell(row.get(key)) for key in columns] for row in data], style)
    if isinstance(data, list):
        return "\n".join(_cell(each) for each in data)
    return "\n".join(printable(line) for line in str(data).splitlines())


def table(columns: list[str], rows: list[list[str]], style: Style) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(columns, *rows, strict=True)]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in [columns, *rows]]
    if not style.border:
        return "\n".join(" ".join(line).rstrip() for line in lines[0 if style.header else 1 :])
    drawn = [_rule("┌┬┐", widths, "─")]
    if style.header:
        drawn += [_between(lines[0]), _rule("╞╪╡", widths, "═")]
    drawn.append(("\n" + _rule("├┼┤", widths, "─") + "\n").join(map(_between, lines[1:])))
    return "\n".join([*drawn, _rule("└┴┘", widths, "─")])


def _between(cells: list[str]) -> str:
    return "│ " + " │ ".join(cells) + " │"


def _rule(ends: str, widths: list[int], line: str) -> str:
    return ends[0] + ends[1].join(line * (width + 2) for width in widths) + ends[2]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":")))
