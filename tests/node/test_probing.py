"""Packets on corosync's ports, over the loopback network: there and back, beside the port's owner, for nobody else."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from cluster.core.survey import UDP_PORT
from cluster.node.probing import ECHO, MARK, PING, SENT_MAX, exchanging
from tests.places import own_network

NONCE, OTHER = b"n" * 16, b"o" * 16
NET = own_network()
ALPHA, BETA = f"{NET}.1", f"{NET}.2"


async def test_what_passes_is_heard_echoed_and_timed_by_both_sides():
    async with (
        exchanging(NONCE, {0: ALPHA, 3: ALPHA}, [(0, BETA), (3, BETA)], patient=True) as joiner,
        exchanging(NONCE, {0: BETA, 3: BETA}, [(0, ALPHA), (3, ALPHA)], patient=False) as member,
    ):
        await member.complete()
        for link in (0, 3):
            found = member.measured(link, ALPHA)
            assert (found.heard, found.sent, found.echoed) == (True, SENT_MAX, SENT_MAX)
            assert found.round_trip_ms >= 0 and found.size_passed and found.size >= 1500
            assert joiner.measured(link, BETA).heard


async def test_where_nobody_is_nothing_is_heard():
    async with exchanging(NONCE, {1: ALPHA}, [(1, BETA)], patient=False) as alone:
        await alone.complete()
        found = alone.measured(1, BETA)
        assert (found.heard, found.echoed, found.size_passed) == (False, 0, None)


async def test_whoever_does_not_know_the_nonce_gets_no_answer():
    async with (
        exchanging(NONCE, {2: ALPHA}, [(2, BETA)], patient=False) as one,
        exchanging(OTHER, {2: BETA}, [(2, ALPHA)], patient=False) as stranger,
    ):
        await asyncio.gather(one.complete(), stranger.complete())
        assert not stranger.measured(2, ALPHA).heard and not one.measured(2, BETA).heard


async def test_an_address_that_was_not_asked_for_gets_no_answer_though_it_knows_the_nonce():
    async with exchanging(NONCE, {4: ALPHA}, [(4, BETA)], patient=False):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as third:
            third.bind((f"{NET}.3", UDP_PORT + 4))
            third.setblocking(False)
            ping = MARK + NONCE + bytes([PING, 0, 1, 0])
            third.sendto(ping, (ALPHA, UDP_PORT + 4))
            await asyncio.sleep(0.2)
            with pytest.raises(BlockingIOError):
                third.recv(100)
        assert ECHO != PING


@pytest.mark.skipif(os.geteuid() != 0, reason="a raw socket is root's")
async def test_beside_whoever_owns_the_port_it_is_heard_all_the_same():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as corosync:
        corosync.bind((BETA, UDP_PORT + 5))
        async with (
            exchanging(NONCE, {5: ALPHA}, [(5, BETA)], patient=True) as joiner,
            exchanging(NONCE, {5: BETA}, [(5, ALPHA)], patient=False) as member,
        ):
            await member.complete()
            assert member.measured(5, ALPHA).echoed == SENT_MAX and member.measured(5, ALPHA).size_passed
            assert joiner.measured(5, BETA).heard


async def test_a_link_whose_address_is_not_here_could_not_be_looked_at():
    async with exchanging(NONCE, {6: "192.0.2.1"}, [(6, BETA)], patient=False) as exchange:
        await exchange.complete()
        assert exchange.measured(6, BETA) is None
