"""Every loss with every penalty, augmentation and rule: replicas, resuming, saving, precision.

Continuous integration runs a selection in which every pair of choices occurs, with what is checked
as one of them; the whole matrix is a slow test.
"""

from __future__ import annotations

import itertools
import random

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

import keras_gan
from keras_gan import losses, regularizers
from keras_gan.augmentation import ADA, DiffAugment
from keras_gan.training import checkpoints

CLASSES, CODES = 3, (3, 2)
LOSSES = {
    "minimax": losses.Minimax,
    "non_saturating": lambda: losses.NonSaturating(label_smoothing=0.1, label_noise=0.1),
    "blended": losses.Blended,
    "held_back": losses.HeldBack,
    "feature_matching": losses.FeatureMatching,
    "semi_supervised": losses.SemiSupervised,
    "least_squares": lambda: losses.LeastSquares(label_noise=0.1),
    "hinge": losses.Hinge,
    "wasserstein": losses.Wasserstein,
    "relativistic": losses.Relativistic,
    "ra_cross_entropy": losses.RelativisticAverage,
    "ra_least_squares": lambda: losses.RelativisticAverage("least_squares"),
    "ra_hinge": lambda: losses.RelativisticAverage("hinge"),
    "auxiliary_classifier": lambda: losses.AuxiliaryClassifier(losses.Hinge()),
    "info": losses.Info,
}
PENALTIES = {
    "no penalty": lambda: [],
    "R1+R2": lambda: [regularizers.R1(0.1), regularizers.R2(0.1)],
    "WGAN-GP": lambda: [regularizers.WGANGP(1.0)],
}
AUGMENTATIONS = {
    "plain": lambda: None,
    "DiffAugment": DiffAugment,
    "ADA": lambda: ADA(images=200, interval=1, geometry=0.0),  # geometry takes long to compile
}
RULES = ("alternating", "simultaneous")


def pairwise(rows):
    """A small part of the rows that has every pair of choices of the whole."""

    def pairs(row):
        return {(i, row[i], j, row[j]) for i, j in itertools.combinations(range(len(row)), 2)}

    missing, chosen = set().union(*map(pairs, rows)), []
    rows = random.Random(0).sample(rows, len(rows))  # else most losses have the same three rows
    while missing:
        best = max(rows, key=lambda row: len(missing & pairs(row)))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def network_pair(loss):
    seeds = itertools.count()

    def dense(units, x, name, **kwargs):
        initializer = keras.initializers.GlorotUniform(seed=next(seeds))
        return keras.layers.Dense(units, kernel_initializer=initializer, name=name, **kwargs)(x)

    latents, inputs = keras.Input((4,)), None
    x = inputs = latents
    if loss == "info":
        codes = keras.Input((sum(CODES),), name="condition")
        x, inputs = keras.layers.Concatenate()([latents, codes]), [latents, codes]
    elif loss == "auxiliary_classifier":
        condition = keras.Input((), name="condition", dtype="int64")
        one_hot = keras_gan.layers.OneHot(CLASSES)(condition)
        x, inputs = keras.layers.Concatenate()([latents, one_hot]), [latents, condition]
    x = dense(16, x, "g_hidden", activation="tanh")
    x = dense(32, x, "g_output", dtype="float32")
    generator = keras.Model(inputs, keras.layers.Reshape((4, 4, 2), dtype="float32")(x))

    images = keras.Input((4, 4, 2))
    h = dense(12, keras.layers.Flatten()(images), "d_hidden", activation="tanh")
    outputs = {"logits": dense(1, h, "d_logit", dtype="float32"), "features": h}
    if loss in ("semi_supervised", "auxiliary_classifier", "info"):
        outputs["classes"] = dense(CLASSES, h, "d_classes", dtype="float32")
    if loss == "info":
        outputs["codes"] = dense(2 * CODES[1], h, "d_codes", dtype="float32")
    return generator, keras.Model(images, outputs)


def model_of(loss, penalty, augmentation, rule, replicas=1, policy="float32", run_eagerly=False):
    strategy = small.devices(replicas)
    condition = {
        "info": keras_gan.conditioning.Codes(*CODES),
        "auxiliary_classifier": keras_gan.conditioning.Classes(CLASSES),
    }.get(loss)
    with small.policy(policy), strategy.scope() if replicas > 1 else tf.device("CPU:0"):
        model = keras_gan.GAN(
            *network_pair(loss), keras_gan.priors.Normal(4), condition=condition, ema=0.9
        )
        # Without momentum and normalization, so that rounding is not amplified.
        model.compile(
            keras.optimizers.SGD(0.05),
            keras.optimizers.SGD(0.05),
            loss=LOSSES[loss](),
            regularizers=PENALTIES[penalty](),
            augmentation=AUGMENTATIONS[augmentation](),
            update=rule,
            jit_compile=False,
            run_eagerly=run_eagerly,
        )
    return model


X = np.random.default_rng(0).normal(size=(48, 4, 4, 2)).astype(np.float32)


def trained(model, loss, first=0, last=2):
    labels = np.arange(len(X)) % CLASSES
    if loss == "semi_supervised":
        labels = labels - (np.arange(len(X)) % 2) * (labels + 1)  # half of them unknown
    y = labels if loss in ("semi_supervised", "auxiliary_classifier") else None
    model.fit(X, y, batch_size=16, initial_epoch=first, epochs=last, verbose=0)
    return weights(model)


def weights(model):
    return {variable.path: np.asarray(variable) for variable in model.weights}


def continues(tmp_path, *row):
    """From a checkpoint and from a `.keras` file, with the same bits."""
    one, loss = model_of(*row), row[0]
    first = trained(one, loss, 0, 1)
    checkpoints.write(tmp_path, checkpoints.snapshot(one))
    one.save(tmp_path / "gan.keras")
    reference = trained(one, loss, 1, 2)

    checkpoints.restore_latest(tmp_path, one)
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    for again in (one, loaded):
        for value, expected in zip(weights(again).values(), first.values(), strict=True):
            np.testing.assert_array_equal(value, expected)
        for value, expected in zip(
            trained(again, loss, 1, 2).values(), reference.values(), strict=True
        ):
            np.testing.assert_array_equal(value, expected)


def two_replicas_equal_one(_, *row):
    # Eagerly: a few steps take less time than to make a graph of one.
    one, two = model_of(*row, run_eagerly=True), model_of(*row, replicas=2)
    reference, two = (trained(model, row[0]) for model in (one, two))
    assert all(np.isfinite(value).all() for value in reference.values())
    for value, expected in zip(two.values(), reference.values(), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-5, rtol=1e-5)


def bfloat16_stays_finite(_, *row):
    half = trained(model_of(*row, policy="mixed_bfloat16"), row[0], 0, 1)
    assert all(np.isfinite(value).all() for value in half.values())


CHECKS = {
    check.__name__: check for check in (continues, two_replicas_equal_one, bfloat16_stays_finite)
}
MATRIX = list(itertools.product(LOSSES, PENALTIES, AUGMENTATIONS, RULES, CHECKS))
SELECTED = pairwise(MATRIX)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, marks=() if row in SELECTED else pytest.mark.slow, id="-".join(row))
        for row in MATRIX
    ],
)
def test_combination(row, tmp_path):
    *choices, check = row
    CHECKS[check](tmp_path, *choices)


def test_sums_do_not_depend_on_what_was_traced_before():
    row = "info", "R1+R2", "DiffAugment", "simultaneous"  # many gradients for one tensor
    reference = trained(model_of(*row), "info")
    for _ in range(3):
        for value, expected in zip(
            trained(model_of(*row), "info").values(), reference.values(), strict=True
        ):
            np.testing.assert_array_equal(value, expected)


def test_the_selection_has_every_pair():
    assert len(SELECTED) < len(MATRIX) / 3
    for i, j in itertools.combinations(range(5), 2):
        assert {(row[i], row[j]) for row in SELECTED} == {(row[i], row[j]) for row in MATRIX}
