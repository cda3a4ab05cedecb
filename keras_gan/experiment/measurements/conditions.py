"""Measurements of conditional models: samples of classes, inpaintings, D's classes (section 7)."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING

import numpy as np

from keras_gan import conditioning, plotting
from keras_gan.evaluation.collapse import CollapseDetector, diagnose
from keras_gan.evaluation.collapse.detector import LEAST_TRAIN
from keras_gan.evaluation.inpainting import inpainting_quality
from keras_gan.experiment.measurements import EXAMINED, likelihood

if TYPE_CHECKING:
    from keras_gan.experiment.evaluator import Evaluator

_DRAWS = 16  # inpaintings of each image


def measure_classes(of: Evaluator, count: int) -> dict:
    """Samples of each class: which the classifier sees, and the likelihood given the class."""
    each = max(1, of.settings.samples // count)
    asked = np.repeat(np.arange(count), each)
    samples = of.sampler(len(asked), of.settings.seed, asked)
    by_class = samples.reshape(count, each, *samples.shape[1:])
    results: dict = {"samples_of_each": each}
    if of.classifier is not None:
        named = of.classifier.probabilities(samples).argmax(axis=1)
        right = (named == asked).reshape(count, each).mean(axis=1)
        results |= {"named_as_asked": float(right.mean()), "of_each_class": right.tolist()}
    results["warnings"] = _warnings_within(of, by_class)
    given = likelihood.given_classes(of, by_class)
    return results if given is None else {**results, "likelihood": given}


def measure_named_classes(of: Evaluator) -> dict | None:
    """Test error of the classes that D names.

    None where those of the test set are not known, or where D names codes, or gets a condition.
    """
    test, gan = of.known(of.data.test), of.gan
    if test is None or isinstance(gan.condition, conditioning.Codes):
        return None
    if conditioning.condition_inputs(gan.discriminator):
        return None
    named = gan.classify(of.run.preprocessing.normalize(test.x)).argmax(axis=1)
    wrong = named != test.y
    return {
        "labels": of.run.identity.get("labels", 0),
        "images": len(wrong),
        "test_error": float(wrong.mean()),
        "standard_error": float(wrong.std() / np.sqrt(len(wrong))),
    }


def _warnings_within(of: Evaluator, samples: np.ndarray) -> dict[str, list[str]]:
    """Warnings that the samples of a class raise against its own examples, by class."""
    if of.data.train.y is None:
        warnings.warn("no warnings within classes: the training examples have none", stacklevel=2)
        return {}
    splits = [split for split in (of.data.train, of.data.test) if split.y is not None]
    raised, left_out = {}, []
    for c, of_class in enumerate(samples):
        train, *test = (split.x[split.y == c] for split in splits)
        few = len(train) < LEAST_TRAIN or (test and not len(test[0]))
        if few or (train == train[0]).all():
            left_out.append(str(c))
            continue
        held_out = test[0] if test else None
        detector = CollapseDetector(train, held_out=held_out, prepare=of.unit)
        results = detector.examine(of_class[:EXAMINED])
        if names := [warning.name for warning in diagnose(*results)]:
            raised[str(c)] = names
    if left_out:
        warnings.warn(
            f"no warnings within the classes {', '.join(left_out)}: they have fewer than "
            f"{LEAST_TRAIN} training examples, only equal ones, or no test example",
            stacklevel=2,
        )
    return raised


def measure_inpainting(of: Evaluator) -> dict:
    """Squared errors, spreads, and how many images the classifier still names correctly."""
    test, train = of.data.test[:EXAMINED], of.unit(of.part(of.data.train).x)
    scaled, real, labels = of.run.preprocessing.normalize(test.x), of.unit(test.x), test.y
    mask = conditioning.half_known(real.shape[1], real.shape[2], axis=0)
    given = {"known": scaled, "mask": mask}
    seeds = range(of.settings.seed, of.settings.seed + _DRAWS)
    drawn = np.stack([of.sampler(len(real), seed, given) for seed in seeds])
    nearest = train[plotting.nearest_examples(np.where(mask, real, 0), np.where(mask, train, 0))]
    mean = train.mean(axis=0)
    quality = inpainting_quality(real, mask, drawn, nearest=nearest, mean=mean, labels=labels)
    results: dict = {"known": "the upper half", **dataclasses.asdict(quality)}
    if of.classifier is not None and of.known(test):
        results["named_rightly"] = {
            name: of.classifier.accuracy(images, labels)
            for name, images in (
                ("whole images", real),
                ("inpainted", drawn[0]),
                (f"mean of {len(drawn)} inpaintings", drawn.mean(axis=0)),
                ("mean image filled in", np.where(mask, real, mean)),
            )
        }
    return results
