"""The plan of a study of published lists: settings, layers with gaps, what takes a model is refused with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.published import lists_file, vectors_file

from intraneuron.config import ImportConfig, VectorsConfig
from intraneuron.errors import SettingError, StudyError
from intraneuron.importing import ImportPlan, import_config, import_folder, plan_table
from intraneuron.planning import keys


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("files")
    return lists_file(home / "lists.csv"), vectors_file(home / "vectors.csv")


def planned(files: tuple[Path, Path], words: dict[str, Any] | None = None, **settings: Any) -> ImportPlan:
    found = VectorsConfig(str(files[1]), **(words or {}))
    return plan_table(str(files[0]), found, ImportConfig(**settings), out=files[0].parent / "S", overwrite=False)


def test_layers_and_neurons_are_those_that_have_a_list(files: tuple[Path, Path]) -> None:
    plan = planned(files)
    assert plan.layers == (0, 3)
    assert [plan.n_neurons(layer) for layer in range(5)] == [3, 0, 0, 2, 0]
    assert plan.manifest()["model"] == {"name": "lists.csv", "layers": 4, "neurons": [3, 0, 0, 2]}
    assert plan.manifest()["published"]["first"] == "L0N2"
    assert planned(files, layers=(3,)).manifest()["published"]["first"] == "L3N4"


def test_k_is_no_longer_than_the_longest_list_and_never_under_20(files: tuple[Path, Path]) -> None:
    assert planned(files).config.observe.core_tokens == 40
    assert planned(files, core_tokens=30).config.observe.core_tokens == 30
    assert planned(files, core_tokens=30).core_tokens(0).width == 30


def test_a_layer_without_a_list_is_refused_and_those_with_one_are_named(files: tuple[Path, Path]) -> None:
    with pytest.raises(SettingError, match=r"layers \(--layers\) must be among 0, 3 for lists.csv, got 1"):
        planned(files, layers=(0, 1))


@pytest.mark.parametrize(
    ("twins", "told"),
    [
        (("rotated",), "rotated need a model: there are no weights"),
        (("readout", "untrained", "rotated"), "rotated and untrained need a model"),
        (("frequency",), "frequency needs the count of every token, and lists.csv does not have it"),
    ],
)
def test_twins_that_lists_do_not_bear_are_refused(files: tuple[Path, Path], twins: Any, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        planned(files, twins=twins)


def test_other_lists_vectors_columns_and_settings_have_other_keys(files: tuple[Path, Path], tmp_path: Path) -> None:
    base = planned(files)
    assert keys(planned(files)) == keys(base)
    assert keys(planned(files, segments="top:0.2"))["observe"] == keys(base)["observe"]
    assert keys(planned(files, segments="top:0.2"))["segment"] != keys(base)["segment"]
    others = [
        planned(files, {"standardize": True}),
        planned(files, {"columns": ("d0", "d1", "d2")}),
        planned((lists_file(tmp_path / "lists.csv", tokens=39), files[1])),
        planned(files, seed=1),
    ]
    assert len({keys(plan)["observe"] for plan in (base, *others)}) == 5


def test_settings_are_those_of_an_import_and_no_others() -> None:
    assert import_config({"layers": 3, "twins": "shuffled"}).twins == ("shuffled",)
    with pytest.raises(SettingError, match="There is no setting 'texts'"):
        import_config({"texts": "docs"})
    with pytest.raises(SettingError, match="core_tokens must be a whole number, got '30'"):
        import_config({"core_tokens": "30"})
    with pytest.raises(SettingError, match="must be between 20 and 1000, got 5"):
        planned((Path("none.csv"), Path("none.csv")), core_tokens=5)


def test_a_place_that_will_not_do_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StudyError, match="is a folder with other files in it"):
        plan_table("none.csv", VectorsConfig("none.csv"), ImportConfig(), out=tmp_path, overwrite=False)
    assert import_folder("some/lists.csv").name == "lists-published"
