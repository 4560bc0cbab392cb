"""What observing costs beside the bare forward pass of the same model on the same windows.

A random model of GPT-2-small's size reads windows of tokens drawn by Zipf's law, one way after the other in one
process, several times:

- bare: the base model as transformers runs it (no head, no cache, SDPA), batches of so many windows;
- observed: all layers, sums of every token and neuron;
- with twin: and the rotated twin;
- with ``--peers``, TransformerLens and nnsight with one sum a token and neuron (``benchmarks/peers.py``), where they
  are installed; batches are those of the bare forward.

Prints medians of the paired ratios. Targets, without the twin: 1.00 in float32 and 0.95 in bfloat16 at 8 windows of
256 tokens, 0.85 in either at 16 of 512. Tables are made and handed out once a pass, whatever its length, so a pass of
few positions costs more of its forward; a study reads hundreds of thousands.

    python -m benchmarks.observation --window 256 --batch 8 --dtype float32
    python -m benchmarks.observation --window 512 --batch 16 --dtype bfloat16
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from benchmarks.peers import Tables, by_lens, by_nnsight
from intraneuron.config import ObserveConfig, RunConfig, Twin
from intraneuron.data import Vocabulary
from intraneuron.models.fused import fuse_activations
from intraneuron.models.loading import LoadedModel, quiet
from intraneuron.models.sites import find_sites
from intraneuron.models.texts import SHARDS, Windows
from intraneuron.pipeline.observe import observe


def random_model(
    width: int, layers: int, window: int, vocabulary: int, dtype: torch.dtype = torch.float32, device: str = "cpu"
) -> tuple[nn.Module, LoadedModel]:
    """Return the body of a GPT-2 with initial weights, as transformers runs it; and the same as a study loads it."""
    torch.manual_seed(0)
    heads = max(1, width // 64)
    config = GPT2Config(
        vocab_size=vocabulary, n_embd=width, n_layer=layers, n_head=heads, n_positions=window,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = GPT2LMHeadModel(config).to(device, dtype).eval().requires_grad_(False)
    body = copy.deepcopy(model.base_model)
    texts = np.array([f"t{i}" for i in range(vocabulary)])
    special = np.arange(vocabulary) == 0
    words = Vocabulary(texts, special, np.zeros(vocabulary, dtype=bool), np.arange(vocabulary, dtype=np.int32))
    fuse_activations(model.base_model, "random")
    sites = find_sites(model.base_model, "random", [layers])
    loaded = LoadedModel(
        "random",
        "gpt2",
        "causal",
        model,
        None,
        words,
        sites,
        "",
        "",
        "",
        "",
        window,
        torch.device(device),
        dtype,
    )
    return body, loaded


def random_windows(model: LoadedModel, positions: int) -> Windows:
    """Return windows of tokens drawn by Zipf's law, BOS first."""
    rng = np.random.default_rng(0)
    shape = (max(SHARDS, positions // model.context), model.context)
    token_id = (rng.zipf(1.2, shape) - 1) % (len(model.vocabulary) - 1) + 1
    token_id[:, 0] = 0
    counted = token_id > 0
    return Windows(token_id.astype(np.int32), counted, (np.arange(shape[0]) % SHARDS).astype(np.int8))


def peers(options: argparse.Namespace) -> dict[str, Callable[[Windows], None]]:
    """Return the peers that are installed, each with a model of the same sizes and its tables."""
    sizes = options.width, options.layers, options.window, options.vocabulary
    found: dict[str, Callable[[Windows], None]] = {}
    for name in ("transformer_lens", "nnsight"):
        if find_spec(name) is None:
            print(f"{name} is not installed")
            continue
        body, loaded = random_model(*sizes, getattr(torch, options.dtype))
        tables = Tables(options.layers, options.vocabulary, 4 * options.width)
        read = by_nnsight(body, tables) if name == "nnsight" else by_lens(_plain(loaded.model, body), tables)
        found[name] = partial(_batches, read, options.batch)
    return found


def _plain(model: Any, body: nn.Module) -> Any:
    """Return the whole model with the body that transformers runs."""
    model.transformer = body
    return model


def _batches(read: Callable[[torch.Tensor], None], batch: int, windows: Windows) -> None:
    with quiet(), torch.inference_mode():
        for start in range(0, len(windows), batch):
            read(torch.from_numpy(windows.token_id[start : start + batch]).long())


def bare(body: nn.Module, windows: Windows, batch: int) -> None:
    """Run the base model over the windows, so many at a time."""
    device = next(body.parameters()).device
    _batches(lambda ids: body(input_ids=ids.to(device), use_cache=False), batch, windows)
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def observed(model: LoadedModel, windows: Windows, memory: float, twins: tuple[Twin, ...] = ()) -> None:
    """Observe all layers and drop them."""
    for _ in observe(model, ObserveConfig(), run=RunConfig(memory=memory), texts=windows, twins=twins):
        pass


def seconds(call: Callable[[], None]) -> tuple[float, float]:
    """Return how long a call takes: by the clock, and in processor time (steadier on a busy machine)."""
    start, start_cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start, time.process_time() - start_cpu


def main() -> None:
    """Parse the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--window", type=int, default=256, help="tokens in a window")
    parser.add_argument("--batch", type=int, default=8, help="windows in a batch of the bare forward pass")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="peers are for the CPU")
    parser.add_argument("--vocabulary", type=int, default=50257)
    parser.add_argument("--positions", type=int, default=131_072)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", type=float, default=8.0, help="GiB; one pass when large")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--peers", action="store_true", help="TransformerLens and nnsight, too")
    options = parser.parse_args()
    if options.peers and options.device != "cpu":
        parser.error("--peers is for --device cpu.")
    if options.threads:
        torch.set_num_threads(options.threads)
    sizes = options.width, options.layers, options.window, options.vocabulary
    body, model = random_model(*sizes, getattr(torch, options.dtype), options.device)
    windows = random_windows(model, options.positions)
    calls: dict[str, Callable[[], None]] = {
        "bare": lambda: bare(body, windows, options.batch),
        "observed": lambda: observed(model, windows, options.memory),
        "with twin": lambda: observed(model, windows, options.memory, ("rotated",)),
    }
    others = peers(options) if options.peers else {}
    calls |= {name: partial(read, windows) for name, read in others.items()}
    few = random_windows(model, 0)
    for read in others.values():
        read(few)
    bare(body, few, options.batch)
    observed(model, few, options.memory, ("rotated",))
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for repeat in range(options.repeats):
        order = list(calls) if repeat % 2 == 0 else list(calls)[::-1]
        for name in order:
            times[name].append(seconds(calls[name]))
    print(f"{vars(options)}, {torch.get_num_threads()} threads, {windows.positions} counted positions")
    for column, clock in enumerate(("clock", "processor")):
        base = np.array(times["bare"])[:, column]
        for name, both in times.items():
            taken = np.array(both)[:, column]
            ratio = taken / base
            print(
                f"{clock:9} {name:16} median {np.median(taken):7.2f} s  least {taken.min():7.2f} s  ratio: median "
                f"{np.median(ratio):.3f} ({ratio.min():.3f} to {ratio.max():.3f}), of least "
                f"{taken.min() / base.min():.3f}"
            )


if __name__ == "__main__":
    main()
