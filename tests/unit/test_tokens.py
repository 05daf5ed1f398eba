"""Access and refresh tokens, attacked. Forgeries are made with cryptography, never with jose."""

import base64
import hashlib
import hmac
import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from app.tokens import (
    AccessClaims,
    InvalidToken,
    KeySet,
    PublicKey,
    SigningKey,
    TokenVerifier,
    issue_access_token,
    new_refresh_token,
    refresh_digest,
)
from app.vocabulary import NextStep, Role

ISSUER = "https://kemuning.example"
AUDIENCE = "kemuning-api"
NOW = 1_800_000_000.0
KEY = SigningKey.generate()
KEYS = KeySet(KEY)
CLAIMS = AccessClaims(
    account_id=UUID("0198c0de-0000-7000-8000-000000000001"),
    role=Role.HR_ADMIN,
    token_version=3,
    session_id=UUID("0198c0de-0000-7000-8000-000000000002"),
    employee_id=UUID("0198c0de-0000-7000-8000-000000000003"),
    scopes=frozenset({"employees:read", "imports:write"}),
    expires_at=int(NOW) + 480,
    jti="one",
)
HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": KEY.kid}
ABSENT = object()


def issued(claims: AccessClaims = CLAIMS, keys: KeySet = KEYS, now: float = NOW) -> str:
    return issue_access_token(keys, claims, issuer=ISSUER, audience=AUDIENCE, now=now)


def verifier(keys: KeySet = KEYS, cache_size: int = 10_000) -> TokenVerifier:
    return TokenVerifier(keys, issuer=ISSUER, audience=AUDIENCE, cache_size=cache_size)


def refused(token: Any, now: float = NOW, by: TokenVerifier | None = None) -> bool:
    """Whether the token is refused by InvalidToken, which says nothing of it."""
    with pytest.raises(InvalidToken) as caught:
        (by or verifier()).verify(token, now)
    assert not caught.value.args
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return True


# --- A workshop for forgeries ---------------------------------------------------------


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def text(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def ecdsa(message: bytes, key: SigningKey = KEY) -> bytes:
    private = load_pem_private_key(key.private_pem.encode(), password=None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def forged(header: Any, payload: Any, sign: Callable[[bytes], bytes] = ecdsa) -> str:
    signing_input = f"{b64(text(header))}.{b64(text(payload))}"
    return f"{signing_input}.{b64(sign(signing_input.encode()))}"


def payload_of(token: str) -> dict[str, Any]:
    segment = token.split(".")[1]
    payload = json.loads(base64.urlsafe_b64decode(segment + "=="))
    assert isinstance(payload, dict)
    return payload


def changed(members: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (members | changes).items() if value is not ABSENT}


PAYLOAD = payload_of(issued())


def with_claims(**changes: Any) -> str:
    return forged(HEADER, changed(PAYLOAD, **changes))


def with_header(**changes: Any) -> str:
    return forged(changed(HEADER, **changes), PAYLOAD)


# --- What must work -------------------------------------------------------------------


def test_the_workshop_makes_good_tokens_when_nothing_is_wrong() -> None:
    """Else every refusal below could have another cause."""
    assert verifier().verify(forged(HEADER, PAYLOAD), NOW) == CLAIMS
    assert verifier().verify(with_claims(), NOW) == CLAIMS
    assert verifier().verify(with_header(), NOW) == CLAIMS


def test_a_token_says_what_was_put_in() -> None:
    assert verifier().verify(issued(), NOW) == CLAIMS


def test_a_token_without_employee_and_scopes() -> None:
    claims = replace(CLAIMS, employee_id=None, scopes=frozenset(), role=Role.PUBLIC)
    assert verifier().verify(issued(claims), NOW) == claims


def test_the_clock_is_read_where_no_moment_is_given() -> None:
    claims = replace(CLAIMS, expires_at=int(time.time()) + 300)
    assert verifier().verify(issued(claims, now=time.time())) == claims
    with pytest.raises(InvalidToken):
        verifier().verify(issued(replace(CLAIMS, expires_at=1_000_000_300), now=1_000_000_000))


def test_header_and_claims_on_the_wire() -> None:
    header = json.loads(base64.urlsafe_b64decode(issued().split(".")[0] + "=="))
    assert header == HEADER
    assert payload_of(issued()) == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(CLAIMS.account_id),
        "exp": CLAIMS.expires_at,
        "iat": int(NOW),
        "jti": "one",
        "role": "hr_admin",
        "ver": 3,
        "sid": str(CLAIMS.session_id),
        "emp": str(CLAIMS.employee_id),
        "scope": "employees:read imports:write",
        "lim": None,
    }


def test_each_claims_object_has_its_own_jti() -> None:
    fields = {name: getattr(CLAIMS, name) for name in AccessClaims.__slots__ if name != "jti"}
    first, second = AccessClaims(**fields), AccessClaims(**fields)
    assert first.jti != second.jti
    assert len(first.jti) >= 22


@pytest.mark.parametrize("lifetime", [0, -1, 601])
def test_a_lifetime_beyond_ten_minutes_is_not_issued(lifetime: int) -> None:
    with pytest.raises(ValueError, match="ten minutes"):
        issued(replace(CLAIMS, expires_at=int(NOW) + lifetime))


@pytest.mark.parametrize("scope", ["", "a b", "a\tb", 'a"', "a\\b", "é", "a\n"])
def test_a_scope_that_would_read_as_two_is_not_issued(scope: str) -> None:
    with pytest.raises(ValueError, match="scope"):
        issued(replace(CLAIMS, scopes=frozenset({scope})))


# --- Algorithm and key confusion ------------------------------------------------------


def spki(encoding: Encoding) -> bytes:
    private = load_pem_private_key(KEY.private_pem.encode(), password=None)
    return private.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", [b"", b"\0" * 64])
def test_alg_none(alg: str, signature: bytes) -> None:
    assert refused(forged(changed(HEADER, alg=alg), PAYLOAD, lambda _: signature))


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(spki(Encoding.PEM), id="pem"),
        pytest.param(spki(Encoding.PEM).strip(), id="pem-stripped"),
        pytest.param(spki(Encoding.DER), id="der"),
        pytest.param(json.dumps(KEY.public_jwk()).encode(), id="jwk"),
        pytest.param(KEY.kid.encode(), id="kid"),
        pytest.param(b"a", id="one-character"),
        pytest.param(b"", id="empty"),
    ],
)
@pytest.mark.parametrize("alg", ["HS256", "HS512", "ES256"])
def test_the_public_key_is_no_hmac_secret(secret: bytes, alg: str) -> None:
    digest = "sha512" if alg == "HS512" else "sha256"
    token = forged(
        changed(HEADER, alg=alg), PAYLOAD, lambda message: hmac.digest(secret, message, digest)
    )
    assert refused(token)


@pytest.mark.parametrize("alg", ["es256", "ES256 ", "ES384", "RS256", ["ES256"], None, 256, True])
def test_exactly_es256(alg: Any) -> None:
    assert refused(with_header(alg=alg))


@pytest.mark.parametrize(
    "typ", ["JWT", "AT+JWT", "at+jwt ", "application/at+jwt", "", None, ["at+jwt"], ABSENT]
)
def test_exactly_at_jwt(typ: Any) -> None:
    assert refused(with_header(typ=typ))


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": []},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"jwk": SigningKey.generate().public_jwk()},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/x.pem"},
        {"x5c": ["MIIB"]},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"cty": "JWT"},
    ],
    ids=lambda extra: next(iter(extra)),
)
def test_no_other_header_member(extra: dict[str, Any]) -> None:
    assert refused(with_header(**extra))


def test_an_embedded_key_that_signed_the_token() -> None:
    mine = SigningKey.generate()
    header = changed(HEADER, kid=mine.kid, jwk=mine.public_jwk())
    assert refused(forged(header, PAYLOAD, lambda message: ecdsa(message, mine)))


@pytest.mark.parametrize(
    "kid", ["unknown", "", "../../etc/passwd", "' OR 1=1", None, 0, [KEY.kid], {}, ABSENT]
)
def test_an_unknown_kid(kid: Any) -> None:
    assert refused(with_header(kid=kid))


def test_a_key_of_another_set_under_its_own_and_under_our_kid() -> None:
    other = SigningKey.generate()
    assert refused(issued(keys=KeySet(other)))
    assert refused(forged(HEADER, PAYLOAD, lambda message: ecdsa(message, other)))


def test_the_key_that_the_kid_names_is_the_only_one_tried() -> None:
    older = SigningKey.generate()
    keys = KeySet(KEY, (older.public,))
    token = forged(changed(HEADER, kid=older.kid), PAYLOAD, ecdsa)
    assert refused(token, by=verifier(keys))


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0" * 64, id="zeros"),  # the "psychic" signature
        pytest.param(b"\xff" * 64, id="ones"),
        pytest.param(b"\0" * 31 + b"\x01" + b"\0" * 32, id="s-zero"),
        pytest.param(b"\0" * 63, id="short"),
    ],
)
def test_degenerate_signatures(signature: bytes) -> None:
    assert refused(forged(HEADER, PAYLOAD, lambda _: signature))


def test_a_der_signature_and_one_with_more_bytes() -> None:
    private = load_pem_private_key(KEY.private_pem.encode(), password=None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert refused(
        forged(HEADER, PAYLOAD, lambda message: private.sign(message, ec.ECDSA(SHA256())))
    )
    assert refused(forged(HEADER, PAYLOAD, lambda message: ecdsa(message) + b"\0"))
    assert refused(forged(HEADER, PAYLOAD, lambda message: b"\0" + ecdsa(message)))


# --- Spelling -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "junk", [".", ".x", "=", "==", "!", "\n", " ", "\0", "%00", "A", "AAAA", "~~~~", ".e30"]
)
def test_junk_after_the_signature(junk: str) -> None:
    assert refused(issued() + junk)


@pytest.mark.parametrize("junk", [" ", "\n", "Bearer ", "\ufeff", ".", "="])
def test_junk_before_the_header(junk: str) -> None:
    assert refused(junk + issued())


@pytest.mark.parametrize("segment", [0, 1, 2])
@pytest.mark.parametrize("junk", ["=", "\n", " ", "!", "+", "/", "é"])
def test_junk_inside_a_segment(segment: int, junk: str) -> None:
    parts = issued().split(".")
    parts[segment] = parts[segment][:10] + junk + parts[segment][10:]
    assert refused(".".join(parts))


def test_trailing_bits_are_not_free() -> None:
    """86 characters hold 516 bits, the signature 512: four spare bits, sixteen spellings."""
    token = issued()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    value = alphabet.index(token[-1])
    assert value % 16 == 0
    same_bytes = [token[:-1] + alphabet[value + spare] for spare in range(1, 16)]
    decoded = {base64.urlsafe_b64decode(t.split(".")[2] + "==") for t in [token, *same_bytes]}
    assert len(decoded) == 1
    assert all(refused(spelling) for spelling in same_bytes)


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a", "a.b", "a.b.c", "e30.e30.e30", "e30.e30.", ".e30.e30", "....."],
)
def test_not_three_good_segments(token: str) -> None:
    assert refused(token)


@pytest.mark.parametrize("count", [2, 4, 5])
def test_a_jwe_or_another_number_of_segments(count: int) -> None:
    parts = issued().split(".")
    assert refused(".".join((parts * 2)[:count]))


@pytest.mark.parametrize("bad", ["é", "\ud800", "\0", "\U0001d486", "\u2028", "\uff11"])
def test_what_is_not_ascii(bad: str) -> None:
    assert refused(bad)
    assert refused(issued() + bad)
    assert refused(bad + issued())
    assert refused(f"{bad}.{bad}.{bad}")


@pytest.mark.parametrize("token", [None, 5, b"bytes", ["a.b.c"], {"a": 1}, object()])
def test_what_is_no_text(token: Any) -> None:
    assert refused(token)


def test_eight_kibibytes_are_the_limit() -> None:
    growing = [with_claims(jti="j" * length) for length in range(5_500, 5_700)]
    longest = max((token for token in growing if len(token) <= 8192), key=len)
    too_long = min((token for token in growing if len(token) > 8192), key=len)
    assert 8192 - 4 < len(longest) < len(too_long) < 8192 + 4
    assert verifier().verify(longest, NOW)
    assert refused(too_long)
    assert refused("a" * 9 * 1024)
    assert refused("a" * 50_000_000)


# --- JSON -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alg", "typ", "kid"])
def test_a_header_member_twice(name: str) -> None:
    twice = json.dumps(HEADER)[:-1] + f',"{name}":{json.dumps(HEADER[name])}}}'
    assert json.loads(twice) == HEADER
    assert refused(forged(twice.encode(), PAYLOAD))


@pytest.mark.parametrize("name", sorted(PAYLOAD))
def test_a_claim_twice(name: str) -> None:
    twice = json.dumps(PAYLOAD)[:-1] + f',"{name}":{json.dumps(PAYLOAD[name])}}}'
    assert refused(forged(HEADER, twice.encode()))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"1",
        b'"text"',
        b"{",
        b"{} {}",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"{'alg':'ES256'}",
        b"NaN",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1' + b"0" * 5000 + b"}",
    ],
)
def test_what_is_no_json_object(data: bytes) -> None:
    assert refused(forged(data, PAYLOAD))
    assert refused(forged(HEADER, data))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting(opening: bytes) -> None:
    """json.loads answers these with RecursionError, which is no ValueError."""
    deep = opening * (5_800 // len(opening))
    assert refused(f"{b64(deep)}.e30.e30")
    assert refused(forged(HEADER, deep))
    closing = b"]" if opening == b"[" else b"}"
    closed = opening * 2_000 + (b"1" if opening != b"[" else b"") + closing * 2_000
    assert refused(f"{b64(closed[:6000])}.e30.e30")


# --- Claims ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PAYLOAD))
def test_every_claim_is_required(name: str) -> None:
    assert refused(with_claims(**{name: ABSENT}))


@pytest.mark.parametrize("name", sorted(set(PAYLOAD) - {"emp", "lim"}))
def test_no_claim_is_null(name: str) -> None:
    assert refused(with_claims(**{name: None}))


@pytest.mark.parametrize(
    "extra", [{"nbf": int(NOW) + 400}, {"nbf": 0}, {"at_hash": "x"}, {"act": {}}, {"is_admin": 1}]
)
def test_no_claim_that_is_not_ours(extra: dict[str, Any]) -> None:
    assert refused(with_claims(**extra))


@pytest.mark.parametrize(
    "aud", [[AUDIENCE], [AUDIENCE, "other"], "other", "", AUDIENCE.upper(), {AUDIENCE: 1}, 1, True]
)
def test_exactly_one_audience(aud: Any) -> None:
    assert refused(with_claims(aud=aud))


@pytest.mark.parametrize("iss", [[ISSUER], "other", "", ISSUER + "/", {}, 0])
def test_exactly_one_issuer(iss: Any) -> None:
    assert refused(with_claims(iss=iss))


@pytest.mark.parametrize("name", ["exp", "iat", "ver"])
@pytest.mark.parametrize(
    "raw",
    [
        *(
            "1e400",
            "-1e400",
            "NaN",
            "Infinity",
            "true",
            "false",
            '"{n}"',
            "{n}.0",
            "{n}.5",
            "[{n}]",
        ),
        *("-1", "-{n}", str(2**53), str(2**63), "1" + "0" * 400, "1" + "0" * 4999, '""', "{{}}"),
    ],
)
def test_numbers_are_whole_numbers(name: str, raw: str) -> None:
    written = raw.format(n=PAYLOAD[name])
    payload = json.dumps(changed(PAYLOAD, **{name: "@"})).replace('"@"', written)
    assert refused(forged(HEADER, payload.encode()))


def test_false_is_no_version_zero() -> None:
    assert verifier().verify(with_claims(ver=0), NOW).token_version == 0
    assert refused(with_claims(ver=False))


@pytest.mark.parametrize("name", ["sub", "sid", "emp"])
@pytest.mark.parametrize(
    "spell",
    [
        str.upper,
        lambda u: u.replace("-", ""),
        lambda u: f"{{{u}}}",
        lambda u: f"urn:uuid:{u}",
        lambda u: u + " ",
        lambda _: "",
        lambda _: "admin",
        lambda u: [u],
        lambda _: 7,
        lambda _: True,
    ],
)
def test_ids_have_one_spelling(name: str, spell: Callable[[str], Any]) -> None:
    assert refused(with_claims(**{name: spell(PAYLOAD[name])}))


@pytest.mark.parametrize("role", ["", "root", "HR_ADMIN", ["hr_admin"], {"hr_admin": 1}, 1])
def test_the_role_is_one_of_ours(role: Any) -> None:
    assert refused(with_claims(role=role))


@pytest.mark.parametrize("step", NextStep)
def test_a_limited_token_stays_limited(step: NextStep) -> None:
    claims = replace(CLAIMS, next_step=step)
    assert payload_of(issued(claims))["lim"] == step.value
    assert verifier().verify(issued(claims), NOW) == claims


@pytest.mark.parametrize("step", ["", "none", "ENROL_TOTP", 0, False, True, [], ["enrol_totp"], {}])
def test_a_limit_is_one_of_ours(step: Any) -> None:
    assert refused(with_claims(lim=step))


@pytest.mark.parametrize("name", ["jti", "scope"])
@pytest.mark.parametrize("value", [1, True, ["a"], {}, 1.5])
def test_texts_are_texts(name: str, value: Any) -> None:
    assert refused(with_claims(**{name: value}))


# --- Time -----------------------------------------------------------------------------


def test_expiry_with_leeway() -> None:
    token = issued()
    assert verifier().verify(token, CLAIMS.expires_at + 9) == CLAIMS
    assert refused(token, CLAIMS.expires_at + 10)
    assert refused(token, CLAIMS.expires_at + 1e9)


def test_a_token_of_the_future() -> None:
    token = issued()
    assert verifier().verify(token, NOW - 10) == CLAIMS
    assert refused(token, NOW - 11)


@pytest.mark.parametrize("lifetime", [611, 3600, 10**9])
def test_a_lifetime_beyond_ten_minutes_is_not_believed(lifetime: int) -> None:
    assert verifier().verify(with_claims(exp=int(NOW) + 610), NOW)
    assert refused(with_claims(exp=int(NOW) + lifetime))


def test_an_expiry_before_the_issue() -> None:
    assert refused(with_claims(iat=int(NOW) + 5, exp=int(NOW) + 5))
    assert refused(with_claims(iat=int(NOW) + 6, exp=int(NOW) + 5))


def test_a_clock_that_fails_lets_nobody_in() -> None:
    assert refused(issued(), math.inf)
    assert refused(issued(), -math.inf)
    assert refused(issued(), math.nan)


# --- Cache and rotation ---------------------------------------------------------------


def test_a_remembered_token_expires_all_the_same() -> None:
    remembering = verifier()
    token = issued()
    assert remembering.verify(token, NOW) is remembering.verify(token, NOW + 1)
    assert refused(token, CLAIMS.expires_at + 10, by=remembering)
    assert refused(token, CLAIMS.expires_at + 11, by=remembering)


def test_a_refused_token_is_not_remembered() -> None:
    remembering = verifier()
    bad = with_claims(role="root")
    assert refused(bad, by=remembering)
    assert refused(bad, by=remembering)
    assert not remembering._trust.verified


def test_the_cache_is_bounded_and_drops_the_least_recently_used() -> None:
    remembering = verifier(cache_size=2)
    first, second, third = (issued(replace(CLAIMS, jti=jti)) for jti in "abc")
    kept = remembering.verify(first, NOW)
    dropped = remembering.verify(second, NOW)
    assert remembering.verify(first, NOW) is kept
    remembering.verify(third, NOW)
    assert len(remembering._trust.verified) == 2
    assert remembering.verify(first, NOW) is kept
    assert remembering.verify(second, NOW) is not dropped


def test_a_cache_of_size_nought_remembers_nothing() -> None:
    forgetful = verifier(cache_size=0)
    token = issued()
    assert forgetful.verify(token, NOW) is not forgetful.verify(token, NOW)


def test_the_cache_holds_no_token() -> None:
    remembering = verifier()
    token = issued()
    remembering.verify(token, NOW)
    assert list(remembering._trust.verified) == [hashlib.sha256(token.encode()).digest()]


def test_rotation_keeps_old_tokens_and_retirement_ends_them() -> None:
    rotating = verifier()
    old = issued()
    rotating.verify(old, NOW)
    newer = SigningKey.generate()
    rotating.replace_keys(KeySet(newer, (KEY.public,)))
    assert rotating.verify(old, NOW) == CLAIMS
    assert rotating.verify(issued(keys=KeySet(newer)), NOW) == CLAIMS
    rotating.replace_keys(KeySet(newer))
    assert refused(old, by=rotating)


def test_a_remembered_token_is_decided_without_its_signature() -> None:
    """The fast path: what is remembered is not verified again (a key set that is none)."""
    remembering = verifier()
    token = issued()
    remembering.verify(token, NOW)
    remembering._trust.keys.clear()
    assert remembering.verify(token, NOW) == CLAIMS
    assert refused(issued(replace(CLAIMS, jti="other")), by=remembering)


# --- Random attacks -------------------------------------------------------------------

VERIFIER = verifier()


@given(st.text(max_size=300) | st.from_regex(r"[\w-]{0,99}\.[\w-]{0,99}\.[\w-]{0,99}"))
def test_no_text_is_a_token_or_an_error_of_another_kind(token: str) -> None:
    assert refused(token, by=VERIFIER)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(name=st.sampled_from(sorted(PAYLOAD)), value=json_values)
def test_a_signed_token_with_any_claim_changed(name: str, value: Any) -> None:
    token = forged(HEADER, json.dumps(changed(PAYLOAD, **{name: value})).encode())
    try:
        claims = verifier().verify(token, NOW)
    except InvalidToken:
        return
    assert type(claims.expires_at) is int
    assert type(claims.token_version) is int
    assert 0 <= claims.token_version < 2**53
    assert claims.role is Role.HR_ADMIN
    assert (claims.account_id, claims.session_id) == (CLAIMS.account_id, CLAIMS.session_id)


@settings(deadline=None)
@given(name=st.sampled_from(["alg", "typ", "kid", "crit", "jwk"]), value=json_values)
def test_a_signed_token_with_any_header_changed(name: str, value: Any) -> None:
    assert refused(with_header(**{name: value}))


@settings(deadline=None)
@given(st.data())
def test_one_changed_character_breaks_a_token(data: st.DataObject) -> None:
    token = issued()
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters(max_codepoint=0x17F).filter(lambda c: c != token[place]))
    assert refused(token[:place] + character + token[place + 1 :], by=VERIFIER)


# --- Keys -----------------------------------------------------------------------------


def test_the_thumbprint_of_rfc_7638() -> None:
    """Computed here a second time: members sorted, no spaces, SHA-256, base64url."""
    public = KEY.public_jwk()
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{public["x"]}","y":"{public["y"]}"}}'
    assert KEY.kid == b64(hashlib.sha256(canonical.encode()).digest())


def test_the_published_key_set_has_no_private_part() -> None:
    older = SigningKey.generate()
    published = KeySet(KEY, (older.public, KEY.public)).jwks()
    assert [key["kid"] for key in published["keys"]] == [KEY.kid, older.kid]
    for key in published["keys"]:
        assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
        assert re.fullmatch(r"[\w-]{43}", key["x"])
        assert re.fullmatch(r"[\w-]{43}", key["y"])


def test_keys_survive_being_stored() -> None:
    assert SigningKey(kid=KEY.kid, private_pem=KEY.private_pem) == KEY
    assert SigningKey.from_pem(KEY.private_pem) == KEY
    assert PublicKey.from_jwk(KEY.public_jwk()) == KEY.public


def test_no_key_shows_its_private_part() -> None:
    secret_line = KEY.private_pem.splitlines()[1]
    assert secret_line not in repr(KEY)
    assert secret_line not in repr(KEYS)
    assert "PRIVATE" not in repr(KEYS)


def pem(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "private_pem",
    [
        pytest.param(pem(ec.generate_private_key(ec.SECP384R1())), id="P-384"),
        pytest.param(pem(ec.generate_private_key(ec.SECP256K1())), id="secp256k1"),
        pytest.param(pem(rsa.generate_private_key(65537, 2048)), id="RSA"),
        pytest.param(spki(Encoding.PEM).decode(), id="public"),
        pytest.param("secret", id="text"),
        pytest.param("", id="empty"),
    ],
)
def test_only_a_p256_private_key_signs(private_pem: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        SigningKey.from_pem(private_pem)
    assert private_pem[:60] not in str(caught.value) or not private_pem


def test_a_key_under_a_false_kid() -> None:
    with pytest.raises(ValueError, match="thumbprint"):
        SigningKey(kid="mine", private_pem=KEY.private_pem)
    with pytest.raises(ValueError, match="thumbprint"):
        PublicKey(kid="mine", x=KEY.public.x, y=KEY.public.y)


def test_a_point_off_the_curve() -> None:
    x, y = b64(b"\x01" * 32), b64(b"\x02" * 32)
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    with pytest.raises(ValueError, match="curve"):
        PublicKey(kid=b64(hashlib.sha256(canonical.encode()).digest()), x=x, y=y)


# --- Refresh tokens -------------------------------------------------------------------


def test_a_refresh_token_has_256_bits_and_its_digest() -> None:
    token, digest = new_refresh_token()
    assert len(base64.urlsafe_b64decode(token + "=")) == 32
    assert digest == hashlib.sha256(token.encode()).digest() == refresh_digest(token)
    assert new_refresh_token()[0] != token


@pytest.mark.parametrize(
    "token",
    [
        *("", "a", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "+", "a" * 43 + "\n", "é" * 43),
        *("\ud800" * 43, "a" * 42 + "\0", " " + "a" * 42, "\u0663" * 43, "a" * 1_000_000),
    ],
)
def test_a_malformed_refresh_token(token: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        refresh_digest(token)
    assert not caught.value.args


@given(st.text(max_size=60))
def test_a_refresh_digest_or_invalid_token_and_nothing_else(token: str) -> None:
    try:
        assert len(refresh_digest(token)) == 32
    except InvalidToken:
        assert not re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
