"""Tickets, anti-forgery tokens and the key of a node's stand-alone life."""

import base64

import pytest

from cluster.access.names import is_user
from cluster.errors import Unauthenticated, Unavailable
from cluster.node.access.tickets import (
    FormerKeys,
    TicketKeys,
    issue_csrf_token,
    new_csrf_key,
    new_ticket_keys,
    verify_csrf_token,
)
from tests.cast import ALICE, BOB

NOW_S = 0x68A1B2C3
PAIR = new_ticket_keys()
OTHER_PAIR = new_ticket_keys()
KEYS = TicketKeys(*PAIR)


def refused(keys: TicketKeys, ticket: str, now_s: float = NOW_S) -> bool:
    try:
        keys.verify(ticket, now_s)
    except Unauthenticated:
        return True
    return False


def test_a_ticket_has_the_form_clients_read():
    head, _, signature = KEYS.issue("root@pam", NOW_S).partition("::")
    assert head == "PVE:root@pam:68A1B2C3"
    assert len(base64.b64decode(signature, validate=True)) == 256


def test_a_ticket_says_who_and_when():
    read = KEYS.verify(KEYS.issue(ALICE, NOW_S), NOW_S + 60)
    assert (read.user, read.issued_s) == (ALICE, NOW_S)


@pytest.mark.parametrize(("age_s", "good"), [(-301, False), (-300, True), (0, True), (7200, True), (7201, False)])
def test_t24_a_ticket_is_good_for_two_hours_and_five_minutes_ahead(age_s, good):
    assert refused(KEYS, KEYS.issue(ALICE, NOW_S), NOW_S + age_s) is not good


def test_t24_a_flipped_bit_in_any_place_is_refused():
    ticket = KEYS.issue(ALICE, NOW_S)
    for place in range(len(ticket)):
        changed = ticket[:place] + chr(ord(ticket[place]) ^ 1) + ticket[place + 1 :]
        assert refused(KEYS, changed), place


def test_a_signature_has_one_spelling_only():
    ticket = KEYS.issue(ALICE, NOW_S)
    last = ticket[-3]  # its lower four bits carry nothing
    respelled = ticket[:-3] + chr(ord(last) + 1) + "=="
    assert base64.b64decode(respelled.partition("::")[2]) == base64.b64decode(ticket.partition("::")[2])
    assert refused(KEYS, respelled)


def test_t24_a_ticket_of_another_cluster_is_refused():
    assert refused(KEYS, TicketKeys(*OTHER_PAIR).issue(ALICE, NOW_S))


@pytest.mark.parametrize(
    "ticket",
    [
        "",
        "PVE:",
        "PVE:alice@pve:68A1B2C3::",
        "PVE:alice@pve:68A1B2C3::AAAA\n",
        "x" * 5000,
        "PVEVNC:alice@pve:68A1B2C3::AAAA",
    ],
)
def test_t24_what_is_no_ticket_is_refused(ticket):
    assert refused(KEYS, ticket)


def test_a_half_finished_second_factor_is_no_ticket():
    signed = KEYS.issue(ALICE, NOW_S).replace(ALICE, "!tfa!%7B%7D@pve")
    assert refused(KEYS, signed)


def test_a_ticket_is_never_issued_for_a_malformed_user():
    for user in ("alice", "a:b@pve", "al ice@pve", "alice@pve\n", "!tfa!x@pve", "@pve", "x" * 70 + "@pve"):
        assert not is_user(user)
        with pytest.raises(ValueError):
            KEYS.issue(user, NOW_S)


def test_after_a_rotation_tickets_of_the_old_key_stay_good_but_new_forgeries_do_not():
    rotated = TicketKeys(*OTHER_PAIR, old_public_pem=PAIR[1], rotated_s=NOW_S)
    assert not refused(rotated, KEYS.issue(ALICE, NOW_S - 100))
    assert refused(rotated, KEYS.issue(ALICE, NOW_S + 400), NOW_S + 500)


def test_a_damaged_key_is_reported_without_its_content():
    with pytest.raises(Unavailable) as caught:
        TicketKeys(b"-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----\n", PAIR[1])
    assert "c2VjcmV0" not in str(caught.value) and "authkey.key" in str(caught.value)


def test_keys_do_not_show_themselves():
    assert repr(KEYS) == "TicketKeys(***)"


def test_the_csrf_token_is_proxmox_s_to_the_letter():
    token = issue_csrf_token(b"test-www-key-contents\n", "root@pam", NOW_S)
    assert token == "68A1B2C3:MTpYGr+MNXCNtmrysJqUnqY5cdsX4LCHa5a6Le3KhCY"


def test_a_csrf_token_serves_its_user_within_its_window_only():
    key = new_csrf_key()
    token = issue_csrf_token(key, ALICE, NOW_S)
    verify_csrf_token(key, token, ALICE, NOW_S + 7200)
    for user, now_s, tried in [
        (BOB, NOW_S, token),
        (ALICE, NOW_S + 7201, token),
        (ALICE, NOW_S - 301, token),
        (ALICE, NOW_S, token[:-1]),
        (ALICE, NOW_S, ""),
        (ALICE, NOW_S, token + "\n"),
    ]:
        with pytest.raises(Unauthenticated):
            verify_csrf_token(key, tried, user, now_s)


class Clock:
    now_s = float(NOW_S)

    def __call__(self) -> float:
        return self.now_s


def test_a_former_ticket_is_exchanged_after_the_join_succeeded_and_for_ten_minutes():
    clock = Clock()
    former = FormerKeys(clock)
    ticket = KEYS.issue(ALICE, NOW_S)
    former.keep(KEYS)
    with pytest.raises(Unauthenticated):
        former.user_of(ticket)
    former.open()
    assert former.user_of(ticket) == ALICE
    clock.now_s += 600
    assert former.user_of(ticket) == ALICE
    clock.now_s += 1
    with pytest.raises(Unauthenticated):
        former.user_of(ticket)


def test_a_former_key_helps_nobody_else_and_not_after_the_join_was_taken_back():
    former = FormerKeys(Clock())
    former.keep(KEYS)
    former.open()
    with pytest.raises(Unauthenticated):
        former.user_of(TicketKeys(*OTHER_PAIR).issue(ALICE, NOW_S))
    former.drop()
    with pytest.raises(Unauthenticated):
        former.user_of(KEYS.issue(ALICE, NOW_S))
