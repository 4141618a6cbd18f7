"""Encryption of the secrets that organizations entrust to us: Fernet (AES-128-CBC with HMAC-SHA256), keys that rotate.

The keys are RLMLAB_ENCRYPTION_KEYS: the first encrypts, all decrypt. Without them one is made and kept in the data
directory, where the web process and the worker of one machine both find it.
"""

from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from rlmlab.embedded.secrets import ensure_secret, read_secret

FILE: Final = "encryption"


class Undecryptable(Exception):
    """No key of the installation decrypts this."""


def encrypt(secret: str) -> str:
    """Encrypt under the first key."""
    if not settings.RLMLAB.encryption_keys:
        ensure_secret(settings.PLACES, FILE)
    return _ciphers()[0].encrypt(secret.encode()).decode()


def decrypt(token: str) -> str:
    """Decrypt under whichever key fits.

    Raises:
        Undecryptable: none does.
    """
    for cipher in _ciphers():
        secret = _opened(cipher, token)
        if secret is not None:
            return secret
    raise Undecryptable


def is_current(token: str) -> bool:
    """Tell whether the first key encrypted this."""
    return any(_opened(cipher, token) is not None for cipher in _ciphers()[:1])


def _opened(cipher: Fernet, token: str) -> str | None:
    try:
        return cipher.decrypt(token.encode()).decode()
    except InvalidToken:
        return None


def _ciphers() -> list[Fernet]:
    """Return a cipher for each key; one that the installation made for itself comes last, so that it still decrypts."""
    made = read_secret(settings.PLACES, FILE)
    own = [f"{made}="] if made else []  # 32 bytes in base64, of which the secret's file leaves the padding out
    return [Fernet(key) for key in (*settings.RLMLAB.encryption_keys, *own)]
