"""Join tokens: what opens the door, the five sentences of those that do not, and that a failed try burns nothing."""

import pytest

from cluster.errors import (
    Busy,
    Conflict,
    InvalidInput,
    NotFound,
    Queued,
    TokenClock,
    TokenExpired,
    TokenForeign,
    TokenRevoked,
    TokenUsedUp,
)
from cluster.workflow.join_tokens import PATH
from cluster.workflow.queue import WAITING_MAX, Queue


@pytest.fixture
async def one(world):
    await world.create(world.alpha)
    return world


async def made(world, uses=1, hours=3):
    return await world.additions["alpha"].tokens.create("rack", uses, hours, "root@pam")


def check(world, text, cluster="", node="", ahead_s=0):
    return world.additions["alpha"].tokens.check(text, cluster, world.clock.unix_s() + ahead_s, node)


async def test_a_token_opens_its_own_cluster_and_only_its_hash_is_kept(one):
    token, text = await made(one)
    uuid = await one.alpha.cluster_uuid()
    assert await check(one, text, uuid) == token == await check(one, text)
    assert text.split(".")[1].encode() not in one.alpha.disk.store.files[PATH]


async def test_each_refusal_has_its_own_sentence_and_code(one):
    tokens = one.additions["alpha"].tokens
    token, text = await made(one)
    said = {}
    for kind, cluster, ahead_s in ((TokenForeign, "another", 0), (TokenClock, "", 3600)):
        with pytest.raises(kind) as refused:
            await check(one, text, cluster, ahead_s=ahead_s)
        said[refused.value.code] = refused.value.message
    for nonsense in ("", "x", "0" * 12 + "." + "A" * 43, text[:-1] + ("A" if text[-1] != "A" else "B")):
        with pytest.raises(TokenForeign):
            await check(one, nonsense)
    await tokens.reserve(token, "beta")
    with pytest.raises(TokenUsedUp) as used:
        await check(one, text, node="gamma")
    one.clock.now_s += 3 * 3600 + 1
    with pytest.raises(TokenExpired) as expired:
        await check(one, text)
    await tokens.revoke("rack", "root@pam")
    with pytest.raises(TokenRevoked) as revoked:
        await check(one, text)
    said |= {each.value.code: each.value.message for each in (used, expired, revoked)}
    assert len(set(said.values())) == len(said) == 5
    with pytest.raises(NotFound):
        await tokens.revoke("rack", "root@pam")


async def test_a_failed_try_gives_its_use_back_and_the_same_node_may_come_again(one):
    additions = one.additions["alpha"]
    token, text = await made(one)
    with pytest.raises(InvalidInput):
        await additions.add("beta", {0: "not an address"}, apiversion=1, token=token)
    added = await additions.add("beta", new_node_ip="10.0.0.2", apiversion=1, token=token)
    assert (await additions.tokens.list())[0].used_by == ("beta",)
    assert await check(one, text, node="beta")
    await additions.withdraw("beta", added.undo_token)
    assert (await additions.tokens.list())[0].used_by == ()
    assert await check(one, text, node="gamma")


@pytest.mark.parametrize("wrong", [("", 1, 3), ("a", 0, 3), ("a", 1, 0), ("a/b", 1, 3), ("a", 1, 10_000)])
async def test_what_is_no_token_is_not_made(one, wrong):
    with pytest.raises(InvalidInput):
        await one.additions["alpha"].tokens.create(*wrong, "root@pam")


async def test_two_good_tokens_do_not_share_a_name(one):
    await made(one)
    with pytest.raises(Conflict):
        await made(one)


# --- several at once --------------------------------------------------------------------------------------------------


def place(queue, name, joining=()):
    try:
        queue.check(name, joining)
    except Queued as queued:
        return int(queued.fields["place"])
    return 0


def test_who_waits_is_told_its_place_and_comes_in_the_order_of_asking(world):
    queue = Queue(world.clock)
    assert [place(queue, name, ("alpha",)) for name in ("beta", "gamma", "delta")] == [1, 2, 3]
    assert [place(queue, name) for name in ("delta", "gamma", "beta")] == [2, 1, 0]
    queue.drop("beta")
    assert place(queue, "delta") == 1
    world.clock.now_s += 11
    assert place(queue, "delta") == 0, "who has stopped asking gives its place up"


def test_the_queue_has_a_bound(world):
    queue = Queue(world.clock)
    for number in range(WAITING_MAX):
        place(queue, f"node{number}")
    with pytest.raises(Busy):
        queue.check("one-more", ())
