"""`python -m tests.history FILE...` judges recorded histories."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.history.call import load
from tests.history.check import judge

if __name__ == "__main__":
    calls = load(*map(Path, sys.argv[1:]))
    verdict = judge(calls)
    print(f"{len(calls)} calls: {verdict}")
    sys.exit(not verdict.well)
