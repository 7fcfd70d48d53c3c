"""Which policy governs a request of aiohttp's own router."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from aiohttp import hdrs, web

from ._policy import Config, Layer, Policy, Refused, Rule, layer, layers_of
from .abc import AbstractRouterAdapter, Handler
from .mixin import View, has_method, mixin_view, overrides_config, sources, view_layers
from .preflight_handler import Resolvers, Target, governor_of, log, serving_target, target

__all__ = ("ResourcesUrlDispatcherRouterAdapter",)

Resource: TypeAlias = "web.Resource | web.StaticResource"
Entity: TypeAlias = "Resource | web.ResourceRoute | web.Application"

# How many answers to preflights are kept, and to how many characters of headers. Clients can
# send as many different ones as they like.
_MOST_ANSWERS: Final = 1024
_LONGEST: Final = 1024

_READS: Final = (hdrs.METH_GET, hdrs.METH_HEAD)


class _ResourceConfig:
    """What was added of one resource."""

    __slots__ = ("own", "routes")

    def __init__(self) -> None:
        self.own: Layer | None = None
        self.routes: dict[str, Layer] = {}

    def added(self, method: str, route: web.AbstractRoute | None) -> str | None:
        """The method under which the route that serves `method` was added, if it was.

        :param route: what serves the method, None if nothing does.
        """
        if method in self.routes:
            return method
        served_as = method if route is None else route.method
        # HEAD is GET without the body, and follows it.
        if method == served_as == hdrs.METH_HEAD and hdrs.METH_GET in self.routes:
            return hdrs.METH_GET
        return served_as if served_as in self.routes else None

    def layers(self, method: str, added: str | None) -> tuple[Layer, ...]:
        """The layers for `method`: the route's, then the resource's or what its routes lend."""
        return tuple(part for _, part in self.written_on(method, added))

    def written_on(self, method: str, added: str | None) -> list[tuple[str | None, Layer]]:
        """The same, each with the method of its route, None for the resource."""
        route = [] if added is None else [(added, self.routes[added])]
        if self.own is not None:
            return [*route, (None, self.own)]
        lent = ((name, self.routes[name].lending(method)) for name in sorted(self.routes))
        return [*route, *((name, part) for name, part in lent if part)]


class ResourcesUrlDispatcherRouterAdapter(AbstractRouterAdapter):
    """Knows the resources and routes of an :class:`aiohttp.web.UrlDispatcher`.

    :param router: the router of the application that CORS is set up for.
    :param defaults: the layer under all others, a mapping of origins to options.
    """

    def __init__(self, router: web.UrlDispatcher, defaults: Config) -> None:
        self._router = router
        self.defaults: Layer = layer(defaults)
        self._resource_config: dict[web.AbstractResource | None, _ResourceConfig] = {}
        self._resources_with_preflight_handlers: set[web.AbstractResource] = set()
        self._preflight_routes: set[web.AbstractRoute] = set()
        # By identity: an application of aiohttp 3.9 has no hash.
        self._app_layers: dict[int, tuple[web.Application, Layer]] = {}
        self._resolvers = Resolvers()
        self._views: dict[tuple[View, str], tuple[list[Config], tuple[Layer, ...]]] = {}
        self._view_policies: dict[tuple[web.AbstractRoute, str], tuple[object, Policy]] = {}
        #: The policies that do not depend on the request, by the route that serves it.
        self.settled: dict[web.AbstractRoute | None, Policy | None] = {}
        #: The answers to preflights, by all that they depend on.
        self.answers: dict[tuple[object, ...], dict[str, str] | Refused] = {}
        self._by_path: bool | None = None

    # What was added

    def needs_interception(self, entity: object) -> bool:
        """Whether no route can take the preflights for `entity`."""
        if isinstance(entity, web.Application):
            return True
        resource = _resource_of(entity)
        return not self.is_cors_for_resource(resource) and any(map(_serves_all, resource))

    def add_preflight_handler(
        self, routing_entity: Any, handler: Handler, webview: bool = False
    ) -> None:
        """Send the preflights for a resource, or for a route's resource, to `handler`.

        :raises ValueError: it has an OPTIONS handler of its own, or cannot be CORS-enabled.
        """
        if isinstance(routing_entity, web.Application):
            return
        resource = _resource_of(routing_entity)
        if self.is_cors_for_resource(resource):
            return
        for route in resource:
            if route.method == hdrs.METH_OPTIONS:
                if route.handler == handler:
                    return
                if governor_of(route.handler) is None:
                    raise ValueError(
                        f"{resource!r} already has OPTIONS handler {route.handler!r}; "
                        "remove it, or enable CORS for the whole application: cors.add(app)"
                    )
                break
            if route.method == hdrs.METH_ANY:
                _check_view(route)
                break
        else:
            route = _add_options(resource, handler)
        self._preflight_routes.add(route)
        self._resources_with_preflight_handlers.add(resource)

    def is_cors_for_resource(self, resource: web.AbstractResource) -> bool:
        """Whether the preflights for `resource` reach the library."""
        return resource in self._resources_with_preflight_handlers

    def takes_preflights(self, route: web.AbstractRoute | None) -> bool:
        """Whether `route` is where the preflights for something that was added go."""
        return route in self._preflight_routes

    def set_config_for_routing_entity(self, routing_entity: Any, config: Mapping[Any, Any]) -> None:
        """Remember `config` for a resource, a route or an application.

        :raises ValueError: another config is remembered for it, or it cannot be CORS-enabled.
        """
        added = layer(config)
        if isinstance(routing_entity, web.Application):
            _, present = self._app_layers.setdefault(id(routing_entity), (routing_entity, added))
        else:
            resource = _resource_of(routing_entity)
            for view in filter(None, (mixin_view(route.handler) for route in resource)):
                for method in hdrs.METH_ALL:
                    view_layers(view, method)
            state = self._resource_config.setdefault(resource, _ResourceConfig())
            if isinstance(routing_entity, web.ResourceRoute):
                present = state.routes.setdefault(routing_entity.method, added)
            else:
                present = state.own = added if state.own is None else state.own
        if not present.same_as(added):
            raise ValueError(
                f"{routing_entity!r} was added before with another config, {present!r}; add it once"
            )
        self.settled.clear()
        self.answers.clear()
        self._view_policies.clear()

    # What governs a request

    async def actual_policy(self, request: web.Request) -> Policy | None:
        """The policy for the answer to `request`, None if CORS is not enabled there."""
        match = request.match_info
        # What lacks the method may have others. Where an application is mounted over the path,
        # the request has gone on into it, and what answers is its 404.
        if match.http_exception is None or (
            len(match.apps) == 1 and not isinstance(match.http_exception, web.HTTPMethodNotAllowed)
        ):
            return self.served_policy(request)
        try:
            matched = await target(request, hdrs.METH_OPTIONS)
        except Exception:  # whatever somebody's own resource or rule may raise
            log.exception("the router failed; the response gets no CORS headers")
            return None
        return self.policy(request, Target(matched.match, match.apps, served=False), request.method)

    def served_policy(self, request: web.Request) -> Policy | None:
        """The policy for the answer of what the router found for `request`."""
        match = request.match_info
        serving = Target(match, match.apps, match.http_exception is None)
        return self.policy(request, serving, request.method)

    def policy(self, request: web.Request, serving: Target, method: str) -> Policy | None:
        """The policy for `method` and what serves it, None if CORS is not enabled there."""
        route = serving.route
        if route is None or not serving.served:
            return self._policy(request, serving, method, None if route is None else route.resource)
        if route in self.settled:
            return self.settled[route]
        view = mixin_view(route.handler)
        if view is not None and not overrides_config(view):
            return self._settled_view(request, serving, method, route, view)
        policy = self._policy(request, serving, method, route.resource)
        if _settles(route):
            self.settled[route] = policy
        return policy

    def _settled_view(
        self,
        request: web.Request,
        serving: Target,
        method: str,
        route: web.AbstractRoute,
        view: View,
    ) -> Policy | None:
        """The policy for a view, which holds for as long as what is written on the view."""
        try:
            written = self._layers_on_view(view, method)
        except ValueError:
            written = None
        kept = self._view_policies.get((route, method))
        if kept is not None and kept[0] is written:
            return kept[1]
        policy = self._policy(request, serving, method, route.resource)
        if policy is not None and method in hdrs.METH_ALL:
            self._view_policies[route, method] = written, policy
        return policy

    def remember(
        self,
        key: tuple[object, ...],
        answer: dict[str, str] | Refused,
        preflight: web.Request,
        serving: Target,
    ) -> None:
        """Keep the answer to `preflight`, if all that have the same `key` get the same.

        They do where the path is fixed, the router is frozen, and nothing of somebody's own, be
        it a resource, a rule or a resolver, looks at more of a request than that.
        """
        policy = self.settled.get(serving.route)
        resource = preflight.match_info.route.resource
        if policy is None or policy.asks or type(resource) is not web.PlainResource:
            return
        if self._by_path is None:
            self._by_path = _by_path_alone(serving.apps[0].router)
        if self._by_path and sum(len(part) for part in key if isinstance(part, str)) <= _LONGEST:
            if len(self.answers) >= _MOST_ANSWERS:
                self.answers.clear()
            self.answers[key] = answer

    def _policy(
        self,
        request: web.Request,
        serving: Target,
        method: str,
        resource: web.AbstractResource | None,
    ) -> Policy | None:
        state = self._resource_config.get(resource)
        apps = self._layers_of_apps(serving.apps) if self._app_layers else ()
        if state is None and not apps:
            return None
        route = self._serving_route(serving)
        added = None if state is None else state.added(method, route)
        layers = () if state is None else state.layers(method, added)
        below = (*filter(None, layers), *apps, self.defaults)
        view = None if route is None else mixin_view(route.handler)
        if view is not None:
            return self._view_policy(request, view, method, below, added)
        reads = isinstance(resource, web.StaticResource) and method in _READS
        if (state is not None and state.own is not None and reads) or _names_method(added):
            return Policy(below, Rule.ADDED, Rule.ADDED)
        if route is None or not dispatches(route, method):
            actual = Rule.SERVED if apps else Rule.NAMED
            return Policy(below, actual, Rule.NEVER if state is None else Rule.NAMED)
        served = apps or added is not None
        return Policy(below, Rule.SERVED, Rule.SERVED if served else Rule.NAMED)

    def _serving_route(self, serving: Target) -> web.AbstractRoute | None:
        """The route of the user's that serves the method, None if nothing of theirs does."""
        route = serving.route
        if route is None or not serving.served:
            return None
        own = route in self._preflight_routes or governor_of(route.handler) is not None
        return any_route(route) if own and route.method == hdrs.METH_OPTIONS else route

    def _view_policy(
        self,
        request: web.Request,
        view: View,
        method: str,
        below: tuple[Layer, ...],
        added: str | None,
    ) -> Policy | None:
        served = has_method(view, method)
        try:
            if served and overrides_config(view):
                layers = layers_of(view.get_request_config(request, method))
            else:
                layers = (*self._layers_on_view(view, method), *below)
        except KeyError:
            return None
        except Exception:  # whatever somebody's own code may raise
            log.exception("%r has no usable config; its origins are refused", view)
            return None
        if method == hdrs.METH_OPTIONS and not served:
            return Policy(layers, Rule.NAMED, Rule.NAMED)
        if not served:
            return Policy(layers, Rule.SERVED, Rule.NEVER)
        rule = Rule.ADDED if _names_method(added) else Rule.SERVED
        return Policy(layers, rule, rule)

    def _layers_on_view(self, view: View, method: str) -> tuple[Layer, ...]:
        written = sources(view, method)
        key = view, method if method in hdrs.METH_ALL else ""
        read, layers = self._views.get(key, ([], ()))
        if list(map(id, read)) != list(map(id, written)):
            layers = view_layers(view, method)
            self._views[key] = written, layers
        return layers

    def _layers_of_apps(self, apps: tuple[web.Application, ...]) -> tuple[Layer, ...]:
        return tuple(part for _, part in self._written_on_apps(apps))

    def _written_on_apps(
        self, apps: tuple[web.Application, ...]
    ) -> Iterator[tuple[web.Application, Layer]]:
        return (self._app_layers[id(app)] for app in reversed(apps) if id(app) in self._app_layers)

    def layers_below_view(self, request: web.Request, method: str) -> tuple[Layer, ...]:
        """The layers of the route, the resource and the applications, nearest first."""
        match = request.match_info
        state = self._resource_config.get(match.route.resource)
        apps = self._layers_of_apps(match.apps) if self._app_layers else ()
        if state is None:
            return apps
        return (*state.layers(method, state.added(method, match.route)), *apps)

    def written_on(self, serving: Target, method: str) -> list[tuple[object, Layer]]:
        """Every layer for `method` and what serves it, nearest first, with what has it.

        That is a route, a resource, an application, or text where it is none of these.
        """
        found: list[tuple[object, Layer]] = []
        route = self._serving_route(serving)
        view = None if route is None else mixin_view(route.handler)
        if view is not None:
            for config, part in zip(
                sources(view, method), self._layers_on_view(view, method), strict=True
            ):
                name = "" if config is view.cors_config else f".{method.lower()}"
                found.append((f"view {view.__qualname__}{name}", part))
        resource = None if serving.route is None else serving.route.resource
        state = self._resource_config.get(resource)
        if resource is not None and state is not None:
            routes = {route.method: route for route in resource}
            found += (
                (resource if name is None else routes[name], part)
                for name, part in state.written_on(method, state.added(method, route))
            )
        found += self._written_on_apps(serving.apps)
        return [*found, ("defaults", self.defaults)]

    # The interface of 0.8.1, for adapters that build on this one

    def _request_resource(self, request: web.Request) -> web.AbstractResource | None:
        return request.match_info.route.resource

    def is_preflight_request(self, request: web.Request) -> bool:
        """Whether `request` goes to the preflight handler."""
        route = request.match_info.route
        if mixin_view(route.handler) is not None:
            return request.method == hdrs.METH_OPTIONS
        return route in self._preflight_routes and route.method == hdrs.METH_OPTIONS

    def is_cors_enabled_on_request(self, request: web.Request) -> bool:
        """Whether `request` is for something that was added."""
        if self._request_resource(request) in self._resource_config:
            return True
        return bool(self._app_layers and self._layers_of_apps(request.match_info.apps))

    async def get_preflight_request_config(
        self, preflight_request: web.Request, origin: str, requested_method: str
    ) -> Mapping[Any, Any]:
        """Find the config of what would serve the requested method.

        :raises KeyError: `origin` may not send that method.
        """
        serving = await serving_target(preflight_request, requested_method)
        policy = self.policy(preflight_request, serving, requested_method)
        if policy is None:
            raise KeyError(requested_method)
        entry = await self._resolvers.entry(preflight_request, policy, origin)
        if policy.refuses_method(entry, requested_method):
            raise KeyError(requested_method)
        return ChainMap({}, *policy.layers)

    def get_non_preflight_request_config(self, request: web.Request) -> Mapping[Any, Any]:
        """Find the config of what serves `request`.

        :raises KeyError: CORS is not enabled for it.
        """
        match = request.match_info
        serving = Target(match, match.apps, served=True)
        policy = self._policy(request, serving, request.method, self._request_resource(request))
        if policy is None:
            raise KeyError(request.method)
        return ChainMap({}, *policy.layers)


def _by_path_alone(router: web.UrlDispatcher) -> bool:
    """Whether `router`, with those below it, is final and looks at paths and methods only."""
    if type(router) is not web.UrlDispatcher or not router.frozen:
        return False
    return all(map(_is_by_path_alone, router.resources()))


def _is_by_path_alone(resource: web.AbstractResource) -> bool:
    if type(resource) in (web.PlainResource, web.DynamicResource, web.StaticResource):
        return True
    # A sub-application is known by its prefix; one under a domain or another rule has none.
    info: Mapping[str, object] = resource.get_info()
    app = info.get("app")
    return "prefix" in info and isinstance(app, web.Application) and _by_path_alone(app.router)


def _names_method(added: str | None) -> bool:
    """Whether what was added is a route for one method."""
    return added is not None and added != hdrs.METH_ANY


def any_route(route: web.AbstractRoute) -> web.AbstractRoute | None:
    """The route for all methods beside `route`, if it is a plain function."""
    return next(filter(_serves_all, route.resource or ()), None)


def _serves_all(route: web.AbstractRoute) -> bool:
    return route.method == hdrs.METH_ANY and not isinstance(route.handler, type)


def dispatches(route: web.AbstractRoute, method: str) -> bool:
    """Whether `route` leads `method` to code of the user's, and not to aiohttp's own 405."""
    handler = route.handler
    if not isinstance(handler, type) or not issubclass(handler, web.View):
        return True
    return method in hdrs.METH_ALL and hasattr(handler, method.lower())


def _settles(route: web.AbstractRoute) -> bool:
    """Whether `route` decides alone, and is one of those that stay."""
    if route.method in (hdrs.METH_ANY, hdrs.METH_OPTIONS) or mixin_view(route.handler) is not None:
        return False
    return route.resource is not None and any(kept is route for kept in route.resource)


def _check_view(route: web.AbstractRoute) -> None:
    handler = route.handler
    if isinstance(handler, type) and issubclass(handler, web.View) and mixin_view(handler) is None:
        raise ValueError(
            f"{handler!r} cannot answer preflights; derive it from aiohttp_cors.CorsViewMixin too"
        )


def _add_options(resource: Resource, handler: Handler) -> web.AbstractRoute:
    if isinstance(resource, web.Resource):
        return resource.add_route(hdrs.METH_OPTIONS, handler)
    resource.set_options_route(handler)
    return next(route for route in resource if route.method == hdrs.METH_OPTIONS)


def _resource_of(entity: object) -> Resource:
    resource = entity.resource if isinstance(entity, web.ResourceRoute) else entity
    if isinstance(resource, (web.Resource, web.StaticResource)):
        return resource
    raise ValueError(
        "CORS can be enabled for a Resource, a StaticResource, a ResourceRoute or an "
        f"Application, got {entity!r}"
    )
