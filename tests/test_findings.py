"""What is found unwise in a config or can never work, and when it is logged or raised."""

from __future__ import annotations

import copy
import logging
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from aiohttp import web

import aiohttp_cors
from aiohttp_cors import CorsConfig, CorsConfigError, CorsViewMixin, Finding, ResourceOptions
from aiohttp_cors._findings import Code, findings, key_text
from aiohttp_cors._policy import Layer
from tests._support import STATIC_DIR, hello

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp_cors._policy import Config

ROOT = Path(__file__).parent.parent

APP = "https://app.example"
SLASH = "https://app.example/"
CREDENTIALS = ResourceOptions(allow_credentials=True)
ALLOWED = "allow_credentials"

# The config of the example in many tutorials.
TUTORIAL = {
    "*": ResourceOptions(allow_credentials=True, expose_headers="*", allow_headers="*"),
}


class Ours:
    """A resolver that is no function."""

    def __call__(self, _request: web.Request, origin: str) -> bool:
        return origin.endswith(".ours.example")


async def anybody(_request: web.Request, _origin: str) -> bool:
    return True


def found(config: Config) -> list[tuple[str, str, str | None, Any]]:
    return [
        (one.code, one.origin, one.option, one.value) for one in findings(Layer(config), "defaults")
    ]


def in_options(**options: Any) -> list[tuple[str, str | None, Any]]:
    config = {APP: ResourceOptions(**options)}
    return [(code, option, value) for code, _, option, value in found(config)]


@pytest.mark.parametrize(
    "key",
    [
        SLASH,
        "app.example",
        "HTTPS://app.example",
        "https://app.example:443",
        "https://bücher.example",
        "http://[0:0:0:0:0:0:0:1]",
        "https://*.app.example:443",
    ],
)
@pytest.mark.parametrize("options", [ResourceOptions(), None], ids=["granted", "taken away"])
def test_an_origin_that_no_browser_sends_is_found(
    key: str, options: ResourceOptions | None
) -> None:
    assert found({key: options}) == [("CORS001", key, None, key)]


@pytest.mark.parametrize("key", ["", "https://", "https://a.example, https://b.example"])
def test_a_text_that_is_no_origin_is_found(key: str) -> None:
    assert found({key: ResourceOptions()}) == [("CORS002", key, None, key)]


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        (SLASH, "did you mean 'https://app.example'?"),
        (
            "https://a.example, https://b.example/",
            "did you mean the keys 'https://a.example', 'https://b.example'?",
        ),
        ("", "write scheme, host and, if need be, port, as in 'https://app.example.com'"),
        (
            re.compile(r"https://(www|app).app.example\.com:\d+"),
            r"did you mean re.compile(r'https://(www|app)\.app\.example\.com:\d+')?",
        ),
    ],
    ids=["one", "list", "none", "expression"],
)
def test_the_remedy_for_a_key_is_the_key_that_was_meant(key: Any, remedy: str) -> None:
    assert [one.remedy for one in findings(Layer({key: None}), "defaults")] == [remedy]


@pytest.mark.parametrize(
    "pattern",
    [
        r"https://app.example.com",
        r"https://app.example\.com",
        r"^https?://app.example.com$",
        r"https://.*.example\.com",
        r"https://(.+).example\.com(:\d+)?",
        r"https://[a-z]+.example\.com",
        r"https://(?:.+\.)?example.co.uk",
    ],
)
def test_an_expression_whose_dot_matches_the_hosts_of_others_is_found(pattern: str) -> None:
    key = re.compile(pattern)
    assert found({key: ResourceOptions()}) == [("CORS003", key_text(key), None, pattern)]


@pytest.mark.parametrize(
    "pattern",
    [
        r"https://app\.example\.com",
        r"https://.*\.example\.com",
        r"https://example.com",  # Nobody has the host "exampleXcom".
        r"https://(?:.+\.)?example.com",
        r"https://[a-z.]+\.example\.com",
        r"https://(?!evil.example.com)[a-z]+\.example\.com",
        r"https?://.*",
    ],
)
def test_an_expression_that_may_be_meant_is_not_found(pattern: str) -> None:
    assert found({re.compile(pattern): ResourceOptions()}) == []


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("*", "CORS010"),
        (re.compile(".*"), "CORS010"),
        (re.compile(r"https://[^/]+"), "CORS010"),
        (re.compile(r"http://.*"), "CORS010"),
        ("null", "CORS011"),
        (re.compile(r"null|https://app\.example"), "CORS011"),
        ("http://app.example", "CORS012"),
        ("http://192.168.0.1:8123", "CORS012"),
        ("http://*.app.example", "CORS012"),
        ("http://app.example:*", "CORS012"),
        ("https://*.co.uk", "CORS013"),
        ("https://*.com:8443", "CORS013"),
        ("https://*.github.io", "CORS013"),
        ("https://*.xn--p1ai", "CORS013"),
    ],
    ids=str,
)
def test_what_is_unwise_with_credentials_is_found_with_them_alone(key: Any, code: str) -> None:
    assert found({key: CREDENTIALS}) == [(code, key_text(key), ALLOWED, True)]
    assert found({key: ResourceOptions()}) == []
    assert found({key: None}) == []


def test_all_that_is_wrong_with_one_key_is_found_at_once() -> None:
    assert found({"HTTP://App.example": CREDENTIALS, "http://*.co.uk": CREDENTIALS}) == [
        ("CORS001", "HTTP://App.example", None, "HTTP://App.example"),
        ("CORS012", "HTTP://App.example", ALLOWED, True),
        ("CORS012", "http://*.co.uk", ALLOWED, True),
        ("CORS013", "http://*.co.uk", ALLOWED, True),
    ]


def test_plain_http_is_told_the_origin_with_https() -> None:
    (one,) = findings(Layer({"http://app.example:8080": CREDENTIALS}), "defaults")
    assert one.remedy == "serve the page over HTTPS, and name 'https://app.example:8080'"


@pytest.mark.parametrize(
    "key",
    [
        APP,
        "http://localhost:3000",
        "http://localhost:*",
        "http://*.localhost:8080",
        "http://127.0.0.1",
        "http://[::1]:8080",
        "https://*.app.example",
        "https://*.example.co.uk",
        "https://*.internal",  # Nobody can register a name there.
        "https://app.example:*",
        "capacitor://localhost",
        "file://",
        re.compile(r"https://[a-z]+\.app\.example"),
        Ours(),
        anybody,
    ],
    ids=key_text,
)
def test_nothing_is_found_in_what_is_wise_with_credentials(key: Any) -> None:
    assert found({key: CREDENTIALS}) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"allow_methods": ["trace", "CONNECT", "Track", "GET", "PATCH"]},
            [
                ("CORS020", "allow_methods", "CONNECT"),
                ("CORS020", "allow_methods", "TRACE"),
                ("CORS020", "allow_methods", "TRACK"),
            ],
        ),
        (
            {"allow_headers": ["Cookie", "Sec-Fetch-Mode", "Proxy-Authorization", "X-Token"]},
            [
                ("CORS021", "allow_headers", "COOKIE"),
                ("CORS021", "allow_headers", "PROXY-AUTHORIZATION"),
                ("CORS021", "allow_headers", "SEC-FETCH-MODE"),
            ],
        ),
        ({"allow_headers": ["Origin", "Accept"]}, [("CORS022", "allow_headers", "ORIGIN")]),
        (
            {"expose_headers": ["set-cookie", "Set-Cookie2", "ETag", "Content-Type"]},
            [
                ("CORS023", "expose_headers", "Set-Cookie2"),
                ("CORS023", "expose_headers", "set-cookie"),
            ],
        ),
        (
            {"allow_methods": ["*"], "allow_headers": ["*"], "expose_headers": ["*", "ETag"]},
            [
                ("CORS024", "allow_methods", "*"),
                ("CORS024", "allow_headers", "*"),
                ("CORS024", "expose_headers", "*"),
            ],
        ),
        (
            {"allow_credentials": True, "allow_headers": "*"},
            [("CORS025", "allow_headers", "*")],
        ),
        (
            {"allow_credentials": True, "expose_headers": "*"},
            [("CORS026", "expose_headers", "*")],
        ),
        ({"max_age": 86401}, [("CORS030", "max_age", 86401)]),
        ({"max_age": 86400}, []),
        ({"max_age": 0}, []),
        ({"allow_headers": "*", "expose_headers": "*", "allow_methods": "*"}, []),
        ({"expose_headers": ["Content-Length", "Cache-Control"]}, []),
    ],
    ids=str,
)
def test_what_is_wrong_with_options_is_found(
    options: dict[str, Any], expected: list[tuple[str, str, Any]]
) -> None:
    assert in_options(**options) == expected


def test_a_star_in_a_list_is_told_how_all_is_written() -> None:
    (one,) = findings(Layer({APP: ResourceOptions(allow_headers=["*"])}), "defaults")
    assert one.reason == "in a list it is a name like any other"
    assert one.remedy == "did you mean allow_headers='*'?"


def test_who_lists_cookies_is_told_of_credentials() -> None:
    options = ResourceOptions(allow_headers=["Cookie", "Host"])
    assert [one.remedy for one in findings(Layer({APP: options}), "defaults")] == [
        "did you mean allow_credentials=True?",
        "leave it out",
    ]


def test_options_that_many_origins_have_are_looked_at_once() -> None:
    config = {f"https://app{n}.example": ResourceOptions(max_age=10**6) for n in range(9)}
    assert found(config) == [("CORS030", "https://app0.example", "max_age", 10**6)]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {APP: ResourceOptions()},
        {"*": ResourceOptions(), "null": ResourceOptions(), "http://app.example": None},
        {"*": {"allow_methods": "*", "allow_headers": "*", "expose_headers": "*"}},
        {
            APP: {
                "allow_credentials": True,
                "allow_headers": ["Authorization", "Content-Type", "X-Requested-With"],
                "allow_methods": "*",
                "expose_headers": ["ETag"],
                "max_age": 3600,
            },
        },
    ],
    ids=["nothing", "an origin", "no credentials", "all stars", "with credentials"],
)
def test_nothing_is_found_in_what_applications_have(config: Config) -> None:
    assert found(config) == []


@pytest.mark.parametrize(
    "config",
    [
        {
            "https://home.example": ResourceOptions(
                allow_headers=["Origin", "Accept", "X-Requested-With", "Authorization"],
                allow_methods="*",
            )
        },
        {
            APP: ResourceOptions(
                allow_credentials=True, allow_headers="*", expose_headers="*", allow_methods="*"
            )
        },
    ],
    ids=["Origin listed", "credentials and stars"],
)
def test_remarks_are_no_problems(config: Config) -> None:
    remarks = list(findings(Layer(config), "defaults"))
    assert remarks
    assert not any(one.is_problem for one in remarks)
    CorsConfig(web.Application(), defaults=config, strict=True)


def test_the_tutorials_config_has_one_problem() -> None:
    problems = [one for one in findings(Layer(TUTORIAL), "defaults") if one.is_problem]
    assert [one.code for one in problems] == ["CORS010"]


# A finding, and the error that carries them


FINDING = Finding(
    code="CORS030",
    place="[GET] /users",
    origin=APP,
    option="max_age",
    value=90000,
    reason="it is long",
    remedy="write less",
)


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (
            FINDING,
            "CORS030 [GET] /users: max_age 90000 for 'https://app.example': it is long; write less",
        ),
        (
            replace(FINDING, code="CORS001", option=None, value="a\nb", origin="a\nb"),
            r"CORS001 [GET] /users: origin 'a\nb': it is long; write less",
        ),
    ],
    ids=["option", "key"],
)
def test_a_finding_is_one_line_of_text(finding: Finding, line: str) -> None:
    assert str(finding) == line


def test_findings_are_values() -> None:
    assert {FINDING, replace(FINDING), copy.deepcopy(FINDING)} == {FINDING}
    assert pickle.loads(pickle.dumps(FINDING)) == FINDING


def test_the_error_names_all_it_carries_and_survives_pickling() -> None:
    other = replace(FINDING, place="[POST] /users")
    error = pickle.loads(pickle.dumps(CorsConfigError([FINDING, other])))
    assert error.findings == (FINDING, other)
    assert str(error) == f"the CORS config has problems:\n{FINDING}\n{other}"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("*", "*"),
        (re.compile(r"https://.*\.example"), r"re.compile(r'https://.*\.example')"),
        (hello, "hello"),
        (Ours(), "Ours"),
    ],
    ids=["text", "expression", "function", "object"],
)
def test_a_key_is_shown_as_what_it_is(key: Any, text: str) -> None:
    assert key_text(key) == text


def test_the_page_of_findings_has_a_row_for_each_code() -> None:
    page = (ROOT / "docs" / "reference" / "findings.rst").read_text("utf-8")
    assert re.findall(r"^   \* - (CORS\d+)$", page, re.MULTILINE) == [code.value for code in Code]


# Strict


def codes(error: pytest.ExceptionInfo[CorsConfigError]) -> list[tuple[str, str]]:
    return [(one.place, one.code) for one in error.value.findings]


def test_strict_raises_all_problems_of_the_defaults_and_leaves_the_application_alone() -> None:
    app = web.Application()
    defaults = {SLASH: ResourceOptions(max_age=10**6), **TUTORIAL}
    with pytest.raises(CorsConfigError) as error:
        aiohttp_cors.setup(app, defaults=defaults, strict=True)
    assert codes(error) == [
        ("defaults", "CORS001"),
        ("defaults", "CORS030"),
        ("defaults", "CORS010"),
    ]
    assert isinstance(error.value, ValueError)
    assert aiohttp_cors.APP_CONFIG_KEY not in app
    assert list(app.on_response_prepare) == []


def test_strict_raises_all_problems_of_a_route_and_of_its_view() -> None:
    class Users(web.View, CorsViewMixin):
        cors_config: ClassVar = {SLASH: ResourceOptions()}

        @aiohttp_cors.custom_cors({"": ResourceOptions()})
        async def get(self) -> web.Response:
            return web.Response()

        @aiohttp_cors.custom_cors({APP: ResourceOptions(allow_methods=["TRACE"])})
        async def post(self) -> web.Response:
            return web.Response()

    app = web.Application()
    cors = aiohttp_cors.setup(app, strict=True)
    with pytest.raises(CorsConfigError) as error:
        cors.add(app.router.add_view("/users", Users), TUTORIAL)
    view = f"view {Users.__qualname__}"
    assert sorted(codes(error)) == [
        ("[*] /users", "CORS010"),
        (view, "CORS001"),
        (f"{view}.get", "CORS002"),
        (f"{view}.post", "CORS020"),
    ]


def test_strict_refuses_a_config_again_and_takes_another_one_instead() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, strict=True)
    route = app.router.add_get("/", hello)
    for _ in range(2):
        with pytest.raises(CorsConfigError):
            cors.add(route, TUTORIAL)
    assert cors.add(route, {APP: CREDENTIALS}) is route


def test_strict_adds_no_preflight_route_for_what_it_refuses() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, strict=True)
    resource = app.router.add_resource("/")
    route = resource.add_route("GET", hello)
    with pytest.raises(CorsConfigError):
        cors.add(route, {SLASH: ResourceOptions()})
    assert list(resource) == [route]


def replaced(cors: CorsConfig) -> None:
    cors.defaults = {SLASH: ResourceOptions()}


def set_in_place(cors: CorsConfig) -> None:
    cors.defaults[SLASH] = ResourceOptions()


def updated(cors: CorsConfig) -> None:
    cors.defaults |= {SLASH: ResourceOptions()}


@pytest.mark.parametrize("change", [replaced, set_in_place, updated])
def test_strict_keeps_the_defaults_when_a_change_of_them_has_problems(change: Any) -> None:
    cors = aiohttp_cors.setup(web.Application(), defaults={APP: CREDENTIALS}, strict=True)
    with pytest.raises(CorsConfigError) as error:
        change(cors)
    assert codes(error) == [("defaults", "CORS001")]
    assert cors.defaults == {APP: CREDENTIALS}


# Logged


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """The level and the code of each record; the logger is always the same."""
    assert {name for name, _, _ in caplog.record_tuples} <= {"aiohttp_cors"}
    return [(record.levelname, record.getMessage().split()[0]) for record in caplog.records]


def test_findings_are_logged_as_warnings_and_remarks_below(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    aiohttp_cors.setup(web.Application(), defaults={**TUTORIAL, SLASH: ResourceOptions()})
    assert logged(caplog) == [
        ("WARNING", "CORS010"),
        ("INFO", "CORS025"),
        ("INFO", "CORS026"),
        ("WARNING", "CORS001"),
    ]


def test_a_finding_is_logged_once_however_often_it_is_configured(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={SLASH: ResourceOptions()})
    for path in ("/a", "/b"):
        cors.add(app.router.add_get(path, hello), {SLASH: CREDENTIALS})
    cors.defaults[APP] = ResourceOptions()
    assert logged(caplog) == [("WARNING", "CORS001")]


def test_another_finding_of_a_later_config_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={SLASH: ResourceOptions()})
    cors.add(app.router.add_get("/", hello), {"http://app.example": CREDENTIALS})
    cors.defaults["null"] = CREDENTIALS
    assert logged(caplog) == [("WARNING", f"CORS0{n}") for n in ("01", "12", "11")]


def test_a_message_begins_with_code_place_and_key(caplog: pytest.LogCaptureFixture) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    config: Mapping[str, ResourceOptions] = {SLASH: ResourceOptions()}
    places = {
        "[GET] /route": app.router.add_get("/route", hello),
        "<PlainResource /resource>": app.router.add_resource("/resource"),
        "<DynamicResource /{name}/x>": app.router.add_resource("/{name}/x"),
        "<StaticResource /static>": app.router.add_static("/static", STATIC_DIR),
        "application": app,
    }
    for number, entity in enumerate(places.values()):
        cors.add(entity, {f"{APP}:{number}/": options for options in config.values()})
    assert [message.partition(": no browser")[0] for message in caplog.messages] == [
        f"CORS001 {place}: origin 'https://app.example:{number}/'"
        for number, place in enumerate(places)
    ]


def test_the_config_of_a_view_is_looked_at_when_it_is_added(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Users(web.View, CorsViewMixin):
        @aiohttp_cors.custom_cors({SLASH: ResourceOptions()})
        async def get(self) -> web.Response:
            return web.Response()

    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={APP: ResourceOptions()})
    cors.add(app.router.add_view("/users", Users))
    (message,) = caplog.messages
    assert message.startswith(f"CORS001 view {Users.__qualname__}.get: origin '{SLASH}'")


class Counted:
    """A resolver that counts how often its name is asked for, which each look does once."""

    looks = 0

    def __call__(self, _request: web.Request, _origin: str) -> bool:
        return False

    def __getattr__(self, name: str) -> str:
        if name != "__qualname__":
            raise AttributeError(name)
        self.looks += 1
        return "counted"


def test_a_config_that_many_routes_share_is_looked_at_once() -> None:
    key = Counted()
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    config = {key: ResourceOptions()}
    for number in range(9):
        cors.add(app.router.add_get(f"/{number}", hello), config)
    assert key.looks == 1


def test_when_the_defaults_change_what_is_new_is_looked_at() -> None:
    key = Counted()
    cors = aiohttp_cors.setup(web.Application(), defaults={key: ResourceOptions()})
    cors.defaults[APP] = ResourceOptions()
    assert key.looks == 1
    cors.defaults[key] = ResourceOptions(max_age=60)
    assert key.looks == 2


def test_what_cannot_be_added_is_refused_by_its_name_in_strict_mode_too() -> None:
    cors = aiohttp_cors.setup(web.Application(), strict=True)
    with pytest.raises(ValueError, match="got 'users'"):
        cors.add("users", {APP: ResourceOptions()})


# The extra psl


WITHOUT_EXTRA = """
import logging, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name == "publicsuffixlist":
            raise ImportError(name)

sys.meta_path.insert(0, Blocked())
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(levelname)s %(message)s")
from aiohttp import web
import aiohttp_cors
options = aiohttp_cors.ResourceOptions(allow_credentials=True)
aiohttp_cors.setup(
    web.Application(),
    defaults={
        "https://*.app.example": None,
        "https://*.other.example": {},
        "https://app.example": options,
        "http://localhost:*": options,
        "https://*.co.uk": options,
        "https://*.com": options,
    },
    strict=True,
)
"""


def test_without_the_extra_it_is_remarked_once_that_public_suffixes_are_not_known() -> None:
    command = [sys.executable, "-c", WITHOUT_EXTRA]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    (line,) = done.stdout.splitlines()
    assert line.startswith("INFO CORS014 defaults: allow_credentials True for 'https://*.co.uk': ")
    assert line.endswith("; pip install aiohttp-cors[psl]")


def test_the_list_of_public_suffixes_is_read_only_for_patterns_with_credentials() -> None:
    script = """
import sys
from aiohttp import web
import aiohttp_cors
options = aiohttp_cors.ResourceOptions(allow_credentials=True)
cors = aiohttp_cors.setup(
    web.Application(), defaults={"https://app.example": options, "https://*.app.example": None}
)
assert "publicsuffixlist" not in sys.modules
cors.defaults["https://*.app.example"] = options
assert "publicsuffixlist" in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=60, check=True)
