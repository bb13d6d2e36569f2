"""Guessing a password gets slow; signing in stays possible."""

import pytest

from cluster.errors import Busy
from cluster.node.access.throttle import QUEUE_S_MAX, REMEMBERED_MAX, Throttle


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def fail(throttle: Throttle, times: int, user: str = "root@pam", address: str = "10.0.0.9") -> None:
    for _ in range(times):
        throttle.failed(user, address)


def test_the_first_failures_cost_nothing():
    throttle = Throttle(Clock())
    fail(throttle, 2)
    assert throttle.wait_s("root@pam", "10.0.0.9") == 0


def test_t17_from_the_third_failure_on_an_attempt_waits_at_least_three_seconds_and_longer_each_time():
    clock = Clock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(8):
        waits.append(throttle.wait_s("root@pam", "10.0.0.9"))
        clock.now_s += waits[-1]
        throttle.failed("root@pam", "10.0.0.9")
    assert waits[:3] == [0, 0, 0] and waits[3] >= 3 and waits[3:] == sorted(waits[3:]) and max(waits) <= QUEUE_S_MAX


def test_t17_guessing_one_user_from_many_addresses_is_slowed_too():
    throttle = Throttle(Clock())
    for number in range(3):
        fail(throttle, 1, address=f"10.0.0.{number}")
    assert throttle.wait_s("root@pam", "10.0.1.1") == 3
    assert throttle.wait_s("alice@pve", "10.0.1.1") == 0


def test_t17_a_hundred_failures_from_elsewhere_keep_nobody_waiting_longer_than_three_seconds():
    throttle = Throttle(Clock())
    fail(throttle, 100)
    assert throttle.wait_s("root@pam", "10.0.1.1") <= 3


def test_t17_the_control_socket_is_never_slowed():
    throttle = Throttle(Clock())
    fail(throttle, 100)
    fail(throttle, 100, address="")
    assert throttle.wait_s("root@pam", "") == 0


def test_attempts_that_come_together_queue_and_a_long_queue_is_refused():
    throttle = Throttle(Clock())
    fail(throttle, 3)
    waits = []
    with pytest.raises(Busy):
        for _ in range(100):
            waits.append(throttle.wait_s("root@pam", "10.0.0.9"))
    assert waits == sorted(set(waits))


def test_a_success_clears_the_address_and_time_forgets_the_rest():
    clock = Clock()
    throttle = Throttle(clock)
    fail(throttle, 10)
    throttle.succeeded("root@pam", "10.0.0.9")
    assert throttle.wait_s("alice@pve", "10.0.0.9") == 0
    clock.now_s += 901
    assert throttle.wait_s("root@pam", "10.0.0.9") == 0


def test_what_is_remembered_is_bounded():
    throttle = Throttle(Clock())
    for number in range(3 * REMEMBERED_MAX):
        fail(throttle, 1, user=f"user{number}@pve", address=str(number))
    assert len(throttle._known) <= REMEMBERED_MAX
