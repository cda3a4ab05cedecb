"""The Parzen window against float64 references, in its values, derivatives and conventions."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.integrate import quad
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from keras_gan import InputError, ParzenWindow
from keras_gan.evaluation import density

BANDWIDTHS = np.geomspace(0.05, 1.0, 7).astype(np.float32)
DIMENSION = 784


def reference(points, centers, bandwidths):
    """[m, r] in float64, from differences: no expanded square, no blocks."""
    squares = cdist(points.astype(np.float64), centers.astype(np.float64), "sqeuclidean")
    sigma = np.asarray(bandwidths, np.float64)[:, None, None]
    exponents = -squares / (2 * sigma**2)
    normalizer = np.log(len(centers)) + centers.shape[1] / 2 * np.log(2 * np.pi * sigma[:, 0] ** 2)
    return (logsumexp(exponents, axis=2) - normalizer).T


def log_prob(points, centers, bandwidths):
    return ParzenWindow(centers, bandwidths).log_prob(points[:, None, :]).numpy()


def contrast_normalized(images):
    centred = images - images.mean(axis=1, keepdims=True)
    return 55 * centred / np.linalg.norm(centred, axis=1, keepdims=True)


def case(name):
    """Centers and points: [1500, 784] and [300, 784] float32."""
    rng = np.random.default_rng(0)
    centers, points, noise = (rng.random([n, DIMENSION]) for n in (1500, 300, 300))
    near = centers[:300] + 0.05 * (noise - 0.5)
    modes = contrast_normalized(centers)[:10]
    crowded = modes[np.arange(1500) % 10] + 0.1 * rng.normal(size=centers.shape)
    cases = {
        "apart": (centers, points),
        "coincident": (centers, centers[:300]),
        "nearly coincident": (centers, near),
        "shifted by 10": (centers + 10, points + 10),
        "shifted by 10 and coincident": (centers + 10, centers[:300] + 10),
        "shifted by 10 and nearly coincident": (centers + 10, near + 10),
        "contrast normalized": (contrast_normalized(centers), contrast_normalized(points)),
        "contrast normalized and coincident": [contrast_normalized(centers)] * 2,
        "contrast normalized, ten tight modes": (crowded, crowded[:300] + 0.03 * noise),
        "one constant image": (np.tile(centers[:1] + 10, [1500, 1]), near + 10),
    }
    return [np.asarray(array, np.float32) for array in cases[name]]


@pytest.mark.parametrize(
    "name",
    [
        "apart",
        "coincident",
        "nearly coincident",
        "shifted by 10",
        "shifted by 10 and coincident",
        "shifted by 10 and nearly coincident",
        "contrast normalized",
        "contrast normalized and coincident",
        "contrast normalized, ten tight modes",
        "one constant image",
    ],
)
def test_float32_keeps_the_digits(name):
    centers, points = case(name)
    points = points[:300]
    expected = reference(points, centers, BANDWIDTHS)
    error = np.abs(log_prob(points, centers, BANDWIDTHS) - expected)
    assert (error / np.maximum(0.01, 1e-6 * np.abs(expected))).max() < 1


@pytest.mark.parametrize("name", ["shifted by 10 and coincident", "contrast normalized and coincident"])
def test_plain_expanded_square_loses_them(name):
    """What the module guards against: the same sum from |x|^2 + |c|^2 - 2 x.c as it stands."""
    centers, points = case(name)
    points = points[:300]
    norms = (points**2).sum(1)[:, None] + (centers**2).sum(1)
    squares = norms - 2 * points @ centers.T
    sigma = BANDWIDTHS[0]
    plain = logsumexp(-squares.astype(np.float64) / (2 * sigma**2), axis=1)
    exact = reference(points, centers, [sigma])[:, 0]
    constant = np.log(len(centers)) + DIMENSION / 2 * np.log(2 * np.pi * sigma**2)
    assert np.abs(plain - constant - exact).max() > 0.1
