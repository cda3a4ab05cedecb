"""How many of stacked MNIST's 1,000 modes do runs find?

    python benchmarks/stacked_modes.py RUN [RUN ...] [--weights ema]

The count of Lin et al. 2018 (arXiv:1712.04086): 26,000 samples, each channel named by a classifier
of MNIST's digits, which is right for at least 99 % of the test digits, or the program stops. The
first row is the data themselves.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, it is in no package

from benchmarks.named_as_asked import LEAST, classifier
from keras_gan import Run, data
from keras_gan.evaluation.collapse import stacked_modes

SAMPLES = 26_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--weights", default="ema")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    mnist, unit = data.load("mnist"), data.UnitRange().normalize
    model = classifier(mnist.train, mnist.validation)
    named = model.predict(unit(mnist.test.x), verbose=0).argmax(axis=1)
    accuracy = float(np.mean(named == mnist.test.y))
    if accuracy < LEAST:
        raise SystemExit(f"the classifier is right for {accuracy:.1%} of the test digits only")

    def probabilities(images: np.ndarray) -> np.ndarray:
        return model.predict(images, batch_size=1000, verbose=0)

    print(f"{SAMPLES:,} samples; the classifier is right for {accuracy:.2%} of the test digits")
    rows = [("test stacks", None, unit(data.load("stacked_mnist").test.x[:SAMPLES]))]
    for path in options.runs:
        run = Run.open(path)
        rows.append((path, run.epochs_done, run.samples(SAMPLES, options.seed, options.weights)))
    print(f"{'run':40} {'epochs':>6} {'modes':>6} {'KL':>7}")
    for name, epochs, samples in rows:
        found = stacked_modes(samples, probabilities)
        print(f"{name[-40:]:40} {epochs or '':>6} {found.found:6d} {found.divergence:7.4f}")


if __name__ == "__main__":
    main()
