"""A process that writes to a store for as long as it lives, and says on its output what is on disk.

`python -m tests.store.writes_until_killed PATH`: a line with an index means that every log entry up to it was reported
as persisted.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from cluster.core.operations import Write
from tests.store.scribe import Scribe


def main(path: Path) -> None:
    scribe = Scribe(path, make=not path.exists())
    scribe.disk._writer._on_persisted = lambda ticket: os.write(1, b"%d\n" % (first + ticket))  # type: ignore[union-attr]
    first = scribe.machine.log.last.index
    number = 0
    while not scribe.ear.failures:
        for _ in range(1 + number % 9):
            number += 1
            scribe.append(Write(f"file-{number % 50}", os.urandom(300 * (number % 13))))
        if number % 4 == 0:
            scribe.commit()
        if number % 100 == 0:
            scribe.disk.trim(keep_entries=200)
        time.sleep(0.002)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
