"""What went wrong in other CORS libraries and in configs by hand, and does not here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs, web
from multidict import CIMultiDict

import aiohttp_cors
from aiohttp_cors import ResourceOptions

from ._support import ACAC, ACAO, ACEH, ORIGIN, OTHER, VARY, cors_and_vary, hello, preflight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_aiohttp.plugin import AiohttpClient

    from aiohttp_cors.abc import Handler

    from ._support import Client

GOOD = "https://good.example"
WITH_COOKIES = ResourceOptions(allow_credentials=True)


async def serving(
    aiohttp_client: AiohttpClient, config: Mapping[Any, Any], handler: Handler = hello
) -> Client:
    app = web.Application()
    aiohttp_cors.setup(app).add(app.router.add_get("/", handler), config)
    return await aiohttp_client(app)


async def told(client: Client, origin: str | None, **headers: str) -> dict[str, str]:
    """The CORS headers and Vary of a response."""
    sent = headers if origin is None else {hdrs.ORIGIN: origin, **headers}
    return cors_and_vary(await client.get("/", headers=sent))


@pytest.mark.parametrize(
    "key",
    [GOOD, re.compile(r"https://good\.example"), re.compile("https://good.example|"), f"{GOOD}:*"],
    ids=repr,
)
@pytest.mark.parametrize(
    "origin",
    [
        "https://good.example.evil.io",
        "https://evil.io/https://good.example",
        "https://evilgood.example",
        "https://good.example@evil.io",
        "https://good.example:evil.io",
        "http://good.example",
        "https://good.exampl",
    ],
)
async def test_matching_that_is_not_anchored_lets_a_longer_host_in(
    aiohttp_client: AiohttpClient, key: Any, origin: str
) -> None:
    client = await serving(aiohttp_client, {key: WITH_COOKIES})
    assert await told(client, GOOD) == {ACAO: GOOD, ACAC: "true", VARY: "Origin"}
    assert await told(client, origin) == {VARY: "Origin"}
    assert (await preflight(client, origin=origin)).status == 403


async def test_a_dot_that_stands_for_any_character_lets_a_lookalike_in(
    aiohttp_client: AiohttpClient,
) -> None:
    client = await serving(aiohttp_client, {"https://*.good.example": WITH_COOKIES})
    assert await told(client, "https://a-good.example") == {VARY: "Origin"}
    assert await told(client, "https://a.goodxexample") == {VARY: "Origin"}


async def test_null_lets_any_page_in_that_has_a_sandboxed_frame(
    aiohttp_client: AiohttpClient,
) -> None:
    client = await serving(aiohttp_client, {GOOD: WITH_COOKIES, "https://*.example": WITH_COOKIES})
    assert await told(client, "null") == {VARY: "Origin"}
    assert (await preflight(client, origin="null")).status == 403


async def test_null_beside_credentials_is_found_and_refused_in_strict_mode(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(aiohttp_cors.CorsConfigError, match="null"):
        aiohttp_cors.setup(web.Application(), defaults={"null": WITH_COOKIES}, strict=True)
    aiohttp_cors.setup(web.Application(), defaults={"null": WITH_COOKIES})
    assert "null" in caplog.text


async def test_header_values_that_responses_share_pass_grants_on(
    aiohttp_client: AiohttpClient,
) -> None:
    shared = CIMultiDict({"X-One": "1"})

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(headers=shared)

    config = {
        ORIGIN: ResourceOptions(allow_credentials=True, expose_headers=["X-One"]),
        OTHER: ResourceOptions(),
    }
    client = await serving(aiohttp_client, config, handler)
    granted = {ACAO: ORIGIN, ACAC: "true", ACEH: "X-One", VARY: "Origin"}
    assert await told(client, ORIGIN) == granted
    assert await told(client, OTHER) == {ACAO: OTHER, VARY: "Origin"}
    assert await told(client, GOOD) == {VARY: "Origin"}
    assert await told(client, None) == {VARY: "Origin"}
    assert await told(client, ORIGIN) == granted


async def test_the_vary_of_a_request_is_copied_into_the_response(
    aiohttp_client: AiohttpClient,
) -> None:
    client = await serving(aiohttp_client, {"*": ResourceOptions()})
    assert await told(client, ORIGIN, Vary="*, X-Poison") == {ACAO: ORIGIN, VARY: "Origin"}


async def test_an_answer_that_does_not_vary_is_kept_for_other_origins(
    aiohttp_client: AiohttpClient,
) -> None:
    client = await serving(aiohttp_client, {"*": WITH_COOKIES})
    for origin in (ORIGIN, None, "not an origin"):
        assert "Origin" in (await told(client, origin))[VARY]
