"""Stochastic gradient descent with momentum, the paper's optimizer, as one fused operation."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.core.arguments import is_number
from keras_gan.core.errors import InputError


@keras.saving.register_keras_serializable("keras_gan")
class MomentumSGD(keras.optimizers.Optimizer):
    """`velocity = momentum * velocity - rate * gradient; weight += velocity`, fused.

    The same update as `keras.optimizers.SGD(momentum=...)`, which reads and writes every weight
    in several operations. TensorFlow's fused kernel needs one. The momentum may be a schedule.

    Args:
        learning_rate: A float or a Keras schedule of this optimizer's updates.
        momentum: A float in [0, 1) or a Keras schedule.
        name: Name of the optimizer.
        **kwargs: Further arguments of `keras.optimizers.Optimizer` (clipping, weight decay, ...).
    """

    def __init__(self, learning_rate=0.01, momentum=0.0, name="momentum_sgd", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        scheduled = isinstance(momentum, keras.optimizers.schedules.LearningRateSchedule)
        if not scheduled and not (is_number(momentum) and 0 <= momentum < 1):
            raise InputError(f"`momentum` must be in [0, 1) or a schedule. Received: {momentum!r}")
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient, variable, learning_rate):
        velocity = self.velocities[self._get_variable_index(variable)]
        momentum = self.momentum(self.iterations) if callable(self.momentum) else self.momentum
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=handle(variable),
            accum=handle(velocity),
            lr=tf.cast(learning_rate, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
            momentum=tf.cast(momentum, variable.dtype),
        )

    def get_config(self) -> dict:
        momentum = keras.saving.serialize_keras_object(self.momentum)
        return {**super().get_config(), "momentum": momentum}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        momentum = keras.saving.deserialize_keras_object(config["momentum"], custom_objects)
        return super().from_config({**config, "momentum": momentum}, custom_objects)


def handle(variable) -> tf.Tensor:
    """The resource of a variable, as TensorFlow's fused updates take it."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
