"""Which options hold for an origin when route, resource and defaults all have some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import ResourceOptions
from tests._support import ACAM, ACAO, ACEH, ACMA, ORIGIN, OTHER, cors_headers, hello, preflight

if TYPE_CHECKING:
    from pytest_aiohttp import AiohttpClient

# Options that tell in the headers where they were written; methods are allowed in every layer,
# since what is asked here is which layer answers.
ROUTE = ResourceOptions(max_age=1, expose_headers=["X-Route"], allow_methods="*")
RESOURCE = ResourceOptions(max_age=2, expose_headers=["X-Resource"], allow_methods="*")
DEFAULTS = ResourceOptions(max_age=3, expose_headers=["X-Defaults"], allow_methods="*")

LAYERS = [
    pytest.param({ORIGIN}, {ORIGIN}, {ORIGIN}, ROUTE, id="route over all"),
    pytest.param({OTHER}, {ORIGIN}, {ORIGIN}, RESOURCE, id="resource over defaults"),
    pytest.param({OTHER}, {OTHER}, {ORIGIN}, DEFAULTS, id="defaults"),
    pytest.param({"*"}, {"*"}, {"*"}, ROUTE, id="star of the route"),
    pytest.param(set[str](), {"*"}, {"*"}, RESOURCE, id="star of the resource"),
    pytest.param(set[str](), set[str](), {"*"}, DEFAULTS, id="star of the defaults"),
    pytest.param({"*"}, {"*"}, {ORIGIN}, DEFAULTS, id="an exact origin anywhere over a star"),
    pytest.param({"*"}, {ORIGIN}, {ORIGIN}, RESOURCE, id="the nearest exact origin over a star"),
    pytest.param({OTHER}, {"*"}, {OTHER}, RESOURCE, id="a star when nothing else names it"),
    pytest.param({OTHER}, {OTHER}, {OTHER}, None, id="nothing"),
]


@pytest.mark.parametrize(("route", "resource", "defaults", "expected"), LAYERS)
async def test_the_nearest_exact_origin_holds_then_the_nearest_star(
    aiohttp_client: AiohttpClient,
    route: set[str],
    resource: set[str],
    defaults: set[str],
    expected: ResourceOptions | None,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=dict.fromkeys(defaults, DEFAULTS))
    added = cors.add(app.router.add_resource("/"), dict.fromkeys(resource, RESOURCE))
    cors.add(added.add_route("GET", hello), dict.fromkeys(route, ROUTE))
    client = await aiohttp_client(app)
    actual = cors_headers(await client.get("/", headers={hdrs.ORIGIN: ORIGIN}))
    asked = cors_headers(await preflight(client))
    if expected is None:
        assert (actual, asked) == ({}, {})
    else:
        assert actual == {ACAO: ORIGIN, ACEH: "".join(expected.expose_headers)}
        assert asked == {ACAO: ORIGIN, ACAM: "GET", ACMA: str(expected.max_age)}


async def test_layers_are_not_merged_option_by_option(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    everything = ResourceOptions(
        allow_credentials=True, expose_headers=["X-One"], allow_headers="*", max_age=1
    )
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: everything})
    cors.add(app.router.add_get("/", hello), {ORIGIN: ResourceOptions()})
    client = await aiohttp_client(app)
    actual = cors_headers(await client.get("/", headers={hdrs.ORIGIN: ORIGIN}))
    assert actual == {ACAO: ORIGIN}
    assert cors_headers(await preflight(client)) == {ACAO: ORIGIN, ACAM: "GET"}


async def test_the_config_of_a_route_does_not_reach_another_resource(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={OTHER: ResourceOptions()})
    cors.add(app.router.add_get("/one", hello), {ORIGIN: ResourceOptions()})
    cors.add(app.router.add_get("/two", hello))
    client = await aiohttp_client(app)
    one = await client.get("/one", headers={hdrs.ORIGIN: ORIGIN})
    two = await client.get("/two", headers={hdrs.ORIGIN: ORIGIN})
    assert cors_headers(one) == {ACAO: ORIGIN}
    assert cors_headers(two) == {}
