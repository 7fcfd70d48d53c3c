"""Classic mistakes, as their authors make them: `explain` names each, and its mend works."""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from aiohttp_cors._cli import main

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "https://app.example"


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """An application, a request that its author thought would work, and what `explain` says."""

    id: str
    app: str
    asks: str
    #: In what it says, besides the rule
    told: tuple[str, ...]
    #: What of the application the author replaces
    replaced: str
    #: With what
    put: str = "MEND"
    step: str = "CORS check, step 2"

    def source(self) -> str:
        return textwrap.dedent(self.app)

    def mended(self, python: str) -> str:
        """The source with the mend where its author would put it."""
        assert self.app.count(self.replaced) == 1
        indented = textwrap.indent(self.put.replace("MEND", python), " " * 12).lstrip()
        return textwrap.dedent(self.app.replace(self.replaced, indented))


MISTAKES = [
    Mistake(
        id="a slash at the end of the origin",
        app="""
            from aiohttp import web
            import aiohttp_cors
            from aiohttp_cors import ResourceOptions

            async def news(request):
                return web.json_response([])

            app = web.Application()
            cors = aiohttp_cors.setup(app, defaults={
                "https://app.example/": ResourceOptions(),
            })
            cors.add(app.router.add_get("/news", news))
        """,
        asks=f"GET /news --origin {PAGE}",
        told=("'https://app.example/' in defaults: it ends in a slash", "in place of"),
        replaced='"https://app.example/": ResourceOptions(),',
    ),
    Mistake(
        id="http for https",
        app="""
            from aiohttp import web
            import aiohttp_cors
            from aiohttp_cors import ResourceOptions

            async def news(request):
                return web.json_response([])

            app = web.Application()
            resource = app.router.add_resource("/news")
            cors = aiohttp_cors.setup(app)
            cors.add(resource)
            cors.add(resource.add_route("GET", news), {
                "http://app.example": ResourceOptions(max_age=3600),
            })
        """,
        asks=f"GET /news --origin {PAGE}",
        told=("'http://app.example' in [GET] /news: the scheme is http, not https",),
        replaced='"http://app.example": ResourceOptions(max_age=3600),',
    ),
    Mistake(
        id="no port",
        app="""
            from aiohttp import web
            import aiohttp_cors
            from aiohttp_cors import ResourceOptions

            class Server:
                async def status(self, request):
                    return web.Response(text="up")

                def make(self):
                    app = web.Application()
                    cors = aiohttp_cors.setup(app)
                    route = app.router.add_route("GET", "/status", self.status)
                    cors.add(route, {"http://localhost": ResourceOptions(
                        allow_credentials=True)})
                    return app

            app = Server().make()
        """,
        asks="GET /status --origin http://localhost:3000 --credentials",
        told=("'http://localhost' in [GET] /status: the port is the default, not 3000",),
        replaced=""""http://localhost": ResourceOptions(
                        allow_credentials=True)""",
    ),
    Mistake(
        id="127.0.0.1 for localhost",
        app="""
            from aiohttp import web
            from aiohttp_cors import ResourceOptions, setup

            async def news(request):
                return web.json_response([])

            app = web.Application()
            app.router.add_get("/news", news)
            cors = setup(app, defaults={"http://localhost:3000": ResourceOptions()})
            for route in list(app.router.routes()):
                cors.add(route)
        """,
        asks="GET /news --origin http://127.0.0.1:3000",
        told=("localhost and 127.0.0.1 are one machine, but two origins",),
        replaced='"http://localhost:3000": ResourceOptions()',
    ),
    Mistake(
        id="JSON without Content-Type among the headers",
        app="""
            from aiohttp import web
            from aiohttp_cors import ResourceOptions, setup

            async def save(request):
                return web.json_response(await request.json())

            app = web.Application()
            cors = setup(app)
            cors.add(app.router.add_post("/notes", save), {
                "https://app.example": ResourceOptions(allow_methods=["POST"]),
            })
        """,
        asks=f"POST /notes --origin {PAGE} --header Content-Type:application/json",
        told=("the value 'application/json'", "allow_headers has no header, not Content-Type"),
        replaced='"https://app.example": ResourceOptions(allow_methods=["POST"]),',
    ),
    Mistake(
        id="a token without Authorization among the headers",
        app="""
            from aiohttp import web
            from aiohttp_cors import ResourceOptions, setup

            async def me(request):
                return web.json_response({"token": request.headers["Authorization"]})

            app = web.Application()
            cors = setup(app, defaults={
                "*": ResourceOptions(
                    allow_headers=("X-Requested-With", "Content-Type"),
                    expose_headers="*",
                ),
            })
            cors.add(app.router.add_get("/me", me))
        """,
        asks=f"GET /me --origin {PAGE} --header Authorization:Bearer",
        told=("headers are not allowed: AUTHORIZATION", "not Authorization", "defaults, by '*'"),
        replaced=""""*": ResourceOptions(
                    allow_headers=("X-Requested-With", "Content-Type"),
                    expose_headers="*",
                ),""",
    ),
    Mistake(
        id="a route that was not added",
        app="""
            from aiohttp import web
            from aiohttp_cors import ResourceOptions, setup

            async def news(request):
                return web.json_response([])

            async def weather(request):
                return web.json_response({})

            app = web.Application()
            cors = setup(app, defaults={"https://app.example": ResourceOptions()})
            cors.add(app.router.add_get("/news", news))
            app.router.add_get("/weather", weather)
        """,
        asks=f"GET /weather --origin {PAGE}",
        told=("not CORS-enabled; [GET] /weather was never added",),
        replaced='app.router.add_get("/weather", weather)',
    ),
    Mistake(
        id="one route of a resource that was not added",
        app="""
            from aiohttp import web
            from aiohttp_cors import ResourceOptions, setup

            async def show(request):
                return web.json_response({})

            async def replace(request):
                return web.json_response({})

            PAGES = {"https://app.example": ResourceOptions(allow_credentials=True)}

            app = web.Application()
            cors = setup(app)
            cors.add(app.router.add_get("/notes/{id}", show), PAGES)
            app.router.add_put("/notes/{id}", replace)
        """,
        asks=f"PUT /notes/7 --origin {PAGE} --credentials",
        told=("the route for PUT was not added",),
        replaced='app.router.add_put("/notes/{id}", replace)',
    ),
    Mistake(
        id="a method that nothing serves",
        app="""
            from aiohttp import web
            from aiohttp_cors import ResourceOptions, setup

            async def show(request):
                return web.json_response({})

            app = web.Application()
            cors = setup(app, defaults={"https://app.example": ResourceOptions()})
            cors.add(app.router.add_get("/notes", show))
        """,
        asks=f"PUT /notes --origin {PAGE}",
        told=("nothing serves PUT there; what is served: GET, HEAD", "serve PUT"),
        replaced='cors.add(app.router.add_get("/notes", show))',
        put="""\
cors.add(app.router.add_get("/notes", show))

async def handler(request):
    return web.json_response({})

MEND
""",
    ),
    Mistake(
        id="a method that allow_methods lacks",
        app="""
            from aiohttp import web
            from aiohttp_cors import CorsViewMixin, ResourceOptions, setup

            class Notes(web.View, CorsViewMixin):
                cors_config = {
                    "https://app.example": ResourceOptions(allow_methods=["GET", "POST"]),
                }

                async def get(self):
                    return web.json_response([])

                async def delete(self):
                    return web.Response(status=204)

            app = web.Application()
            cors = setup(app)
            cors.add(app.router.add_view("/notes", Notes))
        """,
        asks=f"DELETE /notes --origin {PAGE}",
        told=("allow_methods has GET, POST", "view Notes, by 'https://app.example'"),
        replaced='"https://app.example": ResourceOptions(allow_methods=["GET", "POST"]),',
    ),
    Mistake(
        id="a method that a view lacks",
        app="""
            from aiohttp import web
            from aiohttp_cors import CorsViewMixin, ResourceOptions, setup

            class Notes(CorsViewMixin, web.View):
                async def get(self):
                    return web.json_response([])

            app = web.Application()
            cors = setup(app, defaults={"https://app.example": ResourceOptions()})
            cors.add(app.router.add_route("*", "/notes", Notes))
        """,
        asks=f"PATCH /notes --origin {PAGE}",
        told=("nothing serves PATCH there", "give Notes a method for PATCH"),
        replaced="async def get(self):",
        put="    MEND\n\n    async def get(self):",
    ),
    Mistake(
        id="cookies without allow_credentials",
        app="""
            from aiohttp import web
            from aiohttp_cors import ResourceOptions, setup

            async def me(request):
                return web.json_response({"session": request.cookies.get("session")})

            app = web.Application()
            cors = setup(app)
            cors.add(
                app.router.add_get("/me", me),
                {"https://app.example": ResourceOptions(expose_headers=["X-Total"])},
            )
        """,
        asks=f"GET /me --origin {PAGE} --credentials",
        told=("Access-Control-Allow-Credentials is missing, not 'true'",),
        step="CORS check, step 8",
        replaced='"https://app.example": ResourceOptions(expose_headers=["X-Total"])',
    ),
    Mistake(
        id="cookies for everybody without allow_credentials",
        app="""
            from aiohttp import web
            from aiohttp_cors import ResourceOptions, setup

            async def me(request):
                return web.json_response({"session": request.cookies.get("session")})

            app = web.Application()
            cors = setup(app, defaults={"*": ResourceOptions(), })
            cors.add(app.router.add_get("/me", me))
        """,
        asks=f"GET /me --origin {PAGE} --credentials",
        told=(
            "defaults, by '*'",
            "in defaults, add:",
            '"https://app.example": ResourceOptions(all',
        ),
        step="CORS check, step 8",
        replaced='"*": ResourceOptions(), ',
    ),
    Mistake(
        id="a page without an origin",
        app="""
            from aiohttp import web
            from aiohttp_cors import ResourceOptions, setup

            async def news(request):
                return web.json_response([])

            app = web.Application()
            cors = setup(app, defaults={"file://": ResourceOptions()})
            cors.add(app.router.add_get("/news", news))
        """,
        asks="GET /news --origin null",
        told=("none of defaults has the origin",),
        replaced='"file://": ResourceOptions()',
    ),
    Mistake(
        id="the domain itself for its subdomains",
        app="""
            from aiohttp import web
            from aiohttp_cors import ResourceOptions, setup

            async def news(request):
                return web.json_response([])

            app = web.Application()
            cors = setup(app)
            cors.add(app, {
                "https://*.app.example": ResourceOptions(allow_credentials=True),
            })
            app.router.add_get("/news", news)
        """,
        asks=f"GET /news --origin {PAGE} --credentials",
        told=("it covers the subdomains, not the host itself", "in the config of application"),
        replaced='"https://*.app.example": ResourceOptions(allow_credentials=True),',
    ),
    Mistake(
        id="a sub-application with a config of its own, and nothing in it",
        app="""
            from aiohttp import web
            from aiohttp_cors import ResourceOptions, setup

            async def news(request):
                return web.json_response([])

            api = web.Application()
            api_cors = setup(api)
            api_cors.add(api.router.add_get("/news", news))

            app = web.Application()
            setup(app, defaults={"https://app.example": ResourceOptions()})
            app.add_subapp("/api", api)
        """,
        asks=f"GET /api/news --origin {PAGE}",
        told=("none of defaults has the origin", "in defaults, add:"),
        replaced="setup(api)",
        put="setup(api, defaults={MEND})",
    ),
    Mistake(
        id="nobody set CORS up",
        app="""
            from aiohttp import web

            async def news(request):
                return web.json_response([], headers={"Allow": "*"})

            app = web.Application()
            app.router.add_get("/news", news)
        """,
        asks=f"GET /news --origin {PAGE}",
        told=("not CORS-enabled; nothing handles CORS",),
        replaced='app.router.add_get("/news", news)',
    ),
]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    # What is imported from here is not to be found by the tests that follow.
    monkeypatch.setattr(sys, "path", [*sys.path])
    for module in ("mistaken", "mended"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return tmp_path


def explained(
    capsys: pytest.CaptureFixture[str], module: str, asks: str
) -> tuple[int, str, dict[str, Any]]:
    """Exit status, text and JSON of the command."""
    arguments = ["explain", f"{module}:app", *asks.split()]
    status = main(arguments)
    text = capsys.readouterr().out
    assert main([*arguments, "--json"]) == status
    return status, text, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.id)
def test_explain_names_the_mistake_and_the_mend_which_works(
    mistake: Mistake, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "mistaken.py").write_text(mistake.source())
    status, text, told = explained(capsys, "mistaken", mistake.asks)
    assert status == 1
    assert told["blocked"]["step"] == mistake.step
    in_one_line = " ".join(text.split())
    for part in mistake.told:
        assert part in in_one_line, text

    (directory / "mended.py").write_text(mistake.mended(told["blocked"]["mend"]["python"]))
    importlib.invalidate_caches()
    status, text, _ = explained(capsys, "mended", mistake.asks)
    assert status == 0, text
