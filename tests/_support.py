"""What the test modules share: origins, a handler, a preflight, the whole set of CORS headers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

if TYPE_CHECKING:
    from typing import TypeAlias

    from aiohttp import ClientResponse
    from aiohttp.test_utils import TestClient

    Client: TypeAlias = TestClient[web.Request, web.Application]

ORIGIN = "https://page.example"
OTHER = "https://other.example"

# Header names are long, and tables of them are unreadable.
ACAO = str(hdrs.ACCESS_CONTROL_ALLOW_ORIGIN)
ACAC = str(hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS)
ACEH = str(hdrs.ACCESS_CONTROL_EXPOSE_HEADERS)
ACAM = str(hdrs.ACCESS_CONTROL_ALLOW_METHODS)
ACAH = str(hdrs.ACCESS_CONTROL_ALLOW_HEADERS)
ACMA = str(hdrs.ACCESS_CONTROL_MAX_AGE)
ACRM = str(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
ACRH = str(hdrs.ACCESS_CONTROL_REQUEST_HEADERS)
VARY = str(hdrs.VARY)

# A directory for static resources to serve, and the name of a file in it.
STATIC_DIR = Path(__file__).parent
STATIC_FILE = Path(__file__).name


async def hello(_request: web.Request) -> web.Response:
    """A handler that knows nothing of CORS."""
    return web.Response(text="hello")


def cors_headers(response: ClientResponse) -> dict[str, str]:
    """Every CORS header of the response; one that is there twice shows both its values."""
    names = [name for name in response.headers if name.lower().startswith("access-control-")]
    return _joined(response, names)


def cors_and_vary(response: ClientResponse) -> dict[str, str]:
    """Every CORS header of the response, and what caches are told."""
    return cors_headers(response) | _joined(response, [n for n in response.headers if n == VARY])


def _joined(response: ClientResponse, names: list[str]) -> dict[str, str]:
    return {name: ", ".join(response.headers.getall(name)) for name in names}


async def preflight(
    client: Client,
    path: str = "/",
    *,
    method: str | None = "GET",
    headers: str | None = None,
    origin: str | None = ORIGIN,
) -> ClientResponse:
    """Send what a browser sends ahead of a request; None leaves a header out."""
    sent = {hdrs.ORIGIN: origin, ACRM: method, ACRH: headers}
    return await client.options(path, headers={k: v for k, v in sent.items() if v is not None})
