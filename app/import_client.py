"""`kemuning import`: a file sent to the API from a terminal, and what came of it."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.api_client import Credentials, ServerRefused, checked, signed_in
from app.vocabulary import ImportKind

FINAL = ("checked", "imported", "refused", "failed")
POLL_SECONDS = 0.5
SHOWN_FINDINGS = 10
PATIENCE_SECONDS = 60.0
"""How long the server may be unreachable, restarting for example, before it's given up."""
COUNTS = ("rows", "new", "changed", "unchanged", "skipped", "wrong", "warnings")


class Order(NamedTuple):
    """What is to be imported, and how; `event` is the code of an assessment event."""

    file: Path
    kind: ImportKind
    event: str | None
    dry_run: bool
    partial: bool
    create_positions: bool


def import_file(url: str, credentials: Credentials, order: Order, out: Console) -> bool:
    """Send the file, follow the job, print what came of it; whether no row is wrong.

    The error file is written beside the input. Errors: ServerRefused.
    """
    with signed_in(url, credentials) as client:
        begun = checked(_upload(client, order)).json()
        done = _followed(client, begun["id"], out)
        _print(done, out)
        return _good(client, done, order, out)


def _upload(client: httpx.Client, order: Order) -> httpx.Response:
    wishes: dict[str, str | bool] = {
        "kind": order.kind.value,
        "dry_run": order.dry_run,
        "partial": order.partial,
        "create_positions": order.create_positions,
    }
    if order.event is not None:
        wishes["event_id"] = _event(client, order.event)
    with order.file.open("rb") as file:
        return client.post("/imports", files={"file": (order.file.name, file)}, params=wishes)


def _event(client: httpx.Client, code: str) -> str:
    """The id of the event with that code."""
    found = checked(client.get("/assessment-events", params={"code": code})).json()["items"]
    if not found:
        raise ServerRefused(f"There is no assessment event {code}")
    return str(found[0]["id"])


def _followed(client: httpx.Client, import_id: str, out: Console) -> dict[str, Any]:
    """Wait for the end of the job, with a bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    patience = time.monotonic() + PATIENCE_SECONDS
    with Progress(*columns, console=out, transient=True) as progress:
        bar = progress.add_task("queued", total=None)
        while True:
            try:
                answer = client.get(f"/imports/{import_id}")
            except httpx.TransportError:
                if time.monotonic() > patience:
                    raise
            else:
                if answer.status_code < 500 or time.monotonic() > patience:
                    state: dict[str, Any] = checked(answer).json()
                    patience = time.monotonic() + PATIENCE_SECONDS
                    if state["state"] in FINAL:
                        return state
                    _show(progress, bar, state)
            time.sleep(POLL_SECONDS)


def _show(progress: Progress, bar: TaskID, state: Mapping[str, Any]) -> None:
    now = state["progress"]
    if now is None:
        progress.update(bar, description=state["state"], total=None)
    else:
        progress.update(bar, description=now["step"], completed=now["done"], total=now["total"])


def _print(done: Mapping[str, Any], out: Console) -> None:
    for told in filter(None, (done["problem"], *done["notes"])):
        out.print(told["detail"], markup=False)
    if counts := done["counts"]:
        table = Table(*COUNTS, title=f"{done['filename']}: {done['state']}")
        table.add_row(*(f"{counts[name]:,}" for name in COUNTS))
        out.print(table)


def _good(client: httpx.Client, done: Mapping[str, Any], order: Order, out: Console) -> bool:
    if done["problem"] is not None:
        return False
    _print_findings(client, done, "error", out)
    _print_findings(client, done, "warning", out)
    if not done["counts"]["wrong"]:
        return True
    answer = checked(client.get(f"/imports/{done['id']}/error-file"))
    suffix = ".xlsx" if "spreadsheetml" in answer.headers["content-type"] else ".csv"
    path = order.file.with_name(f"{order.file.stem}-kesalahan{suffix}")
    path.write_bytes(answer.content)
    out.print(f"The wrong rows, to be mended, are in {path}.", markup=False)
    if done["state"] != "imported":
        out.print(
            "Nothing was imported. Mend the file itself, or import the good rows with --partial"
            " and the mended rows after them.",
            markup=False,
        )
    return False


def _print_findings(
    client: httpx.Client, done: Mapping[str, Any], severity: str, out: Console
) -> None:
    """The first of them, by row."""
    query: dict[str, str | int] = {"severity": severity, "limit": SHOWN_FINDINGS}
    found = checked(client.get(f"/imports/{done['id']}/findings", params=query)).json()
    if severity == "warning" and found["items"]:
        out.print("Warnings:")
    for finding in found["items"]:
        where = f" {finding['header']}:" if finding["header"] else ""
        out.print(f"{finding['row_number']:>6}{where} {finding['detail']}", markup=False)
    if found["next_cursor"]:
        out.print("       …")
