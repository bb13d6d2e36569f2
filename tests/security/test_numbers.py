"""Every attack on the project's list has a test that names its number, and every advisory one that names it.

A test of attack T31 is called `test_t31_…` wherever it stands best: beside what it tries, or in this folder. `pytest -k
t31_` runs it. Only names are looked at here.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
NUMBERS = (*range(17, 26), *range(27, 49), *range(52, 58), *range(64, 71))
NAME = re.compile(r"test_t(\d\d)_\w+")

# What others had to repair → the tests that would notice the same here.
ADVISORIES: dict[str, tuple[str, ...]] = {
    "CVE-2024-21545": ("test_t38_nothing_sent_can_steer_the_answer", "test_t38_stored_text_is_never_an_instruction"),
    "CVE-2022-35508": ("test_t33_only_nodes_of_the_cluster_are_asked", "test_t33_only_a_member_is_asked"),
    "CVE-2022-35507": ("test_t47_a_reason_cannot_end_the_status_line",),
    "STAR-Labs-2022": ("test_t41_nothing_of_an_address_comes_back_as_markup",),
    "CVE-2023-46854": ("test_t40_what_others_wrote_runs_nothing", "test_t40_what_a_task_says_is_text_and_never_markup"),
    "CVE-2023-43320": ("test_t19_eight_wrong_codes_lock_the_authenticator_until_it_is_unlocked",),
    "CVE-2022-2735": ("test_t52_the_socket_is_for_user_and_group_in_a_folder_that_is_closed_to_others",),
    "CVE-2022-1049": ("test_t20_pam_knows_the_host_s_accounts_and_refuses_expired_ones",),
    "CVE-2018-1086": ("test_t39_no_parameter_makes_an_answer_say_more",),
    "CVE-2018-1079": ("test_t28_a_role_opens_what_the_description_says_and_nothing_else",),
    "CVE-2017-2661": ("test_t43_log_lines_are_text",),
    "CVE-2025-30472": ("test_t60_a_configuration_without_encryption_is_refused",),
    "CVE-2026-44545": (
        "test_t45_a_message_that_is_too_large_closes_its_own_socket_only",
        "test_t65_what_is_pinned_has_no_known_hole",
    ),
    "CVE-2026-44546": ("test_t46_what_two_readers_could_read_differently_is_refused",),
    "CVE-2026-3902": ("test_t46_disguised_headers_do_not_reach_the_site", "test_t65_what_is_pinned_has_no_known_hole"),
    "CVE-2025-14550": ("test_t44_an_endless_body_costs_no_memory", "test_t44_a_form_of_many_parts_is_refused"),
    "CVE-2025-64459": ("test_there_is_no_database_behind_the_site",),
    "CVE-2020-35681": ("test_t37_nobody_gets_another_s_answer",),
    "CVE-2021-3660": ("test_t42_every_answer_says_what_it_may_load_and_where_it_may_be_shown",),
    "CVE-2024-6126": ("test_pam_is_asked_for_no_session",),
    "CVE-2025-54289": ("test_t36_a_task_s_log_is_read_by_who_may_and_by_no_secret_in_a_list",),
    "CVE-2025-49844": ("test_t53_what_comes_through_redis_is_no_code",),
}  # fmt: skip


@cache
def names() -> frozenset[str]:
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
    return frozenset(found)


@pytest.mark.parametrize("number", NUMBERS)
def test_an_attack_of_the_list_has_a_test(number: int) -> None:
    assert any(name.startswith(f"test_t{number}_") for name in names()), f"no test is called test_t{number}_…"


def test_no_test_names_a_number_that_is_not_on_the_list() -> None:
    named = {int(found[1]) for name in names() if (found := NAME.fullmatch(name))}
    assert named <= set(range(1, 71))


@pytest.mark.parametrize("advisory", ADVISORIES)
def test_what_others_had_to_repair_is_tried_here(advisory: str) -> None:
    for name in ADVISORIES[advisory]:
        assert name in names(), f"{advisory}: there is no {name} any more"
