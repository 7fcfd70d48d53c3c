"""Decorators and the mixin keep the types of what they are put on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from typing_extensions import assert_type

from aiohttp_cors import CorsViewMixin, ResourceOptions, custom_cors, setup


class Notes(web.View, CorsViewMixin):
    cors_config = {"https://app.example": ResourceOptions(), "*": None}  # noqa: RUF012 - as applications write it

    async def get(self) -> web.Response:
        return web.Response()

    @custom_cors({"https://admin.example": {"allow_credentials": True}})
    async def post(self) -> web.StreamResponse:
        return web.StreamResponse()


class ByItself(CorsViewMixin, web.View):
    @classmethod
    def get_request_config(cls, request: web.Request, request_method: str) -> Mapping[Any, Any]:
        return {**super().get_request_config(request, request_method), "*": None}


@custom_cors({"*": ResourceOptions()})
def numbered(view: web.View, number: int, *, name: str = "") -> web.Response:
    return web.Response(text=f"{view} {number} {name}")


def a_decorated_function_keeps_its_signature(view: web.View, notes: Notes) -> None:
    assert_type(numbered(view, 1, name="a"), web.Response)
    numbered(view, "1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    _: Callable[[], Awaitable[web.StreamResponse]] = notes.post


async def a_decorated_method_keeps_its_result(notes: Notes) -> None:
    assert_type(await notes.get(), web.Response)
    assert_type(await notes.post(), web.StreamResponse)
    assert_type(await notes.options(), web.StreamResponse)


def a_decorator_checks_its_config() -> None:
    custom_cors(ResourceOptions())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    custom_cors({"*": {"credentials": True}})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]


def a_view_is_added(app: web.Application) -> None:
    route = app.router.add_view("/notes", Notes)
    assert_type(setup(app).add(route), web.AbstractRoute)
