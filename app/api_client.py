"""Talking to a running server from a terminal: signing in, and its refusals as sentences."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import httpx

API = "/api/v1"


class ServerRefused(Exception):
    """Why it could not be done, in a sentence for who asked."""


class Credentials(NamedTuple):
    """Of an officer, or of a service client; `ask_code` asks the officer for a TOTP code."""

    login: str
    password: str
    service: bool
    ask_code: Callable[[], str]


@contextmanager
def signed_in(url: str, credentials: Credentials) -> Iterator[httpx.Client]:
    """A client of the API of that server. Errors: ServerRefused, in the block too."""
    try:
        with httpx.Client(base_url=url.rstrip("/") + API, timeout=60) as client:
            token = _sign_in(client, credentials)
            client.headers["Authorization"] = f"Bearer {token}"
            yield client
    except httpx.UnsupportedProtocol as error:
        raise ServerRefused(f"{url} is no address: begin it with http:// or https://") from error
    except httpx.HTTPError as error:
        raise ServerRefused(f"{url} does not answer: {type(error).__name__}") from error


def _sign_in(client: httpx.Client, credentials: Credentials) -> str:
    login, password = credentials.login, credentials.password
    if credentials.service:
        form = {
            "grant_type": "client_credentials",
            "client_id": login,
            "client_secret": password,
        }
        return str(checked(client.post("/sign-in/token", data=form)).json()["access_token"])
    body = {"login": login, "password": password}
    answer = client.post("/sign-in", json=body)
    if answer.status_code >= 400 and answer.json().get("code") == "second_factor_required":
        answer = client.post("/sign-in", json={**body, "totp_code": credentials.ask_code()})
    return str(checked(answer).json()["access_token"])


def checked(answer: httpx.Response) -> httpx.Response:
    """The answer, where it is none of the server's problems. Errors: ServerRefused."""
    if answer.status_code < 400:
        return answer
    try:
        problem = answer.json()
        details = [problem["title"], problem.get("detail")]
        details += [f"{e['pointer']}: {e['detail']}" for e in problem.get("errors", ())]
    except (ValueError, KeyError, TypeError):
        details = [f"The server answered {answer.status_code}"]
    raise ServerRefused(". ".join(d for d in details if d))
