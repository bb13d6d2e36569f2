"""A websocket connection: daphne's, with a bound on what a client may send ahead of the application.

Pages send next to nothing over their socket (one word to say what they show), so the limits are small. Import only
after `reactor.install()`.
"""

from __future__ import annotations

import time
from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

MESSAGE_BYTES_MAX = 64 * 1024
MESSAGES_WAITING_MAX = 64
HANDSHAKE_SECONDS_MAX = 5
PING_EVERY_SECONDS = 20
PING_TIMEOUT_SECONDS = 30
PINGS_MAX, PINGS_PER_SECONDS = 32, 10.0  # a client may send; browsers send none

POLICY_VIOLATION = 1008
SERVICE_RESTART = 1012  # pages reconnect after this one by themselves


class LiveSocket(WebSocketProtocol):
    """One open socket."""

    maxMessagePayloadSize: int  # noqa: N815  (autobahn's, from the factory's options)
    pings, pings_since_s = 0, 0.0

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N803  (autobahn's name)
        if self.application_queue.qsize() >= MESSAGES_WAITING_MAX:
            self._give_up()
            return
        super().onMessage(payload, isBinary)

    def onPing(self, payload: bytes) -> None:
        """Answers to a client that reads none of them would pile up here."""
        now_s = time.monotonic()
        if now_s - self.pings_since_s > PINGS_PER_SECONDS:
            self.pings, self.pings_since_s = 0, now_s
        self.pings += 1
        if self.pings <= PINGS_MAX:
            super().onPing(payload)
        elif self.pings == PINGS_MAX + 1:
            self._give_up()

    def _give_up(self) -> None:
        self.muted = True
        self.application_queue.put_nowait({"type": "websocket.disconnect", "code": POLICY_VIOLATION})
        self.say_close(POLICY_VIOLATION)

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        """What we send is bounded where it is made; autobahn would hold it to the limit for what others may send."""
        limit, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().serverSend(content, binary)
        finally:
            self.maxMessagePayloadSize = limit

    def serverClose(self, code: int | None = None) -> None:
        self.say_close(1000 if code is None else code)

    def say_close(self, code: int) -> None:
        """As `sendClose`, which lets servers give none of the codes made for servers."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code)


class LiveSocketFactory(WebSocketFactory):
    """Makes a `LiveSocket` per upgraded connection."""

    protocol = LiveSocket

    def __init__(self, server: Any) -> None:
        super().__init__(server, server="")
        self.setProtocolOptions(
            autoPingTimeout=PING_TIMEOUT_SECONDS,
            allowNullOrigin=True,  # who may connect is the consumer's to say, by an exact comparison
            failByDrop=False,  # whoever breaks the rules is told which
            openHandshakeTimeout=HANDSHAKE_SECONDS_MAX,
            maxMessagePayloadSize=MESSAGE_BYTES_MAX,
            maxFramePayloadSize=MESSAGE_BYTES_MAX,
        )
