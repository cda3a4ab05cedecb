"""Every private attribute of Keras and TensorFlow that keras_gan uses, written for Keras 3.15.

No public API does these jobs. `tests/test_keras_private.py` notices when one of them changes.
"""

from __future__ import annotations

import keras


def all_layers(network: keras.Layer) -> list[keras.Layer]:
    """A network and its layers, also those inside of other layers and of subclassed models."""
    return list(network._flatten_layers())


def last_operation(tensor: keras.KerasTensor) -> keras.Operation | None:
    """The operation that returned a symbolic tensor; None for a tensor of a subclassed model."""
    history = getattr(tensor, "_keras_history", None)
    return None if history is None else history.operation


def set_cardinality(dataset, steps: int) -> None:
    """Tells Keras the number of batches of a distributed data set, by which it plans an epoch."""
    dataset._cardinality = steps
