"""A study of published lists: what a study of the model says of the same core tokens, with readout as its reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.published import lists_file, lists_frame, vectors_file
from tests.tiny_models import tiny_gpt2

from intraneuron.api import Study, study
from intraneuron.api import open as open_study
from intraneuron.errors import DataError, StudyError
from intraneuron.importers import import_table
from intraneuron.importing import LEAST_READOUTS
from intraneuron.store import StudyFolder

SETTINGS: dict[str, Any] = {"core_tokens": 60, "twins": ["shuffled", "readout"]}
OTHERS = ("layer", "reliability", "rank_correlation", "overlap", "top_tokens", "clustered", "pattern")
"""Columns of results that speak of texts, twins or names of tokens."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def of_model(home: Path) -> Study:
    """Return a study of a model."""
    return study(str(tiny_gpt2(home / "tiny")), out=home / "model", layers=[0], device="cpu", **SETTINGS)


@pytest.fixture(scope="module")
def of_lists(home: Path, of_model: Study) -> Study:
    """Return a study of what the other one has as core tokens, and of its embeddings, written to files."""
    folder = of_model.folder
    core = folder.read(folder.layer_file("neurons/core_tokens", 0))
    rows = core.select("layer", "neuron", "token_id", "activation").explode("token_id", "activation")
    named = rows.filter(pl.col("token_id") >= 0).with_columns(token=pl.format("t{}", "token_id")).drop("token_id")
    named.sample(fraction=1, shuffle=True, seed=1).write_csv(home / "lists.csv")
    usable = np.flatnonzero(~folder.vocabulary().special)
    vectors = folder.read_space("input").vector[usable]
    pl.DataFrame({"token": [f"t{i}" for i in usable], "vector": vectors}).write_parquet(home / "v.parquet")
    return import_table(home / "lists.csv", home / "v.parquet", out=home / "lists", core_tokens=60)


def test_neurons_have_the_numbers_that_a_study_of_the_model_gives_them(of_model: Study, of_lists: Study) -> None:
    theirs, ours = of_model.neurons(), of_lists.neurons()
    compared = [c for c in ours.columns if c not in OTHERS and not c.startswith(("flag_", "abstraction"))]
    assert len(compared) > 40
    theirs = theirs.filter(pl.col("n") > 0)  # a neuron that is never active has no list
    assert ours["neuron"].to_list() == theirs["neuron"].to_list()
    assert len(ours) > 15
    for name in compared:
        first, second = (np.stack(frame[name].to_list()) for frame in (theirs, ours))
        if first.dtype.kind == "f":  # their vectors are scaled to length 1 once more
            np.testing.assert_allclose(second, first, rtol=1e-4, atol=1e-7, err_msg=name)
        else:
            np.testing.assert_array_equal(second, first, err_msg=name)


def test_the_readout_twin_is_that_of_the_model_and_there_is_enough_of_it(of_model: Study, of_lists: Study) -> None:
    ours, theirs = (study.folder.core_tokens("readout", 0) for study in (of_lists, of_model))
    assert len(ours) == LEAST_READOUTS
    for row in range(len(theirs)):
        n = ours.n[row]
        np.testing.assert_allclose(ours.activation[row, :n], theirs.activation[row, :n], rtol=1e-4)
        np.testing.assert_array_equal(ours.token_id[row, n:], -1)
    lists = of_lists.folder.core_tokens("neurons", 0).n
    assert len(set(lists)) > 1
    assert set(ours.n) == set(lists[lists >= 20])  # as long as lists are
    assert (ours.count == -1).all()


def test_patterns_bars_and_differences_are_those_beside_the_readout_twin(of_lists: Study) -> None:
    summary = of_lists.summary
    assert summary["reference"] == "readout"
    assert "rotated" not in str(summary)
    readout = of_lists.folder.comparison("readout", 0).effects["agreement"].effect_size
    bar = np.quantile(readout[np.isfinite(readout)], 0.95)
    assert summary["bars"]["0"]["ami"] == pytest.approx(bar)
    assert set(of_lists.neurons()["pattern"]) <= {"steps", "gradient", "peak", "mixed", "none", "insufficient"}
    assert of_lists.neurons()["clustered"].null_count() < len(of_lists.neurons())
    row = next(row for row in summary["claims"] if row["number"] == "peak")
    assert row["difference"] == pytest.approx(row["neurons"] - row["readout"])
    assert any("lower bound" in note for note in summary["notes"])


def test_leaving_words_out_drops_them_and_puts_none_in_their_place(of_lists: Study) -> None:
    folder = of_lists.folder
    frame = folder.read(folder.layer_file("jackknife/neurons/core_tokens", 0))
    groups = sorted(frame["group"].unique().to_list())
    notes = folder.manifest["observation"]["0"]
    assert len(notes["share"]) == len(notes["shares"]["readout"]) == len(groups) - 1 > 4
    assert sum(notes["share"]) == pytest.approx(1)
    full = frame.filter(group=-1)
    lost = np.zeros(len(full))
    for group, share in zip(groups[1:], notes["share"], strict=True):
        part = frame.filter(group=group)
        gone = full["n"].to_numpy() - part["n"].to_numpy()
        assert gone.sum() == pytest.approx(share * full["n"].sum())
        lost += gone
        for before, after in zip(full["token_id"].to_list(), part["token_id"].to_list(), strict=True):
            kept = [token for token in after if token >= 0]
            assert kept == [token for token in before if token in set(kept)]
    np.testing.assert_array_equal(lost, full["n"])


def test_numbers_have_intervals_over_layers_too_but_not_the_end_of_the_profile(tmp_path: Path) -> None:
    files = lists_file(tmp_path / "l.csv", {0: tuple(range(20)), 3: (4, 7)}), vectors_file(tmp_path / "v.csv")
    summary = import_table(*files, out=tmp_path / "S").summary
    for row in summary["claims"]:
        if row["number"] in ("ami", "peak", "mrpp_a"):
            assert row["neurons_low"] < row["neurons"] < row["neurons_high"]
            assert row["difference_low"] < row["difference"] < row["difference_high"]
    rows = [row for row in summary["profile"] if row["population"] == "neurons" and row["layer"] == 0]
    assert rows[0]["low"] is not None
    assert rows[-1]["low"] is None
    assert rows[-1]["homogeneity"] is not None


def test_only_neurons_with_a_list_are_shown_and_others_are_told(tmp_path: Path) -> None:
    made = import_table(
        lists_file(tmp_path / "l.csv"), vectors_file(tmp_path / "v.csv"), out=tmp_path / "S", twins=["shuffled"]
    )
    assert made.neurons()["neuron"].to_list() == [2, 5, 9, 4, 7]
    card = made.card("L3N7")
    wanted = lists_frame({0: (2, 5, 9), 3: (4, 7)}).filter(layer=3, neuron=7).sort("activation", descending=True)
    assert [token.token for token in card.tokens] == [token.strip() for token in wanted["token"].to_list()]
    assert [token.activation for token in card.tokens] == pytest.approx(wanted["activation"].to_list())
    assert card.reference == "readout"
    assert card.pattern == "untested"
    with pytest.raises(StudyError, match=r"The lists have no neuron 3 of layer 0; they have 2, 5, 9\."):
        made.card("L0N3")
    with pytest.raises(StudyError, match=r"l.csv has no list of layer 1\."):
        made.card("L1N0")
    assert any("No readout twin was observed" in note for note in made.summary["notes"])


def test_the_same_import_does_nothing_and_another_setting_redoes_what_depends_on_it(tmp_path: Path) -> None:
    files = lists_file(tmp_path / "l.csv", {0: (1, 2)}), vectors_file(tmp_path / "v.csv")
    given: dict[str, Any] = {"out": tmp_path / "S", "twins": ["shuffled"]}
    made = import_table(*files, **given)
    before = {file: file.stat().st_mtime_ns for file in made.path.rglob("*") if file.is_file()}
    import_table(*files, **given)
    assert {file: file.stat().st_mtime_ns for file in made.path.rglob("*") if file.is_file()} == before
    import_table(*files, segments="top:0.2", **given)
    changed = {file.relative_to(made.path).parts[:2] for file, at in before.items() if file.stat().st_mtime_ns != at}
    assert ("neurons", "segments") in changed
    assert ("neurons", "core_tokens") not in changed
    lists_file(files[0], {0: (1, 3)})
    with pytest.raises(StudyError, match=r"is of something else: l.csv \(lists .*; got l.csv \(lists "):
        import_table(*files, **given)


def test_the_frequency_twin_is_dealt_where_lists_have_counts(tmp_path: Path) -> None:
    rows = lists_frame({0: (1,)})
    counts = np.random.default_rng(0).integers(1, 1000, len(rows))
    rows.with_columns(count=pl.Series(counts)).write_csv(tmp_path / "l.csv")
    made = import_table(tmp_path / "l.csv", vectors_file(tmp_path / "v.csv"), out=tmp_path / "S", twins=["frequency"])
    core, dealt = (made.folder.core_tokens(name, 0) for name in ("neurons", "frequency"))
    assert (core.count > 0).all()
    assert sorted(core.token_id[0]) == sorted(dealt.token_id[0])
    assert core.token_id[0].tolist() != dealt.token_id[0].tolist()


def test_words_that_all_point_one_way_are_refused_and_nothing_stays(tmp_path: Path) -> None:
    words = pl.DataFrame({"word": [f"w{i}" for i in range(240)], "x": 1.0, "y": [1.0] * 239 + [2.0]})
    words.write_csv(tmp_path / "v.csv")
    kept = lists_frame({0: (1,)}).filter(~pl.col("token").str.contains("239"))
    kept.write_csv(tmp_path / "l.csv")
    with pytest.raises(DataError, match="The words in the lists all have the same direction"):
        import_table(tmp_path / "l.csv", tmp_path / "v.csv", out=tmp_path / "S")
    assert not (tmp_path / "S").exists()


def test_a_study_of_lists_can_be_opened_exported_and_described(of_lists: Study, tmp_path: Path) -> None:
    opened = open_study(of_lists.path)
    assert StudyFolder.open(of_lists.path).manifest["settings"]["mode"] == "published"
    found = opened.export(tmp_path / "out", tables=["neurons", "tokens"])
    assert found.rows["tokens"] > 0
    text = opened.methods().paragraph
    assert "published lists of core tokens" in text
    assert "No model was run" in text
    assert "lower bound" in text
    assert "rotated" not in text
