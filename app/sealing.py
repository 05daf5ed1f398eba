"""Encryption of the few columns that the database must not hold in the clear.

Each purpose has keys of its own, derived from the one secret, so that nothing sealed for one
purpose opens for another.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MINIMUM_SECRET_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16


class SealBroken(Exception):
    """The sealed bytes were altered, moved to another row, or sealed under another secret."""


class Sealer:
    """Seals and opens bytes, and makes blind indexes; `secret` at least 32 bytes.

    Errors: ValueError for a shorter secret.
    """

    __slots__ = ("_keys", "_secret")

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MINIMUM_SECRET_BYTES:
            raise ValueError(f"the secret must have at least {MINIMUM_SECRET_BYTES} bytes")
        self._secret = secret
        self._keys: dict[str, bytes] = {}

    def seal(self, purpose: str, plaintext: bytes, *, context: bytes) -> bytes:
        """Version (1 byte), nonce (12), AES-256-GCM ciphertext and tag (16).

        `context` names the place, such as table, column and row id: it isn't stored, and the
        same is needed to open. The nonce is random, good for 2^32 seals of one purpose.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = AESGCM(self._key("seal", purpose))
        return _VERSION + nonce + cipher.encrypt(nonce, plaintext, _VERSION + context)

    def open(self, purpose: str, sealed: bytes, *, context: bytes) -> bytes:
        """The plaintext. Errors: SealBroken."""
        body = sealed.removeprefix(_VERSION)
        if len(body) == len(sealed) or len(body) < _NONCE_BYTES + _TAG_BYTES:
            raise SealBroken
        nonce, ciphertext = body[:_NONCE_BYTES], body[_NONCE_BYTES:]
        try:
            cipher = AESGCM(self._key("seal", purpose))
            return cipher.decrypt(nonce, ciphertext, _VERSION + context)
        except InvalidTag:
            raise SealBroken from None

    def blind_index(self, purpose: str, value: str) -> bytes:
        """HMAC-SHA256 of the value (32 bytes): finds equal values without revealing them.

        The caller brings the value into its one spelling first.
        """
        return hmac.digest(self._key("index", purpose), value.encode(), "sha256")

    def _key(self, use: str, purpose: str) -> bytes:
        info = f"kemuning:{use}:{purpose}"
        if info not in self._keys:
            hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=info.encode())
            self._keys[info] = hkdf.derive(self._secret)
        return self._keys[info]
