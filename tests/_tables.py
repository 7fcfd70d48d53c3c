"""Routing tables and configs, as values: generated, built into applications, and judged.

What is written here about CORS is written once more, and naively, from what the documentation
promises: nothing of the package's own reasoning is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from aiohttp import web
from hypothesis import strategies as st

import aiohttp_cors
from aiohttp_cors import CorsViewMixin, ResourceOptions, custom_cors
from tests._support import STATIC_DIR, STATIC_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from aiohttp.typedefs import Handler

    Config: TypeAlias = Mapping[Any, ResourceOptions | None]

# --- origins --------------------------------------------------------------------------------

PAGE = "https://page.example"
SUBDOMAIN = "https://a.page.example"
DEEPER = "https://a.b.page.example"
LOCAL = "http://localhost:8080"
OPAQUE = "null"
LOOKALIKE = "https://page.example.evil.io"

ORIGINS = (PAGE, SUBDOMAIN, DEEPER, LOCAL, OPAQUE, LOOKALIKE)


def names_a(_request: web.Request, origin: str) -> bool:
    """A resolver that knows at once."""
    return origin.startswith("https://a.")


async def names_page(_request: web.Request, origin: str) -> bool:
    """A resolver that waits."""
    return origin == PAGE


EXPRESSION = re.compile(r"https://[ab]\.page\.example")

# What each pattern stands for, naively.
PATTERNS: dict[Any, Callable[[str], object]] = {
    "https://*.page.example": re.compile(r"https://([a-z]+\.)+page\.example").fullmatch,
    "http://localhost:*": re.compile(r"http://localhost(:[0-9]{1,5})?").fullmatch,
    EXPRESSION: lambda origin: origin == SUBDOMAIN,
    names_a: lambda origin: origin.startswith("https://a."),
    names_page: lambda origin: origin == PAGE,
}

# --- what is generated ----------------------------------------------------------------------

METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS", "PROPFIND")
VIEW_METHODS = ("GET", "HEAD", "POST", "PUT")
ANY = "*"
STATIC_PATH = "/files"

Kind = Literal["function", "view", "mixin"]


@dataclass(frozen=True)
class View:
    """A class-based view, with the mixin or without."""

    methods: tuple[str, ...]
    config: Config | None = None
    custom: tuple[tuple[str, Config], ...] = ()


@dataclass(frozen=True)
class Resource:
    """A path, and what serves its methods: a function, where no view is named."""

    path: str
    methods: tuple[str, ...] = ()
    views: tuple[tuple[str, View], ...] = ()

    @property
    def static(self) -> bool:
        """Whether it serves files."""
        return self.path == STATIC_PATH

    @property
    def own_options(self) -> bool:
        """Whether it has an OPTIONS handler of the application's."""
        return "OPTIONS" in self.methods


@dataclass(frozen=True)
class App:
    """An application, and where it is mounted: its parent's number, a prefix or a domain."""

    resources: tuple[Resource, ...]
    parent: int | None = None
    mount: str = ""


class Entity(NamedTuple):
    """What can be added: an application, a resource of it, or a route of that."""

    app: int
    resource: int | None = None
    method: str | None = None


class Add(NamedTuple):
    """A call of `add`, to the setup of that number."""

    setup: int
    entity: Entity
    config: Config


@dataclass(frozen=True)
class Setup:
    """A call of `setup`."""

    app: int
    defaults: Config
    intercept: bool


@dataclass(frozen=True)
class Table:
    """Applications, and the CORS that is set up for them."""

    apps: tuple[App, ...]
    setups: tuple[Setup, ...] = ()
    adds: tuple[Add, ...] = ()

    def resource(self, entity: Entity) -> Resource:
        """The resource of a route or of itself."""
        assert entity.resource is not None
        return self.apps[entity.app].resources[entity.resource]

    def above(self, app: int) -> tuple[int, ...]:
        """The application and those that it is mounted in, the innermost first."""
        parent = self.apps[app].parent
        return (app,) if parent is None else (app, *self.above(parent))


OPTIONS = st.builds(
    ResourceOptions,
    allow_credentials=st.booleans(),
    expose_headers=st.sampled_from([(), ["X-One"], "*"]),
    allow_headers=st.sampled_from([(), ["X-One"], "*"]),
    max_age=st.sampled_from([None, 600]),
    allow_methods=st.one_of(
        st.none(), st.just("*"), st.lists(st.sampled_from(METHODS), unique=True, max_size=3)
    ),
)
CONFIGS = st.dictionaries(
    st.sampled_from([*ORIGINS[:-1], "*", *PATTERNS]), st.none() | OPTIONS, max_size=3
)


@st.composite
def views(draw: st.DrawFn) -> View:
    """Some view with the mixin."""
    methods = tuple(draw(st.lists(st.sampled_from(VIEW_METHODS), unique=True, max_size=3)))
    custom = draw(st.dictionaries(st.sampled_from(methods), CONFIGS)) if methods else {}
    return View(methods, draw(st.none() | CONFIGS), tuple(custom.items()))


@st.composite
def resources(draw: st.DrawFn) -> Resource:
    """Some resource."""
    path = draw(
        st.sampled_from(["/x", "/{one}", "/x/{two}", "/{one}/{two}", "/{w:[a-z]+}", STATIC_PATH])
    )
    if path == STATIC_PATH:
        return Resource(path)
    names = draw(st.lists(st.sampled_from([*METHODS, ANY]), unique=True, min_size=1, max_size=4))
    # aiohttp takes no route after the one for all methods.
    methods = tuple(sorted(names, key=lambda name: (name == ANY, names.index(name))))
    served_by_views = {name: draw(views()) for name in methods if draw(st.integers(0, 3)) == 0}
    return Resource(
        path, methods, tuple((n, view) for n, view in served_by_views.items() if n != "OPTIONS")
    )


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Some applications with CORS."""
    apps = [App(tuple(draw(st.lists(resources(), min_size=1, max_size=4))))]
    for _ in range(draw(st.integers(0, 2))):
        parent = draw(st.integers(0, len(apps) - 1))
        # aiohttp cannot mount an application that has a domain below it under a prefix.
        mounts = ["/sub", "/x", *([] if apps[parent].mount.startswith("/") else ["sub.example"])]
        served = tuple(draw(st.lists(resources(), min_size=1, max_size=3)))
        apps.append(App(served, parent, draw(st.sampled_from(mounts))))
    table = Table(tuple(apps))
    setups = [Setup(0, draw(CONFIGS), draw(st.booleans()))]
    setups += [
        Setup(number, draw(CONFIGS), draw(st.booleans()))
        for number in draw(st.lists(st.integers(0, len(apps) - 1), max_size=2))
    ]
    adds: dict[tuple[int, Entity], Add] = {}
    for number, setup in enumerate(setups):
        candidates = [*_addable(table, setup.app)]
        for entity in draw(st.lists(st.sampled_from(candidates), unique=True, max_size=5)):
            adds[number, entity] = Add(number, entity, draw(CONFIGS))
    return Table(table.apps, tuple(setups), tuple(adds.values()))


def _addable(table: Table, root: int) -> Iterator[Entity]:
    for number, app in enumerate(table.apps):
        if root not in table.above(number):
            continue
        yield Entity(number)
        for place, resource in enumerate(app.resources):
            if not resource.own_options:
                yield Entity(number, place)
                for method in ("GET", "HEAD") if resource.static else resource.methods:
                    yield Entity(number, place, method)


# --- what is built --------------------------------------------------------------------------

ROUTE = "X-Test-Route"
APPS = "X-Test-Apps"


@dataclass
class _Built:
    apps: list[web.Application] = field(default_factory=list[web.Application])
    resources: dict[Entity, Any] = field(default_factory=dict[Entity, Any])
    routes: dict[Entity, web.ResourceRoute] = field(default_factory=dict[Entity, web.ResourceRoute])

    def __getitem__(self, entity: Entity) -> Any:
        if entity.resource is None:
            return self.apps[entity.app]
        return (self.resources if entity.method is None else self.routes)[entity]


def application(
    table: Table, handler: Handler, order: Sequence[Add] | None = None
) -> web.Application:
    """The outermost application, with CORS.

    :param handler: what serves everything but files.
    :param order: the calls of `add`, if not in the order of the table.
    """
    built = _build(table, handler, mixin=True)
    configs = [
        aiohttp_cors.setup(
            built.apps[setup.app], defaults=setup.defaults, intercept_preflights=setup.intercept
        )
        for setup in table.setups
    ]
    for setup, entity, config in table.adds if order is None else order:
        configs[setup].add(built[entity], config)
    return _mounted(table, built)


def bare_application(table: Table, handler: Handler) -> web.Application:
    """The same without the library."""
    return _mounted(table, _build(table, handler, mixin=False))


def telling_application(table: Table, handler: Handler) -> web.Application:
    """The same without the library, but with its OPTIONS routes; tells in headers what served."""
    built = _build(table, handler, mixin=False)
    for add in table.adds:
        resource = Entity(add.entity.app, add.entity.resource)
        route = Entity(*resource[:2], "OPTIONS")
        if resource.resource is None or ANY in table.resource(resource).methods:
            continue
        if route not in built.routes:
            entity = built.resources[resource]
            if table.resource(resource).static:
                entity.set_options_route(handler)
            else:
                entity.add_route("OPTIONS", handler)
            built.routes[route] = next(r for r in entity if r.method == "OPTIONS")
    names = {id(route): entity for entity, route in built.routes.items()}
    numbers = {id(app): number for number, app in enumerate(built.apps)}

    async def tell(request: web.Request, response: web.StreamResponse) -> None:
        match = request.match_info
        entity = names.get(id(match.route))
        response.headers[ROUTE] = "" if entity is None else " ".join(map(str, entity))
        response.headers[APPS] = " ".join(str(numbers[id(app)]) for app in match.apps)

    built.apps[0].on_response_prepare.append(tell)
    return _mounted(table, built)


def _build(table: Table, handler: Handler, *, mixin: bool) -> _Built:
    built = _Built()
    for number, spec in enumerate(table.apps):
        app = web.Application()
        built.apps.append(app)
        for place, resource in enumerate(spec.resources):
            name = f"r{place}"
            if resource.static:
                made: Any = app.router.add_static(resource.path, STATIC_DIR, name=name)
            else:
                # By names of their own, resources with the same path stay apart.
                made = app.router.add_resource(resource.path, name=name)
                for method in resource.methods:
                    view = dict(resource.views).get(method)
                    served_by = handler if view is None else _view(view, handler, mixin=mixin)
                    made.add_route(method, served_by)
            built.resources[Entity(number, place)] = made
            for route in made:
                built.routes[Entity(number, place, route.method)] = route
    return built


def _view(view: View, handler: Handler, *, mixin: bool) -> type[web.View]:
    def method(config: Config | None) -> Callable[[web.View], Any]:
        async def serve(self: web.View) -> web.StreamResponse:
            return await handler(self.request)

        return serve if config is None else custom_cors(config)(serve)

    custom = dict(view.custom)
    attributes: dict[str, Any] = {name.lower(): method(custom.get(name)) for name in view.methods}
    if not mixin:
        return type("Bare", (web.View,), attributes)
    return type("Mixed", (CorsViewMixin, web.View), {**attributes, "cors_config": view.config})


def _mounted(table: Table, built: _Built) -> web.Application:
    for spec, app in reversed([*zip(table.apps, built.apps, strict=True)][1:]):
        assert spec.parent is not None
        parent = built.apps[spec.parent]
        if spec.mount.startswith("/"):
            parent.add_subapp(spec.mount, app)
        else:
            parent.add_domain(spec.mount, app)
    return built.apps[0]


# --- where requests go ----------------------------------------------------------------------

PATHS = (
    "/x",
    "/y",
    "/x/x",
    "/x/y",
    "/sub",
    "/sub/x",
    "/sub/y",
    "/sub/x/y",
    "/sub/sub/x",
    "/x/sub/x",
    f"{STATIC_PATH}/{STATIC_FILE}",
    f"/x{STATIC_PATH}/missing",
    "/no/such/path/at/all",
)
HOSTS = ("server.example", "sub.example")

PLACES = st.lists(
    st.tuples(st.sampled_from(HOSTS), st.sampled_from(PATHS)), unique=True, min_size=1, max_size=3
)


# --- what is expected -----------------------------------------------------------------------


class Served(NamedTuple):
    """What serves a request: a route, if one does, in applications from the outermost on."""

    route: Entity | None
    apps: tuple[int, ...]

    @classmethod
    def told(cls, headers: Mapping[str, str]) -> Served:
        """What the telling application says."""
        apps = tuple(map(int, headers[APPS].split()))
        if not headers[ROUTE]:
            return cls(None, apps)
        app, resource, method = headers[ROUTE].split()
        return cls(Entity(int(app), int(resource), method), apps)


class Verdict(NamedTuple):
    """What one setup says to an origin."""

    preflight: bool
    actual: bool
    options: ResourceOptions | None
    intercepts: bool = False
    """Whether preflights are answered before they reach what serves OPTIONS."""


def judge(
    table: Table, serving: Served, options: Served, method: str, origin: str | None
) -> list[Verdict]:
    """The word of each setup that CORS is enabled in for a request, in the order they are asked.

    :param serving: what serves `method`.
    :param options: what serves OPTIONS there.
    """
    return [
        verdict._replace(intercepts=app in options.apps and _intercepts(table, number))
        for app in serving.apps
        for number, setup in enumerate(table.setups)
        if setup.app == app
        and (verdict := _verdict(table, number, serving, options, method, origin)) is not None
    ]


def reaches_the_library(table: Table, options: Served, verdicts: list[Verdict]) -> bool:
    """Whether a preflight is for the library, and not for a function of the application's."""
    if any(verdict.intercepts for verdict in verdicts):
        return True
    if options.route is None:
        return False
    resource = table.resource(options.route)
    if options.route.method in dict(resource.views):
        return True
    return options.route.method == "OPTIONS" and not resource.own_options


def _intercepts(table: Table, setup: int) -> bool:
    if table.setups[setup].intercept:
        return True
    entities = [add.entity for add in table.adds if add.setup == setup]
    return any(
        entity.resource is None or _any_function(table.resource(entity)) for entity in entities
    )


def _any_function(resource: Resource) -> bool:
    return ANY in resource.methods and ANY not in dict(resource.views)


def _verdict(
    table: Table, setup: int, serving: Served, options: Served, method: str, origin: str | None
) -> Verdict | None:
    configs = {add.entity: add.config for add in table.adds if add.setup == setup}
    lies_on = serving.route if serving.route is not None else options.route
    resource = None if lies_on is None else Entity(lies_on.app, lies_on.resource)
    of_apps = [configs[Entity(app)] for app in reversed(serving.apps) if Entity(app) in configs]
    enabled = [] if resource is None else [e for e in configs if e[:2] == resource[:2]]
    if not enabled and not of_apps:
        return None
    spec = None if resource is None else table.resource(resource)
    route = serving.route
    if (
        route is not None
        and route.method == "OPTIONS"
        and spec is not None
        and not spec.own_options
    ):
        route = None  # the library's own
    added = _added(route, resource, method, configs)
    layers: list[Config] = []
    view = None if route is None or spec is None else dict(spec.views).get(str(route.method))
    if view is not None:
        custom = dict(view.custom)
        nearest = custom.get(method, custom.get("GET") if method == "HEAD" else None)
        layers += [config for config in (nearest, view.config) if config]
    if added is not None:
        layers.append(configs[added])
    if resource is not None and resource in configs:
        layers.append(configs[resource])
    else:
        layers += [
            {
                key: o
                for key, o in configs[e].items()
                if o is not None and o.is_method_allowed(method)
            }
            for e in sorted(enabled, key=lambda e: str(e.method))
        ]
    found = lookup([*layers, *of_apps, table.setups[setup].defaults], origin)
    if found is None:
        return Verdict(preflight=False, actual=False, options=None)
    named = found.is_method_allowed(method)
    unless_listed = found.allow_methods is None or named
    by_name = added is not None and added.method != ANY
    reads = spec is not None and spec.static and resource in configs and method in ("GET", "HEAD")
    if view is not None and method not in view.methods:
        preflight, actual = False, unless_listed
        if method == "OPTIONS":
            preflight, actual = named, named
    elif by_name or reads:
        preflight, actual = True, True
    elif view is not None:
        preflight, actual = unless_listed, unless_listed
    elif route is None:
        preflight = named and bool(enabled)
        actual = unless_listed if of_apps else named
    else:
        preflight = unless_listed if of_apps or added is not None else named
        actual = unless_listed
    return Verdict(preflight, actual, found)


def _added(
    route: Entity | None, resource: Entity | None, method: str, configs: Mapping[Entity, Config]
) -> Entity | None:
    """The route that was added and stands for `method`."""
    if resource is None:
        return None
    by_name = resource._replace(method=method)
    if by_name in configs:
        return by_name
    if method == "HEAD" and (route is None or route.method == "HEAD"):
        # HEAD follows GET.
        get = resource._replace(method="GET")
        return get if get in configs else None
    return route if route in configs else None


def every_config(table: Table) -> Iterator[Config]:
    """Every config there is."""
    yield from (setup.defaults for setup in table.setups)
    yield from (add.config for add in table.adds)
    for resource in (resource for app in table.apps for resource in app.resources):
        for _, view in resource.views:
            yield from (config for _, config in view.custom)
            if view.config is not None:
                yield view.config


def lookup(layers: Iterable[Config], origin: str | None) -> ResourceOptions | None:
    """The options for `origin`: exact, then patterns, then the star; each the nearest first."""
    layers = list(layers)
    if origin is None or not re.fullmatch(r"[!-~]+", origin) or origin == "*" or "," in origin:
        return None
    stars = [layer[ANY] for layer in layers if ANY in layer]
    patterns = [
        options
        for layer in layers
        for key, options in layer.items()
        if key in PATTERNS and PATTERNS[key](origin)
    ]
    exact = [layer[origin] for layer in layers if origin in layer]
    return next(iter([*exact, *patterns, *stars]), None)
