"""Layers against NumPy, inside a GAN's draws and outside."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from small import MODES, modes, numbers

from keras_gan import InputError, layers
from keras_gan.core.randomness import Purpose, RowDraws, StepDraws, drawing_from, normal, row_seeds


def gradient_of(function, mode, x, upstream):
    """Output and gradient of a layer, for an upstream gradient."""

    @MODES[mode]
    def both(x, upstream):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return y, tape.gradient(y, x, upstream)

    y, gradient = both(tf.constant(x), tf.constant(upstream))
    return y.numpy(), gradient.numpy()


def step_draws(rows=4, first_row=0, step=3):
    return StepDraws(7, step, 0, Purpose.GENERATOR, first_row, rows)


def reloaded(layer):
    """The layer made anew from its configuration."""
    return keras.layers.deserialize(keras.layers.serialize(layer))


# ------------------------------------------------------------------------------ Maxout


@modes
@pytest.mark.parametrize("shape", [(5, 6), (2, 3, 4, 12)])
@pytest.mark.parametrize("pieces", [2, 3])
def test_maxout(shape, pieces, mode):
    x, units = numbers(shape), shape[-1] // pieces
    upstream = numbers((*shape[:-1], units), seed=1)
    y, gradient = gradient_of(layers.Maxout(pieces), mode, x, upstream)
    by_piece = np.stack([x[..., j * units : (j + 1) * units] for j in range(pieces)])
    np.testing.assert_array_equal(y, by_piece.max(0))
    expected = np.where(by_piece == by_piece.max(0), upstream, 0)
    np.testing.assert_array_equal(gradient, np.concatenate(expected, axis=-1))


@modes
def test_maxout_shares_a_gradient_among_pieces_that_tie(mode):
    x = np.array([[1.0, 5, 1, 2, 0, 5]], np.float32)  # pieces (1, 1, 0) and (5, 2, 5)
    y, gradient = gradient_of(layers.Maxout(3), mode, x, np.array([[4.0, 6]], np.float32))
    np.testing.assert_array_equal(y, [[1, 5]])
    np.testing.assert_array_equal(gradient, [[2, 3, 2, 0, 0, 3]])


@modes
def test_maxout_has_second_gradients(mode):
    """As a penalty on gradients needs: d/dx |d/dx sum m(x^2)^2|^2, by central differences."""
    layer = layers.Maxout(3)
    x = numbers((4, 6), dtype=np.float64)

    @MODES[mode]
    def penalty_gradient(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(layer(x * x) ** 2)
            penalty = tf.reduce_sum(inner.gradient(y, x) ** 2)
        return outer.gradient(penalty, x)

    def penalty(x):  # with w the winner of a unit: d/dw w^4 = 4 w^3
        pieces = x.reshape(4, 3, 2)
        winner = np.take_along_axis(pieces, np.abs(pieces).argmax(1)[:, None], 1)
        return np.sum((4 * winner**3) ** 2)

    expected = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-6
        expected[at] = (penalty(x + step) - penalty(x - step)) / 2e-6
    found = penalty_gradient(tf.constant(x, tf.float32))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_maxout_in_networks():
    unknown_sides = keras.Input((None, None, 6))
    model = keras.Model(unknown_sides, layers.Maxout(2)(unknown_sides))
    assert model.output_shape == (None, None, None, 3)
    assert model.predict(numbers((2, 4, 5, 6)), verbose=0).shape == (2, 4, 5, 3)
    assert layers.Maxout(2)(np.zeros((0, 6), np.float32)).shape == (0, 3)
    half = layers.Maxout(2, dtype="mixed_bfloat16")(numbers((2, 6)))
    assert half.dtype == tf.bfloat16
    assert reloaded(layers.Maxout(4)).pieces == 4


def test_maxout_refuses():
    with pytest.raises(InputError, match="pieces"):
        layers.Maxout(1)
    for shape in ((2, 7), (2, None)):
        with pytest.raises(InputError, match="pieces"):
            layers.Maxout(3).build(shape)


# ----------------------------------------------------------------------------- Dropout


@modes
@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9, 1e-12])
def test_dropout_keeps_scales_and_sends_gradients_alike(rate, mode):
    shape = (40, 10, 50)
    x, upstream = numbers(shape) + 5, numbers(shape, seed=1)

    layer = layers.Dropout(rate)

    def dropped(x):
        with drawing_from(step_draws(40)):
            return layer(x, training=True)

    y, gradient = gradient_of(dropped, mode, x, upstream)
    kept = y != 0
    np.testing.assert_allclose(y, np.where(kept, x / (1 - rate), 0), rtol=1e-6)
    np.testing.assert_allclose(gradient, np.where(kept, upstream / (1 - rate), 0), rtol=1e-6)
    test = scipy.stats.binomtest(int(kept.sum()), kept.size, 1 - rate)
    assert test.pvalue > 1e-3
    rows = kept.reshape(-1, 50).mean(0)
    assert np.abs(rows - (1 - rate)).max() < 4.5 * (rate * (1 - rate) / 400) ** 0.5 + 1e-9


def test_dropout_depends_on_the_draws_alone():
    x = np.ones((8, 30), np.float32)
    one, other = layers.Dropout(0.5, seed=1), layers.Dropout(0.5, seed=2)

    def drop(layer, draws, x=x):
        with drawing_from(draws):
            return layer(x, training=True).numpy()

    whole = drop(one, step_draws(8))
    np.testing.assert_array_equal(whole, drop(one, step_draws(8)))
    np.testing.assert_array_equal(whole, drop(other, step_draws(8)))
    parts = [drop(one, step_draws(4, first_row=row), x[:4]) for row in (0, 4)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert (whole[:4] != whole[4:]).any()
    assert (whole != drop(one, step_draws(8, step=4))).any()
    with drawing_from(step_draws(8)):
        twice = [one(x, training=True).numpy() for _ in range(2)]
    assert (twice[0] != twice[1]).any()


def test_dropout_of_bfloat16_drops_the_same():
    x = numbers((4, 100)) + 5
    found = []
    for policy in ("float32", "mixed_bfloat16"):
        with drawing_from(step_draws()):
            found.append(layers.Dropout(0.3, dtype=policy)(x, training=True))
    full, half = found
    assert half.dtype == tf.bfloat16
    np.testing.assert_array_equal(full.numpy() == 0, tf.cast(half, tf.float32).numpy() == 0)
    np.testing.assert_allclose(tf.cast(half, tf.float32), full, rtol=0.02)


def test_dropout_of_folded_rows_is_refused():
    words, folded = "each of the 2 rows", np.ones((6, 4), np.float32)
    with drawing_from(RowDraws(np.arange(2))), pytest.raises(InputError, match=words):
        layers.Dropout(0.5)(folded, training=True)


@pytest.mark.parametrize("make", [layers.Dropout, layers.GaussianNoise])
def test_noise_is_active_in_training_or_if_it_is_for_sampling(make):
    x = np.ones((4, 30), np.float32)
    quiet, sampling = make(0.5), make(0.5, sampling=True)
    with drawing_from(RowDraws(row_seeds(0, 4))):
        for layer, training, active in (
            (quiet, False, False),
            (quiet, True, True),
            (sampling, False, True),
            (sampling, True, True),
        ):
            assert (layer(x, training=training).numpy() != x).any() == active
        np.testing.assert_array_equal(make(0.0)(x, training=True), x)


@pytest.mark.parametrize("make", [layers.Dropout, layers.GaussianNoise])
def test_noise_outside_a_gan_comes_from_the_layers_seed(make):
    x = np.ones((4, 30), np.float32)

    def calls(layer):
        return [layer(x, training=True).numpy() for _ in range(3)]

    found = calls(make(0.5, seed=3))
    again = calls(make(0.5, seed=3))
    np.testing.assert_array_equal(found, again)
    others = [*found, *calls(make(0.5, seed=4)), *calls(make(0.5)), *calls(make(0.5))]
    assert len({other.tobytes() for other in others}) == 12
    loaded = reloaded(make(0.5, sampling=True, seed=3, name="own"))
    assert loaded.get_config() == make(0.5, sampling=True, seed=3, name="own").get_config()
    np.testing.assert_array_equal(calls(loaded), found)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, np.nan])
def test_dropout_refuses(rate):
    with pytest.raises(InputError, match="rate"):
        layers.Dropout(rate)


# ---------------------------------------------------------------------- GaussianNoise


@modes
def test_gaussian_noise_adds_normal_numbers(mode):
    x, upstream = numbers((40, 50)), numbers((40, 50), seed=1)

    layer = layers.GaussianNoise(0.3)

    def noisy(x):
        with drawing_from(step_draws(40)):
            return layer(x, training=True)

    y, gradient = gradient_of(noisy, mode, x, upstream)
    expected = x + 0.3 * normal(step_draws(40).bits([50])).numpy()
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(gradient, upstream)
    assert scipy.stats.kstest((y - x).ravel() / 0.3, "norm").pvalue > 1e-3


def test_gaussian_noise_of_bfloat16():
    x = np.zeros((4, 50), np.float32)
    with drawing_from(step_draws()):
        half = layers.GaussianNoise(0.3, dtype="mixed_bfloat16")(x, training=True)
    assert half.dtype == tf.bfloat16
    expected = 0.3 * normal(step_draws().bits([50])).numpy()
    np.testing.assert_allclose(tf.cast(half, tf.float32), expected, rtol=0.01)


@pytest.mark.parametrize("stddev", [-0.1, np.nan, np.inf])
def test_gaussian_noise_refuses(stddev):
    with pytest.raises(InputError, match="stddev"):
        layers.GaussianNoise(stddev)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: layers.OneHot("3"), "`count`"),
        (lambda: layers.LearnedBasis(4, 0), "`width`"),
        (lambda: layers.SpectralNorm(keras.layers.Dense(2), epsilon=-1.0), "`epsilon`"),
    ],
)
def test_wrong_sizes_are_refused(make, name):
    with pytest.raises(InputError, match=name):
        make()


# ------------------------------------------------------------------ PartialMaxPooling2D


def pooled(x, size, strides):
    """The maxima, and how often each element is one; the last window reaches the edge or beyond."""
    starts = []
    for length in x.shape[1:3]:
        count = max(math.ceil((length - size) / strides), 0) + 1
        starts.append([i * strides for i in range(count)])
        assert starts[-1][-1] < length <= starts[-1][-1] + size
    y = np.empty((len(x), len(starts[0]), len(starts[1]), x.shape[-1]), x.dtype)
    gradient = np.zeros_like(x)
    for n, i, j, c in np.ndindex(y.shape):
        top, left = starts[0][i], starts[1][j]
        window = x[n, top : top + size, left : left + size, c]
        row, column = np.unravel_index(window.argmax(), window.shape)
        y[n, i, j, c] = window.max()
        gradient[n, top + row, left + column, c] += 1
    return y, gradient


@pytest.mark.parametrize(
    ("sides", "size", "strides", "expected"),
    [
        ((33, 33), 4, 2, (16, 16)),
        ((15, 15), 4, 2, (7, 7)),
        ((9, 9), 2, 2, (5, 5)),
        ((8, 5), 3, 2, (4, 2)),
        ((4, 4), 4, 2, (1, 1)),
        ((3, 1), 4, 2, (1, 1)),
        ((5, 7), 1, 1, (5, 7)),
    ],
)
def test_partial_pooling(sides, size, strides, expected):
    check_pooling("graph", sides, size, strides, expected)


@pytest.mark.parametrize("mode", ["eager", "xla"])
def test_partial_pooling_in_other_modes(mode):
    check_pooling(mode, (9, 6), 4, 2, (4, 2))


def check_pooling(mode, sides, size, strides, expected):
    x = numbers((2, *sides, 3)) - 10  # what lies beyond the edge must never win
    layer = layers.PartialMaxPooling2D(size, strides)
    assert layer.compute_output_shape(x.shape) == (2, *expected, 3)
    y, gradient = gradient_of(layer, mode, x, np.ones((2, *expected, 3), np.float32))
    by_loop, winners = pooled(x, size, strides)
    np.testing.assert_array_equal(y, by_loop)
    np.testing.assert_array_equal(gradient, winners)


def test_partial_pooling_of_bfloat16():
    x = numbers((2, 5, 5, 3))
    half = layers.PartialMaxPooling2D(2, 2, dtype="mixed_bfloat16")(x)
    assert half.dtype == tf.bfloat16
    rounded = tf.cast(tf.cast(x, tf.bfloat16), tf.float32).numpy()
    np.testing.assert_array_equal(tf.cast(half, tf.float32), pooled(rounded, 2, 2)[0])


def test_partial_pooling_in_networks():
    images = keras.Input((9, 6, 2))
    layer = layers.PartialMaxPooling2D(3, 2, name="own")
    assert keras.Model(images, layer(images)).output_shape == (None, 4, 3, 2)
    assert reloaded(layer).get_config() == layer.get_config()


@pytest.mark.parametrize(("size", "strides"), [(2, 3), (2, 0), (0, 0), (2, "a")])
def test_partial_pooling_refuses(size, strides):
    with pytest.raises(InputError, match="strides"):
        layers.PartialMaxPooling2D(size, strides)


# -------------------------------------------------------------------------- UntiedBias


def test_untied_bias():
    layer = layers.UntiedBias()
    x = numbers((5, 3, 4, 2))
    np.testing.assert_array_equal(layer(x), x)
    assert layer.count_params() == 24
    bias = numbers((3, 4, 2), seed=1)
    layer.set_weights([bias])
    np.testing.assert_allclose(layer(x), x + bias, rtol=1e-6)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) * x)
    (gradient,) = tape.gradient(loss, layer.trainable_variables)
    np.testing.assert_allclose(gradient, x.sum(0), rtol=1e-5, atol=1e-6)
    half = layers.UntiedBias(dtype="mixed_bfloat16")
    assert half(x).dtype == tf.bfloat16
    assert half.bias.dtype == "float32"
    assert half.compute_output_shape(x.shape) == x.shape


# --------------------------------------------------------------------- WeightNormDense


def weight_norm(units=3, inputs=5, **arguments):
    layer = layers.WeightNormDense(units, **arguments)
    layer.build((None, inputs))
    direction, scale = numbers((inputs, units), 1), np.abs(numbers(units, 2))
    layer.direction.assign(direction)
    layer.scale.assign(scale)
    layer.bias.assign(numbers(units, 3))
    return layer, direction, scale, numbers(units, 3)


@modes
def test_weight_norm_and_its_gradients(mode):
    layer, direction, scale, bias = weight_norm()
    x, upstream = numbers((7, 5)), numbers((7, 3), seed=4)

    @MODES[mode]
    def both(x, upstream):
        with tf.GradientTape() as tape:
            y = layer(x)
        return y, tape.gradient(y, layer.trainable_variables, upstream)

    y, (of_direction, of_scale, of_bias) = both(tf.constant(x), tf.constant(upstream))
    norm = np.linalg.norm(direction, axis=0)
    np.testing.assert_allclose(y, x @ (scale * direction / norm) + bias, rtol=1e-4, atol=1e-5)
    # Equation 3 of Salimans and Kingma 2016.
    of_kernel = x.T @ upstream
    wanted = (of_kernel * direction).sum(0) / norm
    np.testing.assert_allclose(of_scale, wanted, rtol=1e-4, atol=1e-5)
    wanted = scale / norm * of_kernel - scale * wanted / norm**2 * direction
    np.testing.assert_allclose(of_direction, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(of_bias, upstream.sum(0), rtol=1e-4, atol=1e-5)


def test_weight_norm_starts_from_data():
    layer, *_ = weight_norm(train_scale=False)
    x = 3 + 2 * numbers((500, 5), seed=5)
    x[:, 4] = 1
    layer.direction.assign(np.where(np.arange(3) == 1, np.eye(5)[4][:, None], layer.direction))
    constant = layer.scale.numpy()[1]
    layer.normalize_on(x)
    y = layer(x).numpy()
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(0), [1, 0, 1], atol=1e-4)
    assert layer.scale.numpy()[1] == constant
    assert [w.path.split("/")[-1] for w in layer.trainable_weights] == ["direction", "bias"]


def test_weight_norm_in_networks():
    layer, *_, bias = weight_norm(activation="relu", dtype="mixed_float16")
    layer.direction.assign(1e-4 * layer.direction)  # whose squares vanish in half precision
    x = numbers((4, 2, 5))
    assert layer(x).dtype == tf.float16
    assert layer.compute_output_shape(x.shape) == layer(x).shape == (4, 2, 3)
    wanted = np.maximum(x @ layer.kernel.numpy() + bias, 0)
    np.testing.assert_allclose(layer(x), wanted, rtol=1e-2, atol=1e-2)
    again = reloaded(layer)
    assert (again.units, again.train_scale) == (3, True)
    assert again.activation is keras.activations.relu
    zero = layers.WeightNormDense(2, kernel_initializer="zeros")
    np.testing.assert_array_equal(zero(numbers((3, 5))), 0)


# ------------------------------------------------------------------------- outside a GAN


def test_layers_train_in_any_keras_model_and_load_in_safe_mode(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((9, 9, 1)),
            layers.GaussianNoise(0.1, seed=1),
            layers.Dropout(0.2, seed=2),
            keras.layers.Conv2D(4, 1, kernel_initializer=keras.initializers.GlorotUniform(seed=3)),
            layers.Maxout(2),
            layers.PartialMaxPooling2D(2, 2),
            layers.UntiedBias(),
            keras.layers.Flatten(),
            layers.WeightNormDense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=4)),
        ]
    )
    model.compile("sgd", "mse")
    x = numbers((32, 9, 9, 1))
    y = x.mean((1, 2))
    history = model.fit(x, y, epochs=3, batch_size=8, verbose=0, shuffle=False)
    assert history.history["loss"][-1] < history.history["loss"][0]
    before = model.predict(x, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), before)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), before, rtol=1e-6)
