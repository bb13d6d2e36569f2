"""`pvecm store export` and `import`: the tree as a config.db of Proxmox VE, out of this node and into it.

Needs root: the file passes through a folder of the daemon that only root can open. A config.db that is in use can be
imported: what is taken is a consistent copy.
"""

from __future__ import annotations

import os
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from cluster.cli.arguments import Command, Parameter, Values
from cluster.cli.terminal import printable
from cluster.errors import Conflict, InvalidInput, Unavailable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

EXCHANGE_S = 120.0


def export(values: Values, daemon: BlockingClient) -> int:
    target = values["file"]
    if os.path.lexists(target):
        raise Conflict(f"{target} is there already.")
    made = daemon.call({"method": "store.export"}, EXCHANGE_S)
    try:
        _copy(made["file"], target)
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            os.unlink(made["file"])
    epoch, index = made["revision"]
    print(f"{made['entries']} entries, at revision {epoch}.{index}.")
    return 0


def import_(values: Values, daemon: BlockingClient) -> int:
    source = os.path.abspath(values["file"])
    if not os.path.isfile(source):
        raise InvalidInput(f"There is no file {source}.")
    folder = daemon.call({"method": "store.exchange"})["folder"]
    name = f"import-{os.getpid()}.db"
    _copy_database(source, os.path.join(folder, name))
    asked = {"method": "store.import", "name": name, "force": values.get("force", False)}
    done = daemon.call(asked, EXCHANGE_S)
    print(f"{done['entries']} entries, {done['bytes']} bytes of content.")
    print(f"What was there before: {printable(done['backup'])}")
    for note in done["notes"]:
        print(printable(note))
    return 0


def _copy(source: str, target: str) -> None:
    import shutil

    with open(source, "rb") as data, open(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
        shutil.copyfileobj(data, out)
        out.flush()
        os.fsync(out.fileno())


def _copy_database(source: str, target: str) -> None:
    """As one moment of it, also of one that its daemon has open. Raises InvalidInput."""
    import sqlite3
    from pathlib import Path

    try:
        os.close(os.open(target, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        uri = f"{Path(source).as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            os.unlink(target)
        raise InvalidInput(f"{source} cannot be read as a config.db: {error}.") from None


COMMANDS = (
    Command(
        "store export",
        "Write the tree as a config.db, which Proxmox VE can open.",
        export,
        (Parameter("file", "string", "where; nothing may be there yet"),),
    ),
    Command(
        "store import",
        "Replace a stand-alone node's store by a config.db; a backup is made first.",
        import_,
        (Parameter("file", "string", "a config.db of Proxmox VE, or one written by export"),),
        (Parameter("force", "boolean", "also when this node's store is more than a new node's"),),
    ),
)
