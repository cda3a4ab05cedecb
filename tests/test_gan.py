"""The model: gradients, who moves when, noise, metrics, saving."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import textwrap
from typing import ClassVar

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

import keras_gan
from keras_gan.core import randomness
from keras_gan.core.randomness import Purpose, RowDraws, StepDraws, row_seeds
from keras_gan.training.context import StepContext
from keras_gan.training.steps import RULES


class RecordingStep(StepContext):
    """Records each update: the network, its gradients, and all weights before it."""

    def apply(self, optimizer, gradients, network):
        gan = self.gan
        weights = small.weights(gan.generator), small.weights(gan.discriminator)
        self.updates.append((network, [g.numpy() for g in gradients], *weights))
        if self.applies:
            super().apply(optimizer, gradients, network)


def recorded(model, x, k=1, applies=False):
    """The updates of one step of the model's rule, made eagerly."""
    step = RecordingStep(
        gan=model,
        minibatches=[tf.constant(x[j::k]) for j in range(k)],
        labels=[None] * k,
        number=tf.constant(3, tf.int64),
        first_row=tf.constant(0),
        replicas=1,
    )
    object.__setattr__(step, "updates", [])
    object.__setattr__(step, "applies", applies)
    logs = RULES[model.update](step)
    return step.updates, logs


def numpy_networks(model):
    """The small networks in float64 NumPy, without dropout: two functions and their weights."""

    def generate(w, z):
        hidden = np.maximum(z @ w[0] + w[1], 0)
        return 1 / (1 + np.exp(-(hidden @ w[2] + w[3])))

    def discriminate(w, x):
        pieces = (x @ w[0] + w[1]).reshape(len(x), 3, 6)
        return (pieces.max(axis=1) @ w[2] + w[3])[:, 0]

    g_weights, d_weights = (
        [np.array(w, np.float64) for w in network.get_weights()]
        for network in (model.generator, model.discriminator)
    )
    return generate, discriminate, g_weights, d_weights


def finite_differences(loss, weights, eps=1e-6):
    """The gradient of a scalar function of a list of arrays, by central differences."""
    gradients = []
    for array in weights:
        gradient = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + eps
            above = loss(weights)
            array[index] = kept - eps
            gradient[index] = (above - loss(weights)) / (2 * eps)
            array[index] = kept
        gradients.append(gradient)
    return gradients


def latents_of(model, minibatch, rows):
    draws = StepDraws(model.seed, 3, minibatch, Purpose.LATENTS, 0, rows)
    return model.prior.draw(draws).numpy().astype(np.float64)


def softplus(x):
    return np.logaddexp(0, x)


@pytest.mark.parametrize("loss", ["non_saturating", "minimax", "blended"])
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_gradients_equal_finite_differences(loss, update):
    model = small.gan(dropout=False, loss=loss, update=update)
    x = small.examples(8)
    generate, discriminate, g_weights, d_weights = numpy_networks(model)
    noise_d = latents_of(model, 0, 8)
    noise_g = noise_d if update == "simultaneous" else latents_of(model, 1, 8)
    updates, _ = recorded(model, x)
    (_, d_gradients, *_), (_, g_gradients, *_) = updates

    def loss_d(w):
        fake = discriminate(w, generate(g_weights, noise_d))
        return np.mean(softplus(-discriminate(w, x.astype(np.float64))) + softplus(fake))

    def loss_g(w):
        fake = discriminate(d_weights, generate(w, noise_g))
        terms = {"non_saturating": softplus(-fake), "minimax": -softplus(fake)}
        terms["blended"] = (terms["non_saturating"] + terms["minimax"]) / 2
        return np.mean(terms[loss])

    for computed, expected in (
        (d_gradients, finite_differences(loss_d, d_weights)),
        (g_gradients, finite_differences(loss_g, g_weights)),
    ):
        for one, other in zip(computed, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


class Stateful(keras.layers.Layer):
    """Keras layers with state that moves in training: batch statistics, a spectral norm, seeds."""

    def __init__(self, units):
        super().__init__()
        self.parts = [
            keras.layers.SpectralNormalization(keras.layers.Dense(units)),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
        ]

    def build(self, shape):
        for part in self.parts:
            part.build(shape)
            shape = part.compute_output_shape(shape)

    def call(self, x, training=False):
        for part in self.parts:
            x = part(x, training=training)
        return x


def stateful_gan(**kwargs):
    keras.utils.set_random_seed(0)
    latents, images = keras.Input((5,)), keras.Input((6,))
    generator = keras.Model(latents, keras.layers.Dense(6)(Stateful(8)(latents)))
    discriminator = keras.Model(images, keras.layers.Dense(1)(Stateful(8)(images)))
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(5))
    model.compile("sgd", "sgd", **kwargs)
    return model


@pytest.mark.parametrize("make", [small.gan, stateful_gan])
def test_an_update_leaves_the_other_network_unchanged(make):
    model = make()
    g_before, d_before = small.weights(model.generator), small.weights(model.discriminator)
    updates, _ = recorded(model, small.examples(8), applies=True)
    (_, _, g_at_d_update, _), (_, _, _, d_at_g_update) = updates
    assert small.largest_difference(g_at_d_update, g_before) == 0
    assert small.largest_difference(d_at_g_update, d_before) > 0
    assert small.largest_difference(small.weights(model.discriminator), d_at_g_update) == 0
    assert small.largest_difference(small.weights(model.generator), g_before) > 0


def test_keras_dropout_draws_new_masks_in_the_other_networks_update():
    model = stateful_gan()
    (_, first), (_, second) = (recorded(model, small.examples(8)) for _ in range(2))
    assert float(first["g_loss"]) != float(second["g_loss"])


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_k_updates_of_d_for_one_of_g(update):
    model = small.gan(update=update, discriminator_steps=3, run_eagerly=True)
    model.fit(small.examples(50), batch_size=8, epochs=2, verbose=0)
    assert int(model.step.numpy()) == 4  # 50 // (3 * 8) steps in each of 2 epochs
    assert int(model.generator_optimizer.iterations) == 4
    assert int(model.discriminator_optimizer.iterations) == 4 * 3


class Recorder(keras.layers.Layer):
    """Passes on its input, and keeps what it saw."""

    seen: ClassVar[list] = []

    def call(self, x, training=False):
        if hasattr(x, "numpy"):
            Recorder.seen.append(x.numpy())
        return x


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
@pytest.mark.parametrize("source", ["arrays", "tf.data", "batches of another m"])
def test_k_distinct_minibatches_and_fresh_noise(update, source):
    k, m, n = 3, 4, 29
    x = np.tile(np.arange(n, dtype=np.float32)[:, None], (1, 6))
    latents, images = keras.Input((5,)), keras.Input((6,))
    generator = keras.Model(latents, keras.layers.Dense(6)(Recorder(name="z")(latents)) + 1000.0)
    discriminator = keras.Model(images, keras.layers.Dense(1)(Recorder(name="x")(images)))
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(5))
    model.compile("sgd", "sgd", update=update, discriminator_steps=k, run_eagerly=True)
    data = x if source == "arrays" else tf.data.Dataset.from_tensor_slices(x).batch(m)
    Recorder.seen = []
    model.fit(data, batch_size=m if source == "arrays" else None, verbose=0)
    seen = Recorder.seen
    assert int(model.step.numpy()) == n // (k * m)
    real = [batch[:, 0] for batch in seen if batch.shape == (m, 6) and batch.max() < 500]
    assert len(real) == k * (n // (k * m))
    used = np.concatenate(real)
    assert len(set(used)) == len(used), "an example was used twice in an epoch"
    assert set(used) <= set(x[:, 0])
    assert model.dropped_examples == n - len(used)
    noise = np.concatenate([batch for batch in seen if batch.shape == (m, 5)])
    passes = k + 1 if update == "alternating" else k
    assert len(noise) == passes * m * (n // (k * m))
    assert len(np.unique(noise[:, 0])) == len(noise), "noise came twice"


def test_dropped_examples_differ_from_epoch_to_epoch():
    n = 29
    x = np.tile(np.arange(n, dtype=np.float32)[:, None], (1, 6))
    latents, images = keras.Input((5,)), keras.Input((6,))
    generator = keras.Model(latents, keras.layers.Dense(6)(latents) + 1000.0)
    discriminator = keras.Model(images, keras.layers.Dense(1)(Recorder()(images)))
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(5))
    model.compile("sgd", "sgd", run_eagerly=True)
    left = []
    for _ in range(3):
        Recorder.seen = []
        model.fit(x, batch_size=8, verbose=0)
        used = {int(v) for batch in Recorder.seen if batch.max() < 500 for v in batch[:, 0]}
        left.append(frozenset(range(n)) - used)
    assert len(set(left)) == 3
    assert all(len(rest) == n % 8 for rest in left)


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_steps_per_execution_changes_no_number(update):
    results = []
    for steps in (1, 3):
        model = small.gan(update=update, discriminator_steps=2, steps_per_execution=steps, ema=0.9)
        history = model.fit(small.examples(70), batch_size=4, epochs=2, verbose=0).history
        results.append((small.weights(model), history))
    (one, of_one), (three, of_three) = results
    assert small.largest_difference(one, three) == 0
    assert of_one == of_three


@pytest.mark.parametrize("loss", ["non_saturating", "held_back"])
def test_jit_compile_gives_the_numbers_of_the_graph(loss):
    plain, compiled = (
        small.gan(discriminator_steps=2, jit_compile=jit, ema=0.5, loss=loss)
        for jit in (False, True)
    )
    for model in (plain, compiled):
        model.fit(small.examples(33), batch_size=4, verbose=0)
    assert small.largest_difference(small.weights(plain), small.weights(compiled)) < 1e-6


def test_averaged_weights_follow_the_definition():
    model = small.gan(ema=0.75)
    average = small.weights(model.generator)
    for _ in range(4):
        model.train_on_batch(small.examples(8))
        average = [
            0.75 * a + 0.25 * w
            for a, w in zip(average, small.weights(model.generator), strict=True)
        ]
    assert small.largest_difference(average, small.weights(model.ema_generator)) < 1e-6
    raw, ema = model.generate(3, seed=1), model.generate(3, seed=1, ema=True)
    assert np.abs(raw - ema).max() > 0


@keras.saving.register_keras_serializable("tests")
class Counting(keras.layers.Layer):
    """Shifts by a number that no gradient reaches, and has a count, as Keras's Normalization."""

    def build(self, input_shape):
        self.shift = self.add_weight(name="shift", shape=(), trainable=False)
        self.count = self.add_weight(name="count", shape=(), dtype="int32", trainable=False)

    def call(self, inputs):
        return inputs + self.shift


def test_statistics_of_batch_normalization_are_averaged():
    generator, discriminator = small.network_pair()
    generator.add(keras.layers.BatchNormalization(name="norm"))
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5), ema=0.75)
    model.compile("sgd", "sgd")
    mean, variance = 0.0, 1.0
    for _ in range(3):
        model.train_on_batch(small.examples(8))
        norm = generator.get_layer("norm")
        mean = 0.75 * mean + 0.25 * np.asarray(norm.moving_mean)
        variance = 0.75 * variance + 0.25 * np.asarray(norm.moving_variance)
    average = model.ema_generator.get_layer("norm")
    np.testing.assert_allclose(average.moving_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(average.moving_variance, variance, rtol=1e-5)
    assert np.abs(mean - norm.moving_mean).max() > 1e-4


def test_batches_in_memory_may_be_trained_on_step_by_step():
    logs = []
    for run_eagerly in (True, False):
        model = small.gan()
        model.compile(
            *("sgd", "sgd"),
            discriminator_steps=2,
            regularizers=[keras_gan.regularizers.R1(1.0)],
            run_eagerly=run_eagerly,
        )
        model.train_on_batch(small.examples(8))
        logs.append(model.test_on_batch(small.examples(7), return_dict=True))
    assert logs[0] == pytest.approx(logs[1], rel=1e-5)


def test_what_is_not_learnt_is_copied_to_the_average():
    generator, discriminator = small.network_pair()
    generator.add(Counting(name="counting"))
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5), ema=0.5)
    model.compile("sgd", "sgd")
    layer = generator.get_layer("counting")
    layer.shift.assign(0.1)
    layer.count.assign(7)
    model.train_on_batch(small.examples(8))
    ema = model.ema_generator.get_layer("counting")
    assert (ema.shift.numpy(), ema.count.numpy()) == (np.float32(0.1), 7)


class Distance(keras_gan.training.auxiliary.AuxiliaryNetwork):
    """How far the samples are from those that `generate` makes."""

    name = "distance"

    def __init__(self, network, generator):
        super().__init__(network)
        self.generator = generator

    def loss(self, made, training):
        again = self.generator(made.latents, training=False)
        apart = tf.reduce_sum(tf.abs(made.examples - again), axis=1)
        return apart + 0 * self.network(made.examples)[:, 0]


def test_companions_learn_from_what_generate_makes():
    generator, discriminator = small.network_pair()
    generator.add(keras.layers.Dropout(0.5))
    network = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)], name="distance")
    model = keras_gan.GAN(
        generator,
        discriminator,
        keras_gan.priors.Uniform(5),
        auxiliary_networks=[Distance(network, generator)],
    )
    model.compile("sgd", "sgd", auxiliary_optimizers=["sgd"])
    logs = model.train_on_batch(small.examples(8), return_dict=True)
    assert logs["distance_loss"] == 0


def test_generate_rows_depend_on_seed_and_index_alone():
    model = small.gan()
    whole = model.generate(20, seed=5)
    np.testing.assert_allclose(model.generate(20, seed=5, batch_size=3), whole, atol=1e-6)
    np.testing.assert_allclose(model.generate(7, seed=5), whole[:7], atol=1e-6)
    assert not np.any(np.all(np.isclose(model.generate(20, seed=6)[:, None], whole), axis=-1))
    assert model.generate(0).shape == (0, 6)
    seeds = randomness.row_seeds(5, 20)
    picked = keras_gan.training.sampling.sample(
        model.generator, model.prior, tf.constant(seeds[[11, 2]])
    )
    np.testing.assert_allclose(picked, whole[[11, 2]], atol=1e-6)


def test_noise_in_the_generator_is_drawn_per_row():
    latents = keras.Input((5,))
    hidden = keras.layers.Dense(8, "relu")(latents)
    noisy = keras_gan.layers.GaussianNoise(1.0, sampling=True)(hidden)
    dropped = keras_gan.layers.Dropout(0.5, sampling=True)(noisy)
    generator = keras.Model(latents, keras.layers.Dense(6)(dropped))
    _, discriminator = small.network_pair()
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(5))
    whole = model.generate(9, seed=2)
    np.testing.assert_allclose(model.generate(4, seed=2), whole[:4], atol=1e-6)
    z = tf.ones((9, 5))
    outputs = keras_gan.training.sampling.transform(
        generator, z, tf.range(9, dtype=tf.int64)
    ).numpy()
    assert len(np.unique(outputs[:, 0])) == 9


def test_metrics_at_the_equilibrium():
    model = small.gan()
    model.discriminator.get_layer("logit").kernel.assign(np.zeros((6, 1)))
    values = model.evaluate(small.examples(30), batch_size=8, verbose=0, return_dict=True)
    assert values["value"] == pytest.approx(-math.log(4), abs=1e-6)
    assert values["d_real"] == pytest.approx(0.5, abs=1e-6)
    assert values["d_fake"] == pytest.approx(0.5, abs=1e-6)
    assert values["jsd_bound"] == pytest.approx(0, abs=1e-6)
    assert values["g_loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert {metric.name for metric in model.metrics} == set(values)


def test_evaluate_against_numpy():
    model = small.gan(dropout=False)
    x = small.examples(10)
    generate, discriminate, g_weights, d_weights = numpy_networks(model)
    values = model.evaluate(x, batch_size=10, verbose=0, return_dict=True)
    draws = StepDraws(model.seed, 0, 0, Purpose.EVALUATION_LATENTS, 0, 10)
    fake = discriminate(
        d_weights, generate(g_weights, model.prior.draw(draws).numpy().astype(np.float64))
    )
    real = discriminate(d_weights, x.astype(np.float64))
    v = np.mean(-softplus(-real) - softplus(fake))
    assert values["value"] == pytest.approx(v, abs=1e-5)
    assert values["d_real"] == pytest.approx(np.mean(1 / (1 + np.exp(-real))), abs=1e-5)
    assert values["d_real_accuracy"] == pytest.approx(np.mean(real > 0), abs=1e-6)
    assert values["d_fake_accuracy"] == pytest.approx(np.mean(fake < 0), abs=1e-6)
    assert values["jsd_bound"] == pytest.approx((v + math.log(4)) / 2, abs=1e-5)
    assert model.evaluate(x, batch_size=10, verbose=0, return_dict=True) == values


def test_a_loaded_model_goes_on_as_the_saved_one(tmp_path):
    model = small.gan(discriminator_steps=2, ema=0.9, update="simultaneous")
    x = small.examples(64)
    model.fit(x, batch_size=8, verbose=0)
    model.save(tmp_path / "gan.keras")
    np.save(tmp_path / "x.npy", x)
    model.fit(x, batch_size=8, verbose=0)
    script = """
        import sys, json, keras, numpy as np, keras_gan
        model = keras.saving.load_model(sys.argv[1] + "/gan.keras")
        model.fit(np.load(sys.argv[1] + "/x.npy"), batch_size=8, verbose=0)
        np.savez(sys.argv[1] + "/after.npz", *model.get_weights())
        print(json.dumps([int(model.step.numpy()), int(model.discriminator_optimizer.iterations),
                          model.update, model.discriminator_steps, model.ema.momentum]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [8, 16, "simultaneous", 2, 0.9]
    with np.load(tmp_path / "after.npz") as after:
        loaded = [after[name] for name in after]
    assert small.largest_difference(loaded, small.weights(model)) == 0


def test_bfloat16_trains_in_float32_variables():
    with small.policy("mixed_bfloat16"):
        model = small.gan()
    history = model.fit(small.examples(64), batch_size=8, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert {w.dtype for w in model.generator.weights} == {"float32"}
    plain = small.gan()
    plain.fit(small.examples(64), batch_size=8, verbose=0)
    difference = small.largest_difference(small.weights(plain), small.weights(model))
    assert 0 < difference < 2e-2


def test_labels_are_ignored_with_one_word(caplog):
    model = small.gan()
    x = small.examples(16)
    data = tf.data.Dataset.from_tensor_slices((x, np.arange(16))).batch(8)
    model.fit(data, epochs=2, verbose=0)
    assert int(model.step.numpy()) == 4
    assert sum("labels" in record.message for record in caplog.records) == 1


class FeatureMatching(keras_gan.losses.NonSaturating):
    """A user's loss on what D returns besides logits, with labels; D's layers add one of theirs."""

    generator_uses_real = True
    uses_labels = True

    def generator(self, real, fake):
        assert real.labels.shape == real.logits.shape
        return tf.reduce_sum(tf.square(real.features - fake.features), axis=-1)


@pytest.mark.parametrize("update", ["alternating", "simultaneous", "fixed"])
def test_a_loss_may_see_features_and_labels(update):
    keras.utils.set_random_seed(0)
    generator, _ = small.network_pair()
    images = keras.Input((6,))
    features = keras.layers.Dense(4, "relu", kernel_regularizer="l2")(images)
    discriminator = keras.Model(
        images, {"logits": keras.layers.Dense(1)(features), "features": features}
    )
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5))
    model.compile("sgd", "sgd", loss=FeatureMatching(), update=update)
    before = small.weights(generator)
    history = model.fit(small.examples(16), np.arange(16), batch_size=8, verbose=0).history
    assert history["g_loss"][0] > 0
    moved = small.largest_difference(before, small.weights(generator)) > 0
    assert moved == (update != "fixed")


@pytest.mark.parametrize("shape", [(1,), (2,), (4, 3), (5, 5, 2)])
def test_examples_of_any_rank(shape):
    generator, discriminator = keras_gan.networks.for_shape(shape, 3, bounded=False)
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(3))
    model.compile("adam", "adam")
    x = np.random.default_rng(0).normal(size=(20, *shape)).astype(np.float32)
    model.fit(x, batch_size=10, verbose=0)
    assert model.generate(3).shape == (3, *shape)


def test_same_seed_same_numbers_and_other_seed_others():
    runs = []
    for seed in (0, 0, 1):
        generator, discriminator = small.network_pair()
        model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5), seed=seed)
        model.compile("sgd", "sgd")
        model.fit(small.examples(), batch_size=8, verbose=0)
        runs.append(small.weights(model))
    assert small.largest_difference(runs[0], runs[1]) == 0
    assert small.largest_difference(runs[0], runs[2]) > 0


def test_gan_describes_itself(capsys):
    model = small.gan(ema=0.9)
    model.summary()
    text = capsys.readouterr().out
    assert "generator" in text
    assert "ema_generator" in text
    again = keras_gan.GAN.from_config(model.get_config())
    assert again.get_config() == model.get_config()


def test_losses_that_layers_add_count_for_data_and_samples():
    """An activity penalty for each pass, a weight penalty once."""
    latents, images = keras.Input((5,)), keras.Input((6,))
    hidden = keras.layers.Dense(
        3, activity_regularizer=keras.regularizers.L2(0.5), kernel_regularizer="l2"
    )
    generator = keras.Model(latents, keras.layers.Dense(6)(latents))
    discriminator = keras.Model(
        images, keras.layers.Dense(1, kernel_initializer="zeros")(hidden(images))
    )
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(5))
    model.compile("sgd", "sgd")
    x = small.examples(8)
    kernel, bias = (np.array(w, np.float64) for w in hidden.get_weights())
    fake = generator(latents_of(model, 0, 8)).numpy()
    # With a zero output layer only the penalties move the hidden layer.
    expected = 2 * 0.01 * kernel
    for batch in (x, fake):
        expected += 2 * 0.5 * batch.T @ (batch @ kernel + bias) / 8  # Keras: a mean over the rows
    for update in ("alternating", "simultaneous"):
        model.update = update
        updates, _ = recorded(model, x)
        np.testing.assert_allclose(updates[0][1][0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_a_regularizer_that_calls_g_again_keeps_the_losses_of_its_layers(update):
    def trained(*regularizers):
        glorot = keras.initializers.GlorotUniform(seed=0)
        generator = keras.Sequential(
            [keras.Input((5,)), keras.layers.Dense(6, activity_regularizer="l2")]
        )
        discriminator = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
        for network in (generator, discriminator):
            network.layers[-1].kernel.assign(glorot(network.layers[-1].kernel.shape))
        model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(5))
        model.compile("sgd", "sgd", update=update, regularizers=list(regularizers))
        model.fit(small.examples(16), batch_size=8, verbose=0)
        return [np.array(weight) for weight in model.get_weights()]

    nothing = keras_gan.regularizers.LatentConsistency(0.0, 0.0)
    assert small.largest_difference(trained(), trained(nothing)) < 1e-6


def test_recomputed_statistics_are_means_over_new_batches():
    generator = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4, kernel_initializer=keras.initializers.GlorotUniform(seed=0)),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
        ]
    )
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(3), ema=0.9)
    dense = model.ema_generator.layers[0]
    dense.kernel.assign(3 * dense.kernel)  # the averaged statistics are wrong for these weights
    model.recompute_statistics(batches=5, batch_size=100, seed=1, ema=True)
    hidden = np.concatenate(
        [
            model.prior.draw(RowDraws(row_seeds(1, 100, first=100 * i))) @ dense.kernel
            for i in range(5)
        ]
    ).reshape(5, 100, 4)
    norm = model.ema_generator.get_layer("norm")
    np.testing.assert_allclose(norm.moving_mean, hidden.mean(axis=(0, 1)), atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, hidden.var(axis=1).mean(axis=0), rtol=1e-4)
    assert norm.momentum == 0.99
    assert not model.ema_generator.trainable
    np.testing.assert_array_equal(generator.get_layer("norm").moving_mean, np.zeros(4))
    generator.layers[0].trainable = generator.get_layer("norm").trainable = False
    model.recompute_statistics(batches=2, batch_size=100)
    assert np.abs(generator.get_layer("norm").moving_mean).max() > 1e-3
    assert [layer.trainable for layer in generator.layers] == [False, False, True]
    with pytest.raises(keras_gan.InputError, match="no batch normalization"):
        small.gan().recompute_statistics()


def test_recomputed_statistics_are_all_that_changes():
    """Keras's spectral norm overwrites its kernel in each pass in training mode."""
    generator = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.SpectralNormalization(keras.layers.Dense(4)),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(2),
        ]
    )
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(3))
    before = {variable.path: variable.numpy() for variable in generator.variables}
    model.recompute_statistics(batches=2, batch_size=50)
    norm = generator.get_layer("norm")
    changed = {v.path for v in generator.variables if (v.numpy() != before[v.path]).any()}
    assert changed == {norm.moving_mean.path, norm.moving_variance.path}


def test_recomputed_statistics_are_of_new_noise_in_each_batch():
    """The mean of 100 random numbers has a variance of 1/100."""
    generator = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(64, kernel_initializer="zeros"),
            keras.layers.GaussianNoise(1.0, seed=1),
            keras.layers.BatchNormalization(name="norm"),
        ]
    )
    discriminator = keras.Sequential([keras.Input((64,)), keras.layers.Dense(1)])
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(3))
    model.recompute_statistics(batches=25, batch_size=4)
    mean = generator.get_layer("norm").moving_mean.numpy()
    assert 0.005 < np.mean(mean**2) < 0.02  # 0.25 with the same noise in each batch of 4


def test_recomputed_statistics_are_those_of_the_classes_of_the_data():
    z, c = keras.Input((3,)), keras.Input((), dtype="int64", name="condition")
    classes = keras.layers.Embedding(2, 4)
    dense = keras_gan.layers.SpectralNorm(keras.layers.Dense(4))
    hidden = dense(z) + classes(c)
    norm, u = keras.layers.BatchNormalization(), dense.u.numpy()
    generator = keras.Model([z, c], keras.layers.Dense(2)(norm(hidden)))
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    prior, condition = keras_gan.priors.Normal(3), keras_gan.conditioning.Classes(2)
    model = keras_gan.GAN(generator, discriminator, prior, condition=condition)
    x, means = np.zeros((20, 2), np.float32), []
    for label in (0, 1):
        model.recompute_statistics(x, np.full(20, label), batches=2, batch_size=50)
        means.append(keras.ops.convert_to_numpy(norm.moving_mean))
    of_class = keras.ops.convert_to_numpy(classes.embeddings)
    np.testing.assert_allclose(means[1] - means[0], of_class[1] - of_class[0], atol=1e-5)
    np.testing.assert_array_equal(dense.u, u)
    with pytest.raises(keras_gan.InputError, match="made from labels: give `y`"):
        model.recompute_statistics(x)
    with pytest.raises(keras_gan.InputError, match="labels of examples: give `x`"):
        model.recompute_statistics(y=np.zeros(20, int))  # not classes drawn at random
