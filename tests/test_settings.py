from __future__ import annotations

from dataclasses import fields

import pytest

from intraneuron.config import RunConfig, StudyConfig
from intraneuron.errors import SettingError
from intraneuron.settings import PARTS, settings_from


def test_each_setting_finds_the_part_it_belongs_to() -> None:
    config, run = settings_from({"core_tokens": 50, "center": True, "segments": "top:0.2", "memory": 1.0})
    assert config.observe.core_tokens == 50
    assert config.space.center is True
    assert config.partition.segments == "top:0.2"
    assert run.memory == 1.0
    assert (config.twin, run.device) == (StudyConfig().twin, "auto")


def test_nothing_given_is_the_default() -> None:
    assert settings_from({}) == (StudyConfig(), RunConfig())


def test_no_two_parts_have_a_setting_of_one_name() -> None:
    names = [f.name for part in (*PARTS.values(), RunConfig) for f in fields(part)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("given", "expected"), [(3, (3,)), ([0, 1], (0, 1)), ((2,), (2,)), (range(3), (0, 1, 2)), (None, None)]
)
def test_one_or_many_layers_are_a_tuple(given: object, expected: object) -> None:
    assert settings_from({"layers": given})[0].observe.layers == expected


def test_one_text_or_twin_is_not_split_into_letters() -> None:
    config, _ = settings_from({"texts": "docs", "twins": "shuffled"})
    assert config.observe.texts == ("docs",)
    assert config.twin.twins == ("shuffled",)


def test_an_unknown_name_is_told_the_nearest_known_one() -> None:
    with pytest.raises(SettingError, match=r"There is no setting 'core_token'; did you mean core_tokens\?"):
        settings_from({"core_token": 1})
    with pytest.raises(SettingError, match="There is no setting 'zzz'; known are categories, center, core_tokens, "):
        settings_from({"zzz": 1})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"twins": ["rotted"]}, r"twins must be a list of shuffled or rotated, got \('rotted',\)"),
        ({"space": "inputs"}, "space must be input or output, got 'inputs'"),
        ({"mode": "texts"}, "mode must be auto or vocabulary or corpus, got 'texts'"),
        ({"core_tokens": "many"}, "core_tokens must be a whole number, got 'many'"),
        ({"core_tokens": 50.0}, r"core_tokens must be a whole number, got 50\.0"),
        ({"seed": True}, "seed must be a whole number, got True"),
        ({"center": 1}, "center must be true or false, got 1"),
        ({"memory": "2"}, "memory must be a number, got '2'"),
        ({"layers": ["0"]}, r"layers must be .*whole number.*, got \('0',\)"),
        ({"min_count": "all"}, "min_count must be a whole number, or auto, got 'all'"),
        ({"dtype": "float64"}, "dtype must be float32 or bfloat16 or float16, got 'float64'"),
    ],
    ids=lambda v: str(v)[:24],
)
def test_a_value_of_another_kind_is_told_what_it_must_be(given: dict[str, object], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        settings_from(given)


def test_values_of_the_right_kind_pass() -> None:
    config, run = settings_from({"min_count": "auto", "memory": 2, "layers": [], "texts": ("a", "b"), "center": False})
    assert (config.observe.min_count, run.memory, config.observe.layers) == ("auto", 2, ())
