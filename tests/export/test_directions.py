"""Principal directions of generators."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from export import directions
from export.subject import Subject
from keras_gan import priors
from keras_gan.data import Identity

SINGULAR_VALUES = np.array([8.0, 4.0, 2.0, 1.0])


def subject_of(output) -> Subject:
    """A generator of points [6] from latents [4]."""
    latents = keras.Input((4,))
    network = keras.Model(latents, output(latents))
    return Subject(network, network, priors.Normal(4), Identity())


def test_a_linear_generator() -> None:
    """Eigenvectors of A^T A, within the error of 512 random rows."""
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (6, 4))
    matrix = (left[:, :4] * SINGULAR_VALUES) @ right.T
    dense = keras.layers.Dense(6, use_bias=False)
    subject = subject_of(dense)
    dense.set_weights([matrix.T])

    found = directions.principal(subject)
    values, vectors = np.linalg.eigh(matrix.T @ matrix)
    exact, share = vectors[:, ::-1].T, values[::-1] / values.sum()
    assert np.abs(np.sum(found["vectors"] * exact, axis=1)) == pytest.approx(1, abs=0.01)
    assert found["share"] == pytest.approx(share, abs=0.03)
    assert sum(found["share"]) == pytest.approx(1, abs=1e-5)
    assert directions.principal(subject) == found


def test_a_generator_that_does_not_change_has_none() -> None:
    assert directions.principal(subject_of(lambda z: keras.ops.zeros_like(z[:, :1]))) is None
    assert directions.principal(subject_of(lambda z: 0.0 * z)) is None
