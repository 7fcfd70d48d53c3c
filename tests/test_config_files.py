"""The page on configs in files: what its TOML and its JSON say is what is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import hdrs

from . import _snippets
from ._support import ACAC, ACAH, ACAM, ACAO, ACEH, ACMA, cors_headers, preflight

if TYPE_CHECKING:
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
