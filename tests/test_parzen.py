"""The Parzen window against float64 references, in its values, derivatives and conventions."""

import resource

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, softmax

from keras_gan import InputError, ParzenWindow
from keras_gan.evaluation.likelihood import density

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
    centered = images - images.mean(axis=1, keepdims=True)
    return 55 * centered / np.linalg.norm(centered, axis=1, keepdims=True)


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


@pytest.mark.parametrize(
    "name", ["shifted by 10 and coincident", "contrast normalized and coincident"]
)
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


def mixture(centers, bandwidth):
    """The same distribution as tensorflow-probability builds it, for a batch of bandwidths."""
    sigma = tf.convert_to_tensor(bandwidth)
    shape = [*sigma.shape, *centers.shape]
    return tfp.distributions.MixtureSameFamily(
        tfp.distributions.Categorical(logits=tf.zeros(shape[:-1], centers.dtype)),
        tfp.distributions.MultivariateNormalDiag(
            tf.broadcast_to(centers, shape), tf.broadcast_to(sigma[..., None, None], shape)
        ),
    )


def small(centers=40, points=6, dimension=3):
    rng = np.random.default_rng(1)
    return rng.normal(size=(centers, dimension)), rng.normal(size=(points, dimension))


@pytest.mark.parametrize("name", ["coincident", "shifted by 10", "contrast normalized"])
def test_agrees_with_mixture_same_family(name):
    centers, points = (array[:20].astype(np.float64) for array in case(name))
    expected = mixture(centers, BANDWIDTHS.astype(np.float64)).log_prob(points[:, None, :])
    actual = log_prob(*(array.astype(np.float32) for array in (points, centers)), BANDWIDTHS)
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=0.01)
    double = log_prob(points, centers, BANDWIDTHS.astype(np.float64))
    np.testing.assert_allclose(double, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("batch", "shape"),
    [
        ([], [3]),
        ([], [5, 3]),
        ([], [2, 4, 3]),
        ([4], [3]),
        ([4], [4, 3]),
        ([4], [5, 1, 3]),
        ([4], [5, 4, 3]),
        ([2, 4], [3]),
        ([2, 4], [4, 3]),
        ([2, 4], [5, 1, 1, 3]),
        ([2, 4], [5, 2, 1, 3]),
        ([1], [5, 3]),
        ([4], [0, 1, 3]),
    ],
)
def test_shapes_broadcast_as_in_tfp(batch, shape):
    centers, _ = small()
    sigma = np.random.default_rng(2).uniform(0.3, 2, batch)
    points = np.random.default_rng(3).normal(size=shape)
    window, expected = ParzenWindow(centers, sigma), mixture(centers, sigma)
    assert window.batch_shape == expected.batch_shape == batch
    assert window.event_shape == expected.event_shape == [3]
    np.testing.assert_allclose(window.log_prob(points), expected.log_prob(points), rtol=1e-12)
    assert window.sample([7, 2], seed=1).shape == expected.sample([7, 2], seed=1).shape


@pytest.mark.parametrize(("points", "centers"), [(1, 1), (257, 1), (1, 1025), (600, 2500)])
def test_blocks_leave_no_trace(points, centers):
    centers, points = small(centers, points)
    np.testing.assert_allclose(
        log_prob(points, centers, [0.2, 1.0]), reference(points, centers, [0.2, 1.0]), rtol=1e-12
    )


def test_integrates_to_one():
    centers = np.random.default_rng(0).normal(size=(20, 1))
    grid = np.linspace(-9, 9, 20_001)
    for dtype, tolerance in (np.float64, 1e-9), (np.float32, 1e-5):
        window = ParzenWindow(centers.astype(dtype), [0.05, 0.3, 1.0])
        density = window.prob(grid[:, None, None].astype(dtype))
        np.testing.assert_allclose(np.trapezoid(density, grid, axis=0), 1, atol=tolerance)


def derivatives(distribution, *arguments):
    """First and second derivatives with respect to centers, bandwidths and points."""
    arguments = [tf.constant(array) for array in arguments]
    with tf.GradientTape() as second:
        second.watch(arguments)
        with tf.GradientTape() as first:
            first.watch(arguments)
            value = distribution(*arguments[:2]).log_prob(arguments[2])
            value = tf.reduce_sum(tf.sin(value))
        gradients = first.gradient(value, arguments)
        mixed = tf.add_n([tf.reduce_sum(tf.cos(3 * gradient)) for gradient in gradients])
    return [*gradients, *second.gradient(mixed, arguments)]


def test_derivatives_agree_with_mixture_same_family():
    centers, points = small(1100, 300)  # several blocks of both
    arguments = centers, np.array([0.4, 1.0]), points[:, None, :]
    actual, expected = (derivatives(kind, *arguments) for kind in (ParzenWindow, mixture))
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "name",
    [
        "coincident",
        "shifted by 10 and nearly coincident",
        "contrast normalized",
        "one constant image",
    ],
)
def test_float32_gradients_are_finite_and_right(name):
    centers, points = (array[:200] for array in case(name))
    sigma = np.array([0.05, 0.2, 1.0], np.float32)
    arguments = [tf.constant(array) for array in (points, centers, sigma)]
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        window = ParzenWindow(arguments[1], arguments[2])
        value = window.log_prob(arguments[0][:, None, :])
    actual = tape.gradient(value, arguments)

    x, c = points.astype(np.float64), centers.astype(np.float64)
    squares, variances = cdist(x, c, "sqeuclidean"), sigma.astype(np.float64) ** 2
    weights = [softmax(-squares / (2 * variance), axis=1) for variance in variances]
    force = sum(weight / variance for weight, variance in zip(weights, variances, strict=True))
    of_points = force @ c - force.sum(1, keepdims=True) * x
    of_centers = force.T @ x - force.sum(0)[:, None] * c
    of_sigma = [
        ((weight * squares).sum() / variance - points.size) / np.sqrt(variance)
        for weight, variance in zip(weights, variances, strict=True)
    ]
    for ours, expected in zip(actual, (of_points, of_centers, of_sigma), strict=True):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-3 * scale + 1e-2)


def test_memory_does_not_grow_with_points_times_centers():
    rows = np.random.default_rng(0).normal(size=(20_000, 2)).astype(np.float32)
    log_prob(rows[:10], rows[:10], [0.1])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert np.isfinite(log_prob(rows, rows, [0.1])).all()  # all distances: 1.6 GB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 * 1024  # KiB


def test_float64_products_where_the_device_would_round(monkeypatch):
    """A GPU with TF32 on: the products must not be left to it."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(64, 64)).astype(np.float32) for _ in range(2))
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["a"] * (kind == "GPU"))
    product = density._product(tf.constant(a), tf.constant(b))
    np.testing.assert_array_equal(product, (a.astype(np.float64) @ b).astype(np.float32))


def test_samples():
    rng = np.random.default_rng(0)
    centers, sigma = rng.normal(size=(5, 3)), np.array([0.2, 1.0])
    window = ParzenWindow(centers, sigma)
    drawn = window.sample(40_000, seed=(7, 0)).numpy()
    np.testing.assert_allclose(drawn.mean(0), window.mean(), atol=0.03)
    np.testing.assert_allclose(drawn.var(0), window.variance(), rtol=0.05)
    expected = mixture(centers, sigma)
    np.testing.assert_allclose(window.mean(), expected.mean(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(window.variance(), expected.variance(), rtol=1e-12)
    np.testing.assert_array_equal(drawn, window.sample(40_000, seed=(7, 0)))
    assert np.abs(drawn - window.sample(40_000, seed=(8, 0))).max() > 0.1
    nearest = cdist(drawn[:, 0], centers).argmin(1)
    np.testing.assert_allclose(np.bincount(nearest) / len(drawn), 0.2, atol=0.01)


def test_samples_are_smooth_in_the_bandwidth():
    """d/dsigma E|x|^2 = 2 d sigma, by differentiating through the samples."""
    sigma = tf.constant(0.5)
    with tf.GradientTape() as tape:
        tape.watch(sigma)
        drawn = ParzenWindow(np.zeros([3, 2], np.float32), sigma).sample(20_000, seed=1)
        square = tf.reduce_mean(tf.reduce_sum(drawn**2, axis=1))
    assert float(tape.gradient(square, sigma)) == pytest.approx(2 * 2 * 0.5, rel=0.03)


def test_keeps_the_conventions_of_a_distribution():
    centers, points = small()
    window = ParzenWindow(centers, [0.5, 1.0, 2.0])
    assert window.dtype == tf.float64
    assert window[1].batch_shape == []
    assert window.copy(bandwidth=1.0).batch_shape == []
    expected = window.log_prob(points[:, None])
    for jit_compile in (False, True):
        compiled = tf.function(window.log_prob, jit_compile=jit_compile)
        np.testing.assert_allclose(compiled(points[:, None]), expected, rtol=1e-12)
    open_batch = tf.function(
        window.log_prob, input_signature=[tf.TensorSpec([None, None, 3], tf.float64)]
    )
    np.testing.assert_allclose(open_batch(points[:, None]), expected, rtol=1e-12)


def test_variables_are_trained_in_place():
    centers, points = small()
    sigma = tf.Variable(0.5, dtype=tf.float64)
    window = ParzenWindow(tf.Variable(centers), sigma)
    assert len(window.trainable_variables) == 2
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(window.log_prob(points))
    assert all(gradient is not None for gradient in tape.gradient(loss, window.trainable_variables))
    sigma.assign(1.0)
    np.testing.assert_allclose(
        window.log_prob(points), ParzenWindow(centers, 1.0).log_prob(points), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("centers", "bandwidth", "message"),
    [
        (np.zeros([3, 28, 28], np.float32), 0.1, r"`centers` must be \[n, d\].*flatten"),
        (np.zeros([0, 2], np.float32), 0.1, "at least one center"),
        (np.zeros([3, 2], np.uint8), 0.1, "float32 or float64. Received: uint8"),
        (np.float32([[0, 1], [np.nan, 0]]), 0.1, "NaN or Inf in row 1"),
        (np.zeros([3, 2], np.float32), 0.0, "`bandwidth` must be > 0"),
        (np.zeros([3, 2], np.float32), [0.1, -1.0], "`bandwidth` must be > 0"),
        (np.zeros([3, 2], np.float32), np.nan, "`bandwidth` must be > 0"),
        (np.zeros([3, 2], np.float32), 1e-20, "`bandwidth` must be from 1.1e-18 .* in float32"),
        (np.zeros([3, 2], np.float32), 1e20, "`bandwidth` must be from 1.1e-18 .* in float32"),
    ],
)
def test_refuses(centers, bandwidth, message):
    with pytest.raises(InputError, match=message):
        ParzenWindow(centers, bandwidth)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([5, 1, 4], r"points must be \[..., 3\].*\(5, 1, 4\)"),
        ([], r"points must be \[..., 3\]"),
        ([5, 3], r"points\[:, None, :\]"),
    ],
)
def test_refuses_points(shape, message):
    with pytest.raises(InputError, match=message):
        ParzenWindow(np.zeros([2, 3], np.float32), [0.1, 1.0]).log_prob(np.zeros(shape, np.float32))
