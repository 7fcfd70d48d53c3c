"""What the files around the package say about it, and each other."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import aiohttp_cors

ROOT = Path(__file__).parents[1]
WORKFLOWS = ROOT / ".github" / "workflows"


def test_the_newest_changes_are_those_of_this_version() -> None:
    versions = re.findall(
        r"^(\d+\.\d+\.\d+) \(.+\)\n-+$", (ROOT / "CHANGES.rst").read_text(), re.MULTILINE
    )
    assert versions[0] == aiohttp_cors.__version__


def test_actions_are_pinned_by_commit() -> None:
    if not WORKFLOWS.is_dir():
        pytest.skip("a source archive has no workflows")
    lines = [
        line.strip()
        for workflow in WORKFLOWS.glob("*.yml")
        for line in workflow.read_text().splitlines()
        if "uses:" in line
    ]
    assert lines
    pinned = re.compile(r"(?:- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [line for line in lines if not pinned.fullmatch(line)] == []


def test_hooks_before_a_commit_fetch_nothing() -> None:
    hooks = ROOT / ".pre-commit-config.yaml"
    if not hooks.exists():
        pytest.skip("a source archive has no hooks")
    assert re.findall(r"repo: (.+)", hooks.read_text()) == ["local"]


def test_what_contributors_are_told_to_run_is_there() -> None:
    page = (ROOT / "docs" / "contributing.rst").read_text("utf-8")
    modules = set(re.findall(r"python -m (\w[\w.]*)", page))
    assert {"benchmarks", "pytest", "tests.mutation", "tests.test_fuzz"} <= modules
    assert [name for name in sorted(modules) if importlib.util.find_spec(name) is None] == []
