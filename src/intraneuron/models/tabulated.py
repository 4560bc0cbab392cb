"""Nonlinearities of 16-bit numbers as tables: there are only 65,536 of them, so no digit changes.

On a CPU, GELU of numbers in bfloat16 is slow: they are widened, the function takes its steps, each through memory where
transformers writes it out in Python, and the result is narrowed again. That is a fifth of a forward pass of GPT-2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from intraneuron.kernels.blocks import in_parts, parts_of
from intraneuron.kernels.lookup import NUMBERS, WORD, look_up

FEWEST = 2**14
"""Numbers below which nothing is saved."""

Function = Callable[[torch.Tensor], torch.Tensor]


class Tabulated(nn.Module):
    """A function of every value by itself, read from its table on a CPU.

    ``instead`` is called where the table is of no use: for few values, for others than the table's, elsewhere than on a
    CPU, and where gradients are wanted.
    """

    def __init__(self, table: np.ndarray, dtype: torch.dtype, instead: nn.Module) -> None:
        super().__init__()
        self._table, self._dtype = table, dtype
        self._instead: Function = instead.__call__  # the module itself would be a part of this one, which is one step

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the function of x, of any shape."""
        if not self._serves(x):
            return self._instead(x)
        out = torch.empty_like(x)
        values, to = (t.view(torch.int16).numpy().reshape(-1).view(np.uint64) for t in (x, out))
        in_parts(look_up, parts_of(len(values)), (values, self._table), (to,))
        return out

    def _serves(self, x: torch.Tensor) -> bool:
        return (
            x.dtype == self._dtype and in_place_of_torch(x) and x.numel() % WORD == 0 and x.data_ptr() % (2 * WORD) == 0
        )


def in_place_of_torch(x: torch.Tensor) -> bool:
    """Whether a kernel of ours can read a tensor, and is worth it: in one piece on a CPU, of many numbers."""
    wants_gradients = torch.is_grad_enabled() and x.requires_grad
    return x.device.type == "cpu" and x.is_contiguous() and x.numel() >= FEWEST and not wants_gradients


def tabulated(function: nn.Module, dtype: torch.dtype, instead: nn.Module) -> Tabulated | None:
    """Return a function as a table; None where it is not one of every value by itself, or quick without.

    Whether it is, is tried: all finite numbers of the format in another order, and in another shape, must give the same
    values to the last bit.

    Parameters
    ----------
    function : module
    dtype : bfloat16 or float16
    instead : module
        The same function, for other formats.
    """
    every = torch.from_numpy(np.arange(NUMBERS).astype(np.uint16).view(np.int16)).view(dtype)
    finite = torch.isfinite(every).nonzero()[:, 0]
    order = finite[torch.from_numpy(np.random.default_rng(0).permutation(len(finite)))]
    with torch.inference_mode():
        try:
            values, mixed = function(every), function(every[order].reshape(4, -1))
        except (TypeError, ValueError, RuntimeError):  # it takes something else than values, or another shape of them
            return None
        if not (isinstance(values, torch.Tensor) and values.dtype == dtype and values.shape == every.shape):
            return None
        if any(_same(values, quick(every)) for quick in (torch.relu, nn.functional.silu, torch.clone)):
            return None
        if mixed.numel() != len(order) or not _same(values[order], mixed.reshape(-1)):
            return None
        if values[finite].isnan().all():
            return None
    return Tabulated(values.view(torch.int16).numpy().view(np.uint16).copy(), dtype, instead)


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether values are the same to the last bit, whatever bits a NaN has."""
    return bool(((a.view(torch.int16) == b.view(torch.int16)) | (a.isnan() & b.isnan())).all())
