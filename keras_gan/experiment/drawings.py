"""Pictures of a trained model, and those that every finished run has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from keras_gan import plotting
from keras_gan.callbacks import SampleGrid
from keras_gan.conditioning import Classes, Condition
from keras_gan.core.randomness import row_seeds
from keras_gan.data.preprocessing import Preprocessing
from keras_gan.training import sampling

if TYPE_CHECKING:
    from keras_gan.experiment.job import Job
    from keras_gan.experiment.run import Run
    from keras_gan.experiment.session import Interruption

_BATCH = 64  # images generated at a time, as in training
_EPOCHS = 120  # of the animation of all epochs, at most
_LOOPS, _COLUMNS = 12, 6  # of the interpolation: each is a picture that changes
_CORNERS, _STEPS, _FRAME = 4, 16, 60  # latents of a loop, frames from one to the next, milliseconds
_AT_ONCE = _BATCH // _LOOPS  # frames
_NEIGHBORS = 12
_MOST_BYTES = 2 << 30  # of training pictures that are searched for neighbors


def images_of(
    generator: keras.Model,
    latents: np.ndarray,
    preprocessing: Preprocessing,
    condition: Condition | None = None,
    *,
    lines: int = 1,
) -> np.ndarray:
    """G's images of latents, float32 `[n, h, w, c]` in [0, 1].

    Args:
        generator: The network.
        latents: float32 `[n, d]`, walks of one length, one after the other.
        preprocessing: Of the data that it learned from.
        condition: Its condition, or None.
        lines: Number of walks. Noise inside G and the condition are the same all along one.
    """
    seeds = np.repeat(row_seeds(0, lines), len(latents) // lines)
    tensors = sampling.draw(condition, tf.constant(seeds))
    if isinstance(condition, Classes):
        classes = np.repeat(np.arange(lines) % condition.count, len(latents) // lines)
        tensors = condition.checked(classes, len(latents))
    outputs = []
    for start in range(0, len(latents), _BATCH):
        rows = slice(start, start + _BATCH)
        given = {name: tf.constant(tensor[rows]) for name, tensor in tensors.items()}
        z = tf.constant(latents[rows])
        outputs.append(sampling.transform(generator, z, tf.constant(seeds[rows]), given).numpy())
    return preprocessing.denormalize(np.concatenate(outputs))


def with_nearest(samples: np.ndarray, train: np.ndarray, scale: Preprocessing) -> np.ndarray:
    """Samples and then the nearest training example of each, float32 `[2 n, h, w, c]` in [0, 1].

    Args:
        samples: Float32 `[n, h, w, c]` in [0, 1].
        train: The training examples, as the data set has them.
        scale: Their preprocessing.
    """
    nearest = plotting.nearest_examples(samples, train, scale.unit)
    return np.concatenate([samples, scale.unit(train[nearest])])


def draw_finished(job: Job, run: Run, asked: Interruption) -> None:
    """Draws what a finished run has, unless a signal asks for an end."""
    of_images = [_draw_interpolation, _draw_neighbors] if job.data_set.is_image else []
    for draw in (_draw_epochs, *of_images):
        if asked.signal is None:
            draw(job, run)


def _draw_epochs(job: Job, run: Run) -> None:
    frames = SampleGrid.files(run.path / "samples")
    if frames:
        shown = sorted({round(i) for i in np.linspace(0, len(frames) - 1, _EPOCHS)})
        plotting.animate([frames[i] for i in shown], run.path / "samples.gif")
        print(f"samples: {frames[-1]}, all epochs: {run.path / 'samples.gif'}")


def _draw_interpolation(job: Job, run: Run) -> None:
    gan, file = job.gan, run.path / "interpolation.webp"
    corners = gan.prior.sample(_LOOPS * _CORNERS, seed=1).numpy().reshape(_LOOPS, _CORNERS, -1)
    loops = np.stack([plotting.loop(of_one, _STEPS) for of_one in corners], axis=1)
    generator = gan.generator if gan.ema_generator is None else gan.ema_generator

    def images(latents: np.ndarray) -> np.ndarray:
        z = gan.prior.project(tf.constant(latents.swapaxes(0, 1).reshape(-1, latents.shape[2])))
        made = images_of(generator, z.numpy(), job.preprocessing, gan.condition, lines=_LOOPS)
        return made.reshape(_LOOPS, -1, *made.shape[1:]).swapaxes(0, 1)

    # As many at a time as G makes at once: all images may be gigabytes.
    few = [loops[i : i + _AT_ONCE] for i in range(0, len(loops), _AT_ONCE)]
    frames = (plotting.grid(frame, _COLUMNS) for some in map(images, few) for frame in some)
    plotting.animate(frames, file, frame=_FRAME, last=_FRAME)
    print(f"walks between samples: {file}")


def _draw_neighbors(job: Job, run: Run) -> None:
    gan, file = job.gan, run.path / "neighbors.png"
    train = job.training_set.train.x[: job.size // job.passes]
    samples = gan.generate(_NEIGHBORS, seed=2, ema=gan.ema_generator is not None)
    samples = job.preprocessing.denormalize(samples)
    searched = train[: max(1, _MOST_BYTES // train[0].nbytes)]
    rows = with_nearest(samples, searched, job.preprocessing)
    picture = plotting.grid(rows, _NEIGHBORS)
    total = "" if len(searched) == len(train) else f" of {len(train):,}"
    below = f"below each: the nearest of {len(searched):,}{total} training pictures"
    plotting.save_image(plotting.captioned(picture, "samples", right=below), file)
    print(f"samples and their nearest training pictures: {file}")
