"""The stage of contexts: when it is done, what it leaves, and what its neurons' cards say."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from tests.test_engine import planned, report
from tests.tiny_models import NEURONS, random_texts, tiny_gpt2

from intraneuron import quoting
from intraneuron.cards import build_card
from intraneuron.engine import run_study
from intraneuron.estimate import CONTEXT_BYTES, estimate
from intraneuron.missing import every_stage, left_to_do
from intraneuron.store import StudyFolder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gpt2(tmp_path_factory.mktemp("models") / "gpt2")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    return random_texts(tmp_path_factory.mktemp("texts"))


def run(model: Path, out: Path, **settings: Any) -> StudyFolder:
    return run_study(planned(model, **settings), out, last={"report": report})


def table(folder: StudyFolder, layer: int) -> pl.DataFrame:
    return pl.read_parquet(folder.layer_file("neurons/contexts", layer))


@pytest.fixture(scope="module")
def study(model: Path, texts: str, tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    return run(model, tmp_path_factory.mktemp("studies") / "a", texts=texts)


def test_a_study_of_texts_has_a_row_of_contexts_for_every_neuron(study: StudyFolder) -> None:
    for layer in (0, 2):
        frame = table(study, layer)
        assert frame["neuron"].to_list() == list(range(NEURONS))
        assert study.done("contexts", study.manifest["stages"]["contexts"]["key"]) == {0, 2}
        top = frame.select(pl.col("segment").list.count_matches(-1))["segment"]
        assert top.max() == 10


def test_a_card_says_them_in_words_with_the_token_of_its_segment(study: StudyFolder) -> None:
    card = build_card(study, 0, 3)
    assert card.contexts
    by_text = {token.token: token for token in card.tokens}
    for one in card.contexts:
        assert len(one.tokens) == len(one.activations)
        if one.segment >= 0:
            assert by_text[one.tokens[one.at]].segment == one.segment
    assert [one.segment for one in card.contexts] == sorted(one.segment for one in card.contexts)


def test_without_texts_there_is_no_such_stage(model: Path, tmp_path: Path) -> None:
    folder = run(model, tmp_path / "vocabulary")
    assert "contexts" not in folder.manifest["stages"]
    assert "contexts" not in every_stage(planned(model))
    assert build_card(folder, 0, 0).contexts == ()


def test_contexts_that_are_not_wanted_any_more_are_removed_and_nothing_else_is_done_again(
    model: Path, texts: str, tmp_path: Path
) -> None:
    run(model, tmp_path / "b", texts=texts)
    fewer = planned(model, texts=texts, contexts=3)
    assert set(left_to_do(fewer, tmp_path / "b", overwrite=False)) == {"contexts", "report"}
    folder = run(model, tmp_path / "b", texts=texts, contexts=3)
    assert table(folder, 0).select(pl.col("segment").list.count_matches(-1))["segment"].max() == 3
    folder = run(model, tmp_path / "b", texts=texts, contexts=0)
    assert not folder.layer_file("neurons/contexts", 0).exists()
    assert build_card(folder, 0, 3).contexts == ()
    assert left_to_do(planned(model, texts=texts, contexts=0), tmp_path / "b", overwrite=False) == {}


def test_layers_that_do_not_fit_into_memory_are_read_in_further_passes_with_the_same_contexts(
    model: Path, texts: str, study: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[list[int]] = []
    real = quoting._groups

    def groups(work: Any) -> list[list[int]]:
        passes.extend(real(work))
        return passes

    monkeypatch.setattr(quoting, "_groups", groups)
    folder = run(model, tmp_path / "c", texts=texts, memory=1e-6)
    assert passes == [[0], [2]]
    assert all(table(folder, layer).equals(table(study, layer)) for layer in (0, 2))


@pytest.mark.parametrize(
    ("settings", "passes"),
    [
        ({}, [[0, 2]]),
        ({"contexts": 60}, [[0], [2]]),
        ({"segments": "quantile:15"}, [[0], [2]]),
        ({"segments": "top:0.2"}, [[0, 2]]),
    ],
)
def test_memory_is_for_as_many_contexts_as_are_asked_for(
    model: Path, texts: str, settings: dict[str, Any], passes: list[list[int]]
) -> None:
    memory = 2.5 * 35 * quoting.BYTES * NEURONS / 2**30  # two layers and a half, at 10 and 5 in each of 5 segments
    plan = planned(model, texts=texts, memory=memory, layers=(0, 2), **settings)
    assert list(quoting._groups(SimpleNamespace(plan=plan, layers=plan.layers))) == passes  # type: ignore[arg-type]


def test_a_plan_counts_the_pass_and_the_disk_of_contexts(model: Path, texts: str) -> None:
    some, none = (planned(model, texts=texts, contexts=n) for n in (10, 0))
    cost, less = estimate(some, every_stage(some)), estimate(none, every_stage(none))
    assert cost.disk > less.disk
    many = planned(model, texts=texts, contexts=100)
    neurons = sum(many.n_neurons(layer) for layer in many.layers)
    assert estimate(many, every_stage(many)).disk - cost.disk == pytest.approx(90 * CONTEXT_BYTES * neurons)
    assert cost.seconds > less.seconds - 5
