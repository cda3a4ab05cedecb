"""What needs a large GPU: tests, precision, speed, training on CIFAR-10.

    python benchmarks/accelerator.py all [--minutes 9] [--out build/accelerator]
    python benchmarks/accelerator.py tests|precision|speed [--minutes 9] [--out DIR]
    python benchmarks/accelerator.py train --recipe r3gan_cifar10 [--minutes 9] [--out DIR]

Each command ends after about so many minutes, and the same one again goes on where it stopped. DIR
gets small files: a JSON for each step; of a training, samples and curves (PNG), its `metrics.csv`
and G's averaged weights in half precision (npz). `DIR/runs` has the run directories. CIFAR-10 is
read from TFDS_DATA_DIR. `--toy` makes everything small, for a test on a CPU.

    tests        pytest on what may differ on a GPU; TF32 is off
    precision    float32 and mixed_bfloat16, with and without XLA: losses, images a second
    speed        each recipe's images and operations a second, next to those of matrix products
    train        until the time is over, in mixed_bfloat16 with XLA
    all          each of these in a process of its own
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
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
MEASURED = {"r3gan_cifar10": {"batch_size": 64}}  # as on each of the paper's eight GPUs
# A training of minutes sees a hundredth of the images of a published one.
TRAINED = {"r3gan_cifar10": {"width": 192, "burn_in": 1_000_000}, "sngan_cifar10": {}}
TOY_RECIPE, TOY = "mnist_r3gan", {"width": 8, "batch_size": 4}


class Step:
    """A step's place, time and size: the command's options."""

    def __init__(self, options: argparse.Namespace):
        self.out, self.toy, self.recipe = options.out, options.toy, options.recipe
        self._deadline = time.monotonic() + 60 * options.minutes
        self.out.mkdir(parents=True, exist_ok=True)

    @property
    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def of_size(self, recipes: Iterable[str]) -> list[str]:
        return [TOY_RECIPE] if self.toy else list(recipes)

    def measure(self, step: str, names: Iterable[str], function: Callable[[str], dict]) -> int:
        """Adds rows that `DIR/STEP.json` lacks, at least one; returns the exit code."""
        file = self.out / f"{step}.json"
        rows: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
        for index, name in enumerate([name for name in names if name not in rows]):
            try:
                if index and self.seconds_left < 0:
                    raise TimeoutError
                rows[name] = function(name)
            except (TimeoutError, subprocess.TimeoutExpired):
                print(f"{step}: out of time at {name}; the same command goes on", flush=True)
                break
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
        lines = done.stdout.splitlines() or [""]
        failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        took = {"seconds": round(time.monotonic() - began)}
        return {"summary": lines[-1], **took, "error": failed or done.returncode}

    return step.measure("tests", TESTS[: 1 if step.toy else None], run)


class SyncedClock(Clock):
    """A clock that waits for the device."""

    def on_train_batch_end(self, batch, logs=None):
        self.model.running_means.totals.numpy()
        super().on_train_batch_end(batch, logs)


def train_a_little(name: str, toy: bool, **changes) -> tuple[Any, dict[str, Any]]:
    """A recipe's model after some steps on random pixels, and what was measured."""
    import tensorflow as tf

    from keras_gan import recipes
    from keras_gan.experiment import TrainingData

    gc.collect()  # memory of the model before this one
    calls, steps = (3, 1) if toy else (4, 10)
    recipe = recipes.get(name)
    settings = recipe.settings(**{**changes, **(TOY if toy else {})})
    m, k = settings.batch_size, settings.discriminator_steps
    random = np.random.default_rng(0)
    x = 2 * random.random((calls * steps * m * k, *SHAPES[name]), dtype=np.float32) - 1
    y = random.integers(0, 10, len(x))
    data = TrainingData.of(settings, x, y, label_names=tuple("0123456789"))
    with settings.policy():
        gan, arguments = recipe.build(settings, data)
        gan.compile(**arguments, steps_per_execution=steps)
    clock, began = SyncedClock(), time.monotonic()
    labels = None if gan.label_check is None else y
    logs = gan.fit(x, labels, batch_size=m, callbacks=[clock], verbose=0).history
    finite = np.isfinite(list(logs.values())).all()
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    return gan, {
        "batch_size": m,
        "images_per_second": round(m * k / clock.seconds_per_step, 1),
        "seconds_per_step": clock.seconds_per_step,
        "start_seconds": round(time.monotonic() - began - calls * steps * clock.seconds_per_step),
        **{name: logs[name][-1] for name in ("d_loss", "g_loss")},
        # The largest of this process so far.
        "peak_bytes": tf.config.experimental.get_memory_info("GPU:0")["peak"] if on_gpu else None,
        "error": None if finite else "NaN or Inf",
    }


def compare_precisions(step: Step) -> int:
    """Losses and speed in each precision."""

    def run(name: str) -> dict[str, Any]:
        recipe, precision, *xla = name.split()
        how = {"precision": precision, "jit_compile": bool(xla)}
        return train_a_little(recipe, step.toy, **how, **TRAINED.get(recipe, {}))[1]

    names = [
        f"{recipe} {precision}{suffix}"
        for recipe in step.of_size(TRAINED)
        for precision in ("float32", "mixed_bfloat16")
        for suffix in ("", *([] if step.toy else [" XLA"]))
    ]
    return step.measure("precision", names, run)


def measure_speed(step: Step) -> int:
    """Each recipe's speed in mixed_bfloat16 with XLA, next to that of large matrix products."""
    from benchmarks.operations import product_rate, products_per_step

    def run(name: str) -> dict[str, Any]:
        product = product_rate("bfloat16", **({"n": 256, "products": 2} if step.toy else {}))
        how = {"precision": "mixed_bfloat16", "jit_compile": not step.toy}
        gan, row = train_a_little(name, step.toy, **how, **MEASURED.get(name, {}))
        count = products_per_step(gan, row["batch_size"])
        rate = count / row["seconds_per_step"]
        return {
            **row,
            "gflop_per_image": count / (row["batch_size"] * gan.discriminator_steps) / 1e9,
            "tflop_per_second": rate / 1e12,
            "tflop_per_second_of_a_product": product / 1e12,
            "share": rate / product,
        }

    return step.measure("speed", step.of_size(SHAPES), run)


def train(step: Step) -> int:
    """Trains a recipe until the time is over, and keeps what is worth keeping."""
    from keras_gan import recipes
    from keras_gan.core.errors import Interrupted
    from keras_gan.experiment import distribution, training
    from keras_gan.experiment.job import Job, Options
    from keras_gan.experiment.session import Interruption

    recipe = recipes.get(step.recipe)
    settings: dict[str, Any] = {"epochs": 100_000, "likelihood_every": 0}
    if step.toy:
        images = np.random.default_rng(0).integers(0, 256, (80, *SHAPES[step.recipe]), np.uint8)
        np.savez(step.out / "toy.npz", x=images, y=np.arange(80) % 10)
        settings |= {"dataset": str(step.out / "toy.npz"), **TOY}
    else:
        settings |= {"precision": "mixed_bfloat16", "jit_compile": True, **TRAINED[step.recipe]}
    options = Options(run_dir=str(step.out / "runs" / step.recipe), checkpoint_minutes=3.0)
    strategy = distribution.make(options.strategy)
    job, done = Job(recipe, recipe.settings(**settings), options, strategy), threading.Event()

    def stop_in_time() -> None:
        if not done.wait(max(step.seconds_left, 1)):
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop_in_time)
    with Interruption() as asked:
        thread.start()
        try:
            training.train(job, asked)
        except Interrupted as interruption:
            print(interruption, flush=True)
        finally:
            done.set()
            thread.join()
    keep(job, step)
    return 0


def keep(job, step: Step) -> None:
    """Writes samples, curves, metrics and G's averaged weights of a model in training."""
    from keras_gan import conditioning, plotting
    from keras_gan.experiment import metrics_table

    gan, place, condition = job.gan, step.out / step.recipe, None
    if isinstance(gan.condition, conditioning.Classes):
        condition = np.repeat(np.arange(10), 10)
    samples = job.preprocessing.denormalize(gan.generate(100, condition=condition, ema=True))
    plotting.save_image(plotting.grid(np.clip(samples, 0, 1), 10), place.with_suffix(".png"))
    if (table := job.run_dir / "metrics.csv").is_file():
        shutil.copyfile(table, place.with_suffix(".csv"))
        curves = plotting.learning_curves(metrics_table.read(table))
        plotting.save_image(curves, place.with_name(f"{step.recipe}_curves.png"))
    weights = {v.path: v.numpy().astype(np.float16) for v in gan.ema_generator.weights}
    np.savez(place.with_suffix(".npz"), **weights)
    facts = json.dumps({"steps": int(gan.step.numpy()), "images": int(gan.images_seen.numpy())})
    write_atomically(place.with_suffix(".json"), facts + "\n")
    print(step.recipe, facts, flush=True)


def run_all(step: Step) -> int:
    """Every step in a process of its own; measurements leave the most time for training."""
    parts = [[name] for name in MEASUREMENTS]
    parts += [["train", "--recipe", recipe] for recipe in step.of_size(TRAINED)]
    codes = []
    for index, part in enumerate(parts):
        share = 3 if part[0] != "train" else len(parts) - index
        minutes = step.seconds_left / 60 / share - 0.3  # to begin and to end
        if minutes > 0:
            command = [sys.executable, __file__, *part, "--out", str(step.out)]
            command += [*(["--toy"] if step.toy else []), "--minutes", f"{minutes:.2f}"]
            codes.append(subprocess.run(command, check=False).returncode)
    return max(codes, key=abs, default=0)


MEASUREMENTS = {"tests": run_tests, "precision": compare_precisions, "speed": measure_speed}
STEPS = {**MEASUREMENTS, "train": train, "all": run_all}


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
