"""The kernel's requests, one function each: takes a request's bytes apart, asks the file system, packs the answer.

What is not in the table at the end gets ENOSYS, from which the kernel learns to do without: among it the opening of
directories, extended attributes, and locks, which then are the kernel's own.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from cluster.store.mount import protocol as p
from cluster.store.mount.answers import Failure, Later, after
from cluster.store.mount.operations import Change, StoreFileSystem
from cluster.store.mount.protocol import Request

Answer = bytes | None | Later[bytes]
Call = Callable[[StoreFileSystem, Request], Answer]


def _nothing(_: object) -> bytes:
    return b""


def _lookup(fs: StoreFileSystem, request: Request) -> Answer:
    return after(fs.lookup(request.node, p.names_in(request.body)[0], request), p.entry_out)


def _forget(fs: StoreFileSystem, request: Request) -> Answer:
    (count,) = p.FORGET_IN.unpack_from(request.body)
    fs.forget(request.node, count)
    return None


def _batch_forget(fs: StoreFileSystem, request: Request) -> Answer:
    count, _ = p.FORGET_COUNT.unpack_from(request.body)
    ones = request.body[p.FORGET_COUNT.size : p.FORGET_COUNT.size + count * p.FORGET_ONE.size]
    for node, times in p.FORGET_ONE.iter_unpack(ones):
        fs.forget(node, times)
    return None


def _getattr(fs: StoreFileSystem, request: Request) -> Answer:
    flags, _, handle = p.GETATTR_IN.unpack_from(request.body)
    return after(fs.getattr(request.node, request, handle if flags & p.GETATTR_FH else 0), p.attributes_out)


def _setattr(fs: StoreFileSystem, request: Request) -> Answer:
    valid, _, handle, size, _, _, mtime_s, *_, mode, _, uid, gid = p.SETATTR_IN.unpack_from(request.body)
    change = Change(
        mode if valid & p.SET_MODE else None,
        uid if valid & p.SET_UID else None,
        gid if valid & p.SET_GID else None,
        size if valid & p.SET_SIZE else None,
        mtime_s if valid & p.SET_MTIME else None,
    )
    return after(fs.setattr(request.node, change, handle if valid & p.SET_FH else 0, request), p.attributes_out)


def _readlink(fs: StoreFileSystem, request: Request) -> Answer:
    return fs.readlink(request.node)


def _open(fs: StoreFileSystem, request: Request) -> Answer:
    flags, _ = p.OPEN_IN.unpack_from(request.body)
    return after(fs.open(request.node, flags, request), lambda opened: p.OPEN_OUT.pack(*opened, 0))


def _create(fs: StoreFileSystem, request: Request) -> Answer:
    flags, _, _, _ = p.CREATE_IN.unpack_from(request.body)
    name = p.names_in(request.body, p.CREATE_IN.size)[0]
    return after(
        fs.create(request.node, name, flags, request),
        lambda made: p.entry_out(made[0]) + p.OPEN_OUT.pack(*made[1], 0),
    )


def _read(fs: StoreFileSystem, request: Request) -> Answer:
    handle, offset, size = p.READ_IN.unpack_from(request.body)
    return fs.read(request.node, handle, offset, size)


def _write(fs: StoreFileSystem, request: Request) -> Answer:
    handle, offset, size = p.WRITE_IN.unpack_from(request.body)
    data = request.body[p.WRITE_IN.size : p.WRITE_IN.size + size]
    return after(fs.write(handle, offset, data), lambda written: p.WRITE_OUT.pack(written, 0))


def _flush(fs: StoreFileSystem, request: Request) -> Answer:
    (handle,) = p.HANDLE_IN.unpack_from(request.body)
    return after(fs.flush(handle), _nothing)


def _release(fs: StoreFileSystem, request: Request) -> Answer:
    (handle,) = p.HANDLE_IN.unpack_from(request.body)
    fs.release(handle)
    return b""


def _readdir(fs: StoreFileSystem, request: Request) -> Answer:
    _, offset, size = p.READ_IN.unpack_from(request.body)
    return fs.readdir(request.node, offset, size, with_attributes=False)


def _readdirplus(fs: StoreFileSystem, request: Request) -> Answer:
    _, offset, size = p.READ_IN.unpack_from(request.body)
    return fs.readdir(request.node, offset, size, with_attributes=True)


def _statfs(fs: StoreFileSystem, request: Request) -> Answer:
    return fs.statfs()


def _mkdir(fs: StoreFileSystem, request: Request) -> Answer:
    return after(fs.mkdir(request.node, p.names_in(request.body, p.MKDIR_IN.size)[0], request), p.entry_out)


def _unlink(fs: StoreFileSystem, request: Request) -> Answer:
    return after(fs.unlink(request.node, p.names_in(request.body)[0], request), _nothing)


def _rmdir(fs: StoreFileSystem, request: Request) -> Answer:
    return after(fs.rmdir(request.node, p.names_in(request.body)[0], request), _nothing)


def _rename(fs: StoreFileSystem, request: Request) -> Answer:
    (directory,) = p.RENAME_IN.unpack_from(request.body)
    old, new = p.names_in(request.body, p.RENAME_IN.size)
    return after(fs.rename(request.node, old, directory, new, request), _nothing)


def _rename2(fs: StoreFileSystem, request: Request) -> Answer:
    raise Failure(errno.EINVAL)  # only asked with flags: exchange, or do not replace


def _special(fs: StoreFileSystem, request: Request) -> Answer:
    raise Failure(errno.EPERM)  # what POSIX has for a file system without links, fifos and devices


def _destroy(fs: StoreFileSystem, request: Request) -> Answer:
    return b""


CALLS: dict[int, Call] = {
    p.LOOKUP: _lookup, p.FORGET: _forget, p.BATCH_FORGET: _batch_forget, p.GETATTR: _getattr, p.SETATTR: _setattr,
    p.READLINK: _readlink, p.OPEN: _open, p.CREATE: _create, p.READ: _read, p.WRITE: _write, p.FLUSH: _flush,
    p.FSYNC: _flush, p.RELEASE: _release, p.READDIR: _readdir, p.READDIRPLUS: _readdirplus, p.STATFS: _statfs,
    p.MKDIR: _mkdir, p.UNLINK: _unlink, p.RMDIR: _rmdir, p.RENAME: _rename, p.RENAME2: _rename2,
    p.SYMLINK: _special, p.LINK: _special, p.MKNOD: _special, p.DESTROY: _destroy,
}  # fmt: skip
