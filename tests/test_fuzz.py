"""What clients send is read whatever it is: no parser raises, and no refusal grants.

`python -m tests.test_fuzz` tries new examples for a minute, `python -m tests.test_fuzz 600` for
ten.
"""

from __future__ import annotations

import re
import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from aiohttp import hdrs, web
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_cors import ResourceOptions, _fetch
from aiohttp_cors._origins import Ask, Patterns
from aiohttp_cors._policy import Entry, Layer, Policy, Refused, Rule, answer_preflight
from aiohttp_cors.preflight_handler import asked_for, respond

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp_cors._origins import OriginKey

PAGE = "https://a.example"

# What parsers look for, what is near it, and what other alphabets have in its place.
PIECES = [
    *(PAGE, "https://", "http://localhost", "null", "a.", "a.example", "[::1]", ":8080", ":"),
    *("x-a", "X-B", "accept", "Content-Type", "range", "x-http-method", "text/plain", "bytes="),
    *("GET", "put", "TRACE", "0", "9" * 11, "-", "*", ",", ";", '"', "\\", "/", "%", "@", "_"),
    *(
        " ",
        "\t",
        "\r\n",
        "\0",
        "\x0b",
        "\x7f",
        "\x85",
        "\xa0",
        "é",
        "ß",
        "\u017f",
        "\u0130",
        "\u0661",
        "\udc80",
    ),
]
TEXT = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.text(max_size=40),
    st.binary(max_size=40).map(lambda sent: sent.decode("utf-8", "surrogateescape")),
)
PARTS = ["https://", "http://localhost", "a.", "x-1.", "a.example", "example", ":80", "A."]
ORIGINS = st.lists(st.sampled_from(PARTS), max_size=5).map("".join)
LINES = st.lists(TEXT, max_size=4)
NAMES = st.sampled_from(["Access-Control-Max-Age", "Accept", "content-type", "RANGE", "X-A"])
HEADERS = st.lists(st.tuples(NAMES | TEXT, TEXT), max_size=6)
OPTIONS = st.builds(
    ResourceOptions,
    allow_credentials=st.booleans(),
    allow_headers=st.sampled_from(["*", (), ("X-A",), ("x-b", "Content-Type")]),
    allow_methods=st.sampled_from(["*", None, ("PUT",)]),
    max_age=st.sampled_from([None, 0, 600]),
)

TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def resolver(_request: web.Request, _origin: str) -> bool:
    return True


def upper(name: str) -> str:
    return re.sub("[a-z]", lambda letter: letter[0].upper(), name)


@given(lines=LINES)
def test_the_members_of_a_list_are_what_stands_between_the_commas(lines: list[str]) -> None:
    members = _fetch.list_members(lines)
    assert members == [m for m in re.split("[ \t]*,[ \t]*", ",".join(lines).strip(" \t")) if m]
    assert _fetch.list_members(members) == members
    assert _fetch.names_in(lines) == set(map(upper, members))


@given(headers=HEADERS, name=NAMES | TEXT)
def test_a_header_is_missing_or_has_members(headers: list[tuple[str, str]], name: str) -> None:
    members = _fetch.header_members(headers, name)
    assert (members is None) == (_fetch.header_value(headers, name) is None)
    assert members is None or all(member.strip(" \t") == member for member in members)


@given(headers=HEADERS)
def test_a_max_age_is_a_number_or_nothing(headers: list[tuple[str, str]]) -> None:
    seconds = _fetch.max_age(headers)
    lines = _fetch.header_lines(headers, "Access-Control-Max-Age")
    assert (seconds is None) == (len(lines) != 1 or not re.fullmatch("[0-9]+", lines[0]))
    assert seconds is None or 0 <= seconds <= 2**31


@given(headers=HEADERS)
def test_a_header_needs_a_preflight_unless_all_of_it_is_safelisted(
    headers: list[tuple[str, str]],
) -> None:
    names = _fetch.unsafe_request_header_names(headers)
    assert list(names) == sorted(set(names))
    assert set(names) <= {name.lower() for name, _ in headers}
    for name, value in headers:
        if _fetch.is_safelisted_request_header(name, value):
            assert name.lower() in _fetch.SAFELISTED_REQUEST_HEADERS
            assert len(value) <= 128
        else:
            assert name.lower() in names
        _fetch.is_forbidden_request_header_value(name, value)


@given(text=TEXT)
def test_an_origin_is_printable_and_no_list(text: str) -> None:
    printable = all("!" <= char <= "~" for char in text)
    assert _fetch.is_origin(text) == (printable and "," not in text and text not in ("", "*"))
    assert _fetch.is_token(text) == (bool(text) and TOKEN.issuperset(text))


@given(origin=TEXT | ORIGINS)
def test_a_pattern_matches_what_it_says(origin: str) -> None:
    labels = r"([a-z0-9_-]+\.)+"
    patterns: list[tuple[OriginKey, str]] = [
        ("https://*.example", rf"https://{labels}example"),
        ("http://localhost:*", r"http://localhost(:[0-9]{1,5})?"),
        ("https://*.a.example:*", rf"https://{labels}a\.example(:[0-9]{{1,5}})?"),
    ]
    expected = [says for _, says in patterns if re.fullmatch(says, origin)]
    found = Patterns(patterns).first(origin, {})
    assert found == (expected[0] if expected else None)
    event("matches" if expected else "does not match")
    assert Patterns[str]([*patterns, (resolver, "asked")]).first(origin, {}) == (
        found or Ask(resolver)
    )


@given(origin=TEXT, options=OPTIONS)
def test_a_policy_finds_nothing_for_what_is_no_origin(
    origin: str, options: ResourceOptions
) -> None:
    everything = re.compile(".*", re.DOTALL)
    policy = Policy((Layer({PAGE: options, everything: options, "*": options}),))
    assert isinstance(policy.find(origin), Entry) == _fetch.is_origin(origin)


@given(
    origin=st.just([PAGE]) | LINES,
    method=st.sampled_from([["PUT"], ["get"]]) | LINES,
    lines=st.sampled_from([[], ["x-a"], ["X-B , content-type"]]) | LINES,
    options=OPTIONS,
    rule=st.sampled_from(Rule),
)
def test_a_preflight_is_refused_or_grants_what_was_asked(
    origin: list[str],
    method: list[str],
    lines: list[str],
    options: ResourceOptions,
    rule: Rule,
) -> None:
    request = preflight(origin, method, lines)
    asked = asked_for(request)
    if isinstance(asked, Refused):
        event("is none")
        assert_grants_nothing(request, asked)
        return
    assert set(origin) == {asked.origin} or len(origin) > 1
    assert set(method) == {asked.method}
    policy = Policy((Layer({PAGE: options, "http://*.example": options}),), preflight=rule)
    found = policy.find(asked.origin)
    assert not isinstance(found, Ask)
    answer = answer_preflight(policy, found, *asked)
    if isinstance(answer, Refused):
        event("is refused")
        assert_grants_nothing(request, answer)
        return
    event("is granted")
    assert answer[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] == asked.origin == origin[0]
    assert answer[hdrs.ACCESS_CONTROL_ALLOW_METHODS] == asked.method == method[0]
    assert rule.allows(options, asked.method)
    allowed = answer.get(hdrs.ACCESS_CONTROL_ALLOW_HEADERS, "")
    names = set(map(upper, _fetch.list_members(lines)))
    assert set(filter(None, allowed.split(","))) == names
    assert all(TOKEN.issuperset(name) for name in names)
    assert options.allow_headers == "*" or names <= options.allow_headers
    assert all(value.isascii() and value.isprintable() for value in answer.values())


def preflight(origin: list[str], method: list[str], lines: list[str]) -> web.Request:
    headers = CIMultiDict[str]()
    for name, values in {
        hdrs.ORIGIN: origin,
        hdrs.ACCESS_CONTROL_REQUEST_METHOD: method,
        hdrs.ACCESS_CONTROL_REQUEST_HEADERS: lines,
    }.items():
        for value in values:
            headers.add(name, value)
    # aiohttp's own fake of a request cannot hold all that a client sends.
    return cast("web.Request", SimpleNamespace(headers=headers, path="/"))


def assert_grants_nothing(request: web.Request, refused: Refused) -> None:
    with pytest.raises(web.HTTPForbidden) as caught:
        respond(request, refused)
    named = [name for name in caught.value.headers if name.lower().startswith("access-control-")]
    assert named == []
    assert "\n" not in str(caught.value.text)


def fuzz(seconds: float) -> None:
    """Try new examples of all of the above until the time is over."""
    settings.register_profile(
        "fuzz",
        max_examples=1000,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("fuzz")
    properties: dict[str, Callable[[], None]] = {
        name: value for name, value in globals().items() if name.startswith("test_")
    }
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        for holds in properties.values():
            holds()
        rounds += 1
    print(f"{len(properties)} properties hold for {1000 * rounds} examples each")


if __name__ == "__main__":
    fuzz(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
