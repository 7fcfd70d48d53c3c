"""`python -m aiohttp_cors demo`: a page and an API of different origins.

The page makes cross-origin requests of every kind. The API notes each request that reaches it
and what it answers; the page reads these notes from its own origin, so that it can show what
happened to a request even where the browser keeps the answer from it. A form sends any other
request, and shows what the browser makes of it beside what `explain` says.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Mapping
from importlib import resources
from typing import TypedDict

from aiohttp import web

import aiohttp_cors
from aiohttp_cors import ResourceOptions
from aiohttp_cors._explain import explain

HOST = "127.0.0.1"
SESSION_COOKIE = "aiohttp_cors_demo"

# Of a request and its answer the page shows what matters here. X- are the demo's own headers.
_SHOWN_NAMES = frozenset({"content-type", "cookie", "origin", "set-cookie", "vary"})
_SHOWN_PREFIXES = ("access-control-", "x-")

# A visit of the page makes about a dozen.
_REMEMBERED_EXCHANGES = 200


class Exchange(TypedDict):
    """A request that reached the API, and the answer."""

    method: str
    path: str
    request_headers: list[tuple[str, str]]
    status: int
    reason: str
    response_headers: list[tuple[str, str]]


class Traffic:
    """The latest exchanges of the API, by the `case` parameter in the URLs of the requests."""

    def __init__(self) -> None:
        self._exchanges: deque[tuple[str, Exchange]] = deque(maxlen=_REMEMBERED_EXCHANGES)

    async def record(self, request: web.Request, response: web.StreamResponse) -> None:
        """Note an exchange: a hook for `on_response_prepare`."""
        exchange = Exchange(
            method=request.method,
            path=request.path,
            request_headers=_shown(request.headers),
            status=response.status,
            reason=response.reason or "",
            response_headers=_shown(response.headers),
        )
        self._exchanges.append((request.query.get("case", ""), exchange))

    def of(self, case: str) -> list[Exchange]:
        """The exchanges of one case, oldest first."""
        return [exchange for name, exchange in self._exchanges if name == case]


def _shown(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(
        (name, value)
        for name, value in headers.items()
        if name.lower() in _SHOWN_NAMES or name.lower().startswith(_SHOWN_PREFIXES)
    )


async def _public(_: web.Request) -> web.Response:
    return web.Response(text="Anyone may read this, where the browser lets them.")


async def _save_note(request: web.Request) -> web.Response:
    return web.Response(text=f"Saved: {await request.text()}")


async def _delete_note(_: web.Request) -> web.Response:
    return web.Response(text="Deleted.")


async def _sign_in(_: web.Request) -> web.Response:
    response = web.Response(text="Signed in.")
    response.set_cookie(SESSION_COOKIE, "visitor", httponly=True, samesite="Lax")
    return response


async def _who(request: web.Request) -> web.Response:
    return web.Response(text=f"Signed in as: {request.cookies.get(SESSION_COOKIE, 'nobody')}.")


async def _counted(_: web.Request) -> web.Response:
    headers = {"X-Total": "42", "X-Internal": "not for the page"}
    return web.Response(text="One page of 42 things.", headers=headers)


def api_app(page_origin: str, traffic: Traffic) -> web.Application:
    """The API: some of its routes are CORS-enabled for the page, some are not."""
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    # After setup(), whose own hook has to come first for the record to hold its headers.
    app.on_response_prepare.append(traffic.record)
    router = app.router

    cors.add(router.add_get("/public", _public), {page_origin: ResourceOptions()})
    cors.add(
        router.add_put("/notes", _save_note),
        {page_origin: ResourceOptions(allow_headers=("Content-Type", "X-Draft"))},
    )
    router.add_delete("/notes", _delete_note)

    session = {page_origin: ResourceOptions(allow_credentials=True)}
    cors.add(router.add_post("/session", _sign_in), session)
    cors.add(router.add_get("/session", _who), session)

    cors.add(
        router.add_get("/things", _counted),
        {page_origin: ResourceOptions(expose_headers=("X-Total",))},
    )
    router.add_get("/closed", _public)
    cors.add(
        router.add_get("/partner", _public),
        {"https://partner.example": ResourceOptions()},
    )
    return app


def page_app(
    page_origin: str, api_origin: str, api: web.Application, traffic: Traffic
) -> web.Application:
    """The page, and on its own origin what it has to know."""
    html = resources.files("aiohttp_cors._cli").joinpath("demo.html").read_text("utf-8")

    async def index(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    async def origins(_: web.Request) -> web.Response:
        return web.json_response({"page": page_origin, "api": api_origin})

    async def exchanges(request: web.Request) -> web.Response:
        return web.json_response(traffic.of(request.query.get("case", "")))

    async def explanation(request: web.Request) -> web.Response:
        try:
            asked = await request.json()
            said = await explain(
                api,
                asked["method"],
                api_origin + asked["path"],
                origin=page_origin,
                headers=asked["headers"],
                credentials=asked["credentials"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"There is no such request: {error}") from error
        return web.json_response({"readable": said.readable, "text": str(said)})

    app = web.Application()
    app.router.add_get("/", index)
    app.router.add_get("/origins", origins)
    app.router.add_get("/traffic", exchanges)
    app.router.add_post("/explanation", explanation)
    return app


def _origin(listening: socket.socket) -> str:
    return f"http://{HOST}:{listening.getsockname()[1]}"


async def _serve(page_socket: socket.socket, api_socket: socket.socket) -> None:
    """Serve until the process is asked to stop."""
    stop = asyncio.Event()
    # Where a loop has no signal handlers (Windows), Ctrl-C arrives as KeyboardInterrupt instead.
    with contextlib.suppress(NotImplementedError):
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)

    traffic = Traffic()
    page_origin, api_origin = _origin(page_socket), _origin(api_socket)
    api = api_app(page_origin, traffic)
    async with contextlib.AsyncExitStack() as running:
        for app, listening in (
            (page_app(page_origin, api_origin, api, traffic), page_socket),
            (api, api_socket),
        ):
            runner = web.AppRunner(app)
            running.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.SockSite(runner, listening).start()
        _say(
            f"Page: {page_origin}/",
            f"API:  {api_origin}/",
            "Open the page in a browser. Ctrl-C stops both.",
        )
        await stop.wait()


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    for option, server in (("--port", "page"), ("--api-port", "API")):
        parser.add_argument(
            option,
            type=_port,
            default=0,
            metavar="PORT",
            help=f"loopback port of the {server} (default: a free one)",
        )


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise OSError(f"cannot listen on {HOST}:{port}: {reason}") from error


def run(options: argparse.Namespace) -> int:
    """Run both servers until Ctrl-C or SIGTERM.

    :returns: 0, or 1 when a port cannot be had.
    """
    with contextlib.ExitStack() as sockets:
        try:
            page = sockets.enter_context(_listen(options.port))
            api = sockets.enter_context(_listen(options.api_port))
        except OSError as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(page, api))
    return 0
