"""Access tokens (ES256 JWT) and refresh tokens. The only module that imports jose.

python-jose verifies the signature and nothing more. Its own claim checks read the clock
themselves, skip what is absent and let several exceptions escape, so every other check
stands here, before and after that one call, and every failure becomes `InvalidToken`.
"""

import base64
import hashlib
import json
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jose import jwk, jws, jwt
from jose.backends.base import Key

from app.vocabulary import NextStep, Role

ALGORITHM = "ES256"
MAX_TOKEN_BYTES = 8 * 1024
MAX_LIFETIME_SECONDS = 600
LEEWAY_SECONDS = 10
"""How far the clocks of two hosts may stand apart."""

_TYP = "at+jwt"  # RFC 9068, section 2.1
_HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})
_CLAIM_NAMES = frozenset(
    {"iss", "aud", "sub", "exp", "iat", "jti", "role", "ver", "sid", "emp", "scope", "lim"}
)
_MAX_INTEGER = 2**53  # beyond it JSON readers disagree on the value
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, section 3.3
_REFRESH_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class InvalidToken(Exception):
    """The token isn't one of ours, or no longer. Carries neither reason nor content."""


# --- Keys -----------------------------------------------------------------------------


@dataclass(frozen=True)
class PublicKey:
    """A P-256 public key: coordinates in base64url, `kid` its RFC 7638 thumbprint.

    Errors: ValueError where `kid` isn't the thumbprint or the point isn't on the curve.
    """

    kid: str
    x: str
    y: str

    def __post_init__(self) -> None:
        if self.kid != _thumbprint(self.x, self.y):
            raise ValueError("kid must be the key's RFC 7638 thumbprint")
        _ = self.verifier

    @classmethod
    def from_jwk(cls, members: Mapping[str, str]) -> Self:
        """The inverse of `jwk()`; a member other than kid, x and y is not looked at."""
        return cls(kid=members["kid"], x=members["x"], y=members["y"])

    def jwk(self) -> dict[str, str]:
        """The key as an RFC 7517 object, fit to publish."""
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": self.x,
            "y": self.y,
            "kid": self.kid,
            "use": "sig",
            "alg": ALGORITHM,
        }

    @cached_property
    def verifier(self) -> Key:
        """The key as jose wants it, bound to ES256."""
        return jwk.construct(self.jwk(), ALGORITHM)


@dataclass(frozen=True)
class SigningKey:
    """A P-256 private key in PEM (PKCS 8, unencrypted: seal it before it is stored).

    Errors: ValueError where the PEM is no P-256 private key or `kid` isn't its thumbprint.
    """

    kid: str
    private_pem: str = field(repr=False)

    def __post_init__(self) -> None:
        if self.kid != self.public.kid:
            raise ValueError("kid must be the key's RFC 7638 thumbprint")

    @classmethod
    def generate(cls) -> Self:
        """A fresh random key."""
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        return cls.from_pem(pem.decode())

    @classmethod
    def from_pem(cls, private_pem: str) -> Self:
        """The key with the `kid` that follows from it."""
        return cls(kid=_public_key(private_pem).kid, private_pem=private_pem)

    @cached_property
    def public(self) -> PublicKey:
        """The half that verifies."""
        return _public_key(self.private_pem)

    def public_jwk(self) -> dict[str, str]:
        """The public half as an RFC 7517 object."""
        return self.public.jwk()

    @cached_property
    def signer(self) -> Key:
        """The key as jose wants it, bound to ES256."""
        return jwk.construct(self.private_pem, ALGORITHM)


@dataclass(frozen=True)
class KeySet:
    """`current` signs; it and the `verifying` ones, its predecessors and successor, verify."""

    current: SigningKey
    verifying: tuple[PublicKey, ...] = ()

    def by_kid(self) -> dict[str, PublicKey]:
        """Every key that verifies, the current one first."""
        return {key.kid: key for key in (self.current.public, *self.verifying)}

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The body of `/.well-known/jwks.json`."""
        return {"keys": [key.jwk() for key in self.by_kid().values()]}


def _public_key(private_pem: str) -> PublicKey:
    key = load_pem_private_key(private_pem.encode(), password=None)
    # jose would sign ES256 with any curve that is long enough.
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ValueError("the signing key must be a P-256 private key")
    numbers = key.public_key().public_numbers()
    x, y = (_encode(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
    return PublicKey(kid=_thumbprint(x, y), x=x, y=y)


def _thumbprint(x: str, y: str) -> str:
    members = {"crv": "P-256", "kty": "EC", "x": x, "y": y}  # RFC 7638: sorted, no spaces
    canonical = json.dumps(members, separators=(",", ":"))
    return _encode(hashlib.sha256(canonical.encode()).digest())


# --- Access tokens --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says of its bearer. `expires_at` in seconds since the epoch.

    A token with a `next_step` is limited: it serves for taking that step, and little else.
    """

    account_id: UUID
    role: Role
    token_version: int
    session_id: UUID
    employee_id: UUID | None
    scopes: frozenset[str]
    expires_at: int
    next_step: NextStep | None = None
    jti: str = field(default_factory=lambda: secrets.token_urlsafe(16))


def issue_access_token(
    keys: KeySet, claims: AccessClaims, *, issuer: str, audience: str, now: float
) -> str:
    """Sign the claims with the current key.

    Errors: ValueError for a lifetime outside 1 to 600 s or a scope that isn't an RFC 6749
    scope-token; both are the caller's bug.
    """
    issued_at = int(now)
    if not 0 < claims.expires_at - issued_at <= MAX_LIFETIME_SECONDS:
        raise ValueError("an access token lives at most ten minutes")
    if not all(_SCOPE.fullmatch(scope) for scope in claims.scopes):
        raise ValueError("a scope is printable ASCII without space, quote and backslash")
    payload: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "sub": str(claims.account_id),
        "exp": claims.expires_at,
        "iat": issued_at,
        "jti": claims.jti,
        "role": claims.role.value,
        "ver": claims.token_version,
        "sid": str(claims.session_id),
        "emp": None if claims.employee_id is None else str(claims.employee_id),
        "scope": " ".join(sorted(claims.scopes)),
        "lim": None if claims.next_step is None else claims.next_step.value,
    }
    headers = {"typ": _TYP, "kid": keys.current.kid}
    return jwt.encode(payload, keys.current.signer, algorithm=ALGORITHM, headers=headers)


@dataclass(frozen=True, slots=True)
class _Trust:
    """Keys and what was verified with them: exchanged together, so neither outlives the other.

    The cache is keyed by the token's SHA-256, lest a memory dump hold usable tokens.
    """

    keys: dict[str, PublicKey]
    verified: OrderedDict[bytes, AccessClaims]


class TokenVerifier:
    """Verifies access tokens and remembers the last `cache_size` good ones (LRU).

    A remembered token costs a few microseconds; its expiry is checked again each time.
    Whether the account's `token_version` still stands is for the caller to ask.
    """

    def __init__(
        self, keys: KeySet, *, issuer: str, audience: str, cache_size: int = 10_000
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._cache_size = cache_size
        self.replace_keys(keys)

    def replace_keys(self, keys: KeySet) -> None:
        """Trust these keys only, from now on; every remembered token is forgotten."""
        self._trust = _Trust(keys.by_kid(), OrderedDict())

    def verify(self, token: str, now: float | None = None) -> AccessClaims:
        """The claims of a good token; `now` in seconds since the epoch.

        Errors: InvalidToken, whatever is wrong with the token and however it fails.
        """
        try:
            claims = self._recall(token, time.time() if now is None else now)
        except Exception:
            claims = None
        if claims is None:  # raised out here: the first error may hold the token in its context
            raise InvalidToken
        return claims

    def _recall(self, token: str, now: float) -> AccessClaims:
        if len(token) > MAX_TOKEN_BYTES:
            raise InvalidToken
        raw = token.encode("ascii")
        trust = self._trust
        digest = hashlib.sha256(raw).digest()
        claims = trust.verified.pop(digest, None) or self._check(trust.keys, raw, now)
        if not now < claims.expires_at + LEEWAY_SECONDS:  # so that NaN lets nobody in
            raise InvalidToken
        trust.verified[digest] = claims  # back in as the newest
        if len(trust.verified) > self._cache_size:
            trust.verified.popitem(last=False)
        return claims

    def _check(self, keys: Mapping[str, PublicKey], raw: bytes, now: float) -> AccessClaims:
        header, payload, _signature = (_decode(segment) for segment in raw.split(b"."))
        key = _key_named_by(_strict_object(header), keys)
        jws.verify(raw, key.verifier, [ALGORITHM])
        claims = _strict_object(payload)
        if (
            claims.keys() != _CLAIM_NAMES  # what we didn't issue we don't understand
            or claims["iss"] != self._issuer
            or claims["aud"] != self._audience  # one string: a list would widen the audience
        ):
            raise InvalidToken
        _check_times(_whole(claims["iat"]), _whole(claims["exp"]), now)
        return _bearer(claims)


def _key_named_by(header: Mapping[str, Any], keys: Mapping[str, PublicKey]) -> PublicKey:
    """The one key the header names. Exactly three members: no crit, jwk, jku, x5u, b64, zip."""
    if header.keys() != _HEADER_MEMBERS or header["alg"] != ALGORITHM or header["typ"] != _TYP:
        raise InvalidToken
    return keys[header["kid"]]


def _check_times(issued_at: int, expires_at: int, now: float) -> None:
    if issued_at > now + LEEWAY_SECONDS:
        raise InvalidToken
    if not 0 < expires_at - issued_at <= MAX_LIFETIME_SECONDS + LEEWAY_SECONDS:
        raise InvalidToken


def _bearer(claims: Mapping[str, Any]) -> AccessClaims:
    employee, limit = claims["emp"], claims["lim"]
    return AccessClaims(
        account_id=_uuid(claims["sub"]),
        role=Role(claims["role"]),
        token_version=_whole(claims["ver"]),
        session_id=_uuid(claims["sid"]),
        employee_id=None if employee is None else _uuid(employee),
        scopes=frozenset(_text(claims["scope"]).split()),
        expires_at=_whole(claims["exp"]),
        next_step=None if limit is None else NextStep(limit),
        jti=_text(claims["jti"]),
    )


def _whole(value: object) -> int:
    """A non-negative integer; True isn't one here, nor is 1.0 or "1"."""
    if type(value) is not int or not 0 <= value < _MAX_INTEGER:
        raise InvalidToken
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidToken
    return value


def _uuid(value: object) -> UUID:
    uuid = UUID(_text(value))
    if str(uuid) != value:  # UUID() also reads braces, urn: and upper case
        raise InvalidToken
    return uuid


def _strict_object(data: bytes) -> dict[str, Any]:
    """A JSON object of UTF-8 in which no name stands twice."""
    value = json.loads(data.decode(), object_pairs_hook=_without_doubles)
    if not isinstance(value, dict):
        raise InvalidToken
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidToken
    return members


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(segment: bytes) -> bytes:
    """Strict base64url: only what encodes back to the same bytes.

    Refuses padding, foreign characters and stray trailing bits, each of which would give one
    token several spellings.
    """
    data = base64.urlsafe_b64decode(segment + b"==")
    if _encode(data).encode() != segment:
        raise InvalidToken
    return data


# --- Refresh tokens -------------------------------------------------------------------


def new_refresh_token() -> tuple[str, bytes]:
    """256 random bits for the client, and their SHA-256, the only part to be stored."""
    token = secrets.token_urlsafe(32)
    return token, refresh_digest(token)


def refresh_digest(token: str) -> bytes:
    """The SHA-256 under which a refresh token is stored.

    Errors: InvalidToken for text that `new_refresh_token` can't have made.
    """
    if not _REFRESH_TOKEN.fullmatch(token):
        raise InvalidToken
    return hashlib.sha256(token.encode()).digest()
