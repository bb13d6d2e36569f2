"""Checking a password against a hash and against the host's own PAM."""

import asyncio
import subprocess
import threading

import argon2
import pytest

from cluster.errors import Busy, InvalidInput, Unavailable
from cluster.node.access import passwords, secret_hashes
from cluster.node.access.passwords import HashPasswords, PamPasswords, prepare_hash

PASSWORD = "correct horse battery"
HASH = prepare_hash(PASSWORD)


async def test_the_right_password_is_right_and_others_are_not():
    checked = HashPasswords(HASH)
    assert await checked.check("root@pam", PASSWORD)
    for user, password in [
        ("root@pam", PASSWORD + " "),
        ("root@pam", ""),
        ("root@pam", PASSWORD + "\0"),
        ("root@pam", "\ud800"),
        ("root@pam", "x" * 5000),
        ("alice@pve", PASSWORD),
    ]:
        assert not await checked.check(user, password)


def test_nobodys_hash_costs_what_every_other_does_and_no_password_has_it():
    nobodys = secret_hashes._nobodys(secret_hashes._hasher)
    ours = secret_hashes.new(PASSWORD)
    assert nobodys.split("$")[:4] == ours.split("$")[:4] and len(nobodys) == len(ours)
    with pytest.raises(argon2.exceptions.VerifyMismatchError):  # computed to the end, and different
        secret_hashes._hasher.verify(nobodys, PASSWORD)


async def test_t18_a_user_who_does_not_exist_costs_a_check_as_well(monkeypatch):
    checks = []
    real = passwords._hash_check
    monkeypatch.setattr(passwords, "_hash_check", lambda *a: checks.append(a[1]) or real(*a))
    checked = HashPasswords(HASH)
    assert not await checked.check("alice@pve", PASSWORD)
    assert not await checked.check("root@pam", "wrong")
    assert len(checks) == 2 and checks[1] == HASH and checks[0] != HASH


def test_a_hash_is_read_from_a_file(tmp_path):
    file = tmp_path / "hash"
    file.write_text(HASH + "\n")
    assert asyncio.run(HashPasswords.from_file(file).check("root@pam", PASSWORD))
    file.write_text("plain text")
    with pytest.raises(InvalidInput):
        HashPasswords.from_file(file)
    with pytest.raises(Unavailable):
        HashPasswords.from_file(tmp_path / "missing")


def test_no_hash_is_made_of_an_empty_password():
    with pytest.raises(InvalidInput):
        prepare_hash("")


async def test_checks_that_hang_are_given_up_and_do_not_pile_up(monkeypatch):
    let_go = threading.Event()
    monkeypatch.setattr(passwords, "CHECK_TIMEOUT_S", 0.05)
    monkeypatch.setattr(passwords, "CHECKS_WAITING_MAX", 3)
    monkeypatch.setattr(passwords, "_hash_check", lambda *_: let_go.wait(30))
    checked = HashPasswords(HASH)
    try:
        for _ in range(3):
            with pytest.raises(Unavailable):
                await checked.check("root@pam", PASSWORD)
        with pytest.raises(Busy):
            await checked.check("root@pam", PASSWORD)
    finally:
        let_go.set()


@pytest.mark.slow
def test_t20_pam_knows_the_host_s_accounts_and_refuses_expired_and_locked_ones(account):
    def accepted(user, password):
        return asyncio.run(PamPasswords().check(user, password))

    assert accepted(f"{account}@pam", PASSWORD)
    assert not accepted(f"{account}@pam", "wrong")
    assert not accepted(f"{account}@pve", PASSWORD)
    for close, reopen in (
        (["chage", "-E", "2000-01-01", account], ["chage", "-E", "-1", account]),
        (["usermod", "--lock", account], ["usermod", "--unlock", account]),
        (["touch", "/etc/nologin"], ["rm", "/etc/nologin"]),  # nologin(5)
    ):
        subprocess.run(close, check=True)
        try:
            assert not accepted(f"{account}@pam", PASSWORD), close
        finally:
            subprocess.run(reopen, check=True)
