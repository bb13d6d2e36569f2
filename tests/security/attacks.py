"""The list of attacks and advisories, and which tests stand for each. `python -m tests.security.attacks` writes the
tables of `docs/attacks.md`; `test_numbers.py` sees that what they name is there.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/attacks.md"
NAME = re.compile(r"test_t(\d\d)_\w+")

ATTACKS: dict[int, str] = {
    1: "join information that is no base64 of text",
    2: "join information of megabytes",
    3: "join information that is deep, doubled or no strict JSON",
    4: "join information with values of a wrong type",
    5: "names with invisible or look-alike characters",
    7: "names that would open a section of corosync.conf",
    17: "guessing passwords from one address and from many",
    18: "telling unknown, disabled and wrong apart by answer or time",
    19: "guessing second factors, using a code twice, another's challenge",
    20: "expired or locked accounts of the host",
    21: "passwords that are long, hold NUL, or are no text",
    22: "a ticket planted before signing in",
    23: "tickets and tokens after sign-out, change of password, removal, on every node",
    24: "tickets that are bent, old, from the future, of another purpose or cluster",
    25: "tickets of a node that was taken out",
    26: "cookies of two clusters on one host name",
    27: "API tokens that reach for more than they are given",
    28: "every role at every path by every method",
    29: "fields nobody asked for",
    30: "a parameter given twice",
    31: "requests another site makes a browser send",
    32: "sockets opened by another site",
    33: "making a node ask an address of the caller's choice",
    34: "being led elsewhere after signing in",
    35: "reading answers from another site",
    36: "reading another user's task by a secret in a list",
    37: "answers that go to somebody else",
    38: "text that steers the answer",
    39: "parameters that make an answer say more",
    40: "markup in what is stored",
    41: "markup in an address",
    42: "answers without the headers that bound them",
    43: "markup that arrives over the socket",
    44: "bodies and heads without end, in many parts, packed",
    45: "sockets that send too much, or are many",
    46: "heads that two readers read differently",
    47: "line ends in what goes into a head",
    48: "connections that are held half open",
    52: "the control socket asked by others, with too much, too slowly, too often",
    53: "what comes through Redis",
    54: "modes of files, and links in their place",
    55: "secrets among arguments and in environments",
    56: "secrets outside their home",
    57: "lines that forge or steer a log or a terminal",
    58: "what a scanner of TLS finds",
    60: "a corosync.conf without encryption, and a corosync without its fixes",
    64: "tickets under clocks that differ",
    65: "what Quire is built from",
    66: "settings of the site",
    67: "answers that tell of the inside",
    68: "methods nobody uses",
    69: "sockets that outlive the right they were opened with",
    70: "a log that was changed afterwards",
}

NO_DATABASE = ("test_there_is_no_database_behind_the_site",)

# What others had to repair → what it was, and the tests that would notice the same here.
ADVISORIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "CVE-2024-21545": (
        "a result that names a file is answered with that file",
        ("test_t38_nothing_sent_can_steer_the_answer", "test_t38_stored_text_is_never_an_instruction"),
    ),
    "CVE-2022-35508": (
        "a request is passed on to where its sender says",
        ("test_t33_only_nodes_of_the_cluster_are_asked", "test_t33_only_a_member_is_asked"),
    ),
    "CVE-2022-35507": ("line ends in a status line", ("test_t47_a_reason_cannot_end_the_status_line",)),
    "STAR-Labs-2022": (
        "an address comes back as markup",
        ("test_t41_nothing_of_an_address_comes_back_as_markup", "test_t41_an_unknown_path_is_not_repeated_as_markup"),
    ),
    "CVE-2023-46854": (
        "stored notes run as script",
        (
            "test_t40_what_others_wrote_runs_nothing",
            "test_t40_what_a_task_says_is_text_and_never_markup",
            "test_t40_a_hundred_and_twenty_texts_add_nothing_to_a_page",
        ),
    ),
    "CVE-2023-43320": (
        "second factors can be guessed",
        ("test_t19_eight_wrong_codes_lock_the_authenticator_until_it_is_unlocked",),
    ),
    "CVE-2022-2735": (
        "a socket between daemons is open to everybody",
        (
            "test_t52_the_socket_is_for_user_and_group_in_a_folder_that_is_closed_to_others",
            "test_t52_another_user_is_turned_away_with_one_sentence",
        ),
    ),
    "CVE-2022-1049": (
        "expired accounts sign in",
        ("test_t20_pam_knows_the_host_s_accounts_and_refuses_expired_and_locked_ones",),
    ),
    "CVE-2018-1086": ("a switch for debugging says too much", ("test_t39_no_parameter_makes_an_answer_say_more",)),
    "CVE-2018-1079": (
        "a crafted call does what its user may not",
        ("test_t28_a_role_opens_what_the_description_says_and_nothing_else",),
    ),
    "CVE-2017-2661": ("script in a name or a line", ("test_t43_log_lines_are_text",)),
    "CVE-2025-30472": (
        "corosync overflows where it is not encrypted",
        (
            "test_t60_a_configuration_without_encryption_is_refused",
            "test_cve_2025_30472_debian_s_first_3_1_7_is_told_of",
        ),
    ),
    "CVE-2026-35091": (
        "corosync takes forged messages where it is not encrypted",
        (
            "test_t60_a_configuration_without_encryption_is_refused",
            "test_cve_2026_35091_one_update_of_debian_s_3_1_7_is_not_enough",
        ),
    ),
    "CVE-2026-35092": (
        "corosync's numbers wrap where it is not encrypted",
        (
            "test_t60_a_configuration_without_encryption_is_refused",
            "test_cve_2026_35092_one_update_of_debian_s_3_1_7_is_not_enough",
        ),
    ),
    "CVE-2026-44545": (
        "messages of any size over a socket",
        (
            "test_t45_a_message_that_is_too_large_closes_its_own_socket_only",
            "test_t45_a_flood_of_pings_whose_answers_nobody_reads_is_ended",
            "test_t65_what_is_locked_has_no_known_hole",
        ),
    ),
    "CVE-2026-44546": (
        "odd line ends smuggle a header",
        ("test_t46_what_two_readers_could_read_differently_is_refused",),
    ),
    "CVE-2026-3902": (
        "a header with underscores passes for another",
        ("test_t46_disguised_headers_do_not_reach_the_site", "test_t65_what_is_locked_has_no_known_hole"),
    ),
    "CVE-2026-33033": (
        "forms in base64 burn the processor",
        (
            "test_cve_2026_33033_whitespace_in_a_form_in_base64_is_not_read_bit_by_bit",
            "test_t44_a_form_of_many_parts_is_refused",
            "test_t65_what_is_locked_has_no_known_hole",
        ),
    ),
    "CVE-2025-14550": (
        "headers repeated without end",
        (
            "test_t44_ten_thousand_headers_are_refused",
            "test_t44_an_endless_body_costs_no_memory",
            "test_t44_a_form_of_many_parts_is_refused",
        ),
    ),
    "CVE-2020-35681": ("an answer goes to another request", ("test_t37_nobody_gets_another_s_answer",)),
    "CVE-2021-3660": (
        "pages shown in another's frame",
        ("test_t42_every_answer_says_what_it_may_load_and_where_it_may_be_shown",),
    ),
    "CVE-2024-6126": ("a user's own environment is read at sign-in", ("test_pam_is_asked_for_no_session",)),
    "CVE-2025-54289": (
        "a list of operations shows the secret of a socket",
        ("test_t36_a_task_s_log_is_read_by_who_may_and_by_no_secret_in_a_list",),
    ),
    "CVE-2025-49844": (
        "scripts run inside Redis",
        (
            "test_cve_2025_49844_no_script_is_there_to_be_freed_while_it_runs",
            "test_t53_redis_runs_no_script_for_anybody",
            "test_t53_what_comes_through_redis_is_no_code",
        ),
    ),
    "CVE-2022-0543": (
        "scripts leave Redis's sandbox",
        (
            "test_cve_2022_0543_no_script_is_there_to_leave_its_sandbox",
            "test_t53_redis_runs_no_script_for_anybody",
            "test_t53_what_comes_through_redis_is_no_code",
        ),
    ),
}

# What cannot happen here: what it was, why it cannot, and the tests that see the reason hold.
ABSENT: dict[str, tuple[str, str, tuple[str, ...]]] = {
    advisory: (what, "There is no database behind the site, so there is no query.", NO_DATABASE)
    for advisory, what in (
        ("CVE-2025-64459", "names of fields reach a query"),
        ("CVE-2026-1287", "names of columns reach a query"),
        ("CVE-2026-1312", "names of orders reach a query"),
    )
}


@cache
def names() -> dict[str, str]:
    """Every test's name, and the file it stands in."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, str(path.relative_to(ROOT)))
    return found


def document() -> str:
    """The whole of `docs/attacks.md`."""
    lines = [
        "# Attacks, and the tests that try them",
        "",
        "Each attack has a number, and its tests carry it in their names: `script/test -k t31_` runs those of T31. The",
        "tables are written by `python -m tests.security.attacks`; a test sees that everything named here is there.",
        "",
        "| | what is tried | tests |",
        "|---|---|---|",
    ]
    for number, what in ATTACKS.items():
        tried = [name for name in names() if name.startswith(f"test_t{number:02}_")]
        if tried:
            lines.append(f"| T{number:02} | {what} | {_cells(tried)} |")
    lines += ["", "What other products had to repair, and what would notice the same here:", ""]
    lines += ["| | what it was | tests |", "|---|---|---|"]
    lines += [f"| {advisory} | {what} | {_cells(tried)} |" for advisory, (what, tried) in ADVISORIES.items()]
    lines += ["", "What cannot happen here, why, and what would notice if it could:", ""]
    lines += ["| | what it was | why it cannot | tests |", "|---|---|---|---|"]
    lines += [f"| {advisory} | {what} | {why} | {_cells(tried)} |" for advisory, (what, why, tried) in ABSENT.items()]
    return "\n".join(lines) + "\n"


def _cells(tried: list[str] | tuple[str, ...]) -> str:
    return "<br>".join(f"[`{name}`](../{names()[name]})" for name in tried)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
