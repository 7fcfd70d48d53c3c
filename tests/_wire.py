"""Requests byte for byte over a real socket, many on one connection, and what comes back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web
from multidict import CIMultiDict

from tests._support import VARY

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable
    from typing import TypeAlias

    Address: TypeAlias = tuple[str, int]

# A server that answers at all does so at once.
_PATIENCE = 20


class Sent(NamedTuple):
    """A request. Header values may be bytes that no client would send."""

    method: str
    path: str
    headers: tuple[tuple[str, str | bytes], ...] = ()
    host: str = "server.example"
    version: str = "1.1"

    def raw(self, *, last: bool = True) -> bytes:
        """The bytes of the request; the server closes the connection after the `last` one."""
        lines = [
            f"{self.method} {self.path} HTTP/{self.version}".encode(),
            b"Host: " + _raw(self.host),
        ]
        lines += [name.encode() + b": " + _raw(value) for name, value in self.headers]
        if last:
            lines.append(b"Connection: close")
        return b"\r\n".join([*lines, b"", b""])


def _raw(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


class Got(NamedTuple):
    """A response."""

    status: int
    headers: CIMultiDict[str]
    body: bytes = b""

    def cors(self) -> dict[str, str]:
        """Every CORS header; one that is there twice shows both its values."""
        return {
            name: ", ".join(self.headers.getall(name))
            for name in self.headers
            if name.lower().startswith("access-control-")
        }

    def cors_and_vary(self) -> dict[str, str]:
        """Every CORS header, and what caches are told."""
        vary = self.headers.getall(VARY, [])
        return self.cors() | ({VARY: ", ".join(vary)} if vary else {})


@asynccontextmanager
async def serving(app: web.Application) -> AsyncGenerator[Address, None]:
    """Serve `app` on a socket of its own."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        yield host, port
    finally:
        await runner.cleanup()


async def talk(address: Address, requests: Iterable[Sent]) -> list[Got | None]:
    """Send all requests at once over one connection. None stands for a response that was lost."""
    sent = list(requests)
    reader, writer = await asyncio.open_connection(*address)
    got: list[Got | None] = [None] * len(sent)
    try:
        writer.write(b"".join(one.raw(last=one is sent[-1]) for one in sent))
        for place, one in enumerate(sent):
            got[place] = await asyncio.wait_for(_read(reader, one.method), _PATIENCE)
    except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError):
        pass  # what is left is lost
    finally:
        writer.close()
    return got


async def _read(reader: asyncio.StreamReader, method: str) -> Got:
    status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8").split("\r\n")[:-2]
    status = int(status_line.split(" ")[1])
    pairs = (line.split(":", 1) for line in lines)
    headers = CIMultiDict((name, value.strip(" ")) for name, value in pairs)
    if method == "HEAD" or status < 200 or status in (204, 304):
        return Got(status, headers)
    if headers.get("Transfer-Encoding") == "chunked":
        return Got(status, headers, await _chunks(reader))
    return Got(status, headers, await reader.readexactly(int(headers.get("Content-Length", "0"))))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body
