"""Headless Chromium over its debugging pipe: as much of a client as the tests need.

The DevTools protocol is JSON messages ended by NUL, on the browser's descriptors 3 (in) and
4 (out); so neither a port nor a websocket library is needed.
"""

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # root in a container has no other way; it opens our own pages alone
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=AutofillServerCommunication",
    # Two ways out are closed: names, and for the browser's own errands a proxy that isn't there.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--proxy-server=127.0.0.1:9",
    "--remote-debugging-pipe",
)
PATIENCE = 60.0  # seconds, for a step that takes a fraction of one
QUIET = 0.5  # seconds without a message, after which a page is at rest
SEVERE = {"error", "warning", "assert"}
# Scrolls an element into view and gives the middle of it, where a person would press.
MIDDLE = """(element => {
  element.scrollIntoView({block: 'center', behavior: 'instant'});
  const box = element.getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
})"""
Message = dict[str, Any]


class Missing(Exception):
    """No Chromium on this machine."""


class Browser:
    """One process with an empty profile. Its pages reach all but this machine by `proxy`."""

    def __init__(self, profile: Path, proxy: str) -> None:
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if program is None:
            raise Missing(f"none of {', '.join(NAMES)} is on PATH")
        read_here, write_there = os.pipe()
        read_there, write_here = os.pipe()
        self.proxy = proxy
        # Bash puts the two descriptors in their places.
        bash = ["bash", "-c", 'exec "${@:3}" 3<&"$1" 4>&"$2"', "chromium"]
        bash += [str(read_there), str(write_there)]
        self._process = subprocess.Popen(
            [*bash, program, *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(read_there, write_there),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_there)
        os.close(write_there)
        self._in, self._out = read_here, write_here
        self._unread = b""
        self._last_id = 0
        self.events: list[Message] = []

    def call(self, method: str, session: str | None = None, **params: object) -> Message:
        """Send one command and wait for its result; what happens meanwhile joins `events`."""
        self._last_id += 1
        command = {"id": self._last_id, "method": method, "params": params}
        if session:
            command["sessionId"] = session
        os.write(self._out, json.dumps(command).encode() + b"\0")
        for message in self._messages(PATIENCE):
            if message.get("id") == self._last_id:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return dict(message["result"])
            self.events.append(message)
        raise TimeoutError(method)

    def rest(self) -> None:
        """Take in events until none has come for a while."""
        self.events.extend(self._messages(QUIET))

    def open(self, url: str) -> "Page":
        return Page(self, url)

    def close(self) -> None:
        try:
            self.call("Browser.close")
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            os.close(self._out)
            os.close(self._in)

    def _messages(self, patience: float) -> Iterator[Message]:
        """The messages to come, until none arrives within `patience` seconds."""
        while True:
            while b"\0" in self._unread:
                message, self._unread = self._unread.split(b"\0", 1)
                yield json.loads(message)
            if not select.select([self._in], [], [], patience)[0]:
                return
            chunk = os.read(self._in, 1 << 16)
            if not chunk:
                raise ConnectionError("Chromium has gone")
            self._unread += chunk


class Page:
    """A tab with a store and a cache of its own, and a record of what it asked and complained."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        context = browser.call("Target.createBrowserContext", proxyServer=browser.proxy)
        self._context = context["browserContextId"]
        tab = browser.call("Target.createTarget", url="about:blank", browserContextId=self._context)
        attached = browser.call("Target.attachToTarget", targetId=tab["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        # Before any script of the page, so that no violation goes by unheard.
        note = "addEventListener('securitypolicyviolation', e => (window.violations ??= [])"
        note += ".push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`))"
        self.call("Page.addScriptToEvaluateOnNewDocument", source=note)
        self.call("Page.navigate", url=url)

    def call(self, method: str, **params: object) -> Message:
        return self._browser.call(method, self._session, **params)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited where it is a promise."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """The expression's value as soon as it is true."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if value := self.evaluate(expression):
                return value
            time.sleep(0.05)
        raise TimeoutError(f"{expression}\n{self.complaints()}\n{self.text()}")

    def click(self, selector: str) -> None:
        """Press the first such element, with the mouse, as a person does."""
        find = f"document.querySelector({json.dumps(selector)})"
        self.wait_for(f"!!{find}")
        x, y = self.evaluate(f"{MIDDLE}({find})")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, selector: str, text: str) -> None:
        """Press the element and write into it."""
        self.click(selector)
        self.call("Input.insertText", text=text)

    def text(self) -> str:
        return str(self.evaluate("document.body.innerText"))

    def violations(self) -> list[str]:
        """What the page's Content-Security-Policy stopped."""
        return list(self.evaluate("window.violations ?? []"))

    def complaints(self) -> list[Message]:
        """Errors and warnings of the console, the network log and uncaught exceptions."""
        self._browser.rest()
        logged = [event["entry"] for event in self._events("Log.entryAdded")]
        said = self._events("Runtime.consoleAPICalled")
        return [
            *(entry for entry in logged if entry["level"] in SEVERE),
            *(call for call in said if call["type"] in SEVERE),
            *self._events("Runtime.exceptionThrown"),
        ]

    def requests(self) -> list[Message]:
        """Every request of the page: `url`, `method`, `headers`."""
        self._browser.rest()
        return [event["request"] for event in self._events("Network.requestWillBeSent")]

    def origins(self) -> set[str]:
        """Where its requests went; data: addresses go nowhere."""
        parts = [urlsplit(request["url"]) for request in self.requests()]
        return {f"{part.scheme}://{part.netloc}" for part in parts if part.scheme != "data"}

    def close(self) -> None:
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)

    def _events(self, method: str) -> list[Message]:
        return [
            event["params"]
            for event in self._browser.events
            if event.get("sessionId") == self._session and event["method"] == method
        ]
