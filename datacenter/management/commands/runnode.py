"""`manage.py runnode`: this node's daemon, and with --web its pages in the same process.

A thin adaptor: options in, parts started and stopped in order. What the daemon is made of is `cluster/node/daemon.py`;
what serves the pages is `datacenter/web/`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from typing import Any

from channels.layers import get_channel_layer
from django.core.management.base import BaseCommand, CommandError

from cluster.errors import QuireError
from cluster.node.daemon import Daemon, Options
from cluster.node.options import WebUser
from datacenter.management import options as opt
from datacenter.web import site
from datacenter.web.forward import Forwarder
from datacenter.web.notify import notify
from datacenter.web.running import stop_requested, until_first

ENGINES = ("corosync", "loopback", "simulated")
SIMULATED_MAX = 64
LINKS_MAX = 8
READY_AFTER_S = 20.0  # without a certificate there are no pages yet, but the daemon does its work


class Command(BaseCommand):
    help = "Run this node of the cluster."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        opt.add(parser, "name", "this node's name (default: the host's)")
        opt.add(parser, "state", "where this node keeps its own state", "/var/lib/quire")
        opt.add(parser, "socket", "the control socket (default: control.sock in the state directory)")
        opt.add(parser, "engine", "corosync, loopback for several nodes on one machine, or simulated", "corosync")
        opt.add(parser, "simulated", "simulated: how many nodes the pretended cluster has", "3")
        opt.add(parser, "simulated-links", "simulated: how many links each of its nodes has", "2")
        opt.add(parser, "seed", "simulated: what loads and faults are drawn from", "1")
        opt.add(parser, "address", "where pages are served and what the name stands for (default: the name's address)")
        opt.add(parser, "port", "the port of pages and API", str(opt.PORT))
        opt.add(parser, "wire", "loopback: the socket that joins the nodes of one machine")
        opt.add(parser, "corosync-dir", "where corosync.conf is (default: /etc/corosync; loopback: in the state)")
        opt.add(parser, "mount", "where the configuration tree appears as files, or none", "none")
        opt.add(parser, "password-hash-file", "an argon2 hash of root@pam's password, instead of asking PAM")
        opt.add(parser, "web-user", "the user that runweb runs as, when that is not root")
        opt.add(parser, "scrub-every", "seconds between two readings of the whole store, 0 for never", "3600")
        opt.add(parser, "redis-url", "tell changes to a web service of its own through this Redis")
        opt.add_flag(parser, "web", "serve pages and API in this process")

    def handle(self, *_args: Any, **given: Any) -> None:
        node = read_options(given)
        redis_url = opt.redis_url(given["redis_url"])
        try:
            asyncio.run(run(node, given["web"], redis_url))
        except QuireError as error:
            raise CommandError(error.message) from None


def read_options(given: dict[str, Any]) -> Options:
    name = opt.node_name(given["name"])
    engine = opt.choice("engine", given["engine"], ENGINES)
    state = opt.path(given["state"])
    if state is None:
        raise CommandError("--state: say a directory.")
    web_user = opt.web_user(given["web_user"])
    return Options(
        name=name,
        state_dir=state,
        address=opt.address(given["address"], name),
        engine=engine,
        port=opt.port(given["port"]),
        socket_path=opt.path(given["socket"]),
        wire_path=opt.path(given["wire"]),
        corosync_dir=opt.path(given["corosync_dir"]),
        mount=None if given["mount"] == "none" else opt.path(given["mount"]),
        password_hash_file=opt.path(given["password_hash_file"]),
        web_user=WebUser(*web_user) if web_user else None,
        scrub_every_s=opt.seconds("scrub-every", given["scrub_every"]),
        simulated_nodes=opt.whole("simulated", given["simulated"], 1, SIMULATED_MAX),
        simulated_links=opt.whole("simulated-links", given["simulated_links"], 1, LINKS_MAX),
        seed=opt.whole("seed", given["seed"], 0, 2**31),
    )


async def run(node: Options, web: bool, redis_url: str) -> None:
    """The node's life. Raises QuireError with what is wrong."""
    stop = stop_requested()
    site.adopt(node.socket, redis_url)
    if web:
        site.load()
    daemon = Daemon(node)
    try:
        started = await until_first(daemon.start(), stop.wait()) == 0
    except QuireError:
        with contextlib.suppress(Exception):  # parts that were never made; why they were not is what matters
            await daemon.stop()
        raise
    try:
        if started:
            await _live(daemon, node, stop, web, bool(redis_url))
    finally:
        notify("STOPPING=1")
        await daemon.stop()
    if daemon.naming.changed and not stop.is_set():
        begin_anew()
    if not stop.is_set():
        raise CommandError("The daemon has ended by itself; the lines before say why.")


def begin_anew() -> None:
    """This very process, from its beginning, with the words it was started with; it does not return."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


async def _live(daemon: Daemon, node: Options, stop: asyncio.Event, web: bool, through_redis: bool) -> None:
    forwarder = Forwarder(get_channel_layer(), daemon.publisher.source)
    end_subscription, look = (lambda: None), site.look_at_redis()
    if web or through_redis:
        forwarder.start()
        end_subscription = daemon.subscribe(forwarder.offer)
    try:
        works = [stop.wait(), daemon.wait()]
        if web:
            works.append(_serve(node))
        else:
            notify("READY=1\nSTATUS=running")
        await until_first(*works)
    finally:
        look.cancel()
        end_subscription()
        await forwarder.stop()


async def _serve(node: Options) -> None:
    """The pages, until cancelled."""
    ready_later = asyncio.get_running_loop().call_later(READY_AFTER_S, notify, "READY=1\nSTATUS=no pages yet")
    server = None
    try:
        server = await site.open_site(node.address, node.port, node.tls_dir / "cert.pem", node.tls_dir / "key.pem")
        ready_later.cancel()
        notify(f"READY=1\nSTATUS=serving {node.address} port {node.port}")
        await asyncio.Event().wait()
    finally:
        ready_later.cancel()
        if server is not None:
            await server.stop()
