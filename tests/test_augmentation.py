"""Augmentations of images, against NumPy given the same random numbers."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import small
import tensorflow as tf
from scipy.spatial.transform import Rotation

import keras_gan
from keras_gan import GAN, InputError, conditioning, losses, priors, regularizers
from keras_gan.augmentation import (
    ADA,
    Adaptive,
    Augmentation,
    DiffAugment,
    RandomShift,
    RandomTransforms,
    diffaugment,
)
from keras_gan.augmentation import color as colors
from keras_gan.augmentation import geometry as geometries
from keras_gan.augmentation.images import integers
from keras_gan.core import randomness
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.core.randomness import Purpose, StepDraws
from keras_gan.optimizers.schedules import Cosine, Linear, counting_images
from keras_gan.training import checkpoints


def pictures(n=6, height=6, width=9, channels=3, seed=0):
    shape = (n, height, width, channels)
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def draws(n, purpose=Purpose.AUGMENTATION_REAL, first=0):
    return StepDraws(1, 2, 0, purpose, first, n)


def apply(augmentation, images, **arguments):
    """The augmentation, or a function of images, in a step."""
    with randomness.drawing_from(draws(len(images), **arguments)):
        return np.array(augmentation(tf.constant(images)))


class Numbers:
    """The random numbers of a step in their order, float64."""

    def __init__(self, n):
        self.draws = draws(n)

    def uniform(self, *shape):
        return randomness.uniform(self.draws.bits(shape)).numpy().astype(np.float64)

    def normal(self, *shape):
        return randomness.normal(self.draws.bits(shape)).numpy().astype(np.float64)

    def integers(self, count):
        return np.floor(self.uniform() * count).astype(int)

    def sometimes(self, probability, values):
        return np.where(self.uniform() < probability, values, 0)


# ------------------------------------------------------------------------- DiffAugment


def color(x, numbers):
    n = len(x)
    x = x + numbers.uniform().reshape(n, 1, 1, 1) - 0.5
    mean = x.mean(3, keepdims=True)
    x = (x - mean) * 2 * numbers.uniform().reshape(n, 1, 1, 1) + mean
    mean = x.mean((1, 2, 3), keepdims=True)
    return (x - mean) * (numbers.uniform().reshape(n, 1, 1, 1) + 0.5) + mean


def translation(x, numbers):
    most = [int(np.floor(size / 8 + 0.5)) for size in x.shape[1:3]]
    rows, columns = (numbers.integers(2 * s + 1) - s for s in most)
    result = np.zeros_like(x)
    for image, out, down, right in zip(x, result, rows, columns, strict=True):
        for i, j in np.ndindex(*x.shape[1:3]):
            if 0 <= i + down < x.shape[1] and 0 <= j + right < x.shape[2]:
                out[i, j] = image[i + down, j + right]
    return result


def cutout(x, numbers):
    sides = [int(np.floor(size / 2 + 0.5)) for size in x.shape[1:3]]
    centers = [
        numbers.integers(size + 1 - side % 2)
        for size, side in zip(x.shape[1:3], sides, strict=True)
    ]
    x = x.copy()
    for image, *center in zip(x, *centers, strict=True):
        top, left = (max(c - side // 2, 0) for c, side in zip(center, sides, strict=True))
        bottom, right = (c - side // 2 + side for c, side in zip(center, sides, strict=True))
        image[top:bottom, left:right] = 0
    return x


POLICIES = {"color": color, "translation": translation, "cutout": cutout}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("policy", ["color,translation,cutout", "cutout,color", "translation"])
def test_diffaugment_is_its_definition(policy, channels):
    x = pictures(n=20, height=17, width=8, channels=channels)
    expected, numbers = x, Numbers(len(x))
    for name in policy.split(","):
        expected = POLICIES[name](expected, numbers)
    found = apply(DiffAugment(policy), x)
    np.testing.assert_allclose(found, expected, atol=0 if policy == "translation" else 1e-6)
    assert len({image.tobytes() for image in found}) == 20


def test_diffaugment_changes_images_with_its_probability():
    x = pictures(400)
    all_changed = apply(DiffAugment("color"), x)
    rising = DiffAugment("color", Linear(0.0, 1.0, 100))
    for images, expected in ((0, 0.0), (25, 0.25), (100, 1.0)):
        with counting_images(images):
            found = apply(rising, x)
        changed = (found != x).any(axis=(1, 2, 3))
        assert changed.mean() == pytest.approx(expected, abs=0.07)
        np.testing.assert_array_equal(found[changed], all_changed[changed])
    loaded = DiffAugment.from_config(rising.get_config())
    assert loaded.get_config() == rising.get_config()


def test_diffaugment_changes_fewer_colors_if_asked():
    x, zeros = pictures(400), np.zeros((400, 8, 8, 1), np.float32)
    half = DiffAugment("translation,color", color=0.5)
    assert DiffAugment.from_config(half.get_config()).color == 0.5
    # Brightness changes constant pictures; translation changes all others.
    assert (apply(half, zeros) != 0).any(axis=(1, 2, 3)).mean() == pytest.approx(0.5, abs=0.07)
    moved = apply(DiffAugment("translation"), x)
    unchanged = (apply(half, x) == moved).all(axis=(1, 2, 3))
    assert unchanged.mean() == pytest.approx(0.5, abs=0.07)
    with pytest.raises(InputError, match="`color`"):
        DiffAugment(color=2)


def test_translation_and_cutout_keep_the_rest_bit_for_bit():
    x = pictures(40) + 5
    for policy in ("translation", "cutout"):
        found = apply(DiffAugment(policy), x)
        assert set(found.ravel()) <= {0.0, *x.ravel()}
        assert 0 < (found == 0).mean() < 0.5
    kept = apply(DiffAugment("cutout"), x)
    np.testing.assert_array_equal(kept, np.where(kept == 0, 0, x))


def test_neutral_draws_change_no_bit(monkeypatch):
    monkeypatch.setattr(diffaugment, "uniform", lambda shape: tf.fill([6, *shape], 0.5))
    x = pictures()
    np.testing.assert_array_equal(apply(DiffAugment("color"), x), x)
    np.testing.assert_array_equal(apply(RandomTransforms(0.0, cutout=1), x), x)


def test_the_largest_bits_give_the_largest_integer():
    class Ones:
        def bits(self, shape):
            return tf.fill([1, *shape], tf.constant(2**32 - 1, tf.uint32))

    with randomness.drawing_from(Ones()):
        assert [float(integers(count)[0]) for count in (2, 3, 9, 31)] == [1, 2, 8, 30]


def test_shifts_are_mirrored_at_the_border():
    x = pictures(n=30, height=8, width=5)
    numbers = Numbers(len(x))
    rows, columns = numbers.integers(5) - 2, numbers.integers(3) - 1
    padded = np.pad(x, [(0, 0), (2, 2), (1, 1), (0, 0)], mode="reflect")
    expected = [
        image[2 + down : 10 + down, 1 + right : 6 + right]
        for image, down, right in zip(padded, rows, columns, strict=True)
    ]
    np.testing.assert_array_equal(apply(RandomShift(0.25), x), expected)
    assert len(set(rows)) == 5
    assert len(set(columns)) == 3


# ---------------------------------------------------------------------------- geometry


def moved(x, mirrored=0, turns=0, shift=(0, 0)):
    n = len(x)
    arguments = ([[mirrored]], [[turns]], [shift])
    return geometries.moved(x, *(tf.constant(a * n, tf.float32) for a in arguments)).numpy()


def test_whole_pixels_move_exactly():
    x = pictures(height=6, width=6)
    np.testing.assert_array_equal(moved(x), x)
    np.testing.assert_array_equal(moved(x, mirrored=1), x[:, :, ::-1])
    for turns in range(4):
        np.testing.assert_array_equal(moved(x, turns=turns), np.rot90(x, turns, axes=(1, 2)))
    both = moved(x, mirrored=1, turns=3)
    np.testing.assert_array_equal(both, np.rot90(x[:, :, ::-1], 3, axes=(1, 2)))
    padded = np.pad(x, [(0, 0), (2, 2), (1, 1), (0, 0)], mode="reflect")
    np.testing.assert_array_equal(moved(x, shift=(2, -1)), padded[:, :6, 2:])


def test_images_that_are_not_square_turn_about_their_center():
    x = pictures(height=4, width=6)
    square = np.pad(x, [(0, 0), (1, 1), (0, 0), (0, 0)], mode="reflect")
    np.testing.assert_array_equal(moved(x, turns=1), np.rot90(square, axes=(1, 2))[:, 1:5])
    np.testing.assert_array_equal(moved(x, turns=2), x[:, ::-1, ::-1])
    odd = pictures(height=1, width=4)
    assert set(moved(odd, turns=1).ravel()) <= set(odd.ravel())


def resampled(x, **changes):
    names = ("scale", "before", "stretch", "after", "down", "right")
    return geometries.resampled(
        x, *(tf.fill([len(x)], float(changes.get(name, 0))) for name in names)
    ).numpy()


def waves(y, x, height, width):
    """A function that is its own mirror image at the borders of an image."""
    y, x = np.pi * y / (height - 1), np.pi * x / (width - 1)
    return np.cos(y) + 0.5 * np.cos(2 * x) + np.cos(y) * np.cos(3 * x)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"scale": 0.5},
        {"scale": -0.4},
        {"before": 0.7},
        {"after": 2.5},
        {"stretch": 0.3},
        {"down": 0.21, "right": -0.13},
        {"scale": 0.3, "before": 1.0, "stretch": -0.4, "after": -2.0, "down": 0.1, "right": 0.2},
    ],
    ids=str,
)
def test_a_resampled_image_is_the_function_at_other_places(changes):
    height, width = 24, 31
    y, x = np.mgrid[:height, :width].astype(np.float64)
    image = waves(y, x, height, width)[None, :, :, None].astype(np.float32)
    all_changes = dict.fromkeys(("scale", "before", "stretch", "after", "down", "right"), 0.0)
    all_changes.update(changes)

    def rotation(angle):  # counterclockwise, y pointing down
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    forward = (
        rotation(all_changes["after"])
        @ np.diag([2 ** -all_changes["stretch"], 2 ** all_changes["stretch"]])
        @ rotation(all_changes["before"])
        * 2 ** all_changes["scale"]
    )
    center = np.array([(height - 1) / 2, (width - 1) / 2])
    shift = np.array([all_changes["down"] * height, all_changes["right"] * width])
    places = np.stack([y, x], axis=-1) - center - shift
    places = places @ np.linalg.inv(forward).T + center
    expected = waves(places[..., 0], places[..., 1], height, width)
    found = resampled(image, **changes)[0, :, :, 0]
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert np.abs(found - expected).mean() < 0.02


def test_resampling_does_not_alias():
    stripes = np.tile([[1.0], [-1.0]], (16, 32))[None, :, :, None].astype(np.float32)
    assert resampled(stripes, scale=-1).std() < 0.06  # finer than the pixels: gray
    constant = np.full((2, 5, 7, 4), 0.75, np.float32)
    found = apply(RandomTransforms(1.0, color=0), constant)
    np.testing.assert_allclose(found, constant, atol=1e-5)


def test_the_filter_is_sym6():
    """Orthonormal under shifts by two, with six vanishing moments."""
    h, k = geometries.SYM6, np.arange(12)
    assert [h[2 * s :] @ h[: 12 - 2 * s] for s in range(6)] == pytest.approx([1] + [0] * 5)
    assert [((-1.0) ** k * k**m) @ h for m in range(6)] == pytest.approx([0] * 6, abs=1e-6)
    # Reduction after enlargement changes nothing, but at the borders.
    both = geometries.halving(12)[:, 5:-5] @ geometries.doubling(12)
    np.testing.assert_allclose(both[3:-3], np.eye(12)[3:-3], atol=1e-9)


# ------------------------------------------------------------------------------- color


def matrix(channels=3, contrast=1.0, luma=1.0, hue=0.0, saturation=1.0):
    arguments = (tf.constant([[v]], tf.float32) for v in (contrast, luma, hue, saturation))
    return colors.color_matrix(channels, *arguments).numpy()[0]


def test_color_matrices():
    identity, grey = np.eye(3), np.full((3, 3), 1 / 3)
    np.testing.assert_allclose(matrix(), identity, atol=1e-6)
    flip = matrix(luma=-1)
    np.testing.assert_allclose(flip, identity - 2 * grey, atol=1e-6)
    np.testing.assert_allclose(flip @ flip, identity, atol=1e-6)
    axis = np.ones(3) / np.sqrt(3)
    for angle in (0.3, -2.0):
        expected = Rotation.from_rotvec(angle * axis).as_matrix()
        np.testing.assert_allclose(matrix(hue=angle), expected, atol=1e-6)
    np.testing.assert_allclose(matrix(saturation=0), grey, atol=1e-6)
    np.testing.assert_allclose(matrix(contrast=3), 3 * identity, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_colors_are_those_of_the_paper(channels):
    """The product of 4 x 4 matrices in the paper's order, with a probability of 0.6."""
    x = pictures(n=30, channels=channels)
    n, p, numbers = len(x), 0.6, Numbers(len(x))
    v = np.array([1, 1, 1, 0]) / np.sqrt(3)
    brightness, contrast = 0.2 * numbers.normal(), 0.5 * numbers.normal()
    flip, hue, saturation = np.zeros((3, n))
    if channels in (1, 3):
        flip, hue = numbers.integers(2), (2 * numbers.uniform() - 1) * np.pi
        saturation = numbers.normal()
    brightness, contrast = (numbers.sometimes(p, value) for value in (brightness, contrast))
    if channels in (1, 3):
        flip, hue, saturation = (numbers.sometimes(p, value) for value in (flip, hue, saturation))
    for image, found, *change in zip(
        x, apply(lambda x: colors.random_color(x, p), x), brightness, contrast, flip, hue,
        saturation, strict=True,
    ):  # fmt: skip
        b, c, f, h, s = change
        total = np.eye(4)
        total[:3, 3] = b
        total = np.diag([2**c, 2**c, 2**c, 1]) @ total
        total = (np.eye(4) - 2 * f * np.outer(v, v)) @ total
        turn = np.eye(4)
        turn[:3, :3] = Rotation.from_rotvec(h * v[:3]).as_matrix()
        along = np.outer(v, v)
        total = (along + 2**s * (np.eye(4) - along)) @ turn @ total
        if channels == 3:
            expected = image @ total[:3, :3].T + total[:3, 3]
        elif channels == 1:
            mean = total[:3].mean(axis=0)
            expected = image * mean[:3].sum() + mean[3]
        else:
            expected = image * 2**c + 2**c * b
        np.testing.assert_allclose(found, expected, atol=1e-5)
        if not any(change):
            np.testing.assert_array_equal(found, image)


# -------------------------------------------------------------------- RandomTransforms


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_images_that_draw_nothing_keep_their_bits(channels):
    x = pictures(n=60, channels=channels)
    same = (apply(RandomTransforms(0.1, cutout=1), x) == x).all(axis=(1, 2, 3))
    assert 3 < same.sum() < 40
    same = (apply(RandomTransforms(0.95), x) == x).all(axis=(1, 2, 3))
    assert not same.any()


def test_probability_times_multiplier_is_the_frequency():
    x = pictures(n=500, height=4, width=4, channels=1)
    only_cutout = RandomTransforms(Cosine(0.0, 0.5, images=100), geometry=0, color=0, cutout=0.8)
    for seen, expected in [(0, 0.0), (50, 0.2), (1000, 0.4)]:
        with counting_images(tf.constant(seen)):
            changed = (apply(only_cutout, x) != x).any(axis=(1, 2, 3))
            assert float(only_cutout.strength) == pytest.approx(expected / 0.8)
        assert changed.mean() == pytest.approx(expected, abs=0.07)
        np.testing.assert_array_equal(changed, Numbers(500).uniform() < expected)


AUGMENTATIONS = [DiffAugment(), RandomShift(), RandomTransforms(0.7, cutout=0.5)]
NAMES = [type(augmentation).__name__ for augmentation in AUGMENTATIONS]


@pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=NAMES)
def test_gradients_of_first_and_second_order(augmentation):
    """A change A x + b has the gradient A' w of w (A x + b), whose own, times v, is A v."""
    x, w, v = (tf.constant(pictures(seed=seed)) for seed in range(3))

    def change(images):
        with randomness.drawing_from(draws(len(images))):
            return augmentation(images)

    with tf.GradientTape() as outer:
        outer.watch(w)
        with tf.GradientTape() as inner:
            inner.watch(x)
            total = tf.reduce_sum(w * change(x))
        gradient = inner.gradient(total, x)
        product = tf.reduce_sum(gradient * v)
    linear = change(v) - change(tf.zeros_like(v))
    assert float(product) == pytest.approx(float(tf.reduce_sum(w * linear)), rel=1e-4)
    np.testing.assert_allclose(outer.gradient(product, w), linear, atol=1e-4)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=NAMES)
def test_xla_equals_the_graph(augmentation):
    x = tf.constant(pictures(n=12))

    def change(x):
        with tf.GradientTape() as tape, randomness.drawing_from(draws(12)):
            tape.watch(x)
            changed = augmentation(x)
            total = tf.reduce_sum(changed**2)
        return changed, tape.gradient(total, x)

    graph = tf.function(change, autograph=False)(x)
    compiled = tf.function(change, autograph=False, jit_compile=True)(x)
    for one, other in zip(graph, compiled, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)  # `normal` differs by 3e-5


@pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=NAMES)
def test_rows_differ_and_depend_on_their_place(augmentation):
    x = pictures(n=1, height=16, width=16).repeat(10, axis=0)
    whole = apply(augmentation, x)
    np.testing.assert_allclose(apply(augmentation, x[4:], first=4), whole[4:], atol=1e-5)
    assert len({image.tobytes() for image in whole}) > 5
    assert (apply(augmentation, x, purpose=Purpose.AUGMENTATION_FAKE) != whole).any()


# --------------------------------------------------------------------------------- ADA


def test_p_follows_the_sign_of_r():
    ada = ADA(target=0.5, images=100, interval=2)
    ada.build((None, 4, 4, 1))
    assert float(ada.strength) == 0
    # Means of the signs of 10 logits; p moves by 10 * 2 / 100 after each two.
    history = []
    for mean in (1.0, 0.2, 0.6, 0.6, 0.4, 0.8, 0.0, 0.8, -1.0, -1.0, -1.0, -1.0):
        signs = np.where(np.arange(10) < round(5 + 5 * mean), 1.0, -1.0)
        ada.update(DiscriminatorOutput(tf.constant(signs * 3, tf.float32)))
        history.append(float(ada.strength))
    expected = [0, 0.2, 0.2, 0.4, 0.4, 0.6, 0.6, 0.4, 0.4, 0.2, 0.2, 0.0]
    np.testing.assert_allclose(history, expected, atol=1e-6)
    always = DiscriminatorOutput(tf.ones(60))
    for _ in range(4):
        ada.update(always)
    assert float(ada.strength) == 1  # not 2.4
    for _ in range(2):
        ada.update(DiscriminatorOutput(tf.zeros(300)))
    assert float(ada.strength) == 0


def test_p_still_changes_after_a_shorter_interval_was_chosen():
    long, short = ADA(images=100, interval=4), ADA(images=100, interval=2)
    for ada in (long, short):
        ada.build((None, 4, 4, 1))
    always = DiscriminatorOutput(tf.ones(10))
    for _ in range(3):
        long.update(always)
    short.set_weights(long.get_weights())  # as a checkpoint does
    for expected in (0.2, 0.2, 0.4):
        short.update(always)
        assert float(short.strength) == pytest.approx(expected)


def gan(augmentation, strategy=None, height=6, width=8, **compile_arguments):
    """A small convolutional GAN."""

    def uniform(seed):
        return keras.initializers.GlorotUniform(seed)

    with (strategy or tf.distribute.get_strategy()).scope():
        generator = keras.Sequential(
            [
                keras.Input((5,)),
                keras.layers.Dense(height * width, "relu", kernel_initializer=uniform(0)),
                keras.layers.Reshape((height, width, 1)),
                keras.layers.Conv2D(3, 3, padding="same", kernel_initializer=uniform(1)),
            ]
        )
        discriminator = keras.Sequential(
            [
                keras.Input((height, width, 3)),
                keras.layers.Conv2D(4, 3, 2, "same", kernel_initializer=uniform(2)),
                keras.layers.LeakyReLU(),
                keras.layers.Flatten(),
                keras.layers.Dense(1, kernel_initializer=uniform(3)),
            ]
        )
        model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5))
        model.compile(
            *(keras_gan.optimizers.MomentumSGD(0.05, 0.5) for _ in range(2)),
            augmentation=augmentation,
            **compile_arguments,
        )
    return model


SOON = {"target": 0.1, "images": 40, "interval": 1}  # p rises within 12 steps of 8 images


def adaptive(strategy=None, geometry=1.0, **compile_arguments):
    """With ADA, and a penalty that looks through it."""
    ada = ADA(**SOON, geometry=geometry, cutout=1.0)
    return gan(ada, strategy, regularizers=[regularizers.R1(0.1)], **compile_arguments)


class Recording(Augmentation):
    """Changes nothing; keeps the logits of the last update."""

    reads_signs = True

    def build(self, input_shape):
        self.logits = self.add_weight(shape=(8,), initializer="zeros", trainable=False)

    def update(self, real):
        self.logits.assign(real.logits)

    def call(self, examples):
        return examples


def recorded(loss, constant):
    """The logits that an augmentation reads in a first step, and D's loss there."""
    model = gan(Recording(), loss=loss)
    model.discriminator.layers[-1].bias.assign([constant])
    history = model.fit(pictures(8, height=6, width=8), batch_size=8, verbose=0).history
    return np.asarray(model.augmentation.logits), history["d_loss"][0]


@pytest.mark.parametrize("loss", ["wasserstein", "relativistic", losses.RelativisticAverage()])
def test_a_constant_that_the_loss_ignores_is_taken_out_of_the_signs(loss):
    logits, d_loss = recorded(loss, 0.0)
    np.testing.assert_allclose(recorded(loss, 50.0)[0], logits, atol=1e-4)
    if loss == "wasserstein":  # D's loss is the mean of D(G(z)) less that of D(x)
        np.testing.assert_allclose(logits.mean(), -d_loss / 2, atol=1e-6)


def of_classes(constants):
    """The same of a D whose answers to the examples of each class have a constant of their own."""
    generator, _ = small.conditional_pair()
    examples, classes = keras.Input((6,)), keras.Input((), dtype="int64", name="condition")
    linear = keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=1))
    of_class = keras.layers.Embedding(small.CLASSES, 1)
    answers = keras.layers.Add()([linear(examples), of_class(classes)])
    discriminator = keras.Model([examples, classes], answers)
    of_class.set_weights([np.reshape(constants, (-1, 1))])
    condition = conditioning.Classes(small.CLASSES)
    model = GAN(generator, discriminator, priors.Uniform(5), condition=condition)
    optimizers = [keras.optimizers.SGD(0.1) for _ in range(2)]
    model.compile(*optimizers, loss="relativistic", augmentation=Recording())
    model.fit(small.examples(8), np.arange(8) % small.CLASSES, batch_size=8, verbose=0)
    return np.asarray(model.augmentation.logits)


def test_a_constant_of_each_class_is_taken_out_of_the_signs():
    """Where each class has a constant of its own, D may know all examples of all classes."""
    logits = of_classes([0.0, 0.0, 0.0])
    assert np.abs(logits).min() > 1e-3
    np.testing.assert_allclose(of_classes([50.0, 0.0, -50.0]), logits, atol=1e-4)


def test_a_constant_that_the_loss_sees_stays_in_the_signs():
    logits, _ = recorded("hinge", 0.0)
    np.testing.assert_allclose(recorded("hinge", 50.0)[0], logits + 50, atol=1e-4)


def adaptive_diffaugment(strategy=None, **compile_arguments):
    augmentation = DiffAugment(probability=Adaptive(**SOON))
    return gan(augmentation, strategy, **compile_arguments)


@pytest.mark.parametrize("make", [adaptive_diffaugment, adaptive])
def test_two_replicas_equal_one_device(make):
    mirrored = small.devices()
    x = pictures(48, height=6, width=8)
    # Eagerly: a few steps take less time than to make a graph of one.
    models = [make(run_eagerly=True), make(mirrored)]
    one, two = (model.fit(x, batch_size=8, epochs=2, verbose=0).history for model in models)
    assert small.largest_difference(*(small.weights(model) for model in models)) < 1e-5
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, atol=1e-5, err_msg=name)
    states = [small.weights(model.augmentation) for model in models]
    for p, other in zip(*states, strict=True):
        assert p == other
    assert models[0].augmentation.strength > 0


@pytest.mark.parametrize("make", [adaptive_diffaugment, functools.partial(adaptive, geometry=0)])
def test_checkpoints_restore_p(tmp_path, make):
    x = pictures(24, height=6, width=8)
    whole, first, second = (make(run_eagerly=True) for _ in range(3))
    whole.fit(x, batch_size=8, epochs=2, verbose=0)
    first.fit(x, batch_size=8, epochs=1, verbose=0)
    checkpoints.write(tmp_path, checkpoints.snapshot(first))
    checkpoints.restore_latest(tmp_path, second)
    assert float(second.augmentation.strength) == float(first.augmentation.strength) > 0
    second.fit(x, batch_size=8, epochs=2, initial_epoch=1, verbose=0)
    for model in (whole, second):
        model.state = [*small.weights(model), *small.weights(model.augmentation)]
    assert small.largest_difference(whole.state, second.state) == 0
    loaded = small.reloaded(first, tmp_path)
    assert float(loaded.augmentation.strength) == float(first.augmentation.strength)
    assert loaded.augmentation.get_config() == first.augmentation.get_config()


@pytest.mark.parametrize("jit_compile", [False, True])
def test_training_through_augmentation(jit_compile):
    """The gradient reaches G; XLA and bfloat16 train alike."""
    with small.policy("mixed_bfloat16" if jit_compile else "float32"):
        augmentation = RandomTransforms(Cosine(0.0, 1.0, 16), cutout=1.0)
        model = gan(augmentation, jit_compile=jit_compile, regularizers=[regularizers.R2(0.1)])
    before = small.weights(model.generator)
    history = model.fit(pictures(48, height=6, width=8), batch_size=8, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert (
        min(
            np.abs(a - b).max() for a, b in zip(before, small.weights(model.generator), strict=True)
        )
        > 1e-4
    )
    loaded = RandomTransforms.from_config(augmentation.get_config())
    assert loaded.get_config() == augmentation.get_config()


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: DiffAugment("color,colour"), "policy"),
        (lambda: DiffAugment(""), "policy"),
        (lambda: DiffAugment(["color"]), "policy"),
        (lambda: DiffAugment(probability=2), "probability"),
        (lambda: DiffAugment(probability=True), "probability"),
        (lambda: DiffAugment("translation,cutout", color=0.5), "`color` is of the policy"),
        (lambda: RandomShift(0.0), "fraction"),
        (lambda: RandomShift(float("nan")), "fraction"),
        (lambda: RandomShift("1/8"), "fraction"),
        (lambda: RandomTransforms(1.5), "probability"),
        (lambda: RandomTransforms("ada"), "probability"),
        (lambda: RandomTransforms(0.5, color=-1), "color"),
        (lambda: Adaptive(target=1), "target"),
        (lambda: ADA(images=0), "images"),
        (lambda: Adaptive(interval=0.5), "interval"),
        (lambda: ADA(cutout=2), "cutout"),
        (lambda: small.gan(augmentation=DiffAugment()), "images"),
        (lambda: small.gan(augmentation=ADA()), "images"),
        (lambda: keras_gan.augmentation.Chain([ADA()] * 2), "the same Adaptive"),
    ],
)
def test_what_cannot_be_used_is_refused(make, word):
    with pytest.raises(InputError, match=word):
        make()


def test_random_numbers_come_from_a_step():
    with pytest.raises(ValueError, match="drawing_from"):
        DiffAugment()(pictures())
