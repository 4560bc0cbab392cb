"""Large arrays in the format of safetensors: what others write and read, without a copy in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from intraneuron.tensors import Tensor, mapped, write_tensors

ARRAYS: dict[str, np.ndarray] = {
    "total": np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 7,
    "count": np.array([[2**40, 1]], dtype=np.int64),
    "none": np.empty((0, 4), dtype=np.float32),
    "token_id": np.arange(5, dtype=np.int32),
}


def test_what_is_written_in_blocks_is_read_by_safetensors_with_every_bit(tmp_path: Path) -> None:
    total = ARRAYS["total"]
    blocks = (total[h, some] for h in range(2) for some in (slice(0, 2), slice(2, 3)))
    tensors = {name: Tensor.of(array) for name, array in ARRAYS.items()}
    tensors["total"] = Tensor(total.dtype, total.shape, blocks)
    write_tensors(tmp_path / "x", tensors, {"said": "yes"})
    back = load_file(tmp_path / "x")
    assert set(back) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)


@pytest.mark.parametrize("by", ["us", "safetensors"])
def test_mapped_arrays_are_those_of_the_file(tmp_path: Path, by: str) -> None:
    if by == "us":
        write_tensors(tmp_path / "x", {name: Tensor.of(array) for name, array in ARRAYS.items()}, {})
    else:
        save_file(ARRAYS, tmp_path / "x")
    back = mapped(tmp_path / "x")
    for name, array in ARRAYS.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)
    assert isinstance(back["total"], np.memmap)


def test_columns_that_lie_apart_are_written_in_their_own_order(tmp_path: Path) -> None:
    turned = ARRAYS["total"].T
    write_tensors(tmp_path / "x", {"turned": Tensor.of(turned)}, {})
    np.testing.assert_array_equal(mapped(tmp_path / "x")["turned"], turned)
