"""`manage.py runweb`: pages and API as a service of their own, beside a daemon run by `runnode` without --web.

Needs no root: everything is asked of the daemon over its control socket. Changes come through Redis where both services
name one, else over the same socket.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from channels.layers import get_channel_layer
from django.core.management.base import BaseCommand, CommandError

from cluster.errors import QuireError
from datacenter.management import options as opt
from datacenter.web import site
from datacenter.web.forward import Forwarder
from datacenter.web.notify import notify
from datacenter.web.running import stop_requested, until_first


class Command(BaseCommand):
    help = "Serve this node's pages and API; its daemon runs by itself."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        opt.add(parser, "state", "where this node keeps its own state", "/var/lib/quire")
        opt.add(parser, "socket", "the daemon's control socket (default: control.sock in the state directory)")
        opt.add(parser, "name", "this node's name (default: the host's)")
        opt.add(parser, "address", "where pages are served (default: the name's address)")
        opt.add(parser, "port", "the port of pages and API", str(opt.PORT))
        opt.add(parser, "redis-url", "hear of changes through this Redis")

    def handle(self, *_args: Any, **given: Any) -> None:
        address = opt.address(given["address"], opt.node_name(given["name"]))
        state, socket = opt.path(given["state"]), opt.path(given["socket"])
        if socket is None:
            if state is None:
                raise CommandError("--socket: say where the daemon's control socket is.")
            socket = state / "control.sock"
        site.adopt(socket, opt.redis_url(given["redis_url"]))
        try:
            asyncio.run(run(address, opt.port(given["port"])))
        except QuireError as error:
            raise CommandError(error.message) from None


async def run(address: str, port: int) -> None:
    """Serve until told to stop. Raises QuireError with what is wrong."""
    stop = stop_requested()
    site.load()
    works = [stop.wait(), _serve(address, port)]
    if not site.through_redis():
        works.append(_follow())
    look = site.look_at_redis()
    try:
        await until_first(*works)
    finally:
        look.cancel()


async def _serve(address: str, port: int) -> None:
    notify("STATUS=waiting for the daemon")
    certificate, key = await site.certificate_files()
    server = await site.open_site(address, port, certificate, key)
    try:
        notify(f"READY=1\nSTATUS=serving {address} port {port}")
        await asyncio.Event().wait()
    finally:
        notify("STOPPING=1")
        await server.stop()


async def _follow() -> None:
    forwarder = Forwarder(get_channel_layer())
    forwarder.start()
    try:
        await site.follow_daemon(forwarder)
    finally:
        await forwarder.stop()
