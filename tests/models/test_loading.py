from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.tiny_models import CONTEXT, LAYERS, NEURONS, byte_level_tokenizer, tiny_bert, tiny_gpt2
from transformers.utils import logging

from intraneuron.errors import ModelError, SettingError
from intraneuron.models.loading import load_model, quiet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_gpt2(tmp_path / "model")


def refused(name: object) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(str(name), device="cpu")
    return str(caught.value)


def test_a_folder_loads_with_its_layers_hashes_and_context(folder: Path) -> None:
    model = load_model(str(folder), device="cpu")
    assert (model.name, model.family, model.kind, model.revision) == (str(folder), "gpt2", "causal", "local")
    assert [site.layer for site in model.sites] == list(range(LAYERS))
    assert {site.n_neurons for site in model.sites} == {NEURONS}
    assert model.weight_hash == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert len(model.tokenizer_hash) == len(model.config_hash) == 64
    assert model.context == CONTEXT
    assert len(model.vocabulary) == len(model.tokenizer) + 2
    assert not model.model.training


def change(file: Path, **changed: object) -> None:
    settings = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps(settings | changed))


def hashes(folder: Path) -> tuple[str, str, str]:
    model = load_model(str(folder), device="cpu")
    return model.weight_hash, model.tokenizer_hash, model.config_hash


@pytest.mark.parametrize(
    ("file", "changed", "other"),
    [
        ("config.json", {"activation_function": "relu"}, "config"),
        ("config.json", {"layer_norm_epsilon": 1e-3}, "config"),
        ("tokenizer_config.json", {"bos_token": None}, "tokenizer"),
        ("tokenizer_config.json", {"do_lower_case": True}, "tokenizer"),
        ("special_tokens_map.json", {"pad_token": "<|endoftext|>"}, "tokenizer"),
        ("added_tokens.json", {"<|endoftext|>": 300}, "tokenizer"),
    ],
)
def test_a_copy_with_other_settings_is_another_model(
    folder: Path, file: str, changed: dict[str, object], other: str
) -> None:
    before = hashes(folder)
    change(folder / file, **changed)
    differs = [a != b for a, b in zip(before, hashes(folder), strict=True)]
    assert differs == [False, other == "tokenizer", other == "config"]


def test_a_copy_that_was_written_elsewhere_by_another_version_is_the_same_model(folder: Path) -> None:
    before = hashes(folder)
    for name in ("config.json", "tokenizer_config.json"):
        file = folder / name
        settings = dict(reversed(json.loads(file.read_text()).items()))
        file.write_text(json.dumps(settings | {"_name_or_path": "/x", "name_or_path": "/y"}, indent=8))
    change(folder / "config.json", transformers_version="4.50.0")
    assert hashes(folder) == before


def test_an_encoder_loads_without_a_head_and_a_causal_model_runs_without_its_own(tmp_path: Path) -> None:
    encoder = load_model(str(tiny_bert(tmp_path / "b")), device="cpu")
    causal = load_model(str(tiny_gpt2(tmp_path / "g")), device="cpu")
    assert encoder.kind == "encoder"
    assert encoder.body is encoder.model
    assert causal.body is causal.model.transformer


def test_a_model_is_checked_when_it_is_loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intraneuron.models.sites.combine", lambda _, preactivations: preactivations[0])
    assert refused(folder).startswith("Layer 0: ")


def test_half_precision_weights_are_converted_to_the_wanted_format(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    half = {name: tensor.half() for name, tensor in weights.items()}
    save_file(half, folder / "model.safetensors", metadata={"format": "pt"})
    for dtype in ("float32", "bfloat16", "float16"):
        model = load_model(str(folder), device="cpu", dtype=dtype)
        assert {p.dtype for p in model.model.parameters()} == {getattr(torch, dtype)} == {model.dtype}
    kept = load_model(str(folder), device="cpu").model.state_dict()["transformer.wpe.weight"]
    assert torch.equal(kept, half["transformer.wpe.weight"].float())


def test_a_folder_without_a_config_is_no_model(folder: Path) -> None:
    (folder / "config.json").unlink()
    assert refused(folder) == (
        f"The model {folder} has no config.json in {folder}. Give a folder made by save_pretrained."
    )


def test_a_config_that_is_no_json_is_named(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    assert f"{folder / 'config.json'} cannot be read as JSON" in refused(folder)


def test_a_folder_without_safetensors_is_refused_even_with_a_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    message = refused(folder)
    assert "has no model.safetensors" in message
    assert "(pickle) are not read; save the model again with save_pretrained" in message


def test_a_folder_without_a_tokenizer_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    assert "has no tokenizer in" in refused(folder)


def test_a_family_that_transformers_does_not_know_is_told(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "gpt17"}))
    assert "has model type `gpt17` but Transformers does not recognize this architecture" in refused(folder)


@pytest.mark.parametrize("content", ["[]", "{}", "null", '{"model_type": null}', '{"model_type": ""}'])
def test_a_config_that_names_no_kind_of_model_is_told(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    path = folder / "config.json"
    expected = f"The model {folder} names no model_type in {path}. Give a folder made by save_pretrained."
    assert refused(folder) == expected


ODD_CONFIGS = [
    ({"model_type": ["gpt2"]}, "cannot be loaded from"),
    ({"n_layer": "four"}, "cannot be loaded from"),
    ({"n_layer": 0}, "has 0 layers, by its config.json. Get the file again."),
    ({"n_positions": 1}, "cannot be loaded from"),
    ({"n_head": 0}, "cannot be loaded from"),
    ({"activation_function": 5}, "cannot be loaded from"),
]


@pytest.mark.parametrize(("changed", "text"), ODD_CONFIGS, ids=lambda v: str(v)[:30])
def test_an_odd_config_is_one_sentence(folder: Path, changed: dict[str, object], text: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changed))
    message = refused(folder)
    assert text in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "sentence_bert_config.json cannot be read as JSON"),
        ("[]", "sentence_bert_config.json should have a whole number as max_seq_length, got []."),
        ('{"max_seq_length": "x"}', "should have a whole number as max_seq_length, got 'x'."),
        ('{"max_seq_length": 2}', "reads 2 tokens at a time, but at least 3 are needed."),
    ],
)
def test_an_odd_window_is_one_sentence(tmp_path: Path, content: str, text: str) -> None:
    folder = tiny_bert(tmp_path / "bert")
    (folder / "sentence_bert_config.json").write_text(content)
    assert text in refused(folder)


def test_what_the_disk_refuses_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *args: object, **options: object) -> str:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert refused(folder) == (
        f"The model {folder} cannot be read ({folder / 'config.json'}): Permission denied. "
        "Check that its files may be read."
    )
    assert "File name too long. Check" in refused("a" * 5000)


@pytest.mark.parametrize("keep", [4, 600, -50], ids=["no header", "cut in the header", "cut in the tensors"])
def test_damaged_weights_are_named(folder: Path, keep: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    assert f"The weights {path} are damaged or cut short" in refused(folder)


def test_weights_that_lack_tensors_are_refused_instead_of_made_up(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    del weights["transformer.h.1.mlp.c_fc.weight"]
    save_file(weights, path, metadata={"format": "pt"})
    assert "lack 1 tensors that its config.json asks for, first transformer.h.1.mlp.c_fc.weight" in refused(folder)


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"n_inner": 40}))
    message = refused(folder)
    assert message.startswith(f"The model {folder} cannot be loaded from {folder}: ")
    assert message.endswith("Do its files belong together?")


def test_a_tokenizer_with_more_tokens_than_the_model_embeds_is_refused(folder: Path) -> None:
    tokenizer = byte_level_tokenizer()
    tokenizer.add_tokens([f"<{i}>" for i in range(10)])
    tokenizer.save_pretrained(folder)
    assert f"has {len(tokenizer)} tokens, but the model embeds only {len(tokenizer) - 8}" in refused(folder)


def test_a_device_that_is_not_there_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingError, match=r"There is no device 'cuda' that torch can use here\. Use --device auto"):
        load_model(str(folder), device="cuda")


def test_transformers_is_silent_while_loading_and_as_before_afterwards(
    folder: Path, capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    level = logging.get_verbosity()
    request.addfinalizer(lambda: logging.set_verbosity(level))
    logging.set_verbosity_info()
    logging.enable_progress_bar()
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    load_model(str(folder), device="cpu")
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
    with quiet():
        assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (logging.ERROR, False)
    with pytest.raises(ZeroDivisionError), quiet():
        raise ZeroDivisionError
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_importing_the_room_does_not_import_transformers() -> None:
    code = "import sys, intraneuron.models.loading; print('transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
