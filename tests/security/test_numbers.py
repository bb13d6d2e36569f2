"""Every attack on the project's list has a test that names its number, and every advisory one that names it.

A test of attack T31 is called `test_t31_…` wherever it stands best: beside what it tries, or in this folder. `pytest -k
t31_` runs it. Only names are looked at here, and whether `docs/attacks.md` is right about them.
"""

from __future__ import annotations

import re

import pytest

from tests.security.attacks import ADVISORIES, DOCUMENT, NAME, names

NUMBERS = (*range(17, 49), *range(52, 58), *range(64, 71))


@pytest.mark.parametrize("number", NUMBERS)
def test_an_attack_of_the_list_has_a_test(number: int) -> None:
    assert any(name.startswith(f"test_t{number}_") for name in names()), f"no test is called test_t{number}_…"


def test_every_number_a_test_names_is_on_the_list() -> None:
    named = {int(found[1]) for name in names() if (found := NAME.fullmatch(name))}
    assert named <= set(range(1, 71))


@pytest.mark.parametrize("advisory", ADVISORIES)
def test_what_others_had_to_repair_is_tried_here(advisory: str) -> None:
    for name in ADVISORIES[advisory][1]:
        assert name in names(), f"{advisory}: there is no {name} any more"


def test_the_table_of_the_documents_is_right() -> None:
    """Write it anew with `python -m tests.security.attacks`."""
    written = DOCUMENT.read_text(encoding="utf-8")
    for name, place in re.findall(r"\[`(\w+)`\]\(\.\./([\w/.]+)\)", written):
        assert names().get(name) == place, f"{name} is not in {place}"
    missing = [f"T{number}" for number in NUMBERS if f"| T{number} |" not in written]
    missing += [advisory for advisory in ADVISORIES if f"| {advisory} |" not in written]
    assert missing == []
