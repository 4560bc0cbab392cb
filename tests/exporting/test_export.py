"""A whole export: its files, the order of rows, what it says of itself, and hostile tokens to the last character."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.tiny_models import WIDTH

from intraneuron import api
from intraneuron.config import LongTable
from intraneuron.errors import SettingError, StudyError
from intraneuron.exporting import export as module
from intraneuron.exporting.column import KINDS, Column, typed
from intraneuron.exporting.columns import LONG, vector_columns
from intraneuron.exporting.place import MARK
from intraneuron.last import remember
from intraneuron.store import StudyFolder

POPULATIONS = ["neurons", "shuffled", "rotated", "untrained"]
ALL: dict[str, tuple[Column, ...]] = {
    **{str(name): own for name, own in LONG.items()},
    "vectors": vector_columns(WIDTH),
}
SCHEMA = {table: {one.name: KINDS[one.kind] for one in columns} for table, columns in ALL.items()}
SCHEMA["codebook"] = dict.fromkeys(("table", "name", "type", "unit", "range", "formula", "reference"), pl.String)


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_an_export_is_five_files_and_what_it_says_of_itself(study: api.Study) -> None:
    made = study.export()
    assert made.path == study.path / "export"
    assert made.files == ("neurons.csv", "tokens.csv", "categories.csv", "segments.csv", "codebook.csv")
    assert files(made.path) == {*made.files, MARK}
    said = tomllib.loads((made.path / MARK).read_text(encoding="utf-8"))
    assert said["rows"] == made.rows
    assert said["export"]["populations"] == POPULATIONS
    assert said["export"]["layers"] == [0, 2]
    assert said["study"]["identity"] == study.folder.manifest["identity"]
    for table, rows in made.rows.items():
        assert len(pl.read_csv(made.path / f"{table}.csv")) == rows


@pytest.mark.parametrize("kind", ["parquet", "json"])
def test_other_formats_hold_the_same_numbers_and_a_codebook_of_each_kind(kind: str, study: api.Study) -> None:
    plain = study.export(study.path.parent / "csv", vectors=True)
    other = study.export(study.path.parent / kind, format=kind, vectors=True)
    assert other.rows == plain.rows
    assert files(other.path) == {*(f"{t}.{kind}" for t in (*plain.rows, "codebook")), "codebook.csv", MARK}
    for table in (*plain.rows, "codebook"):
        file = other.path / f"{table}.{kind}"
        read = pl.read_csv(plain.path / f"{table}.csv", schema=SCHEMA[table])
        other_read = pl.read_parquet(file) if kind == "parquet" else pl.read_json(file, schema=SCHEMA[table])
        assert read.equals(other_read), table


def test_rows_stand_by_population_then_layer_then_neuron(study: api.Study) -> None:
    made = study.export()
    for table in LONG:
        frame = pl.read_csv(made.path / f"{table}.csv")
        place = pl.col("population").replace_strict(POPULATIONS, range(len(POPULATIONS)))
        keys = frame.select(place, "layer", "neuron")
        assert keys.equals(keys.sort(keys.columns)), table
        assert frame["population"].unique(maintain_order=True).to_list() == POPULATIONS


def test_pandas_reads_hostile_tokens_of_a_whole_export_back(hostile: api.Study) -> None:
    made = hostile.export()
    token = hostile.folder.vocabulary().token
    found = pd.read_csv(made.path / "tokens.csv", dtype={"token": str}, keep_default_na=False,
                        na_values={"category": "", "segment": ""}, float_precision="round_trip")  # fmt: skip
    assert found["token"].to_list() == [token[i] for i in found["token_id"]]
    core = hostile.folder.core_tokens("neurons", 0)
    own = found[(found["population"] == "neurons") & (found["layer"] == 0)]
    there = np.arange(core.width) < core.n[:, None]
    np.testing.assert_array_equal(own["activation"], core.activation[there])
    np.testing.assert_array_equal(own["token_id"], core.token_id[there])


def test_vectors_are_those_of_the_exported_core_tokens_in_the_space_of_their_population(study: api.Study) -> None:
    made = study.export(vectors=True, format="parquet", neurons=["L0N3", "L2N7"])
    tokens, vectors = (pl.read_parquet(made.path / f"{table}.parquet") for table in ("tokens", "vectors"))
    name = study.summary["space"]
    assert vectors["space"].unique(maintain_order=True).to_list() == [name, f"untrained-{name}"]
    for space in (name, f"untrained-{name}"):
        own = vectors.filter(space=space)
        whose = tokens.filter((pl.col("population") == "untrained") == space.startswith("untrained"))
        assert own["token_id"].to_list() == sorted(set(whose["token_id"]))
        stored = study.folder.read_space(space).vector[own["token_id"].to_numpy()]
        np.testing.assert_array_equal(own.select(pl.selectors.matches(r"^v\d+$")).to_numpy(), stored)


def test_all_vectors_are_those_of_every_token_that_could_be_a_core_token(study: api.Study) -> None:
    made = study.export(all_vectors=True, format="parquet", neurons=["L0N3"], populations=["neurons", "untrained"])
    vectors = pl.read_parquet(made.path / "vectors.parquet")
    vocabulary = pl.read_parquet(study.path / "vocabulary.parquet")
    able = vocabulary.filter(~pl.col("special"), pl.col("count") > 0)
    name = study.summary["space"]
    for space in (name, f"untrained-{name}"):
        own = vectors.filter(space=space)
        assert own.select("token_id", "count").equals(able.select(pl.col("token_id"), "count"))
        stored = study.folder.read_space(space).vector[own["token_id"].to_numpy()]
        np.testing.assert_array_equal(own.select(pl.selectors.matches(r"^v\d+$")).to_numpy(), stored)
    neurons = pl.read_parquet(made.path / "neurons.parquet")
    assert neurons["min_count"].unique().to_list() == [study.folder.manifest["observation"]["0"]["min_count"]]


def test_vectors_do_not_need_the_tokens_beside_them(study: api.Study) -> None:
    made = study.export(vectors=True, tables=["neurons"], populations=["rotated"])
    assert set(made.rows) == {"neurons", "vectors"}
    assert made.rows["vectors"] > 0


def test_options_choose_tables_populations_layers_and_neurons(study: api.Study) -> None:
    has = [np.flatnonzero(study.folder.core_tokens("rotated", layer).n)[-1] for layer in (0, 2)]
    names = [f"L2N{has[1]}", f"L0N{has[0]}"]
    made = study.export(tables=("tokens", "neurons", "tokens"), populations="rotated", neurons=names)
    assert made.files == ("tokens.csv", "neurons.csv", "codebook.csv")
    frame = pl.read_csv(made.path / "tokens.csv")
    assert frame.select("population", "layer", "neuron").unique(maintain_order=True).rows() == [
        ("rotated", 0, has[0]),
        ("rotated", 2, has[1]),
    ]
    assert set(pl.read_csv(made.path / "codebook.csv")["table"]) == {"tokens", "neurons"}


def test_a_twin_that_has_no_row_of_a_neurons_number_leaves_nothing_to_export(study: api.Study) -> None:
    for file in ("results.parquet", "core_tokens/layer-00.parquet"):
        frame = pl.read_parquet(study.path / "rotated" / file)
        frame.filter(pl.col("neuron") < 10).write_parquet(study.path / "rotated" / file)
    with pytest.raises(StudyError, match="No rows are left to export: rotated have no such rows"):
        study.export(tables=["neurons"], populations=["rotated"], neurons=["L0N20"])
    assert not (study.path / "export").exists()


def test_an_export_that_stops_halfway_leaves_the_earlier_one_as_it_was(
    study: api.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = study.export()
    before = {name: (made.path / name).read_bytes() for name in files(made.path)}
    monkeypatch.setattr(module, "_write_codebook", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        study.export(format="json")
    assert {name: (made.path / name).read_bytes() for name in files(made.path)} == before


def test_a_study_that_a_run_changes_meanwhile_is_not_exported_half_old_half_new(
    study: api.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module._write_tables

    def change(folder: StudyFolder, *rest: Any) -> dict[str, int]:
        other = StudyFolder.open(folder.path)
        other.forget("compare", other.manifest["stages"]["compare"]["key"], {2})
        other.write_manifest()
        return real(folder, *rest)

    monkeypatch.setattr(module, "_write_tables", change)
    with pytest.raises(StudyError, match=r"was changed while it was exported. Run the same command again."):
        study.export()
    assert not (study.path / "export").exists()


def test_a_damaged_table_is_named_and_nothing_is_written(study: api.Study) -> None:
    (study.path / "rotated" / "segments" / "layer-02.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(
        StudyError, match=r"rotated/segments/layer-02.parquet is damaged .* Delete it and run the study"
    ):
        study.export()
    assert not (study.path / "export").exists()


def test_a_disk_that_refuses_is_told_in_one_sentence(study: api.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write_codebook", full)
    with pytest.raises(StudyError, match=r"Cannot write to .*export \(No space left on device\); give another folder"):
        study.export()


def test_the_tables_of_a_layer_are_all_that_is_held_at_a_time(
    study: api.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []

    def note(frame: pl.DataFrame, columns: Any) -> pl.DataFrame:
        held.append(len(frame.select("population", "layer").unique()))
        return typed(frame, columns)

    monkeypatch.setattr(module, "typed", note)
    study.export()
    assert held == [1] * len(LONG) * len(POPULATIONS) * 2


def test_an_export_can_be_asked_of_a_folder_a_study_or_the_last_one(
    study: api.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    table: list[LongTable] = ["neurons"]
    assert api.export(study, tables=table).rows == api.export(str(study.path), tables=table).rows
    with pytest.raises(StudyError, match="No study has been made yet"):
        api.export()
    remember(study.path)
    assert api.export(out=tmp_path / "last", tables=table).path == tmp_path / "last"
    with pytest.raises(SettingError, match=r"out must be a name or a path, got ''"):
        api.export(study, out="")


def test_the_codebook_is_readable_by_anything_that_reads_json(study: api.Study) -> None:
    made = study.export(format="json", tables=["segments"])
    found = json.loads((made.path / "codebook.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in found] == [one.name for one in LONG["segments"]]
    assert set(found[0]) == {"table", "name", "type", "unit", "range", "formula", "reference"}
