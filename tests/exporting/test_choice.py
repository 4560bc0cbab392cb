from __future__ import annotations

from typing import Any

import pytest
from tests.tiny_models import LAYERS, NEURONS

from intraneuron import api
from intraneuron.config import ExportConfig
from intraneuron.errors import SettingError, StudyError
from intraneuron.exporting.choice import choose, export_config
from intraneuron.store import StudyFolder


def test_without_options_all_neurons_and_all_twins_are_chosen_in_the_order_of_the_study(study: api.Study) -> None:
    found = choose(study.folder, ExportConfig())
    assert found.populations == ("neurons", "shuffled", "rotated", "untrained")
    assert found.neurons == {0: None, 2: None}


def test_options_choose_populations_layers_and_neurons_and_their_order_does_not_matter(study: api.Study) -> None:
    config = export_config({"populations": ["rotated", "neurons"], "layers": [2], "neurons": ["L2N5", "l2n3", "L0N1"]})
    found = choose(study.folder, config)
    assert found.populations == ("neurons", "rotated")
    assert found.neurons == {2: (3, 5)}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"format": "parket"}, "format must be csv, parquet or json, got 'parket'; did you mean parquet?"),
        ({"tables": ["tokns"]}, "tables must be a list of neurons, tokens, categories or segments, got ['tokns']"),
        ({"table": ["tokens"]}, "There is no setting 'table'; did you mean tables?"),
        ({"layers": []}, "layers (--layers) must name at least one, got none; leave it out for all."),
        ({"tables": ()}, "tables (--tables) must name at least one, got none; leave it out for all."),
        ({"neurons": 3}, "neurons must be a list of texts"),
        ({"vectors": "yes"}, "vectors must be true or false, got 'yes'."),
        (
            {"format": "json", "excel_safe": True},
            "excel_safe (--excel-safe) is for csv only, got format json; leave one of them out.",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_in_one_sentence(given: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingError) as caught:
        export_config(given)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        (
            {"populations": ["rotatd"]},
            StudyError,
            "no population 'rotatd'; it has neurons, shuffled, rotated, untrained; did you mean rotated?",
        ),
        ({"layers": [1]}, StudyError, "This study has no layer 1 (it has 0, 2). Run: intraneuron study "),
        ({"layers": [9]}, StudyError, f"has no layer 9: its layers are 0 to {LAYERS - 1}."),
        ({"layers": [-1]}, StudyError, f"has no layer -1: its layers are 0 to {LAYERS - 1}."),
        ({"neurons": ["L1N0"]}, StudyError, "This study has no layer 1 (it has 0, 2)."),
        ({"neurons": ["L0N99"]}, StudyError, f"Layer 0 has neurons 0 to {NEURONS - 1}, got 99."),
        ({"neurons": ["3"]}, SettingError, "A neuron is written like L3N204 (layer 3, neuron 204), got '3'."),
        (
            {"neurons": ["L0N1"], "layers": [2]},
            StudyError,
            "No rows are left to export: layers (--layers) 2 hold none of the neurons (--neurons) L0N1. Choose others",
        ),
    ],
)
def test_what_a_study_does_not_have_is_told(
    study: api.Study, given: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        choose(study.folder, export_config(given))
    assert text in str(caught.value)


def test_a_study_without_its_summary_is_not_finished(study: api.Study) -> None:
    (study.path / "summary.json").unlink()
    with pytest.raises(StudyError, match=r"has no summary.json: it is not finished. Run its study command again."):
        choose(study.folder, ExportConfig())


def test_a_study_with_a_stage_that_is_still_to_do_is_not_finished(study: api.Study) -> None:
    state = study.folder.manifest["stages"]
    state["compare"]["layers"] = [0]
    with pytest.raises(StudyError, match=r"is not finished \(compare to do\). Run its study command again."):
        choose(StudyFolder(study.path, study.folder.manifest), ExportConfig())
