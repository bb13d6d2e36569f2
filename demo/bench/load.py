"""The generator of load, run inside a node: writers that each do one thing over and over, and what each time took.

    python load.py overwrite --place /etc/pve/bench --writers 16 --count 200
    python load.py socket --place /run/control.sock --writers 1 --count 500
    python load.py etcd --place 127.0.0.1:2379 --writers 1 --count 500

Prints one JSON object. Imports nothing of Quire and is a script of its own, because a node's view of files has no
project in it; msgspec alone is needed, for the control socket.
"""

from __future__ import annotations

import argparse
import array
import base64
import errno
import http.client
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Callable

import msgspec

Act = Callable[[int], None]
START_AFTER_S = 0.3
LENGTH = struct.Struct("!I")


def content(size: int, number: int) -> bytes:
    """So many bytes, printable, different for every number."""
    head = b"%016d " % number
    return (head * (size // len(head) + 1))[: size - 1] + b"\n"


# --- files ------------------------------------------------------------------------------------------------------------


def put(path: str, data: bytes, flags: int, chunk: int = 0) -> None:
    fd = os.open(path, os.O_WRONLY | flags, 0o640)
    try:
        for at in range(0, len(data), chunk or len(data)):
            os.write(fd, data[at : at + (chunk or len(data))])
    finally:
        os.close(fd)


def overwriting(given: argparse.Namespace, writer: int) -> Act:
    path = f"{given.place}/o{writer}"
    return lambda i: put(path, content(given.size, given.first + i), os.O_CREAT | os.O_TRUNC, given.chunk)


def overwriting_in_place(given: argparse.Namespace, writer: int) -> Act:
    path = f"{given.place}/p{writer}"
    put(path, content(given.size, 0), os.O_CREAT)
    return lambda i: put(path, content(given.size, given.first + i), 0)


def creating(given: argparse.Namespace, writer: int) -> Act:
    flags = os.O_CREAT | (os.O_EXCL if given.exclusive else 0)
    return lambda i: put(f"{given.place}/c{writer}-{given.first + i}", content(given.size, i), flags)


def renaming_over(given: argparse.Namespace, writer: int) -> Act:
    path = f"{given.place}/r{writer}"

    def act(i: int) -> None:
        put(f"{path}.tmp", content(given.size, given.first + i), os.O_CREAT | os.O_TRUNC)
        os.rename(f"{path}.tmp", path)

    return act


def touching(given: argparse.Namespace, writer: int) -> Act:
    return lambda i: os.utime(f"{given.place}/o{writer}", (1_700_000_000 + i, 1_700_000_000 + i))


def reading(given: argparse.Namespace, writer: int) -> Act:
    """One file over and over, or with --files as many different ones."""

    def act(i: int) -> None:
        fd = os.open(f"{given.place}/f{i % given.files}", os.O_RDONLY)
        try:
            if len(os.read(fd, 1 << 17)) != given.size:
                raise OSError(errno.EIO, "short")
        finally:
            os.close(fd)

    return act


def asking_attributes(given: argparse.Namespace, writer: int) -> Act:
    return lambda i: void(os.stat(f"{given.place}/f{i % given.files}"))


def listing(given: argparse.Namespace, writer: int) -> Act:
    def act(i: int) -> None:
        if len(os.listdir(given.place)) < given.files:
            raise OSError(errno.EIO, "short")

    return act


def void(_: object) -> None:
    return


# --- sockets ----------------------------------------------------------------------------------------------------------


class Control:
    """One kept connection to a node's control socket."""

    def __init__(self, path: str) -> None:
        self._encode, self._decode = msgspec.msgpack.encode, msgspec.msgpack.decode
        self._line = socket.socket(socket.AF_UNIX)
        self._line.settimeout(60)
        self._line.connect(path)
        self._number = 0

    def ask(self, method: str, **fields: object) -> object:
        self._number += 1
        body = self._encode({"id": self._number, "request": {"method": method, **fields}})
        self._line.sendall(LENGTH.pack(len(body)) + body)
        received = b""
        while len(received) < 4 or len(received) < 4 + LENGTH.unpack_from(received)[0]:
            more = self._line.recv(1 << 20)
            if not more:
                raise OSError(errno.ECONNRESET, "closed")
            received += more
        told = self._decode(received[4:])
        if "error" in told:
            raise OSError(errno.EIO, str(told["error"].get("message")))
        return told["result"]


def asking_to_write(given: argparse.Namespace, writer: int) -> Act:
    control, folder = Control(given.place), given.folder
    return lambda i: void(
        control.ask("store.write", path=f"{folder}/s{writer}", data=content(given.size, given.first + i))
    )


def asking_to_create(given: argparse.Namespace, writer: int) -> Act:
    control, folder = Control(given.place), given.folder
    return lambda i: void(control.ask("store.write", path=f"{folder}/f{given.first + i}", data=content(given.size, i)))


class Etcd:
    """One kept connection to a member's JSON gateway."""

    def __init__(self, place: str) -> None:
        self._line = http.client.HTTPConnection(place, timeout=60)
        self._line.connect()
        self._line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, path: str, **fields: str) -> None:
        self._line.request("POST", f"/v3/{path}", json.dumps(fields))
        answer = self._line.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise OSError(errno.EIO, said[:200].decode(errors="replace"))


def putting(given: argparse.Namespace, writer: int) -> Act:
    etcd = Etcd(given.place)
    key = base64.b64encode(b"bench/s%d" % writer).decode()
    ready = [base64.b64encode(content(given.size, i)).decode() for i in range(given.count)]
    return lambda i: etcd.ask("kv/put", key=key, value=ready[i])


def getting(given: argparse.Namespace, writer: int) -> Act:
    etcd = Etcd(given.place)
    key = base64.b64encode(b"bench/s%d" % writer).decode()
    return lambda i: etcd.ask("kv/range", key=key)


# --- running ----------------------------------------------------------------------------------------------------------

KINDS: dict[str, Callable[[argparse.Namespace, int], Act]] = {
    "overwrite": overwriting,
    "in-place": overwriting_in_place,
    "create": creating,
    "rename": renaming_over,
    "touch": touching,
    "read": reading,
    "stat": asking_attributes,
    "listing": listing,
    "socket": asking_to_write,
    "socket-create": asking_to_create,
    "etcd": putting,
    "etcd-get": getting,
}


def write_one(act: Act, given: argparse.Namespace, begin_s: float) -> tuple[array.array[int], dict[str, int], int, int]:
    while time.monotonic() < begin_s:
        time.sleep(0.0005)
    took, errors, end_s = array.array("q"), dict[str, int](), begin_s + given.seconds
    first = last = time.perf_counter_ns()
    for i in range(given.count):
        began = time.perf_counter_ns()
        try:
            act(i)
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, "?") + (f" {error.strerror}" if given.verbose else "")
            errors[name] = errors.get(name, 0) + 1
        else:
            last = time.perf_counter_ns()
            took.append(last - began)
        if time.monotonic() > end_s:
            break
        if given.pause_ms:
            time.sleep(given.pause_ms / 1000)
    return took, errors, first, last


def run(given: argparse.Namespace) -> dict[str, object]:
    """Every writer is a process of its own; all begin at the same moment."""
    begin_s = time.monotonic() + START_AFTER_S + 0.02 * given.writers
    pipes = []
    for writer in range(given.writers):
        reader, pipe = os.pipe()
        if os.fork() == 0:
            os.close(reader)
            took, errors, first, last = write_one(KINDS[given.kind](given, writer), given, begin_s)
            with os.fdopen(pipe, "wb") as told:
                told.write(json.dumps([errors, first, last]).encode() + b"\n" + took.tobytes())
            os._exit(0)
        os.close(pipe)
        pipes.append(reader)
    took, errors, firsts, lasts = array.array("q"), dict[str, int](), [], []
    for reader in pipes:
        with os.fdopen(reader, "rb") as told:
            their_errors, first, last = json.loads(told.readline() or b'[{"a writer died": 1}, 0, 0]')
            took.frombytes(told.read())
        firsts.append(first)
        lasts.append(last)
        for name, count in their_errors.items():
            errors[name] = errors.get(name, 0) + count
    return summary(took, (max(lasts) - min(firsts)) / 1e9) | {"errors": errors}


def summary(took_ns: array.array[int], wall_s: float) -> dict[str, object]:
    ordered = sorted(took_ns)
    if not ordered:
        return {"n": 0, "wall_s": wall_s, "p50_ms": None, "p99_ms": None, "worst_ms": None, "rate": 0.0}

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6

    return {
        "n": len(ordered),
        "wall_s": wall_s,
        "p50_ms": at(0.5),
        "p99_ms": at(0.99),
        "worst_ms": ordered[-1] / 1e6,
        "rate": len(ordered) / wall_s if wall_s > 0 else 0.0,
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--place", required=True, help="a folder, a control socket, or host:port")
    parser.add_argument("--folder", default="bench", help="control socket: where in the tree")
    parser.add_argument("--writers", type=int, default=1)
    parser.add_argument("--count", type=int, default=500, help="for each writer")
    parser.add_argument("--seconds", type=float, default=60.0, help="end each writer after this")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--chunk", type=int, default=0, help="bytes per write call; 0 is all at once")
    parser.add_argument("--files", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--pause-ms", type=float, default=0.0)
    parser.add_argument("--exclusive", action="store_true", help="create with O_EXCL")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    print(json.dumps(run(arguments())))
    sys.exit(0)
