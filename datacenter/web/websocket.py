"""A websocket connection: daphne's, with a bound on what a client may send ahead of the application.

Pages send next to nothing over their socket (one word to say what they show), so the limits are small. Import only
after `reactor.install()`.
"""

from __future__ import annotations

from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

MESSAGE_BYTES_MAX = 64 * 1024
MESSAGES_WAITING_MAX = 64
HANDSHAKE_SECONDS_MAX = 5
PING_EVERY_SECONDS = 20
PING_TIMEOUT_SECONDS = 30

POLICY_VIOLATION = 1008
SERVICE_RESTART = 1012  # pages reconnect after this one by themselves


class LiveSocket(WebSocketProtocol):
    """One open socket."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N803  (autobahn's name)
        if self.application_queue.qsize() >= MESSAGES_WAITING_MAX:
            self.muted = True
            self.application_queue.put_nowait({"type": "websocket.disconnect", "code": POLICY_VIOLATION})
            self.sendClose(code=POLICY_VIOLATION, reason="too many messages")
            return
        super().onMessage(payload, isBinary)


class LiveSocketFactory(WebSocketFactory):
    """Makes a `LiveSocket` per upgraded connection."""

    protocol = LiveSocket

    def __init__(self, server: Any) -> None:
        super().__init__(server, server="")
        self.setProtocolOptions(
            autoPingTimeout=PING_TIMEOUT_SECONDS,
            allowNullOrigin=True,  # who may connect is the consumer's to say, by an exact comparison
            openHandshakeTimeout=HANDSHAKE_SECONDS_MAX,
            maxMessagePayloadSize=MESSAGE_BYTES_MAX,
            maxFramePayloadSize=MESSAGE_BYTES_MAX,
        )
