"""The kernel's file system protocol as bytes: structs, opcodes and flags of <linux/fuse.h>, version 7.31 and later.

Layouts and nothing else: what a request means is `calls.py`, where its bytes come from is `channel.py`. Numbers are in
the machine's own byte order. Only what this mount uses is here.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

MAJOR, MINOR, MINOR_MIN = 7, 38, 31
ROOT_NODE = 1
WRITE_BYTES_MAX = 1 << 20
REQUEST_BYTES_MAX = WRITE_BYTES_MAX + 4096
PAGES_MAX = WRITE_BYTES_MAX // 4096
BLOCK_BYTES = 4096

# --- opcodes ----------------------------------------------------------------------------------------------------------

LOOKUP, FORGET, GETATTR, SETATTR, READLINK, SYMLINK, MKNOD, MKDIR, UNLINK, RMDIR = 1, 2, 3, 4, 5, 6, 8, 9, 10, 11
RENAME, LINK, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT = 12, 13, 14, 15, 16, 17, 18, 20, 25, 26
READDIR, CREATE, DESTROY, BATCH_FORGET, READDIRPLUS, RENAME2 = 28, 35, 38, 42, 44, 45

# What the kernel is told without having asked: the out header's error is the code, its unique is 0.
NOTIFY_INODE, NOTIFY_ENTRY = 2, 3

# --- flags ------------------------------------------------------------------------------------------------------------

ASYNC_READ, ATOMIC_O_TRUNC, BIG_WRITES, AUTO_INVAL_DATA = 1 << 0, 1 << 3, 1 << 5, 1 << 12
DO_READDIRPLUS, READDIRPLUS_AUTO, PARALLEL_DIROPS, HANDLE_KILLPRIV = 1 << 13, 1 << 14, 1 << 18, 1 << 19
MAX_PAGES, CACHE_SYMLINKS, NO_OPENDIR_SUPPORT = 1 << 22, 1 << 23, 1 << 24

DIRECT_IO, KEEP_CACHE, NO_FLUSH = 1 << 0, 1 << 1, 1 << 5  # of an open file
GETATTR_FH = 1 << 0
SET_MODE, SET_UID, SET_GID, SET_SIZE, SET_MTIME, SET_FH = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 6

# --- layouts ----------------------------------------------------------------------------------------------------------

IN_HEADER = Struct("=IIQQIIIHH")  # length, opcode, unique, node, uid, gid, pid, extensions, -
OUT_HEADER = Struct("=IiQ")  # length, minus the error or a notice's code, unique

INIT_IN = Struct("=IIII")  # major, minor, readahead, flags
INIT_OUT = Struct("=IIIIHHIIHHI28x")  # ..., background, congestion, write, time gran, pages, alignment, more flags

ATTRIBUTES = Struct("=QQQqqqIIIIIIIIII")
ATTRIBUTES_OUT = Struct("=QII")  # valid for seconds, nanoseconds, -; then attributes
ENTRY_OUT = Struct("=QQQQII")  # node, generation, name and attributes valid for seconds, nanoseconds; then attributes
DIRECTORY_ENTRY = Struct("=QQII")  # inode, offset of the next, length of the name, type; then the name, padded to 8

GETATTR_IN = Struct("=IIQ")  # flags, -, handle
SETATTR_IN = Struct("=IIQQQqqqIIIIIII")  # valid, -, handle, size, -, atime, mtime, ctime, 3 nsec, mode, -, uid, gid
OPEN_IN = Struct("=II")  # flags, -
CREATE_IN = Struct("=IIII")  # flags, mode, umask, -
OPEN_OUT = Struct("=QII")  # handle, flags, -
HANDLE_IN = Struct("=Q")  # of FLUSH, FSYNC, RELEASE: the handle comes first
READ_IN = Struct("=QQI")  # handle, offset, size
WRITE_IN = Struct("=QQI20x")  # handle, offset, size
WRITE_OUT = Struct("=II")
MKDIR_IN, MKNOD_IN = Struct("=II"), Struct("=IIII")
RENAME_IN, RENAME2_IN = Struct("=Q"), Struct("=QII")  # new directory, flags, -
LINK_IN = Struct("=Q")
FORGET_IN, FORGET_COUNT, FORGET_ONE = Struct("=Q"), Struct("=II"), Struct("=QQ")
STATFS_OUT = Struct("=QQQQQIIII24x")  # blocks, free, available, files, free, block size, name length, fragment, -

INODE_NOTICE = Struct("=Qqq")  # node, offset, length; 0, 0 is everything
ENTRY_NOTICE = Struct("=QII")  # directory, length of the name, flags; then the name and a zero


@dataclass(slots=True)
class Request:
    """One request of the kernel. `body` is valid until the next is received."""

    opcode: int
    unique: int
    node: int
    uid: int
    pid: int
    body: memoryview


class Attributes(NamedTuple):
    """What stat(2) shows of an inode, packed, and how long the kernel may keep it and the name that led to it."""

    inode: int
    cache_s: int
    packed: bytes


def parse(received: memoryview) -> Request:
    _, opcode, unique, node, uid, _, pid, _, _ = IN_HEADER.unpack_from(received)
    return Request(opcode, unique, node, uid, pid, received[IN_HEADER.size :])


def names_in(body: memoryview, start: int = 0) -> list[bytes]:
    """The names at the end of a request, each of which ends with a zero."""
    return bytes(body[start:]).split(b"\0")[:-1]


def pack_attributes(inode: int, mode: int, size: int, mtime_s: int, gid: int, cache_s: int) -> Attributes:
    links = 2 if stat.S_ISDIR(mode) else 1
    blocks = -(-size // 512)
    packed = ATTRIBUTES.pack(
        inode, size, blocks, mtime_s, mtime_s, mtime_s, 0, 0, 0, mode, links, 0, gid, 0, BLOCK_BYTES, 0
    )
    return Attributes(inode, cache_s, packed)


def no_inode(cache_s: int) -> Attributes:
    """There is no such name, and the kernel may keep that in mind; in a listing: no attributes are given."""
    return Attributes(0, cache_s, bytes(ATTRIBUTES.size))


def attributes_out(told: Attributes) -> bytes:
    return ATTRIBUTES_OUT.pack(told.cache_s, 0, 0) + told.packed


def entry_out(told: Attributes) -> bytes:
    return ENTRY_OUT.pack(told.inode, 0, told.cache_s, told.cache_s, 0, 0) + told.packed


def directory_entry(inode: int, offset: int, name: bytes, kind: int) -> bytes:
    """`kind` is the file type bits of a mode."""
    return DIRECTORY_ENTRY.pack(inode, offset, len(name), kind >> 12) + name + bytes(-len(name) % 8)


def inode_notice(node: int) -> tuple[int, bytes]:
    """Forget an inode's attributes and content, a directory's listing included."""
    return NOTIFY_INODE, INODE_NOTICE.pack(node, 0, 0)


def entry_notice(directory: int, name: bytes) -> tuple[int, bytes]:
    """Forget what a name in a directory leads to."""
    return NOTIFY_ENTRY, ENTRY_NOTICE.pack(directory, len(name), 0) + name + b"\0"
