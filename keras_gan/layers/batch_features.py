"""Layers with which D judges several rows of a minibatch together.

Groups are consecutive rows of the global minibatch. Every replica holds a contiguous share of it,
so groups that divide the share are the same on any number of replicas. The attribute `mixes_rows`
says that a logit depends on several rows: the gradient of each logit with respect to its own
example, which gradient penalties read, is then not defined. The attribute `group_gradients` says
that a penalty may take the gradient of the sum of a group's logits instead.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan.core.arguments import whole
from keras_gan.core.errors import InputError
from keras_gan.core.keras_private import all_layers
from keras_gan.core.replicas import global_mean


def _check_rows(rows: int | None, group: int, layer: str) -> None:
    if rows is not None and rows % group:
        raise InputError(
            f"{layer}: the rows of the minibatch on each replica must be a multiple of {group}. "
            f"Received: {rows} rows"
        )


@keras.saving.register_keras_serializable("keras_gan")
class MinibatchStd(keras.layers.Layer):
    """Adds a channel that tells how much the rows of a group differ.

    It is the mean, over all components, of their standard deviations `sqrt(variance + 1e-8)` over
    the group, one number for all rows and places of a group (Karras et al. 2018, arXiv:1710.10196,
    section 3; in groups as in StyleGAN2). It is computed in float32.

    In training, `group` must divide the rows on a replica. Outside training, all rows of a call are
    one group if it does not, so that any number of rows may be judged.

    Args:
        group: Rows of a group, at least 2; None makes the whole global minibatch one group.
        group_gradients: Whether D may be trained with `R1`, `R2` and regularizers of your own that
            read `input_gradients`. They then take a group as one example, as in StyleGAN2: for each
            row they get the gradient of the sum of the group's logits. Other gradient penalties
            are refused in any case.

    Input: float `[n, ..., c]`. Output: float `[n, ..., c + 1]`.
    """

    mixes_rows = True

    def __init__(self, group: int | None = 4, group_gradients: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.group = None if group is None else whole("group", group, least=2)
        self.group_gradients = bool(group_gradients)
        if self.group_gradients and group is None:
            raise InputError(
                "`group_gradients` needs groups within a replica's rows. Received: group=None"
            )

    def call(self, inputs, training=False):
        groups = self._groups(tf.cast(inputs, tf.float32), training)
        variance = self._mean(tf.square(groups - self._mean(groups)))
        deviation = tf.sqrt(variance + 1e-8)
        feature = tf.reduce_mean(deviation, axis=range(1, groups.shape.rank), keepdims=True)
        joined = tf.concat([groups, tf.ones_like(groups[..., :1]) * feature], axis=-1)
        joined = tf.reshape(joined, [-1, *self.compute_output_shape(inputs.shape)[1:]])
        return tf.cast(joined, inputs.dtype)

    def _groups(self, values: tf.Tensor, training: bool) -> tf.Tensor:
        """The rows as `[groups, rows of a group, ...]`."""
        if self.group is None:
            return values[None]
        size = self.group
        if training:
            _check_rows(values.shape[0], size, "MinibatchStd")
        else:
            rows = tf.shape(values)[0]
            size = tf.where(rows % size == 0, size, rows)
        return tf.reshape(values, [-1, size, *values.shape[1:]])

    def _mean(self, groups: tf.Tensor) -> tf.Tensor:
        """The mean over the rows of each group, with axes kept."""
        if self.group is None:
            return global_mean(groups[0])[None, None]
        return tf.reduce_mean(groups, axis=1, keepdims=True)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self) -> dict:
        own = {"group": self.group, "group_gradients": self.group_gradients}
        return {**super().get_config(), **own}


def mixing_layers(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers by which a row of a network's output depends on other rows."""
    return [layer for layer in all_layers(network) if getattr(layer, "mixes_rows", False)]


def exchanges_rows(layer: keras.layers.Layer) -> bool:
    """Whether a layer in training waits for the rows of other replicas."""
    if isinstance(layer, MinibatchStd | _Packing):
        return getattr(layer, "group", 0) is None
    return getattr(layer, "synchronized", False) or getattr(layer, "mixes_rows", False)


class _Packing(keras.layers.Layer):
    mixes_rows = True

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        self.size = whole("size", size, least=2)

    def get_config(self) -> dict:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("keras_gan")
class Pack(_Packing):
    """Joins the channels of `size` consecutive rows (PacGAN: Lin et al. 2018, arXiv:1712.04086).

    A discriminator that judges `size` examples at once, with one logit for each example:

        keras.Sequential([
            keras.Input((28, 28, 1)),
            layers.Pack(2),
            networks.dcgan_discriminator((28, 28, 2)),
            layers.Unpack(2),
        ])

    Args:
        size: Rows of a pack, at least 2; must divide the rows on a replica. Where their number is
            not known before, as in `evaluate`, the last pack is filled up with the first rows.

    Input: float `[n, ..., c]`. Output: float `[n / size, ..., size c]`.
    """

    def call(self, inputs):
        _check_rows(inputs.shape[0], self.size, "Pack")
        shape = inputs.shape[1:]
        if inputs.shape[0] is None:
            rows = tf.shape(inputs)[0]
            packs = -(-rows // self.size)
            inputs = tf.gather(inputs, tf.range(packs * self.size) % tf.maximum(rows, 1))
        packs = tf.reshape(inputs, [-1, self.size, *shape])
        packs = tf.stack(tf.unstack(packs, axis=1), axis=-2)  # [n / size, ..., size, c]
        return tf.reshape(packs, [-1, *shape[:-1], self.size * shape[-1]])

    def compute_output_shape(self, input_shape):
        rows, *others, channels = input_shape
        return (rows and rows // self.size, *others, self.size * channels)


@keras.saving.register_keras_serializable("keras_gan")
class Unpack(_Packing):
    """Gives each row of a pack the pack's logit; the counterpart of `Pack`.

    Args:
        size: Rows of a pack, as for `Pack`.

    Input: float `[n / size, ...]`. Output: float `[n, ...]`, each row `size` times.
    """

    def call(self, inputs):
        return tf.repeat(inputs, self.size, axis=0)

    def compute_output_shape(self, input_shape):
        rows, *others = input_shape
        return (rows and rows * self.size, *others)
