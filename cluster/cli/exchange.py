"""`pvecm store export` and `import`: the tree as a config.db of Proxmox VE, out of this node and into it.

Needs root: the file passes through a folder of the daemon that only root can open. A config.db that is in use can be
imported: what is taken is a consistent copy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import DRY_RUN, FORMAT, Command, Parameter, Values
from cluster.cli.output import present, style_of
from cluster.cli.planned import show_plan
from cluster.cli.terminal import printable
from cluster.errors import Conflict, InvalidInput, Unavailable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

EXCHANGE_S = 120.0


def export(values: Values, daemon: BlockingClient) -> int:
    target = values["file"]
    if os.path.lexists(target):
        raise Conflict(f"{target} is there already.")
    if values.get("dry-run"):
        return show_plan({"steps": [f"Write the tree to {target}."]}, style_of(values))
    made = daemon.call({"method": "store.export"}, EXCHANGE_S)
    try:
        _copy(made["file"], target)
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            os.unlink(made["file"])
    told = {"file": target, "entries": made["entries"], "revision": made["revision"]}
    revision = ".".join(map(str, made["revision"]))
    present(told, style_of(values), lambda said: [f"{said['entries']} entries, at revision {revision}."])
    return 0


def import_(values: Values, daemon: BlockingClient) -> int:
    source = os.path.abspath(values["file"])
    if not os.path.isfile(source):
        raise InvalidInput(f"There is no file {source}.")
    folder = daemon.call({"method": "store.exchange"})["folder"]
    name = f"import-{os.getpid()}.db"
    _copy_database(source, os.path.join(folder, name))
    asked = {"method": "store.import", "name": name, "force": values.get("force", False)}
    if values.get("dry-run"):
        return _planned(daemon.call(asked | {"dry_run": True}, EXCHANGE_S), source, values)
    present(daemon.call(asked, EXCHANGE_S), style_of(values), _imported)
    return 0


def _planned(done: dict[str, Any], source: str, values: Values) -> int:
    count = f"{done['entries']} entries, {done['bytes']} bytes of content"
    steps = ["Keep a copy of this node's store.", f"Replace it by {source}: {count}."]
    return show_plan({"steps": steps, "warnings": done["notes"]}, style_of(values))


def _imported(done: dict[str, Any]) -> Iterator[str]:
    yield f"{done['entries']} entries, {done['bytes']} bytes of content."
    yield f"What was there before: {printable(done['backup'])}"
    yield from map(printable, done["notes"])


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
        (DRY_RUN, FORMAT),
    ),
    Command(
        "store import",
        "Replace a stand-alone node's store by a config.db; a backup is made first.",
        import_,
        (Parameter("file", "string", "a config.db of Proxmox VE, or one written by export"),),
        (Parameter("force", "boolean", "also when this node's store is more than a new node's"), DRY_RUN, FORMAT),
    ),
)
