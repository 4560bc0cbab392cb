"""Compile the kernels once, so that the first study does not wait for it: part of ``make install``.

Made-up neurons are tested, with zones of the usual size and with tiny ones, and some are planted; what all that needs
is compiled and kept beside the sources.
"""

from __future__ import annotations

import numpy as np

from intraneuron.neuron_card import test
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.shuffle import shuffle
from intraneuron.pipeline.simulate import simulate


def main() -> None:
    """Test some made-up neurons."""
    rng = np.random.default_rng(0)
    print("Compiling kernels, once: about a minute.")
    for size, segments in ((100, "quantile:5"), (100, "top:0.02"), (24, "quantile:2")):
        tokens = [f"token {i}" for i in range(size)]
        test(tokens, np.sort(rng.gamma(2.0, size=size)), rng.normal(size=(size, 16)), segments=segments)
    made = simulate(3)
    analyse(made.core, made.space, dealt=[shuffle(made.core)])


if __name__ == "__main__":
    main()
