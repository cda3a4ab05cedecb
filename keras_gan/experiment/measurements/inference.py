"""Inferred latents (section 7 of the paper)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from keras_gan import plotting
from keras_gan.core.randomness import row_seeds
from keras_gan.evaluation import posterior
from keras_gan.experiment.measurements import EXAMINED
from keras_gan.training import inference, sampling
from keras_gan.training.inference import Inference

if TYPE_CHECKING:
    from keras_gan.experiment.evaluator import Evaluator

_JACOBIANS = 200
_DRAWS = 100  # of each q, for its calibration


def measure(of: Evaluator, network: Inference) -> dict:
    """Recovery of latents, q's calibration and, without a condition, reconstructed test images."""
    seed, generator, condition = of.settings.seed, of.generator, of.gan.condition
    latents, seeds = of.gan.prior.sample(EXAMINED, seed), tf.constant(row_seeds(seed, EXAMINED))
    tensors = sampling.draw(condition, seeds)
    q = network.posterior(sampling.transform(generator, latents, seeds, tensors), tensors)
    few = {name: tensor[:_JACOBIANS] for name, tensor in tensors.items()}
    gram = inference.jacobian_gram(generator, latents[:_JACOBIANS], few)
    recovery = posterior.recovery(latents, inference.center(q), gram)
    drawn = q.sample(_DRAWS, seed=seed)
    calibration = posterior.calibration(q.log_prob(latents), q.log_prob(drawn))
    results: dict = {
        "recovery": {**dataclasses.asdict(recovery), "mean": recovery.mean},
        "calibration": dataclasses.asdict(calibration),
    }
    if condition is None:
        results["reconstruction"] = _reconstruction(of, network)
    return results


def _reconstruction(of: Evaluator, network: Inference) -> dict:
    """Test images by way of their latents, compared with the nearest of the samples."""
    images = of.data.test.x[:EXAMINED]
    scaled, real = of.run.preprocessing.normalize(images), of.unit(images)
    noise = tf.constant(row_seeds(0, len(images)))  # inside G, as in `refine`

    def decoded(latents) -> np.ndarray:
        outputs = sampling.transform(of.generator, latents, noise)
        return of.run.preprocessing.denormalize(outputs.numpy())

    encoded = network.encode(scaled)
    refined = inference.refine(of.generator, of.gan.prior, scaled, encoded)
    samples = of.samples(of.settings.seed)
    ways = {
        "encoded": decoded(encoded),
        "refined": decoded(refined),
        f"nearest of {len(samples):,} samples": samples[plotting.nearest_examples(real, samples)],
    }
    return {
        way: dataclasses.asdict(posterior.reconstruction(real, result))
        for way, result in ways.items()
    }
