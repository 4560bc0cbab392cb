"""Settings from a TOML file: what a manifest holds, names that there are not, values that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from intraneuron.config_file import read_config_file, settings_of
from intraneuron.errors import SettingError

WHOLE = """
model = "minilm"
out = "somewhere"
[settings.observe]
layers = [0, 1]
core_tokens = 50
cross_fit = true
[settings.partition]
segments = "top:0.1"
[settings.twin]
twins = ["rotated"]
[run]
dtype = "bfloat16"
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_gives_model_folder_and_settings_by_name(tmp_path: Path) -> None:
    found = read_config_file(written(tmp_path, WHOLE))
    assert (found.model, found.out) == ("minilm", "somewhere")
    assert found.settings == {
        **{"layers": [0, 1], "core_tokens": 50, "cross_fit": True, "segments": "top:0.1"},
        **{"twins": ["rotated"], "dtype": "bfloat16"},
    }


def test_settings_may_stand_in_their_part_or_directly_and_space_is_both(tmp_path: Path) -> None:
    direct = read_config_file(written(tmp_path, '[settings]\nsegments = "top:0.1"\nspace = "output"\nseed = 4\n'))
    parts = (
        '[settings.partition]\nsegments = "top:0.1"\n[settings.space]\nspace = "output"\n[settings.observe]\nseed = 4\n'
    )
    assert direct.settings == read_config_file(written(tmp_path, parts)).settings
    assert direct.settings == {"segments": "top:0.1", "space": "output", "seed": 4}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[model]\nnmae = "minilm"', "There is no setting 'nmae'; did you mean name?"),
        ('[model]\nrevision = "x"', "[model] must say the model's name (name = ...)."),
        (
            "[settings]\ncore_tokens = 50\n[settings.observe]\ncore_tokens = 60",
            "core_tokens is given twice, as 50 and, in [settings.observe], as 60; leave one out.",
        ),
    ],
)
def test_what_would_silently_study_something_else_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_config_file(written(tmp_path, text))
    assert said in str(caught.value)


def test_a_setting_given_twice_alike_and_what_a_manifest_has_twice_are_taken(tmp_path: Path) -> None:
    text = '[settings]\nseed = 3\nmode = "corpus"\n[settings.observe]\nseed = 3\nmode = "auto"\ntexts = ["docs"]'
    assert read_config_file(written(tmp_path, text)).settings == {"seed": 3, "mode": "auto", "texts": ["docs"]}


def test_a_folder_is_no_file_of_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"is a folder\. Give --config a TOML file"):
        read_config_file(tmp_path)


def test_records_of_a_manifest_are_passed_over() -> None:
    manifest = {
        "format": 1,
        "identity": {"x": 1},
        "model": {"name": "m", "layers": 2},
        "settings": {"mode": "vocabulary"},
    }
    assert settings_of(manifest) == {"mode": "vocabulary"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('modle = "a"', "There is no setting 'modle'; did you mean model?"),
        ('[settings]\nsegmnts = "top:0.1"', "There is no setting 'segmnts'; did you mean segments?"),
        ("[settings.observe]\ncore_token = 5", "There is no setting 'core_token'; did you mean core_tokens?"),
        ("[settings.partition]\nseed = 5", "There is no setting 'seed'; known are categories, full_range, segments."),
        ('[settings.observe]\ncore_tokens = "many"', "core_tokens must be a whole number, got 'many'."),
        ('[run]\ndtype = "int8"', "dtype must be float32, bfloat16, float16 or auto, got 'int8'."),
        ("[run]\nlayers = [0]", "There is no setting 'layers'; known are device, dtype, keep, memory."),
        ("settings = 5", "settings must be a table ([settings]), got 5."),
        ("model = 5", "model must be text, got 5."),
    ],
)
def test_what_cannot_be_is_told_with_the_file(tmp_path: Path, text: str, told: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(SettingError) as refused:
        read_config_file(file)
    assert str(refused.value) == f"In {file}: {told}"


def test_what_is_no_toml_or_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"study\.toml is no TOML \(.*\)\. Write it like a study's manifest\.toml\."):
        read_config_file(written(tmp_path, "a = = 5"))
    with pytest.raises(SettingError, match=r"There is no file .*absent\.toml\. Give --config a TOML file"):
        read_config_file(tmp_path / "absent.toml")
