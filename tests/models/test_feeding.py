from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.tiny_families import FAMILIES
from tests.tiny_models import loaded
from transformers import T5Config

from intraneuron.models.families import Kind
from intraneuron.models.feeding import at_tokens, model_arguments
from intraneuron.models.loading import LoadedModel
from intraneuron.models.sites import tapped

IDS = np.array([[5, 6, -1], [5, 6, 7]])


def given(kind: Kind) -> dict[str, torch.Tensor]:
    return model_arguments(kind, T5Config(decoder_start_token_id=3), IDS, torch.device("cpu"))


def test_padding_is_masked_where_it_would_be_seen() -> None:
    assert set(given("causal")) == {"input_ids", "use_cache"}
    for kind in ("encoder", "encoder-decoder"):
        assert given(kind)["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]


def test_a_decoder_reads_its_start_and_then_every_token_but_the_last() -> None:
    assert given("encoder-decoder")["decoder_input_ids"].tolist() == [[3, 5, 6], [3, 5, 6]]


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(FAMILIES["t5"].save(tmp_path_factory.mktemp("t5")))


def test_what_a_decoder_did_with_a_token_stands_at_its_place(t5: LoadedModel) -> None:
    """Another token changes the decoder's values at its own place and after it, and none before it."""
    seen: list[torch.Tensor] = []
    decoder = [site for site in t5.sites if site.decoder][:1]
    with tapped(
        t5.body, decoder, lambda site, _, value: seen.append(at_tokens(value, decoder=site.decoder))
    ) as forward:
        arguments = model_arguments(t5.kind, t5.model.config, np.array([[20, 21, 22, 23, 1]]), t5.device)
        forward(**arguments)
        arguments["decoder_input_ids"] = torch.tensor([[0, 20, 21, 30, 23]])  # token 2 is another one
        forward(**arguments)
    changed = (seen[0] != seen[1]).any(dim=-1)[0, :4]
    assert changed.tolist() == [False, False, True, True]


def test_other_models_are_read_in_place() -> None:
    values = torch.zeros(1, 2, 3)
    assert at_tokens(values, decoder=False) is values
