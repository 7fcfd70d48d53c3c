"""CORS support for the aiohttp server.

See https://aiohttp-cors.readthedocs.io, and the "CORS protocol" of the Fetch Standard.
"""

from __future__ import annotations

from aiohttp import web

from .__about__ import (
    __author__,
    __copyright__,
    __email__,
    __license__,
    __summary__,
    __title__,
    __uri__,
    __version__,
)
from ._findings import CorsConfigError, Finding
from ._policy import Config
from .cors_config import CorsConfig
from .mixin import APP_CONFIG_KEY, CorsViewMixin, custom_cors
from .resource_options import ResourceOptions

__all__ = (
    "APP_CONFIG_KEY",
    "CorsConfig",
    "CorsConfigError",
    "CorsViewMixin",
    "Finding",
    "ResourceOptions",
    "__author__",
    "__copyright__",
    "__email__",
    "__license__",
    "__summary__",
    "__title__",
    "__uri__",
    "__version__",
    "custom_cors",
    "setup",
)


def setup(
    app: web.Application,
    *,
    defaults: Config | None = None,
    intercept_preflights: bool = False,
    strict: bool = False,
) -> CorsConfig:
    """Set CORS up for an application, of which nothing is CORS-enabled before it is added.

    ::

        cors = aiohttp_cors.setup(app)
        cors.add(
            app.router.add_get("/hello", hello),
            {"https://app.example": ResourceOptions(allow_credentials=True)},
        )

    :param app: the application.
    :param defaults: the layer under everything that is added, a mapping of origins to options.
    :param bool intercept_preflights: answer the preflights for what is added before any other
        middleware sees them, as middleware that authenticates requires: browsers send
        preflights without credentials.
    :param bool strict: raise :class:`CorsConfigError` for what is unwise in a config or can never
        work; otherwise it is logged, once, as warnings of the logger ``aiohttp_cors``.
    :return: the config to add to, also found at ``app[aiohttp_cors.APP_CONFIG_KEY]``.
    :raises ValueError: `defaults` is ill-formed.
    :raises CorsConfigError: with `strict`, `defaults` has problems.
    """
    cors = CorsConfig(
        app, defaults=defaults, intercept_preflights=intercept_preflights, strict=strict
    )
    app[APP_CONFIG_KEY] = cors
    return cors
