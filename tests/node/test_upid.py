"""The names of tasks."""

import os
from dataclasses import replace

import pytest

from cluster.errors import InvalidInput
from cluster.node.upid import Upid, parse_upid, process_start_ticks

GOLDEN = "UPID:node1:00001267:075BCD15:68A1B6C3:clusterjoin::root@pam:"


def test_a_upid_is_proxmox_s_to_the_letter():
    upid = Upid("node1", 0x1267, 0x75BCD15, 0x68A1B6C3, "clusterjoin", "", "root@pam")
    assert str(upid) == GOLDEN and parse_upid(GOLDEN) == upid
    assert len(GOLDEN.split(":")) == 9


def test_a_process_that_started_late_needs_nine_digits():
    upid = replace(parse_upid(GOLDEN), pstart=0x123456789)
    assert parse_upid(str(upid)) == upid


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOLDEN[:-1],
        GOLDEN + "\n",
        GOLDEN.replace("node1", "../x"),
        GOLDEN.replace("::", ":a/b:"),
        GOLDEN.replace("::", ":a b:"),
        GOLDEN.replace("68A1B6C3", "68a1b6c3"),
        GOLDEN.replace("clusterjoin", ""),
        GOLDEN.replace("root@pam", "root@pam\u202e"),
    ],
)
def test_what_could_be_a_path_or_a_trick_is_no_upid(text):
    with pytest.raises(InvalidInput):
        parse_upid(text)


def test_the_start_of_a_process_is_read_from_the_kernel():
    assert process_start_ticks(os.getpid()) >= process_start_ticks(1) > 0
    assert process_start_ticks(0) == 0
