"""What a preflight is answered, word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import CorsViewMixin, ResourceOptions, preflight_handler
from tests._support import (
    ACAC,
    ACAH,
    ACAM,
    ACAO,
    ACMA,
    ORIGIN,
    OTHER,
    STATIC_DIR,
    STATIC_FILE,
    cors_headers,
    hello,
    preflight,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from pytest_aiohttp import AiohttpClient

    Config: TypeAlias = Mapping[str, ResourceOptions]

FAILED = "CORS preflight request failed: "


def application(config: Config, *, defaults: Config | None = None) -> web.Application:
    """One resource, two methods, of which GET is added."""
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=defaults)
    cors.add(app.router.add_get("/", hello, allow_head=False), config)
    app.router.add_post("/", hello)
    return app


# --- granted --------------------------------------------------------------------------------

ONE = ResourceOptions(allow_headers=["X-One"])
TRUSTED = ResourceOptions(allow_credentials=True, max_age=600)

GRANTED: list[Any] = [
    pytest.param({ORIGIN: ResourceOptions()}, {}, {}, id="least"),
    pytest.param({"*": ResourceOptions()}, {}, {}, id="star echoes the origin"),
    pytest.param({ORIGIN: TRUSTED}, {}, {ACAC: "true", ACMA: "600"}, id="credentials, max age"),
    pytest.param({"*": TRUSTED}, {}, {ACAC: "true", ACMA: "600"}, id="star with credentials"),
    pytest.param({ORIGIN: ResourceOptions(max_age=0)}, {}, {ACMA: "0"}, id="max age of 0"),
    pytest.param(
        {ORIGIN: ResourceOptions(expose_headers=["X-One"])}, {}, {}, id="exposed headers stay out"
    ),
    pytest.param({ORIGIN: ONE}, {}, {}, id="allowed headers stay out when they are not asked for"),
    pytest.param({ORIGIN: ONE}, {"headers": "X-One"}, {ACAH: "X-ONE"}, id="header"),
    pytest.param({ORIGIN: ONE}, {"headers": "x-one"}, {ACAH: "X-ONE"}, id="lower case"),
    pytest.param(
        {ORIGIN: ResourceOptions(allow_headers=["x-oNe"])},
        {"headers": "X-OnE"},
        {ACAH: "X-ONE"},
        id="mixed case",
    ),
    pytest.param({ORIGIN: ONE}, {"headers": " x-one\t"}, {ACAH: "X-ONE"}, id="blanks around"),
    pytest.param({ORIGIN: ONE}, {"headers": ",x-one, ,"}, {ACAH: "X-ONE"}, id="empty members"),
    pytest.param({ORIGIN: ONE}, {"headers": "x-one,X-ONE"}, {ACAH: "X-ONE"}, id="asked twice"),
    pytest.param({ORIGIN: ONE}, {"headers": ""}, {}, id="empty list of headers"),
    pytest.param({ORIGIN: ONE}, {"headers": " , "}, {}, id="list of empty members"),
    pytest.param(
        {ORIGIN: ResourceOptions(allow_headers="*")},
        {"headers": "x-whatever"},
        {ACAH: "X-WHATEVER"},
        id="star allows any header",
    ),
    pytest.param(
        {ORIGIN: ResourceOptions(allow_headers="*")},
        {"headers": "authorization"},
        {ACAH: "AUTHORIZATION"},
        id="star allows authorization",
    ),
    pytest.param(
        {ORIGIN: ResourceOptions(allow_headers=["Content-Type"])},
        {"headers": "content-type"},
        {ACAH: "CONTENT-TYPE"},
        id="safelisted header when listed",
    ),
]


@pytest.mark.parametrize(("config", "asked", "expected"), GRANTED)
async def test_a_granted_preflight_is_200_and_empty_and_says_what_was_asked(
    aiohttp_client: AiohttpClient,
    config: Config,
    asked: dict[str, str],
    expected: dict[str, str],
) -> None:
    response = await preflight(await aiohttp_client(application(config)), **asked)
    assert response.status == 200
    assert await response.read() == b""
    assert cors_headers(response) == {ACAO: ORIGIN, ACAM: "GET", **expected}


@pytest.mark.parametrize("allow_headers", [("x-one", "X-TWO", "x-Three"), "*"])
@pytest.mark.parametrize(
    "asked",
    ["x-one,x-three,x-two", "X-TWO, x-one, X-Three", "x-three ,\tx-two,,x-one,x-two ,"],
)
async def test_each_header_asked_for_is_granted_once_in_upper_case_without_blanks(
    aiohttp_client: AiohttpClient, allow_headers: Any, asked: str
) -> None:
    app = application({ORIGIN: ResourceOptions(allow_headers=allow_headers)})
    response = await preflight(await aiohttp_client(app), headers=asked)
    assert response.status == 200
    granted = cors_headers(response)[ACAH]
    assert sorted(granted.split(",")) == ["X-ONE", "X-THREE", "X-TWO"]


async def test_only_the_method_asked_for_is_named(aiohttp_client: AiohttpClient) -> None:
    app = application({ORIGIN: ResourceOptions(allow_methods=["GET", "POST", "PUT"])})
    response = await preflight(await aiohttp_client(app), method="PUT")
    assert cors_headers(response) == {ACAO: ORIGIN, ACAM: "PUT"}


async def test_the_handler_is_not_run_by_a_preflight(aiohttp_client: AiohttpClient) -> None:
    runs: list[str] = []

    async def record(request: web.Request) -> web.Response:
        runs.append(request.method)
        return web.Response()

    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={"*": ResourceOptions(allow_methods="*")})
    cors.add(app.router.add_route("GET", "/", record))
    client = await aiohttp_client(app)
    assert (await preflight(client)).status == 200
    assert runs == []


async def test_static_files_answer_preflights(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={"*": ResourceOptions(allow_methods=["GET"])})
    cors.add(app.router.add_static("/static", STATIC_DIR))
    response = await preflight(await aiohttp_client(app), f"/static/{STATIC_FILE}")
    assert response.status == 200
    assert cors_headers(response) == {ACAO: ORIGIN, ACAM: "GET"}


# --- refused --------------------------------------------------------------------------------

ALL: dict[str, Any] = {"*": ResourceOptions(allow_headers="*", allow_methods="*")}

REFUSED: list[Any] = [
    pytest.param(
        ALL, {"origin": None}, "origin header is not specified in the request", id="no origin"
    ),
    pytest.param(
        {ORIGIN: ONE},
        {"method": None},
        "'Access-Control-Request-Method' header is not specified",
        id="no method",
    ),
    pytest.param(
        ALL,
        {"origin": None, "method": None},
        "origin header is not specified in the request",
        id="neither",
    ),
    pytest.param(
        {ORIGIN: ONE},
        {"method": "POST"},
        f"request method 'POST' is not allowed for '{ORIGIN}' origin",
        id="method",
    ),
    pytest.param(
        {ORIGIN: ONE},
        {"method": "POST", "origin": "http://x"},
        "request method 'POST' is not allowed for 'http://x' origin",
        id="method before origin",
    ),
    pytest.param(
        {ORIGIN: ONE},
        {"method": "get"},
        f"request method 'get' is not allowed for '{ORIGIN}' origin",
        id="method in lower case",
    ),
    pytest.param(
        {ORIGIN: ONE},
        {"method": "POST", "headers": "X-Test"},
        f"request method 'POST' is not allowed for '{ORIGIN}' origin",
        id="method before headers",
    ),
    pytest.param({}, {}, "no origins are allowed", id="empty config"),
    pytest.param(
        {ORIGIN: ONE}, {"origin": "http://x"}, "origin 'http://x' is not allowed", id="origin"
    ),
    pytest.param({ORIGIN: ONE}, {"origin": "null"}, "origin 'null' is not allowed", id="null"),
    pytest.param(
        {ORIGIN: ONE},
        {"origin": OTHER, "headers": "X-Test"},
        f"origin '{OTHER}' is not allowed",
        id="origin before headers",
    ),
    pytest.param({ORIGIN: ONE}, {"headers": "Test"}, "headers are not allowed: TEST", id="header"),
    pytest.param(
        {ORIGIN: ONE},
        {"headers": "x-one, test"},
        "headers are not allowed: TEST",
        id="one header of two",
    ),
    pytest.param(
        {ORIGIN: ONE},
        {"headers": "content-type"},
        "headers are not allowed: CONTENT-TYPE",
        id="safelisted header",
    ),
    pytest.param(
        {ORIGIN: ONE}, {"headers": "accept"}, "headers are not allowed: ACCEPT", id="accept"
    ),
    pytest.param(
        {ORIGIN: ResourceOptions()},
        {"headers": "X-One"},
        "headers are not allowed: X-ONE",
        id="no header allowed",
    ),
]


@pytest.mark.parametrize(("config", "asked", "reason"), REFUSED)
async def test_a_refused_preflight_is_403_without_cors_headers_and_tells_why(
    aiohttp_client: AiohttpClient, config: Config, asked: dict[str, Any], reason: str
) -> None:
    response = await preflight(await aiohttp_client(application(config)), **asked)
    assert response.status == 403
    assert cors_headers(response) == {}
    assert await response.text() == FAILED + reason


async def test_all_headers_that_are_not_allowed_are_named(aiohttp_client: AiohttpClient) -> None:
    app = application({ORIGIN: ONE})
    response = await preflight(await aiohttp_client(app), headers="x-two, x-one, x-three,X-Two")
    assert response.status == 403
    text = await response.text()
    assert text.startswith(f"{FAILED}headers are not allowed: ")
    assert sorted(text.rpartition(": ")[2].split(", ")) == ["X-THREE", "X-TWO"]


async def test_an_empty_route_config_leaves_the_defaults_standing(
    aiohttp_client: AiohttpClient,
) -> None:
    app = application({}, defaults={OTHER: ResourceOptions()})
    response = await preflight(await aiohttp_client(app))
    assert await response.text() == f"{FAILED}origin '{ORIGIN}' is not allowed"


# --- OPTIONS that is no preflight -----------------------------------------------------------


class Page(CorsViewMixin, web.View):
    async def get(self) -> web.Response:
        return await hello(self.request)


@pytest.mark.parametrize("view", [False, True], ids=["route", "view"])
@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({}, "origin header is not specified in the request"),
        ({hdrs.ORIGIN: ORIGIN}, "'Access-Control-Request-Method' header is not specified"),
    ],
    ids=["no origin", "no method"],
)
async def test_an_options_request_that_is_no_preflight_is_refused_with_the_reason(
    aiohttp_client: AiohttpClient, view: bool, sent: dict[str, str], reason: str
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={"*": ResourceOptions(allow_headers="*")})
    cors.add(app.router.add_view("/", Page) if view else app.router.add_get("/", hello))
    client = await aiohttp_client(app)
    response = await client.options("/", headers=sent)
    assert response.status == 403
    assert cors_headers(response) == {}
    assert await response.text() == FAILED + reason


async def test_middlewares_see_a_preflight_and_may_answer_it_themselves(
    aiohttp_client: AiohttpClient,
) -> None:
    @web.middleware
    async def demand_a_login(request: web.Request, handler: Any) -> web.StreamResponse:
        raise web.HTTPUnauthorized

    app = application(ALL)
    app.middlewares.append(demand_a_login)
    response = await preflight(await aiohttp_client(app))
    assert response.status == 401
    assert cors_headers(response) == {}


# --- the handler by itself ------------------------------------------------------------------


# The name is private, and is known to applications nevertheless.
BareHandler: Any = vars(preflight_handler)["_PreflightHandler"]


async def test_the_bare_handler_has_no_config() -> None:
    handler = BareHandler()
    with pytest.raises(NotImplementedError):
        await handler._get_config(None, ORIGIN, "GET")


async def test_a_handler_with_a_config_of_its_own_answers_preflights(
    aiohttp_client: AiohttpClient,
) -> None:
    class Own(BareHandler):  # type: ignore[misc] # the base is private, and so are its types
        async def _get_config(self, _request: web.Request, origin: str, method: str) -> Any:
            if method == "DELETE":
                raise KeyError(method)
            return {origin: ResourceOptions(max_age=7)}

    app = web.Application()
    app.router.add_options("/", Own()._preflight_handler)
    client = await aiohttp_client(app)
    granted = await preflight(client, method="PUT")
    refused = await preflight(client, method="DELETE")
    assert cors_headers(granted) == {ACAO: ORIGIN, ACAM: "PUT", ACMA: "7"}
    assert refused.status == 403
    assert await refused.text() == (
        f"{FAILED}request method 'DELETE' is not allowed for '{ORIGIN}' origin"
    )
