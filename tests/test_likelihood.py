"""The paper's protocol, and what tells how far to trust it."""

import dataclasses
import json

import numpy as np
import pytest
import small
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from sklearn.datasets import load_digits

from keras_gan import InputError, data
from keras_gan.evaluation.likelihood import (
    ParzenSettings,
    log_likelihood,
    log_likelihood_over_folds,
)
from keras_gan.evaluation.likelihood.reliability import (
    error_on_gaussians,
    kmeans_centroids,
    sanity_rows,
    spread_over_sets,
)

PROTOCOL = ParzenSettings(samples=600, validation=150)


@pytest.fixture(scope="module")
def digits():
    """800 samples, 200 validation and 300 test images, [n, 8, 8] in [0, 1]."""
    images = (load_digits().images / 16).astype(np.float32)
    return images[:800], images[800:1000], images[1000:1300]


@pytest.fixture(scope="module")
def mnist(needs_mnist):
    """Training, validation and test images, floats in [0, 1]."""
    splits = data.load("mnist", data_dir=needs_mnist)
    parts = (splits.train, splits.validation, splits.test)
    return [(part.x / np.float32(255)).astype(np.float32) for part in parts]


def log_densities(points, samples, sigma):
    points, samples = (rows.reshape(len(rows), -1).astype(np.float64) for rows in (points, samples))
    exponents = -cdist(points, samples, "sqeuclidean") / (2 * sigma**2)
    volume = points.shape[1] / 2 * np.log(2 * np.pi * sigma**2)
    return logsumexp(exponents, axis=1) - np.log(len(samples)) - volume


def test_follows_the_protocol(digits):
    samples, validation, test = digits
    result = log_likelihood(samples, validation, test, protocol=PROTOCOL, seed=3)
    grid = np.logspace(-1, 0, 10)
    scores = [log_densities(validation[:150], samples[:600], sigma).mean() for sigma in grid]
    best = grid[np.argmax(scores)]
    values = log_densities(test, samples[:600], best)
    np.testing.assert_allclose(result.grid, grid)
    np.testing.assert_allclose(result.validation_means, scores, rtol=1e-6, atol=1e-3)
    assert result.bandwidth == pytest.approx(best)
    assert result.validation_mean == pytest.approx(max(scores), abs=1e-3)
    assert result.mean == pytest.approx(values.mean(), abs=1e-3)
    assert result.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(300), rel=1e-4)
    assert (result.samples, result.validation, result.test) == (600, 150, 300)
    assert (result.dimension, result.seed, result.at_edge) == (64, 3, False)
    assert result.refined is None


def test_the_paper_s_protocol_is_the_default():
    protocol = ParzenSettings()
    assert (protocol.samples, protocol.validation, protocol.refine) == (10_000, 1_000, False)
    np.testing.assert_allclose(protocol.grid, np.logspace(-1, 0, 10))


def test_all_of_the_validation_set(digits):
    protocol = dataclasses.replace(PROTOCOL, validation=None)
    assert log_likelihood(*digits, protocol=protocol).validation == 200


def test_result_is_json(digits):
    protocol = dataclasses.replace(PROTOCOL, refine=True)
    result = dataclasses.asdict(log_likelihood(*digits, protocol=protocol))
    assert json.loads(json.dumps(result)) == {**result, "grid": list(result["grid"])} | {
        "validation_means": list(result["validation_means"])
    }


@pytest.mark.parametrize(
    ("grid", "edge"), [((0.3, 0.5, 0.9), "smallest"), ((0.02, 0.05, 0.1), "largest")]
)
def test_warns_when_the_best_bandwidth_is_an_end_of_the_grid(digits, grid, edge):
    protocol = dataclasses.replace(PROTOCOL, grid=grid)
    with pytest.warns(UserWarning, match=f"is the {edge} of the grid.*{grid[0]} to {grid[2]}"):
        result = log_likelihood(*digits, protocol=protocol)
    assert result.at_edge
    assert result.bandwidth == grid[0 if edge == "smallest" else 2]


def test_a_fixed_bandwidth_is_no_edge(digits):
    result = log_likelihood(*digits, protocol=dataclasses.replace(PROTOCOL, grid=(0.2,)))
    assert not result.at_edge
    assert result.mean == pytest.approx(
        log_densities(digits[2], digits[0][:600], 0.2).mean(), abs=1e-3
    )


def test_refinement_stands_beside_the_protocol(digits):
    plain = log_likelihood(*digits, protocol=PROTOCOL)
    both = log_likelihood(*digits, protocol=dataclasses.replace(PROTOCOL, refine=True))
    refined = both.refined
    assert dataclasses.replace(both, refined=None) == plain
    assert plain.validation_mean < refined.validation_mean < plain.validation_mean + 2
    assert 0.1 < refined.bandwidth < 0.22
    expected = log_densities(digits[2], digits[0][:600], refined.bandwidth).mean()
    assert refined.mean == pytest.approx(expected, abs=1e-3)


def test_folds_have_bandwidths_of_their_own(digits):
    samples, validation, test = digits
    folds = [(validation[i::3], test[i::3]) for i in range(3)]
    protocol = ParzenSettings(samples=600, validation=None)
    result = log_likelihood_over_folds(samples, folds, protocol=protocol)
    alone = [log_likelihood(samples, *fold, protocol=protocol) for fold in folds]
    means = np.array([fold.mean for fold in alone])
    assert result.folds == tuple(alone)
    assert result.mean == pytest.approx(means.mean())
    assert result.standard_error == pytest.approx(means.std(ddof=1) / np.sqrt(3))
    with pytest.raises(InputError, match="at least two folds"):
        log_likelihood_over_folds(samples, folds[:1], protocol=protocol)


def test_spread_over_independent_sets(digits):
    images, validation, test = digits

    def draw(seed):
        return images[np.random.default_rng(seed).permutation(len(images))[:600]]

    result = spread_over_sets(draw, validation, test, protocol=PROTOCOL)
    means = [
        log_likelihood(draw(seed), validation, test, protocol=PROTOCOL).mean for seed in range(5)
    ]
    assert [member.seed for member in result.sets] == [0, 1, 2, 3, 4]
    assert result.mean == pytest.approx(np.mean(means))
    assert result.standard_deviation == pytest.approx(np.std(means, ddof=1))
    assert 0.01 < result.standard_deviation < 2
    for seeds in (range(4), [1, 2, 3, 4, 4]):
        with pytest.raises(InputError, match="at least 5 and all different"):
            spread_over_sets(draw, validation, test, seeds=seeds, protocol=PROTOCOL)


def test_error_grows_with_the_dimension():
    """From hundredths of a nat in one dimension to more than 200 in 784, always too low."""
    results = error_on_gaussians((1, 10, 100, 784))
    assert [result.dimension for result in results] == [1, 10, 100, 784]
    errors = [result.error for result in results]
    bounds = [(-0.02, 0.01), (-0.5, -0.2), (-20, -14), (-225, -205)]
    for error, (low, high) in zip(errors, bounds, strict=True):
        assert low < error < high
    for result in results:
        entropy = result.dimension / 2 * np.log(2 * np.pi * np.e)
        assert result.exact == pytest.approx(-entropy, abs=4 * np.sqrt(result.dimension / 2000))
        assert result.estimate.mean == pytest.approx(result.exact + result.error)
        assert not result.estimate.at_edge


def test_sanity_rows_state_how_many_the_set_could_give(digits):
    train, validation, test = digits
    rows = sanity_rows(train, validation, test, protocol=ParzenSettings(validation=None), seed=5)
    assert rows["training images"].samples == 800
    assert rows["k-means centroids"].samples == 160
    expected = log_likelihood(train, validation, test, protocol=ParzenSettings(800, None)).mean
    assert rows["training images"].mean == pytest.approx(expected, abs=1e-3)
    fewer = sanity_rows(train, validation, test, protocol=ParzenSettings(100, None), seed=5)
    assert [row.samples for row in fewer.values()] == [100, 100]
    assert [row.seed for row in fewer.values()] == [5, 5]


def test_kmeans_centroids(digits):
    train = digits[0].reshape(800, 64)
    kept = kmeans_centroids(train[:50], 50)
    np.testing.assert_allclose(np.sort(kept, axis=0), np.sort(train[:50], axis=0), atol=1e-6)
    centroids = kmeans_centroids(digits[0], 100, iterations=30, seed=1)
    nearest = cdist(train, centroids).argmin(axis=1)
    means = [train[nearest == index].mean(axis=0) for index in range(100)]
    np.testing.assert_allclose(centroids, means, atol=1e-5)  # Lloyd's fixed point
    np.testing.assert_array_equal(
        centroids, kmeans_centroids(digits[0], 100, iterations=30, seed=1)
    )
    assert kmeans_centroids(np.zeros([20, 3], np.float32), 5).shape == (5, 3)  # without a warning
    with pytest.raises(InputError, match="`train` must hold at least 900 examples"):
        kmeans_centroids(train, 900)


def test_a_strategy_s_devices_share_the_points(digits):
    count = 7  # the devices cannot have equal parts
    samples, validation, test = digits
    strategy = small.devices()
    alone = log_likelihood(samples, validation, test[:count], protocol=PROTOCOL)
    shared = log_likelihood(samples, validation, test[:count], protocol=PROTOCOL, strategy=strategy)
    assert shared.mean == pytest.approx(alone.mean, abs=1e-4)
    assert shared.bandwidth == alone.bandwidth
    np.testing.assert_allclose(shared.validation_means, alone.validation_means, atol=1e-4)


def test_reports_progress(digits):
    seen = []

    def track(sequence, description):
        seen.append((description, len(sequence)))
        return sequence

    log_likelihood(*digits, protocol=PROTOCOL, track=track, label="model")
    assert seen == [("model, bandwidth", 1), ("model, test examples", 1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, v, t: (s[:599], v, t), r"`samples` must hold at least 600 .*\(599, 8, 8\)"),
        (lambda s, v, t: (s, v[:0], t), r"`validation` must hold at least 150 .*\(0, 8, 8\)"),
        (lambda s, v, t: (s, v, t[:0]), "`test` must hold at least 1"),
        (lambda s, v, t: (s, v[:, :7], t), "`validation` must hold examples of 64 numbers"),
        (lambda s, v, t: (s, v, t[:, :, 1:]), "`test` must hold examples of 64 numbers"),
        (lambda s, v, t: (s, v, t.astype(float) * 1e39), "`test` holds NaN .* or some beyond"),
        (lambda s, v, t: (s, v * np.float32(1e20), t), "`validation` holds NaN .* beyond 1e.12"),
        (lambda s, v, t: (s * np.nan, v, t), "`samples` holds NaN .* first in example 0"),
        (lambda s, v, t: ((255 * s).astype(np.uint8), v, t), "`samples` must be floats.*uint8"),
    ],
)
def test_refuses_arrays(digits, change, message):
    with pytest.raises(InputError, match=message):
        log_likelihood(*change(*digits), protocol=PROTOCOL)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"samples": 0}, "`samples` must be an int >= 1. Received: 0"),
        ({"samples": 10.5}, "`samples` must be an int >= 1. Received: 10.5"),
        ({"validation": 0}, "`validation` must be an int >= 1"),
        ({"grid": ()}, "`grid` must hold bandwidths"),
        ({"grid": (0.1, 0.0)}, "`grid` must hold bandwidths"),
        ({"grid": (-0.1, 0.1)}, "`grid` must hold bandwidths"),
        ({"grid": (0.1, np.nan)}, "`grid` must hold bandwidths"),
        ({"grid": (0.2, 0.1)}, "`grid` must ascend"),
        ({"grid": (1e-20, 0.1)}, "`grid` must hold bandwidths from 1.1e-18 to"),
        ({"grid": (0.1, 1e20)}, "`grid` must hold bandwidths from 1.1e-18 to"),
    ],
)
def test_refuses_protocols(settings, message):
    with pytest.raises(InputError, match=message):
        ParzenSettings(**settings)


def test_mnist_training_images_get_243_nats(mnist):
    train, validation, test = mnist
    chosen = np.random.default_rng(0).choice(len(train), 10_000, replace=False)
    result = log_likelihood(train[chosen], validation, test)
    assert result.mean == pytest.approx(243, abs=4)
    assert result.standard_error == pytest.approx(2.1, abs=0.2)
    assert result.bandwidth == pytest.approx(0.167, abs=1e-3)
    assert (result.samples, result.validation, result.test) == (10_000, 1_000, 10_000)


def test_mnist_kmeans_centroids_get_far_more(mnist):
    """Of one Lloyd iteration; twelve reach 334.7."""
    train, validation, test = mnist
    result = log_likelihood(kmeans_centroids(train, 10_000, iterations=1), validation, test)
    assert result.mean == pytest.approx(333.7, abs=2)
    assert result.bandwidth == pytest.approx(0.167, abs=1e-3)
