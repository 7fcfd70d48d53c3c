"""Which methods of a CORS resource a page may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import ResourceOptions
from tests._support import ACAM, ACAO, ORIGIN, OTHER, cors_headers, hello, preflight

if TYPE_CHECKING:
    from pytest_aiohttp import AiohttpClient

NOT_ALLOWED = "CORS preflight request failed: request method {!r} is not allowed for {!r} origin"


# --- a method whose route was added ---------------------------------------------------------


@pytest.mark.parametrize("allow_methods", [None, (), ("PUT",), ("POST",), "*"])
@pytest.mark.parametrize("where", ["route", "resource", "defaults"])
async def test_a_method_whose_route_was_added_is_allowed_whatever_allow_methods_says(
    aiohttp_client: AiohttpClient, where: str, allow_methods: Any
) -> None:
    config = {ORIGIN: ResourceOptions(allow_methods=allow_methods)}
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=config if where == "defaults" else None)
    resource = cors.add(app.router.add_resource("/"), config if where == "resource" else None)
    cors.add(resource.add_route("POST", hello), config if where == "route" else None)
    client = await aiohttp_client(app)
    response = await preflight(client, method="POST")
    assert response.status == 200
    assert cors_headers(response) == {ACAO: ORIGIN, ACAM: "POST"}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
async def test_each_of_several_added_routes_is_allowed(
    aiohttp_client: AiohttpClient, method: str
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: ResourceOptions()})
    for added in ("GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"):
        cors.add(app.router.add_route(added, "/", hello))
    client = await aiohttp_client(app)
    assert cors_headers(await preflight(client, method=method)) == {ACAO: ORIGIN, ACAM: method}
    response = await client.request(method, "/", headers={hdrs.ORIGIN: ORIGIN})
    assert response.status == 200
    assert cors_headers(response) == {ACAO: ORIGIN}


# --- another method of the resource, in a preflight -----------------------------------------

OTHER_METHODS = [
    pytest.param(None, "POST", False, id="None refuses"),
    pytest.param([], "POST", False, id="an empty list refuses"),
    pytest.param(["GET", "PUT"], "POST", False, id="not listed"),
    pytest.param(["GET", "POST"], "POST", True, id="listed"),
    pytest.param(["get", "post"], "POST", True, id="listed in lower case"),
    pytest.param("*", "POST", True, id="star"),
    pytest.param("*", "BREW", True, id="star and a method nobody serves"),
]


@pytest.mark.parametrize("where", ["resource", "defaults"])
@pytest.mark.parametrize(("allow_methods", "method", "granted"), OTHER_METHODS)
async def test_another_method_is_allowed_only_if_allow_methods_has_it(
    aiohttp_client: AiohttpClient, where: str, allow_methods: Any, method: str, granted: bool
) -> None:
    config = {ORIGIN: ResourceOptions(allow_methods=allow_methods)}
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=config if where == "defaults" else None)
    resource = cors.add(app.router.add_resource("/"), config if where == "resource" else None)
    resource.add_route("POST", hello)
    response = await preflight(await aiohttp_client(app), method=method)
    if granted:
        assert response.status == 200
        assert cors_headers(response) == {ACAO: ORIGIN, ACAM: method}
    else:
        assert response.status == 403
        assert cors_headers(response) == {}
        assert await response.text() == NOT_ALLOWED.format(method, ORIGIN)


@pytest.mark.parametrize(("origin", "granted"), [(ORIGIN, False), (OTHER, True), ("null", True)])
async def test_the_options_that_match_the_origin_decide(
    aiohttp_client: AiohttpClient, origin: str, granted: bool
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = cors.add(
        app.router.add_resource("/"),
        {"*": ResourceOptions(allow_methods="*"), ORIGIN: ResourceOptions(allow_methods=["GET"])},
    )
    resource.add_route("POST", hello)
    response = await preflight(await aiohttp_client(app), method="POST", origin=origin)
    assert cors_headers(response) == ({ACAO: origin, ACAM: "POST"} if granted else {})


async def test_a_method_asked_for_in_lower_case_is_compared_without_case_and_echoed_as_it_came(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_resource("/"), {ORIGIN: ResourceOptions(allow_methods=["PATCH"])})
    response = await preflight(await aiohttp_client(app), method="patch")
    assert cors_headers(response) == {ACAO: ORIGIN, ACAM: "patch"}


# --- another method of the resource, in an actual request -----------------------------------


@pytest.mark.parametrize("where", ["resource", "defaults"])
async def test_without_allow_methods_a_method_not_added_is_sent_the_headers_of_the_resource(
    aiohttp_client: AiohttpClient, where: str
) -> None:
    config = {ORIGIN: ResourceOptions(allow_methods=None)}
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=config if where == "defaults" else None)
    resource = cors.add(app.router.add_resource("/"), config if where == "resource" else None)
    resource.add_route("POST", hello)
    client = await aiohttp_client(app)
    assert cors_headers(await client.post("/", headers={hdrs.ORIGIN: ORIGIN})) == {ACAO: ORIGIN}


async def test_a_route_that_was_added_makes_its_resource_send_the_defaults_elsewhere_too(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: ResourceOptions()})
    cors.add(app.router.add_get("/", hello))
    app.router.add_post("/", hello)
    client = await aiohttp_client(app)
    assert cors_headers(await client.post("/", headers={hdrs.ORIGIN: ORIGIN})) == {ACAO: ORIGIN}


async def test_a_resource_that_was_never_added_sends_nothing(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={"*": ResourceOptions(allow_methods="*")})
    cors.add(app.router.add_get("/added", hello))
    app.router.add_get("/", hello)
    client = await aiohttp_client(app)
    assert cors_headers(await client.get("/", headers={hdrs.ORIGIN: ORIGIN})) == {}
    assert (await preflight(client)).status == 405


# --- an OPTIONS handler of the application --------------------------------------------------


@pytest.mark.parametrize("entity", ["resource", "route", "OPTIONS route"])
async def test_a_resource_with_an_options_handler_of_its_own_is_refused_and_keeps_it(
    aiohttp_client: AiohttpClient, entity: str
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={"*": ResourceOptions()})
    resource = app.router.add_resource("/")
    routes = {
        "resource": resource,
        "route": resource.add_route("GET", hello),
        "OPTIONS route": resource.add_route("OPTIONS", hello),
    }
    add: Any = cors.add
    with pytest.raises(ValueError, match="already has OPTIONS handler"):
        add(routes[entity])
    client = await aiohttp_client(app)
    for response in (await preflight(client), await client.get("/", headers={"Origin": ORIGIN})):
        assert await response.text() == "hello"
        assert cors_headers(response) == {}
