"""From the beginning of a write on the first node until the last node's mount gives the new content to a reader."""

from __future__ import annotations

import array
import subprocess
import sys
import time
from typing import Any

from demo.bench.load import content, summary
from demo.bench.nodes import Nodes

SIZE = 1024
# Runs in the last node: told a number, it reads until it finds it, and answers with the moment. One clock for all.
READER = """
import os, sys, time
path, size = sys.argv[1], int(sys.argv[2])
for line in sys.stdin:
    wanted = b"%016d " % int(line)
    print("ready", flush=True)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            fd = os.open(path, os.O_RDONLY)
            found = os.read(fd, size)
            os.close(fd)
            if found[:17] == wanted:
                break
        except OSError:
            pass
        time.sleep(0.0001)
    print(time.monotonic_ns(), flush=True)
"""
WRITER = """
import os, sys, time
path = sys.argv[1]
for line in sys.stdin:
    data = bytes.fromhex(line)
    began = time.monotonic_ns()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    os.write(fd, data)
    os.close(fd)
    print(began, time.monotonic_ns(), flush=True)
"""


def visible(on: Nodes, count: int, seconds: float) -> dict[str, dict[str, Any]]:
    path = f"{on.first.mount}/bench/visible"
    writer = begin(on.first.enter, WRITER, path)
    reader = begin(on.last.enter, READER, path, str(SIZE))
    written, seen = array.array("q"), array.array("q")
    try:
        began = time.monotonic()
        for number in range(1, count + 1):
            tell(reader, str(number))
            hear(reader)
            tell(writer, content(SIZE, number).hex())
            start, end = map(int, hear(writer).split())
            written.append(end - start)
            seen.append(int(hear(reader)) - start)
            if time.monotonic() - began > 2 * seconds:
                break
        took = time.monotonic() - began
    finally:
        for process in (writer, reader):
            process.kill()
            process.wait()
    return {
        "mount: the same writes, acknowledged": summary(written, took),
        "written on the first, readable on the last": summary(seen, took),
    }


def begin(enter: list[str], program: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*enter, sys.executable, "-c", program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("a reader or writer of the bench ended early")
    return line
