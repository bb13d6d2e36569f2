"""A process with a fake daemon and the real site behind the real web server, for a browser: `… DIR PORT`.

DIR holds cert.pem and key.pem. It prints "ready" when it listens. A line on its input is `[name, arguments]` in JSON: a
method of the fake daemon to call, answered with a line when done. It ends with its input, or on SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datacenter.settings")


async def main(folder: Path, port: int) -> None:
    from datacenter.web import site
    from datacenter.web.running import stop_requested

    stop = stop_requested()
    site.adopt(folder / "control.sock", os.environ.get("QUIRE_REDIS_URL", ""))
    site.load()
    from channels.layers import get_channel_layer
    from django.conf import settings

    from datacenter.web.forward import Forwarder
    from tests.datacenter.fake_daemon import FakeDaemon

    settings.QUIRE_LOGIN_DELAY_S = 0
    forwarder = Forwarder(get_channel_layer())
    forwarder.start()
    daemon = FakeDaemon(folder / "control.sock", forwarder.offer)
    forwarder.source = daemon.source
    await daemon.start()
    server = await site.open_site("127.0.0.1", port, folder / "cert.pem", folder / "key.pem")
    commands = asyncio.create_task(obey(daemon, forwarder))
    print("ready", flush=True)
    await asyncio.wait([asyncio.create_task(stop.wait()), commands], return_when=asyncio.FIRST_COMPLETED)
    commands.cancel()
    await server.stop()
    await daemon.stop()
    await forwarder.stop()


async def obey(daemon: object, forwarder: object) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        name, arguments = json.loads(line)
        done = getattr(daemon, name)(**arguments)
        if asyncio.iscoroutine(done):
            await done
        forwarder.source = daemon.source  # type: ignore[attr-defined]
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
