"""The manifest of a delivered file: what it is and what it hashes to, signed with the audit key.

Canonical JSON without `signature` is what is signed, ES256, as a checkpoint of the audit log is.
Whoever holds the file, its manifest and the published audit keys needs nobody to check them.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from app.services.audit.checkpoints import PublicKeys
from app.tokens import SigningKey
from app.transparency import canonical_json, is_signed_es256, sign_es256

TYPE: Final = "kemuning-export-manifest-v1"
LONGEST: Final = 1 << 20


class ManifestInvalid(Exception):
    """The manifest is malformed, or no known key signed it; the text names the fault."""


def signed_manifest(facts: Mapping[str, object], key: SigningKey) -> dict[str, Any]:
    """The manifest as JSON: the facts, its type, the key's id and the signature."""
    content = canonical_json({**facts, "type": TYPE, "kid": key.kid})
    signature = sign_es256(key.private_pem.encode(), content)
    encoded = urlsafe_b64encode(signature).rstrip(b"=").decode()
    return {**json.loads(content), "signature": encoded}


def authentic_manifest(text: str | bytes, keys: PublicKeys) -> dict[str, Any]:
    """The manifest that one of these keys signed. Errors: ManifestInvalid."""
    manifest = _parsed(text)
    signed = {name: value for name, value in manifest.items() if name != "signature"}
    key = keys.get(str(manifest["kid"]))
    if key is None:
        raise ManifestInvalid("kid")
    try:
        signature = urlsafe_b64decode(str(manifest["signature"]) + "==")
        content = canonical_json(signed)
    except (ValueError, TypeError):
        raise ManifestInvalid("signature") from None
    if not is_signed_es256(key, signature, content):
        raise ManifestInvalid("signature")
    return manifest


def _parsed(text: str | bytes) -> dict[str, Any]:
    if len(text) > LONGEST:
        raise ManifestInvalid("too long")
    try:
        manifest = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise ManifestInvalid("not JSON") from None
    if not isinstance(manifest, dict) or manifest.get("type") != TYPE:
        raise ManifestInvalid("type")
    if not {"kid", "signature", "sha256", "bytes"} <= manifest.keys():
        raise ManifestInvalid("members")
    return manifest


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("doubled member")
    return members
