"""`kemuning`: everything that is done from a terminal."""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress

from app.settings import Settings
from app.vocabulary import ExportDataset, ImportKind, Role, Scope

if TYPE_CHECKING:
    from app.api_client import Credentials

app = typer.Typer(
    help="Kemuning: the civil service of a local government, arranged in the open.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
audit = typer.Typer(help="The audit log: verify it, sign it.", no_args_is_help=True)
app.add_typer(audit, name="audit")
export = typer.Typer(help="Data sets for auditors: save them, verify them.", no_args_is_help=True)
app.add_typer(export, name="export")
rules = typer.Typer(help="The rules by which results are made.", no_args_is_help=True)
app.add_typer(rules, name="rules")
out = Console(stderr=True)
"""People read standard error; standard output is for what a program reads."""

Folder = Annotated[Path, typer.Option(help="Where the demo keeps its data.")]
DEMO_FOLDER = Path(".kemuning-demo")
OTHER_VARIABLES = {"KEMUNING_URL", "KEMUNING_LOGIN", "KEMUNING_PASSWORD"}
"""Of `kemuning import` and `export`, which talk to a server and have no settings."""
HERE = "http://127.0.0.1:8000"
Login = Annotated[str, typer.Option(envvar="KEMUNING_LOGIN", prompt=True)]
Url = Annotated[str, typer.Option(envvar="KEMUNING_URL")]
PasswordFile = Annotated[
    Path | None, typer.Option(help="Read the password from here.", exists=True)
]
Service = Annotated[bool, typer.Option("--service", help="The login is a service client's id.")]
T = TypeVar("T")


def fail(text: str) -> typer.Exit:
    """Say what is wrong, and end with status 1."""
    out.print(text, style="red", markup=False)
    return typer.Exit(1)


def settings_from_environment() -> Settings:
    """The settings, or a plain sentence for each that is missing or wrong."""
    known = {f"KEMUNING_{name.upper()}" for name in Settings.model_fields} | OTHER_VARIABLES
    for name in sorted(n for n in os.environ if n.startswith("KEMUNING_") and n not in known):
        out.print(f"[yellow]{name}[/yellow] is no setting, and does nothing.")
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors(include_input=False):
            name = "KEMUNING_" + str(problem["loc"][0]).upper() if problem["loc"] else ""
            out.print(f"[red]{name}[/red] {problem['msg']}")
        raise typer.Exit(2) from None


@contextmanager
def plainly() -> Iterator[None]:
    """A refusal, or a database that can't be reached, is a plain sentence."""
    from app import logs
    from app.errors import DatabaseUnavailable, InternalError, domain_error, driver_error

    logs.configure("error")
    try:
        yield
    except Exception as error:
        known = domain_error(error)
        if isinstance(known, InternalError):
            raise
        for wrong in known.errors:
            out.print(f"[red]{wrong.pointer.removeprefix('/')}[/red] {wrong.detail.en}")
        reason = f": {driver_error(error)}" if isinstance(known, DatabaseUnavailable) else "."
        raise fail(f"{known.title.en}{reason}") from None


def done(work: Coroutine[None, None, T]) -> T:
    """Do it, plainly."""
    with plainly():
        return asyncio.run(work)


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    folder: Folder = DEMO_FOLDER,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Serve a kabupaten with its civil service, on a PostgreSQL of its own.

    The data stay for the next start; `kemuning reset --demo` removes them.
    """
    from app.demo import run

    try:
        run.serve_demo(folder, port, as_json=as_json, out=out)
    except run.DemoRefused as refusal:
        raise fail(str(refusal)) from None


@app.command()
def reset(
    demo: Annotated[bool, typer.Option("--demo", help="Remove the demo's data.")] = False,
    folder: Folder = DEMO_FOLDER,
) -> None:
    """Remove the demo: its database, accounts and files. Nothing else can be removed so."""
    from app.demo import run

    if not demo:
        raise fail("Only the demo can be removed: kemuning reset --demo")
    try:
        removed = run.remove_demo(folder)
    except run.DemoRefused as refusal:
        raise fail(str(refusal)) from None
    out.print(f"Removed {folder}." if removed else f"Nothing to remove at {folder}.")


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64)] = 1,
) -> None:
    """Serve the API with the settings of the environment (KEMUNING_…)."""
    import uvicorn

    from app import logs

    logs.configure(settings_from_environment().log_level)
    with shared_metrics(workers):
        uvicorn.run(
            "app.main:app_from_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=20,
        )


@contextmanager
def shared_metrics(workers: int) -> Iterator[None]:
    """A folder where several workers add up what they measure: each answers with the sum."""
    if workers == 1:
        yield
        return
    with TemporaryDirectory(prefix="kemuning-metrics-") as folder:
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)
        yield


@app.command()
def migrate(
    check: Annotated[
        bool, typer.Option(help="Only compare models and migrations, on an embedded server.")
    ] = False,
) -> None:
    """Bring the database's schema up to date, as its owner.

    Needs KEMUNING_OWNER_DATABASE_URL; sets the login role's password where
    KEMUNING_LOGIN_PASSWORD is given.
    """
    from app import installation

    if check:
        installation.check_migrations()
        out.print("Models and migrations agree.")
        return
    settings = settings_from_environment()
    with plainly(), out.status("Migrating"):
        installation.migrate(settings.owner_url)
    if settings.login_password is not None:
        password = settings.login_password.get_secret_value()
        done(installation.set_login_password(settings.owner_url, password))
    out.print("The schema is up to date.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    login: Login,
    kind: Annotated[ImportKind, typer.Option(help="What the rows are.")] = ImportKind.EMPLOYEES,
    event: Annotated[
        str | None, typer.Option(help="Code of the event that assessment results belong to.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Import the good rows although others are wrong.")
    ] = False,
    create_positions: Annotated[
        bool, typer.Option("--create-positions", help="Create positions that are missing.")
    ] = False,
    url: Url = HERE,
    password_file: PasswordFile = None,
    service: Service = False,
) -> None:
    """Import employees, or results of an assessment event, through the API of a running server.

    From an XLSX or CSV file. A script that imports results needs the scopes imports:read,
    imports:write and assessments:read.

    The password is read from --password-file, from KEMUNING_PASSWORD, or asked for. Wrong rows
    are written beside the file, to be mended; the exit status is then 1.
    """
    from app.api_client import ServerRefused
    from app.import_client import Order, import_file

    credentials = credentials_of(login, password_file, service=service)
    order = Order(file, kind, event, dry_run, partial, create_positions)
    try:
        good = import_file(url, credentials, order, out)
    except ServerRefused as failed:
        raise fail(str(failed)) from None
    if not good:
        raise typer.Exit(1)


def credentials_of(login: str, password_file: Path | None, *, service: bool) -> "Credentials":
    """What signs in, with the password from the file, the environment, or as it is typed."""
    from app.api_client import Credentials

    if password_file is not None:
        password = password_file.read_text().strip()
    else:
        password = os.environ.get("KEMUNING_PASSWORD") or typer.prompt("Password", hide_input=True)
    return Credentials(login, password, service, lambda: str(typer.prompt("TOTP code")))


@export.command("save")
def save_export(
    dataset: Annotated[ExportDataset, typer.Argument(help="What to export.")],
    file: Annotated[
        Path, typer.Argument(dir_okay=False, help="Ends in .csv, .ndjson, .xlsx or .parquet.")
    ],
    purpose: Annotated[str, typer.Option(prompt=True, help="Why; kept with the export.")],
    login: Login,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"],
            help="The moment to show, as 2026-01-31T17:00:00+07:00; now when left out.",
        ),
    ] = None,
    url: Url = HERE,
    password_file: PasswordFile = None,
    service: Service = False,
) -> None:
    """Save a data set with its signed manifest, through the API of a running server.

    The manifest stands beside the file, as FILE.manifest.json.
    """
    from app.api_client import ServerRefused
    from app.export_client import FileRefused, Order, save_export

    credentials = credentials_of(login, password_file, service=service)
    try:
        save_export(url, credentials, Order(dataset, file, as_of, purpose), out)
    except (ServerRefused, FileRefused) as refused:
        raise fail(str(refused)) from None


@export.command("verify")
def verify_export(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    manifest: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    keys: Annotated[
        str, typer.Option(help="The published audit keys: a file, or their address.")
    ] = f"{HERE}/.well-known/audit-keys.json",
) -> None:
    """Verify that a file is what its manifest says, and who signed that. Needs no server.

    Get the keys from the installation's /.well-known/audit-keys.json, and keep them.
    """
    from app.export_client import FileRefused, verify_export

    try:
        told = verify_export(file, manifest, keys)
    except FileRefused as refused:
        raise fail(str(refused)) from None
    out.print(
        f"{file} is the data set {told['dataset']} as of {told['as_of']}: {told['rows']:,} rows,"
        f" read at {told['read_at']} from {told['origin']}.",
        markup=False,
    )


@app.command("create-account")
def create_account(
    login: Annotated[str, typer.Argument(help="What its owner signs in with; a NIP for an ASN.")],
    role: Annotated[Role, typer.Option(help="Citizens (public) register themselves.")],
    name: Annotated[str, typer.Option(help="The owner's name, or the script's purpose.")],
    employee_id: Annotated[UUID | None, typer.Option(help="Whose account it is; for asn.")] = None,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What a service may do; give it several times.")
    ] = None,
) -> None:
    """Give somebody an account: the first hr_admin, for one.

    Its random password, or a service's client secret, is printed this once, alone on standard
    output. A person must change it when they first sign in.
    """
    from app import administration
    from app.schemas.accounts import AccountCreate

    settings = settings_from_environment()
    given = {"login": login, "role": role, "display_name": name, "employee_id": employee_id}
    try:
        new = AccountCreate.model_validate({**given, "scopes": scope or []})
    except ValidationError as error:
        told = error.errors(include_input=False, include_url=False)
        raise fail("\n".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in told)) from None
    account = done(administration.create_account(settings, new))
    out.print(f"{account.login} ({account.role}) may sign in with:")
    sys.stdout.write(f"{account.secret}\n")


@app.command("rotate-keys")
def rotate_keys() -> None:
    """Sign access tokens with a new key; those that are out stay valid until they expire."""
    from app import administration

    kid = done(administration.rotate_keys(settings_from_environment()))
    out.print(f"New tokens are signed with {kid}; every process follows within a minute.")


@audit.command()
def verify(
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="A checkpoint that was kept elsewhere.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Verify the whole log, and that it still holds what a saved checkpoint signed.

    Prints the findings as JSON; the exit status is 1 where something is wrong.
    """
    from app import administration
    from app.schemas.audit import CheckpointDocument

    settings = settings_from_environment()
    try:
        saved = (
            CheckpointDocument.model_validate_json(checkpoint.read_bytes()) if checkpoint else None
        )
    except ValidationError:
        raise fail(f"{checkpoint} is not a checkpoint.") from None
    with Progress(console=out, transient=True) as bar:
        task = bar.add_task("Verifying", total=None)
        found = done(
            administration.verify_audit(
                settings, saved, lambda at, of: bar.update(task, completed=at, total=of)
            )
        )
    sys.stdout.write(found.model_dump_json(indent=1) + "\n")
    if not found.ok:
        raise fail(found.explanation)
    out.print(
        f"{found.explanation} {found.checked} events, {found.checkpoints_checked} checkpoints."
    )


@audit.command()
def checkpoint() -> None:
    """Sign the log as it is now, and print the checkpoint: keep it on another host."""
    from app import administration

    with out.status("Signing"):
        signed = done(administration.sign_audit(settings_from_environment()))
    sys.stdout.write(signed.model_dump_json(indent=1) + "\n")


@rules.command("list")
def list_rules() -> None:
    """Print every rule pack: kind, id and version, first day, and where it comes from."""
    from app.rules import all_packs

    for pack in all_packs():
        told = (pack.kind, pack.rule_id, pack.effective_from.isoformat(), pack.source)
        sys.stdout.write("\t".join(told) + "\n")


@rules.command("show")
def show_rule(rule_id: Annotated[str, typer.Argument(help="As `rules list` names it.")]) -> None:
    """Print one rule pack with its values, as JSON."""
    from app.rules import RulePackUnknown, by_rule_id

    try:
        pack = by_rule_id(rule_id)
    except RulePackUnknown:
        raise fail(f"There is no rule pack {rule_id}: see kemuning rules list.") from None
    told = {field.name: getattr(pack, field.name) for field in fields(pack)}
    text = json.dumps(told, indent=1, ensure_ascii=False, default=_plain)
    sys.stdout.write(text + "\n")


def _plain(value: Any) -> Any:
    """What JSON has no form of its own for: a read-only table, a day."""
    return dict(value) if isinstance(value, Mapping) else str(value)


@rules.command()
def replay(
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Compute every result again, and tell which are not what their inputs and rules give.

    The exit status is 1 where one differs.
    """
    from app import administration

    settings = settings_from_environment()
    with Progress(console=out, transient=True) as bar:
        task = bar.add_task("Computing again", total=None)
        report = done(
            administration.replay_results(
                settings, lambda at, of: bar.update(task, completed=at, total=of)
            )
        )
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=1) + "\n")
    else:
        for each in report.differences:
            sys.stdout.write(f"{each.result_id}\t{' '.join(each.paths)}\n")
    if not report.ok:
        raise fail(f"{len(report.differences)} of {report.checked} results differ.")
    out.print(f"All {report.checked} results are what their inputs and rules give.")


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from app.main import create_app

    settings = Settings(
        environment="development",
        database_url="postgresql://nobody@localhost/none",
        secret_key=os.urandom(48).hex(),
    )
    document = create_app(settings).openapi()
    sys.stdout.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
