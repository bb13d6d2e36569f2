"""Signing in with a password or with a ticket in its place."""

import pytest

from cluster.access.user_cfg import User, UserConfig
from cluster.errors import Unauthenticated
from cluster.node.access.rights import Rights
from cluster.node.access.sign_in import SignIn
from cluster.node.access.throttle import Throttle
from cluster.node.access.tickets import Ticket, TicketKeys, new_ticket_keys
from tests.cast import ALICE, BOB

KEYS = TicketKeys(*new_ticket_keys())
NOW_S = 1_700_000_000.0


class OnePassword:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def check(self, user: str, password: str) -> bool:
        self.asked.append((user, password))
        return (user, password) == (ALICE, "right")


class NoFactors:
    async def check(self, user: str, half: str, answer: str) -> None:
        raise Unauthenticated("there are none")


class Bench:
    def __init__(self) -> None:
        self.slept: list[float] = []
        self.passwords = OnePassword()
        self.users = UserConfig({"root@pam": User(), ALICE: User(), BOB: User()})
        self.told: list[tuple[str, ...]] = []
        rights = Rights(lambda: self.users, lambda: NOW_S)
        throttle = Throttle(lambda: NOW_S)
        self.sign_in = SignIn(self.passwords, NoFactors(), throttle, rights, self.verify, self.sleep, self.told.append)

    def verify(self, text: str) -> Ticket:
        return KEYS.verify(text, NOW_S)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_the_right_password_is_enough():
    assert await Bench().sign_in.login(ALICE, "right", "10.0.0.9") is None


async def test_t18_every_refusal_is_the_same_sentence_and_costs_a_check():
    bench = Bench()
    tried = [(ALICE, "wrong"), (BOB, "right"), ("no realm", "right"), ("", ""), (ALICE + "\n", "right")]
    sentences = set()
    for username, password in tried:
        with pytest.raises(Unauthenticated) as caught:
            await bench.sign_in.login(username, password)
        sentences.add(caught.value.message)
    assert len(sentences) == 1 and len(bench.passwords.asked) == len(tried)


async def test_after_several_failures_an_attempt_waits_before_its_check():
    bench = Bench()
    for _ in range(4):
        with pytest.raises(Unauthenticated):
            await bench.sign_in.login(ALICE, "wrong", "10.0.0.9")
    assert len(bench.slept) == 1 and bench.slept[0] >= 3


async def test_a_valid_ticket_renews_itself():
    bench = Bench()
    assert await bench.sign_in.login(BOB, KEYS.issue(BOB, NOW_S - 3600)) == Ticket(BOB, int(NOW_S) - 3600)
    assert bench.passwords.asked == []


async def test_root_s_ticket_stands_for_another_user_but_not_the_other_way():
    bench = Bench()
    assert await bench.sign_in.login(BOB, KEYS.issue("root@pam", NOW_S)) == Ticket("root@pam", int(NOW_S))
    with pytest.raises(Unauthenticated):
        await bench.sign_in.login("root@pam", KEYS.issue(BOB, NOW_S))


async def test_an_expired_ticket_is_only_a_wrong_password():
    bench = Bench()
    with pytest.raises(Unauthenticated):
        await bench.sign_in.login(BOB, KEYS.issue(BOB, NOW_S - 7201))


@pytest.mark.parametrize("user", [User(enabled=False), User(expire_s=int(NOW_S)), None])
async def test_t20_the_right_password_of_a_user_who_may_not_sign_in_is_refused_like_a_wrong_one(user):
    bench = Bench()
    bench.users = UserConfig({ALICE: user} if user else {})
    with pytest.raises(Unauthenticated) as caught:
        await bench.sign_in.login(ALICE, "right")
    with pytest.raises(Unauthenticated) as wrong:
        await bench.sign_in.login(ALICE, "wrong")
    assert caught.value.message == wrong.value.message and len(bench.passwords.asked) == 2


async def test_a_ticket_of_a_user_who_was_disabled_renews_nothing():
    bench = Bench()
    ticket = KEYS.issue(BOB, NOW_S)
    bench.users = UserConfig({BOB: User(enabled=False)})
    with pytest.raises(Unauthenticated):
        await bench.sign_in.login(BOB, ticket)


async def test_other_nodes_hear_of_failures_by_digests_only():
    bench = Bench()
    with pytest.raises(Unauthenticated):
        await bench.sign_in.login("my secret password", "wrong", "10.0.0.9")
    assert len(bench.told[0]) == 2 and "secret" not in str(bench.told) and "10.0.0.9" not in str(bench.told)
    elsewhere = Throttle(lambda: NOW_S)
    for _ in range(3):
        elsewhere.heard(bench.told[0])
    assert elsewhere.wait_s("nobody", "10.0.0.8") >= 3
