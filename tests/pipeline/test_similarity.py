from __future__ import annotations

import numpy as np
import pytest
from tests.made_up import clustered_vectors, make_batch

from intraneuron.data import Space
from intraneuron.errors import DataError
from intraneuron.pipeline import similarity as module
from intraneuron.pipeline.similarity import similarity, with_similarity

BATCH = make_batch(16, 60, seed=3)
CORE, SPACE = BATCH.core(), BATCH.space()


def test_similarity_is_the_cosine_of_vectors() -> None:
    found = similarity(CORE.token_id, CORE.n, SPACE).meaning
    for i, n in enumerate(CORE.n):
        unit = SPACE.vector[CORE.token_id[i, :n]].astype(np.float64)
        np.testing.assert_allclose(found[i, :n, :n], unit @ unit.T, atol=1e-6)
        assert np.isnan(found[i, n:]).all()


@pytest.mark.parametrize("size", [1, 5, 16, 400])
def test_blocks_hold_every_neuron_once_in_order(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEURONS", size)
    blocks = list(with_similarity(CORE, SPACE))
    assert np.concatenate([CORE.neuron[own] for own, _ in blocks]).tolist() == CORE.neuron.tolist()
    assert all(len(S.meaning) <= size for _, S in blocks)
    np.testing.assert_array_equal(np.concatenate([S.meaning for _, S in blocks]), BATCH.cosines())


def test_no_neurons_are_one_empty_block() -> None:
    [(own, S)] = with_similarity(CORE[:0], SPACE)
    assert S.meaning.shape == (0, 60, 60)
    assert S.form is None
    assert len(CORE[:0][own]) == 0


def test_tokens_of_another_vocabulary_are_refused() -> None:
    with pytest.raises(DataError, match="has 10 vectors, but a core token has id"):
        similarity(CORE.token_id, CORE.n, Space("small", clustered_vectors(10, 4, 0)))
