"""Models with something wrong in their files, and models that are only unusual, through the command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.torch import load_file, save_file
from tests.commands.test_cli import User, refused
from tests.fake_hub import fake_hub
from tests.tiny_models import CONTEXT, byte_level_tokenizer, loaded, tiny_bert, tiny_gpt2

from intraneuron.models.texts import pack, vocabulary_windows
from intraneuron.store import StudyFolder

STUDY = ("study", "model", "--device", "cpu", "--out", "done")
EXTRA = 2
"""Rows that the tiny GPT-2 embeds beyond its tokenizer."""


@pytest.fixture
def user(tmp_path: Path) -> User:
    tiny_gpt2(tmp_path / "model")
    return User(tmp_path)


# The Hub -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with fake_hub() as address:
        yield address


def test_a_gated_model_says_where_its_licence_is_and_how_to_log_in(user: User, hub: str) -> None:
    user.environment |= {"HF_ENDPOINT": hub, "HF_HUB_OFFLINE": "0"}
    done = user.run("study", "somebody/gated", "--out", "new")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().splitlines()[-1] == (
        "intraneuron: The model somebody/gated is gated: it is given to those who have accepted its licence. Accept it "
        "at https://huggingface.co/somebody/gated, then log in on this machine: hf auth login"
    )
    assert not (user.home / "new").exists()


# Damaged files ------------------------------------------------------------------------------------------------------


def damage(file: Path, how: str) -> None:
    """Damage a file of weights."""
    raw = bytearray(file.read_bytes())
    if how == "length of the header":
        raw[:8] = (2**40).to_bytes(8, "little")
    elif how == "letters in the header":
        raw[8:40] = b"\xff" * 32
    elif how == "offsets in the header":
        raw = bytearray(re.sub(rb'"data_offsets":\[(\d)', rb'"data_offsets":[9', bytes(raw), count=1))
    elif how == "end":
        raw = raw[:-1]
    else:
        raw = bytearray()
    file.write_bytes(raw)


@pytest.mark.parametrize(
    "how", ["length of the header", "letters in the header", "offsets in the header", "end", "all of it"]
)
def test_damaged_weights_are_named(user: User, how: str) -> None:
    file = user.home / "model" / "model.safetensors"
    damage(file, how)
    refused(user, *STUDY, text="The weights model/model.safetensors are damaged or cut short (")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named_with_their_tensor(user: User, value: float) -> None:
    file = user.home / "model" / "model.safetensors"
    weights = load_file(file)
    weights["transformer.h.2.attn.c_attn.weight"][0, :3] = value
    save_file(weights, file, metadata={"format": "pt"})
    text = "The weights of model are damaged: 3 of the 768 numbers of transformer.h.2.attn.c_attn.weight are NaN or inf"
    refused(user, *STUDY, "--layers", "0", text=text)


TOKENIZERS = {
    "no JSON": ("tokenizer.json", "{"),
    "nothing": ("tokenizer.json", ""),
    "an empty table": ("tokenizer.json", "{}"),
    "a list": ("tokenizer.json", "[]"),
    "of another kind": ("tokenizer.json", '{"version": "1.0", "model": {"type": "Sorcery", "vocab": {}}}'),
    "of another version": (
        "tokenizer.json",
        '{"version": "9.0", "added_tokens": [], "model": {"type": "BPE", "vocab": {}}}',
    ),
    "settings that are no JSON": ("tokenizer_config.json", "{"),
    "settings that are a list": ("tokenizer_config.json", "[]"),
}


@pytest.mark.parametrize(("file", "content"), TOKENIZERS.values(), ids=list(TOKENIZERS))
def test_wrong_files_of_a_tokenizer_are_one_sentence(user: User, file: str, content: str) -> None:
    (user.home / "model" / file).write_text(content)
    done = user.call(*STUDY)
    last = done.stderr.strip().splitlines()[-1]
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert (
        last.startswith("intraneuron: The model model cannot be loaded from model: ")
        or f"model/{file} cannot be" in last
    )
    assert not (user.home / "done").exists()


def test_a_tokenizer_of_more_tokens_than_the_model_embeds_is_refused(user: User) -> None:
    tokenizer = byte_level_tokenizer()
    tokenizer.add_tokens([f"<{i}>" for i in range(10)])
    tokenizer.save_pretrained(user.home / "model")
    text = f"The tokenizer of model has {len(tokenizer)} tokens, but the model embeds only {len(tokenizer) - 8}."
    refused(user, *STUDY, text=text)


# Unusual, and right -------------------------------------------------------------------------------------------------


def test_ids_beyond_the_tokenizer_are_special_through_a_whole_study(user: User) -> None:
    assert user.call(*STUDY).returncode == 0
    words = pl.read_parquet(user.home / "done" / "vocabulary.parquet")
    beyond = words.tail(EXTRA)
    size = len(byte_level_tokenizer())
    assert len(words) == size + EXTRA
    assert (beyond["token"].to_list(), beyond["special"].to_list()) == ([f"[{size}]", f"[{size + 1}]"], [True, True])
    assert beyond["count"].sum() == 0
    folder = StudyFolder.open(user.home / "done")
    for population in ("neurons", "rotated"):
        for layer in range(3):
            assert folder.core_tokens(population, layer).token_id.max() < size - 1  # the last one is <|endoftext|>


def test_a_causal_model_without_a_first_token_begins_with_the_text_itself(user: User) -> None:
    """The token that stands first is an attention sink all the same, and is not counted in texts."""
    settings = user.home / "model" / "tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"bos_token": None}))
    model = loaded(user.home / "model")
    assert model.tokenizer.bos_token_id is None
    alone = vocabulary_windows(model)
    assert alone.token_id.shape == (len(alone), 1)
    assert alone.counted.all()
    windows = pack([f"the cat sat on a mat {i}" for i in range(60)], model)
    end = model.tokenizer.eos_token_id
    assert not (windows.token_id[:, 0] == end).any()
    assert (windows.token_id == end).any()  # between documents
    assert not windows.counted[:, 0].any()
    assert windows.counted[:, 1].any()
    assert windows.token_id.shape[1] <= CONTEXT
    done = user.call(*STUDY)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "output", ["show", "show --json", "methods", "status", "export csv", "export json", "export parquet"]
)
def test_half_characters_are_escapes_in_every_output(half: User, output: str) -> None:
    name, *option = output.split()
    if name == "export":
        assert half.call("export", "done", "--out", f"to-{option[0]}", "--format", option[0]).returncode == 0
        files = sorted((half.home / f"to-{option[0]}").glob("tokens.*"))
        text = (
            str(pl.read_parquet(files[0])["token"].to_list()) if option[0] == "parquet" else files[0].read_text("utf-8")
        )
    else:
        done = half.call(*([name, "done", "L0N1", *option] if name == "show" else [name, "done"]))
        assert done.returncode == 0, done.stderr
        text = done.stdout
    assert "\ufffd" not in text
    assert not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)
    if name in ("show", "export"):
        assert re.search(r"<0x[89A-F][0-9A-F]>", text)


def test_half_characters_are_escapes_in_the_report_and_marked_in_the_vocabulary(half: User) -> None:
    page = (half.home / "done" / "report.html").read_bytes().decode("utf-8")
    assert "\ufffd" not in page
    words = pl.read_parquet(half.home / "done" / "vocabulary.parquet")
    assert words["fragment"].sum() == 128
    assert all(re.fullmatch(r"<0x[89A-F][0-9A-F]>", token) for token in words.filter(fragment=True)["token"])
    core = StudyFolder.open(half.home / "done").core_tokens("neurons", 0)
    assert np.isin(core.token_id, words.filter(fragment=True)["token_id"].to_numpy()).any()


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Return a user with a study of a model most of whose tokens are single bytes."""
    home = tmp_path_factory.mktemp("half")
    tiny_gpt2(home / "model")
    user = User(home)
    assert user.call(*STUDY).returncode == 0
    return user


def test_an_encoders_tokenizer_without_a_separator_is_refused(tmp_path: Path) -> None:
    tiny_bert(tmp_path / "model")
    settings = tmp_path / "model" / "tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"sep_token": None}))
    refused(User(tmp_path), *STUDY, text="The tokenizer of model has no sep_token, which an encoder model reads around")
