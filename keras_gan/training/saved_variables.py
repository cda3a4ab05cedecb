"""Variables of objects that Keras does not save with a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras


def variables_of(parts: Iterable[Any]) -> list[keras.Variable]:
    """The variables of those objects that have any."""
    return [variable for part in parts for variable in getattr(part, "variables", ())]


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
