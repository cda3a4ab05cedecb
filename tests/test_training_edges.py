"""Training in unusual ways: odd batches, frozen parts, packed rows, XLA with lazy penalties."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small
import tensorflow as tf
from numpy.testing import assert_allclose

from keras_gan import (
    GAN,
    InputError,
    augmentation,
    callbacks,
    conditioning,
    layers,
    losses,
    networks,
    optimizers,
    priors,
    regularizers,
)

IMAGES = np.random.default_rng(0).random((32, 8, 8, 1), dtype=np.float32)


def glorot(seed: int) -> keras.initializers.Initializer:
    return keras.initializers.GlorotUniform(seed=seed)


def pair(shape=(6,), **of_d) -> tuple[keras.Model, keras.Model]:
    size = int(np.prod(shape))
    generator = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(size, kernel_initializer=glorot(0)),
            keras.layers.Reshape(shape),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(4, "tanh", kernel_initializer=glorot(1), **of_d),
            keras.layers.Dense(1, kernel_initializer=glorot(2), dtype="float32"),
        ]
    )
    return generator, discriminator


def gan(shape=(6,), networks=None, condition=None, ema=None, **arguments) -> GAN:
    model = GAN(*(networks or pair(shape)), priors.Normal(5), condition=condition, ema=ema)
    rates = arguments.pop("optimizers", ("sgd", "sgd"))
    model.compile(*rates, **arguments)
    return model


# ------------------------------------------------------------------------------------- XLA


# Geometry takes long to compile: with the rule that has fewer passes.
@pytest.mark.parametrize(
    ("augment", "update"),
    [
        (augmentation.DiffAugment("translation"), "alternating"),
        (augmentation.RandomTransforms(1.0, color=0), "simultaneous"),
        pytest.param(augmentation.RandomTransforms(1.0), "alternating", marks=pytest.mark.slow),
    ],
    ids=["translation", "geometry", "geometry and color"],
)
def test_lazy_penalties_under_augmentation_compile(augment, update):
    eager, compiled = (
        gan(
            (8, 8, 1),
            regularizers=[regularizers.R1(every=2), regularizers.WGANGP(every=2)],
            augmentation=type(augment).from_config(augment.get_config()),
            update=update,
            **how,
        )
        for how in ({"run_eagerly": True}, {"jit_compile": True})
    )
    for model in (eager, compiled):
        model.fit(IMAGES, batch_size=8, verbose=0)
    assert small.largest_difference(small.weights(eager), small.weights(compiled)) < 1e-5


@pytest.mark.parametrize(
    "pooling",
    [keras.layers.MaxPooling2D(3, 2), layers.PartialMaxPooling2D(3, 2), layers.SelfAttention()],
)
def test_second_derivatives_of_max_pooling_do_not_go_through_xla(pooling):
    """TensorFlow computes them wrong there."""
    generator, _ = pair((8, 8, 1))
    end = [keras.layers.Flatten(), keras.layers.Dense(1)]
    discriminator = keras.Sequential([keras.Input((8, 8, 1)), pooling, *end])
    networks = generator, discriminator
    with pytest.raises(InputError, match=r"max pooling wrong, which R1 needs of layer"):
        gan(networks=networks, regularizers=[regularizers.R1()], jit_compile=True)
    assert not gan(networks=networks, regularizers=[regularizers.R1()]).jit_compile
    assert gan(networks=networks, jit_compile=True).jit_compile


# --------------------------------------------------------------------------- save and load


def test_augmentations_in_a_sequence_draw_alike_and_are_loaded(tmp_path):
    def make():
        both = keras.Sequential([augmentation.RandomFlip(), augmentation.RandomShift()])
        return gan((8, 8, 1), regularizers=[regularizers.Consistency(both)])

    one, other = make(), make()
    for model in (one, other):
        model.fit(IMAGES, batch_size=8, verbose=0)
    other.make_train_function(force=True)  # traced once more
    loaded = small.reloaded(one, tmp_path)
    for model in (one, other, loaded):
        model.fit(IMAGES, batch_size=8, verbose=0)
    for model in (other, loaded):
        assert small.largest_difference(small.weights(one), small.weights(model)) == 0


def test_an_augmentation_may_draw_from_a_seed_generator_of_keras(tmp_path):
    model = gan(augmentation=small.KerasNoise())
    x = small.examples(32)
    model.fit(x, batch_size=8, verbose=0)
    # Each of four steps draws for data and for samples in D's update, and for samples in G's.
    assert model.augmentation.generator.state.numpy().tolist() == [0, 4 * 3]
    loaded = small.reloaded(model, tmp_path)
    for one in (model, loaded):
        one.fit(x, batch_size=8, verbose=0)
    assert small.largest_difference(small.weights(model), small.weights(loaded)) == 0


class Unseeded(keras.layers.Layer):
    """Noise of Keras's global generator, which belongs to no model."""

    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x))


class UnseededTerm(regularizers.Regularizer):
    """D on data with noise of Keras's global generator."""

    name = "unseeded"

    def penalty(self, discriminate, real, fake):
        return discriminate(Unseeded()(real.examples)).logits ** 2


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
@pytest.mark.parametrize("part", ["generator", "discriminator", "regularizer"])
def test_draws_without_a_seed_are_refused(part, update):
    networks = list(pair((6,)))
    if (place := ["generator", "discriminator", "regularizer"].index(part)) < 2:
        networks[place] = keras.Sequential([*networks[place].layers, Unseeded()])
        networks[place].build((None, (5, 6)[place]))
    terms = [UnseededTerm()] if part == "regularizer" else []
    eager = update == "simultaneous"
    model = gan(networks=networks, update=update, regularizers=terms, run_eagerly=eager)
    with small.refused("by keras.random without a seed.*seed=self.seed_generator"):
        model.fit(small.examples(16), batch_size=8, verbose=0)


class OfTensorFlow(regularizers.Regularizer):
    """Noise whose state is TensorFlow's, or that of a generator which no model saves."""

    name = "noise"

    def __init__(self, draw, **kwargs):
        super().__init__(**kwargs)
        self.draw = draw

    def penalty(self, discriminate, real, fake):
        return real.logits * self.draw(tf.shape(real.logits))


@pytest.mark.parametrize(
    ("draw", "every"),
    [
        (tf.random.normal, 1),
        (lambda shape: tf.image.random_brightness(tf.ones(shape), 0.5), 2),
        (tf.random.Generator.from_seed(1).uniform, 1),
    ],
)
def test_draws_of_tensorflow_are_refused(draw, every):
    model = gan(regularizers=[OfTensorFlow(draw, every=every)])
    with small.refused(r"by tf\.random: no checkpoint has these numbers"):
        model.fit(small.examples(16), batch_size=8, verbose=0)


class Nameless(optimizers.schedules.ImageSchedule):
    """A schedule without `at`."""


def test_a_schedule_without_its_function_is_refused():
    model = gan(optimizers=(optimizers.Adam(Nameless()), "sgd"))
    with small.refused("Nameless must define `at"):
        model.fit(small.examples(16), batch_size=8, verbose=0)


def test_a_saved_model_has_the_state_of_its_regularizers(tmp_path):
    layers = [keras.layers.Dropout(0.5), keras.layers.Dense(1)]  # Keras's own draws go on, too
    model = gan(
        networks=(pair()[0], keras.Sequential([keras.Input((6,)), *layers])),
        regularizers=[regularizers.LeCam(1.0, start=2)],
        optimizers=("adam", "adam"),
    )
    x = small.examples(64)
    model.fit(x, batch_size=8, verbose=0)
    loaded = small.reloaded(model, tmp_path)
    state = [variable.numpy() for variable in model.compile_variables]
    assert state[2] == 8
    assert [variable.numpy() for variable in loaded.compile_variables] == state
    histories = [one.fit(x, batch_size=8, verbose=0).history for one in (model, loaded)]
    assert histories[0]["lecam"] == histories[1]["lecam"]
    assert small.largest_difference(small.weights(model), small.weights(loaded)) == 0


# ------------------------------------------------------------------------- what is measured


def test_where_d_knows_nothing_it_does_not_overfit():
    """Least squares have their boundary at 1/2."""
    generator, _ = pair((8, 8, 1))
    last = keras.layers.Dense(
        1, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(0.5)
    )
    discriminator = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), last])
    probability = augmentation.Adaptive(images=50, interval=1)
    model = gan(
        networks=(generator, discriminator),
        optimizers=(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0)),
        loss="least_squares",
        augmentation=augmentation.DiffAugment("color", probability),
    )
    history = model.fit(IMAGES, batch_size=8, verbose=0).history
    assert history["d_loss"] == [0.25]
    assert float(probability.value) == 0
    assert history["d_real_accuracy"] == history["d_fake_accuracy"] == [0]
    assert losses.LeastSquares(label_smoothing=0.2).boundary == pytest.approx(0.4)
    assert losses.AuxiliaryClassifier(losses.LeastSquares()).boundary == 0.5
    smooth = losses.NonSaturating(label_smoothing=0.2)
    with tf.GradientTape() as tape:
        logits = tf.constant([smooth.boundary])
        tape.watch(logits)
        output = losses.DiscriminatorOutput(logits)
        value = smooth.discriminator(output, output)
    assert tape.gradient(value, logits).numpy() == pytest.approx(0, abs=1e-6)  # its minimum


def test_results_of_evaluate_are_in_the_order_of_the_metrics():
    model = gan(regularizers=[regularizers.R1()])
    x = small.examples(32)
    model.fit(x, batch_size=8, verbose=0)
    named = model.evaluate(x, verbose=0, return_dict=True)
    listed = model.evaluate(x, verbose=0)
    assert dict(zip(model.metrics_names, listed, strict=False)) == named


# ------------------------------------------------------------------------- batches in memory


def test_batches_of_any_size_one_by_one():
    model = gan()
    for rows in (8, 6, 4):
        assert np.isfinite(model.train_on_batch(small.examples(rows), return_dict=True)["d_loss"])
    model.fit(small.examples(32), batch_size=8, verbose=0)
    model.train_on_batch(small.examples(6))
    assert int(model.step.numpy()) == 8


def test_batches_one_by_one_are_checked():
    model = gan((8, 8, 1), discriminator_steps=2)
    with pytest.raises(InputError, match=r"has 2 .* minibatches\. Received: 5"):
        model.train_on_batch(IMAGES[:5])
    with pytest.raises(InputError, match="float examples"):
        model.train_on_batch((IMAGES * 255).astype(np.uint8))
    with pytest.raises(InputError, match="weights"):
        model.train_on_batch(IMAGES, sample_weight=np.ones(32))


# ------------------------------------------------------------------- layers and optimizers


def test_what_was_frozen_is_averaged_when_it_learns_again():
    frozen = keras.layers.Dense(4, trainable=False)
    generator = keras.Sequential([keras.Input((5,)), frozen, keras.layers.Dense(6)])
    model = GAN(generator, pair()[1], priors.Normal(5), ema=0.99)
    frozen.trainable = True
    model.compile(keras.optimizers.SGD(0.5), "sgd")
    model.fit(small.examples(80), batch_size=8, verbose=0)
    for weight, average in zip(
        generator.get_weights(), model.ema_generator.get_weights(), strict=True
    ):
        assert np.abs(weight - average).max() > 0.01


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16"])
def test_losses_of_layers_in_half_precision(policy):
    with small.policy(policy):
        networks = pair(activity_regularizer="l2", kernel_regularizer="l2")
    history = gan(networks=networks).fit(small.examples(32), batch_size=8, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()


def test_accumulated_gradients_are_those_of_keras():
    models = [
        gan(optimizers=[make(1e-2, beta_1=0.5, beta_2=0.9, epsilon=1e-7, **more) for _ in "GD"])
        for more in ({"gradient_accumulation_steps": 2},)
        for make in (optimizers.Adam, keras.optimizers.Adam)
    ]
    for model in models:
        model.fit(small.examples(64), batch_size=8, verbose=0)
    for one, other in zip(*map(small.weights, models), strict=True):
        assert_allclose(one, other, atol=1e-4)


def test_packed_rows_share_the_noise_of_their_first():
    discriminator = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Pack(2),
            networks.maxout_discriminator((12,), units=4),
            layers.Unpack(2),
        ]
    )
    history = gan(networks=(pair()[0], discriminator)).fit(
        small.examples(32), batch_size=8, verbose=0
    )
    assert np.isfinite(history.history["d_loss"]).all()


def test_sparse_gradients_are_those_of_one_device_on_several():
    """An embedding's gradients are added by class before they are squared or clipped."""

    def model(**arguments):
        def with_class(size, last):
            x, c = keras.Input((size,)), keras.Input((), name="condition", dtype="int64")
            joined = keras.layers.Concatenate()([x, keras.layers.Embedding(3, 4)(c)])
            return keras.Model([x, c], last(joined))

        of_clipped = {"epsilon": 0.1, "global_clipnorm": 0.01}
        return gan(
            networks=(with_class(5, keras.layers.Dense(6)), with_class(6, keras.layers.Dense(1))),
            condition=conditioning.Classes(3),
            optimizers=[keras.optimizers.RMSprop(0.1, **of_clipped) for _ in "GD"],
            **arguments,
        )

    one = model(run_eagerly=True)
    with small.devices().scope():
        two = model()
    two.set_weights(one.get_weights())
    x, y = small.examples(32), np.arange(32) % 3
    for each in (one, two):
        each.fit(x, y, batch_size=8, verbose=0)
    assert small.largest_difference(small.weights(one), small.weights(two)) < 1e-6


def test_a_rate_may_have_a_schedule_where_the_other_one_is_set():
    falling = optimizers.schedules.Cosine(1e-3, 1e-4, images=100)
    model = gan(optimizers=(optimizers.Adam(falling), "sgd"))
    seen = []

    def set_rate(epoch, rates):
        seen.append(dict(rates))
        return {"discriminator": 0.125}

    scheduler = callbacks.LearningRateScheduler(set_rate)
    history = model.fit(
        small.examples(16), batch_size=8, epochs=2, verbose=0, callbacks=[scheduler]
    ).history
    after = [1e-4 + 9e-4 * (1 + np.cos(np.pi * images / 100)) / 2 for images in (0, 16, 32)]
    assert [rates["generator"] for rates in seen] == pytest.approx(after[:2], rel=1e-6)
    assert [rates["discriminator"] for rates in seen] == pytest.approx([0.01, 0.125])
    assert history["generator_learning_rate"] == pytest.approx(after[1:], rel=1e-6)
    assert history["discriminator_learning_rate"] == [0.125, 0.125]
    with small.refused("is a function of the images seen"):  # `fit` is over
        float(model.generator_optimizer.learning_rate)


def test_the_progress_line_counts_the_steps_of_a_last_shorter_call(capsys):
    model = gan(steps_per_execution=4)
    model.fit(small.examples(80), batch_size=8, verbose=2)
    assert "10/10" in capsys.readouterr().out


def test_the_progress_line_counts_the_steps_made_before(capsys):
    model = gan()
    model.step.assign(7)
    model.fit(small.examples(80), batch_size=8, epochs=2, initial_step=7, verbose=2)
    lines = [line for line in capsys.readouterr().out.splitlines() if "examples/s" in line]
    assert [line.split()[0] for line in lines] == ["10/10", "10/10"]


# ----------------------------------------------------------------------------- what is refused


def test_a_discriminator_that_returns_a_list_is_refused():
    x = keras.Input((6,))
    hidden = keras.layers.Dense(4)(x)
    two = keras.Model(x, [keras.layers.Dense(1)(hidden), hidden])
    with pytest.raises(InputError, match="a dict of them"):
        gan(networks=(pair()[0], two))


@pytest.mark.parametrize("condition", [conditioning.Classes(4), conditioning.Codes(3)])
def test_the_classes_of_an_auxiliary_classifier_are_those_of_the_condition(condition):
    x, z = keras.Input((6,)), keras.Input((5,))
    codes = isinstance(condition, conditioning.Codes)
    c = keras.Input((3,) if codes else (), name="condition", dtype="float32" if codes else "int64")
    given = c if codes else layers.OneHot(4)(c)
    generator = keras.Model([z, c], keras.layers.Dense(6)(keras.layers.Concatenate()([z, given])))
    hidden = keras.layers.Dense(4)(x)
    outputs = {"logits": keras.layers.Dense(1)(hidden), "classes": keras.layers.Dense(3)(hidden)}
    with pytest.raises(InputError, match=r"needs the condition `Classes\(K\)`"):
        gan(
            networks=(generator, keras.Model(x, outputs)),
            condition=condition,
            loss=losses.AuxiliaryClassifier(),
        )
