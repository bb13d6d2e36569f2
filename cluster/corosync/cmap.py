"""Corosync's map of keys: its configuration as it runs (`nodelist.`, `totem.`), and its figures (`stats.knet.` …).

Every method waits for corosync; run it through `bounded.py`. Watching keys for change is not offered: what changes is
told by CPG and quorum.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from struct import Struct
from typing import Any

from cluster.corosync.library import ffi, library
from cluster.corosync.status import check
from cluster.errors import CorosyncError

Value = int | float | str | bytes
Buffer = Any  # bytes, or cffi's view of memory
KEY_MAX = 255
NUMBER_BYTES_MAX = 8
_BINARY, _STRING = 12, 11
_INVALID_PARAM, _NOT_EXIST = 7, 12
NO_NUMBER = frozenset({_NOT_EXIST, _INVALID_PARAM})  # the latter: the value needs more room than any number
_FORMS = {kind: Struct(f"@{form}") for kind, form in enumerate("bBhHiIqQfd", start=1)}  # by cmap_value_types_t


class Map(enum.IntEnum):
    CONFIGURATION = 0
    STATISTICS = 1


class Cmap:
    def __init__(self, which: Map = Map.CONFIGURATION) -> None:
        """Connect. Raises CorosyncError."""
        self._ffi, self._lib = ffi(), library("cmap")
        handle = self._ffi.new("cmap_handle_t *")
        check("cmap_initialize_map", self._lib.cmap_initialize_map(handle, which))
        self._handle = handle[0]

    def close(self) -> None:
        """Never raises."""
        self._lib.cmap_finalize(self._handle)

    def get(self, key: str) -> Value | None:
        """A key's value, None when there is no such key."""
        length, kind = self._ffi.new("size_t *"), self._ffi.new("int *")
        name = key.encode()
        try:
            check("cmap_get", self._lib.cmap_get(self._handle, name, self._ffi.NULL, length, kind))
            value = self._ffi.new("char[]", int(length[0]) + 1)
            check("cmap_get", self._lib.cmap_get(self._handle, name, value, length, kind))
        except CorosyncError as error:
            if error.status == "CS_ERR_NOT_EXIST":
                return None
            raise
        return self._read(value, int(length[0]), int(kind[0]))

    def number(self, key: str) -> int | None:
        """A whole number in one question instead of two, for figures that are read every second; None when there is
        no such key, or it holds no whole number."""
        length, kind = self._ffi.new("size_t *", NUMBER_BYTES_MAX), self._ffi.new("int *")
        room = self._ffi.new("char[]", NUMBER_BYTES_MAX)
        code = self._lib.cmap_get(self._handle, key.encode(), room, length, kind)
        if code in NO_NUMBER:
            return None
        check("cmap_get", code)
        return whole_number(int(kind[0]), self._ffi.buffer(room))

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with `prefix`, in corosync's order."""
        iteration = self._ffi.new("cmap_iter_handle_t *")
        check("cmap_iter_init", self._lib.cmap_iter_init(self._handle, prefix.encode(), iteration))
        key = self._ffi.new("char[]", KEY_MAX + 1)
        length, kind = self._ffi.new("size_t *"), self._ffi.new("int *")
        try:
            while True:
                try:
                    check("cmap_iter_next", self._lib.cmap_iter_next(self._handle, iteration[0], key, length, kind))
                except CorosyncError as error:
                    if error.status == "CS_ERR_NO_SECTIONS":
                        return
                    raise
                yield self._ffi.string(key).decode(errors="replace")
        finally:
            self._lib.cmap_iter_finalize(self._handle, iteration[0])

    def _read(self, value: Any, length: int, kind: int) -> Value:
        if kind == _STRING:
            return str(self._ffi.string(value).decode(errors="replace"))
        if kind == _BINARY:
            return bytes(self._ffi.buffer(value, length))
        return _number(kind, self._ffi.buffer(value))


def whole_number(kind: int, value: Buffer) -> int | None:
    """Out of a value of the type `kind` as it lies in memory; None for one that is no whole number."""
    number = _number(kind, value) if kind in _FORMS else None
    return number if isinstance(number, int) else None


def _number(kind: int, value: Buffer) -> int | float:
    number: int | float = _FORMS[kind].unpack_from(value)[0]
    return number
