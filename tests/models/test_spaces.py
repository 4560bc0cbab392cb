from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from tests.tiny_models import loaded, tiny_bert, tiny_gpt2

from intraneuron.config import SpaceConfig
from intraneuron.errors import SettingError
from intraneuron.models.spaces import SPACES, read_space


def test_the_input_space_is_the_token_embeddings_scaled_to_length_one(tmp_path: Path) -> None:
    for model in (loaded(tiny_gpt2(tmp_path / "g")), loaded(tiny_bert(tmp_path / "b"))):
        rows = model.model.get_input_embeddings().weight.detach().numpy().astype(np.float64)
        space = read_space(model, SpaceConfig())
        assert space.name == "input"
        assert space.vector.dtype == np.float32
        np.testing.assert_allclose(space.vector, rows / np.linalg.norm(rows, axis=1)[:, None], atol=1e-7)


def test_the_output_space_is_the_unembedding(tmp_path: Path) -> None:
    tied = loaded(tiny_gpt2(tmp_path / "tied"))
    free = loaded(tiny_gpt2(tmp_path / "free", tie_word_embeddings=False))
    spaces = {
        (name, kind): read_space(model, SpaceConfig(space=cast("Any", kind))).vector
        for name, model in (("tied", tied), ("free", free))
        for kind in ("input", "output")
    }
    assert np.array_equal(spaces["tied", "output"], spaces["tied", "input"])
    assert not np.allclose(spaces["free", "output"], spaces["free", "input"])
    head = free.model.lm_head.weight.detach().numpy()
    expected = head / np.linalg.norm(head, axis=1)[:, None]
    np.testing.assert_allclose(spaces["free", "output"], expected, atol=1e-6)


def test_centring_takes_the_mean_over_tokens_that_are_not_special(tmp_path: Path) -> None:
    model = loaded(tiny_bert(tmp_path / "b"))
    ordinary = ~model.vocabulary.special
    raw = read_space(model, SpaceConfig()).vector.astype(np.float64)
    centered = read_space(model, SpaceConfig(center=True))
    expected = raw - raw[ordinary].mean(axis=0)
    expected /= np.linalg.norm(expected, axis=1)[:, None]
    assert centered.name == "input-centered"
    np.testing.assert_allclose(centered.vector, expected, atol=1e-6)
    assert not np.allclose(raw[ordinary].mean(axis=0), raw.mean(axis=0), atol=1e-4)


def test_an_encoder_has_no_output_space(tmp_path: Path) -> None:
    model = loaded(tiny_bert(tmp_path / "b"), name="minilm")
    with pytest.raises(SettingError) as caught:
        read_space(model, SpaceConfig(space="output"))
    assert str(caught.value) == ("The model minilm has no unembedding, so it has no output space. Use --space input.")


def test_an_unknown_space_lists_those_there_are(tmp_path: Path) -> None:
    model = loaded(tiny_bert(tmp_path / "b"))
    with pytest.raises(SettingError, match=r"There is no space 'middle' of a model alone\. Spaces: input, output\."):
        read_space(model, SpaceConfig(space=cast("Any", "middle")))
    assert list(SPACES) == ["input", "output"]
