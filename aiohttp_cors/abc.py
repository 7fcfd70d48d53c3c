"""The interface between a CorsConfig and a router."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from aiohttp import web

__all__ = ("AbstractRouterAdapter",)

#: What answers a request.
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AbstractRouterAdapter(metaclass=ABCMeta):
    """What a CorsConfig has to know of a router.

    A router serves requests through entities: routes, resources, whatever it calls them. The
    adapter remembers a config for each of the entities that CORS was enabled for, sends their
    preflights to the library, and finds the config again when a request comes in.

    Implement it for a router that is not aiohttp's own, and pass it to
    ``CorsConfig(app, router_adapter=...)``.
    """

    @abstractmethod
    def add_preflight_handler(
        self,
        routing_entity: Any,
        handler: Handler,
        webview: bool = False,
    ) -> None:
        """Send the OPTIONS requests for `routing_entity` to `handler`.

        Nothing happens if they go there already.

        :raises ValueError: `routing_entity` cannot be CORS-enabled, or its OPTIONS requests are
            served by something else.
        """

    @abstractmethod
    def is_preflight_request(self, request: web.Request) -> bool:
        """Whether `request` is served by the preflight handler."""

    @abstractmethod
    def is_cors_enabled_on_request(self, request: web.Request) -> bool:
        """Whether `request` is for something that CORS was enabled for."""

    @abstractmethod
    def set_config_for_routing_entity(self, routing_entity: Any, config: Mapping[Any, Any]) -> None:
        """Remember `config` for `routing_entity`.

        :raises ValueError: another config is remembered for it already.
        """

    @abstractmethod
    async def get_preflight_request_config(
        self, preflight_request: web.Request, origin: str, requested_method: str
    ) -> Mapping[Any, Any]:
        """Find the config that answers a preflight.

        :param origin: the value of the Origin header.
        :param requested_method: the value of the Access-Control-Request-Method header.
        :raises KeyError: CORS is not enabled for that method.
        """

    @abstractmethod
    def get_non_preflight_request_config(self, request: web.Request) -> Mapping[Any, Any]:
        """Find the config that governs the answer to an actual request."""
