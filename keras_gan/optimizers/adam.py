"""Adam as one fused operation, with a second moment whose decay may change during training."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.core.arguments import is_number, share, weight
from keras_gan.core.errors import InputError
from keras_gan.optimizers.momentum_sgd import handle
from keras_gan.optimizers.schedules import ImageSchedule, current_value


@keras.saving.register_keras_serializable("keras_gan")
class Adam(keras.optimizers.Optimizer):
    """Adam (Kingma and Ba 2014), fused, with defaults for adversarial nets.

    The same update as `keras.optimizers.Adam`, which reads and writes every weight in several
    operations; TensorFlow's fused kernel needs one.

    R3GAN (Huang et al. 2024, arXiv:2501.05441) raises beta_2 from 0.9 to 0.99 while D still changes
    fast: `beta_2=Cosine(0.9, 0.99, images=...)`. The correction of the moments' bias uses the
    present beta_2.

    Args:
        learning_rate: A float or a schedule.
        beta_1: Decay of the gradients' mean; 0 has none.
        beta_2: Decay of their square's mean, in [0, 1), or a schedule of images seen.
        epsilon: Added to the root of the squares' mean.
        name: Name of the optimizer.
        **kwargs: Further arguments of `keras.optimizers.Optimizer` (clipping, weight decay, ...).
    """

    def __init__(
        self,
        learning_rate=2e-4,
        beta_1: float = 0.0,
        beta_2: float | ImageSchedule = 0.99,
        epsilon: float = 1e-8,
        name="adam",
        **kwargs,
    ):
        share("beta_1", beta_1)
        weight("epsilon", epsilon)
        if not isinstance(beta_2, ImageSchedule) and not (is_number(beta_2) and 0 <= beta_2 < 1):
            raise InputError(f"`beta_2` must be in [0, 1) or a schedule. Received: {beta_2!r}")
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._means = self.add_optimizer_variables(variables, "mean")
        self._squares = self.add_optimizer_variables(variables, "square")

    def update_step(self, gradient, variable, learning_rate):
        dtype, index = variable.dtype, self._get_variable_index(variable)
        updates = tf.cast(self.iterations + 1, dtype)
        beta_1, beta_2 = tf.cast(self.beta_1, dtype), tf.cast(current_value(self.beta_2), dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=handle(variable),
            m=handle(self._means[index]),
            v=handle(self._squares[index]),
            beta1_power=tf.pow(beta_1, updates),
            beta2_power=tf.pow(beta_2, updates),
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), dtype),
        )

    def get_config(self) -> dict:
        beta_2 = keras.saving.serialize_keras_object(self.beta_2)
        own = {"beta_1": self.beta_1, "beta_2": beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        beta_2 = keras.saving.deserialize_keras_object(config["beta_2"], custom_objects)
        return super().from_config({**config, "beta_2": beta_2}, custom_objects)
