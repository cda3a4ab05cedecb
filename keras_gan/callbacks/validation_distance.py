"""The distance of samples to validation data along training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from keras_gan.callbacks.validation_estimate import ValidationEstimate
from keras_gan.core.errors import InputError
from keras_gan.evaluation.distances import frechet_distance
from keras_gan.evaluation.features import FeatureNetwork

LEAST_EXAMPLES = 2


class ValidationDistance(ValidationEstimate):
    """Reports the Frechet distance between samples and as many validation data.

    Adds `val_frechet_distance` to the logs of the epochs that it measures: of the EMA weights,
    where the model has them. With a few thousand examples it is larger than with more, by about as
    much in every epoch (see `keras_gan.evaluation.distances.frechet_distance`).

    Args:
        images: Validation data in [0, 1], `[n, ...]`.
        network: The network on whose features the distance is measured.
        denormalize: From G's output to [0, 1].
        every: Epochs between two distances; the last epoch is always measured.
        **settings: `seed`, `on_best`, `best` and `prepare` of `ValidationEstimate`.

    Example:
        >>> network = keras_gan.evaluation.features.load("efficientnet_lite0")
        >>> distance = ValidationDistance(images, network, data.UnitRange().denormalize)
        >>> gan.fit(x, epochs=50, callbacks=[distance])
    """

    column = "val_frechet_distance"
    mode = "min"

    def __init__(
        self,
        images: np.ndarray,
        network: FeatureNetwork,
        denormalize: Callable[[np.ndarray], np.ndarray],
        every: int = 1,
        **settings,
    ):
        if len(images) < LEAST_EXAMPLES:
            raise InputError(
                f"`images` must hold at least {LEAST_EXAMPLES}. Received: {len(images)}"
            )
        super().__init__(denormalize, len(images), every, **settings)
        self._network = network
        self._real = network.features(images)

    def columns(self) -> dict[str, str]:
        """The EMA weights where there are any, and only these: a distance takes seconds."""
        kind = "best" if self.model.ema_generator is None else "best_ema"
        return {kind: self.column}

    def estimate(self, samples: np.ndarray) -> float:
        """The distance of samples `[n, ...]`."""
        return frechet_distance(self._real, self._network.features(samples)).distance
