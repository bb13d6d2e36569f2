"""Calls that fail when a test says so, in a process of their own: `fails_at.c`, compiled once per run and preloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from errno import EIO
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("fails_at.c")


@dataclass(frozen=True)
class Failing:
    """Which calls of one process fail. `environment` is for starting it."""

    library: Path
    rule: Path
    call: str = "flush"
    path: str = "store.db"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self.library),
            "QUIRE_FAIL_PATH": self.path,
            "QUIRE_FAIL_CALL": self.call,
            "QUIRE_FAIL_AT": str(self.rule),
        }

    def fail(self, nth: int = 1, errno: int = EIO, delay_ms: int = 0) -> None:
        """The `nth` call from now on fails, and all after it; every call takes `delay_ms` longer."""
        fresh = self.rule.with_suffix(".new")
        fresh.write_text(f"{nth} {errno} {delay_ms}\n")
        os.utime(fresh, ns=(time.time_ns(), time.time_ns()))
        os.rename(fresh, self.rule)

    def slow_down(self, delay_ms: int) -> None:
        self.fail(0, delay_ms=delay_ms)

    def mend(self) -> None:
        self.fail(0)


def compiled(folder: Path) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    library = folder / "fails_at.so"
    subprocess.run(
        [compiler, "-Wall", "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True, timeout=60
    )
    return library
