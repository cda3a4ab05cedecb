"""What needs a large GPU: tests, precision, speed, and training on CIFAR-10 within minutes.

    python benchmarks/accelerator.py all [--minutes 9] [--out build/accelerator]
    python benchmarks/accelerator.py tests|precision|speed [--minutes 9] [--out DIR]
    python benchmarks/accelerator.py train --recipe r3gan_cifar10 [--minutes 9] [--out DIR]

Each command ends after about so many minutes, and the same one again goes on where it stopped. DIR
gets small files: a JSON for each step; of a training, samples and curves (PNG), its `metrics.csv`
and G's averaged weights in half precision (npz). `DIR/runs` has the run directories. CIFAR-10 is
read from TFDS_DATA_DIR. `--toy` makes everything small, for a test on a CPU.

    tests        pytest on what may differ on a GPU; TF32 is off
    precision    losses and speed in float32 and mixed_bfloat16, with and without XLA
    speed        images a second; operations a second, and their share of a matrix product's
    train        until the time is over, in mixed_bfloat16 with XLA
    all          each of these in a process of its own
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, it is in no package

from benchmarks.steps import Clock
from keras_gan.core.files import write_atomically

ROOT = Path(__file__).parents[1]
TESTS = (
    *("losses", "regularizers", "combinations", "extension_points", "optimizers", "randomness"),
    *("augmentation", "spectral_norm", "resampling", "conditional_layers", "batch_features"),
    *("r3gan_dcgan", "sngan_biggan", "distances"),
)
SHAPES = {
    "r3gan_cifar10": (32, 32, 3),
    "sngan_cifar10": (32, 32, 3),
    "stacked_mnist": (28, 28, 3),
    "mnist_r3gan": (28, 28, 1),
    "cifar10_conv": (32, 32, 3),
}
PRECISIONS = ("float32", "mixed_bfloat16")
# A training of minutes sees a hundredth of the images of a published one.
TRAINED = {"r3gan_cifar10": {"width": 192, "burn_in": 1_000_000}, "sngan_cifar10": {}}
TOY_RECIPE, TOY = "mnist_r3gan", {"width": 8, "batch_size": 4}


class Step:
    """A step's place, time and size: the command's options."""

    def __init__(self, options: argparse.Namespace):
        self.out, self.toy, self.recipe = options.out, options.toy, options.recipe
        self.deadline = time.monotonic() + 60 * options.minutes
        self.out.mkdir(parents=True, exist_ok=True)

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()

    @property
    def recipes(self) -> Iterable[str]:
        return [TOY_RECIPE] if self.toy else SHAPES

    def measure(self, step: str, names: Iterable[str], function: Callable[[str], dict]) -> int:
        """Adds the rows that `DIR/STEP.json` lacks, while there is time; returns the exit code."""
        file = self.out / f"{step}.json"
        rows: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
        for name in (name for name in names if name not in rows):
            if self.seconds_left < 0:
                print(f"{step}: out of time before {name}; the same command goes on")
                break
            try:
                rows[name] = function(name)
            except Exception as error:  # the others are still to be measured
                rows[name] = {"error": f"{type(error).__name__}: {error}"[:1000]}
            print(step, name, json.dumps(rows[name]), flush=True)
            write_atomically(file, json.dumps(rows, indent=1) + "\n")
        return int(any(row.get("error") for row in rows.values()))


def run_tests(step: Step) -> int:
    """Runs each file of tests in a process of its own."""
    options = ["-k", "equilibrium"] if step.toy else []
    if importlib.util.find_spec("xdist") and not step.toy:
        options += ["--numprocesses", "4"]

    def run(name: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
        began = time.monotonic()
        done = subprocess.run(
            [*command, f"tests/test_{name}.py"],
            cwd=ROOT,
            env={**os.environ, "NVIDIA_TF32_OVERRIDE": "0"},
            stdout=subprocess.PIPE,
            text=True,
            timeout=max(step.seconds_left, 60),
        )
        lines = done.stdout.splitlines()
        failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        seconds = round(time.monotonic() - began)
        error = failed or done.returncode  # 5: no test was selected
        return {"summary": lines[-1] if lines else "", "seconds": seconds, "error": error}

    return step.measure("tests", TESTS[:1] if step.toy else TESTS, run)


class SyncedClock(Clock):
    """A clock that waits for the device."""

    def on_train_batch_end(self, batch, logs=None):
        self.model.running_means.totals.numpy()
        super().on_train_batch_end(batch, logs)


def train_a_little(name: str, precision: str, xla: bool, toy: bool) -> tuple[Any, dict[str, Any]]:
    """A recipe's model after some steps on random pixels, and what was measured."""
    import keras
    import tensorflow as tf

    from keras_gan import recipes
    from keras_gan.experiment import TrainingData

    calls, steps = (3, 1) if toy else (4, 10)
    recipe = recipes.get(name)
    settings = recipe.settings(precision=precision, jit_compile=xla, **(TOY if toy else {}))
    m, k = settings.batch_size, settings.discriminator_steps
    random = np.random.default_rng(0)
    x = 2 * random.random((calls * steps * m * k, *SHAPES[name]), dtype=np.float32) - 1
    y = random.integers(0, 10, len(x))
    data = TrainingData.of(settings, x, y, label_names=tuple("0123456789"))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        gan, arguments = recipe.build(settings, data)
        gan.compile(**arguments, steps_per_execution=steps)
    finally:
        keras.config.set_dtype_policy(before)
    gpu, clock, began = tf.config.list_physical_devices("GPU"), SyncedClock(), time.monotonic()
    if gpu:
        tf.config.experimental.reset_memory_stats("GPU:0")
    labels = None if gan.label_check is None else y
    logs = gan.fit(x, labels, batch_size=m, callbacks=[clock], verbose=0).history
    finite = all(math.isfinite(value) for values in logs.values() for value in values)
    in_use = tf.config.experimental.get_memory_info("GPU:0")["peak"] if gpu else None
    return gan, {
        "batch_size": m,
        "images_per_second": round(m * k / clock.seconds_per_step, 1),
        "seconds_per_step": clock.seconds_per_step,
        "start_seconds": round(time.monotonic() - began - calls * steps * clock.seconds_per_step),
        "d_loss": logs["d_loss"][-1],
        "g_loss": logs["g_loss"][-1],
        "peak_bytes": in_use,
        "error": None if finite else "NaN or Inf",
    }


def compare_precisions(step: Step) -> int:
    """Losses and speed in each precision."""

    def run(name: str) -> dict[str, Any]:
        recipe, precision, *xla = name.split()
        return train_a_little(recipe, precision, bool(xla), step.toy)[1]

    names = [
        f"{recipe} {precision}{suffix}"
        for recipe in step.recipes
        for precision in PRECISIONS
        for suffix in ("", *([] if step.toy else [" XLA"]))
    ]
    return step.measure("precision", names, run)


def measure_speed(step: Step) -> int:
    """Each recipe's speed with XLA, next to that of large matrix products."""
    from benchmarks.operations import product_rate, products_per_step

    rates: dict[str, float] = {}

    def run(name: str) -> dict[str, Any]:
        recipe, precision = name.split()
        if precision not in rates:
            size = {"n": 256, "products": 2} if step.toy else {}
            rates[precision] = product_rate(precision.removeprefix("mixed_"), **size)
        gan, row = train_a_little(recipe, precision, not step.toy, step.toy)
        count = products_per_step(gan, row["batch_size"])
        rate = count / row["seconds_per_step"]
        return {
            **row,
            "gflop_per_image": count / (row["batch_size"] * gan.discriminator_steps) / 1e9,
            "tflop_per_second": rate / 1e12,
            "tflop_per_second_of_a_product": rates[precision] / 1e12,
            "share": rate / rates[precision],
        }

    names = [f"{recipe} {precision}" for recipe in step.recipes for precision in PRECISIONS]
    return step.measure("speed", names, run)


def train(step: Step) -> int:
    """Trains a recipe until the time is over, and keeps what is worth keeping."""
    from keras_gan import recipes
    from keras_gan.core.errors import Interrupted
    from keras_gan.experiment import training
    from keras_gan.experiment.job import Job, Options

    recipe = recipes.get(step.recipe)
    settings: dict[str, Any] = {"epochs": 100_000, "likelihood_every": 0}
    if step.toy:
        images = np.random.default_rng(0).integers(0, 256, (80, *SHAPES[step.recipe]), np.uint8)
        np.savez(step.out / "toy.npz", x=images, y=np.arange(80) % 10)
        settings |= {"dataset": str(step.out / "toy.npz"), **TOY}
    else:
        settings |= {"precision": PRECISIONS[1], "jit_compile": True, **TRAINED[step.recipe]}
    run_dir = str(step.out / "runs" / step.recipe)
    options = Options(run_dir=run_dir, checkpoint_minutes=3.0)
    job, done = Job(recipe, recipe.settings(**settings), options), threading.Event()

    def stop_in_time() -> None:
        wait = step.seconds_left
        while not done.wait(max(wait, 1)):  # again, should training not have begun
            os.kill(os.getpid(), signal.SIGTERM)
            wait = 20

    before = signal.signal(signal.SIGTERM, lambda *_: None)
    thread = threading.Thread(target=stop_in_time)
    thread.start()
    try:
        training.train(job)
    except Interrupted as interruption:
        print(interruption, flush=True)
    finally:
        done.set()
        thread.join()
        signal.signal(signal.SIGTERM, before)
    keep(job, step)
    return 0


def keep(job, step: Step) -> None:
    """Writes samples, curves, metrics and G's averaged weights of a model in training."""
    from keras_gan import conditioning, plotting
    from keras_gan.experiment import metrics_table

    gan, place, condition = job.gan, step.out / step.recipe, None
    if isinstance(gan.condition, conditioning.Classes):
        condition = np.repeat(np.arange(10), 10)
    samples = gan.generate(100, condition=condition, ema=True)
    picture = plotting.grid(np.clip(job.preprocessing.denormalize(samples), 0, 1), 10)
    plotting.save_image(picture, place.with_suffix(".png"))
    if (table := job.run_dir / "metrics.csv").is_file():
        shutil.copyfile(table, place.with_suffix(".csv"))
        curves = plotting.learning_curves(metrics_table.read(table))
        plotting.save_image(curves, place.with_name(f"{step.recipe}_curves.png"))
    weights = {v.path: v.numpy().astype(np.float16) for v in gan.ema_generator.weights}
    np.savez(place.with_suffix(".npz"), **weights)
    facts = {"steps": int(gan.step.numpy()), "images": int(gan.images_seen.numpy())}
    write_atomically(place.with_suffix(".json"), json.dumps(facts) + "\n")
    print(step.recipe, facts, flush=True)


def run_all(step: Step) -> int:
    """Every step in a process of its own; what they leave of the time is for training."""
    trained = [TOY_RECIPE] if step.toy else TRAINED
    parts = [["tests"], ["precision"], ["speed"], *(["train", "--recipe", r] for r in trained)]
    codes = []
    for index, part in enumerate(parts):
        # Measurements get a third of what is left at most, the trainings equal parts.
        share = 3 if part[0] != "train" else len(parts) - index
        minutes = step.seconds_left / 60 / share - 0.3  # to begin and to end
        if minutes > 0:
            command = [sys.executable, __file__, *part, "--out", str(step.out)]
            command += [*(["--toy"] if step.toy else []), "--minutes", f"{minutes:.2f}"]
            codes.append(subprocess.run(command, check=False).returncode)
    return max(codes, key=abs, default=0)


STEPS = {
    "tests": run_tests,
    "precision": compare_precisions,
    "speed": measure_speed,
    "train": train,
    "all": run_all,
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--recipe", choices=[*TRAINED, TOY_RECIPE], default="r3gan_cifar10")
    parser.add_argument("--minutes", type=float, default=9.0, help="time of this call (9)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "accelerator")
    parser.add_argument("--toy", action="store_true", help="everything small, on any device")
    options = parser.parse_args(argv)
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # several processes share it
    return STEPS[options.step](Step(options))


if __name__ == "__main__":
    sys.exit(main())
