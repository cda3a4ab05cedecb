"""Priors: densities against SciPy, integrals and samples."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import tensorflow as tf

from keras_gan import InputError, priors
from keras_gan.core.randomness import Purpose, RowDraws, StepDraws, row_seeds

ALL = list(priors.NAMES.values())


@pytest.mark.parametrize("dimension", [1, 2, 100])
def test_log_prob_of_uniform(dimension):
    a = np.sqrt(3)
    z = np.random.default_rng(0).uniform(-a, a, (20, dimension))
    expected = scipy.stats.uniform(-a, 2 * a).logpdf(z).sum(-1)
    np.testing.assert_allclose(priors.Uniform(dimension).log_prob(z), expected, rtol=1e-6)
    z[3, -1] = 1.7321
    z[4, 0] = -1.7321
    z[5, 0] = np.nan
    outside = priors.Uniform(dimension).log_prob(z).numpy()
    assert np.flatnonzero(outside == -np.inf).tolist() == [3, 4, 5]


@pytest.mark.parametrize("dimension", [1, 2, 100])
def test_log_prob_of_normal(dimension):
    z = np.random.default_rng(0).normal(0, 2, (20, dimension)).astype(np.float32)
    z[0] = 1e4
    expected = scipy.stats.norm.logpdf(z.astype(np.float64)).sum(-1)
    np.testing.assert_allclose(priors.Normal(dimension).log_prob(z), expected, rtol=2e-6)


@pytest.mark.parametrize("dimension", [2, 3, 10, 50])
def test_log_prob_of_spherical(dimension):
    direction = np.eye(dimension)[0]
    z = scipy.stats.uniform_direction(dimension, seed=0).rvs(20)
    # The von Mises-Fisher law tends to the uniform one.
    expected = scipy.stats.vonmises_fisher(direction, 1e-6).logpdf(z)
    np.testing.assert_allclose(priors.Spherical(dimension).log_prob(z), expected, rtol=1e-5)
    off = priors.Spherical(dimension).log_prob(z * 1.001).numpy()
    assert (off == -np.inf).all()


def test_log_prob_of_spherical_in_one_dimension_counts_two_points():
    points = tf.constant([[-1.0], [1.0], [0.5]])
    log_prob = priors.Spherical(1).log_prob(points)
    np.testing.assert_allclose(log_prob, [-np.log(2), -np.log(2), -np.inf], rtol=1e-6)


@pytest.mark.parametrize(("dimension", "components"), [(1, 2), (3, 4), (100, 10)])
def test_log_prob_of_mixture(dimension, components):
    from tensorflow_probability import distributions as tfd

    prior = priors.Mixture(dimension, components)
    law = tfd.MixtureSameFamily(
        tfd.Categorical(tf.zeros([components], tf.float64)),
        tfd.MultivariateNormalDiag(
            tf.constant(prior.centers, tf.float64),
            tf.fill([dimension], tf.sqrt(tf.constant(0.5, tf.float64))),
        ),
    )
    z = np.random.default_rng(0).normal(0, 2, (20, dimension)).astype(np.float32)
    z[:2] = prior.centers[:2]
    z[2] = 1e4
    np.testing.assert_allclose(prior.log_prob(z), law.log_prob(z.astype(np.float64)), rtol=2e-6)


def test_centers_of_a_mixture():
    """Their mean is exactly 0, and they share out half of each dimension's variance."""
    centers = priors.Mixture(100).centers
    assert centers.shape == (10, 100)
    np.testing.assert_array_equal(centers[5:], -centers[:5])
    np.testing.assert_allclose(centers**2, 0.5, rtol=1e-6)
    assert len(np.unique(centers, axis=0)) == 10
    # Signs by hand: the top bit of SplitMix64's outputs, whose first from 0 is published.
    signs = [word >> 63 for word in splitmix64(0, 6)]
    np.testing.assert_array_equal(priors.Mixture(3, 4).centers[:2].ravel() < 0, signs)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(priors.Mixture(3, components=4))
    )
    np.testing.assert_array_equal(again.centers, priors.Mixture(3, 4).centers)
    assert repr(again) == "Mixture(3, components=4)"


def splitmix64(state, n):
    """Steele, Lea and Flood 2014, in Python's integers."""
    words = []
    for _ in range(n):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        x = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
        words.append(x ^ (x >> 31))
    return words


def test_each_normal_of_a_mixture_is_drawn_alike():
    prior = priors.Mixture(50, 6)
    z = prior.sample(6000, seed=2).numpy()
    # In 50 dimensions the normals lie so far apart that the nearest center is a latent's own.
    squares = ((z[:, None] - prior.centers) ** 2).sum(-1)
    counts = np.bincount(squares.argmin(axis=1), minlength=6)
    assert 0.001 < scipy.stats.chisquare(counts).pvalue < 0.999
    within = z - prior.centers[squares.argmin(axis=1)]
    assert scipy.stats.kstest(within.ravel(), scipy.stats.norm(0, 0.5**0.5).cdf).pvalue > 0.001


@pytest.mark.parametrize("components", [0, 3, -2, 2.0, True, None])
def test_components_of_a_mixture_are_even(components):
    with pytest.raises(InputError, match=f"{components!r}"):
        priors.Mixture(5, components)


def density(prior, *coordinates):
    return np.exp(float(prior.log_prob(np.array([coordinates], np.float32))[0]))


def test_densities_integrate_to_one():
    a = np.sqrt(3)
    total, _ = scipy.integrate.quad(lambda z: density(priors.Uniform(1), z), -2, 2, points=[-a, a])
    assert total == pytest.approx(1, abs=1e-5)
    axis = np.linspace(-7, 7, 141)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2).astype(np.float32)
    for prior in (priors.Normal(2), priors.Mixture(2)):
        total = np.exp(prior.log_prob(grid)).sum() * 0.1**2
        assert total == pytest.approx(1, abs=1e-5)

    def on_sphere(polar, azimuth):
        ring = np.sin(polar)
        at = ring * np.cos(azimuth), ring * np.sin(azimuth), np.cos(polar)
        return density(priors.Spherical(3), *at) * ring

    total, _ = scipy.integrate.nquad(on_sphere, [(0, np.pi), (0, 2 * np.pi)], opts={"epsabs": 1e-4})
    assert total == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("prior", [kind(5) for kind in ALL], ids=repr)
def test_moments(prior):
    z = prior.sample(20_000, seed=4).numpy().astype(np.float64)
    variance = 1 / 5 if isinstance(prior, priors.Spherical) else 1.0
    # Fourth moments: 9/5 uniform, 3 normal, 3 / (d (d + 2)) a coordinate on the sphere; with
    # halves of the variance within and between, 1/4 + 6/4 + 3/4.
    fourth = {"Uniform": 9 / 5, "Normal": 3, "Spherical": 3 / 35, "Mixture": 5 / 2}
    fourth = fourth[type(prior).__name__]
    expected = variance * np.eye(5)
    if isinstance(prior, priors.Mixture):
        expected = np.eye(5) / 2 + prior.centers.T @ prior.centers / len(prior.centers)
        np.testing.assert_allclose(np.diag(expected), 1, rtol=1e-6)
    n = len(z)
    assert z.dtype == np.float64
    assert np.abs(z.mean(0)).max() < 4 * (variance / n) ** 0.5
    covariance = z.T @ z / n
    tolerance = 4 * ((fourth - variance**2) / n) ** 0.5
    np.testing.assert_allclose(covariance, expected, rtol=0, atol=tolerance)
    np.testing.assert_allclose((z**4).mean(0), fourth, rtol=0.1)


def test_marginals():
    """A coordinate of a point on the sphere: (1 + z) / 2 follows a beta law."""
    a, b = np.sqrt(3), np.sqrt(0.5)
    sides = [scipy.stats.Normal(mu=mu, sigma=b) for mu in (-b, b)]
    laws = {
        priors.Uniform: scipy.stats.uniform(-a, 2 * a),
        priors.Normal: scipy.stats.norm,
        priors.Spherical: scipy.stats.beta(3.5, 3.5, loc=-1, scale=2),
        priors.Mixture: scipy.stats.Mixture(sides),
    }
    assert set(laws) == set(ALL)
    for kind, law in laws.items():
        z = kind(8).sample(2000, seed=1).numpy()
        assert 0.001 < scipy.stats.kstest(z[:, 2], law.cdf).pvalue < 0.999


@pytest.mark.parametrize("dimension", [1, 2, 100])
def test_spherical_lies_on_the_sphere(dimension):
    z = priors.Spherical(dimension).sample(1000).numpy()
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=3e-7)
    assert np.isfinite(priors.Spherical(dimension).log_prob(z)).all()
    if dimension == 1:
        assert 450 < (z > 0).sum() < 550


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1.0, 1e20, 3e38])
def test_any_latents_are_projected_to_the_sphere(size):
    found = priors.Spherical(3).project(tf.constant([[size, 0.0, -size], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(found, [[0.5**0.5, 0, -(0.5**0.5)], [0, 0, 0]], rtol=1e-6)


@pytest.mark.parametrize("kind", ALL)
def test_extreme_bits_give_latents_of_the_support(kind):
    words = kind(2).words
    bits = tf.constant([[0] * 3, [2**32 - 1] * 3, [2**31, 2**31 - 1, 0]], tf.uint32)[:, :words]
    z = kind(2).from_bits(bits)
    assert z.dtype == tf.float32
    assert np.isfinite(z).all()
    assert np.isfinite(kind(2).log_prob(z)).all()


@pytest.mark.parametrize("kind", ALL)
def test_sample_and_draw_are_one_definition(kind):
    prior = kind(6)
    z = prior.sample(9, seed=3).numpy()
    assert z.shape == (9, 6)
    np.testing.assert_array_equal(prior.sample(4, seed=3), z[:4])
    np.testing.assert_array_equal(prior.draw(RowDraws(row_seeds(3, 9))), z)
    assert np.abs(prior.sample(9, seed=4) - z).min() > 0
    draws = [StepDraws(3, step, 0, Purpose.LATENTS, 0, 9) for step in (0, 0, 1)]
    once, again, later = (prior.draw(d).numpy() for d in draws)
    np.testing.assert_array_equal(once, again)
    assert np.abs(later - once).min() > 0


@pytest.mark.parametrize("kind", ALL)
def test_serialisation(kind):
    config = keras.saving.serialize_keras_object(kind(7))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is kind
    assert again.get_config()["dimension"] == 7
    assert again.get_config() == kind(7).get_config()
    assert repr(again) == repr(kind(7))
    assert repr(again).startswith(f"{kind.__name__}(7")


@pytest.mark.parametrize("dimension", [0, -3, 2.0, True, "2", None])
def test_dimension_is_a_positive_int(dimension):
    with pytest.raises(InputError, match=f"{dimension!r}"):
        priors.Uniform(dimension)
