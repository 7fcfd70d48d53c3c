"""What a request costs, counted in calls and bytes: alike on every machine, and never timed."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import ResourceOptions

from ._support import ACRH, ACRM, OTHER, hello

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

    from pytest_aiohttp.plugin import AiohttpClient

PACKAGE = str(Path(aiohttp_cors.__file__).parent)

OPTIONS = ResourceOptions(
    allow_credentials=True,
    expose_headers=["X-Total"],
    allow_headers=["Content-Type", "X-Token"],
    max_age=600,
)
LAST = "https://page.site999.example"
ONE_ORIGIN = {LAST: OPTIONS}
ORIGINS = {f"https://page.site{number}.example": OPTIONS for number in range(1_000)}
ONE_PATTERN = {"https://*.site999.example": OPTIONS}
PATTERNS = {f"https://*.site{number}.example": OPTIONS for number in range(1_000)}

PREFLIGHT = {hdrs.ORIGIN: LAST, ACRM: "GET", ACRH: "content-type,x-token"}
REQUESTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "allowed": ("GET", "/0", {hdrs.ORIGIN: LAST}),
    "refused": ("GET", "/0", {hdrs.ORIGIN: OTHER}),
    "without Origin": ("GET", "/0", {}),
    "to a route without CORS": ("GET", "/plain", {hdrs.ORIGIN: LAST}),
    "preflight": ("OPTIONS", "/0", PREFLIGHT),
}


def application(config: Mapping[str, ResourceOptions], routes: int = 1) -> web.Application:
    """One with routes under one config, and a route that is not CORS-enabled."""
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    for number in range(routes):
        cors.add(app.router.add_get(f"/{number}", hello), config)
    app.router.add_get("/plain", hello)
    return app


async def calls(client: AiohttpClient, app: web.Application) -> dict[str, int]:
    """How many functions of the package each request enters; a coroutine, each time it goes on."""
    entered: list[str] = []

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            entered.append(frame.f_code.co_name)

    sender = await client(app)
    counted: dict[str, int] = {}
    for name, (method, path, headers) in REQUESTS.items():
        # What is found out by the first request is known to the second.
        await sender.request(method, path, headers=headers)
        entered.clear()
        sys.setprofile(count)
        try:
            response = await sender.request(method, path, headers=headers)
        finally:
            sys.setprofile(None)
        assert response.status == 200
        counted[name] = len(entered)
    return counted


async def test_a_request_takes_few_calls(aiohttp_client: AiohttpClient) -> None:
    most = {
        "allowed": 2,
        "refused": 2,
        "without Origin": 1,
        "to a route without CORS": 1,
        "preflight": 8,
    }

    counted = await calls(aiohttp_client, application(ONE_ORIGIN))

    assert {name: number for name, number in counted.items() if number > most[name]} == {}


@pytest.mark.parametrize(
    ("few", "many", "routes"),
    [
        pytest.param(ONE_ORIGIN, ORIGINS, 1, id="1,000 origins"),
        pytest.param(ONE_ORIGIN, ONE_ORIGIN, 5_000, id="5,000 routes"),
        pytest.param(ONE_PATTERN, PATTERNS, 1, id="1,000 patterns"),
    ],
)
async def test_a_request_takes_no_more_calls_where_more_is_configured(
    aiohttp_client: AiohttpClient,
    few: Mapping[str, ResourceOptions],
    many: Mapping[str, ResourceOptions],
    routes: int,
) -> None:
    expected = await calls(aiohttp_client, application(few))

    assert await calls(aiohttp_client, application(many, routes)) == expected


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda: ORIGINS, id="one dict for all routes"),
        pytest.param(lambda: dict(ORIGINS), id="an equal dict for each route"),
    ],
)
def test_routes_with_equal_configs_share_one(
    written: Callable[[], Mapping[str, ResourceOptions]],
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    first, *others = (app.router.add_get(f"/{number}", hello) for number in range(200))
    cors.add(first, written())
    gc.collect()
    tracemalloc.start()

    for route in others:
        cors.add(route, written())
    gc.collect()
    added, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # A route of its own for preflights takes most of it; 1,000 origins would take 100,000.
    assert added / len(others) < 1_500  # bytes
