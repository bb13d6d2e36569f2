"""Copies whole frames between two interfaces, later and fewer than they came: a long or a bad line.

Run as `python -m lab.relay NETNS LEFT RIGHT MS JITTER_MS LOSS_PERCENT`; ends when it is killed. Kernels here have no
netem, so this is what a delay is made of. What is full or down loses the frame, as a wire does.
"""

from __future__ import annotations

import heapq
import random
import select
import socket
import sys
import time
from dataclasses import dataclass, field

from lab.kernel import enter_netns

SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING, PACKET_OUTGOING = 263, 15, 23, 4
ETH_P_ALL = 3
FRAME_MAX = 1 << 17
BURST = 64  # frames read from one side before the other has its turn
QUEUE_MAX = 20_000  # frames under way; beyond that the line drops


@dataclass
class Line:
    """What a frame suffers on its way, and the frames under way, the next due first."""

    delay_s: float
    jitter_s: float
    loss: float
    under_way: list[tuple[float, int, socket.socket, bytes]] = field(default_factory=list)
    count: int = 0

    def take(self, now_s: float, out: socket.socket, frame: bytes) -> None:
        if len(self.under_way) >= QUEUE_MAX or (self.loss and random.random() < self.loss):
            return
        self.count += 1
        due_s = now_s + self.delay_s + random.uniform(-self.jitter_s, self.jitter_s)
        heapq.heappush(self.under_way, (due_s, self.count, out, frame))

    def wait_s(self, now_s: float) -> float | None:
        return max(0.0, self.under_way[0][0] - now_s) if self.under_way else None

    def deliver_due(self, now_s: float) -> None:
        while self.under_way and self.under_way[0][0] <= now_s:
            _, _, out, frame = heapq.heappop(self.under_way)
            try:
                out.send(frame)
            except OSError:
                continue  # full or down: lost, as on a wire


def port(name: str) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)  # keeps checksum and segmentation offload
    made.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
    made.bind((name, ETH_P_ALL))
    made.setblocking(False)
    return made


def receive(line: Line, source: socket.socket, out: socket.socket) -> None:
    for _ in range(BURST):
        try:
            frame, address = source.recvfrom(FRAME_MAX)
        except BlockingIOError:
            return
        if address[2] != PACKET_OUTGOING:
            line.take(time.monotonic(), out, frame)


def relay(netns: str, left: str, right: str, line: Line) -> None:
    enter_netns(netns)
    one, two = port(left), port(right)
    other = {one: two, two: one}
    while True:
        ready, _, _ = select.select([one, two], [], [], line.wait_s(time.monotonic()))
        for source in ready:
            receive(line, source, other[source])
        line.deliver_due(time.monotonic())


if __name__ == "__main__":
    _, netns, left, right, ms, jitter_ms, loss_percent = sys.argv
    relay(netns, left, right, Line(float(ms) / 1e3, float(jitter_ms) / 1e3, float(loss_percent) / 100))
