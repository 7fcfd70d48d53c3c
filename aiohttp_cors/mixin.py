"""CORS for class-based views."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, TypeVar, cast

from aiohttp import hdrs, web

from ._policy import Config, Layer, layer
from .preflight_handler import (
    _PreflightHandler,  # pyright: ignore[reportPrivateUsage]  # the name that 0.8.1 gave it
    answer_to,
    governors,
    respond,
)

if TYPE_CHECKING:
    from .cors_config import CorsConfig

__all__ = ("CorsViewMixin", "custom_cors")

F = TypeVar("F", bound=Callable[..., Any])

#: Where :func:`aiohttp_cors.setup` leaves the newest config of an application.
APP_CONFIG_KEY: Final[web.AppKey[CorsConfig]] = web.AppKey("aiohttp_cors")

_SUFFIX = "_cors_config"


def custom_cors(config: Config) -> Callable[[F], F]:
    """Give one method of a view a config of its own.

    It is nearer than the view's `cors_config`, and goes where the function goes::

        class Users(web.View, CorsViewMixin):
            @custom_cors({"https://admin.example": ResourceOptions(allow_credentials=True)})
            async def post(self) -> web.Response: ...

    :param config: a mapping of origins to options.
    """

    def decorate(function: F) -> F:
        setattr(function, function.__name__ + _SUFFIX, config)
        return function

    return decorate


class CorsViewMixin(_PreflightHandler):
    """Lets a :class:`aiohttp.web.View` be CORS-enabled. Stands before or after it as a base."""

    #: A mapping of origins to options for all methods of the view, or None.
    cors_config: ClassVar[Config | None] = None

    @classmethod
    def get_request_config(cls, request: web.Request, request_method: str) -> Mapping[Any, Any]:
        """The config that governs a method of this view. Override it to decide by yourself.

        Nearest first: what :func:`custom_cors` gave the method, `cors_config`, the route, the
        resource, the application, the defaults.

        :raises KeyError: the view has no such method.
        :raises ValueError: no CorsConfig is above the view, or a config is ill-formed.
        """
        cors = _nearest(request)
        if cors is None:
            raise ValueError(
                "no CorsConfig serves this view; call aiohttp_cors.setup() on its application "
                "or on one above it"
            )
        defaults = layer(cors.defaults)
        method = request_method.upper()
        if not has_method(cls, method):
            raise KeyError(request_method)
        below = cors.layers_below_view(request, method)
        # The first mapping takes what somebody writes into the result.
        return ChainMap({}, *view_layers(cls, method), *below, defaults)

    async def _preflight_handler(self, request: web.Request) -> web.StreamResponse:
        return respond(request, await answer_to(request))

    async def options(self) -> web.StreamResponse:
        """Answer a preflight for this view.

        :raises aiohttp.web.HTTPForbidden: it is refused.
        :raises aiohttp.web.HTTPMethodNotAllowed: nothing above the view handles CORS.
        """
        request = cast("web.View", self).request
        if _nearest(request) is None and not any(governors(request.match_info.apps)):
            allowed = sorted(name for name in hdrs.METH_ALL if has_method(type(self), name))
            raise web.HTTPMethodNotAllowed(request.method, allowed)
        return await self._preflight_handler(request)


#: A view that CORS can be enabled for.
View: TypeAlias = "type[CorsViewMixin]"


def mixin_view(handler: object) -> View | None:
    """`handler` if it is a view with the mixin."""
    return handler if isinstance(handler, type) and issubclass(handler, CorsViewMixin) else None


def has_method(view: View, method: str) -> bool:
    """Whether `view` serves `method` by itself. A client's word is never an attribute's name."""
    if method not in hdrs.METH_ALL:
        return False
    function = getattr(view, method.lower(), None)
    return function is not None and function is not CorsViewMixin.options


def overrides_config(view: View) -> bool:
    """Whether `view` decides about its config by itself."""
    own = getattr(view.get_request_config, "__func__", None)
    return own is not getattr(CorsViewMixin.get_request_config, "__func__", None)


def sources(view: View, method: str) -> list[Config]:
    """The configs that were written on `view` for `method`, nearest first."""
    config = _custom(view, method)
    if config is None and method == hdrs.METH_HEAD:
        config = _custom(view, hdrs.METH_GET)
    return [found for found in (config, view.cors_config) if found]


def _custom(view: View, method: str) -> Config | None:
    name = method.lower()
    function = getattr(view, name, None) if method in hdrs.METH_ALL else None
    # The config is under the name that the function was defined with.
    for defined in (getattr(function, "__name__", name), name):
        found: Config | None = getattr(function, defined + _SUFFIX, None)
        if found is not None:
            return found
    return None


def view_layers(view: View, method: str) -> tuple[Layer, ...]:
    """The layers that were written on `view` for `method`, nearest first.

    :raises ValueError: one of them is ill-formed.
    """
    return tuple(layer(config) for config in sources(view, method))


def _nearest(request: web.Request) -> CorsConfig | None:
    if (cors := request.app.get(APP_CONFIG_KEY)) is not None:
        return cors
    return request.config_dict.get(APP_CONFIG_KEY)
