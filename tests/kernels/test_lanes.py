from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from intraneuron.kernels.lanes import COLUMNS, REGISTER, ROWS, fma, tile_products


@numba.njit
def tile(E: Any, i: Any, j: Any, width: Any) -> Any:
    return tile_products(E, i, j, width)


@numba.njit
def fused(x: Any, y: Any, z: Any) -> Any:
    return fma(x, y, z)


def in_lanes(x: np.ndarray, y: np.ndarray) -> Any:
    """Sum the products in the documented order; longdouble holds a product of two float32 without rounding."""
    lanes = REGISTER // x.itemsize
    whole = len(x) // lanes * lanes
    sums = np.zeros(lanes, x.dtype)
    for k in range(0, whole, lanes):
        sums = (np.longdouble(x[k : k + lanes]) * y[k : k + lanes] + sums).astype(x.dtype)
    while len(sums) > 1:
        sums = sums[: len(sums) // 2] + sums[len(sums) // 2 :]
    total = sums[0]
    for k in range(whole, len(x)):
        total = (np.longdouble(x[k]) * y[k] + total).astype(x.dtype)
    return total


@pytest.mark.parametrize("width", [0, 1, 7, 8, 9, 31, 64, 101])
def test_products_are_summed_in_the_documented_order_bit_for_bit(width: int) -> None:
    E = np.random.default_rng(width).normal(size=(12, 101)).astype(np.float32)
    found = np.array(tile(E, 4, 2, width), dtype=np.float32)
    expected = [in_lanes(E[4 + a, :width], E[2 + b, :width]) for a in range(ROWS) for b in range(COLUMNS)]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("width", [0, 1, 3, 4, 5, 100])
def test_products_of_float64_are_those_of_numpy_to_rounding(width: int) -> None:
    E = np.random.default_rng(width).normal(size=(12, 103))
    expected = E[8:12, :width] @ E[5 : 5 + COLUMNS, :width].T
    np.testing.assert_allclose(np.reshape(tile(E, 8, 5, width), (ROWS, COLUMNS)), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_fused_product_and_sum_round_once(kind: type) -> None:
    x = kind(1) + np.finfo(kind).eps
    lost = fused(x, x, -(x * x))
    assert lost == kind(np.finfo(kind).eps) ** 2
    assert x * x - x * x == 0


def test_wrong_layouts_are_refused_when_compiled() -> None:
    with pytest.raises(numba.TypingError):
        tile(np.zeros((8, 8)).T, 0, 0, 8)
    with pytest.raises(numba.TypingError):
        fused(np.float32(1), np.float64(1), np.float64(1))


COSINES = """
import hashlib, numpy as np
from intraneuron.kernels.similarity import cosines
E = np.random.default_rng(0).normal(size=(60, 70)).astype(np.float32)
E /= np.linalg.norm(E, axis=1, keepdims=True)
token_id = np.arange(60, dtype=np.int32).reshape(2, 30)
print(hashlib.sha256(cosines(E, token_id, np.full(2, 30)).tobytes()).hexdigest())
"""


def digits(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


OTHERS = {"x86-64": "", "haswell": "+sse4.2,+avx,+avx2,+fma"}
"""Processors without and with fused instructions; both without AVX-512. (Without a list, numba takes our features.)"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names of x86 processors")
@pytest.mark.parametrize("name", OTHERS)
def test_cosines_have_the_same_digits_on_other_processors(tmp_path: Path, name: str) -> None:
    other = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": OTHERS[name], "NUMBA_CACHE_DIR": str(tmp_path)}
    assert digits(COSINES, **other) == digits(COSINES)


ZONES = """
import sys, hashlib, numpy as np
from intraneuron.kernels.homogeneity import zones
from intraneuron.kernels.moments import matrix_sums
if sys.argv[1:] == ["other first"]:
    M = np.zeros((110, 110))
    matrix_sums(M, 100, M.copy(), np.zeros(11))
rng = np.random.default_rng(0)
E = rng.normal(size=(8, 100, 64))
E /= np.linalg.norm(E, axis=-1, keepdims=True)
S = np.einsum("nid,njd->nij", E, E).astype(np.float32)
activation = -np.sort(-rng.exponential(size=(8, 100)), axis=1)
segment = np.tile(np.repeat(np.arange(5), 20), (8, 1)).astype(np.int16)
found = zones(S, np.full(8, 100), activation, segment, np.full(8, 5, np.int16), keys=np.zeros((3, 8), np.int64))
print(hashlib.sha256(b"".join(np.ascontiguousarray(field).tobytes() for field in found)).hexdigest())
"""


@pytest.mark.slow
def test_digits_do_not_depend_on_what_a_process_compiled_or_loaded_before(tmp_path: Path) -> None:
    cold = digits(ZONES, NUMBA_CACHE_DIR=str(tmp_path))
    assert digits(ZONES, NUMBA_CACHE_DIR=str(tmp_path)) == cold
    other = ZONES.replace("sys.argv[1:]", "['other first']")
    assert digits(other, NUMBA_CACHE_DIR=str(tmp_path)) == cold
