"""What a user waits for: import, --help, a neuron of a large study, the first sign of life of a study.

Run: python -m benchmarks.first_minutes STUDY [--neurons 300000] [--rounds 5]

STUDY is a finished study; its layers are repeated under further numbers, as links, until there are so many neurons.
Times are of whole processes, from start to end, or to the first byte; beside them that of the libraries which no
command does without (numpy, polars, rich), imported and nothing else, in alternating rounds. Medians are printed.
Python keeps compiled modules, as it does for a user; the first round, which makes them, does not count.
"""

from __future__ import annotations

import argparse
import os
import pty
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import polars as pl
import tomli_w

from intraneuron.plain import plain

COMMAND = str(Path(sys.executable).parent / "intraneuron")
KEEPING = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
LIMITS = {"import": 0.3, "help": 0.5, "show": 0.5, "first sign of study": 2.0}


def enlarged(study: Path, neurons: int, out: Path) -> str:
    """Make a study of so many neurons by repeating layers; return the name of its last neuron."""
    manifest = tomllib.loads((study / "manifest.toml").read_text(encoding="utf-8"))
    layers, sizes = manifest["settings"]["layers"], manifest["model"]["neurons"]
    times = -(-neurons // sum(sizes[layer] for layer in layers))
    total = len(layers) * times
    for file in study.rglob("layer-*.parquet"):
        own = layers.index(int(file.stem.removeprefix("layer-")))
        for again in range(times):
            copy = out / file.relative_to(study).with_name(f"layer-{own + again * len(layers):02d}.parquet")
            copy.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, copy) if file.stat().st_dev == out.stat().st_dev else shutil.copyfile(file, copy)
    for file in study.glob("*/results.parquet"):
        frame = pl.read_parquet(file)
        place = pl.col("layer").replace_strict(layers, range(len(layers)), return_dtype=pl.Int32)
        parts = [frame.with_columns(layer=place + again * len(layers)) for again in range(times)]
        pl.concat(parts).write_parquet(out / file.relative_to(study), compression="zstd")
    for name in ("vocabulary.parquet", "summary.json"):
        shutil.copyfile(study / name, out / name)
    manifest["settings"]["layers"] = list(range(total))
    manifest["model"] |= {"layers": total, "neurons": [sizes[layer] for layer in layers] * times}
    (out / "manifest.toml").write_text(tomli_w.dumps(plain(manifest)), encoding="utf-8")
    return f"L{total - 1}N{sizes[layers[-1]] - 1}"


def whole(*words: str) -> float:
    """Return the seconds that a process takes."""
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=KEEPING)
    return time.perf_counter() - began


def first_byte(*words: str) -> float:
    """Return the seconds until a process, in a terminal, shows something."""
    terminal, other = pty.openpty()
    began = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=other, env=KEEPING) as started:
        os.read(terminal, 1)
        seconds = time.perf_counter() - began
        started.kill()
    return seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--neurons", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.study.parent) as folder:
        out = Path(folder)
        name = enlarged(arguments.study, arguments.neurons, out)
        seconds: dict[str, list[float]] = {}
        for _ in range(arguments.rounds + 1):
            for what, found in (
                ("libraries", whole(sys.executable, "-c", "import numpy, polars, rich.console, rich.table")),
                ("import", whole(sys.executable, "-c", "import intraneuron")),
                ("help", whole(COMMAND, "--help")),
                ("show", whole(COMMAND, "show", str(out), name)),
                ("first sign of study", first_byte(COMMAND, "study", "docs-lm", "--out", f"{folder}/new")),
            ):
                seconds.setdefault(what, []).append(found)
        neurons = len(pl.read_parquet(out / "neurons" / "results.parquet", columns=["neuron"]))
    print(f"{neurons:,} neurons; medians of {arguments.rounds} rounds after the first, seconds")
    for what, every in seconds.items():
        limit = f"   wanted: under {LIMITS[what]:g}" if what in LIMITS else ""
        print(f"  {what:<20} {statistics.median(every[1:]):.2f}{limit}")


if __name__ == "__main__":
    main()
