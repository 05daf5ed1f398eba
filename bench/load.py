"""A small HTTP/1.1 load generator: keep-alive connections, each with one request under way.

Run as `python -m bench.load` in a process of its own, so that it doesn't share the server's
interpreter; reads a job as JSON on standard input, prints what it measured as JSON.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop


@dataclass
class Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer is whole."""

    requests: list[bytes]
    until: float
    latencies: list[float]
    statuses: dict[int, int]
    finished: asyncio.Future[None]
    turn: int = 0
    buffer: bytearray = field(default_factory=bytearray)
    expected: int = -1
    sent_at: float = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        now = time.perf_counter()
        if now >= self.until:
            self.transport.close()
            return
        self.sent_at = now
        self.transport.write(self.requests[self.turn % len(self.requests)])
        self.turn += 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.expected < 0:
            head_end = self.buffer.find(b"\r\n\r\n")
            if head_end < 0:
                return
            head = bytes(self.buffer[:head_end]).lower()
            status = int(head[9:12])
            self.statuses[status] = self.statuses.get(status, 0) + 1
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            self.expected = head_end + 4 + length
        if len(self.buffer) >= self.expected:
            del self.buffer[: self.expected]
            self.expected = -1
            self.latencies.append(time.perf_counter() - self.sent_at)
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_result(None)


async def run(job: dict[str, Any]) -> dict[str, Any]:
    """Load one server for some seconds: requests a second, latencies in ms, statuses."""
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    statuses: dict[int, int] = {}
    started = time.perf_counter()
    finished = []
    for requests in _requests(job):
        done: asyncio.Future[None] = loop.create_future()
        finished.append(done)
        connection = Connection(requests, started + job["seconds"], latencies, statuses, done)
        await loop.create_connection(lambda c=connection: c, "127.0.0.1", job["port"])
    await asyncio.gather(*finished)
    seconds = time.perf_counter() - started
    latencies.sort()
    return {
        "per_second": len(latencies) / seconds,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1000,
        "statuses": statuses,
    }


def _requests(job: dict[str, Any]) -> list[list[bytes]]:
    """Of each connection: `clients` with writes of their own, or all the same paths to read."""
    if "clients" in job:
        return [
            [_request(client["headers"], *request) for request in client["requests"]]
            for client in job["clients"]
        ]
    reads = [_request(job["headers"], "GET", path) for path in job["paths"]]
    starts = [number * 97 % len(reads) for number in range(job["connections"])]
    return [reads[start:] + reads[:start] for start in starts]


def _request(headers: dict[str, str], method: str, path: str, body: str = "") -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    if body:
        lines += f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n{body}".encode()


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(json.load(sys.stdin)))))
