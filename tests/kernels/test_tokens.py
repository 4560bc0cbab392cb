from __future__ import annotations

import numpy as np
import pytest
from tests import oracle
from tests.kernels.test_moments import sums_of, symmetric

from intraneuron.kernels.tokens import room_for, take


@pytest.mark.parametrize("lo", [0, 3, 7])
def test_tokens_taken_are_centred_and_have_the_sums_of_their_matrix(lo: int) -> None:
    S, room = symmetric(12, 2), room_for(12)
    take(symmetric(12, 9), 0, 12, room, False)  # what was there before leaves nothing behind
    mean = take(S, lo, 12, room, False)
    some = S[lo:, lo:]
    n = len(some)
    assert mean == pytest.approx(oracle.off_diagonal_mean(some))
    np.testing.assert_allclose(room.M[:n, :n], oracle.centre(some), atol=1e-12)
    np.testing.assert_allclose(room.square[:n, :n], oracle.centre(some) @ oracle.centre(some), atol=1e-10)
    np.testing.assert_allclose(room.sums, sums_of(oracle.centre(some)), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(room.ones, sums_of(np.ones((n, n))))


def test_kinds_of_tokens_taken_before_are_forgotten_and_estimates_need_no_sums() -> None:
    room = room_for(8)
    room.kinds.size[:] = 3
    take(symmetric(8, 1), 0, 8, room, True)
    assert not room.kinds.size.any()
    assert not room.sums.any()
