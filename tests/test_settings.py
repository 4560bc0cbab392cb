from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from intraneuron.config import RunConfig, StudyConfig
from intraneuron.errors import SettingError
from intraneuron.settings import PARTS, expanded, path_from, settings_from


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
    ("given", "expected"),
    [
        *[(3, (3,)), ([0, 1], (0, 1)), ((2,), (2,)), (range(3), (0, 1, 2)), (None, None)],
        *[(np.int64(3), (3,)), (np.array([0, 2]), (0, 2)), ([np.int32(1)], (1,)), (np.array(1), (1,))],
        (torch.tensor([0, 1]), (0, 1)),
    ],
)
def test_one_or_many_layers_are_a_tuple(given: object, expected: object) -> None:
    assert settings_from({"layers": given})[0].observe.layers == expected


def test_one_text_or_twin_is_not_split_into_letters() -> None:
    config, _ = settings_from({"texts": "docs", "twins": "shuffled"})
    assert config.observe.texts == ("docs",)
    assert config.twin.twins == ("shuffled",)


def test_paths_and_numbers_of_numpy_are_taken_as_they_are_meant() -> None:
    config, run = settings_from({"texts": Path("a"), "core_tokens": np.int64(30), "seed": np.uint8(2), "memory": 2})
    assert config.observe.texts == ("a",)
    assert (type(config.observe.core_tokens), config.observe.seed, run.memory) == (int, 2, 2)
    assert settings_from({"texts": [Path("a"), "b"]})[0].observe.texts == ("a", "b")
    assert settings_from({"center": np.True_})[0].space.center is True


@pytest.mark.parametrize("given", [None, "", " ", 5, ["m"], "a\0b"])
def test_what_is_no_path_is_told(given: object) -> None:
    with pytest.raises(SettingError, match=r"out must be a name or a path, got "):
        path_from("out", given)
    assert path_from("out", Path("a")) == "a"


def test_an_unknown_name_is_told_the_nearest_known_one() -> None:
    with pytest.raises(SettingError, match=r"There is no setting 'core_token'; did you mean core_tokens\?"):
        settings_from({"core_token": 1})
    with pytest.raises(SettingError, match="There is no setting 'zzz'; known are categories, center, contexts, "):
        settings_from({"zzz": 1})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"twins": ["rotted"]},
            r"twins must be a list of shuffled, frequency, rotated, untrained or readout, got \['rotted'\]",
        ),
        ({"space": 3}, "space must be text, got 3"),
        ({"mode": "texts"}, "mode must be auto, vocabulary, corpus or published, got 'texts'"),
        ({"core_tokens": "many"}, "core_tokens must be a whole number, got 'many'"),
        ({"core_tokens": 50.0}, r"core_tokens must be a whole number, got 50\.0"),
        ({"seed": True}, "seed must be a whole number, got True"),
        ({"center": 1}, "center must be true or false, got 1"),
        ({"memory": [2]}, r"memory must be a number or text, got \[2\]"),
        ({"layers": 0.5}, r"layers must be .*whole number.*, got 0\.5"),
        ({"layers": object}, r"layers must be .*whole number.*, got <class"),
        ({"texts": b"a"}, r"texts must be a list of texts, e\.g\. \['a\.txt', 'b\.txt'\], got b'a'"),
        ({"texts": 5}, "texts must be a list of texts.*, got 5"),
        ({"layers": ["0"]}, r"layers must be .*whole number.*, got \['0'\]"),
        ({"layers": "0"}, r"^layers must be a list of whole numbers, e\.g\. \[0, 1\], got '0'\.$"),
        ({"min_count": "all"}, "min_count must be a whole number or auto, got 'all'"),
        ({"dtype": "float64"}, "dtype must be float32, bfloat16, float16 or auto, got 'float64'"),
    ],
    ids=lambda v: str(v)[:24],
)
def test_a_value_of_another_kind_is_told_what_it_must_be(given: dict[str, object], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        settings_from(given)


def test_values_of_the_right_kind_pass() -> None:
    config, run = settings_from({"min_count": "auto", "memory": 2, "layers": [], "texts": ("a", "b"), "center": False})
    assert (config.observe.min_count, run.memory, config.observe.layers) == ("auto", 2, ())


def test_a_home_folder_that_there_is_not_stays_as_it_was_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert expanded("~no-such-user-here/m") == Path("~no-such-user-here/m")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/m") == tmp_path / "m"
    assert expanded("./m") == Path("m")
