"""The limits of the store, exactly: the last thing that fits fits, and one more is refused with the right error."""

from __future__ import annotations

import errno

import pytest

from cluster.core.operations import Mkdir, Remove, Rename, Touch, Write
from cluster.core.tree import ENTRIES_MAX, FILE_SIZE_MAX, TREE_SIZE_MAX, Entry, Tree
from tests.core.trees import do, refused, tree_with

FULL = bytes(FILE_SIZE_MAX)


def test_a_file_of_one_mebibyte_fits_and_of_one_byte_more_does_not() -> None:
    tree = tree_with()
    do(tree, Write("full", FULL))
    assert refused(tree, Write("more", FULL + b"x")) == errno.EFBIG
    assert refused(tree, Write("full", FULL + b"x")) == errno.EFBIG


def test_the_tree_holds_128_mebibytes_and_no_byte_more() -> None:
    tree = tree_with()
    for number in range(TREE_SIZE_MAX // FILE_SIZE_MAX):
        do(tree, Write(f"full{number}", FULL))
    assert tree.size == TREE_SIZE_MAX == 128 << 20
    assert refused(tree, Write("more", b"x")) == errno.ENOSPC
    do(tree, Write("empty", b""), Mkdir("folder"))
    do(tree, Write("full0", FULL[:-1]))
    do(tree, Write("more", b"x"))
    assert refused(tree, Write("more", b"xx")) == errno.ENOSPC


def test_one_change_may_make_room_and_use_it() -> None:
    tree = tree_with()
    for number in range(TREE_SIZE_MAX // FILE_SIZE_MAX):
        do(tree, Write(f"full{number}", FULL))
    do(tree, Remove("full0"), Write("new", FULL))
    assert refused(tree, Write("newer", b"x"), Remove("new")) == errno.ENOSPC
    assert tree.size == TREE_SIZE_MAX


def test_the_tree_holds_256_k_entries_its_root_counted() -> None:
    files = [Entry(number, 0, f"f{number}", number, 1, 0, b"") for number in range(1, ENTRIES_MAX - 1)]
    tree = Tree.from_entries(files, ENTRIES_MAX)
    do(tree, Write("the last", b""))
    assert len(tree.entries) == ENTRIES_MAX == 262_144
    with pytest.raises(Exception, match="no more fit") as refusal:
        do(tree, Mkdir("one more"))
    assert getattr(refusal.value, "errno", 0) == errno.ENOSPC
    do(tree, Write("f1", b"still changes"), Touch("f2", 5), Rename("f3", "renamed"))
    do(tree, Remove("f4"), Mkdir("in its place"))


@pytest.mark.parametrize(("name", "number"), [("n" * 255, 0), ("n" * 256, errno.ENAMETOOLONG)])
def test_a_name_has_255_bytes_at_most(name: str, number: int) -> None:
    check_name(name, number)


@pytest.mark.parametrize(("name", "number"), [("ä" * 127, 0), ("ä" * 128, errno.ENAMETOOLONG)])
def test_bytes_are_counted_not_letters(name: str, number: int) -> None:
    check_name(name, number)


@pytest.mark.parametrize("name", ["\udcff", "a\udc80b"])
def test_what_is_not_utf_8_is_no_name(name: str) -> None:
    check_name(name, errno.EILSEQ)


@pytest.mark.parametrize("name", [".", "..", "a\0b"])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    check_name(name, errno.EINVAL)


def check_name(name: str, number: int) -> None:
    """Whichever operation would make it."""
    for operation in (Write(f"folder/{name}", b""), Mkdir(f"folder/{name}"), Rename("file", f"folder/{name}")):
        tree = tree_with("folder")
        do(tree, Write("file", b""))
        if number:
            assert refused(tree, operation) == number
        else:
            do(tree, operation)


def test_directories_may_be_64_deep() -> None:
    tree = tree_with("/".join(["d"] * 64))
    deepest = tree.find("/".join(["d"] * 64))
    assert deepest is not None and tree.path_of(deepest.inode) == "/".join(["d"] * 64)
