"""The store's limits through the API: the same ones, and the same words, as at the mount."""

from __future__ import annotations

import base64

import pytest

from tests.api.conftest import Api, body, data
from tests.api.test_store import FILE, root, store

__all__ = ["root", "store"]

MIB = 1 << 20


async def test_a_file_has_at_most_one_mebibyte(root: Api) -> None:
    whole = base64.b64encode(bytes(MIB)).decode()
    data(await root.call("PUT", FILE, path="large.bin", content=whole, encoding="base64"))
    more = base64.b64encode(bytes(MIB + 1)).decode()
    answer = await root.call("PUT", FILE, path="large.bin", content=more, encoding="base64")
    assert (answer.status_code, body(answer)["message"]) == (500, "large.bin would be larger than 1048576 bytes\n")
    assert data(await root.get(FILE, path="large.bin"))["content"] == "\0" * MIB


@pytest.mark.parametrize("character", ["n", "ü"])
async def test_a_name_has_at_most_255_bytes(root: Api, character: str) -> None:
    size = len(character.encode())
    data(await root.call("PUT", FILE, path="n" * (255 % size) + character * (255 // size), content="x\n"))
    answer = await root.call("PUT", FILE, path=character * (256 // size), content="x\n")
    assert (answer.status_code, body(answer)["message"]) == (500, "a name is longer than 255 bytes\n")


async def test_what_is_no_text_goes_in_and_out_as_base64(root: Api) -> None:
    raw = bytes(range(256))
    data(await root.call("PUT", FILE, path="raw", content=base64.b64encode(raw).decode(), encoding="base64"))
    told = data(await root.get(FILE, path="raw"))
    assert told["encoding"] == "base64" and base64.b64decode(told["content"]) == raw


async def test_a_path_that_is_no_text_is_refused(root: Api) -> None:
    assert (await root.get(FILE + "?path=%ff%fe")).status_code == 400
