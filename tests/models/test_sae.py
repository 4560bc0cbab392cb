from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.tiny_models import WIDTH
from tests.tiny_saes import HOOK, LATENTS, K, by_hand, save_sae, tensors

from intraneuron.errors import ModelError, SettingError
from intraneuron.models.sae import identity_of, keep_largest
from intraneuron.models.sae_files import read_sae, read_saes

X = 2 * torch.randn(3, 7, WIDTH, generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize("architecture", ["relu", "jumprelu", "topk"])
def test_latents_are_those_of_an_encoder_written_by_hand(tmp_path: Path, architecture: str) -> None:
    sae = read_sae(str(save_sae(tmp_path / "sae", architecture)))
    assert (sae.architecture, sae.n_latents, sae.width, sae.hook) == (architecture, LATENTS, WIDTH, HOOK)
    found = sae.latents(sae.entering(X))
    torch.testing.assert_close(found, by_hand(X, tensors(), architecture), rtol=1e-5, atol=1e-5)
    assert 0.02 < (found > 0).float().mean() < 0.5


def test_the_plain_layout_has_its_weight_the_other_way_round_and_k_in_its_config(tmp_path: Path) -> None:
    sae = read_sae(str(save_sae(tmp_path / "sae", plain=True)))
    assert (sae.architecture, sae.k, sae.hook) == ("topk", K, None)
    torch.testing.assert_close(sae.latents(sae.entering(X)), by_hand(X, tensors(), "topk"), rtol=1e-5, atol=1e-5)


def test_a_file_without_a_config_is_relu_or_jumprelu_with_the_decoders_bias_taken_away(tmp_path: Path) -> None:
    for architecture in ("relu", "jumprelu"):
        folder = save_sae(tmp_path / architecture, architecture)
        (folder / "cfg.json").unlink()
        sae = read_sae(str(folder / "sae_weights.safetensors"))
        assert (sae.architecture, sae.hook) == (architecture, None)
        torch.testing.assert_close(sae.latents(sae.entering(X)), by_hand(X, tensors(), architecture))


def test_the_decoders_bias_stays_where_the_config_says_so(tmp_path: Path) -> None:
    sae = read_sae(str(save_sae(tmp_path / "sae", apply_b_dec_to_input=False)))
    weights = tensors()
    torch.testing.assert_close(sae.latents(sae.entering(X)), (X @ weights["W_enc"] + weights["b_enc"]).relu())


@pytest.mark.parametrize(
    ("normalize", "mean", "length"),
    [("layer_norm", 0.0, (WIDTH - 1) ** 0.5), ("constant_norm_rescale", None, WIDTH**0.5)],
)
def test_an_input_is_normalised_before_the_bias_is_taken_away(
    tmp_path: Path, normalize: str, mean: float | None, length: float
) -> None:
    sae = read_sae(str(save_sae(tmp_path / "sae", normalize_activations=normalize)))
    x = sae.entering(X) + tensors()["b_dec"]
    torch.testing.assert_close(x.norm(dim=-1), torch.full(X.shape[:-1], length), rtol=1e-4, atol=1e-4)
    if mean is not None:
        torch.testing.assert_close(x.mean(dim=-1), torch.full(X.shape[:-1], mean), rtol=0, atol=1e-5)


def test_top_k_by_the_decoders_length_is_taken(tmp_path: Path) -> None:
    sae = read_sae(str(save_sae(tmp_path / "sae", "topk", rescale_acts_by_decoder_norm=True)))
    weights = tensors()
    u = ((X - weights["b_dec"]) @ weights["W_enc"] + weights["b_enc"]) * weights["W_dec"].norm(dim=-1)
    torch.testing.assert_close(sae.latents(sae.entering(X)), keep_largest(u, K), rtol=1e-5, atol=1e-5)


def test_older_configs_of_top_k_are_understood(tmp_path: Path) -> None:
    old: dict[str, Any] = {
        "architecture": "standard",
        "activation_fn_str": "topk",
        "activation_fn_kwargs": {"k": 5},
        "k": "left out",
    }
    flat = {"metadata": "left out", "hook_name": "blocks.2.hook_resid_pre"}
    sae = read_sae(str(save_sae(tmp_path / "sae", "topk", **(old | flat))))
    assert (sae.architecture, sae.k, sae.hook) == ("topk", 5, "blocks.2.hook_resid_pre")


def test_half_precision_is_read_as_float32(tmp_path: Path) -> None:
    weights = {name: tensor.to(torch.bfloat16) for name, tensor in tensors().items()}
    sae = read_sae(str(save_sae(tmp_path / "sae", weights=weights)))
    assert sae.weight.dtype == sae.bias.dtype == torch.float32
    assert sae.entering(X.half()).dtype == torch.float32


def test_no_more_than_k_are_kept_and_none_below_zero() -> None:
    kept = keep_largest(torch.tensor([[3.0, -1.0, 2.0, 1.0], [-3.0, -1.0, -2.0, 0.5]]), 2)
    assert kept.tolist() == [[3.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.5]]


def test_the_hash_is_of_weights_and_of_what_is_used_of_the_config(tmp_path: Path) -> None:
    changes: dict[str, dict[str, Any]] = {"a": {}, "same": {"device": "cuda"}, "k": {"k": 7}}
    hashes = {name: read_sae(str(save_sae(tmp_path / name, "topk", **config))).hash for name, config in changes.items()}
    other = read_sae(str(save_sae(tmp_path / "weights", "topk", weights=tensors(seed=1)))).hash
    assert hashes["a"] == hashes["same"]
    assert len({hashes["a"], hashes["k"], other}) == 3


def test_two_saes_are_the_same_in_any_order_and_others_at_another_place(tmp_path: Path) -> None:
    paths = [str(save_sae(tmp_path / name, weights=tensors(seed=seed))) for seed, name in enumerate("ab")]
    hooks = ["blocks.0.hook_resid_pre", "blocks.1.hook_resid_pre"]
    first = identity_of(read_saes(paths, hooks))
    assert identity_of(read_saes(paths[::-1], hooks[::-1])) == first
    assert identity_of(read_saes(paths, hooks[::-1])) != first


def test_a_hook_that_is_given_comes_before_that_of_the_config(tmp_path: Path) -> None:
    [sae] = read_saes([str(save_sae(tmp_path / "sae"))], ["blocks.0.hook_mlp_out"])
    assert sae.hook == "blocks.0.hook_mlp_out"


# Refused -----------------------------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        read_saes([str(path)], None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"architecture": "gated"}, "is of the architecture gated (two biases decide about one latent"),
        (
            {"architecture": "batchtopk"},
            "is of the architecture batchtopk (which latents are active depends on the whole",
        ),
        (
            {"architecture": "temporal"},
            "is of the architecture temporal. Those that can be studied: relu, jumprelu, topk.",
        ),
        ({"activation_fn_str": "tanh-relu"}, "is of the architecture tanh-relu."),
        ({"reshape_activations": "hook_z"}, "is of the architecture reshape_activations."),
        (
            {"normalize_activations": "expected_average_only_in"},
            "normalised by expected_average_only_in, which rests on",
        ),
        ({"transcode": True}, "is a sparse coder of another kind (transcode in its cfg.json)."),
        ({"architecture": "topk", "k": None}, "is a top-k one, whose cfg.json should say k, a whole number from 1 on"),
        ({"architecture": "topk", "k": "6"}, "whole number from 1 on, got '6'."),
        (
            {"architecture": "topk", "k": LATENTS + 1},
            f"latents of width {WIDTH}, k {LATENTS + 1}. Get the files again.",
        ),
        ({"architecture": "jumprelu"}, "lacks threshold, which an SAE of its architecture has."),
        ({"d_sae": LATENTS + 1}, f"cfg.json says {LATENTS + 1} latents of width {WIDTH}."),
        ({"d_in": WIDTH + 1}, f"cfg.json says {LATENTS} latents of width {WIDTH + 1}."),
        ({"metadata": {}}, "Nothing says where the SAE"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_read_right_is_refused(tmp_path: Path, config: dict[str, Any], text: str) -> None:
    assert text in refused(save_sae(tmp_path / "sae", **config))


@pytest.mark.parametrize(("name", "value"), [("W_enc", torch.nan), ("threshold", torch.inf)])
def test_numbers_that_are_none_are_refused(tmp_path: Path, name: str, value: float) -> None:
    weights = tensors()
    weights[name].view(-1)[:2] = value
    folder = save_sae(tmp_path / "sae", "jumprelu", weights=weights)
    assert f"holds 2 numbers in {name} that are NaN or infinite. Get the file again." in refused(folder)


@pytest.mark.parametrize("keep", [4, 60, -50], ids=["no header", "cut in the header", "cut in the tensors"])
def test_a_damaged_file_is_named(tmp_path: Path, keep: int) -> None:
    file = save_sae(tmp_path / "sae") / "sae_weights.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    assert f"The weights {file} are damaged or cut short" in refused(file)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_an_odd_config_is_named(tmp_path: Path, content: str) -> None:
    folder = save_sae(tmp_path / "sae")
    (folder / "cfg.json").write_text(content)
    assert str(folder / "cfg.json") in refused(folder)


def test_a_file_of_something_else_is_told_with_what_is_in_it(tmp_path: Path) -> None:
    save_file({"wte.weight": torch.zeros(2, 2), "b": torch.zeros(1)}, tmp_path / "model.safetensors")
    message = refused(tmp_path / "model.safetensors")
    assert (
        "an encoder as W_enc and b_enc or encoder.weight and encoder.bias, got b, wte.weight. Give an SAE's" in message
    )


def test_shapes_that_do_not_fit_are_told(tmp_path: Path) -> None:
    folder = save_sae(tmp_path / "sae", d_in="left out", d_sae="left out")
    weights = load_file(folder / "sae_weights.safetensors")
    save_file(weights | {"b_enc": torch.zeros(LATENTS - 1)}, folder / "sae_weights.safetensors")
    assert f"have the shapes ({LATENTS}, {WIDTH}), ({LATENTS - 1},), ({WIDTH},); cfg.json says" in refused(folder)


def test_other_files_and_folders_are_refused_with_what_to_give(tmp_path: Path) -> None:
    assert refused(tmp_path / "none") == (
        f"There is no file {tmp_path / 'none'}. Give --sae a safetensors file of an SAE, or its folder."
    )
    (tmp_path / "params.npz").write_bytes(b"PK")
    assert "is no safetensors file, which is the only format that is read." in refused(tmp_path / "params.npz")
    assert "should hold one file of an SAE's weights (.safetensors), got none." in refused(tmp_path)
    for name in ("a", "b"):
        save_file(tensors(), tmp_path / f"{name}.safetensors")
    assert "got a.safetensors, b.safetensors. Name one." in refused(tmp_path)


def test_the_file_that_saelens_puts_beside_the_weights_is_passed_over(tmp_path: Path) -> None:
    folder = save_sae(tmp_path / "sae")
    save_file({"sparsity": torch.zeros(LATENTS)}, folder / "sparsity.safetensors")
    assert read_sae(str(folder)).n_latents == LATENTS
    assert json.loads((folder / "cfg.json").read_text())["d_sae"] == LATENTS


def test_as_many_hooks_as_saes_are_wanted(tmp_path: Path) -> None:
    path = str(save_sae(tmp_path / "sae"))
    with pytest.raises(
        SettingError, match=r"hook \(--hook\) must be given once for each SAE \(--sae\), 2 times, got 1\."
    ):
        read_saes([path, path], ["blocks.0.hook_resid_pre"])
