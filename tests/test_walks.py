"""`docs/walks.md` names a walk on real corosync for all that can be done with a member, in each of three ways."""

from __future__ import annotations

import re
from pathlib import Path

from tests.test_contract import functions

TESTS = Path(__file__).resolve().parent
FOLDERS = ("browser", "scenarios", "scenarios")  # of the page, of pvecm, of the API
NAMED = re.compile(r"`([\w./]+\.py)::(\w+)`")


def rows() -> list[list[str]]:
    lines = (TESTS.parent / "docs" / "walks.md").read_text(encoding="utf-8").splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| ") and "::" in line]


def test_each_way_of_everything_has_a_walk_that_exists() -> None:
    assert len(rows()) == 9
    for what, *ways in rows():
        for folder, way in zip(FOLDERS, ways, strict=True):
            found = NAMED.findall(way)
            assert found, f"{what}: nothing is named for {folder}"
            for file, name in found:
                path = (TESTS / folder / file).resolve()
                assert name in functions(path), f"{file} has no {name}"
                assert "pytest.mark.corosync" in path.read_text(encoding="utf-8")
