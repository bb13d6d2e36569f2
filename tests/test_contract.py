"""Every promise of docs/contract.md is a check by name: the tests that try it exist, and every promise has some.

Only names are looked at here; what they try is written where they are. A scenario on real nodes stands beside the pure
test of the same promise where there is one.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
CONTRACT = TESTS.parent / "docs" / "contract.md"

CHECKS: dict[str, tuple[str, ...]] = {
    "C1": (
        "core/test_replica.py::test_a_write_is_not_answered_before_a_majority_has_it_on_disk",
        "core/test_broken_order.py::test_what_was_acknowledged_outlives_a_node_that_missed_it_and_went_on",
        "simulation/properties/always.py::a5_an_answer_is_on_a_majority_of_disks",
        "store/test_power_cut.py::test_a_power_cut_loses_nothing_that_was_reported",
        "scenarios/test_store_power.py::test_a_power_cut_loses_nothing_that_was_acknowledged",
        "scenarios/test_store_partitions.py::test_cutting_what_one_node_sends_undoes_no_majoritys_write",
    ),
    "C2": (
        "core/test_tree.py::test_all_of_a_command_happens_or_nothing",
        "store/test_mount_files.py::test_other_readers_see_the_whole_old_or_the_whole_new_content",
        "store/test_mount_files.py::test_writing_in_pieces_of_4_kib_is_one_change",
    ),
    "C3": (
        "core/test_log.py::test_t70_a_chain_is_recognised_and_every_change_to_it_is_noticed",
        "core/test_broken_order.py::test_acks_of_other_entries_commit_nothing_here",
        "simulation/properties/always.py::a1_committed_prefixes_agree",
        "simulation/properties/at_rest.py::a17_the_log_makes_the_tree",
    ),
    "C4": (
        "core/test_reading.py::test_a_node_that_was_left_behind_without_noticing_lets_nobody_read",
        "core/test_reading.py::test_a_reader_waits_until_this_node_has_committed_what_a_member_says_it_holds",
        "node/test_reading.py::test_a_node_that_stays_behind_says_so",
        "api/test_seen.py::test_a_node_that_is_behind_answers_503_and_when_to_ask_again",
        "api/test_seen.py::test_a_consistent_read_asks_for_the_newest_first",
        "history/test_history.py::test_a_stale_read_is_found_by_both",
        "simulation/properties/at_rest.py::both_checkers_agree",
    ),
    "C5": (
        "core/test_tree.py::test_a_write_that_expects_what_is_there_is_done",
        "api/test_store.py::test_a_file_changed_by_others_meanwhile_is_left_alone",
    ),
    "C6": (
        "core/test_replica.py::test_the_same_request_twice_is_applied_once_and_answered_alike",
        "core/test_replica.py::test_a_request_that_was_sent_and_expires_is_unknown_and_one_that_was_not_has_failed",
        "node/test_store_history.py::test_what_became_of_a_request_can_be_asked_later",
        "api/test_store.py::test_what_became_of_a_request_is_told_under_its_id",
        "control/test_client.py::test_a_daemon_too_slow_is_not_waited_for",
        "store/test_mount_files.py::test_a_stalled_cluster_does_not_stop_reading",
        "simulation/properties/always.py::a9_a_request_happens_at_most_once",
    ),
    "C7": (
        "core/test_replica.py::test_a_minority_is_read_only_and_says_how_many_votes_are_missing",
        "node/test_reading.py::test_without_a_majority_nobody_is_told_that_this_is_the_newest",
        "datacenter/test_read_only.py::test_every_page_says_why_and_what_to_do",
        "scenarios/test_store_partitions.py::test_a_minority_acknowledges_nothing_and_loses_nothing",
    ),
    "C8": (
        "core/test_replica.py::test_what_a_minority_had_not_got_to_a_majority_is_dropped_at_the_merge_and_journalled",
        "core/test_replica.py::test_a_longer_log_of_an_older_epoch_loses_against_a_shorter_one_of_a_newer",
        "node/test_store_history.py::test_what_the_cluster_did_not_keep_is_shown_and_made_again_by_hand",
        "scenarios/test_store_faults.py::test_what_one_node_had_and_the_cluster_did_not_keep_is_in_its_journal",
        "simulation/properties/at_rest.py::a13_nothing_is_dropped_silently",
    ),
    "C9": (
        "core/test_replica.py::test_nodes_of_another_cluster_do_not_count_and_are_not_copied",
        "core/test_replica.py::test_messages_of_an_earlier_view_are_ignored",
        "core/test_replica.py::test_a_process_that_restarts_within_one_ring_makes_a_new_epoch",
        "node/test_damaged_store.py::test_another_nodes_store_is_not_taken_for_its_own",
        "scenarios/test_store_returning.py::test_a_backup_of_a_removed_node_is_kept_out",
        "simulation/properties/always.py::a8_another_cluster_changes_nothing",
    ),
    "C10": (
        "core/test_locks.py::test_a_write_with_the_token_of_a_lost_lock_is_refused",
        "core/test_locks.py::test_each_holder_has_a_greater_token",
        "core/test_locks.py::test_a_lock_refreshed_meanwhile_does_not_expire",
        "node/test_lock_watch.py::test_a_node_that_has_just_started_gives_every_lock_its_full_time",
        "simulation/properties/always.py::a10_fencing_tokens_rise",
    ),
    "C11": (
        "store/test_damage.py::test_a_flipped_bit_is_noticed_or_changes_nothing",
        "store/test_scrub.py::test_what_was_changed_behind_an_open_store_is_found",
        "node/test_damaged_store.py::test_a_store_harmed_while_its_node_was_down_is_set_aside_and_filled_by_the_others",
        "node/test_comparison.py::test_where_no_majority_agrees_all_stop",
    ),
    "C12": (
        "core/test_limits.py::test_a_file_of_one_mebibyte_fits_and_of_one_byte_more_does_not",
        "core/test_limits.py::test_the_tree_holds_128_mebibytes_and_no_byte_more",
        "core/test_limits.py::test_the_tree_holds_256_k_entries_its_root_counted",
        "core/test_limits.py::test_a_name_has_255_bytes_at_most",
        "scenarios/test_store_limits.py::test_every_mount_gives_the_same_answers",
    ),
    "C13": (
        "core/test_forced.py::test_votes_lowered_by_hand_let_nobody_write",
        "datacenter/test_read_only.py::test_votes_lowered_by_hand_are_told_apart_from_catching_up",
    ),
    "C14": (
        "core/test_replica.py::test_the_window_of_a_proposer_is_bounded",
        "core/test_lag.py::test_a_member_is_late_once_it_has_not_confirmed_for_ten_seconds",
        "core/test_lag.py::test_past_the_backlog_it_is_asked_once_by_one_and_starts_again",
        "datacenter/test_read_only.py::test_a_node_that_does_not_keep_up_is_named_on_the_cluster_page",
        "simulation/properties/always.py::a14_queues_are_bounded",
    ),
}


@cache
def functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("clause", CHECKS)
def test_the_checks_of_a_promise_exist(clause: str) -> None:
    for check in CHECKS[clause]:
        name, _, function = check.partition("::")
        assert (TESTS / name).is_file(), f"{clause}: there is no tests/{name} any more"
        assert function in functions(TESTS / name), f"{clause}: tests/{name} has no {function} any more"


def test_every_promise_has_checks_and_every_check_a_promise() -> None:
    text = CONTRACT.read_text(encoding="utf-8")
    assert re.findall(r"^## (C\d+) ", text, re.MULTILINE) == list(CHECKS) == [f"C{number}" for number in range(1, 15)]


def test_every_promise_says_how_it_is_kept_and_what_it_does_not_say() -> None:
    for section in CONTRACT.read_text(encoding="utf-8").split("\n## ")[1:]:
        for word in ("**Promise.**", "**Kept by**", "**Not promised.**"):
            assert section.count(word) == 1, f"{section.partition(' ')[0]} lacks {word}"


def test_what_the_contract_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", CONTRACT.read_text(encoding="utf-8")):
        assert (CONTRACT.parent / target).is_file(), f"docs/contract.md points to {target}, which is not there"
