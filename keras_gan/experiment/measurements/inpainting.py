"""Test images inpainted below a known upper half (section 7 of the paper)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from keras_gan import conditioning, plotting
from keras_gan.evaluation.inpainting import inpainting_quality
from keras_gan.experiment.measurements import EXAMINED

if TYPE_CHECKING:
    from keras_gan.experiment.evaluator import Evaluator

_DRAWS = 16  # of each image


def measure(of: Evaluator) -> dict:
    """Squared errors, spreads, and how many images the classifier still names rightly."""
    test, train = of.data.test[:EXAMINED], of.unit(of.data.train.x)
    scaled, real, labels = of.run.preprocessing.normalize(test.x), of.unit(test.x), test.y
    mask = conditioning.half_known(real.shape[1], real.shape[2], axis=0)
    given = {"known": scaled, "mask": mask}
    seeds = range(of.settings.seed, of.settings.seed + _DRAWS)
    drawn = np.stack([of.sampler(len(real), seed, given) for seed in seeds])
    places, _ = plotting.nearest_examples(np.where(mask, real, 0), np.where(mask, train, 0))
    mean = train.mean(axis=0)
    quality = inpainting_quality(real, mask, drawn, nearest=train[places], mean=mean, labels=labels)
    results: dict = {"known": "the upper half", **dataclasses.asdict(quality)}
    if of.classifier is not None and labels is not None:
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
