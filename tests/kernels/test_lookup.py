from __future__ import annotations

import numpy as np

from intraneuron.kernels.lookup import NUMBERS, look_up


def test_every_number_in_every_place_of_a_word_is_looked_up() -> None:
    rng = np.random.default_rng(0)
    table = rng.permutation(NUMBERS).astype(np.uint16)
    every = np.arange(NUMBERS, dtype=np.uint16)
    values = np.concatenate([np.roll(every, shift) for shift in range(4)])
    words, out = values.view(np.uint64), np.zeros(NUMBERS, dtype=np.uint64)
    look_up(0, NUMBERS // 2, words, table, out)
    look_up(NUMBERS // 2, NUMBERS, words, table, out)
    np.testing.assert_array_equal(out.view(np.uint16), table[values])
    look_up(3, 5, words, np.zeros_like(table), out)
    assert np.flatnonzero(out == 0).tolist() == [3, 4]
