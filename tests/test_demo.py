"""`python -m aiohttp_cors demo` as a command. What its page shows: `browser/test_demo.py`."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientConnectionError, ClientSession, ClientTimeout
from aiohttp.test_utils import unused_port
from yarl import URL

import aiohttp_cors

from ._demo import finish, running_demo, start
from ._support import ACAO, ORIGIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def test_it_prints_the_url_of_a_page_and_of_an_api_on_another_origin(
    http: ClientSession,
) -> None:
    async with running_demo() as demo:
        async with http.get(demo.page) as page:
            assert page.content_type == "text/html"
            assert "<title>aiohttp-cors demo</title>" in await page.text()
        async with http.get(demo.api + "public") as api:
            assert api.content_type == "text/plain"
    assert URL(demo.page).origin() != URL(demo.api).origin()


async def test_the_page_learns_both_origins(http: ClientSession) -> None:
    async with running_demo() as demo, http.get(demo.page + "origins") as response:
        assert await response.json() == {
            "page": str(URL(demo.page).origin()),
            "api": str(URL(demo.api).origin()),
        }


ROUTES = {
    "GET public": True,
    "PUT notes": True,
    "DELETE notes": False,
    "POST session": True,
    "GET session": True,
    "GET things": True,
    "GET partner": False,
    "GET closed": False,
}


async def test_its_api_is_cors_enabled_for_the_page_on_some_routes(http: ClientSession) -> None:
    async def granted(api: str, origin: str) -> dict[str, bool]:
        answers: dict[str, bool] = {}
        for route in ROUTES:
            method, path = route.split()
            async with http.request(method, api + path, headers={"Origin": origin}) as response:
                assert response.status == 200
                answers[route] = response.headers.get(ACAO) == origin
        return answers

    async with running_demo() as demo:
        assert await granted(demo.api, str(URL(demo.page).origin())) == ROUTES
        assert not any((await granted(demo.api, ORIGIN)).values())


async def test_the_page_learns_what_the_api_received_and_answered(http: ClientSession) -> None:
    async with running_demo() as demo:
        page = str(URL(demo.page).origin())
        asked = {"Origin": page, "Access-Control-Request-Method": "PUT", "Accept": "*/*"}
        async with http.options(demo.api + "notes?case=mine", headers=asked) as response:
            assert response.status == 200
        async with http.get(demo.api + "closed?case=another"):
            pass
        async with http.get(demo.page + "traffic?case=mine") as response:
            [exchange] = await response.json()
    headers = dict(exchange.pop("response_headers"))
    headers.pop("Content-Type", None)  # aiohttp 3.9 gives one to an empty body
    assert headers == {
        "Access-Control-Allow-Methods": "PUT",
        "Access-Control-Allow-Origin": page,
        "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }
    assert exchange == {
        "method": "OPTIONS",
        "path": "/notes",
        "request_headers": [["Access-Control-Request-Method", "PUT"], ["Origin", page]],
        "status": 200,
        "reason": "OK",
    }


async def test_the_oldest_exchanges_are_forgotten(http: ClientSession) -> None:
    async with running_demo() as demo:
        for case in ["oldest", *["many"] * 200]:
            async with http.get(demo.api + "closed", params={"case": case}) as response:
                assert response.status == 200
        for case, remembered in (("oldest", 0), ("many", 200)):
            async with http.get(demo.page + "traffic", params={"case": case}) as response:
                assert len(await response.json()) == remembered


async def test_it_takes_the_ports_that_it_is_given() -> None:
    page, api = unused_port(), unused_port()
    async with running_demo("--port", str(page), "--api-port", str(api)) as demo:
        assert (URL(demo.page).port, URL(demo.api).port) == (page, api)


async def test_it_listens_on_the_loopback_address_alone(http: ClientSession) -> None:
    async with running_demo() as demo:
        for url in (demo.page, demo.api):
            assert URL(url).host == "127.0.0.1"
            # Where all of 127.0.0.0/8 is the machine itself, a server on all addresses answers.
            with pytest.raises(ClientConnectionError):
                await http.get(
                    URL(url).with_host("127.0.0.2"), timeout=ClientTimeout(sock_connect=2)
                )


@pytest.mark.parametrize("option", ["--port", "--api-port"])
async def test_a_port_in_use_is_one_line_and_status_1(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, output, errors = await finish(await start("demo", option, str(port)))
    assert (status, output) == (1, "")
    assert re.fullmatch(rf"demo: cannot listen on 127\.0\.0\.1:{port}: .*in use\n", errors)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
async def test_a_signal_stops_it_with_status_0_whoever_is_connected(
    number: signal.Signals, http: ClientSession
) -> None:
    async with running_demo() as demo:
        async with http.get(demo.page) as page:  # and the connection is kept
            assert page.status == 200
        demo.process.send_signal(number)
        status, _, errors = await finish(demo.process)
        assert (status, errors) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--port", "http"],
        ["demo", "--port", "-1"],
        ["demo", "--api-port", "65536"],
        ["demo", "surplus"],
        ["nonsense"],
        ["--nonsense"],
    ],
    ids=" ".join,
)
async def test_a_usage_error_is_status_2(arguments: list[str]) -> None:
    status, output, errors = await finish(await start(*arguments))
    assert (status, output) == (2, "")
    assert errors.startswith("usage: python -m aiohttp_cors")


async def test_without_a_command_the_help_lists_the_commands() -> None:
    status, output, errors = await finish(await start())
    assert (status, errors) == (0, "")
    assert re.search(r"^ +demo +\w+", output, re.MULTILINE)


async def test_importing_the_package_imports_no_command() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys, aiohttp_cors; print([name for name in sys.modules if '_cli' in name])",
        cwd=Path(aiohttp_cors.__file__).parents[1],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert await finish(process) == (0, "[]\n", "")
