"""`kemuning`: everything that is done from a terminal."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from app.settings import Settings

app = typer.Typer(
    help="Kemuning: the civil service of a local government, arranged in the open.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
out = Console(stderr=True)
"""People read standard error; standard output is for what a program reads."""

Folder = Annotated[Path, typer.Option(help="Where the demo keeps its data.")]
DEMO_FOLDER = Path(".kemuning-demo")


def fail(text: str) -> typer.Exit:
    """Say what is wrong, and end with status 1."""
    out.print(f"[red]{text}[/red]")
    return typer.Exit(1)


def settings_from_environment() -> Settings:
    """The settings, or a plain sentence for each that is missing or wrong."""
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        for problem in error.errors(include_input=False):
            name = "KEMUNING_" + str(problem["loc"][0]).upper() if problem["loc"] else ""
            out.print(f"[red]{name}[/red] {problem['msg']}")
        raise typer.Exit(2) from None


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

    settings_from_environment()
    uvicorn.run(
        "app.main:app_from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=20,
    )


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
    with out.status("Migrating"):
        installation.migrate(settings.owner_url)
    if settings.login_password is not None:
        password = settings.login_password.get_secret_value()
        asyncio.run(installation.set_login_password(settings.owner_url, password))
    out.print("The schema is up to date.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Import the good rows although others are wrong.")
    ] = False,
    create_positions: Annotated[
        bool, typer.Option("--create-positions", help="Create positions that are missing.")
    ] = False,
    url: Annotated[str, typer.Option(envvar="KEMUNING_URL")] = "http://127.0.0.1:8000",
    login: Annotated[str, typer.Option(envvar="KEMUNING_LOGIN", prompt=True)] = "",
    password_file: Annotated[
        Path | None, typer.Option(help="Read the password from here.", exists=True)
    ] = None,
    service: Annotated[
        bool, typer.Option("--service", help="The login is a service client's id.")
    ] = False,
) -> None:
    """Import employees from an XLSX or CSV file, through the API of a running server.

    The password is read from --password-file, from KEMUNING_PASSWORD, or asked for. Wrong rows
    are written beside the file, to be mended; the exit status is then 1.
    """
    from app.import_client import Credentials, ImportFailed, Order, import_file

    if password_file is not None:
        password = password_file.read_text().strip()
    else:
        password = os.environ.get("KEMUNING_PASSWORD") or typer.prompt("Password", hide_input=True)
    credentials = Credentials(login, password, service, lambda: str(typer.prompt("TOTP code")))
    order = Order(file, dry_run, partial, create_positions)
    try:
        good = import_file(url, credentials, order, out)
    except ImportFailed as failed:
        raise fail(str(failed)) from None
    if not good:
        raise typer.Exit(1)


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from app.main import create_app

    settings = Settings(
        environment="development",
        database_url="postgresql://nobody@localhost/none",  # type: ignore[arg-type]
        secret_key=os.urandom(48).hex(),  # type: ignore[arg-type]
    )
    document = create_app(settings).openapi()
    sys.stdout.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
