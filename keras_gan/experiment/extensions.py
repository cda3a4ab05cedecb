"""What `evaluate` says besides of models that do more than sample (section 7 of the paper)."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import tensorflow as tf

from keras_gan import conditioning, plotting
from keras_gan.conditioning import Classes, Inpainting
from keras_gan.core.randomness import row_seeds
from keras_gan.data import Split
from keras_gan.evaluation import inpainting, likelihood, posterior
from keras_gan.evaluation.collapse import thresholds
from keras_gan.evaluation.collapse.detector import LEAST_TRAIN, CollapseDetector
from keras_gan.experiment.evaluator import EXAMINED, VALIDATION, Measurement, known
from keras_gan.training import inference, sampling
from keras_gan.training.inference import Inference

_JACOBIANS = 200
_COMPLETIONS = 16  # of each image
_DRAWS = 100  # of each q, for its calibration


def measure(of: Measurement) -> dict:
    """The further numbers that apply to the run, as JSON can hold them."""
    found: dict = {}
    if isinstance(of.run.condition, Classes):
        found["given_classes"] = _given_classes(of, of.run.condition.count)
    if isinstance(of.run.condition, Inpainting):
        found["completion"] = _completion(of)
    test = known(of.data.test)
    if of.gan.names_classes and test is not None:
        found["classification"] = _classification(of, test)
    network = inference.among(of.gan.auxiliary_networks)
    if network is not None:
        found["inference"] = _inference(of, network)
    return found


def _given_classes(of: Measurement, count: int) -> dict:
    """Samples of each class: which the classifier sees, and the likelihood given the class."""
    each = max(1, of.options.samples // count)
    asked = np.repeat(np.arange(count), each)
    samples = of.sampler(len(asked), of.options.seed, asked)
    found: dict = {"samples_of_each": each}
    classifier = of.classifier
    if classifier is not None:
        named = classifier.probabilities(samples).argmax(axis=1)
        right = (named == asked).reshape(count, each).mean(axis=1)
        found |= {"named_as_asked": float(right.mean()), "of_each_class": right.tolist()}
    found["warnings"] = _alarms_within(of, samples.reshape(count, each, *samples.shape[1:]))
    validation, test = known(of.data.validation), known(of.data.test)
    if validation is not None and test is not None:
        result = likelihood.log_likelihood_given_classes(
            list(samples.reshape(count, each, *samples.shape[1:])),
            (of.unit(validation.x), np.asarray(validation.y)),
            (of.unit(test.x), np.asarray(test.y)),
            protocol=likelihood.ParzenSettings(len(samples), min(VALIDATION, len(validation))),
            seed=of.options.seed,
            **of.settings,
        )
        found["likelihood"] = dataclasses.asdict(result)
    return found


def _classification(of: Measurement, test: Split) -> dict:
    """Test error of the classes that D names."""
    named = of.gan.classify(of.run.preprocessing.normalize(test.x)).argmax(axis=1)
    wrong = named != test.y
    return {
        "labels": of.run.identity.get("labels", 0),
        "images": len(wrong),
        "test_error": float(wrong.mean()),
        "standard_error": float(wrong.std() / np.sqrt(len(wrong))),
    }


def _alarms_within(of: Measurement, samples: np.ndarray) -> dict[str, list[str]]:
    """Warnings that the samples of a class raise beside its own examples, by class."""
    splits = [split for split in (of.data.train, of.data.test) if split.y is not None]
    found, small = {}, []
    for c, own in enumerate(samples):
        train, *test = (split.x[split.y == c] for split in splits)
        if len(train) < LEAST_TRAIN or (test and not len(test[0])):
            small.append(str(c))
            continue
        detector = CollapseDetector(of.unit(train), held_out=of.unit(test[0]) if test else None)
        names = [warning.name for warning in thresholds.diagnose(*detector.examine(own[:EXAMINED]))]
        if names:
            found[str(c)] = names
    if small:
        warnings.warn(
            f"no warnings within the classes {', '.join(small)}: they have fewer than {LEAST_TRAIN} "
            "training examples, or no test example",
            stacklevel=2,
        )
    return found


def _completion(of: Measurement) -> dict:
    """Test images completed below a known upper half."""
    test, train = of.data.test[:EXAMINED], of.unit(of.data.train.x)
    scaled, real, labels = of.run.preprocessing.normalize(test.x), of.unit(test.x), test.y
    mask = conditioning.half_known(real.shape[1], real.shape[2], axis=0)
    seeds = range(of.options.seed, of.options.seed + _COMPLETIONS)
    given = {"known": scaled, "mask": mask}
    drawn = np.stack([of.sampler(len(real), seed, given) for seed in seeds])
    places, _ = plotting.nearest_examples(np.where(mask, real, 0), np.where(mask, train, 0))
    mean = train.mean(axis=0)
    measured = inpainting.completion(
        real, mask, drawn, nearest=train[places], mean=mean, labels=labels
    )
    found: dict = {"known": "the upper half", **dataclasses.asdict(measured)}
    classifier = of.classifier
    if classifier is not None and labels is not None:
        found["named_rightly"] = {
            what: classifier.accuracy(images, labels)
            for what, images in (
                ("whole images", real),
                ("completed", drawn[0]),
                (f"mean of {len(drawn)} completions", drawn.mean(axis=0)),
                ("mean image filled in", np.where(mask, real, mean)),
            )
        }
    return found


def _inference(of: Measurement, network: Inference) -> dict:
    """Latents found again, q's calibration, and test images reconstructed."""
    seed, generator, condition = of.options.seed, of.generator, of.gan.condition
    latents = of.gan.prior.sample(EXAMINED, seed)
    parts = sampling.draw(condition, tf.constant(row_seeds(seed, EXAMINED)))
    q = network.posterior(conditioning.call(generator, latents, parts), parts)
    drawn = q.sample(_DRAWS, seed=seed)
    few = {name: part[:_JACOBIANS] for name, part in parts.items()}
    gram = inference.jacobian_gram(generator, latents[:_JACOBIANS], few)
    recovered = posterior.recovery(latents, inference.center(q), gram)
    found: dict = {
        "recovery": {**dataclasses.asdict(recovered), "mean": recovered.mean},
        "calibration": dataclasses.asdict(
            posterior.calibration(q.log_prob(latents), q.log_prob(drawn))
        ),
    }
    if condition is None:
        found["reconstruction"] = _reconstructed(of, network)
    return found


def _reconstructed(of: Measurement, network: Inference) -> dict:
    """Test images by way of their latents, and beside them the nearest of the samples."""
    images = of.data.test.x[:EXAMINED]
    scaled = of.run.preprocessing.normalize(images)
    real = of.unit(images)

    def made(latents) -> np.ndarray:
        return of.run.preprocessing.denormalize(of.generator(latents).numpy())

    encoded = network.encode(scaled)
    refined = inference.refine(of.generator, of.gan.prior, scaled, encoded)
    samples = of.samples(of.options.seed)
    places, _ = plotting.nearest_examples(real, samples)
    ways = {
        "encoded": made(encoded),
        "refined": made(refined),
        f"nearest of {len(samples):,} samples": samples[places],
    }
    return {
        way: dataclasses.asdict(posterior.reconstruction(real, result))
        for way, result in ways.items()
    }
