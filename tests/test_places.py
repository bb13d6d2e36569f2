"""Addresses and ports that a run chooses for itself."""

import subprocess
import sys

from tests.places import own_network, own_port

SAME_DICE = """
import random, sys
from tests.places import own_network, own_port
random.seed(7)
print(own_port(), own_network(), flush=True)
sys.stdin.read()
"""


def test_nobody_is_given_the_same_place_twice_not_even_another_run():
    assert len({own_port() for _ in range(20)}) == len({own_network() for _ in range(20)}) == 20
    command = [sys.executable, "-c", SAME_DICE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        first = one.stdout.readline().split()
        other = subprocess.run(command, capture_output=True, text=True, check=True, input="")
        assert len(first) == 2 and not set(first) & set(other.stdout.split())
        one.communicate("")
