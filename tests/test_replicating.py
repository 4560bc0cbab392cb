"""A replication: the paper's settings on the paper's data, and how far published and observed core tokens agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.openai_files import TEXTS, publish
from tests.serving import Server, serving
from tests.tiny_models import tiny_bert, tiny_gpt2

from intraneuron.api import study
from intraneuron.config import FetchConfig, ImportConfig, ReplicateConfig
from intraneuron.data import CoreTokens
from intraneuron.errors import SettingError, StudyError
from intraneuron.importing import ImportPlan
from intraneuron.replicating import agreement_of, plan_replication


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as found:
        publish(found, neurons=8)
        yield found


def planned(server: Server, tmp_path: Path, what: dict[str, Any] | None = None, **settings: Any) -> ImportPlan:
    fetch = FetchConfig(server.url + "/neurons", str(tmp_path / "cache"), jobs=3)
    given: dict[str, Any] = {"neurons": 8, "weights_url": server.url + "/weights"} | (what or {})
    chosen = ReplicateConfig(**given)
    return plan_replication(chosen, fetch, ImportConfig(**settings), out=tmp_path / "S", overwrite=False)


def test_the_settings_are_the_papers(server: Server, tmp_path: Path) -> None:
    plan = planned(server, tmp_path)
    assert plan.layers == (0, 1)
    assert plan.config.space.full_name == "input"
    assert plan.config.partition.segments == "quantile:5"
    assert plan.config.twin.twins == ("shuffled", "readout")
    assert ImportConfig().core_tokens == 100
    assert plan.config.observe.core_tokens == 40  # as many as these lists hold
    assert plan.name == "gpt2-xl"
    assert plan.manifest()["published"]["command"][:3] == ["replicate", "--neurons", "8"]


@pytest.mark.parametrize(
    ("what", "settings", "told"),
    [
        ({}, {"layers": (0, 48)}, r"layers \(--layers\) must be between 0 and 47 for gpt2-xl, got 48\."),
        ({"neurons": 0}, {}, r"neurons \(--neurons\) must be between 1 and 6400, got 0\."),
        ({"neurons": 6401}, {}, r"got 6401\."),
        ({}, {"twins": ("rotated",)}, "rotated need a model"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_fetched(
    server: Server, tmp_path: Path, what: dict[str, Any], settings: dict[str, Any], told: str
) -> None:
    before = sum(server.asked.values())
    with pytest.raises(SettingError, match=told):
        planned(server, tmp_path, what, **settings)
    assert sum(server.asked.values()) == before


def core(neurons: list[int], tokens: list[list[int]]) -> CoreTokens:
    token_id = np.array(tokens, dtype=np.int32)
    n = (token_id >= 0).sum(axis=1).astype(np.int32)
    activation = np.where(token_id >= 0, np.arange(token_id.shape[1], 0, -1.0), np.nan)
    zeros = np.zeros(len(neurons), dtype=np.int32)
    number = np.array(neurons, dtype=np.int32)
    return CoreTokens(
        zeros, number, n, token_id, activation, np.full(token_id.shape, -1), np.full(len(neurons), np.nan)
    )


def test_agreement_is_the_median_share_of_the_shorter_list_of_neurons_that_both_have() -> None:
    published = core([2, 5, 9], [[1, 2, 3, 4], [1, 2, -1, -1], [7, 8, 9, 6]])
    observed = core([0, 2, 5, 8], [[7, 8], [4, 9], [2, 1], [1, 2]])
    assert agreement_of(published, observed) == {"median": 0.75, "neurons": 2}
    assert np.isnan(agreement_of(published, core([4], [[1, 2]]))["median"])


def test_published_and_observed_core_tokens_are_compared_where_the_model_was_studied(
    server: Server, tmp_path: Path
) -> None:
    made = study(
        str(tiny_gpt2(tmp_path / "tiny")), out=tmp_path / "own", layers=[0], core_tokens=30, twins=[], device="cpu"
    )
    assert len(made.folder.vocabulary()) == len(TEXTS) + 2  # an embedding may be padded
    plan = planned(server, tmp_path, {"observed": str(made.path)})
    found = plan.source.facts["observed"]
    assert list(found["layers"]) == ["0"]
    active = int((made.folder.core_tokens("neurons", 0).n[:8] > 0).sum())
    assert found["layers"]["0"]["neurons"] == active
    assert 0 <= found["layers"]["0"]["median"] <= 1
    assert plan.source.notes[-1].startswith(
        f"Core tokens in common with those observed in {made.path} (vocabulary mode)"
    )
    assert plan.manifest()["published"]["observed"] == found
    with pytest.raises(StudyError, match=r"has layers 0, the lists 1\. Name another study"):
        planned(server, tmp_path, {"observed": str(made.path)}, layers=(1,))


def test_a_study_of_another_model_is_refused(server: Server, tmp_path: Path) -> None:
    other = study(
        str(tiny_bert(tmp_path / "tiny")), out=tmp_path / "bert", layers=[0], core_tokens=20, twins=[], device="cpu"
    )
    with pytest.raises(StudyError, match=r"has another vocabulary \(.* Name a study of the same model \(--observed\)"):
        planned(server, tmp_path, {"observed": str(other.path)})
    with pytest.raises(StudyError, match="There is no study in"):
        planned(server, tmp_path, {"observed": str(tmp_path / "none")})
