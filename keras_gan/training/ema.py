"""The exponential moving average (EMA) of the generator's weights."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from keras_gan.core.arguments import is_number
from keras_gan.core.configured import Configured
from keras_gan.core.errors import InputError
from keras_gan.core.keras_private import all_layers, copying
from keras_gan.optimizers.schedules import ImageSchedule, counting_images, current_value
from keras_gan.training.standing_statistics import batch_normalizations


@keras.saving.register_keras_serializable("keras_gan")
class EMA(Configured):
    """How much of an average each step keeps: `average = a average + (1 - a) weights`.

    Give a momentum, or a half-life, which means the same for every batch size:
    `a = 0.5^(images per step / half-life)`; a half-life of 0 copies the weights.

    Args:
        momentum: `a` in [0, 1), the same in every step.
        half_life: Images seen until old weights count half, a number >= 0 or a schedule of images.
        ramp_up: The half-life is at most this fraction of the images seen so far, so that the
            average leaves the initial weights quickly (StyleGAN2: 0.05); None has no such bound.

    Raises:
        InputError: Neither or both of momentum and half-life, or a value out of range.
    """

    def __init__(
        self,
        momentum: float | None = None,
        *,
        half_life: float | ImageSchedule | None = None,
        ramp_up: float | None = None,
    ):
        if (momentum is None) == (half_life is None):
            raise InputError(
                "an EMA needs one of `momentum` and `half_life`. "
                f"Received: momentum={momentum!r}, half_life={half_life!r}"
            )
        if momentum is not None and not (is_number(momentum) and 0 <= momentum < 1):
            raise InputError(f"`momentum` of an EMA must be in [0, 1). Received: {momentum!r}")
        if not isinstance(half_life, ImageSchedule | None) and not (
            is_number(half_life) and 0 <= half_life < math.inf
        ):
            raise InputError(f"`half_life` of an EMA must be images >= 0. Received: {half_life!r}")
        if ramp_up is not None and not (
            half_life is not None and is_number(ramp_up) and 0 < ramp_up < math.inf
        ):
            raise InputError(
                f"`ramp_up` of an EMA must be > 0, and goes with a half-life. Received: {ramp_up!r}"
            )
        self.momentum = momentum
        self.half_life = half_life
        self.ramp_up = ramp_up

    def step_momentum(self, images_seen: tf.Tensor, images_per_step: tf.Tensor) -> Any:
        """`a` of the step that ends at `images_seen`, a float or a float32 scalar."""
        if self.momentum is not None:
            return self.momentum
        seen = tf.cast(images_seen, tf.float32)
        with counting_images(images_seen):
            half_life = tf.cast(current_value(self.half_life), tf.float32)
        if self.ramp_up is not None:
            half_life = tf.minimum(half_life, self.ramp_up * seen)
        steps = tf.cast(images_per_step, tf.float32) / tf.maximum(half_life, 1e-8)
        return tf.where(half_life > 0, tf.pow(0.5, steps), 0.0)


class AveragedNetwork:
    """A copy of a network whose weights are the moving average of the network's.

    Args:
        network: A built network.
        inputs: Symbolic inputs to build the copy on, should it need them.
        name: Name of the copy.

    Attributes:
        network: The copy, which is not trainable.

    Raises:
        InputError: The network cannot be made from its configuration.
    """

    def __init__(self, network: keras.Model, inputs: Any, name: str):
        self._source = network
        with copying(network, f"an EMA needs a copy of {network.name!r}"):
            self.network = type(network).from_config({**network.get_config(), "name": name})
            if not self.network.built or not self.network.weights:
                self.network(inputs)
            self.network.set_weights(network.get_weights())
        # Whether the generator, or a part of it, is frozen now does not matter.
        for layer in all_layers(self.network):
            layer.trainable = True
        statistics = {
            id(weight)
            for layer in batch_normalizations(self.network)
            for weight in (layer.moving_mean, layer.moving_variance)
        }
        self._is_averaged = [
            weight.trainable or id(weight) in statistics for weight in self.network.weights
        ]
        self.network.trainable = False

    def update(self, momentum: float | tf.Tensor) -> None:
        """Averages what is trained and the statistics of batch normalization; copies the rest.

        Statistics of the last weights do not fit their average: on CIFAR-10 samples were worse
        with the copied ones than those of the weights without an average.

        Does nothing while the network is frozen.

        Raises:
            InputError: The network has been given other weights.
        """
        if not self._source.trainable_variables:
            return
        if len(self._source.weights) != len(self._is_averaged):
            raise InputError(
                f"{self._source.name!r} has other weights than the EMA was made for, as `quantize` "
                "and `enable_lora` give to layers; make a new GAN with it"
            )
        for average, weight, averaged in zip(
            self.network.weights, self._source.weights, self._is_averaged, strict=True
        ):
            if averaged:
                share = tf.cast(1 - momentum, weight.dtype)
                average.assign_sub(share * (average.value - weight.value))
            else:
                average.assign(weight.value)
