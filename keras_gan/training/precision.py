"""Networks and models in another precision than they were made in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_gan.core.keras_private import all_layers, copying
from keras_gan.training.network_checks import symbolic_call


def in_precision(network: keras.Model, dtype: str, shape: Sequence[int]) -> keras.Model:
    """The network with weights and arithmetic of a type; itself if it has that type.

    Args:
        network: A built network.
        dtype: Such as "float16".
        shape: Of one row of its first input.

    Raises:
        InputError: The network cannot be made from its configuration.
    """
    if all(layer.compute_dtype == layer.variable_dtype == dtype for layer in all_layers(network)):
        return network
    with copying(network, f"{network.name!r} in {dtype} is a copy of it"):
        config = with_policy(keras.saving.serialize_keras_object(network), dtype)
        copy = keras.saving.deserialize_keras_object(config)
        symbolic_call(copy, keras.KerasTensor((None, *shape), "float32"))  # builds it
        with np.errstate(over="ignore"):  # what does not fit shows in the numbers
            copy.set_weights(network.get_weights())
    return copy


def with_policy(config: Any, dtype: str, instead_of: str = "") -> Any:
    """A serialized object, layers of which compute in this type.

    Args:
        config: The object.
        dtype: The type.
        instead_of: Only layers whose policy begins with this, such as "mixed_".
    """
    if isinstance(config, list | tuple):
        return type(config)(with_policy(part, dtype, instead_of) for part in config)
    if not isinstance(config, dict):
        return config
    policy = config.get("class_name") == "DTypePolicy"
    if policy and config["config"]["name"].startswith(instead_of):
        return {**config, "config": {"name": dtype}}
    return {key: with_policy(part, dtype, instead_of) for key, part in config.items()}
