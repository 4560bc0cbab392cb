from __future__ import annotations

import numpy as np
import pytest
import torch

from intraneuron.kernels.gelu import BLOCK, gelu_tanh


def gelu(x: np.ndarray) -> np.ndarray:
    out = np.full_like(x, -7)
    gelu_tanh(0, len(x), x, out)
    return out


def test_it_is_gelu_by_tanh_of_float64_to_rounding() -> None:
    x = np.linspace(-40, 40, 1_000_003, dtype=np.float32)
    expected = torch.nn.functional.gelu(torch.from_numpy(x).double(), approximate="tanh").numpy()
    near = np.abs(x) < 4
    np.testing.assert_allclose(gelu(x), expected, rtol=2e-7, atol=1e-7 * 40)
    np.testing.assert_allclose(gelu(x)[near], expected[near], rtol=2e-6, atol=1e-12)


def test_ends_of_the_line() -> None:
    x = np.array([0.0, -0.0, np.inf, np.nan, 1e30, -1e30, 1e-40, -30.0], dtype=np.float32)
    with np.errstate(all="ignore"):
        found = gelu(x)
    assert np.isnan(found[3])
    np.testing.assert_allclose(np.delete(found, 3), [0, 0, np.inf, 1e30, 0, 5e-41, 0], atol=1e-7, rtol=1e-6)
    assert np.signbit(found[1])


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 5])
def test_a_value_does_not_depend_on_those_beside_it(size: int) -> None:
    x = np.random.default_rng(0).normal(size=size).astype(np.float32)
    whole, out = gelu(x), np.full_like(x, -7)
    middle = size // 3
    gelu_tanh(0, middle, x, out)
    gelu_tanh(middle, size, x, out)
    np.testing.assert_array_equal(out, whole)
