"""The table of the differential suite: configurations, requests, and what comes of them.

The first part are servers that write their headers by hand, in every way that the Fetch Standard
judges; the second part are servers with this library.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from aiohttp import hdrs, web
from multidict import CIMultiDict

import aiohttp_cors
from aiohttp_cors import CorsViewMixin, ResourceOptions

from .._support import ACAC, ACAH, ACAM, ACAO, ACEH, ACMA
from ._bed import (
    API,
    BLOCKED,
    FAR,
    FONT,
    LOADED,
    NULL,
    PAGE,
    PNG,
    SCRIPT,
    STRANGER,
    Case,
    Differs,
    Fetch,
    Headers,
    Place,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aiohttp_cors import CorsConfig

    Build: TypeAlias = Callable[[Place], None]
    Handler: TypeAlias = Callable[[web.Request], Any]

CASES: list[Case] = []


def case(
    name: str,
    build: Build,
    *fetches: Fetch,
    expected: str | Sequence[str] = "200",
    preflights: int = 0,
    page: str = PAGE,
    differs: Mapping[str, Differs] | None = None,
) -> None:
    """One more line of the table; a single `expected` holds for each fetch."""
    fetches = fetches or (Fetch(),)
    CASES.append(
        Case(
            name=name,
            build=build,
            fetches=fetches,
            expected=(expected,) * len(fetches) if isinstance(expected, str) else tuple(expected),
            preflights=preflights,
            page=page,
            differs=differs or {},
        )
    )


# Where the browsers do not do as the standard says, as of Chromium 156 and Firefox 153
FIREFOX_ASKS_TWICE = {
    "firefox": Differs(why="it mostly relies on what it remembers after a second preflight only")
}
FIREFOX_FORGETS_STAR = {
    "firefox": Differs(why="it does not take a remembered * for a wildcard", preflights=2)
}
INVALID_MAX_AGE = Differs(why="an invalid Max-Age means 0 instead of the default", preflights=2)
FIREFOX_ASKS_AFTER_REDIRECT = {
    "firefox": Differs(
        why="a redirect of what had a preflight gets one again, even if nothing calls for it",
        preflights=2,
    )
}
CHROMIUM_CLIENT_HINTS = {
    "chromium": Differs(why="it takes client hints for safelisted", preflights=0)
}
STAR_COVERS_AUTHORIZATION = Differs(
    why="it lets * cover Authorization, with a warning in the console",
    expected=("200",),
    preflights=1,
)

# Servers that write their headers by hand


async def echo(request: web.Request) -> web.Response:
    """What the server got, as far as a page decides it."""
    return web.Response(text=f"{request.method} {await request.text()} {dict(request.cookies)}")


def by_hand(
    *headers: tuple[str, str],
    preflight: Headers | None = None,
    preflight_status: int = 200,
    status: int = 200,
    path: str = "",
) -> Build:
    """A server with these headers on every answer, on preflights those of `preflight` if given."""

    def build(place: Place) -> None:
        def real(some: Headers) -> CIMultiDict[str]:
            return CIMultiDict((name, place.real(value)) for name, value in some)

        async def handler(request: web.Request) -> web.Response:
            if hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers:
                own = headers if preflight is None else preflight
                return web.Response(status=preflight_status, headers=real(own))
            response = await echo(request)
            if status in {204, 304}:
                response.body = None
            response.set_status(status)
            response.headers.extend(real(headers))
            return response

        place.app.router.add_route("*", place.path + path, handler)

    return build


def both(*builds: Build) -> Build:
    def build(place: Place) -> None:
        for one in builds:
            one(place)

    return build


GRANT = (ACAO, PAGE)
WITH_COOKIES = (GRANT, (ACAC, "true"))
ANY = (ACAO, "*")
INCLUDE = Fetch(credentials="include")
PUT = Fetch(method="PUT", body="x", headers=[("Content-Type", "text/plain")])
CUSTOM = Fetch(headers=[("X-Custom", "1")])

# CORS check
case("acao-exact", by_hand(GRANT))
case("acao-star", by_hand(ANY))
case("acao-missing", by_hand(), expected=BLOCKED)
case("acao-other-origin", by_hand((ACAO, STRANGER)), expected=BLOCKED)
case("acao-empty", by_hand((ACAO, "")), expected=BLOCKED)
case("acao-null", by_hand((ACAO, "null")), expected=BLOCKED)
case("acao-trailing-slash", by_hand((ACAO, PAGE + "/")), expected=BLOCKED)
case("acao-no-scheme", by_hand((ACAO, "127.0.0.1")), expected=BLOCKED)
case("acao-list", by_hand((ACAO, f"{PAGE}, {STRANGER}")), expected=BLOCKED)
case("acao-list-of-blanks", by_hand((ACAO, f"{PAGE} {STRANGER}")), expected=BLOCKED)
case("acao-twice", by_hand(GRANT, GRANT), expected=BLOCKED)
case("acao-star-twice", by_hand(ANY, ANY), expected=BLOCKED)
case("acao-blanks-around", by_hand((ACAO, f"  {PAGE}  ")))
case("acao-wildcard-port", by_hand((ACAO, "http://127.0.0.1:*")), expected=BLOCKED)
case("credentials-acac", by_hand(*WITH_COOKIES), INCLUDE)
case("credentials-no-acac", by_hand(GRANT), INCLUDE, expected=BLOCKED)
case("credentials-star", by_hand(ANY, (ACAC, "true")), INCLUDE, expected=BLOCKED)
for name, value in {"upper": "TRUE", "title": "True", "one": "1", "twice": "true, true"}.items():
    case(f"acac-{name}", by_hand(GRANT, (ACAC, value)), INCLUDE, expected=BLOCKED)
case("acac-without-credentials", by_hand(GRANT, (ACAC, "false")))
case("acac-not-needed", by_hand(ANY, (ACAC, "true")))
case("credentials-same-origin", by_hand(GRANT), Fetch(credentials="same-origin"))
for status in (204, 404, 405, 500):
    case(f"status-{status}", by_hand(GRANT, status=status), expected=str(status))
    case(f"status-{status}-refused", by_hand(status=status), expected=BLOCKED)
case(
    "status-304-to-the-page",
    by_hand(GRANT, (ACAH, "if-none-match"), status=304),
    Fetch(headers=[("If-None-Match", '"x"')]),
    expected="304",
    preflights=1,
)

# Exposed headers
SHOWN = (("X-A", "1"), ("X-B", "2"), ("Set-Cookie", "c=1; Path=/nowhere"), ("ETag", '"e"'))
for name, exposed, visible in (
    ("none", None, "200"),
    ("one", "X-A", "200 x-a"),
    ("lower", "x-a,x-b", "200 x-a x-b"),
    ("blanks", " X-A ,, X-B ", "200 x-a x-b"),
    (
        "star",
        "*",
        "200 access-control-allow-origin access-control-expose-headers date etag server x-a x-b",
    ),
    ("set-cookie", "Set-Cookie, X-A", "200 x-a"),
    ("invalid-member", "X-A, X B", "200"),
    ("absent", "X-Z", "200"),
):
    exposing = () if exposed is None else ((ACEH, exposed),)
    case(f"expose-{name}", by_hand(GRANT, *SHOWN, *exposing), expected=visible)
case(
    "expose-two-lines", by_hand(GRANT, *SHOWN, (ACEH, "X-A"), (ACEH, "X-B")), expected="200 x-a x-b"
)
case("expose-star-credentials", by_hand(*WITH_COOKIES, *SHOWN, (ACEH, "*")), INCLUDE)
case(
    "expose-safelisted",
    by_hand(
        GRANT,
        ("Cache-Control", "no-store"),
        ("Content-Language", "de"),
        ("Expires", "0"),
        ("Pragma", "no-cache"),
        ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT"),
    ),
)

# Which methods need a preflight, and which are allowed
for method in ("GET", "get", "HEAD", "POST", "post", "Post"):
    case(f"method-{method}", by_hand(GRANT), Fetch(method=method))
for method in ("PUT", "put", "DELETE", "PATCH", "OPTIONS", "PURGE"):
    case(
        f"method-{method}",
        by_hand(GRANT, (ACAM, method.upper())),
        Fetch(method=method),
        preflights=1,
    )
case(
    "method-patch",
    by_hand(GRANT, (ACAM, "PATCH")),
    Fetch(method="patch"),
    expected=BLOCKED,
    preflights=1,
)
for method in ("CONNECT", "TRACE", "TRACK", "NOT A TOKEN"):
    case(
        f"method-{method.replace(' ', '-')}",
        by_hand(GRANT, (ACAM, method)),
        Fetch(method=method),
        expected=BLOCKED,
    )
for name, methods, allowed in (
    ("missing", None, False),
    ("empty", "", False),
    ("others", "GET, POST, DELETE", False),
    ("among", "DELETE,PUT", True),
    ("lower", "put", False),
    ("star", "*", True),
    ("star-among", "GET, *", True),
    ("invalid", "PUT, ü", False),
):
    allowing = () if methods is None else ((ACAM, methods),)
    case(
        f"acam-{name}",
        by_hand(GRANT, *allowing),
        PUT,
        expected="200" if allowed else BLOCKED,
        preflights=1,
    )
case("acam-two-lines", by_hand(GRANT, (ACAM, "GET"), (ACAM, "PUT")), PUT, preflights=1)
PUT_COOKIES = Fetch(method="PUT", credentials="include")
case("acam-credentials", by_hand(*WITH_COOKIES, (ACAM, "PUT")), PUT_COOKIES, preflights=1)
case(
    "acam-star-credentials",
    by_hand(*WITH_COOKIES, (ACAM, "*")),
    PUT_COOKIES,
    expected=BLOCKED,
    preflights=1,
)
case(
    "acam-not-needed-for-simple",
    by_hand(GRANT, (ACAH, "x-custom")),
    Fetch(method="POST", headers=[("X-Custom", "1")]),
    preflights=1,
)
case(
    "preflight-no-acac",
    by_hand(*WITH_COOKIES, preflight=[GRANT, (ACAM, "PUT")]),
    PUT_COOKIES,
    expected=BLOCKED,
    preflights=1,
)
case(
    "preflight-star-acao",
    by_hand(*WITH_COOKIES, preflight=[ANY, (ACAC, "true"), (ACAM, "PUT")]),
    PUT_COOKIES,
    expected=BLOCKED,
    preflights=1,
)
case(
    "preflight-no-acao",
    by_hand(GRANT, preflight=[(ACAM, "PUT")]),
    PUT,
    expected=BLOCKED,
    preflights=1,
)
case(
    "preflight-only", by_hand(preflight=[GRANT, (ACAM, "PUT")]), PUT, expected=BLOCKED, preflights=1
)
for status in (200, 201, 204, 299, 304, 400, 401, 403, 404, 405, 500):
    ok = 200 <= status <= 299
    case(
        f"preflight-status-{status}",
        by_hand(GRANT, (ACAM, "PUT"), preflight_status=status),
        PUT,
        expected="200" if ok else BLOCKED,
        preflights=1,
    )
case(
    "preflight-redirected",
    by_hand(
        GRANT,
        preflight=[GRANT, (ACAM, "PUT"), ("Location", API + "/acao-exact")],
        preflight_status=307,
    ),
    PUT,
    expected=BLOCKED,
    preflights=1,
)

# Which request headers need a preflight
for name, header, value, simple in (
    ("accept", "Accept", "text/html;q=0.9, */*", True),
    ("accept-unsafe", "Accept", "text/html, (x)", False),
    ("accept-128", "Accept", "a" * 128, True),
    ("accept-129", "Accept", "a" * 129, False),
    ("accept-language", "Accept-Language", "de-DE, de;q=0.5, *", True),
    ("accept-language-unsafe", "Accept-Language", "de_DE", False),
    ("content-language", "Content-Language", "de", True),
    ("content-language-unsafe", "Content-Language", "de@x", False),
    ("type-text", "Content-Type", "text/plain", True),
    ("type-text-charset", "Content-Type", "Text/Plain; charset=utf-8", True),
    ("type-form", "Content-Type", "application/x-www-form-urlencoded", True),
    ("type-multipart", "Content-Type", "multipart/form-data; boundary=x", True),
    ("type-json", "Content-Type", "application/json", False),
    ("type-quoted", "Content-Type", 'text/plain; a="b"', False),
    ("type-two", "Content-Type", "text/plain, text/plain", False),
    ("type-invalid", "Content-Type", "text", False),
    ("type-empty", "Content-Type", "", False),
    ("type-long", "Content-Type", "text/plain; a=" + "b" * 120, False),
    ("range", "Range", "bytes=0-10", True),
    ("range-open", "Range", "bytes=5-", True),
    ("range-suffix", "Range", "bytes=-10", False),
    ("range-two", "Range", "bytes=0-1,3-4", False),
    ("custom", "X-Custom", "1", False),
    ("custom-empty", "X-Custom", "", False),
    ("authorization", "Authorization", "Basic eDp5", False),
    ("if-none-match", "If-None-Match", '"x"', False),
    ("cache-control", "Cache-Control", "no-cache", False),
    ("save-data", "Save-Data", "on", False),
    ("x-requested-with", "X-Requested-With", "XMLHttpRequest", False),
    ("override-get", "X-HTTP-Method-Override", "GET", False),
    ("override-trace", "X-HTTP-Method-Override", "GET, TRACE", True),
    ("forbidden-sec", "Sec-Custom", "1", True),
    ("forbidden-proxy", "Proxy-Custom", "1", True),
    ("forbidden-cookie", "Cookie", "a=b", True),
    ("forbidden-origin", "Origin", STRANGER, True),
    ("forbidden-host", "Host", "x", True),
):
    request = Fetch(method="POST", headers=[(header, value)])
    case(
        f"header-{name}",
        by_hand(GRANT, (ACAH, header)),
        request,
        preflights=0 if simple else 1,
        differs=CHROMIUM_CLIENT_HINTS if header == "Save-Data" else None,
    )
case(
    "header-limit-of-1024",
    by_hand(GRANT, (ACAH, "accept, accept-language, content-language, content-type, x-custom")),
    Fetch(headers=[("Accept", "a" * 120)] * 9),
    preflights=1,
    differs={"firefox": Differs(why="it has no limit for all values together", preflights=0)},
)
case(
    "header-two",
    by_hand(GRANT, (ACAH, "X-A,X-B")),
    Fetch(headers=[("X-B", "1"), ("X-A", "2"), ("x-b", "3")]),
    preflights=1,
    differs={"firefox": Differs(why="it names a header that was set twice twice", preflights=1)},
)
case("header-string-body", by_hand(GRANT), Fetch(method="POST", body="text"))
for name, names, allowed in (
    ("missing", None, False),
    ("empty", "", False),
    ("exact", "X-Custom", True),
    ("lower", "x-custom", True),
    ("upper", "X-CUSTOM", True),
    ("among", "x-a ,, x-custom", True),
    ("other", "x-customs", False),
    ("star", "*", True),
    ("invalid", "x-custom, x b", False),
):
    allowing = () if names is None else ((ACAH, names),)
    case(
        f"acah-{name}",
        by_hand(GRANT, *allowing),
        CUSTOM,
        expected="200" if allowed else BLOCKED,
        preflights=1,
    )
case("acah-two-lines", by_hand(GRANT, (ACAH, "x-a"), (ACAH, "x-custom")), CUSTOM, preflights=1)
case(
    "acah-star-credentials",
    by_hand(*WITH_COOKIES, (ACAH, "*")),
    Fetch(headers=[("X-Custom", "1")], credentials="include"),
    expected=BLOCKED,
    preflights=1,
)
SECRET = Fetch(headers=[("Authorization", "Basic eDp5")])
case(
    "acah-star-authorization",
    by_hand(GRANT, (ACAH, "*")),
    SECRET,
    expected=BLOCKED,
    preflights=1,
    differs={"chromium": STAR_COVERS_AUTHORIZATION, "firefox": STAR_COVERS_AUTHORIZATION},
)
case(
    "acah-star-and-authorization", by_hand(GRANT, (ACAH, "*, Authorization")), SECRET, preflights=1
)

# The preflight cache
ALLOW = (GRANT, (ACAM, "PUT, DELETE"), (ACAH, "x-a, x-b"))
FIREFOX_INVALID_MAX_AGE = {"firefox": INVALID_MAX_AGE}
for name, age, preflights, differs in (
    ("default", None, 1, FIREFOX_ASKS_TWICE),
    ("600", "600", 1, FIREFOX_ASKS_TWICE),
    ("zero", "0", 2, {}),
    ("negative", "-1", 1, {"chromium": INVALID_MAX_AGE, **FIREFOX_INVALID_MAX_AGE}),
    ("word", "soon", 1, FIREFOX_INVALID_MAX_AGE),
    ("fraction", "600.5", 1, FIREFOX_INVALID_MAX_AGE),
):
    aging = () if age is None else ((ACMA, age),)
    case(
        f"max-age-{name}",
        by_hand(*ALLOW, *aging),
        PUT,
        PUT,
        preflights=preflights,
        differs=differs,
    )
AGED = (*ALLOW, (ACMA, "600"))
A, A_AND_B = [("X-A", "1")], [("X-A", "1"), ("X-B", "1")]
case(
    "cache-another-method",
    by_hand(*AGED),
    PUT,
    Fetch(method="DELETE"),
    preflights=1,
    differs=FIREFOX_ASKS_TWICE,
)
case(
    "cache-another-header",
    by_hand(*AGED),
    Fetch(headers=A),
    Fetch(headers=A_AND_B),
    preflights=1,
    differs=FIREFOX_ASKS_TWICE,
)
case(
    "cache-fewer-headers",
    by_hand(*AGED),
    Fetch(headers=A_AND_B),
    Fetch(headers=A),
    preflights=1,
    differs=FIREFOX_ASKS_TWICE,
)
case(
    "cache-header-not-granted",
    by_hand(*AGED),
    Fetch(headers=A),
    CUSTOM,
    expected=["200", BLOCKED],
    preflights=2,
)
case(
    "cache-after-a-refusal",
    by_hand(*AGED),
    PUT,
    CUSTOM,
    PUT,
    expected=["200", BLOCKED, "200"],
    preflights=3,
)
case("cache-another-url", by_hand(*AGED), PUT, Fetch(method="PUT", path="?2"), preflights=2)
case(
    "cache-another-credentials-mode", by_hand(*AGED, (ACAC, "true")), PUT, PUT_COOKIES, preflights=2
)
case(
    "cache-star",
    by_hand(GRANT, (ACAM, "*"), (ACAH, "*"), (ACMA, "600")),
    PUT,
    Fetch(method="DELETE", headers=A),
    preflights=1,
    differs=FIREFOX_FORGETS_STAR,
)

# Redirects


def redirect(
    to: str, *headers: tuple[str, str], status: int = 302, preflight: Headers | None = None
) -> Build:
    """Redirect the case's own path; `{}` in `to` stands for it."""

    def build(place: Place) -> None:
        location = ("Location", to.replace("{}", place.path))
        by_hand(location, *headers, status=status, preflight=preflight)(place)

    return build


def redirect_from_home(to: str) -> Build:
    """Redirect from the page's own origin."""

    def build(place: Place) -> None:
        async def handler(request: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(place.real(to.replace("{}", request.path)))

        place.home.router.add_route("*", place.path, handler)

    return build


def home_by_hand(*headers: tuple[str, str]) -> Build:
    """The end of a redirect on the page's own origin."""

    def build(place: Place) -> None:
        by_hand(*headers, path=END)(replace(place, app=place.home))

    return build


def redirect_with_userinfo(place: Place) -> None:
    location = place.real(API).replace("//", "//user:secret@") + place.path + END
    by_hand(("Location", location), GRANT, status=302)(place)
    by_hand(GRANT, path=END)(place)


END = "/end"


def redirected(
    to: str, *headers: tuple[str, str], end: Headers = (GRANT,), **options: Any
) -> Build:
    """A redirect with `headers`, and at the end of it a server with others."""
    return both(redirect(to, *headers, **options), by_hand(*end, path=END))


case("redirect", redirected("{}/end", GRANT))
case("redirect-star", redirected("{}/end", ANY, end=[ANY]))
case("redirect-without-acao", redirected("{}/end"), expected=BLOCKED)
case("redirect-end-without-acao", redirected("{}/end", GRANT, end=[]), expected=BLOCKED)
case("redirect-credentials", redirected("{}/end", *WITH_COOKIES, end=WITH_COOKIES), INCLUDE)
case(
    "redirect-credentials-no-acac",
    redirected("{}/end", GRANT, end=WITH_COOKIES),
    INCLUDE,
    expected=BLOCKED,
)
case("redirect-far", redirected(FAR + "{}/end", GRANT, end=[(ACAO, "null")]))
case("redirect-far-star", redirected(FAR + "{}/end", GRANT, end=[ANY]))
case("redirect-far-exact", redirected(FAR + "{}/end", GRANT, end=[GRANT]), expected=BLOCKED)
case("redirect-userinfo", redirect_with_userinfo, expected=BLOCKED)
case("redirect-data", redirect("data:,x", GRANT), expected=BLOCKED)
case("redirect-loop", redirect("{}", GRANT), expected=BLOCKED)
case("redirect-no-location", by_hand(GRANT, status=302), expected="302")
for status in (301, 302, 303, 307, 308):
    case(
        f"redirect-{status}-post",
        redirected("{}/end", GRANT, status=status),
        Fetch(method="POST", body="x"),
    )
    case(
        f"redirect-{status}-put",
        redirected(
            "{}/end",
            GRANT,
            (ACAM, "PUT"),
            status=status,
            preflight=[GRANT, (ACAM, "PUT")],
            end=[GRANT, (ACAM, "PUT")],
        ),
        PUT,
        preflights=1 if status == 303 else 2,
        differs=FIREFOX_ASKS_AFTER_REDIRECT if status == 303 else None,
    )
case(
    "redirect-preflight-refused-at-the-end",
    redirected("{}/end", GRANT, status=307, preflight=[GRANT, (ACAM, "PUT")]),
    PUT,
    expected=BLOCKED,
    preflights=2,
)

HOME = Fetch(at=PAGE)
TO_API = both(redirect_from_home(API + "{}/end"), by_hand(*ALLOW, path=END))
case("redirect-from-home", TO_API, HOME)
case("redirect-from-home-put", TO_API, replace(PUT, at=PAGE), preflights=1)
case(
    "redirect-from-home-refused",
    both(redirect_from_home(API + "{}/end"), by_hand(path=END)),
    HOME,
    expected=BLOCKED,
)
case(
    "redirect-to-home",
    both(redirect(PAGE + "{}/end", GRANT), home_by_hand(GRANT)),
    expected=BLOCKED,
)
case("redirect-to-home-null", both(redirect(PAGE + "{}/end", GRANT), home_by_hand((ACAO, "null"))))
case(
    "redirect-far-authorization",
    redirected(FAR + "{}/end", GRANT, (ACAH, "Authorization"), end=[ANY, (ACAH, "Authorization")]),
    SECRET,
    preflights=1,
    differs=FIREFOX_ASKS_AFTER_REDIRECT,
)

# A page without an origin
case("null-origin-null", by_hand((ACAO, NULL)), page=NULL)
case("null-origin-star", by_hand(ANY), page=NULL)
case("null-origin-page", by_hand(GRANT), page=NULL, expected=BLOCKED)
case("null-origin-credentials", by_hand((ACAO, NULL), (ACAC, "true")), INCLUDE, page=NULL)
case("null-origin-put", by_hand((ACAO, NULL), (ACAM, "PUT")), PUT, page=NULL, preflights=1)

# Other ways to make a request
UPLOAD = Fetch(way="upload", method="POST", body="x")
case("upload-listener", by_hand(GRANT), UPLOAD, preflights=1)
case(
    "upload-listener-credentials",
    by_hand(*WITH_COOKIES),
    replace(UPLOAD, credentials="include"),
    preflights=1,
)
case(
    "upload-listener-refused", by_hand(GRANT, preflight=()), UPLOAD, expected=BLOCKED, preflights=1
)
case("keepalive", by_hand(GRANT), Fetch(method="POST", body="x", keepalive=True))
case("keepalive-put", by_hand(*ALLOW), replace(PUT, keepalive=True), preflights=1)
case("keepalive-refused", by_hand(), Fetch(keepalive=True), expected=BLOCKED)


def content(body: bytes, content_type: str, *headers: tuple[str, str]) -> Build:
    def build(place: Place) -> None:
        async def handler(_: web.Request) -> web.Response:
            own = {name: place.real(value) for name, value in headers}
            return web.Response(body=body, content_type=content_type, headers=own)

        place.app.router.add_get(place.path, handler)

    return build


IMAGE, IMAGE_COOKIES = Fetch(way="image"), Fetch(way="image-with-cookies")
MODULE, LETTERS = Fetch(way="module"), Fetch(way="font")
case(
    "image-plain-needs-no-cors",
    content(PNG, "image/png"),
    Fetch(way="plain-image"),
    expected=LOADED,
)
case("image-crossorigin", content(PNG, "image/png", GRANT), IMAGE, expected=LOADED)
case("image-crossorigin-refused", content(PNG, "image/png"), IMAGE, expected=BLOCKED)
case("image-credentials", content(PNG, "image/png", *WITH_COOKIES), IMAGE_COOKIES, expected=LOADED)
case("image-credentials-refused", content(PNG, "image/png", ANY), IMAGE_COOKIES, expected=BLOCKED)
case("module-script", content(SCRIPT, "text/javascript", GRANT), MODULE, expected=LOADED)
case("module-script-refused", content(SCRIPT, "text/javascript"), MODULE, expected=BLOCKED)
case("font", content(FONT, "font/ttf", ANY), LETTERS, expected=LOADED)
case("font-refused", content(FONT, "font/ttf"), LETTERS, expected=BLOCKED)

# Servers with this library


Options: TypeAlias = "Mapping[Any, ResourceOptions | None]"
ALLOWED: Options = {PAGE: ResourceOptions()}
COOKIES: Options = {PAGE: ResourceOptions(allow_credentials=True)}


def route(
    config: Options, methods: str = "GET", *, handler: Handler = echo, closed: str = ""
) -> Build:
    """A path whose `methods` are added one by one; those in `closed` are served but not added."""

    def build(place: Place) -> None:
        for method in methods.split():
            added = place.app.router.add_route(method, place.path, handler)
            place.cors.add(added, place.config(config))
        for method in closed.split():
            place.app.router.add_route(method, place.path, handler)

    return build


def resource(config: Options, methods: str = "GET", *, closed: str = "") -> Build:
    """A resource that is added, with its `methods`."""

    def build(place: Place) -> None:
        made = place.app.router.add_resource(place.path)
        place.cors.add(made, place.config(config))
        for method in methods.split():
            place.cors.add(made.add_route(method, echo))
        for method in closed.split():
            made.add_route(method, echo)

    return build


def application(
    defaults: Options | None, fill: Callable[[web.Application, CorsConfig], None], **options: Any
) -> Build:
    """An application of its own under the case's path."""

    def build(place: Place) -> None:
        app = web.Application()
        layer = None if defaults is None else place.config(defaults)
        fill(app, aiohttp_cors.setup(app, defaults=layer, **options))
        place.app.add_subapp(place.path, app)

    return build


def on_loopback(_: web.Request, origin: str) -> bool:
    return origin.startswith("http://127.0.0.1:")


def never(_: web.Request, __: str) -> bool:
    return False


async def slowly(_: web.Request, __: str) -> bool:
    await asyncio.sleep(0)
    return True


async def failing(_: web.Request, __: str) -> bool:
    raise LookupError("no database")


case("route-allowed", route(ALLOWED))
case("route-refused-origin", route(ALLOWED), page=STRANGER, expected=BLOCKED)
case("route-null-origin", route(ALLOWED), page=NULL, expected=BLOCKED)
case("route-null-allowed", route({NULL: ResourceOptions()}), page=NULL)
case("route-star", route({"*": ResourceOptions()}), page=STRANGER)
case("route-star-null", route({"*": ResourceOptions()}), page=NULL)
case("route-star-credentials", route({"*": ResourceOptions(allow_credentials=True)}), INCLUDE)
case("route-star-without-credentials", route({"*": ResourceOptions()}), INCLUDE, expected=BLOCKED)
case("route-exact-over-star", route({"*": ResourceOptions(), **COOKIES}), INCLUDE)
case(
    "route-none-takes-away",
    application(
        {"*": ResourceOptions()},
        lambda app, cors: add_get(app, cors, {"*": None}),
    ),
    expected=BLOCKED,
)
case("route-credentials", route(COOKIES), INCLUDE)
case("route-no-credentials", route(ALLOWED), INCLUDE, expected=BLOCKED)
case("route-not-added", route({}, "", closed="GET"), expected=BLOCKED)
case("route-wildcard-port", route({"http://127.0.0.1:*": ResourceOptions()}), page=STRANGER)
case("route-wildcard-host", route({"http://*.example": ResourceOptions()}), expected=BLOCKED)
case("route-regex", route({re.compile(r"http://127\.0\.0\.1:\d+"): ResourceOptions()}))
case(
    "route-regex-is-a-full-match",
    route({re.compile(r"http://127"): ResourceOptions()}),
    expected=BLOCKED,
)
case("route-callable", route({on_loopback: ResourceOptions()}))
case(
    "route-callable-refuses",
    route({never: ResourceOptions()}),
    expected=BLOCKED,
)


case(
    "route-coroutine",
    route({slowly: ResourceOptions()}, "PUT"),
    PUT_COOKIES,
    expected=BLOCKED,
    preflights=1,
)
case(
    "route-coroutine-credentials",
    route({slowly: ResourceOptions(allow_credentials=True)}, "PUT"),
    PUT_COOKIES,
    preflights=1,
)
case("route-resolver-fails", route({failing: ResourceOptions()}), expected=BLOCKED)

# The methods of a resource
case("route-put", route(ALLOWED, "PUT"), PUT, preflights=1)
case(
    "route-put-refused-origin",
    route(ALLOWED, "PUT"),
    PUT,
    page=STRANGER,
    expected=BLOCKED,
    preflights=1,
)
case(
    "route-method-not-added",
    route(ALLOWED, "GET", closed="DELETE"),
    Fetch(method="DELETE"),
    expected=BLOCKED,
    preflights=1,
)
case("route-method-unknown", route(ALLOWED), Fetch(method="DELETE"), expected=BLOCKED, preflights=1)
case(
    "route-several-methods",
    route(ALLOWED, "GET PUT DELETE"),
    Fetch(),
    PUT,
    Fetch(method="DELETE"),
    preflights=2,
)
case("route-head", route(ALLOWED, "HEAD"), Fetch(method="HEAD"))
case("route-any-method", route(ALLOWED, "*"), PUT, Fetch(method="PATCH"), preflights=2)
case("resource", resource(ALLOWED, "GET PUT"), Fetch(), PUT, preflights=1)
case(
    "resource-allow-methods",
    resource({PAGE: ResourceOptions(allow_methods=["DELETE"])}, "GET", closed="DELETE"),
    Fetch(method="DELETE"),
    preflights=1,
)
case(
    "resource-all-methods",
    resource({PAGE: ResourceOptions(allow_methods="*")}, "GET", closed="PATCH"),
    Fetch(method="PATCH"),
    preflights=1,
)
case(
    "resource-methods-refused",
    resource({PAGE: ResourceOptions(allow_methods=["PUT"])}, "GET", closed="DELETE"),
    Fetch(method="DELETE"),
    expected=BLOCKED,
    preflights=1,
)
case("resource-405-is-not-covered", resource(ALLOWED), Fetch(method="POST"), expected=BLOCKED)
case(
    "resource-patch-in-lower-case",
    resource({PAGE: ResourceOptions(allow_methods="*")}, closed="PATCH"),
    Fetch(method="patch"),
    expected=BLOCKED,
    preflights=1,
)

# Request headers
for name, options, expected in (
    ("listed", ResourceOptions(allow_headers=["X-Custom"]), "200"),
    ("listed-lower", ResourceOptions(allow_headers=["x-custom"]), "200"),
    ("star", ResourceOptions(allow_headers="*"), "200"),
    ("none", ResourceOptions(), BLOCKED),
    ("other", ResourceOptions(allow_headers=["X-Other"]), BLOCKED),
):
    case(f"route-header-{name}", route({PAGE: options}), CUSTOM, expected=expected, preflights=1)
case(
    "route-header-star-credentials",
    route({PAGE: ResourceOptions(allow_headers="*", allow_credentials=True)}),
    replace(CUSTOM, credentials="include"),
    preflights=1,
)
case(
    "route-header-star-authorization",
    route({PAGE: ResourceOptions(allow_headers="*")}),
    SECRET,
    preflights=1,
)
case(
    "route-header-authorization",
    route({PAGE: ResourceOptions(allow_headers=["Authorization"])}),
    SECRET,
    preflights=1,
)
JSON = Fetch(method="POST", body="{}", headers=[("Content-Type", "application/json")])
case(
    "route-json",
    route({PAGE: ResourceOptions(allow_headers=["Content-Type"])}, "POST"),
    JSON,
    preflights=1,
)
case("route-json-refused", route(ALLOWED, "POST"), JSON, expected=BLOCKED, preflights=1)
case(
    "route-max-age",
    route({PAGE: ResourceOptions(max_age=600)}, "PUT"),
    PUT,
    PUT,
    preflights=1,
    differs=FIREFOX_ASKS_TWICE,
)
case("route-max-age-zero", route({PAGE: ResourceOptions(max_age=0)}, "PUT"), PUT, PUT, preflights=2)
case(
    "route-max-age-default",
    route(ALLOWED, "PUT"),
    PUT,
    PUT,
    preflights=1,
    differs=FIREFOX_ASKS_TWICE,
)
case("route-upload-listener", route(ALLOWED, "POST"), UPLOAD, preflights=1)

# Response headers


async def with_headers(_: web.Request) -> web.Response:
    headers = {"X-A": "1", "X-B": "2", "Server-Timing": "x", "Cache-Control": "no-store"}
    response = web.Response(text="", headers=headers)
    response.set_cookie("a", "b", path="/nowhere")
    return response


for name, options, fetch, expected in (
    ("none", ResourceOptions(), Fetch(), "200"),
    ("listed", ResourceOptions(expose_headers=["x-a"]), Fetch(), "200 x-a"),
    ("star", ResourceOptions(expose_headers="*"), Fetch(), "200 date server server-timing x-a x-b"),
    (
        "star-credentials",
        ResourceOptions(expose_headers="*", allow_credentials=True),
        INCLUDE,
        "200 date server server-timing x-a x-b",
    ),
    (
        "listed-credentials",
        ResourceOptions(expose_headers=["X-B"], allow_credentials=True),
        INCLUDE,
        "200 x-b",
    ),
):
    case(
        f"route-expose-{name}",
        route({PAGE: options}, handler=with_headers),
        fetch,
        expected=expected,
    )

# What handlers do


async def not_found(_: web.Request) -> web.Response:
    raise web.HTTPNotFound


async def forbidden(_: web.Request) -> web.Response:
    return web.Response(status=403)


async def broken(_: web.Request) -> web.Response:
    raise LookupError("no database")


async def teapot(_: web.Request) -> web.Response:
    return web.Response(status=418)


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(3):
        await response.write(b"x" * 10)
    return response


async def owned(_: web.Request) -> web.Response:
    return web.Response(text="", headers={ACAO: "https://elsewhere.example"})


async def stray(_: web.Request) -> web.Response:
    return web.Response(text="", headers={ACAC: "true"})


async def socket(request: web.Request) -> web.WebSocketResponse:
    response = web.WebSocketResponse()
    await response.prepare(request)
    await response.close()
    return response


case("handler-raises-404", route(ALLOWED, handler=not_found), expected="404")
case("handler-500", route(ALLOWED, handler=broken), expected="500")
case("handler-403", route(ALLOWED, handler=forbidden), expected="403")
case("handler-418-refused", route(ALLOWED, handler=teapot), page=STRANGER, expected=BLOCKED)
case("handler-streams", route(ALLOWED, handler=stream))
case("handler-owns-acao", route(ALLOWED, handler=owned), expected=BLOCKED)
case("handler-stray-acac", route(ALLOWED, handler=stray), INCLUDE, expected=BLOCKED)
case("handler-websocket", route(ALLOWED, handler=socket), Fetch(way="websocket"), expected=LOADED)
case(
    "handler-websocket-other-origin",
    route(ALLOWED, handler=socket),
    Fetch(way="websocket"),
    page=STRANGER,
    expected=LOADED,
)


def signing_in(config: Options) -> Build:
    def build(place: Place) -> None:
        async def sign_in(_: web.Request) -> web.Response:
            response = web.Response()
            response.set_cookie("who", "visitor", path=place.path)
            return response

        route(config, "POST", handler=sign_in)(place)
        route(config, "GET")(place)

    return build


POST_COOKIES = Fetch(method="POST", credentials="include")
case("cookies-come-back", signing_in(COOKIES), POST_COOKIES, INCLUDE)
case("cookies-are-left-out", signing_in(COOKIES), POST_COOKIES, Fetch())
case("cookies-are-not-kept", signing_in(COOKIES), Fetch(method="POST"), INCLUDE)
case("cookies-are-kept-though-unread", signing_in(ALLOWED), POST_COOKIES, INCLUDE, expected=BLOCKED)

# Static files, views, applications


def static(config: Options) -> Build:
    def build(place: Place) -> None:
        place.cors.add(place.app.router.add_static(place.path, place.files), place.config(config))

    return build


FILE = Fetch(path="/file.txt")
case("static", static(ALLOWED), FILE)
case("static-head", static(ALLOWED), replace(FILE, method="HEAD"))
case("static-missing", static(ALLOWED), Fetch(path="/missing.txt"), expected="404")
case("static-refused", static(ALLOWED), FILE, page=STRANGER, expected=BLOCKED)
case(
    "static-range", static(ALLOWED), replace(FILE, headers=[("Range", "bytes=0-3")]), expected="206"
)
case("static-put", static(ALLOWED), replace(PUT, path="/file.txt"), expected=BLOCKED, preflights=1)
case(
    "static-expose-etag",
    static({PAGE: ResourceOptions(expose_headers=["ETag"])}),
    FILE,
    expected="200 etag",
)


def view(config: Options) -> Build:
    def build(place: Place) -> None:
        class Thing(web.View, CorsViewMixin):
            cors_config = place.config(config)

            async def get(self) -> web.Response:
                return await echo(self.request)

            @aiohttp_cors.custom_cors(place.config({STRANGER: ResourceOptions()}))
            async def put(self) -> web.Response:
                return await echo(self.request)

        place.cors.add(place.app.router.add_route("*", place.path, Thing))

    return build


case("view-get", view(ALLOWED))
case("view-put", view(ALLOWED), PUT, preflights=1)
case("view-get-other-origin", view(ALLOWED), page=STRANGER, expected=BLOCKED)
case("view-put-custom", view(ALLOWED), PUT, page=STRANGER, preflights=1)
case("view-method-missing", view(ALLOWED), Fetch(method="DELETE"), expected=BLOCKED, preflights=1)
case("view-405", view(ALLOWED), Fetch(method="POST"), expected="405")


def add_get(app: web.Application, cors: CorsConfig, config: Options | None = None) -> None:
    cors.add(app.router.add_get("/x", echo), config)


def add_app(app: web.Application, cors: CorsConfig) -> None:
    cors.add(app)
    app.router.add_get("/x", echo)
    app.router.add_put("/x", echo)
    app.router.add_get("/broken", broken)


@web.middleware
async def authenticating(request: web.Request, handler: Handler) -> web.StreamResponse:
    if hdrs.AUTHORIZATION not in request.headers:
        raise web.HTTPUnauthorized
    response: web.StreamResponse = await handler(request)
    return response


def add_behind_authentication(app: web.Application, cors: CorsConfig) -> None:
    app.middlewares.append(authenticating)
    add_get(app, cors)


X, MISSING = Fetch(path="/x"), Fetch(path="/missing")
case("subapp-defaults", application(ALLOWED, add_get), X)
case("subapp-404-is-not-added", application(ALLOWED, add_get), MISSING, expected=BLOCKED)
case("application", application(ALLOWED, add_app), X, replace(PUT, path="/x"), preflights=1)
case("application-404", application(ALLOWED, add_app), MISSING, expected="404")
case(
    "application-405",
    application(ALLOWED, add_app),
    Fetch(path="/x", method="POST"),
    expected="405",
)
case("application-500", application(ALLOWED, add_app), Fetch(path="/broken"), expected="500")
case(
    "application-refused",
    application(ALLOWED, add_app),
    X,
    MISSING,
    page=STRANGER,
    expected=BLOCKED,
)
SECRETS: Options = {PAGE: ResourceOptions(allow_headers=["Authorization"])}
case("middleware-401", application(SECRETS, add_behind_authentication), X, expected="401")
case(
    "middleware-refuses-preflights",
    application(SECRETS, add_behind_authentication),
    replace(SECRET, path="/x"),
    expected=BLOCKED,
    preflights=1,
)
case(
    "middleware-behind-preflights",
    application(SECRETS, add_behind_authentication, intercept_preflights=True),
    replace(SECRET, path="/x"),
    preflights=1,
)
