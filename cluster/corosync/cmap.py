"""Corosync's map of keys: its configuration as it runs (`nodelist.`, `totem.`), and its figures (`stats.knet.` …).

Every method waits for corosync; run it through `bounded.py`. Watching keys for change is not offered: what changes is
told by CPG and quorum.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

from cluster.corosync.library import ffi, library
from cluster.corosync.status import check
from cluster.errors import CorosyncError

Value = int | float | str | bytes
_KEY_MAX = 255
_BINARY, _STRING = 12, 11
_INVALID_PARAM, _NOT_EXIST = 7, 12
# cmap_value_types_t → the C type of the value
_C_TYPES = {
    1: "int8_t",
    2: "uint8_t",
    3: "int16_t",
    4: "uint16_t",
    5: "int32_t",
    6: "uint32_t",
    7: "int64_t",
    8: "uint64_t",
    9: "float",
    10: "double",
}


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
        length, kind, room = self._ffi.new("size_t *", 8), self._ffi.new("int *"), self._ffi.new("char[]", 8)
        code = self._lib.cmap_get(self._handle, key.encode(), room, length, kind)
        if code in (_NOT_EXIST, _INVALID_PARAM):  # the latter: its value needs more room than any number
            return None
        check("cmap_get", code)
        value = self._read(room, int(length[0]), int(kind[0])) if int(kind[0]) in _C_TYPES else None
        return value if isinstance(value, int) else None

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with `prefix`, in corosync's order."""
        iteration = self._ffi.new("cmap_iter_handle_t *")
        check("cmap_iter_init", self._lib.cmap_iter_init(self._handle, prefix.encode(), iteration))
        key = self._ffi.new("char[]", _KEY_MAX + 1)
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
        number: int | float = self._ffi.cast(f"{_C_TYPES[kind]} *", value)[0]
        return number
