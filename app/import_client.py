"""`kemuning import`: a file sent to the API from a terminal, and what came of it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.vocabulary import ImportKind

API = "/api/v1"
FINAL = ("checked", "imported", "refused", "failed")
POLL_SECONDS = 0.5
SHOWN_FINDINGS = 10
PATIENCE_SECONDS = 60.0
"""How long the server may be unreachable, restarting for example, before it's given up."""
COUNTS = ("rows", "new", "changed", "unchanged", "skipped", "wrong", "warnings")


class ImportFailed(Exception):
    """Why the import could not be made, in a sentence for its user."""


class Order(NamedTuple):
    """What is to be imported, and how; `event` is the code of an assessment event."""

    file: Path
    kind: ImportKind
    event: str | None
    dry_run: bool
    partial: bool
    create_positions: bool


class Credentials(NamedTuple):
    """Of an officer, or of a service client; `ask_code` asks the officer for a TOTP code."""

    login: str
    password: str
    service: bool
    ask_code: Callable[[], str]


def import_file(url: str, credentials: Credentials, order: Order, out: Console) -> bool:
    """Send the file, follow the job, print what came of it; whether no row is wrong.

    The error file is written beside the input. Errors: ImportFailed.
    """
    try:
        with httpx.Client(base_url=url.rstrip("/") + API, timeout=60) as client:
            token = _sign_in(client, credentials)
            client.headers["Authorization"] = f"Bearer {token}"
            begun = _checked(_upload(client, order)).json()
            done = _followed(client, begun["id"], out)
            _print(done, out)
            return _good(client, done, order, out)
    except httpx.UnsupportedProtocol as error:
        raise ImportFailed(f"{url} is no address: begin it with http:// or https://") from error
    except httpx.HTTPError as error:
        raise ImportFailed(f"{url} does not answer: {type(error).__name__}") from error


def _sign_in(client: httpx.Client, credentials: Credentials) -> str:
    login, password = credentials.login, credentials.password
    if credentials.service:
        form = {
            "grant_type": "client_credentials",
            "client_id": login,
            "client_secret": password,
        }
        return str(_checked(client.post("/sign-in/token", data=form)).json()["access_token"])
    body = {"login": login, "password": password}
    answer = client.post("/sign-in", json=body)
    if answer.status_code >= 400 and answer.json().get("code") == "second_factor_required":
        answer = client.post("/sign-in", json={**body, "totp_code": credentials.ask_code()})
    return str(_checked(answer).json()["access_token"])


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
    found = _checked(client.get("/assessment-events", params={"code": code})).json()["items"]
    if not found:
        raise ImportFailed(f"There is no assessment event {code}")
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
                    state: dict[str, Any] = _checked(answer).json()
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
    answer = _checked(client.get(f"/imports/{done['id']}/error-file"))
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
    found = _checked(client.get(f"/imports/{done['id']}/findings", params=query)).json()
    if severity == "warning" and found["items"]:
        out.print("Warnings:")
    for finding in found["items"]:
        where = f" {finding['header']}:" if finding["header"] else ""
        out.print(f"{finding['row_number']:>6}{where} {finding['detail']}", markup=False)
    if found["next_cursor"]:
        out.print("       …")


def _checked(answer: httpx.Response) -> httpx.Response:
    """The answer, where it is none of the server's problems. Errors: ImportFailed."""
    if answer.status_code < 400:
        return answer
    try:
        problem = answer.json()
        details = [problem["title"], problem.get("detail")]
        details += [f"{e['pointer']}: {e['detail']}" for e in problem.get("errors", ())]
    except (ValueError, KeyError, TypeError):
        details = [f"The server answered {answer.status_code}"]
    raise ImportFailed(". ".join(d for d in details if d))
