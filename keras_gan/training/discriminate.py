"""The discriminator as a function of examples and a condition."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan import conditioning
from keras_gan.core.batches import NO_CONDITION, ConditionTensors, DiscriminatorOutput
from keras_gan.core.errors import InputError
from keras_gan.layers.batch_features import mixing_layers

_SAME_VALUES = ("Cast", "Identity", "Reshape", "Squeeze", "StridedSlice")  # what changes no value


def discriminate(
    network: keras.Model,
    examples: tf.Tensor,
    condition: ConditionTensors = NO_CONDITION,
    training: bool = False,
) -> DiscriminatorOutput:
    """Calls D, which returns logits `[n, 1]` or `[n]`, or a dict with "logits" and perhaps more.

    Args:
        network: The discriminator.
        examples: float `[n, ...]`.
        condition: The condition's tensors by name.
        training: As in Keras.

    Returns:
        D's output, all floats cast to float32.

    Raises:
        InputError: D gives no logits, or, as a graph shows, probabilities.
    """
    outputs = conditioning.call(network, examples, condition, training)
    if not isinstance(outputs, dict):
        outputs = {"logits": outputs}
    if "logits" not in outputs:
        raise InputError(
            f"a discriminator that returns a dict must give 'logits'. Received: {sorted(outputs)}"
        )
    if tf.is_symbolic_tensor(outputs["logits"]):  # else `GAN` alone has seen what D ends with
        refuse_probabilities(_last_operation(outputs["logits"]))
    outputs = {name: _float32(tensor) for name, tensor in outputs.items()}
    if not training and mixing_layers(network):
        # A last pack of rows may have been filled up.
        rows = tf.shape(examples)[0]
        outputs = {name: tensor[:rows] for name, tensor in outputs.items()}
    known = {name: outputs.pop(name, None) for name in ("logits", "features", "classes", "codes")}
    logits = known["logits"]
    if logits.shape.rank == 2 and logits.shape[-1] == 1:
        logits = logits[:, 0]
    return DiscriminatorOutput(
        logits,
        known["features"],
        condition=condition,
        classes=known["classes"],
        codes=known["codes"],
        examples=_float32(examples),
        outputs=outputs,
    )


def _float32(value):
    is_float = value is not None and tf.convert_to_tensor(value).dtype.is_floating
    return tf.cast(value, tf.float32) if is_float else value


def refuse_probabilities(last: str) -> None:
    """Refuses a discriminator that ends with an operation of this name, if that is a sigmoid."""
    if last.lower() in ("sigmoid", "softmax"):
        raise InputError(
            f"the discriminator must give logits; leave out the {last.lower()} at its end"
        )


def _last_operation(logits: tf.Tensor) -> str:
    operation = logits.op
    while operation.type in _SAME_VALUES:
        operation = operation.inputs[0].op
    return operation.type
