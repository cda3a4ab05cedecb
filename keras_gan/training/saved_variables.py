"""Variables of objects that Keras does not save with a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras

from keras_gan.core.configured import Configured

_WITH_STATE = (Configured, keras.metrics.Metric, keras.Layer)


def variables_of(parts: Iterable[Any]) -> list[keras.Variable]:
    """The state of objects, each variable once.

    These are their `variables`, and the variables, layers and Keras's seed generators that are
    attributes of theirs, also in lists, or of a loss, a metric or the like which is an attribute.
    """
    found: dict[int, keras.Variable] = {}
    seen: set[int] = set()

    def collect(part: Any) -> None:
        seen.add(id(part))
        found.update((id(variable), variable) for variable in getattr(part, "variables", ()))
        for value in attributes(part):
            if isinstance(value, keras.random.SeedGenerator):
                value = value.state
            if isinstance(value, keras.Variable):
                found[id(value)] = value
            elif isinstance(value, _WITH_STATE) and id(value) not in seen:
                collect(value)

    for part in parts:
        collect(part)
    return list(found.values())


def attributes(part: Any) -> list[Any]:
    """An object's attributes, those in lists one by one; Keras looks through a layer's lists."""
    values = list(getattr(part, "__dict__", {}).values())
    return values if isinstance(part, keras.Layer) else keras.tree.flatten(values)


def seed_states(parts: Iterable[Any]) -> list[keras.Variable]:
    """How far the random numbers of Keras's seed generators are, which Keras does not save."""
    return [v for v in variables_of(parts) if v.path.endswith("seed_generator_state")]


class SavedVariables(keras.layers.Layer):
    """Stores variables in the file of the model whose attribute it is, and reads them again.

    Args:
        variables: The variables; they stay those of their objects.
    """

    _stored: tuple[keras.Variable, ...] = ()

    def __init__(self, variables: Sequence[keras.Variable]):
        super().__init__()
        object.__setattr__(self, "_stored", tuple(variables))  # not as weights of this layer

    def save_own_variables(self, store):
        for i, variable in enumerate(self._stored):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store):
        for i, variable in enumerate(self._stored[: len(store.keys())]):  # earlier files have fewer
            variable.assign(store[str(i)])
