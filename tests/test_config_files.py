"""Options written as dicts: the page on configs in files, and what dicts can do."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors.resource_options import Options

from . import _snippets
from ._support import ACAC, ACAH, ACAM, ACAO, ACEH, ACMA, cors_headers, hello, preflight

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from pytest_aiohttp.plugin import AiohttpClient

    from ._support import Client

PAGE = _snippets.DOCS / "howto" / "config-files.rst"
APP = "https://app.example"
PREVIEW = "https://pr-7.preview.example"
TENANT = "https://tenant-12.example.com"
OTHER = "https://other.example"


@pytest.fixture
async def clients(tmp_path: Path, aiohttp_client: AiohttpClient) -> list[Client]:
    """Clients of the application that reads TOML, and of the one that reads JSON."""
    return [await aiohttp_client(app) for app in _snippets.run(PAGE, tmp_path).apps]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (APP, {ACAO: APP, ACAC: "true", ACEH: "ETag"}),
        (PREVIEW, {ACAO: PREVIEW}),
        (OTHER, {}),
    ],
)
async def test_a_response_has_the_headers_that_the_toml_file_says(
    clients: list[Client], origin: str, expected: dict[str, str]
) -> None:
    toml, _ = clients
    response = await toml.get("/", headers={hdrs.ORIGIN: origin})
    assert (response.status, cors_headers(response)) == (200, expected)


@pytest.mark.parametrize(
    ("origin", "status", "expected"),
    [
        (APP, 200, {ACAC: "true", ACMA: "3600"}),
        (PREVIEW, 200, {}),
        (OTHER, 403, None),
    ],
)
async def test_a_preflight_is_answered_as_the_toml_file_says(
    clients: list[Client], origin: str, status: int, expected: dict[str, str] | None
) -> None:
    toml, _ = clients
    response = await preflight(toml, method="PUT", headers="content-type", origin=origin)
    granted = {ACAO: origin, ACAM: "PUT", ACAH: "CONTENT-TYPE"}
    assert response.status == status
    assert cors_headers(response) == ({} if expected is None else granted | expected)


@pytest.mark.parametrize(
    ("path", "origin", "expected"),
    [
        ("/", OTHER, {ACAO: OTHER, ACEH: "ETag"}),
        ("/", APP, {ACAO: APP, ACEH: "ETag"}),
        ("/", TENANT, {ACAO: TENANT}),
        ("/account", APP, {ACAO: APP, ACAC: "true"}),
        ("/account", OTHER, {}),
    ],
)
async def test_a_response_has_the_headers_that_the_json_file_says(
    clients: list[Client], path: str, origin: str, expected: dict[str, str]
) -> None:
    _, json = clients
    response = await json.get(path, headers={hdrs.ORIGIN: origin})
    assert (response.status, cors_headers(response)) == (200, expected)


@pytest.mark.parametrize(
    ("origin", "status", "expected"),
    [
        (APP, 200, {ACAO: APP, ACAC: "true", ACAM: "PUT", ACAH: "CONTENT-TYPE"}),
        (OTHER, 403, {}),
    ],
)
async def test_a_preflight_is_answered_as_the_json_file_says(
    clients: list[Client], origin: str, status: int, expected: dict[str, str]
) -> None:
    _, json = clients
    response = await preflight(
        json, "/account", method="PUT", headers="content-type", origin=origin
    )
    assert (response.status, cors_headers(response)) == (status, expected)


class Tenants:
    """A resolver that holds what cannot be copied, as one that asks a database does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def knows(self, _request: web.Request, origin: str) -> bool:
        return origin == TENANT


async def test_the_method_of_an_object_may_decide_beside_options_from_a_file(
    aiohttp_client: AiohttpClient,
) -> None:
    tenants = Tenants()
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    route = app.router.add_get("/", hello)
    for _ in range(2):
        cors.add(route, {tenants.knows: {"allow_credentials": True}})
    response = await (await aiohttp_client(app)).get("/", headers={hdrs.ORIGIN: TENANT})
    assert cors_headers(response) == {ACAO: TENANT, ACAC: "true"}


@pytest.mark.parametrize(
    ("names", "more"),
    [
        pytest.param(listed := ["X-A"], lambda: listed.append("X-B"), id="a list"),
        pytest.param((keyed := {"X-A": 1}).keys(), lambda: keyed.update({"X-B": 2}), id="keys"),
    ],
)
async def test_options_that_change_between_two_routes_hold_for_each_as_they_were(
    aiohttp_client: AiohttpClient, names: Collection[str], more: Callable[[], None]
) -> None:
    options: Options = {"expose_headers": names}
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_get("/before", hello), {APP: options})
    cors.add(app.router.add_get("/same", hello), {APP: options})
    more()
    cors.add(app.router.add_get("/after", hello), {APP: options})
    cors.add(app.router.add_get("/none", hello), {APP: None})
    client = await aiohttp_client(app)
    exposed = {
        path: (await client.get(path, headers={hdrs.ORIGIN: APP})).headers.get(ACEH)
        for path in ("/before", "/same", "/after", "/none")
    }
    assert exposed == {"/before": "X-A", "/same": "X-A", "/after": "X-A,X-B", "/none": None}
