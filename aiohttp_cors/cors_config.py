"""CorsConfig: what an application lets other origins do."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aiohttp import hdrs, web
from aiohttp.hdrs import (
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN,
    VARY,
)

from ._findings import Inspector
from ._origins import Ask
from ._policy import (
    VARY_ACTUAL,
    VARY_PREFLIGHT,
    Config,
    Layer,
    Policy,
    Refused,
    layers_of,
    merge_vary,
    write_actual,
)
from .abc import AbstractRouterAdapter
from .mixin import mixin_view, sources
from .preflight_handler import (
    Governor,
    Resolvers,
    Target,
    answer_to,
    asked_for,
    governing,
    governors,
    is_preflight,
    judge,
    log,
    respond,
)
from .resource_options import Granted
from .urldispatcher_router_adapter import ResourcesUrlDispatcherRouterAdapter, any_route

if TYPE_CHECKING:
    from multidict import CIMultiDict

    from ._audit import Audit
    from ._explanation import Explanation
    from .abc import Handler

__all__ = ("CorsConfig",)

E = TypeVar("E")

_WRITTEN: Final = (
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_EXPOSE_HEADERS,
)


class _CorsConfigImpl(Governor):
    """The edges: where requests of an application come in and responses leave."""

    def __init__(self, app: web.Application, router_adapter: AbstractRouterAdapter) -> None:
        self.app = app
        self._router_adapter = router_adapter
        self._intercepts = False
        self.resolvers = Resolvers()
        self.own = _own(router_adapter)
        self._settled: Mapping[web.AbstractRoute | None, Policy | None]
        self._settled = {} if self.own is None else self.own.settled
        app.on_response_prepare.append(self._on_response_prepare)

    def add(self, entity: Any, config: Layer) -> None:
        adapter = self._router_adapter
        if isinstance(adapter, ResourcesUrlDispatcherRouterAdapter) and adapter.needs_interception(
            entity
        ):
            self.intercept()
        adapter.add_preflight_handler(entity, self._preflight_handler)
        adapter.set_config_for_routing_entity(entity, config)

    def intercept(self) -> None:
        """Answer preflights in front of every other middleware."""
        if self._intercepts:
            return
        try:
            self.app.middlewares.insert(0, self._intercept)
        except RuntimeError as error:
            raise ValueError(
                "preflights cannot be intercepted once the application has started; "
                "call aiohttp_cors.setup(app, intercept_preflights=True) before"
            ) from error
        self._intercepts = True

    @web.middleware
    async def _intercept(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_preflight(request):
            origin = request.headers[ORIGIN]
            method = request.headers[ACCESS_CONTROL_REQUEST_METHOD]
            _, found = await governing(request, origin, method)
            if any(who is self for who, _ in found):
                asked = asked_for(request)
                return respond(
                    request,
                    asked if isinstance(asked, Refused) else await judge(request, asked, found),
                )
        return await handler(request)

    async def _preflight_handler(self, request: web.Request) -> web.StreamResponse:
        own, headers = self.own, request.headers
        if own is None:
            return respond(request, await answer_to(request))
        route = request.match_info.route
        # Pages send the same preflight again and again.
        key = (
            route,
            own.defaults.version,
            *headers.getall(ORIGIN, ()),
            None,
            *headers.getall(ACCESS_CONTROL_REQUEST_METHOD, ()),
            None,
            *headers.getall(ACCESS_CONTROL_REQUEST_HEADERS, ()),
        )
        if (known := own.answers.get(key)) is not None:
            return respond(request, known)
        asked = asked_for(request)
        if isinstance(asked, Refused):
            # Where a function serves all methods, what is no preflight is for it.
            function = None if is_preflight(request) else any_route(route)
            return respond(request, asked) if function is None else await function.handler(request)
        serving, found = await governing(request, asked.origin, asked.method)
        answer = await judge(request, asked, found)
        if [*governors(serving.apps)] == [self]:
            own.remember(key, answer, request, serving)
        return respond(request, answer)

    async def preflight_policy(
        self, request: web.Request, origin: str, method: str, serving: Target
    ) -> Policy | None:
        if self.own is not None:
            return self.own.policy(request, serving, method)
        adapter = self._router_adapter
        try:
            if adapter.is_cors_enabled_on_request(request):
                config = await adapter.get_preflight_request_config(request, origin, method)
                return Policy(layers_of(config))
        except KeyError:
            pass
        except Exception:  # whatever somebody's own code may raise
            log.exception("%r failed; the preflight is refused", adapter)
        return None

    async def actual_policy(self, request: web.Request) -> Policy | None:
        if self.own is not None:
            return await self.own.actual_policy(request)
        return self._adapters_policy(request)

    def written_on(self, serving: Target, method: str) -> list[tuple[object, Layer]]:
        return [] if self.own is None else self.own.written_on(serving, method)

    def _adapters_policy(self, request: web.Request) -> Policy | None:
        adapter = self._router_adapter
        try:
            if adapter.is_cors_enabled_on_request(request):
                if adapter.is_preflight_request(request):
                    return None
                return Policy(layers_of(adapter.get_non_preflight_request_config(request)))
        except Exception:  # whatever somebody's own code may raise
            log.exception("%r failed; the response gets no CORS headers", adapter)
        return None

    def is_allowed(self, request: web.Request) -> bool:
        origin = request.headers.get(ORIGIN)
        if origin is None or _same_host(origin, request):
            return True
        if self.own is None:
            policy = self._adapters_policy(request)
        else:
            policy = self.own.served_policy(request)
        if policy is None:
            return False
        entry = self.resolvers.entry_at_once(request, policy, origin)
        options = None if entry is None else entry.options
        return options is not None and policy.actual.allows(options, request.method)

    async def _on_response_prepare(
        self, request: web.Request, response: web.StreamResponse
    ) -> None:
        headers = response.headers
        owned = ACCESS_CONTROL_ALLOW_ORIGIN in headers and not self._clear(request, headers)
        try:
            policy = self._settled[request.match_info.route]
        except (KeyError, AttributeError):  # a router of somebody's own may not have routes
            if is_preflight(request):
                if self._governs_preflight(request) or await self.actual_policy(request):
                    merge_vary(headers, VARY_PREFLIGHT)
                return
            policy = await self.actual_policy(request)
        if policy is None:
            return
        if VARY in headers:
            merge_vary(headers, VARY_ACTUAL)
        else:
            headers[VARY] = VARY_ACTUAL
        origin = request.headers.get(ORIGIN)
        if origin is None or owned:
            return
        entry = policy.nearest.get(origin)
        if entry is None:
            found = policy.find(origin)
            if isinstance(found, Ask):
                found = await self.resolvers.entry(request, policy, origin)
            entry = found
        if (
            entry is not None
            and (options := entry.options) is not None
            and (policy.always or policy.actual.allows(options, request.method))
        ):
            write_actual(headers, entry.value or Granted(origin), options)
        elif ACCESS_CONTROL_ALLOW_CREDENTIALS in headers:
            del headers[ACCESS_CONTROL_ALLOW_CREDENTIALS]

    def _governs_preflight(self, request: web.Request) -> bool:
        """Whether the route that `request` goes to is there for the preflights of what was added.

        Most preflights go to one, and need no policy here.
        """
        route = getattr(request.match_info, "route", None)
        return self.own is not None and self.own.takes_preflights(route)

    def _clear(self, request: web.Request, headers: CIMultiDict[str]) -> bool:
        """Drop what an earlier response left in headers that it shares with this one.

        aiohttp before 3.12 keeps the CIMultiDict that a handler gives it, so that a handler
        which has one for all its responses gets them back with what the last origin was granted.

        :return: whether Access-Control-Allow-Origin is free again. It is not if the handler
            wrote it, or a CorsConfig whose hook runs before this one did.
        """
        if not isinstance(headers[ACCESS_CONTROL_ALLOW_ORIGIN], Granted):
            return False
        if next(governors(request.match_info.apps), None) is not self:
            return False
        for name in _WRITTEN:
            if isinstance(headers.get(name), Granted):
                del headers[name]
        return True


def _same_host(origin: str, request: web.Request) -> bool:
    # Behind a proxy that ends TLS the request's own scheme is the lower one.
    scheme, _, host = origin.partition("://")
    return host == request.host.lower() and scheme in ("https", request.scheme)


def _own(adapter: AbstractRouterAdapter) -> ResourcesUrlDispatcherRouterAdapter | None:
    """The adapter, if all of it is the library's: what somebody overrides has to be called."""
    own = ResourcesUrlDispatcherRouterAdapter
    if isinstance(adapter, own) and all(
        getattr(type(adapter), name) is getattr(own, name)
        for name in AbstractRouterAdapter.__abstractmethods__
    ):
        return adapter
    return None


def adapter_of(governor: Governor) -> ResourcesUrlDispatcherRouterAdapter | None:
    """The adapter of `governor`, None if it is somebody's own."""
    return governor.own if isinstance(governor, _CorsConfigImpl) else None


def place_of(entity: object) -> str:
    """What was added, as findings name it."""
    resource = entity.resource if isinstance(entity, web.ResourceRoute) else entity
    if not isinstance(resource, web.AbstractResource):
        return "application" if isinstance(entity, web.Application) else repr(entity)
    if isinstance(entity, web.ResourceRoute):
        return f"[{entity.method}] {resource.canonical}"
    return f"<{type(resource).__name__} {resource.canonical}>"


def _written_on_views(entity: object) -> dict[str, Config]:
    """The configs on the views that are added with `entity`, by their places."""
    resource = entity.resource if isinstance(entity, web.ResourceRoute) else entity
    routes = resource if isinstance(resource, (web.Resource, web.StaticResource)) else ()
    found: dict[str, Config] = {}
    for view in filter(None, (mixin_view(route.handler) for route in routes)):
        for method in sorted(hdrs.METH_ALL):
            for config in sources(view, method):
                # HEAD has the config of GET.
                if any(config is known for known in found.values()):
                    continue
                name = "" if config is view.cors_config else f".{method.lower()}"
                found[f"view {view.__qualname__}{name}"] = config
    return found


class CorsConfig:
    """What an application lets other origins do.

    Usually made by :func:`aiohttp_cors.setup`.

    :param app: the application that CORS is set up for.
    :param defaults: the layer under everything that is added, a mapping of origins to options.
    :param router_adapter: for a router that is not aiohttp's own.
    :param bool intercept_preflights: answer preflights before any other middleware sees them.
    :param bool strict: raise what is found unwise in a config, which is logged otherwise.
    :raises ValueError: `defaults` is ill-formed.
    :raises CorsConfigError: with `strict`, `defaults` has problems.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        defaults: Config | None = None,
        router_adapter: AbstractRouterAdapter | None = None,
        intercept_preflights: bool = False,
        strict: bool = False,
    ) -> None:
        self._inspector = Inspector(strict)
        self._defaults = Layer(defaults, self._inspector.inspect_defaults)
        if router_adapter is None:
            router_adapter = ResourcesUrlDispatcherRouterAdapter(app.router, self._defaults)
        self._cors_impl = _CorsConfigImpl(app, router_adapter)
        self._layers: dict[tuple[object, ...], Layer] = {}
        if intercept_preflights:
            self._cors_impl.intercept()

    @property
    def defaults(self) -> Layer:
        """The layer under everything that is added. A change holds from the next request on."""
        return self._defaults

    @defaults.setter
    def defaults(self, config: Config) -> None:
        self._defaults.replace(config)

    def add(self, entity: E, config: Config | None = None, webview: bool = False) -> E:
        """Let other origins at a route, a resource, a static resource or an application.

        :param entity: what to add. The resource of a route becomes CORS-enabled, too.
        :param config: a mapping of origins to options that is nearer than the defaults.
        :param webview: deprecated; views are recognised.
        :return: `entity`.
        :raises ValueError: `entity` cannot be added, was added with another config, or has an
            OPTIONS handler of its own; or `config` is ill-formed.
        :raises CorsConfigError: in strict mode, `config` or one that a view has has problems.
            Nothing was added then.
        """
        if webview:
            warnings.warn(
                "webview= has no effect, and will go; views are recognised without it",
                DeprecationWarning,
                stacklevel=2,
            )
        self._cors_impl.add(entity, self._layer(entity, config))
        return entity

    def is_allowed(self, request: web.Request) -> bool:
        """Whether the page that sent `request` may read the answer; for WebSocket handshakes.

        CORS does not cover WebSockets: a browser opens one to any origin, with cookies. A
        handler that serves its own pages and those of allowed origins refuses the others::

            if not cors.is_allowed(request):
                raise web.HTTPForbidden

        What comes without an Origin comes from no page, and is allowed; so is a page of the
        server's own host. A resolver that waits for something cannot be asked from here, and
        refuses.
        """
        return self._cors_impl.is_allowed(request)

    async def explain(
        self,
        method: str,
        path: str,
        *,
        origin: str,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        credentials: bool = False,
    ) -> Explanation:
        """Explain what becomes of a request that a page makes, as a browser would go about it.

        Neither a handler nor a middleware runs; resolvers are asked. ``str()`` of the result is
        text to read, its ``to_dict()`` is for programs::

            print(await cors.explain("PUT", "/notes", origin="https://app.example"))

        :param method: as the page writes it in ``fetch()``.
        :param path: what is asked for, with the query; or a URL, if it matters where the server
            is: a page of the same origin needs no CORS.
        :param origin: of the page, or ``null``.
        :param headers: that the page sets, a mapping or pairs of names and values.
        :param credentials: whether cookies are sent, too (``credentials: "include"``).
        :raises ValueError: an argument is none that a browser could have.
        """
        # Importing aiohttp_cors must import none of what only explains.
        from ._explain import explain  # noqa: PLC0415

        return await explain(
            self._cors_impl.app,
            method,
            path,
            origin=origin,
            headers=headers,
            credentials=credentials,
        )

    def audit(self) -> Audit:
        """List what the pages of other origins may do with the application, and what is unwise.

        ``str()`` of the result is text to read, its ``to_dict()`` is for programs.
        """
        # Importing aiohttp_cors must import none of what only explains.
        from ._audit import audit  # noqa: PLC0415

        return audit(self._cors_impl.app)

    def _layer(self, entity: object, config: Config | None) -> Layer:
        """One layer for all that is added with one config, however often."""
        place = place_of(entity)
        written: dict[str, Config] = {place: {} if config is None else config}
        written.update(_written_on_views(entity))
        known = {at: self._known(part) for at, part in written.items()}
        new = {at: Layer(written[at]) for at, part in known.items() if part is None}
        self._inspector.inspect(new)
        self._layers.update((tuple(part), part) for part in new.values())
        found = known[place]
        return new[place] if found is None else found

    def _known(self, config: Config) -> Layer | None:
        # The same keys in the same order; an equal mapping may have another order.
        known = self._layers.get(tuple(config)) if isinstance(config, Mapping) else None
        return known if known is not None and known.made_of(config) else None

    def layers_below_view(self, request: web.Request, method: str) -> tuple[Layer, ...]:
        """The layers between a view's own and the defaults, nearest first."""
        own = self._cors_impl.own
        return () if own is None else own.layers_below_view(request, method)
