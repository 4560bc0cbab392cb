"""Compile the kernels once, so that the first study does not wait for it: part of ``make install``.

One made-up neuron is tested; what it needs is compiled and kept beside the sources.
"""

from __future__ import annotations

import numpy as np

from intraneuron.api import test


def main() -> None:
    """Test a made-up neuron."""
    rng = np.random.default_rng(0)
    tokens = [f"token {i}" for i in range(40)]
    print("Compiling kernels, once: about a minute.")
    test(tokens, np.sort(rng.gamma(2.0, size=40)), rng.normal(size=(40, 16)))


if __name__ == "__main__":
    main()
