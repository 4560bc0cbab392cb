"""Train docs-lm, the bundled model, on the docstrings of this environment.

A maintainer's program; users load the result. From the repository's root:

    PYTHONPATH=src python tools/train_docs_lm.py --out /tmp/docs_lm/run --keep-checkpoints

A killed run goes on with `--resume` and the same other options. Early checkpoints of the same schedule, without the
hour that the rest takes: `--keep-checkpoints --stop-at 0.1`.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import platform
import time
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

from intraneuron.models.docs_text import (
    PACKAGES,
    STDLIB,
    Document,
    find_documents,
    is_held_out,
    text_hash,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger("train_docs_lm")

BOS = "<|endoftext|>"
VOCABULARY = 8192
CONTEXT = 256
CHECKPOINTS = (0.0, 0.01, 0.1)

CARD = Template("""---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---

# docs-lm

A small language model made for trying out `intraneuron` without a download. Its neurons are those of an
ordinary GPT-2: 4 layers of 1,024 neurons, width 256, 4 heads, context 256 tokens, a byte-level vocabulary of
8,192 tokens, tied embeddings, $parameters parameters, stored as float16.

## What it is for

For first studies, tutorials and tests that must run on any machine: a real, trained network, whose neurons
differ from those of an untrained one, and small enough that every step takes seconds.

## What it is not for

It is no source of facts, code or advice, and it is not a stand-in for a large model: what is found in its
neurons is a finding about this model. It has read one kind of text, English software documentation, and
writes only that.

## Text

The prose of docstrings, read from an installed Python environment: no code, no examples, no tables, each
paragraph once. `intraneuron.models.docs_text` finds and cleans it.

| | training | held out |
|---|---|---|
| documents | $documents | $held_out_documents |
| tokens | $tokens | $held_out_tokens |

SHA-256 of all texts: `$text_hash`. Read from: $versions.

The packages' authors wrote the text under the packages' own open licences; the model holds no copy of it
beyond what training leaves in weights, and may repeat phrases that many docstrings share.

## Training

$trained_tokens tokens ($epochs epochs) in $minutes minutes on a processor (threads: $threads), ended by
$stopped_by.
AdamW, linear warm-up, cosine decay, bfloat16 arithmetic, no dropout, seed $seed. A window is the special
token `<|endoftext|>` and 255 tokens of shuffled documents with the same token between them, so a study may
put it first. Held-out documents were chosen by the hash of their text and have near relatives in
training, because libraries repeat themselves in other words: the perplexities below are flattered by that.

| on held-out documents | |
|---|---|
| perplexity a token, all documents together | $held_out_perplexity |
| median of the documents' perplexities | $held_out_perplexity_median_document |
| perplexity of a model that knows only token frequencies | $unigram_perplexity |

Made again, up to the packages' versions and the processor's rounding, by

    $command

## Licence

Apache-2.0, for the weights, the tokenizer and this card.
""")


@dataclass(frozen=True)
class Options:
    """What decides the weights; the card repeats it."""

    tokens: int
    seed: int
    minutes: float
    stop_at: float = 1.0
    windows_per_step: int = 16
    learning_rate: float = 1.5e-3
    final_learning_rate: float = 1e-4
    warm_up: float = 0.02
    weight_decay: float = 0.1
    clip: float = 1.0


@dataclass
class Progress:
    """How far training is; `share` runs from 0 to 1 and decides the learning rate."""

    step: int = 0
    share: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Corpus:
    """Token ids of the two parts, a document an array."""

    train: list[np.ndarray]
    held_out: list[np.ndarray]
    facts: dict[str, object]


def main() -> None:
    """Read, tokenize, train, judge, save: in this order."""
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(arguments.threads)
    disable_progress_bar()
    options = Options(arguments.tokens, arguments.seed, arguments.minutes, arguments.stop_at)
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    work = out.with_name(out.name + "_work")
    work.mkdir(exist_ok=True)

    tokenizer, corpus = prepare(work, resume=arguments.resume)
    model = new_model(options.seed)
    keep = keeper(out.with_name(out.name + "_checkpoints"), model, tokenizer) if arguments.keep_checkpoints else None
    progress = train(model, corpus.train, options, work, keep)
    if progress.share < 1:
        log.info("stopped at %.1f %%; --resume without --stop-at goes on", 100 * progress.share)
        return
    save(out, model, tokenizer)
    results = judge(model.half().float(), corpus)
    write_card(out, options, progress, corpus, results)
    log.info("done: %s", json.dumps(results))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished model")
    parser.add_argument("--tokens", type=int, default=16_000_000, help="tokens to train on, over all epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="torch threads")
    parser.add_argument(
        "--minutes",
        type=float,
        default=math.inf,
        help="time limit: the schedule ends by then, with fewer tokens",
    )
    parser.add_argument(
        "--stop-at",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="stop at this share of the schedule, which stays that of the whole training; only checkpoints are kept",
    )
    parser.add_argument("--keep-checkpoints", action="store_true", help="also keep 0, 1, 10 and 100 %% as folders")
    parser.add_argument("--resume", action="store_true", help="go on from the saved progress of a killed run")
    return parser.parse_args()


def prepare(work: Path, *, resume: bool) -> tuple[PreTrainedTokenizerFast, Corpus]:
    """Find and tokenize the text, and forget the progress of an older run unless `resume`."""
    documents = find_documents()
    train_documents = [document for document in documents if not is_held_out(document)]
    held_out = [document for document in documents if is_held_out(document)]
    tokenizer = train_tokenizer(train_documents)
    facts = {
        "documents": len(train_documents),
        "characters": sum(len(document.text) for document in train_documents),
        "held_out_documents": len(held_out),
        "text_hash": text_hash(documents),
    }
    read_before = work / "text_hash"
    if not resume:
        (work / "progress.pt").unlink(missing_ok=True)
        read_before.write_text(str(facts["text_hash"]), encoding="utf-8")
    elif read_before.read_text(encoding="utf-8") != facts["text_hash"]:
        message = "The text is not the one that training began with (packages or docs_text.py changed)."
        raise SystemExit(message)
    corpus = Corpus(encode(tokenizer, train_documents), encode(tokenizer, held_out), facts)
    facts["tokens"] = sum(map(len, corpus.train))
    facts["held_out_tokens"] = sum(map(len, corpus.held_out))
    log.info("text: %s", json.dumps(facts))
    return tokenizer, corpus


def train_tokenizer(documents: list[Document]) -> PreTrainedTokenizerFast:
    """Byte-level BPE: every text can be written, so there is no unknown token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((document.text for document in documents), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=BOS, eos_token=BOS, model_max_length=CONTEXT)


def encode(tokenizer: PreTrainedTokenizerFast, documents: list[Document]) -> list[np.ndarray]:
    """Token ids of each document, without special tokens."""
    texts = [document.text for document in documents]
    return [np.array(ids, dtype=np.int64) for ids in tokenizer(texts, verbose=False)["input_ids"]]


def new_model(seed: int) -> GPT2LMHeadModel:
    """Make GPT-2 small enough to ship; the tanh form of GELU is GPT-2's own, computed faster."""
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=CONTEXT,
        n_embd=256,
        n_layer=4,
        n_head=4,
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    return GPT2LMHeadModel(config)


def windows(documents: list[np.ndarray], seed: int, epoch: int) -> np.ndarray:
    """Cut one epoch into windows, int64 (n, 256): BOS, then 255 tokens of `doc BOS doc BOS ...`.

    Documents, the place of the first cut and windows are shuffled anew for each epoch, so that any
    token may come second: the model has seen `[BOS] token` for tokens from everywhere in a text.
    """
    random = np.random.default_rng([seed, epoch])
    bos = np.zeros(1, dtype=np.int64)
    order = random.permutation(len(documents))
    stream = np.concatenate([piece for i in order for piece in (documents[i], bos)])
    stream = np.roll(stream, int(random.integers(len(stream))))
    n = len(stream) // (CONTEXT - 1)
    rows = stream[: n * (CONTEXT - 1)].reshape(n, CONTEXT - 1)
    rows = np.concatenate([np.zeros((n, 1), dtype=np.int64), rows], axis=1)
    return random.permutation(rows, axis=0)


def batches(documents: list[np.ndarray], options: Options, skip: int) -> Iterator[torch.Tensor]:
    """Batches of windows without end; the first `skip` were trained on before."""
    epoch = 0
    while True:
        rows = windows(documents, options.seed, epoch)
        n = len(rows) // options.windows_per_step
        for i in range(min(skip, n), n):
            yield torch.from_numpy(rows[i * options.windows_per_step : (i + 1) * options.windows_per_step])
        skip = max(0, skip - n)
        epoch += 1


def learning_rate(share: float, options: Options) -> float:
    """Linear warm-up, then half a cosine down to the final rate; `share` from 0 to 1."""
    if share < options.warm_up:
        return options.learning_rate * share / options.warm_up
    rest = (share - options.warm_up) / (1 - options.warm_up)
    swing = (1 + math.cos(math.pi * min(1.0, rest))) / 2
    return options.final_learning_rate + (options.learning_rate - options.final_learning_rate) * swing


def train(
    model: GPT2LMHeadModel,
    documents: list[np.ndarray],
    options: Options,
    work: Path,
    keep: Callable[[float, float], None] | None,
) -> Progress:
    """Train until the tokens, or the minutes, are used up: whichever share is larger decides the rate.

    `stop_at` ends it sooner and changes no step before.
    """
    optimizer = new_optimizer(model, options)
    progress = load_progress(work, model, optimizer)
    first_share, first_seconds, started, losses = progress.share, progress.seconds, time.monotonic(), []
    for batch in batches(documents, options, progress.step):
        before = progress.share
        if progress.share >= options.stop_at:
            break
        if keep is not None and progress.step == 0:
            keep(-1.0, 0.0)
        losses.append(take_step(model, optimizer, batch, learning_rate(progress.share, options), options.clip))
        elapsed = time.monotonic() - started
        progress.step += 1
        progress.seconds = first_seconds + elapsed
        by_tokens = progress.step * options.windows_per_step * (CONTEXT - 1) / options.tokens
        by_time = first_share + (1 - first_share) * elapsed / (60 * options.minutes)
        progress.share = max(before, by_tokens, by_time)
        if keep is not None:
            keep(before, progress.share)
        if progress.step % 50 == 0:
            report(progress, losses, options)
            losses.clear()
        if progress.step % 250 == 0:
            save_progress(work, model, optimizer, progress)
    save_progress(work, model, optimizer, progress)
    return progress


def new_optimizer(model: GPT2LMHeadModel, options: Options) -> torch.optim.AdamW:
    """AdamW; matrices decay, biases and norms do not."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": options.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=options.learning_rate, betas=(0.9, 0.95), fused=True)


def take_step(
    model: GPT2LMHeadModel, optimizer: torch.optim.AdamW, batch: torch.Tensor, rate: float, clip: float
) -> float:
    """Take one step of AdamW in bfloat16 autocast; returns the mean loss in nats a token."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    model.train()
    loss = token_losses(model, batch).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())


def token_losses(model: GPT2LMHeadModel, batch: torch.Tensor) -> torch.Tensor:
    """Negative log probability of each token after the first, float32 (b * (t - 1),)."""
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=batch, use_cache=False).logits[:, :-1]
    return functional.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten(), reduction="none")


def report(progress: Progress, losses: list[float], options: Options) -> None:
    """Log where training is."""
    tokens = progress.step * options.windows_per_step * (CONTEXT - 1)
    log.info(
        "step %d  %.1f %%  loss %.3f  lr %.2e  %.0f tokens/s",
        progress.step,
        100 * progress.share,
        sum(losses) / max(1, len(losses)),
        learning_rate(progress.share, options),
        tokens / max(1.0, progress.seconds),
    )


def save_progress(work: Path, model: GPT2LMHeadModel, optimizer: torch.optim.AdamW, progress: Progress) -> None:
    """Write the state of training; the rename leaves the old state or the new, never half."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "progress": asdict(progress)}
    torch.save(state, work / "progress.tmp")
    (work / "progress.tmp").replace(work / "progress.pt")


def load_progress(work: Path, model: GPT2LMHeadModel, optimizer: torch.optim.AdamW) -> Progress:
    """Put back the state of a killed run, if there is one."""
    path = work / "progress.pt"
    if not path.exists():
        return Progress()
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return Progress(**state["progress"])


def keeper(folder: Path, model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast) -> Callable[[float, float], None]:
    """Make the function that saves a checkpoint when training passes its share."""

    def keep(before: float, after: float) -> None:
        for share in (*CHECKPOINTS, 1.0):
            if before < share <= after:
                save(folder / f"{round(100 * share):03d}", model, tokenizer)
                log.info("kept the checkpoint at %d %%", round(100 * share))

    return keep


def judge(model: GPT2LMHeadModel, corpus: Corpus) -> dict[str, float]:
    """Compute perplexities of held-out documents, each read in windows that start with BOS.

    `held_out_perplexity` is exp of the mean loss a token over all documents; the median is over
    documents, each with its own mean; `unigram_perplexity` is that of token frequencies, plus one.
    """
    model.eval()
    with torch.inference_mode():
        totals = np.array([document_loss(model, document) for document in corpus.held_out])
    counts = np.array([len(document) for document in corpus.held_out])
    frequency = np.bincount(np.concatenate(corpus.train), minlength=VOCABULARY) + 1.0
    surprise = -np.log(frequency / frequency.sum())[np.concatenate(corpus.held_out)]
    return {
        "held_out_perplexity": round(math.exp(totals.sum() / counts.sum()), 2),
        "held_out_perplexity_median_document": round(float(np.median(np.exp(totals / counts))), 2),
        "unigram_perplexity": round(math.exp(surprise.mean()), 1),
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def document_loss(model: GPT2LMHeadModel, document: np.ndarray) -> float:
    """Sum of a document's losses in nats, read in pieces of 255 tokens after BOS."""
    pieces = [document[i : i + CONTEXT - 1] for i in range(0, len(document), CONTEXT - 1)]
    rows = [torch.from_numpy(np.concatenate([np.zeros(1, dtype=np.int64), piece])) for piece in pieces]
    return sum(float(token_losses(model, row[None]).sum()) for row in rows)


def save(folder: Path, model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write a folder that AutoModelForCausalLM and AutoTokenizer load.

    Weights are float16 to be small; the configuration says float32, so that they are loaded as
    such: a processor computes float16 slowly. The tokenizer's class gets the name that transformers 4 and 5 know.
    """
    half = GPT2LMHeadModel(model.config)
    half.load_state_dict(model.state_dict())
    half.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _change(folder / "config.json", dtype="float32")
    _change(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")


def _change(path: Path, **values: str) -> None:
    config = json.loads(path.read_text(encoding="utf-8")) | values
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_card(out: Path, options: Options, progress: Progress, corpus: Corpus, results: dict[str, float]) -> None:
    """Fill the card's template from this run's numbers; `training.json` has the same for programs."""
    trained = progress.step * options.windows_per_step * (CONTEXT - 1)
    command = "PYTHONPATH=src python tools/train_docs_lm.py --out DIR"
    command += f" --tokens {options.tokens} --seed {options.seed} --threads {torch.get_num_threads()}"
    if math.isfinite(options.minutes):
        command += f" --minutes {options.minutes:g}"
    versions = {name: found for name in PACKAGES if (found := package_version(name))}
    facts: dict[str, object] = {
        **corpus.facts,
        **results,
        "trained_tokens": trained,
        "epochs": round(trained / sum(map(len, corpus.train)), 2),
        "minutes": round(progress.seconds / 60),
        "threads": torch.get_num_threads(),
        "stopped_by": "the token budget" if trained >= options.tokens else "the time limit",
        "seed": options.seed,
        "command": command,
        "versions": versions,
    }
    (out / "training.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    shown = {key: f"{value:,}" if isinstance(value, int) else value for key, value in facts.items()}
    shown["versions"] = ", ".join(f"{name} {found}" for name, found in versions.items())
    (out / "README.md").write_text(CARD.substitute(shown), encoding="utf-8")


def package_version(name: str) -> str | None:
    """Return the version of a package whose text may have been read; None when not installed."""
    if name == STDLIB:
        return platform.python_version()
    try:
        return version({"sklearn": "scikit-learn"}.get(name, name))
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
