"""What all tests share: the option ``--slow``, and a cache of compiled kernels that can never be stale."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _kernel_hash() -> str:
    sources = sorted((ROOT / "src" / "intraneuron" / "kernels").glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:16]


# numba looks only at the file of a function, not at those of the functions that it calls: after a change to
# tails.py it would go on with the old homogeneity.py. Hence one cache for each state of the kernels.
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".pytest_cache" / "numba" / _kernel_hash()))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow") or "slow" in config.getoption("-m"):
        return
    skip = pytest.mark.skip(reason="slow: runs with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
