"""`train`: from a job to a run directory, through as many sessions as it takes."""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
import time
from pathlib import Path

import keras
import numpy as np

from keras_gan import callbacks, data
from keras_gan.core.errors import InputError
from keras_gan.evaluation import features
from keras_gan.experiment import distribution, metrics_table
from keras_gan.experiment.drawings import draw_finished
from keras_gan.experiment.job import Job
from keras_gan.experiment.run import BEST, Run
from keras_gan.experiment.session import Interruption, Session
from keras_gan.experiment.settings import Settings
from keras_gan.training import checkpoints, model_files, standing_statistics

_EXAMPLES = 1000  # that estimates and pictures along training take
_COMPARED, _NUMBERS = 2000, 2**25  # validation images of a distance, and their numbers, at most
_LEARNED = 20_000  # training examples of the classifier that distances are measured on


def train(job: Job, asked: Interruption) -> Run | None:
    """Trains from where the run directory stands, unless a signal asks for an end.

    Returns:
        The run, on the chief, if there was something to do.
    """
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
            **distribution.hardware(),
        },
        lambda run, facts: _callbacks(job, run, facts),
        verbose=1 if sys.stdout.isatty() else 2,
        finish=lambda run: draw_finished(job, run, asked),
    )
    if run is not None:
        print(f"trained for {time.monotonic() - began:.0f} s; the run is {run.path}")
    return run


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
    _recompute_statistics(job)


def _recompute_statistics(job: Job) -> None:
    """Of the EMA generator's batch normalization, if it has any."""
    average = job.gan.ema_generator
    if average is None or not standing_statistics.batch_normalizations(average):
        return
    x, y = job.training_data.examples, job.training_data.labels
    if y is not None and len(y) > len(x):  # these are the first examples, perhaps of one class
        y = y[np.random.default_rng(0).integers(len(y), size=len(x))]
    job.gan.recompute_statistics(x, y, batch_size=job.settings.batch_size, ema=True)


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
        **_classes_file(job),
        "preprocessing": job.preprocessing.get_config(),
        "data_dir": _place(job.options.data_dir),
        "cache_dir": _place(job.options.cache_dir),
        "checkpoint_dir": asked,
        "example_shape": list(job.gan.example_shape),
        "provenance": job.training_set.provenance,
        "steps_per_epoch": job.steps_per_epoch,
        "training_examples": len(job.training_set.train),
        "keeps_ema": job.gan.ema is not None,
        "gives_probabilities": job.gan.loss.gives_probabilities,
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


def _classes_file(job: Job) -> dict[str, str]:
    """The place of the file with the classes, if there is one."""
    settings = job.settings
    if not isinstance(settings, data.PictureOptions):
        return {}
    file = data.classes_file(settings.classes, Path(data.place(getattr(settings, "dataset", ""))))
    return {} if file is None else {"classes": str(file.resolve())}


def _place(folder: str | None) -> str | None:
    """The name of a folder that holds from any other: a URL, or an absolute path."""
    return folder if not folder or "://" in folder else str(Path(folder).resolve())


def _callbacks(job: Job, run: Run, facts: dict) -> list[keras.callbacks.Callback]:
    is_image = job.data_set.is_image
    estimates = _estimates(job, run, facts)
    monitored = estimates[-1] if estimates else None
    of_run: list[keras.callbacks.Callback] = list(estimates)
    if job.options.monitor_every:
        settings = {"every": job.options.monitor_every, "file": run.path / "warnings.json"}
        monitor = callbacks.CollapseMonitor.of(job.data_set, job.preprocessing, **settings)
        of_run.append(monitor)
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
            monitor=monitored and monitored.column,
            mode=monitored.mode if monitored else "max",
            minutes=job.options.checkpoint_minutes,
        ),
    ]


def _estimates(job: Job, run: Run, facts: dict) -> list[callbacks.ValidationEstimate]:
    """Estimates along training, of which the last also saves the best generators."""
    settings, denormalize = job.settings, job.preprocessing.denormalize
    if not (isinstance(settings, Settings) and job.data_set.is_image):
        return []

    def on_best(weights: str, generator: keras.Model, value: float) -> None:
        epochs = int(job.gan.current_step.numpy()) // job.steps_per_epoch
        run.save_best(weights, generator, epochs)
        facts[weights] = value

    def images(n: int) -> np.ndarray:
        return job.preprocessing.unit(job.data_set.validation.x[:n])

    best = {
        "on_best": on_best,
        # Of a file that is lost, the next best one is saved again.
        "best": {
            kind: facts[kind]
            for kind in BEST
            if facts.get(kind) is not None and model_files.is_whole(run.model_file(kind))
        },
    }
    made: list[callbacks.ValidationEstimate] = []
    prepare = functools.partial(_recompute_statistics, job)
    if every := settings.likelihood_every:
        chosen = {} if settings.distance_every else best
        number = settings.likelihood_samples
        made.append(
            callbacks.ValidationLikelihood(
                images(_EXAMPLES), denormalize, number, every, prepare=prepare, **chosen
            )
        )
    if every := settings.distance_every:
        network = features.choose(job.data_set.element_shape, lambda: _classifier(job))
        few = images(min(_COMPARED, _NUMBERS // math.prod(job.data_set.element_shape)))
        if network is None or len(few) < 2:
            fault = (
                "classes, for pictures of more than 4 channels"
                if network is None
                else "two validation pictures"
            )
            if getattr(job.asked, "distance_every", 0):
                raise InputError(f"--distance-every needs {fault}; leave it out")
            print(f"no distances are measured during training: they need {fault}")
            return made
        made.append(
            callbacks.ValidationDistance(few, network, denormalize, every, prepare=prepare, **best)
        )
    return made


def _classifier(job: Job) -> features.Classifier | None:
    train = job.data_set.train
    some = np.sort(np.random.default_rng(0).permutation(len(train))[:_LEARNED])
    known = train[some]
    return features.Classifier.of_labeled(known.x, known.y, job.preprocessing.unit)
