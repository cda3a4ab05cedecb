"""Losses: values and gradients against float64 NumPy, and the released code's blend."""

from __future__ import annotations

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_gan import InputError, conditioning, losses
from keras_gan.core import randomness
from keras_gan.core.batches import DiscriminatorOutput

LOGITS = np.array([-1e4, -90.0, -20.0, -14.0, -1.5, -1e-3, 0.0, 0.3, 5.0, 14.0, 20.0, 90.0, 1e4])


def softplus(x):
    return np.logaddexp(0, np.asarray(x, np.float64))


def sigmoid(x):
    return np.exp(-softplus(-np.asarray(x, np.float64)))


def minus_one(x):
    return -np.ones_like(x)


def for_real(function):
    return lambda x: function(real_logits=x, fake_logits=tf.zeros_like(x))


def for_generated(function, **others):
    return lambda x: function(fake_logits=x, **{k: v(x) for k, v in others.items()})


# name: (function of a logit, its value, its derivative)
TERMS = {
    "discriminator, data": (
        for_real(losses.discriminator),
        lambda x: softplus(-x) + np.log(2),
        lambda x: -sigmoid(-x),
    ),
    "discriminator, samples": (
        for_generated(losses.discriminator, real_logits=tf.zeros_like),
        lambda x: softplus(x) + np.log(2),
        sigmoid,
    ),
    "minimax": (
        for_generated(losses.minimax_generator),
        lambda x: -softplus(x),
        lambda x: -sigmoid(x),
    ),
    "non-saturating": (
        for_generated(losses.non_saturating_generator),
        lambda x: softplus(-x),
        lambda x: -sigmoid(-x),
    ),
}


TERMS |= {
    "smoothed labels": (
        for_real(functools.partial(losses.discriminator, label_smoothing=0.1)),
        lambda x: 0.9 * softplus(-x) + 0.1 * softplus(x) + np.log(2),
        lambda x: sigmoid(x) - 0.9,
    ),
    "least squares, data": (
        for_real(functools.partial(losses.least_squares_discriminator, label_smoothing=0.1)),
        lambda x: (x - 0.9) ** 2 / 2,
        lambda x: x - 0.9,
    ),
    "least squares, samples": (
        for_generated(losses.least_squares_discriminator, real_logits=tf.ones_like),
        lambda x: x**2 / 2,
        lambda x: x,
    ),
    "least squares, G": (
        for_generated(losses.least_squares_generator),
        lambda x: (x - 1) ** 2 / 2,
        lambda x: x - 1,
    ),
    "hinge, data": (
        for_real(losses.hinge_discriminator),
        lambda x: np.maximum(0, 1 - x) + 1,
        lambda x: -1.0 * (x < 1),
    ),
    "hinge, samples": (
        for_generated(losses.hinge_discriminator, real_logits=tf.ones_like),
        lambda x: np.maximum(0, 1 + x),
        lambda x: 1.0 * (x > -1),
    ),
    "wasserstein, data": (for_real(losses.wasserstein_discriminator), lambda x: -x, minus_one),
    "wasserstein, G": (for_generated(losses.wasserstein_generator), lambda x: -x, minus_one),
    "relativistic, data": (
        for_real(losses.relativistic_discriminator),
        lambda x: softplus(-x),
        lambda x: -sigmoid(-x),
    ),
    "relativistic, G": (
        for_generated(losses.relativistic_generator, real_logits=tf.zeros_like),
        lambda x: softplus(-x),
        lambda x: -sigmoid(-x),
    ),
}


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", TERMS)
def test_values_and_gradients(name, jit_compile):
    function, value, derivative = TERMS[name]

    @tf.function(jit_compile=jit_compile)
    def value_and_gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return y, tape.gradient(y, x)

    y, gradient = value_and_gradient(tf.constant(LOGITS, tf.float32))
    assert y.shape == LOGITS.shape
    np.testing.assert_allclose(y, value(LOGITS), rtol=2e-6, atol=1e-38)
    np.testing.assert_allclose(gradient, derivative(LOGITS), rtol=2e-6, atol=1e-38)


@pytest.mark.parametrize("name", ["non_saturating", "minimax", "blended", "held_back"])
def test_equilibrium(name):
    half = DiscriminatorOutput(tf.zeros([3]))
    loss = losses.get(name)
    of_g = {"non_saturating": np.log(2), "minimax": -np.log(2), "blended": 0.0}.get(name, np.log(2))
    np.testing.assert_allclose(loss.discriminator(half, half), [2 * np.log(2)] * 3, rtol=1e-6)
    np.testing.assert_allclose(loss.generator(None, half), [of_g] * 3, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("minimax", "non_saturating"), [(1, 1), (0.3, 2), (1, 0), (0, 5)])
@pytest.mark.parametrize("weight", [0.5, 1.0])
def test_blend_is_that_of_the_released_code(minimax, non_saturating, weight):
    """There G descends (c_ns * L_ns - c_mm * L_d) / (c_ns + c_mm), L_d halved, data included."""
    loss = losses.Blended(minimax, non_saturating, discriminator_weight=weight)
    real = DiscriminatorOutput(tf.constant(LOGITS[::-1].copy(), tf.float32))
    x = tf.constant(LOGITS, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = loss.generator(None, DiscriminatorOutput(x))
        of_d = loss.discriminator(real, DiscriminatorOutput(x))
    gradient = tape.gradient(y, x)

    total = minimax + non_saturating
    for_real, of_fake = softplus(-LOGITS[::-1]), softplus(LOGITS)
    l_d, l_ns = weight * (for_real + of_fake), softplus(-LOGITS)
    released = (non_saturating * l_ns - minimax * l_d) / total
    np.testing.assert_allclose(of_d, l_d, rtol=2e-6, atol=1e-38)
    np.testing.assert_allclose(
        y, released + minimax / total * weight * for_real, rtol=3e-6, atol=2e-7
    )
    slope = -(non_saturating * sigmoid(-LOGITS) + minimax * weight * sigmoid(LOGITS)) / total
    np.testing.assert_allclose(gradient, slope, rtol=3e-6, atol=1e-38)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    ("real", "fake", "factor_of_d", "factor_of_g"),
    [
        ([3.0, 1.0, 2.0], [-1.0, -2.0, -0.5], None, 1.0),  # D is ahead
        ([0.5, -1.0, 0.0], [2.0, -0.5, 1.0], 1.0, None),  # G is ahead
        ([90.0, 90.0], [-90.0, -90.0], 0.0, 1.0),
        ([-90.0, -90.0], [90.0, 90.0], 1.0, 0.0),
        ([1e4, -1e4], [1e4, -1e4], 1.0, 1.0),
    ],
)
def test_who_is_ahead_is_held_back(real, fake, factor_of_d, factor_of_g, jit_compile):
    loss = losses.HeldBack(discriminator_weight=0.5)

    @tf.function(jit_compile=jit_compile)
    def values_and_gradients(x, y):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, y])
            of_d = loss.discriminator(DiscriminatorOutput(x), DiscriminatorOutput(y))
            of_g = loss.generator(None, DiscriminatorOutput(y))
        return of_d, of_g, *tape.gradient(of_d, [x, y]), tape.gradient(of_g, y)

    found = values_and_gradients(tf.constant(real), tf.constant(fake))
    x, y = np.array(real), np.array(fake)
    value = np.mean(-softplus(-x)) + np.mean(-softplus(y))  # log D(x), log(1 - D(G(z)))
    d, g = min(1, value / (-2 * np.log(2))), min(1, 2 - 2 * np.mean(sigmoid(y)))
    assert factor_of_d in (None, pytest.approx(d, abs=1e-12))
    assert factor_of_g in (None, pytest.approx(g, abs=1e-12))
    assert 0 <= d <= 1
    assert 0 <= g <= 1
    expected = (
        d * 0.5 * (softplus(-x) + softplus(y)),
        g * softplus(-y),
        -d * 0.5 * sigmoid(-x),  # the factor is a constant
        d * 0.5 * sigmoid(y),
        -g * sigmoid(-y),
    )
    for ours, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-30)


def test_smoothed_labels_do_not_change_who_is_ahead():
    sure = DiscriminatorOutput(tf.constant([15.0])), DiscriminatorOutput(tf.constant([-15.0]))
    assert losses.HeldBack(label_smoothing=0.1).discriminator(*sure) < 1e-5


@pytest.mark.parametrize(
    "loss",
    [
        losses.Minimax(0.5),
        losses.NonSaturating(discriminator_weight=0.25),
        losses.Blended(2.0, 0.5, 0.75),
        losses.HeldBack(0.5),
        losses.InpaintingLoss(0.5, energy_weight=2.0),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_serialisation(loss):
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(loss)
    assert vars(again) == vars(loss)
    assert keras.saving.serialize_keras_object(again) == config


def test_get():
    assert isinstance(losses.get("minimax"), losses.Minimax)
    assert isinstance(losses.get("non_saturating"), losses.NonSaturating)
    assert isinstance(losses.get("blended"), losses.Blended)
    assert losses.get("minimax").get_config()["discriminator_weight"] == 1.0

    class LeastSquares(losses.Loss):
        def discriminator(self, real, fake):
            return (real.logits - 1) ** 2 + fake.logits**2

        def generator(self, real, fake):
            return (fake.logits - 1) ** 2

    own = LeastSquares()
    assert losses.get(own) is own
    assert not own.generator_uses_real
    assert not own.uses_labels
    assert type(own).from_config(own.get_config()).get_config() == {}


def test_arguments_are_saved_where_they_are_attributes():
    class Own(losses.Loss):
        def __init__(self, margin, inner=None, unit="nats"):
            self.margin, self.inner = margin, inner

    with pytest.warns(UserWarning, match=r"without its argument 'unit': keep it as `self\.unit`"):
        config = Own(2.0, losses.Hinge()).get_config()
    assert set(config) == {"margin", "inner"}
    again = Own.from_config(config)
    assert again.margin == 2.0
    assert isinstance(again.inner, losses.Hinge)

    class OfOther(losses.NonSaturating):
        def __init__(self, margin=1.0, **kwargs):
            super().__init__(**kwargs)
            self.margin = margin

    config = OfOther(label_smoothing=0.2).get_config()
    assert config == {"margin": 1.0, "label_smoothing": 0.2}
    assert OfOther.from_config(config).label_smoothing == 0.2

    @dataclasses.dataclass(frozen=True)
    class Frozen(losses.Wasserstein):
        margin: float = 1.0

    assert Frozen(margin=2.0).get_config() == {"margin": 2.0}
    with pytest.raises(TypeError, match=r"Wasserstein\(\) takes no arguments"):
        losses.Wasserstein(10.0)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("wasserstine", "wasserstine.*non_saturating"),
        (keras.losses.MeanSquaredError(), "methods `discriminator"),
        (losses.Minimax, "an object"),
        (None, "Received: None"),
    ],
)
def test_get_refuses_what_is_no_loss(loss, message):
    with pytest.raises(InputError, match=message):
        losses.get(loss)


@pytest.mark.parametrize("weights", [(-1, 2), (2, -1), (0, 0), (np.nan, 1), (1, np.inf), ("1", 1)])
def test_blend_refuses_weights_without_a_mean(weights):
    with pytest.raises(InputError, match="`minimax` and `non_saturating`"):
        losses.Blended(*weights)


@pytest.mark.parametrize("weight", [0, -0.5, np.nan, np.inf, "1", None])
@pytest.mark.parametrize(
    "loss", [losses.Minimax, losses.NonSaturating, losses.Blended, losses.HeldBack]
)
def test_discriminator_weight_is_positive(loss, weight):
    with pytest.raises(InputError, match="`discriminator_weight` must be > 0"):
        loss(discriminator_weight=weight)


def test_features_and_labels_reach_a_loss():
    class FeatureMatching(losses.NonSaturating):
        generator_uses_real = True
        uses_labels = True

        def generator(self, real, fake):
            distance = tf.reduce_mean(real.features, 0) - fake.features
            return tf.reduce_sum(distance**2, -1) + tf.cast(real.labels, tf.float32)

    real = DiscriminatorOutput(
        tf.zeros([2]), tf.constant([[0.0, 2.0], [2.0, 4.0]]), tf.constant([0, 7])
    )
    fake = DiscriminatorOutput(tf.zeros([2]), tf.constant([[1.0, 3.0], [0.0, 3.0]]))
    np.testing.assert_allclose(FeatureMatching().generator(real, fake), [0, 8])
    assert fake.labels is None


FORMS = {
    "cross_entropy": (lambda d: softplus(-d), softplus),
    "least_squares": (lambda d: (d - 1) ** 2, lambda d: (d + 1) ** 2),
    "hinge": (lambda d: np.maximum(0, 1 - d), lambda d: np.maximum(0, 1 + d)),
}


@pytest.mark.parametrize("scale", [1.0, 1e3])
@pytest.mark.parametrize("form", FORMS)
def test_relativistic_average(form, scale):
    rng = np.random.default_rng(0)
    real, fake = scale * rng.normal(size=(2, 8))
    for_real, for_fake = FORMS[form]

    def mean_loss(real, fake):
        a, b = real - fake.mean(), fake - real.mean()
        return np.mean(for_real(a) + for_fake(b)) / 2

    x, y = (tf.Variable(v, dtype=tf.float32) for v in (real, fake))
    loss = losses.RelativisticAverage(form)
    with tf.GradientTape(persistent=True) as tape:
        d_loss = tf.reduce_mean(loss.discriminator(DiscriminatorOutput(x), DiscriminatorOutput(y)))
        g_loss = tf.reduce_mean(loss.generator(DiscriminatorOutput(x), DiscriminatorOutput(y)))
    assert float(d_loss) == pytest.approx(mean_loss(real, fake), rel=1e-5)
    assert float(g_loss) == pytest.approx(mean_loss(fake, real), rel=1e-5)
    for of_d, variable, i in ((True, x, 0), (True, y, 1), (False, x, 0), (False, y, 1)):
        gradient = tape.gradient(d_loss if of_d else g_loss, variable).numpy()
        numbers = np.stack([real, fake])
        for j in range(8):
            moved = []
            for step in (1e-6 * scale, -1e-6 * scale):
                changed = numbers.copy()
                changed[i, j] += step
                moved.append(mean_loss(*(changed if of_d else changed[::-1])))
            assert gradient[j] == pytest.approx(
                (moved[0] - moved[1]) / (2e-6 * scale), abs=1e-4 * max(1, scale)
            )


@pytest.mark.parametrize(
    ("loss", "logit", "of_d", "of_g"),
    [
        (losses.LeastSquares(), 0.5, 1 / 4, 1 / 8),
        (losses.Hinge(), 0.0, 2.0, 0.0),
        (losses.Wasserstein(), 3.0, 0.0, -3.0),
        (losses.Relativistic(), 3.0, np.log(2), np.log(2)),
        (losses.RelativisticAverage(), 3.0, np.log(2), np.log(2)),
        (losses.RelativisticAverage("least_squares"), 3.0, 1.0, 1.0),
        (losses.RelativisticAverage("hinge"), 3.0, 1.0, 1.0),
    ],
)
def test_values_where_d_cannot_tell(loss, logit, of_d, of_g):
    output = DiscriminatorOutput(tf.fill([4], logit))
    np.testing.assert_allclose(loss.discriminator(output, output), of_d, rtol=1e-6)
    np.testing.assert_allclose(loss.generator(output, output), of_g, rtol=1e-6)


def test_smoothed_labels_leave_no_known_probability_where_d_cannot_tell():
    for kind in (losses.NonSaturating, losses.HeldBack):
        assert kind().gives_probabilities
        smoothed = kind(label_smoothing=0.1)
        assert 1 / (1 + np.exp(-smoothed.boundary)) == pytest.approx(0.45)
        assert not smoothed.gives_probabilities
        assert not losses.AuxiliaryClassifier(smoothed).gives_probabilities


@pytest.mark.parametrize(
    "loss", [losses.Relativistic(), losses.RelativisticAverage(), losses.Wasserstein()]
)
def test_a_constant_added_to_d_changes_nothing(loss):
    real, fake = tf.constant([0.5, -1.0]), tf.constant([2.0, 0.25])
    outputs = DiscriminatorOutput(real), DiscriminatorOutput(fake)
    moved = DiscriminatorOutput(real + 4.0), DiscriminatorOutput(fake + 4.0)
    np.testing.assert_allclose(loss.discriminator(*outputs), loss.discriminator(*moved), atol=1e-6)


@pytest.mark.parametrize("kind", [losses.NonSaturating, losses.LeastSquares])
def test_noisy_labels_exchange_pairs(kind):
    real, fake = (
        DiscriminatorOutput(tf.constant(np.full(4000, logit, np.float32))) for logit in (2.0, -1.0)
    )
    right = kind().discriminator(real, fake)[0]
    wrong = kind().discriminator(fake, real)[0]
    with randomness.drawing_from(randomness.StepDraws(0, 0, 0, randomness.Purpose.LOSS, 0, 4000)):
        noisy = kind(label_noise=0.25).discriminator(real, fake).numpy()
    exchanged = np.isclose(noisy, wrong)
    assert exchanged.mean() == pytest.approx(0.25, abs=0.03)  # four standard errors
    np.testing.assert_allclose(noisy[~exchanged], right, rtol=1e-6)
    with pytest.raises(ValueError, match="drawing_from"):
        kind(label_noise=0.25).discriminator(real, fake)
    with pytest.raises(InputError, match="label_noise"):
        kind(label_noise=1.0)


@pytest.mark.parametrize("kind", [losses.AuxiliaryClassifier, losses.Info])
def test_a_second_task_is_added_to_a_loss(kind):
    with pytest.raises(InputError, match=r"such as losses\.Hinge.*Received: 'hinge'"):
        kind("hinge")


class Counting(losses.Hinge):
    uses_labels = True

    def __init__(self):
        super().__init__()
        self.variables = [keras.Variable(0.0)]

    def check(self, discriminator_outputs, condition):
        raise InputError("looked at")


@pytest.mark.parametrize("kind", [losses.AuxiliaryClassifier, losses.Info])
def test_a_second_task_keeps_what_the_loss_declares(kind):
    inner = Counting()
    loss = kind(inner)
    assert loss.uses_labels
    assert loss.variables == inner.variables
    with pytest.raises(InputError, match="looked at"):
        loss.check({"classes": (None, 3)}, conditioning.Classes(3))


def test_classes_of_data_and_samples():
    scores = np.array([[2.0, -1.0, 0.5], [0.0, 0.0, 3.0]])
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    logits = tf.constant([0.3, -0.2])
    real = DiscriminatorOutput(
        logits, labels=tf.constant([1, -1], tf.int64), classes=tf.constant(scores, tf.float32)
    )
    fake = real._replace(labels=None, condition={"condition": tf.constant([0, 2], tf.int64)})
    loss = losses.AuxiliaryClassifier(losses.Hinge(), weight=0.5)
    base = losses.Hinge()
    of_real, of_fake = np.array([-log_p[0, 1], 0.0]), -log_p[[0, 1], [0, 2]]
    np.testing.assert_allclose(
        loss.discriminator(real, fake) - base.discriminator(real, fake),
        0.5 * (of_real + of_fake),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        loss.generator(real, fake) - base.generator(real, fake), 0.5 * of_fake, rtol=1e-5
    )


def test_codes_are_read_off_samples():
    rng = np.random.default_rng(0)
    scores, mean, log_variance, code = (rng.normal(size=(4, n)) for n in (3, 2, 2, 2))
    one_hot = np.eye(3)[[0, 2, 1, 1]]
    entropy = np.log(np.exp(scores).sum(axis=1)) - (scores * one_hot).sum(axis=1)
    gaussian = -stats.norm.logpdf(code, mean, np.exp(log_variance / 2)).sum(axis=1)
    codes = np.concatenate([mean, log_variance], axis=1)
    fake = DiscriminatorOutput(
        tf.zeros(4),
        classes=tf.constant(scores, tf.float32),
        codes=tf.constant(codes, tf.float32),
        condition={"condition": tf.constant(np.concatenate([one_hot, code], 1), tf.float32)},
    )
    loss = losses.Info(categorical_weight=0.3, continuous_weight=0.7)
    expected = 0.3 * entropy + 0.7 * gaussian
    np.testing.assert_allclose(
        loss.generator(None, fake), np.log(2) + expected, rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(
        loss.discriminator(fake, fake), 2 * np.log(2) + expected, rtol=1e-5, atol=1e-5
    )
    with pytest.raises(InputError, match="codes"):
        loss.generator(None, fake._replace(codes=None))
