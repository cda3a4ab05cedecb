"""Resident memory: flat over a long run, independent of the size of streamed data, less in parts.

    python benchmarks/memory.py [--steps 5000] [--gibibytes 4] [--minibatch 1024]

Part one trains the digits and compares the resident memory at step 500 with that at the end (bar:
5 %). Part two writes a synthetic TFDS data set of noise of that size into a temporary folder, and
a small one, and compares the peaks of a streamed epoch of each (bar: 1 GiB more). Part three makes
three steps of `stacked_mnist` on minibatches of that size, whole and in 4 and 16 parts
(`accumulate`), and prints by how much each raises the peak. What is 0 is left out. Reads /proc:
Linux only. Ends with code 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

SIDE = 64  # pixels; noise does not compress, so an image takes 12 KiB on disk


def status(pid: int, key: str) -> int:
    """KiB of an entry of /proc/PID/status."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1])
    return 0


def run(arguments: list[str], at_step: int = 0, steps_per_epoch: int = 1) -> tuple[int, int, int]:
    """KiB resident at a step, at the end and at the peak of a run of the train command."""
    command = [sys.executable, "-m", "keras_gan.train", "--likelihood-every", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    early = late = peak = 0
    table = Path(arguments[arguments.index("--run-dir") + 1], "metrics.csv")
    drain = threading.Thread(target=process.stdout.read)
    drain.start()
    while process.poll() is None:
        try:
            now, peak = status(process.pid, "VmRSS"), max(peak, status(process.pid, "VmHWM"))
        except OSError:
            break
        late = now or late
        if not early and at_step and table.is_file():
            epochs = len(table.read_text().splitlines()) - 1
            early = now if epochs * steps_per_epoch >= at_step else 0
        time.sleep(0.1)
    drain.join()
    if process.wait():
        sys.exit(f"{' '.join(command)} ends with code {process.returncode}")
    return early, late, peak


def write_set(folder: Path, label: str, size: int) -> str:
    """Writes a TFDS data set of noise images of so many bytes; returns its name."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (500, SIDE, SIDE, 3), np.uint8)
    images = [tf.io.encode_png(image).numpy() for image in noise]

    class Noise(tfds.core.GeneratorBasedBuilder):
        """Noise."""

        name = label
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            image = tfds.features.Image(shape=(SIDE, SIDE, 3), encoding_format="png")
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict({"image": image})
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for index in range(size // len(images[0])):
                yield index, {"image": io.BytesIO(images[index % len(images)])}

    Noise(data_dir=folder).download_and_prepare()
    return label


def measure_parts(m: int, parts: int) -> None:
    """By how much three steps raise the peak of this process."""
    from steps import model_of_recipe

    x = np.random.default_rng(0).random((3 * m, 28, 28, 3), np.float32)
    gan, arguments, _ = model_of_recipe("stacked_mnist", x[:20])
    gan.compile(**arguments, accumulate=parts)
    gan.fit(x[:parts], batch_size=parts, verbose=0)  # one row for each part: makes the graph
    before, began = status(os.getpid(), "VmHWM"), time.monotonic()
    gan.fit(x, batch_size=m, verbose=0)
    more = status(os.getpid(), "VmHWM") - before
    print(
        f"minibatches of {m} in {parts} parts: {more / 1024:.0f} MiB more than of {parts}, "
        f"{(time.monotonic() - began) / 3:.1f} s a step"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--gibibytes", type=float, default=4)
    parser.add_argument("--minibatch", type=int, default=1024)
    parser.add_argument("--parts", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    good = True
    if options.parts:
        measure_parts(options.minibatch, options.parts)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.steps:
            epochs = -(-options.steps // 28)
            arguments = ["--recipe", "digits", "--run-dir", str(folder / "digits")]
            arguments += ["--epochs", str(epochs)]
            early, late, _ = run(arguments, at_step=500, steps_per_epoch=28)
            grown = late / early - 1
            good &= grown < 0.05
            print(
                f"digits: {early / 1024:.0f} MiB after 500 steps, {late / 1024:.0f} MiB after "
                f"{epochs * 28}: {grown:+.1%} (bar: 5 %)"
            )
        if options.gibibytes:
            peaks = []
            for label, size in (("small", 0.15), ("large", options.gibibytes)):
                data = write_set(folder, f"noise_{label}", int(size * 2**30))
                arguments = ["--recipe", "own_data", "--dataset", data]
                arguments += ["--data-dir", str(folder), "--stream"]
                arguments += ["--run-dir", str(folder / label), "--epochs", "1"]
                # Noise cannot be learned: at the default rates the losses become NaN after a while.
                for network in ("generator", "discriminator"):
                    arguments += [f"--{network}-learning-rate", "0.001"]
                began = time.monotonic()
                peaks.append(run(arguments)[2])
                print(
                    f"streamed, {size} GiB on disk: peak {peaks[-1] / 1024:.0f} MiB, "
                    f"{time.monotonic() - began:.0f} s",
                    flush=True,
                )
            more = (peaks[1] - peaks[0]) / 2**20
            good &= more < 1
            print(f"the large one takes {more:.2f} GiB more (bar: 1)")
    for parts in (1, 4, 16) if options.minibatch else ():
        command = [sys.executable, __file__, "--minibatch", str(options.minibatch), "--parts"]
        print(subprocess.check_output([*command, str(parts)], text=True), end="", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
