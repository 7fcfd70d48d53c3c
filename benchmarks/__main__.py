"""Measure, and print what came of it: python -m benchmarks."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from argparse import BooleanOptionalAction
from pathlib import Path

from . import _http, _inprocess, _instructions, _profile, _reference, _report, _setup
from ._figures import Figures

_MARKER = ".. What is below this line is written by --readme."


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all values there")
    parser.add_argument("--readme", action="store_true", help="also write the table to README.rst")
    parser.add_argument("--quick", action="store_true", help="a look, in less than a minute")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds in process (default: 300)")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases in process with TEXT")
    for name, what in (
        ("in-process", "measure the hook and the handler"),
        ("http", "measure over HTTP with wrk"),
        ("setup", "measure set-up time and memory"),
        ("instructions", "count instructions with callgrind"),
    ):
        parser.add_argument(f"--{name}", action=BooleanOptionalAction, default=True, help=what)
    parser.add_argument("--profile", action="store_true", help="profile ours, and do nothing else")
    return parser.parse_args()


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:60}", end="", file=sys.stderr, flush=True)


def _measure(arguments: argparse.Namespace) -> Figures:
    quick: bool = arguments.quick
    packages = _reference.install()
    figures: Figures = {}
    if arguments.in_process:
        cases = [case for case in _inprocess.CASES if arguments.only in case.title]
        rounds = arguments.rounds or (30 if quick else 300)
        figures |= asyncio.run(_inprocess.measure(packages, cases, rounds, _progress))
    if arguments.instructions:
        if _instructions.available():
            figures |= _instructions.measure(packages, _progress)
        else:
            print("valgrind is not installed: no instructions are counted", file=sys.stderr)
    if arguments.setup:
        size = _setup.QUICK if quick else _setup.FULL
        figures |= _setup.measure(packages, 1 if quick else 5, size, _progress)
    if arguments.http:
        if _http.available():
            figures |= _http.measure(packages, 1 if quick else 10, _progress)
        else:
            print("wrk is not installed: nothing is measured over HTTP", file=sys.stderr)
    _progress("")
    return figures


def main() -> None:
    """Do what the command line asks for."""
    arguments = _arguments()
    if arguments.profile:
        print(asyncio.run(_profile.text(_reference.install())))
        return
    figures = _measure(arguments)
    shown = _report.text(figures)
    print(shown)
    if arguments.readme:
        profile = asyncio.run(_profile.text(_reference.install()))
        readme = Path(__file__).parent / "README.rst"
        _report.write_below(_MARKER, readme, f"{shown}\n\n{profile}")
    if arguments.json:
        content = json.dumps(_report.as_json(figures), indent=1)
        arguments.json.write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
