"""What the daemon asks of Python and the C library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

USED_AND_FREED = """
from cluster.node.interpreter import give_back
from demo.noise import pss_mib
parts = [bytes(2000) for _ in range(20_000)]
kept = parts[-1]
del parts
import os
before = pss_mib(os.getpid())
give_back()
print(before - pss_mib(os.getpid()))
"""


def test_memory_that_is_free_is_given_back() -> None:
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", USED_AND_FREED], cwd=root, capture_output=True, text=True, timeout=60)
    assert float(ran.stdout) > 20, ran.stderr
