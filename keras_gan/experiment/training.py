"""`train`: from a job to a run directory, through as many sessions as it takes."""

from __future__ import annotations

import dataclasses
import functools
import sys
import time
from pathlib import Path

import keras
import numpy as np

from keras_gan import callbacks, data, plotting
from keras_gan.core.errors import InputError
from keras_gan.experiment import metrics_table
from keras_gan.experiment.job import Job
from keras_gan.experiment.run import BEST, Run
from keras_gan.experiment.session import Interruption, Session
from keras_gan.experiment.settings import Settings
from keras_gan.training import checkpoints

_EXAMPLES = 1000  # that estimates and pictures along training take
_FRAMES = 120  # of the animation, at most


def train(job: Job, asked: Interruption) -> None:
    """Trains from where the run directory stands, unless a signal asks for an end."""
    began = time.monotonic()
    session = Session(
        job.gan,
        job.workers,
        asked,
        functools.partial(_fit, job),
        steps_per_epoch=job.steps_per_epoch,
        dropped_examples=job.dropped_examples,
        epochs=job.settings.epochs,
        retries=job.options.nan_retries,
    )
    run = session.train(
        lambda: _open_run(job),
        {
            "strategy": job.options.strategy,
            "replicas": job.replicas,
            "epochs": job.settings.epochs,
        },
        lambda run, facts: _callbacks(job, run, facts),
        verbose=1 if sys.stdout.isatty() else 2,
        finish=lambda run: _animate(run, asked),
    )
    if run is not None:
        print(f"trained for {time.monotonic() - began:.0f} s; the run is {run.path}")


def _fit(
    job: Job, epoch: int, step: int, callbacks: list[keras.callbacks.Callback], verbose: int
) -> None:
    job.gan.fit(
        job.source,
        job.labels,
        batch_size=job.settings.batch_size,
        epochs=job.settings.epochs,
        initial_epoch=epoch,
        initial_step=step,
        callbacks=callbacks,
        verbose=verbose,
    )


def _open_run(job: Job) -> Run:
    asked = _place(job.options.checkpoint_dir)
    if asked is not None:
        checkpoints.make_directory(asked)
    settings = dataclasses.asdict(job.settings)
    del settings["epochs"]
    facts = {
        "recipe": job.recipe.source,
        "settings": settings,
        "dataset": data.place(getattr(job.settings, "dataset", job.recipe.name)),
        "preprocessing": job.preprocessing.get_config(),
        "data_dir": _place(job.options.data_dir),
        "cache_dir": _place(job.options.cache_dir),
        "checkpoint_dir": asked,
        "example_shape": list(job.gan.example_shape),
        "provenance": job.training_set.provenance,
        "steps_per_epoch": job.steps_per_epoch,
    }
    run = Run.create_or_open(job.run_dir, job.identity, facts)
    if run.metrics_file.exists():
        run.metrics()  # a damaged table is noticed before the first step
    if asked not in (None, run.checkpoints):
        raise InputError(
            f"the checkpoints of {run.path} are in {run.checkpoints}; leave out "
            "--checkpoint-dir, or choose another --run-dir"
        )
    return run


def _place(folder: str | None) -> str | None:
    """The name of a folder that holds from any other: a URL, or an absolute path."""
    return folder if not folder or "://" in folder else str(Path(folder).resolve())


def _callbacks(job: Job, run: Run, facts: dict) -> list[keras.callbacks.Callback]:
    is_image = job.data_set.is_image
    likelihood = _likelihood(job, run, facts)
    of_run: list[keras.callbacks.Callback] = [likelihood] if likelihood else []
    if job.options.monitor_every:
        every = job.options.monitor_every
        of_run.append(callbacks.CollapseMonitor.of(job.data_set, job.preprocessing, every=every))
    if is_image or job.gan.example_shape == (2,):
        folder, denormalize = run.path / "samples", job.preprocessing.denormalize
        points = None if is_image else job.training_data.examples[:_EXAMPLES]
        of_run.append(
            callbacks.SampleGrid(
                folder, denormalize, data=points, seconds=job.settings.seconds_between_pictures
            )
        )
    return [
        *of_run,
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: metrics_table.write_row(run.metrics_file, epoch, logs)
        ),
        keras.callbacks.TensorBoard(str(run.path / "tensorboard"), write_graph=False),
        callbacks.Checkpoint(
            run.checkpoints,
            lambda: facts,
            keep=job.options.keep_checkpoints,
            monitor="val_log_likelihood" if likelihood else None,
            minutes=job.options.checkpoint_minutes,
        ),
    ]


def _likelihood(job: Job, run: Run, facts: dict) -> callbacks.ValidationLikelihood | None:
    """The estimates along training, which also save the best generators; None where not wanted."""
    settings = job.settings
    if not (isinstance(settings, Settings) and settings.likelihood_every and job.data_set.is_image):
        return None

    def on_best(weights: str, generator: keras.Model, value: float) -> None:
        run.save_best(weights, generator)
        facts[weights] = value

    images = job.preprocessing.normalize(job.data_set.validation.x[:_EXAMPLES])
    return callbacks.ValidationLikelihood(
        job.preprocessing.denormalize(images),
        job.preprocessing.denormalize,
        settings.likelihood_samples,
        settings.likelihood_every,
        on_best=on_best,
        best={kind: facts[kind] for kind in BEST if facts.get(kind) is not None},
    )


def _animate(run: Run, asked: Interruption) -> None:
    frames = sorted((run.path / "samples").glob("epoch-*.png"))
    if frames and not asked.signal:
        shown = sorted({round(i) for i in np.linspace(0, len(frames) - 1, _FRAMES)})
        plotting.animate([frames[i] for i in shown], run.path / "samples.gif")
        print(f"samples: {frames[-1]}, all epochs: {run.path / 'samples.gif'}")
