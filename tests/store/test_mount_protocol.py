"""What `protocol.py` says of the kernel's bytes, against the installed <linux/fuse.h>."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from cluster.store.mount import protocol as p

SIZES = {
    "fuse_in_header": p.IN_HEADER, "fuse_out_header": p.OUT_HEADER, "fuse_init_out": p.INIT_OUT,
    "fuse_attr": p.ATTRIBUTES, "fuse_getattr_in": p.GETATTR_IN, "fuse_open_in": p.OPEN_IN,
    "fuse_create_in": p.CREATE_IN, "fuse_open_out": p.OPEN_OUT, "fuse_write_in": p.WRITE_IN,
    "fuse_write_out": p.WRITE_OUT, "fuse_mkdir_in": p.MKDIR_IN, "fuse_rename_in": p.RENAME_IN,
    "fuse_forget_in": p.FORGET_IN, "fuse_batch_forget_in": p.FORGET_COUNT, "fuse_forget_one": p.FORGET_ONE,
    "fuse_statfs_out": p.STATFS_OUT, "fuse_notify_inval_inode_out": p.INODE_NOTICE,
    "fuse_notify_inval_entry_out": p.ENTRY_NOTICE, "fuse_dirent": p.DIRECTORY_ENTRY,
}  # fmt: skip
# Where a field begins: struct and field, our layout up to it.
OFFSETS = {
    "fuse_in_header.opcode": "=I", "fuse_in_header.unique": "=II", "fuse_in_header.nodeid": "=IIQ",
    "fuse_in_header.uid": "=IIQQ", "fuse_in_header.pid": "=IIQQII",
    "fuse_init_in.flags": "=III", "fuse_init_out.flags": "=III", "fuse_init_out.max_background": "=IIII",
    "fuse_init_out.max_write": "=IIIIHH", "fuse_init_out.max_pages": "=IIIIHHII",
    "fuse_attr.size": "=Q", "fuse_attr.mtime": "=QQQq", "fuse_attr.mode": "=QQQqqqIII",
    "fuse_attr.nlink": "=QQQqqqIIII",
    "fuse_attr.gid": "=QQQqqqIIIIII", "fuse_attr.blksize": "=QQQqqqIIIIIIII",
    "fuse_entry_out.entry_valid": "=QQ", "fuse_entry_out.attr": "=QQQQII", "fuse_attr_out.attr": "=QII",
    "fuse_dirent.off": "=Q", "fuse_dirent.namelen": "=QQ", "fuse_dirent.type": "=QQI", "fuse_dirent.name": "=QQII",
    "fuse_direntplus.dirent": "=QQQQIIQQQqqqIIIIIIIIII",
    "fuse_getattr_in.fh": "=II", "fuse_setattr_in.fh": "=II", "fuse_setattr_in.size": "=IIQ",
    "fuse_setattr_in.mtime": "=IIQQQq", "fuse_setattr_in.mode": "=IIQQQqqqIII", "fuse_setattr_in.uid": "=IIQQQqqqIIIII",
    "fuse_setattr_in.gid": "=IIQQQqqqIIIIII", "fuse_read_in.offset": "=Q", "fuse_read_in.size": "=QQ",
    "fuse_write_in.size": "=QQ", "fuse_flush_in.fh": "=", "fuse_fsync_in.fh": "=", "fuse_release_in.fh": "=",
    "fuse_kstatfs.files": "=QQQ", "fuse_kstatfs.bsize": "=QQQQQ", "fuse_kstatfs.namelen": "=QQQQQI",
    "fuse_kstatfs.frsize": "=QQQQQII", "fuse_notify_inval_entry_out.namelen": "=Q",
}  # fmt: skip
NUMBERS = {
    **{f"FUSE_{name}": getattr(p, name) for name in (
        "LOOKUP", "FORGET", "GETATTR", "SETATTR", "READLINK", "SYMLINK", "MKNOD", "MKDIR", "UNLINK", "RMDIR", "RENAME",
        "LINK", "OPEN", "READ", "WRITE", "STATFS", "RELEASE", "FSYNC", "FLUSH", "INIT", "READDIR", "CREATE", "DESTROY",
        "BATCH_FORGET", "READDIRPLUS", "RENAME2", "ASYNC_READ", "ATOMIC_O_TRUNC", "BIG_WRITES", "AUTO_INVAL_DATA",
        "DO_READDIRPLUS", "READDIRPLUS_AUTO", "PARALLEL_DIROPS", "HANDLE_KILLPRIV", "MAX_PAGES", "CACHE_SYMLINKS",
        "NO_OPENDIR_SUPPORT", "GETATTR_FH",
    )},
    "FUSE_NOTIFY_INVAL_INODE": p.NOTIFY_INODE, "FUSE_NOTIFY_INVAL_ENTRY": p.NOTIFY_ENTRY, "FUSE_ROOT_ID": p.ROOT_NODE,
    "FOPEN_DIRECT_IO": p.DIRECT_IO, "FOPEN_KEEP_CACHE": p.KEEP_CACHE, "FOPEN_NOFLUSH": p.NO_FLUSH,
    "FATTR_MODE": p.SET_MODE, "FATTR_UID": p.SET_UID, "FATTR_GID": p.SET_GID, "FATTR_SIZE": p.SET_SIZE,
    "FATTR_MTIME": p.SET_MTIME, "FATTR_FH": p.SET_FH, "FUSE_KERNEL_VERSION": p.MAJOR,
}  # fmt: skip


def test_layouts_and_numbers_are_those_of_the_installed_header(tmp_path: Path) -> None:
    ours = {name: layout.size for name, layout in SIZES.items()}
    ours |= {name: struct.calcsize(before) for name, before in OFFSETS.items()} | NUMBERS
    lines = [f'printf("{name}=%zu\\n", sizeof(struct {name}));' for name in SIZES]
    for name in OFFSETS:
        struct_name, _, field = name.partition(".")
        lines.append(f'printf("{name}=%zu\\n", offsetof(struct {struct_name}, {field}));')
    lines += [f'printf("{name}=%u\\n", (unsigned){name});' for name in NUMBERS]
    source, program = tmp_path / "layout.c", tmp_path / "layout"
    includes = "#include <stddef.h>\n#include <stdio.h>\n#include <linux/fuse.h>\n"
    source.write_text(f"{includes}int main(void) {{ {' '.join(lines)} return 0; }}")
    subprocess.run(["cc", "-o", program, source], check=True, timeout=60)
    said = subprocess.run([program], capture_output=True, text=True, check=True, timeout=10).stdout
    assert ours == {name: int(size) for name, _, size in (line.partition("=") for line in said.splitlines())}


def test_a_name_is_padded_to_eight_bytes() -> None:
    for length in range(1, 20):
        one = p.directory_entry(7, 3, b"n" * length, 0o100000)
        assert len(one) % 8 == 0 and len(one) - 24 - length < 8
        assert p.DIRECTORY_ENTRY.unpack_from(one) == (7, 3, length, 8)
