"""What the protocol says, decided on plain values."""

import copy
import re
from collections import ChainMap
from collections.abc import Callable
from typing import Any

import pytest
from multidict import CIMultiDict

from aiohttp_cors import ResourceOptions
from aiohttp_cors._policy import (
    VARY_PREFLIGHT,
    Entry,
    Layer,
    Policy,
    Refused,
    Rule,
    answer_preflight,
    layers_of,
    merge_vary,
    write_actual,
)
from aiohttp_cors.resource_options import Granted

A, B = "https://a.example", "https://b.example"
PLAIN = ResourceOptions()
CREDENTIALS = ResourceOptions(allow_credentials=True)


def found(policy: Policy, origin: str) -> Entry:
    entry = policy.find(origin)
    assert isinstance(entry, Entry)
    return entry


# Layers


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ([A], "must be a mapping of origins to ResourceOptions"),
        ("*", "must be a mapping of origins to ResourceOptions"),
        ({"origins": [A]}, "must be ResourceOptions, a mapping of options or None, got \\['"),
        ({"allow_credentials": True}, "a config is written {origin: ResourceOptions\\(\\)}"),
        ({A: {"allow_header": []}}, "unknown options \\['allow_header'\\].*allow_headers\\?"),
        ({A: {1: 2}}, "unknown options \\[1\\].*or"),
        ({A: {"max_age": "1"}}, "'max_age' must be"),
        ({b"*": PLAIN}, "origin must be a str, a re.Pattern or a callable, got b'\\*'"),
        ({None: PLAIN}, "origin must be a str"),
        ({re.compile(b"x"): PLAIN}, "matches bytes"),
        ({"https://*": PLAIN}, "ill-formed"),
    ],
)
def test_an_ill_formed_config_is_refused(config: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Layer(config)


def test_a_layer_reads_as_the_mapping_it_was_made_of() -> None:
    layer = Layer({A: {"allow_credentials": True}, "*": None})
    assert layer == {A: CREDENTIALS, "*": None}
    assert dict(layer) == {A: CREDENTIALS, "*": None}
    assert layer | {B: PLAIN} == {A: CREDENTIALS, "*": None, B: PLAIN}


CHANGES: list[tuple[Callable[[Layer], object], str, bool]] = [
    (lambda layer: layer.update({B: PLAIN}), B, True),
    (lambda layer: layer.__setitem__(B, PLAIN), B, True),
    (lambda layer: layer.setdefault("*", PLAIN), B, True),
    (lambda layer: layer.__ior__({"https://*.example": {}}), B, True),
    (lambda layer: layer.pop(A), A, False),
    (lambda layer: layer.popitem(), A, False),
    (lambda layer: layer.__delitem__(A), A, False),
    (lambda layer: layer.clear(), A, False),
    (lambda layer: layer.replace({}), A, False),
    (lambda layer: layer.__setitem__(A, None), A, False),
]


@pytest.mark.parametrize(("change", "origin", "granted"), CHANGES)
def test_a_change_in_place_holds_at_once(
    change: Callable[[Layer], object], origin: str, granted: bool
) -> None:
    layer = Layer({A: PLAIN})
    change(layer)
    entry = Policy((layer,)).find(origin)
    assert (isinstance(entry, Entry) and entry.options is not None) is granted


def test_a_change_that_is_refused_changes_nothing() -> None:
    layer = Layer({A: PLAIN})
    nonsense: Any = {"nonsense": 1}
    with pytest.raises(ValueError, match="unknown options"):
        layer.update({B: nonsense})
    with pytest.raises(KeyError):
        del layer[B]
    assert layer == {A: PLAIN}
    assert found(Policy((layer,)), A).options is PLAIN


def test_a_changed_copy_leaves_the_original_as_it_was() -> None:
    layer = Layer({A: PLAIN})
    twin = copy.copy(layer)
    twin[B] = PLAIN
    assert layer == {A: PLAIN}
    assert Policy((layer,)).find(B) is None


def test_the_layers_of_a_chain_map_are_its_own() -> None:
    near, far = Layer({A: PLAIN}), Layer({B: PLAIN})
    assert layers_of(ChainMap[Any, Any]({}, near, far)) == (near, far)
    assert layers_of({A: {}}) == (Layer({A: PLAIN}),)


# Precedence: each row is layers, nearest first, and what decides


@pytest.mark.parametrize(
    ("configs", "origin", "key"),
    [
        ([{A: PLAIN}], A, A),
        ([{A: PLAIN}], B, None),
        ([{"*": PLAIN}], B, "*"),
        ([{"*": PLAIN}, {A: CREDENTIALS}], A, A),
        ([{"https://*.example": PLAIN}, {A: CREDENTIALS}], A, A),
        ([{"*": PLAIN}, {"https://*.example": CREDENTIALS}], A, "https://*.example"),
        ([{}, {"*": PLAIN}], A, "*"),
        ([{"null": PLAIN}], "null", "null"),
        ([{"*": PLAIN}], "null", "*"),
    ],
)
def test_the_exact_origin_is_before_patterns_and_they_are_before_the_star(
    configs: list[Any], origin: str, key: str | None
) -> None:
    entry = Policy(tuple(map(Layer, configs))).find(origin)
    assert (entry.key if isinstance(entry, Entry) else None) == key


@pytest.mark.parametrize("key", [A, "https://*.example", "*"])
def test_of_two_layers_with_the_same_key_the_nearest_decides(key: str) -> None:
    near, far = ResourceOptions(max_age=1), ResourceOptions(max_age=2)
    assert found(Policy((Layer({key: near}), Layer({key: far}))), A).options is near


@pytest.mark.parametrize("key", [A, "https://*.example", "*"])
def test_none_takes_a_key_away(key: str) -> None:
    assert found(Policy((Layer({key: None}), Layer({key: PLAIN}))), A).options is None


def test_none_for_the_star_leaves_what_is_named() -> None:
    policy = Policy((Layer({"*": None, A: PLAIN}), Layer({"*": CREDENTIALS, B: PLAIN})))
    assert found(policy, A).options is PLAIN
    assert found(policy, B).options is PLAIN
    assert found(policy, "https://c.example").options is None


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        " ",
        f"{A} ",
        f" {A}",
        f"{A},{B}",
        f"{A}, {B}",
        "https://é",
        "\x00",
        "\udc80",
        "a\x7f",
    ],
    ids=ascii,
)
def test_what_no_origin_header_should_hold_matches_nothing(origin: str) -> None:
    everything = {"*": PLAIN, origin: PLAIN} if "*" not in origin else {"*": PLAIN}
    policy = Policy((Layer({**everything, re.compile(".*", re.DOTALL): PLAIN}),))
    assert policy.find(origin) is None


# Methods


@pytest.mark.parametrize(
    ("rule", "allow_methods", "allowed"),
    [
        (Rule.ADDED, None, True),
        (Rule.ADDED, [], True),
        (Rule.SERVED, None, True),
        (Rule.SERVED, "*", True),
        (Rule.SERVED, ["PUT"], True),
        (Rule.SERVED, ["GET"], False),
        (Rule.NAMED, None, False),
        (Rule.NAMED, "*", True),
        (Rule.NAMED, ["PUT"], True),
        (Rule.NAMED, ["GET"], False),
        (Rule.NEVER, "*", False),
    ],
)
def test_who_decides_on_a_method(rule: Rule, allow_methods: Any, allowed: bool) -> None:
    assert rule.allows(ResourceOptions(allow_methods=allow_methods), "PUT") is allowed


def test_a_layer_lends_what_names_the_method() -> None:
    every = ResourceOptions(allow_methods="*")
    put = ResourceOptions(allow_methods=["PUT"])
    layer = Layer({A: every, B: put, "https://c.example": PLAIN, "*": None})
    assert layer.lending("PUT") == {A: every, B: put}
    assert layer.lending("GET") == {A: every}
    assert Layer({A: PLAIN}).lending("GET") == {}


def test_a_layer_that_lends_all_is_shared_not_copied() -> None:
    layer = Layer({A: ResourceOptions(allow_methods="*")})
    assert layer.lending("PUT") is layer


# Actual responses


@pytest.mark.parametrize(
    ("options", "headers", "expected"),
    [
        (PLAIN, {}, {"Access-Control-Allow-Origin": A}),
        (
            CREDENTIALS,
            {},
            {"Access-Control-Allow-Origin": A, "Access-Control-Allow-Credentials": "true"},
        ),
        (
            PLAIN,
            {"Access-Control-Allow-Credentials": "true"},
            {"Access-Control-Allow-Origin": A},
        ),
        (
            ResourceOptions(expose_headers=["X-B", "X-A"]),
            {},
            {"Access-Control-Allow-Origin": A, "Access-Control-Expose-Headers": "X-A,X-B"},
        ),
        (
            ResourceOptions(expose_headers="*"),
            {"Access-Control-Expose-Headers": "X-Own"},
            {"Access-Control-Allow-Origin": A, "Access-Control-Expose-Headers": "X-Own"},
        ),
    ],
)
def test_an_allowed_origin_gets_its_headers(
    options: ResourceOptions, headers: dict[str, str], expected: dict[str, str]
) -> None:
    written = CIMultiDict(headers)
    write_actual(written, Granted(A), options)
    assert written == expected


def test_all_exposed_are_those_that_are_there_and_may_be_named() -> None:
    headers = CIMultiDict[str](
        [
            ("x-b", "1"),
            ("X-A", "1"),
            ("X-A", "2"),
            ("Date", "now"),
            ("content-LENGTH", "1"),
            ("Cache-Control", "no-store"),
            ("Set-Cookie", "a=b"),
            ("Set-Cookie2", "a=b"),
            ("Connection", "close"),
            ("Transfer-Encoding", "chunked"),
            ("Vary", "Origin"),
            ("Access-Control-Max-Age", "1"),
            ("no token", "1"),
        ]
    )
    options = ResourceOptions(expose_headers="*")
    write_actual(headers, Granted(A), options)
    assert headers["Access-Control-Expose-Headers"] == "Date,X-A,x-b"


def test_nothing_left_to_expose_is_no_header() -> None:
    headers = CIMultiDict({"Content-Type": "text/plain"})
    options = ResourceOptions(expose_headers="*")
    write_actual(headers, Granted(A), options)
    assert "Access-Control-Expose-Headers" not in headers


@pytest.mark.parametrize(
    ("present", "merged"),
    [
        ([], ["Origin"]),
        (["Accept"], ["Accept, Origin"]),
        (["Accept", "Cookie"], ["Accept, Cookie, Origin"]),
        (["origin"], ["origin"]),
        (["Accept,ORIGIN"], ["Accept,ORIGIN"]),
        (["*"], ["*"]),
        (["Accept", "*"], ["Accept", "*"]),
        ([""], ["Origin"]),
        ([" , Accept ,"], ["Accept, Origin"]),
    ],
)
def test_vary_is_merged(present: list[str], merged: list[str]) -> None:
    headers = CIMultiDict([("Vary", line) for line in present])
    merge_vary(headers, "Origin")
    assert headers.getall("Vary") == merged


# Preflights


def answer(
    options: ResourceOptions | None = PLAIN,
    *,
    rule: Rule = Rule.ADDED,
    method: str = "PUT",
    lines: tuple[str, ...] = (),
) -> dict[str, str] | str:
    policy = Policy((Layer({A: options, B: PLAIN}),), rule, rule)
    verdict = answer_preflight(policy, found(policy, A), A, method, lines)
    return verdict.reason if isinstance(verdict, Refused) else verdict


@pytest.mark.parametrize(
    ("options", "lines", "more"),
    [
        (PLAIN, (), {}),
        (CREDENTIALS, (), {"Access-Control-Allow-Credentials": "true"}),
        (ResourceOptions(max_age=0), (), {"Access-Control-Max-Age": "0"}),
        (
            ResourceOptions(allow_headers=["x-b", "X-A"]),
            ("x-B , X-a", "", ",,x-a\t"),
            {"Access-Control-Allow-Headers": "X-A,X-B"},
        ),
        (
            ResourceOptions(allow_headers="*"),
            ("authorization,accept",),
            {"Access-Control-Allow-Headers": "ACCEPT,AUTHORIZATION"},
        ),
    ],
)
def test_a_preflight_is_granted(
    options: ResourceOptions, lines: tuple[str, ...], more: dict[str, str]
) -> None:
    assert answer(options, lines=lines) == {
        "Access-Control-Allow-Origin": A,
        "Access-Control-Allow-Methods": "PUT",
        "Vary": VARY_PREFLIGHT,
        **more,
    }


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (answer(None), f"origin '{A}' is not allowed"),
        (answer(None, rule=Rule.NAMED), f"request method 'PUT' is not allowed for '{A}' origin"),
        (answer(rule=Rule.NEVER), f"request method 'PUT' is not allowed for '{A}' origin"),
        (answer(lines=("x-b, x-a",)), "headers are not allowed: X-A, X-B"),
        (
            answer(ResourceOptions(allow_headers="*"), lines=("x-a, x y, \udc80",)),
            "headers are not allowed: X Y, \\udc80",
        ),
    ],
)
def test_a_preflight_is_refused_with_the_reason(verdict: object, reason: str) -> None:
    assert verdict == reason


@pytest.mark.parametrize("config", [{}, {A: None}, {A: None, "*": None}])
def test_a_policy_that_grants_nothing_says_so(config: dict[str, None]) -> None:
    policy = Policy((Layer(config),))
    assert answer_preflight(policy, None, A, "GET", ()) == Refused("no origins are allowed")
