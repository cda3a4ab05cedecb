"""Where the time of a training step goes: kernel by kernel, from TensorFlow's profiler.

    python benchmarks/step_profile.py [--recipe mnist] [--update alternating] [--rows 15]

Kernels of one type are one row: how many run in a step, their milliseconds and their share of the
step. The profiler records those that take some microseconds; "no kernel" is the time without any of
them: shorter ones, TensorFlow's scheduling, waiting for data. It makes steps of many small kernels
slower, so the time without it is printed too. Random pixels: the speed does not depend on them.
"""

from __future__ import annotations

import argparse
import collections
import functools
import statistics
import tempfile
from pathlib import Path

import tensorflow as tf
from steps import NEWER, SHAPES, model_of_recipe, print_table, random_examples, seconds_per_step
from tensorflow.tsl.profiler.protobuf import xplane_pb2

# They contain the kernels of the functions that they call.
CALLS = {"PartitionedCall", "StatefulPartitionedCall", "While", "If", "StatelessIf"}
PICOSECONDS = 1e-9  # in milliseconds


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", choices=[*SHAPES, *NEWER], default="mnist")
    parser.add_argument("--update", choices=("alternating", "simultaneous"))
    parser.add_argument("--steps", type=int, default=50, help="20, 30, ...")
    parser.add_argument("--rows", type=int, default=15, help="kernels, the longest first")
    options = parser.parse_args(argv)
    if options.steps < 20 or options.steps % 10:
        parser.error(f"--steps must be 20, 30, ... Received: {options.steps}")
    train = training(options.recipe, options.update, options.steps)
    train()  # traced
    alone = statistics.median(train() for _ in range(3))
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            profiled = train()
        spans = kernels(Path(folder))
    show(options, spans, 1e3 * alone, 1e3 * profiled)


def training(recipe: str, update: str | None, steps: int):
    """A function that makes so many steps of a recipe's model and returns seconds per step."""
    gan, arguments, settings = model_of_recipe(recipe, random_examples(recipe, 1))
    arguments |= {"update": update} if update else {}
    gan.compile(**arguments, steps_per_execution=10)
    group = settings.batch_size * settings.discriminator_steps
    x = random_examples(recipe, steps * group)
    return functools.partial(seconds_per_step, gan, x, batch_size=settings.batch_size)


def kernels(folder: Path) -> list[tuple[str, float, float]]:
    """The kernels that ran, but for the data's: type, and milliseconds of its beginning and end."""
    space = xplane_pb2.XSpace()
    (file,) = folder.rglob("*.xplane.pb")
    space.ParseFromString(file.read_bytes())
    spans = []
    for plane in space.planes:
        for line in plane.lines:
            if line.name.startswith("tf_data"):
                continue
            start = line.timestamp_ns * 1e-6
            for event in line.events:
                # "name:type"; "A::b" and names alone are no kernels.
                _, _, kind = plane.event_metadata[event.metadata_id].name.partition(":")
                if kind.isidentifier() and kind not in CALLS:
                    begin = start + event.offset_ps * PICOSECONDS
                    spans.append((kind, begin, begin + event.duration_ps * PICOSECONDS))
    return spans


def covered(spans: list[tuple[str, float, float]]) -> float:
    """Milliseconds in which at least one of them ran."""
    total = reached = 0.0
    for _, begin, end in sorted(spans, key=lambda span: span[1]):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def show(options: argparse.Namespace, spans: list, alone: float, profiled: float) -> None:
    count, milliseconds = collections.Counter(), collections.Counter()
    for kind, begin, end in spans:
        count[kind] += 1
        milliseconds[kind] += (end - begin) / options.steps
    rows = []

    def add(name: str, number: float | None, time: float) -> None:
        of_step = "" if number is None else f"{number / options.steps:.1f}"
        rows.append([name, of_step, f"{time:.3f}", f"{time / profiled:.1%}"])

    longest = milliseconds.most_common(options.rows)
    for kind, time in longest:
        add(kind, count[kind], time)
    rest = milliseconds.total() - sum(time for _, time in longest)
    add("others", count.total() - sum(count[kind] for kind, _ in longest), rest)
    busy = covered(spans) / options.steps
    add("at the same time as others", None, busy - milliseconds.total())
    add("no kernel", None, profiled - busy)
    title = f"{options.recipe}: {alone:.2f} ms a step, {profiled:.2f} with the profiler"
    print_table(title, ["kernel", "a step", "ms", "share"], rows)


if __name__ == "__main__":
    main()
