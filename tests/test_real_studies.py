"""Whole studies of the two real models, a few neurons against the oracle: only with `make test-all`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests import oracle
from tests.real_neurons import need

from intraneuron.api import Study
from intraneuron.api import study as whole_study
from intraneuron.models.loading import load_model

pytestmark = pytest.mark.slow

CLOSED = ("top_down_p", "interleaving_p", "mrpp_p", "distance_p", "agreement_p", "peak_p")
"""p without draws."""


def observed(name: str, layer: int, token: int) -> np.ndarray:
    """Return what enters the output projection when the model reads one token alone, (N,)."""
    model = load_model(name, device="cpu")
    kept: list[torch.Tensor] = []
    hook = model.sites[layer].output.module.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
    first, last = model.tokenizer("").input_ids[:1], model.tokenizer("").input_ids[1:]
    first = first or [model.tokenizer.bos_token_id]
    with torch.inference_mode():
        model.body(torch.tensor([[*first, token, *last]]))
    hook.remove()
    return kept[0].reshape(-1, kept[0].shape[-1])[1].numpy()


def check(study: Study, row: dict[str, Any]) -> None:
    """Hold one neuron of a study against the oracle, fed with its core tokens."""
    layer, neuron = row["layer"], row["neuron"]
    core = study.folder.core_tokens("neurons", layer)[np.array([neuron])]
    space, n = study.folder.read_space("input"), int(core.n[0])
    expected = oracle.analyse(space.vector[core.token_id[0, :n]], core.activation[0, :n])
    for name in ("top_down_eta2", "interleaving", "peak", "mrpp_a", "distance_r", "ami"):
        assert row[name] == pytest.approx(expected[name], abs=2e-5), name
    for name in CLOSED:
        assert row[name] == pytest.approx(expected[name], rel=1e-3), name
    np.testing.assert_allclose(row["homogeneity"], expected["homogeneity"], atol=2e-5)


def test_minilm_alone_is_what_the_model_does_and_what_the_oracle_says(tmp_path: Path) -> None:
    need("minilm")
    study = whole_study("minilm", layers=[1], out=tmp_path / "minilm", device="cpu")
    core = study.folder.core_tokens("neurons", 1)
    for neuron in (3, 700, 1535):
        for rank in (0, int(core.n[neuron]) // 2, int(core.n[neuron]) - 1):
            value = observed("minilm", 1, int(core.token_id[neuron, rank]))[neuron]
            assert core.activation[neuron, rank] == pytest.approx(value, abs=1e-4)
    rows = study.neurons().filter(n=100).rows(named=True)
    for row in (rows[3], rows[500], rows[1200]):
        check(study, row)


def test_docs_lm_on_the_texts_of_this_machine_is_what_the_oracle_says(tmp_path: Path) -> None:
    need("docs-lm")
    study = whole_study(texts="docs", layers=[1], out=tmp_path / "docs-lm", device="cpu")
    assert study.summary["mode"] == "corpus"
    frame = study.neurons().filter(n=100)
    assert np.median(frame["reliability"].to_numpy()) > 0.8
    rows = frame.rows(named=True)
    for row in (rows[3], rows[300], rows[700]):
        check(study, row)
