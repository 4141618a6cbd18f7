"""Stored secrets: which key encrypts, which decrypt, and where the keys come from."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import settings

from rlmlab.embedded.places import places
from rlmlab.tenancy.encryption import Undecryptable, decrypt, encrypt, is_current
from tests.factories.keys import use_keys

SECRET = "sk-acme-1234"


def test_what_is_encrypted_is_decrypted_and_not_to_be_seen() -> None:
    token = encrypt(SECRET)
    assert decrypt(token) == SECRET
    assert SECRET not in token
    assert encrypt(SECRET) != token, "two equal secrets cannot be told to be equal"


def test_without_a_setting_one_key_is_made_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "PLACES", places(tmp_path))
    token = encrypt(SECRET)
    kept = tmp_path / "secrets" / "encryption"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert (decrypt(token), is_current(token)) == (SECRET, True)
    assert decrypt(encrypt("another")) == "another"
    kept.unlink()
    with pytest.raises(Undecryptable):
        decrypt(token)
    assert not is_current(token)


def test_the_first_key_encrypts_and_all_decrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    use_keys(monkeypatch, old)
    token = encrypt(SECRET)
    use_keys(monkeypatch, new, old)
    assert (decrypt(token), is_current(token)) == (SECRET, False)
    assert is_current(encrypt(SECRET))
    use_keys(monkeypatch, new)
    with pytest.raises(Undecryptable):
        decrypt(token)


def test_the_installations_own_key_still_decrypts_when_keys_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    token = encrypt(SECRET)
    use_keys(monkeypatch, Fernet.generate_key().decode())
    assert (decrypt(token), is_current(token)) == (SECRET, False)


@pytest.mark.parametrize("token", ["", "nonsense", "gAAAAA"])
def test_what_is_no_token_is_not_decrypted(token: str) -> None:
    with pytest.raises(Undecryptable):
        decrypt(token)
