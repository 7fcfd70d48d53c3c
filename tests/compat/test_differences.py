"""What differs from 0.8.1, section by section of the page of that name, over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import ResourceOptions
from tests._support import ACAM, ACAO, ORIGIN, VARY, cors_and_vary, hello, preflight

if TYPE_CHECKING:
    from pytest_aiohttp import AiohttpClient

VARY_ACTUAL = {VARY: "Origin"}
VARY_PREFLIGHT = {VARY: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
REFUSED = VARY_PREFLIGHT
READABLE = {ACAO: ORIGIN, **VARY_ACTUAL}


def granted(method: str) -> dict[str, str]:
    return {ACAO: ORIGIN, ACAM: method, **VARY_PREFLIGHT}


# --- an application that is mounted over the path of a resource ------------------------------


def mounted_over_a_resource() -> tuple[web.Application, web.Application, web.Resource]:
    """A PUT of `/api` goes on into the application that is mounted there, which has no `/`."""
    app, mounted = web.Application(), web.Application()
    resource = app.router.add_resource("/api")
    resource.add_route("GET", hello)
    mounted.router.add_get("/users", hello)
    app.add_subapp("/api", mounted)
    return app, mounted, resource


async def test_what_a_preflight_grants_can_be_read_though_a_mounted_application_answers(
    aiohttp_client: AiohttpClient,
) -> None:
    app, _, resource = mounted_over_a_resource()
    cors = aiohttp_cors.setup(app)
    cors.add(resource, {ORIGIN: ResourceOptions(allow_methods=["PUT"])})
    client = await aiohttp_client(app)
    assert cors_and_vary(await preflight(client, "/api", method="PUT")) == granted("PUT")
    response = await client.put("/api", headers={hdrs.ORIGIN: ORIGIN})
    assert response.status == 404
    assert cors_and_vary(response) == READABLE


@pytest.mark.parametrize(("taken_away", "allowed"), [(True, False), (False, True)])
async def test_a_mounted_application_has_its_word_about_what_it_answers(
    aiohttp_client: AiohttpClient, taken_away: bool, allowed: bool
) -> None:
    app, mounted, resource = mounted_over_a_resource()
    cors = aiohttp_cors.setup(app, defaults={"*": ResourceOptions(allow_methods=["PUT"])})
    cors.add(resource)
    cors.add(mounted, {"*": None} if taken_away else None)
    client = await aiohttp_client(app)
    response = await preflight(client, "/api", method="PUT")
    assert cors_and_vary(response) == (granted("PUT") if allowed else REFUSED)
    response = await client.put("/api", headers={hdrs.ORIGIN: ORIGIN})
    assert response.status == 404
    assert cors_and_vary(response) == (READABLE if allowed else VARY_ACTUAL)


async def test_a_404_of_a_mounted_application_that_was_added_can_be_read(
    aiohttp_client: AiohttpClient,
) -> None:
    app, mounted, _ = mounted_over_a_resource()
    aiohttp_cors.setup(app).add(mounted, {ORIGIN: ResourceOptions()})
    client = await aiohttp_client(app)
    response = await client.put("/api", headers={hdrs.ORIGIN: ORIGIN})
    assert response.status == 404
    assert cors_and_vary(response) == READABLE
