"""`kemuning export`: a data set saved with its manifest, and a file held to its manifest."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from rich.console import Console

from app.api_client import Credentials, ServerRefused, checked, signed_in
from app.services.audit.checkpoints import PublicKeys, public_key_of
from app.services.exports.manifests import ManifestInvalid, authentic_manifest
from app.vocabulary import ExportDataset, ExportFormat

PIECE = 1 << 20
SUFFIX = ".manifest.json"


class FileRefused(Exception):
    """Why the file is not what its manifest says, in a sentence."""


class Order(NamedTuple):
    """What is to be exported, to where, and why."""

    dataset: ExportDataset
    file: Path
    as_of: datetime | None
    purpose: str


def manifest_path(file: Path) -> Path:
    """Where a file's manifest is kept."""
    return file.with_name(file.name + SUFFIX)


def save_export(url: str, credentials: Credentials, order: Order, out: Console) -> None:
    """Fetch the data set and its manifest; the file appears only where both agree.

    Errors: ServerRefused, FileRefused.
    """
    body: dict[str, str] = {"dataset": order.dataset, "format": _form(order.file)}
    if order.as_of is not None:
        body["as_of"] = order.as_of.isoformat()
    begun = order.file.with_name(order.file.name + ".part")
    with signed_in(url, credentials) as client:
        headers = [(b"X-Purpose", order.purpose.encode())]
        asked = checked(client.post("/exports", json=body, headers=headers)).json()
        with out.status(f"Fetching {order.dataset}"):
            _fetch(client, f"/exports/{asked['id']}/content", begun)
        query = {"sha256": _hash(begun)}
        manifest = checked(client.get(f"/exports/{asked['id']}/manifest", params=query))
    begun.replace(order.file)
    manifest_path(order.file).write_bytes(manifest.content)
    out.print(f"{manifest.json()['rows']:,} rows are in {order.file}.", markup=False)


def _form(file: Path) -> ExportFormat:
    try:
        return ExportFormat(file.suffix.removeprefix("."))
    except ValueError:
        endings = ", ".join(f".{form}" for form in ExportFormat)
        raise FileRefused(f"{file.name} must end in one of {endings}") from None


def _fetch(client: httpx.Client, path: str, file: Path) -> None:
    with client.stream("GET", path, timeout=300) as answer:
        if answer.status_code >= 400:
            answer.read()
            checked(answer)
        with file.open("wb") as output:
            for piece in answer.iter_bytes(PIECE):
                output.write(piece)


def verify_export(file: Path, manifest: Path, keys: str) -> Mapping[str, Any]:
    """The manifest, where one of these keys signed it and the file is what it says.

    `keys` is a JSON Web Key Set, as a path or an address. Errors: FileRefused.
    """
    try:
        told = authentic_manifest(manifest.read_bytes(), _keys(keys))
    except ManifestInvalid as fault:
        raise FileRefused(f"{manifest} is not authentic: {fault}") from None
    if file.stat().st_size != told["bytes"] or _hash(file) != told["sha256"]:
        raise FileRefused(f"{file} is not the file of this manifest: its content differs")
    return told


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _keys(place: str) -> PublicKeys:
    try:
        if place.startswith(("http://", "https://")):
            text = checked(httpx.get(place, timeout=30)).text
        else:
            text = Path(place).read_text()
        return {jwk["kid"]: public_key_of(jwk) for jwk in json.loads(text)["keys"]}
    except (OSError, httpx.HTTPError, ServerRefused) as error:
        raise FileRefused(f"{place} can't be read: {error or type(error).__name__}") from None
    except (ValueError, KeyError, TypeError):
        raise FileRefused(f"{place} is no key set") from None
