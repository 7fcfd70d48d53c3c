"""`setup`, `add`, and what a config may be."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping
from typing import Any, Literal

from aiohttp import web
from typing_extensions import assert_type

from aiohttp_cors import (
    APP_CONFIG_KEY,
    CorsConfig,
    CorsConfigError,
    Finding,
    ResourceOptions,
    setup,
)
from aiohttp_cors.resource_options import Options


async def asks(_request: web.Request, origin: str) -> bool:
    return origin in await tenants()


def knows(request: web.Request, origin: str) -> bool:
    return origin in request.headers


async def tenants() -> list[str]:
    return []


def setup_gives_a_config(app: web.Application) -> None:
    assert_type(setup(app), CorsConfig)
    assert_type(setup(app, defaults=None, intercept_preflights=True, strict=True), CorsConfig)
    assert_type(app[APP_CONFIG_KEY], CorsConfig)
    setup(app, {})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    setup(app, default={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    setup(app, strict="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class OwnResource(web.PlainResource):
    """Applications derive from what is added."""


def add_gives_back_what_it_was_given(
    cors: CorsConfig,
    app: web.Application,
    resource: web.Resource,
    own: OwnResource,
    static: web.StaticResource,
    route: web.ResourceRoute,
    some: web.AbstractRoute,
) -> None:
    assert_type(cors.add(app), web.Application)
    assert_type(cors.add(resource), web.Resource)
    assert_type(cors.add(own, {"*": ResourceOptions()}), OwnResource)
    assert_type(cors.add(static, None), web.StaticResource)
    assert_type(cors.add(route, webview=True), web.ResourceRoute)
    assert_type(cors.add(some), web.AbstractRoute)
    cors.add(route, [])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cors.add(route, "*")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def a_config_may_be(cors: CorsConfig, app: web.Application, options: ResourceOptions) -> None:
    cors.add(app, {})
    cors.add(app, {"*": options, "https://a.example": None})
    cors.add(app, {re.compile("https://.*"): options})
    cors.add(app, {asks: options, knows: {"max_age": 1}, "*": None})
    cors.add(app, {"*": options, re.compile("https://.*"): {"allow_methods": "*"}, knows: None})
    cors.add(app, dict.fromkeys(("https://a.example", "https://b.example"), options))
    setup(app, defaults={"*": {"allow_headers": ["X-A"]}})
    cors.defaults = {"*": options}


def a_config_may_have_been_put_together(
    cors: CorsConfig,
    app: web.Application,
    by_text: dict[str, ResourceOptions],
    by_expression: Mapping[re.Pattern[str], ResourceOptions | None],
    plain: dict[str, Options],
    chain: ChainMap[str, ResourceOptions],
    untyped: Any,
) -> None:
    cors.add(app, by_text)
    cors.add(app, {**by_text, "*": None})
    cors.add(app, by_expression)
    cors.add(app, plain)
    cors.add(app, chain)
    cors.add(app, untyped)
    cors.add(app, cors.defaults)
    assert_type(cors.defaults["*"], ResourceOptions | None)


def options_in_a_config_are_checked(cors: CorsConfig, app: web.Application) -> None:
    whole: Options = {
        "allow_credentials": True,
        "expose_headers": "*",
        "allow_headers": ("X-A",),
        "max_age": None,
        "allow_methods": {"PUT"},
    }
    cors.add(app, {"*": whole})
    cors.add(app, {"*": 5})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    cors.add(app, {"origins": ["*"]})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    cors.add(app, {"allow_headers": "*"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    cors.add(app, {"*": {"allow_header": []}})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    cors.add(app, {"*": {"max_age": "60"}})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    setup(app, defaults={"*": {"max_age": 0.5}})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]


def options_are_checked() -> None:
    ResourceOptions(
        allow_credentials=False,
        expose_headers=["X-A"],
        allow_headers=frozenset({"X-A"}),
        max_age=60,
        allow_methods="*",
    )
    ResourceOptions(allow_header=[])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ResourceOptions(max_age="60")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ResourceOptions(allow_headers=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ResourceOptions(allow_headers=[b"X-A"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    ResourceOptions(True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def options_have_what_they_were_given(options: ResourceOptions) -> None:
    assert_type(options.allow_credentials, bool)
    assert_type(options.expose_headers, Literal["*"] | frozenset[str])
    assert_type(options.allow_headers, Literal["*"] | frozenset[str])
    assert_type(options.max_age, int | None)
    assert_type(options.allow_methods, Literal["*"] | frozenset[str] | None)
    assert_type(options.is_method_allowed("PUT"), bool)
    options.max_age = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def findings_are_values(error: CorsConfigError) -> None:
    assert_type(error.findings, tuple[Finding, ...])
    for finding in error.findings:
        assert_type(finding.code, str)
        assert_type(finding.option, str | None)
        assert_type(finding.value, str | int)
        assert_type(finding.is_problem, bool)
