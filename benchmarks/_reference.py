"""aiohttp-cors 0.8.1: in a virtual environment of its own, and in this process beside ours."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path
from types import ModuleType

NAME = "aiohttp-cors"
VERSION = "0.8.1"


def install() -> Path:
    """The directory that 0.8.1 is installed in, after installing it there if need be.

    The environment holds 0.8.1 and nothing else. It is imported into a process that has aiohttp
    already, so that both libraries run on the same one.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    environment = cache / "aiohttp-cors-benchmarks" / f"{VERSION}-{python}"
    executable = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not executable.exists():
        venv.create(environment, with_pip=True, clear=True)
    packages = Path(
        _output(executable, "-c", "import sysconfig as s; print(s.get_path('purelib'))")
    )
    found = {dist.name: dist.version for dist in metadata.distributions(path=[str(packages)])}
    if found.get(NAME) != VERSION:
        _output(executable, "-m", "pip", "install", "--quiet", "--no-deps", f"{NAME}=={VERSION}")
    return packages


def _output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def load(packages: Path) -> ModuleType:
    """Import 0.8.1 from `packages` under another name; its own imports are relative."""
    name = "aiohttp_cors_" + VERSION.replace(".", "_")
    directory = packages / "aiohttp_cors"
    spec = importlib.util.spec_from_file_location(
        name, directory / "__init__.py", submodule_search_locations=[str(directory)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no aiohttp_cors in {packages}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
