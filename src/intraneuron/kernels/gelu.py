"""GELU, approximated by tanh, of many float32 numbers."""

from __future__ import annotations

import math

import numpy as np

from intraneuron.kernels.compiled import compiled
from intraneuron.kernels.lanes import fma

BLOCK = 512
"""Numbers whose steps stay in the nearest cache."""

_F = np.float32
_SLOPE, _CUBIC = _F(-2 * math.sqrt(2 / math.pi)), _F(-2 * math.sqrt(2 / math.pi) * 0.044715)
_LOG2E, _LN2_HIGH, _LN2_LOW = _F(1 / math.log(2)), _F(0.693359375), _F(math.log(2) - 0.693359375)
_LEAST, _MOST = _F(-87.0), _F(88.0)
_ROUNDS, _BIAS = _F(1.5 * 2**23), _F(127)
_TAYLOR = tuple(_F(1 / math.factorial(n)) for n in range(8))


@compiled()
def gelu_tanh(start, stop, values, out):  # type: ignore[no-untyped-def]
    """Write x / (1 + e^-2u) with u = sqrt(2 / pi) (x + 0.044715 x^3): GELU approximated by tanh, x (1 + tanh u) / 2.

    e^y is 2^n e^r with n whole and r within ln 2 / 2 of 0, by Taylor's series: the relative error of its last term left
    out is below 6e-9. So written, the loops are compiled to vectors, which a call of exp or tanh is not.

    Parameters
    ----------
    start, stop : int
    values, out : float32 (n,)
    """
    bits = np.empty(BLOCK, dtype=np.int32)
    power = bits.view(np.float32)
    series = np.empty(BLOCK, dtype=np.float32)
    one = _F(1)
    c2, c3, c4, c5, c6, c7 = _TAYLOR[2], _TAYLOR[3], _TAYLOR[4], _TAYLOR[5], _TAYLOR[6], _TAYLOR[7]
    for first in range(start, stop, BLOCK):
        x = values[first : min(first + BLOCK, stop)]
        to = out[first : min(first + BLOCK, stop)]
        for i in range(len(x)):
            y = x[i] * fma(_CUBIC, x[i] * x[i], _SLOPE)
            y = y if y > _LEAST else _LEAST
            y = y if y < _MOST else _MOST
            n = fma(y, _LOG2E, _ROUNDS) - _ROUNDS
            r = fma(-n, _LN2_LOW, fma(-n, _LN2_HIGH, y))
            series[i] = fma(r, fma(r, fma(r, fma(r, fma(r, fma(r, fma(r, c7, c6), c5), c4), c3), c2), one), one)
            bits[i] = np.int32(n + _BIAS) << np.int32(23)
        for i in range(len(x)):
            to[i] = x[i] / (one + series[i] * power[i])
