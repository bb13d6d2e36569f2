"""Every attack on the project's list has a test that names its number, and every advisory one that names it.

A test of attack T31 is called `test_t31_…` wherever it stands best: beside what it tries, or in this folder. `pytest -k
t31_` runs it. Only names are looked at here, and whether `docs/attacks.md` is right about them.
"""

from __future__ import annotations

import re

import pytest

from tests.security.attacks import ABSENT, ADVISORIES, DOCUMENT, NAME, document, names

NUMBERS = (*range(17, 49), *range(52, 58), *range(64, 71))


@pytest.mark.parametrize("number", NUMBERS)
def test_an_attack_of_the_list_has_a_test(number: int) -> None:
    assert any(name.startswith(f"test_t{number}_") for name in names()), f"no test is called test_t{number}_…"


def test_every_number_a_test_names_is_on_the_list() -> None:
    named = {int(found[1]) for name in names() if (found := NAME.fullmatch(name))}
    assert named <= set(range(1, 71))


@pytest.mark.parametrize("advisory", ADVISORIES)
def test_what_others_had_to_repair_is_tried_here_by_a_test_of_its_own(advisory: str) -> None:
    _, tried = ADVISORIES[advisory]
    for name in tried:
        assert name in names(), f"{advisory}: there is no {name} any more"
    others = {name for each, (_, named) in ADVISORIES.items() if each != advisory for name in named}
    assert set(tried) - others, f"{advisory}: other advisories name the same tests"


@pytest.mark.parametrize("advisory", ABSENT)
def test_what_cannot_happen_here_has_a_reason_and_a_test_that_it_holds(advisory: str) -> None:
    _, why, seen_by = ABSENT[advisory]
    assert why and advisory not in ADVISORIES and [name for name in seen_by if name not in names()] == []


def test_a_test_named_after_an_advisory_is_in_the_table() -> None:
    for name in names():
        if found := re.match(r"test_cve_(\d+)_(\d+)_", name):
            assert name in ADVISORIES[f"CVE-{found[1]}-{found[2]}"][1], name


def test_the_tables_of_the_document_are_those_of_the_list() -> None:
    """Write it anew with `python -m tests.security.attacks`."""
    assert DOCUMENT.read_text(encoding="utf-8") == document()
