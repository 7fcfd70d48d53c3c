"""What an application would answer to a page, without running any of it.

The router finds what would serve a request, and what serves CORS is called as ever. Neither a
handler nor a middleware is: what they would do to the headers is not known.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping
from itertools import chain
from typing import Any, NamedTuple, cast

from aiohttp import hdrs, web
from aiohttp.abc import AbstractMatchInfo
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict
from yarl import URL

from . import _browser
from ._browser import Request
from ._fetch import HeaderList
from .mixin import has_method, mixin_view
from .preflight_handler import (
    Governor,
    Target,
    answer_to,
    governing,
    governor_of,
    governors,
    respond,
    serving_target,
)
from .urldispatcher_router_adapter import dispatches


class Answer(NamedTuple):
    """The answer to a request."""

    status: int | None
    """None if a handler would decide on it."""
    headers: HeaderList
    text: str = ""


class _Received(MutableMapping[str, Any]):
    """A request of :mod:`aiohttp.test_utils` together with what the router found for it."""

    def __init__(self, request: web.Request, match: AbstractMatchInfo) -> None:
        self._request = request
        self.match_info = match

    @property
    def app(self) -> web.Application:
        """The innermost application."""
        return self.match_info.apps[-1]

    @property
    def config_dict(self) -> Mapping[Any, Any]:
        """What the applications hold, from the innermost on."""
        return ChainMap(*cast("Any", reversed(self.match_info.apps)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)

    def __getitem__(self, key: str) -> Any:
        return self._request[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._request[key] = value

    def __delitem__(self, key: str) -> None:
        del self._request[key]

    def __iter__(self) -> Iterator[str]:
        return iter(cast("Mapping[str, Any]", self._request))

    def __len__(self) -> int:
        return len(self._request)


class Served:
    """An application that is asked what it would answer.

    :param app: the outermost one.
    """

    def __init__(self, app: web.Application) -> None:
        self.app = app

    async def preflight(self, request: Request) -> Answer:
        """The answer to the preflight of `request`."""
        received = await self.received_preflight(request)
        response = await self._answer_to_preflight(received, request)
        if response is None:
            return await _prepared(received, None)
        return await _prepared(received, response.status, response)

    async def actual(self, request: Request) -> Answer:
        """The answer to `request` itself, as far as it does not depend on the handler."""
        if request.method != request.method.upper():
            # aiohttp cannot read such a request.
            return Answer(web.HTTPBadRequest.status_code, ())
        received = await self.received(request)
        error = received.match_info.http_exception
        if error is not None:
            return await _prepared(received, error.status)
        route = getattr(received.match_info, "route", None)
        lacking = route is not None and not dispatches(route, request.method)
        return await _prepared(received, web.HTTPMethodNotAllowed.status_code if lacking else None)

    async def received_preflight(self, request: Request) -> web.Request:
        """The preflight of `request`, as the application would have it."""
        headers = tuple(_browser.preflight_headers(request).items())
        return await self._received(hdrs.METH_OPTIONS, request.url, headers)

    async def received(self, request: Request) -> web.Request:
        """`request`, as the application would have it."""
        headers = _browser.request_headers(request)
        return await self._received(request.method, request.url, headers)

    async def _received(self, method: str, url: URL, headers: HeaderList) -> web.Request:
        host = (hdrs.HOST, url.raw_authority)
        request = make_mocked_request(
            method, url.raw_path_qs, CIMultiDict([host, *headers]), app=self.app
        )
        match = await self.app.router.resolve(request)
        match.add_app(self.app)
        match.freeze()
        return cast("web.Request", _Received(request, match))

    async def serving(self, request: Request) -> Target:
        """What would serve `request`."""
        return await serving_target(await self.received_preflight(request), request.method)

    async def _answer_to_preflight(
        self, received: web.Request, request: Request
    ) -> web.Response | None:
        """The answer to a preflight; None if it is up to somebody's own handler."""
        match = received.match_info
        _, found = await governing(received, request.serialized_origin, request.method)
        if any(_intercepts(governor, match) for governor, _ in found):
            return await _judged(received)
        if match.http_exception is not None:
            return web.Response(status=match.http_exception.status)
        handler = match.route.handler
        view = mixin_view(handler)
        if view is not None and not any(governors(match.apps)):
            return web.Response(status=web.HTTPMethodNotAllowed.status_code)
        if governor_of(handler) is not None or (
            view is not None and not has_method(view, hdrs.METH_OPTIONS)
        ):
            return await _judged(received)
        return None

    async def middlewares_before(self, request: Request) -> list[str]:
        """The names of those that a preflight passes before it is judged."""
        received = await self.received_preflight(request)
        _, found = await governing(received, request.serialized_origin, request.method)
        names: list[str] = []
        for middleware in chain.from_iterable(app.middlewares for app in received.match_info.apps):
            owner = governor_of(middleware)
            if any(owner is governor for governor, _ in found):
                break
            if owner is None:
                names.append(getattr(middleware, "__name__", type(middleware).__name__))
        return names if found else []


def _intercepts(governor: Governor, match: AbstractMatchInfo) -> bool:
    """Whether `governor` answers preflights in front of what `match` leads to."""
    return any(
        governor_of(middleware) is governor for app in match.apps for middleware in app.middlewares
    )


async def _judged(received: web.Request) -> web.Response:
    try:
        return respond(received, await answer_to(received))
    except web.HTTPForbidden as refused:
        return refused


async def _prepared(
    received: web.Request, status: int | None, response: web.Response | None = None
) -> Answer:
    """The answer with the headers that it leaves the applications with."""
    if response is None:
        response = web.Response()
    for app in received.match_info.apps:
        for hook in app.on_response_prepare:
            if governor_of(hook) is not None:
                await hook(received, response)
    return Answer(status, tuple(response.headers.items()), response.text or "")
