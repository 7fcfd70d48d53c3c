"""Rules of the pure core at their edges, each decided while its test runs."""

import copy
from collections import UserList
from typing import Any

import pytest
from multidict import CIMultiDict

from aiohttp_cors import ResourceOptions, _fetch
from aiohttp_cors._policy import (
    VARY_PREFLIGHT,
    Layer,
    Policy,
    Refused,
    Rule,
    answer_preflight,
    layer,
    layers_of,
    merge_vary,
    write_actual,
)
from aiohttp_cors.resource_options import Granted

A, B = "https://a.example", "https://b.example"
PLAIN = ResourceOptions()
ANY_HEADER = ResourceOptions(allow_headers="*")
PUT_ALONE = ResourceOptions(allow_methods=["PUT"])


# Layers


@pytest.mark.parametrize("copied", [copy.copy, Layer.copy])
def test_a_copy_of_a_layer_says_the_same(copied: Any) -> None:
    original = Layer({A: PLAIN, "*": None})
    assert copied(original) == original


def test_a_layer_is_taken_as_it_is() -> None:
    added = Layer({A: PLAIN})
    assert layer(added) is added
    assert layers_of(added)[0] is added


@pytest.mark.parametrize(
    ("config", "same"),
    [
        ({"https://*.a.example": PLAIN, "https://*.example": None}, True),
        ({"https://*.example": None, "https://*.a.example": PLAIN}, False),
        ({"https://*.a.example": None, "https://*.example": None}, False),
        ({"https://*.a.example": PLAIN}, False),
        ({}, False),
    ],
    ids=["equal", "in another order", "other options", "less", "nothing"],
)
def test_layers_say_the_same_if_their_order_is_the_same(config: Any, same: bool) -> None:
    written = Layer({"https://*.a.example": PLAIN, "https://*.example": None})
    assert written.same_as(Layer(config)) is same
    assert written.same_as(written)


def test_methods_that_no_list_names_share_one_part_of_a_layer() -> None:
    # Clients choose methods: a part for each would let them fill the memory.
    shared = Layer({A: PUT_ALONE, B: PLAIN})
    assert shared.lending("M1") is shared.lending("M2")


def test_a_layer_knows_the_config_it_was_made_of_until_its_owner_changes_it() -> None:
    headers = ["X-A"]
    config: dict[str, Any] = {A: {"allow_headers": headers, "max_age": None}, B: PLAIN, "*": None}
    written = Layer(config)
    assert written.made_of(config)
    assert written.made_of(copy.deepcopy(config))
    headers.append("X-B")
    assert not written.made_of(config)


class Alike(UserList[str]):  # noqa: PLW1641 - a list has no hash
    """A list that is equal to whatever it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True


def test_options_of_other_types_are_not_taken_for_known() -> None:
    config: dict[str, Any] = {A: {"allow_headers": Alike(["X-A"])}}
    assert not Layer(config).made_of(config)


# Actual responses


def test_options_that_expose_nothing_expose_nothing() -> None:
    headers = CIMultiDict({"Date": "now", "X-A": "1"})
    write_actual(headers, Granted(A), PLAIN)
    assert headers == {"Date": "now", "X-A": "1", "Access-Control-Allow-Origin": A}


@pytest.mark.parametrize(
    ("present", "merged"),
    [
        ("Origin", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
        (
            "Access-Control-Request-Headers,Origin",
            "Access-Control-Request-Headers, Origin, Access-Control-Request-Method",
        ),
        (VARY_PREFLIGHT, VARY_PREFLIGHT),
        ("*", "*"),
    ],
)
def test_each_name_is_merged_into_vary_by_itself(present: str, merged: str) -> None:
    headers = CIMultiDict({"Vary": present})
    merge_vary(headers, VARY_PREFLIGHT)
    assert headers.getall("Vary") == [merged]


# Preflights

FOR_A = f"is not allowed for '{A}' origin"


@pytest.mark.parametrize(
    ("options", "rule", "method", "lines", "reason"),
    [
        (None, Rule.ADDED, "PUT", (), "origin 'https://a.example' is not allowed"),
        (None, Rule.NAMED, "PUT", (), f"request method 'PUT' is not allowed for '{A}' origin"),
        (PUT_ALONE, Rule.NEVER, "PUT", (), f"request method 'PUT' is not allowed for '{A}' origin"),
        (PUT_ALONE, Rule.NAMED, "GET", (), f"request method 'GET' is not allowed for '{A}' origin"),
        (
            PUT_ALONE,
            Rule.SERVED,
            "a'b",
            (),
            f"request method \"a'b\" is not allowed for '{A}' origin",
        ),
        (PLAIN, Rule.ADDED, "PUT", ["x-b", "x-a"], "headers are not allowed: X-A, X-B"),
        (ANY_HEADER, Rule.ADDED, "PUT", ["x-a, x y,é"], "headers are not allowed: X Y, é"),
        (
            ANY_HEADER,
            Rule.ADDED,
            "PUT",
            ["\udc80\n\u2028"],
            "headers are not allowed: \\udc80\\n\\u2028",
        ),
        (ANY_HEADER, Rule.ADDED, "PUT", ["a\x0b"], "headers are not allowed: A\\x0b"),
    ],
)
def test_a_refusal_says_what_is_refused(
    options: ResourceOptions | None, rule: Rule, method: str, lines: list[str], reason: str
) -> None:
    config = Layer({A: options, B: PLAIN})
    policy = Policy((config,), rule, rule)
    answer = answer_preflight(policy, config.exact[A], A, method, lines)
    assert answer == Refused(reason)


@pytest.mark.parametrize("name", ["x-\u017f", "ß"])
def test_a_name_that_is_a_token_only_in_upper_case_is_refused(name: str) -> None:
    config = Layer({A: ResourceOptions(allow_headers="*")})
    answer = answer_preflight(Policy((config,)), config.exact[A], A, "PUT", [name])
    assert isinstance(answer, Refused)


def test_an_origin_in_a_refusal_cannot_break_the_line() -> None:
    policy = Policy((Layer({A: PLAIN}),))
    answer = answer_preflight(policy, None, "a\r\nb'", "PUT", ())
    assert answer == Refused("""origin 'a\\r\\nb'' is not allowed""")


@pytest.mark.parametrize("rule", [Rule.ADDED, Rule.SERVED, Rule.NAMED])
def test_a_preflight_is_granted_by_the_options_of_its_own_origin(rule: Rule) -> None:
    config = Layer({A: PUT_ALONE, B: PLAIN})
    policy = Policy((config,), rule, rule)
    assert answer_preflight(policy, config.exact[A], A, "PUT", ["", " , "]) == {
        "Access-Control-Allow-Origin": A,
        "Access-Control-Allow-Methods": "PUT",
        "Vary": VARY_PREFLIGHT,
    }


# Grammar


def test_members_keep_all_but_blanks_and_tabs() -> None:
    kept = ["X-X", "\x0ba", "a\xa0", "\x85"]
    assert _fetch.list_members([" , ".join(kept)]) == kept
    assert _fetch.names_in(["\tX-X , \x0ba", "a\xa0"]) == {"X-X", "\x0bA", "A\xa0"}


def test_a_value_keeps_what_is_no_http_white_space() -> None:
    assert _fetch.normalize_value(" \x0ba\x0c\t") == "\x0ba\x0c"


@pytest.mark.parametrize(
    ("value", "forbidden"),
    [
        ("GET,TRACE,PUT", True),
        ("GET TRACE", False),
        ("XTRACE", False),
        ("\x0bTRACE", False),
        ('"a" TRACE', False),
    ],
)
def test_an_overriding_method_is_a_whole_member(value: str, forbidden: bool) -> None:
    assert _fetch.is_forbidden_request_header_value("X-HTTP-Method", value) is forbidden


def test_a_content_type_with_another_blank_before_it_is_not_safelisted() -> None:
    assert not _fetch.is_safelisted_request_header("Content-Type", "\xa0text/plain")


def test_a_max_age_of_ten_digits_is_too_large() -> None:
    assert _fetch.max_age([("Access-Control-Max-Age", "9999999999")]) == 2**31
