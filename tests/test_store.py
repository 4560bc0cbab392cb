from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import polars as pl
import pytest
from tests.made_up import make_batch

from intraneuron.data import Space
from intraneuron.errors import StudyError
from intraneuron.files import atomic, fingerprint
from intraneuron.manifest import versions
from intraneuron.place import LOCK, has_study, put_back
from intraneuron.store import FORMAT, STAGES, StudyFolder
from intraneuron.tables import core_tokens_table


def manifest(**identity: Any) -> dict[str, Any]:
    """Return a manifest as a plan makes it."""
    texts = {"mode": "vocabulary", "texts": "none"}
    return {
        "identity": {"name": "m", "weights": "w1", "tokenizer": "t1", "config": "c1"} | texts | identity,
        "model": {"name": "m", "layers": 2, "neurons": [4, 4]},
        "settings": {
            "layers": [0, 1],
            "mode": "vocabulary",
            "space": {"space": "input", "center": False},
            "partition": {"categories": "ward", "segments": "quantile:5"},
        },
    }


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder.create(tmp_path / "study", manifest(), overwrite=False)


def files(path: Path) -> set[str]:
    return {str(f.relative_to(path)) for f in path.rglob("*") if f.is_file()}


# Atomic writes -------------------------------------------------------------------------------------------------


def test_a_block_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write_half() -> None:
        with atomic(target) as temporary:
            temporary.write_text("half")
            msg = "power cut"
            raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="power cut"):
        write_half()
    assert target.read_text() == "old"
    assert files(tmp_path) == {"a.txt"}


def test_a_block_that_ends_well_replaces_the_file_in_folders_made_for_it(tmp_path: Path) -> None:
    target = tmp_path / "b" / "c" / "a.txt"
    for text in ("one", "two"):
        with atomic(target) as temporary:
            assert temporary.parent == target.parent
            temporary.write_text(text)
        assert target.read_text() == text
    assert files(tmp_path) == {"b/c/a.txt"}


def test_files_have_the_permissions_that_the_user_gives_to_new_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with mock.patch("os.umask", side_effect=AssertionError("other threads make files, too")):
            for _ in range(2):
                with atomic(tmp_path / "a") as temporary:
                    temporary.write_text("")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_table_that_cannot_be_written_leaves_the_old_one(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder.path / "t.parquet"
    folder.write(file, pl.DataFrame({"a": [1]}))

    def fail(self: pl.DataFrame, target: Path, **options: object) -> None:
        Path(target).write_bytes(b"PAR1")
        msg = "disk full"
        raise OSError(msg)

    with monkeypatch.context() as patched:
        patched.setattr(pl.DataFrame, "write_parquet", fail)
        with pytest.raises(StudyError, match=r"Cannot write to .*t\.parquet \(disk full\); give another folder"):
            folder.write(file, pl.DataFrame({"a": [2]}))
    assert folder.read(file)["a"].to_list() == [1]
    assert files(folder.path) == {"manifest.toml", "t.parquet"}


# Manifest and stages -------------------------------------------------------------------------------------------


def test_the_manifest_comes_back_as_it_was_written(folder: StudyFolder) -> None:
    folder.manifest["observation"]["0"] = {"share": [0.1, 0.9], "reliability": float("nan"), "none": None}
    folder.write_manifest()
    found = StudyFolder.open(folder.path).manifest
    assert found["identity"] == manifest()["identity"]
    assert found["format"] == FORMAT
    assert found["observation"]["0"]["share"] == [0.1, 0.9]
    assert np.isnan(found["observation"]["0"]["reliability"])
    assert "none" not in found["observation"]["0"]


def test_layers_that_a_stage_finished_count_for_the_same_settings_only(folder: StudyFolder) -> None:
    folder.finish("observe", "key", {0})
    folder.finish("observe", "key", {2})
    again = StudyFolder.create(folder.path, manifest(), overwrite=False)
    assert again.done("observe", "key") == {0, 2}
    assert again.done("observe", "other") == set()
    assert again.done("segment", "key") == set()
    again.finish("observe", "other", {1})
    assert StudyFolder.open(folder.path).done("observe", "other") == {1}
    assert StudyFolder.open(folder.path).done("observe", "key") == set()


def test_stages_need_only_what_comes_before_them() -> None:
    names = [stage.name for stage in STAGES]
    assert len(set(names)) == len(names)
    for i, stage in enumerate(STAGES):
        assert set(stage.inputs) <= set(names[:i])
        assert bool(stage.inputs) == (i > 0)


def test_a_fingerprint_tells_values_apart_and_not_the_order_of_keys() -> None:
    assert fingerprint({"a": 1, "b": (1, 2)}) == fingerprint({"b": [1, 2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert fingerprint([1, [2]]) != fingerprint([[1], 2])


def test_versions_name_the_packages_that_numbers_depend_on() -> None:
    found = versions()
    assert {"intraneuron", "numpy", "scipy", "numba", "torch", "transformers"} <= set(found)
    assert found["numpy"] == np.__version__


# What is refused -----------------------------------------------------------------------------------------------


def refused(path: Path, text: str, overwrite: bool = False, **identity: Any) -> None:
    before = {f: f.read_bytes() for f in path.rglob("*") if f.is_file()}
    with pytest.raises(StudyError, match=text):
        StudyFolder.create(path, manifest(**identity), overwrite=overwrite)
    assert {f: f.read_bytes() for f in path.rglob("*") if f.is_file()} == before


def test_a_run_that_was_killed_while_it_wrote_its_first_file_left_nothing(tmp_path: Path) -> None:
    (tmp_path / ".manifest.toml.0123abcd.writing").write_text("[ident")
    (tmp_path / LOCK).touch()
    assert not has_study(tmp_path)
    StudyFolder.create(tmp_path, manifest(), overwrite=False)
    assert has_study(tmp_path)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_with_other_files_is_refused_and_kept(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")
    refused(tmp_path, "is a folder with other files in it, not a study; give another folder", overwrite=overwrite)


def test_a_folder_with_a_manifest_of_another_program_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text('[package]\nname = "theirs"\n')
    (tmp_path / "photo.jpg").write_bytes(b"x")
    refused(tmp_path, "not a study", overwrite=True)


def test_a_file_as_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(StudyError, match="a is a file; give a folder that does not exist yet, or a study's"):
        StudyFolder.create(tmp_path / "a", manifest(), overwrite=True)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(StudyError, match=r"Cannot write to .*b \(Not a directory\); give another folder with --out"):
        StudyFolder.create(tmp_path / "a" / "b", manifest(), overwrite=False)


def test_a_damaged_manifest_is_refused_until_overwritten(folder: StudyFolder) -> None:
    for bytes_ in (b"format = 1\nidentity = {", b"\xff\xfe\x00"):
        (folder.path / "manifest.toml").write_bytes(bytes_)
        refused(folder.path, r"manifest\.toml is damaged .*Run the study again with --overwrite")
    StudyFolder.create(folder.path, manifest(), overwrite=True)
    assert StudyFolder.open(folder.path).manifest["identity"]["name"] == "m"


def test_a_damaged_replacement_does_not_displace_the_study_that_waits(folder: StudyFolder) -> None:
    folder.write_json("summary.json", {"finished": True})
    StudyFolder.create(folder.path, manifest(), overwrite=True)
    (folder.path / "manifest.toml").write_bytes(b"format = ")
    StudyFolder.create(folder.path, manifest(), overwrite=True)
    put_back(folder.path)
    assert StudyFolder.open(folder.path).read_json("summary.json") == {"finished": True}


def test_a_manifest_without_its_tables_is_refused(folder: StudyFolder) -> None:
    (folder.path / "manifest.toml").write_text(f"format = {FORMAT}\n")
    refused(folder.path, r"manifest\.toml is damaged")


def test_another_layout_is_refused(folder: StudyFolder) -> None:
    file = folder.path / "manifest.toml"
    file.write_text(file.read_text().replace(f"format = {FORMAT}", "format = 99"))
    text = rf"was written in layout 99, this version reads {FORMAT}\. Run the study again with --overwrite"
    refused(folder.path, text)
    with pytest.raises(StudyError, match=text):
        StudyFolder.open(folder.path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("weights", "w2"), ("tokenizer", "t2"), ("config", "c2"), ("mode", "corpus"), ("texts", "t")],
)
def test_another_model_mode_or_text_is_refused(folder: StudyFolder, key: str, value: str) -> None:
    text = r"is of something else: .*; got .*\. Give another folder with --out, or replace it with --overwrite\."
    refused(folder.path, text, overwrite=False, **{key: value})


def test_a_study_that_does_not_say_its_configuration_is_read_and_not_gone_on_with(folder: StudyFolder) -> None:
    del folder.manifest["identity"]["config"]
    folder.write_manifest()
    assert StudyFolder.open(folder.path).manifest["identity"]["weights"] == "w1"
    refused(folder.path, r"of something else: m \(weights w1, tokenizer t1, config unknown\), .*; got m .*config c1\)")


def test_overwriting_replaces_everything(folder: StudyFolder) -> None:
    folder.finish("observe", "key", {0})
    folder.write(folder.path / "neurons" / "segments" / "layer-07.parquet", pl.DataFrame({"a": [1]}))
    (folder.path / "notes.txt").write_text("mine")
    new = StudyFolder.create(folder.path, manifest(name="n"), overwrite=True)
    assert new.done("observe", "key") == set()
    new.settle()
    assert files(folder.path) == {"manifest.toml", "notes.txt"}


def test_no_study_is_told_with_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=rf"no study in {tmp_path} .*Run: intraneuron study MODEL --out {tmp_path}"):
        StudyFolder.open(tmp_path)


def test_a_missing_table_is_told_with_what_to_run(folder: StudyFolder) -> None:
    with pytest.raises(StudyError, match=r"has no neurons/segments/layer-03\.parquet\. Run its study command again"):
        folder.read(folder.layer_file("neurons/segments", 3))
    with pytest.raises(StudyError, match=r"has no summary\.json: it is not finished"):
        folder.read_json("summary.json")


@pytest.mark.parametrize("keep", [0, 10, 300])
def test_a_damaged_table_is_told(folder: StudyFolder, keep: int) -> None:
    file = folder.layer_file("neurons/core_tokens", 0)
    folder.write(file, core_tokens_table(make_batch(5, 30).core()))
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(StudyError, match=r"layer-00\.parquet is damaged .*Delete it and run the study again"):
        folder.core_tokens("neurons", 0)


def test_a_damaged_summary_is_told(folder: StudyFolder) -> None:
    (folder.path / "summary.json").write_text('{"claims": [')
    with pytest.raises(StudyError, match=r"summary\.json is damaged"):
        folder.read_json("summary.json")


# Round trips ---------------------------------------------------------------------------------------------------


def test_a_space_comes_back_bit_for_bit_and_a_missing_one_names_those_there(folder: StudyFolder) -> None:
    vectors = np.random.default_rng(0).normal(size=(30, 4))
    vectors[3] = 0
    space = Space.from_vectors("input-centered", vectors)
    folder.write_space(space)
    found = folder.read_space("input-centered")
    np.testing.assert_array_equal(found.vector, space.vector)
    assert found.name == "input-centered"
    with pytest.raises(StudyError, match=r"no space 'output' \(it has input-centered\)"):
        folder.read_space("output")


@pytest.mark.parametrize("name", ["a[1]", "a?", "a*", "{a,b}", "layer=1"])
def test_a_folder_whose_name_looks_like_a_pattern_is_read_and_no_other(tmp_path: Path, name: str) -> None:
    for other in ("a1", "ab", "a", "b"):
        (tmp_path / other).mkdir()
        pl.DataFrame({"a": [0]}).write_parquet(tmp_path / other / "t.parquet")
    folder = StudyFolder.create(tmp_path / name, manifest(), overwrite=False)
    folder.write(folder.path / "t.parquet", pl.DataFrame({"a": [1, 2]}))
    assert folder.read(folder.path / "t.parquet").to_dict(as_series=False) == {"a": [1, 2]}
    found = folder.read(folder.path / "t.parquet", lambda rows: rows.filter(pl.col("a") > 1))
    assert found.to_dict(as_series=False) == {"a": [2]}


def test_a_damaged_space_is_told(folder: StudyFolder) -> None:
    folder.write_space(Space.from_vectors("input", np.eye(9)))
    file = folder.path / "spaces" / "input.safetensors"
    file.write_bytes(file.read_bytes()[:30])
    with pytest.raises(StudyError, match=r"input\.safetensors is damaged"):
        folder.read_space("input")


def test_json_is_plain(folder: StudyFolder) -> None:
    folder.write_json("a.json", {"p": float("nan"), "n": np.int64(3), "words": ("é", "\u2028"), "f": np.float32(0.5)})
    assert folder.read_json("a.json") == {"p": None, "n": 3, "words": ["é", "\u2028"], "f": 0.5}


def test_the_manifest_on_disk_is_toml_that_other_programs_read(folder: StudyFolder) -> None:
    found = tomllib.loads((folder.path / "manifest.toml").read_text(encoding="utf-8"))
    assert found["settings"]["partition"]["segments"] == "quantile:5"


def test_the_order_in_which_stages_are_finished_does_not_show_in_the_manifest(tmp_path: Path) -> None:
    written = []
    for number, order in enumerate(
        (("observe", "categorize", "compare", "segment"), ("segment", "observe", "compare"))
    ):
        made = StudyFolder.create(tmp_path / str(number), manifest(), overwrite=False)
        for stage in (*order, "categorize"):
            made.finish(stage, "key", {0})
        written.append((made.path / "manifest.toml").read_bytes())
    assert written[0] == written[1]
