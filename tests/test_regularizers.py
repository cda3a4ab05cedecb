"""Regularizers: values and gradients in closed form, alone and in the step of a GAN."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

import keras_gan
from keras_gan import InputError, regularizers
from keras_gan.augmentation import ADA, RandomFlip
from keras_gan.core import randomness
from keras_gan.core.batches import DiscriminatorOutput, GeneratedBatch
from keras_gan.core.randomness import Purpose, StepDraws
from keras_gan.optimizers.schedules import Cosine
from keras_gan.training import checkpoints

W = np.array([1.0, -2.0, 2.0])  # of norm 3
RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=(2, 16, 3)).astype(np.float32)

ALL = [
    regularizers.R1(0.5),
    regularizers.R2(0.5, every=4),
    regularizers.WGANGP(10.0),
    regularizers.DRAGAN(10.0),
    regularizers.MaxGradient(0.3),
    regularizers.Consistency(RandomFlip(), 10.0, Cosine(1.0, 0.0, 100)),
    regularizers.LatentConsistency(5.0, 0.5, 0.1),
    regularizers.LeCam(0.3, 0.9, 2),
]


def by_name(regularizer):
    return regularizer.name


def draws(rows=16, first=0):
    return StepDraws(0, 0, 0, Purpose.REGULARIZER, first, rows)


def linear(examples, condition=None, *, input_gradients=False):
    """D(x) = w.x with the gradient that autodiff gives."""

    def output(x):
        return [DiscriminatorOutput(tf.linalg.matvec(x, tf.constant(W, tf.float32)), examples=x)]

    examples = tf.convert_to_tensor(examples)
    if input_gradients:
        return regularizers.with_input_gradients(output, examples)[0]
    return output(examples)[0]


def penalty(regularizer, discriminate=linear):
    real, fake = (discriminate(x, input_gradients=True) for x in (REAL, FAKE))
    with randomness.drawing_from(draws()):
        return regularizer.penalty(discriminate, real, fake).numpy()


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        (regularizers.R1(0.5), 0.5 / 2 * 9),
        (regularizers.R2(0.5), 0.5 / 2 * 9),
        (regularizers.WGANGP(10.0), 10 * (3 - 1) ** 2),
        (regularizers.DRAGAN(2.0), 2 * (3 - 1) ** 2),
        (regularizers.MaxGradient(0.3), 0.3 * 9),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_linear_discriminator(regularizer, expected):
    np.testing.assert_allclose(penalty(regularizer), expected, rtol=1e-5)


def quadratic(examples, condition=None, *, input_gradients=False):
    """C(x) = |x|^2 / 2, whose gradient at x is x."""

    def output(x):
        return [DiscriminatorOutput(tf.reduce_sum(x * x, axis=1) / 2, examples=x)]

    examples = tf.convert_to_tensor(examples)
    if input_gradients:
        return regularizers.with_input_gradients(output, examples)[0]
    return output(examples)[0]


def test_where_the_gradient_is_taken():
    with randomness.drawing_from(draws()):
        a = randomness.uniform(randomness.current_draws().bits([1])).numpy().astype(np.float64)
        u = randomness.uniform(randomness.current_draws().bits([3])).numpy().astype(np.float64)
    between = a * REAL + (1 - a) * FAKE
    norms = np.linalg.norm(between, axis=1)
    np.testing.assert_allclose(
        penalty(regularizers.WGANGP(10.0), quadratic), 10 * (norms - 1) ** 2, rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        penalty(regularizers.MaxGradient(2.0), quadratic), 2 * norms.max() ** 2, rtol=1e-5
    )
    near = REAL + a * REAL.std(dtype=np.float64) / 2 * u
    np.testing.assert_allclose(
        penalty(regularizers.DRAGAN(1.0), quadratic),
        (np.linalg.norm(near, axis=1) - 1) ** 2,
        rtol=1e-4,
        atol=1e-5,
    )
    np.testing.assert_allclose(
        penalty(regularizers.R2(0.2), quadratic), 0.1 * (FAKE**2).sum(axis=1), rtol=1e-5
    )


@pytest.mark.parametrize("kind", [regularizers.R1, regularizers.WGANGP])
def test_gradients_with_respect_to_weights_against_finite_differences(kind):
    initial = [np.random.default_rng(i).normal(size=s) for i, s in enumerate([(3, 4), (4,)])]

    def loss(values, tape=None):
        first, last = (tf.Variable(value, dtype=tf.float64) for value in values)

        def discriminate(examples, condition=None, *, input_gradients=False):
            return regularizers.with_input_gradients(
                lambda x: [
                    DiscriminatorOutput(
                        tf.linalg.matvec(tf.tanh(tf.cast(x, tf.float64) @ first), last), examples=x
                    )
                ],
                tf.convert_to_tensor(examples),
            )[0]

        with tf.GradientTape() as tape, randomness.drawing_from(draws()):
            real, fake = discriminate(REAL), discriminate(FAKE)
            total = tf.reduce_mean(kind(2.0).penalty(discriminate, real, fake))
        return float(total), [g.numpy() for g in tape.gradient(total, [first, last])]

    _, gradients = loss(initial)
    for which, place in ((0, (1, 2)), (0, (2, 0)), (1, (3,))):
        moved = []
        for step in (1e-2, -1e-2):  # the penalty itself is float32
            values = [value.copy() for value in initial]
            values[which][place] += step
            moved.append(loss(values)[0])
        expected = (moved[0] - moved[1]) / 2e-2
        assert gradients[which][place] == pytest.approx(expected, rel=2e-2, abs=1e-3)


def test_a_zero_gradient_has_a_finite_derivative():
    with tf.GradientTape() as tape:
        gradients = tf.Variable(tf.zeros([2, 3]))
        value = regularizers.norm_minus_one(gradients)
    assert np.isfinite(tape.gradient(value, gradients)).all()


def test_consistency():
    images = tf.constant(RNG.normal(size=(16, 2, 4, 1)), tf.float32)

    def left(examples, condition=None):
        x = tf.convert_to_tensor(examples)
        return DiscriminatorOutput(tf.reduce_sum(x[:, :, :2], axis=[1, 2, 3]), examples=x)

    mirrored = np.asarray(images)[:, :, ::-1]
    difference = (np.asarray(images)[:, :, :2] - mirrored[:, :, :2]).sum(axis=(1, 2, 3))
    real, fake = left(images), left(2 * images)

    def mirror(x):
        return tf.reverse(x, axis=[2])

    both = regularizers.Consistency(mirror, 10.0, 3.0).penalty(left, real, fake)
    np.testing.assert_allclose(both, 10 * difference**2 + 3 * 4 * difference**2, rtol=1e-4)
    alone = regularizers.Consistency(mirror, 10.0, 0.0).penalty(left, real, fake)
    np.testing.assert_allclose(alone, 10 * difference**2, rtol=1e-4)


def test_latent_consistency():
    latents = tf.constant(REAL)
    samples = GeneratedBatch(latents, 2 * latents, {})

    def generate(z):
        return samples._replace(latents=z, examples=2 * z)

    with randomness.drawing_from(draws()):
        e = 0.1 * randomness.normal(randomness.current_draws().bits([3])).numpy()
    regularizer = regularizers.LatentConsistency(5.0, 0.5, 0.1)
    fake = linear(samples.examples)
    with randomness.drawing_from(draws()):
        of_d = regularizer.penalty(linear, None, fake, generate, samples)
    with randomness.drawing_from(draws()):
        of_g = regularizer.generator_penalty(generate, samples)
    np.testing.assert_allclose(of_d, 5 * (2 * e @ W) ** 2, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(of_g, -0.5 * np.mean((2 * e) ** 2, axis=1), rtol=1e-4)


def test_lecam_remembers_the_means():
    regularizer = regularizers.LeCam(0.3, decay=0.9, start=1)
    with pytest.raises(InputError, match="build"):
        regularizer.penalty(linear, linear(REAL), linear(FAKE))
    regularizer.build()
    r = f = 0.0
    for step in range(3):
        real, fake = REAL @ W + step, FAKE @ W - 2 * step
        decay = 0.0 if step < 1 else 0.9
        r, f = decay * r + (1 - decay) * real.mean(), decay * f + (1 - decay) * fake.mean()
        expected = np.maximum(0, real - f) ** 2 + np.maximum(0, r - fake) ** 2
        outputs = (DiscriminatorOutput(tf.constant(x, tf.float32)) for x in (real, fake))
        values = regularizer.penalty(linear, *outputs)
        np.testing.assert_allclose(values, 0.3 * expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("regularizer", ALL, ids=by_name)
def test_configuration(regularizer):
    config = keras.saving.serialize_keras_object(regularizer)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(regularizer)
    assert keras.saving.serialize_keras_object(again) == config


def test_a_critic_without_a_gradient_is_refused():
    def critic(x):
        return [DiscriminatorOutput(tf.stop_gradient(x[:, 0]))]

    with small.refused("no gradient"):
        regularizers.with_input_gradients(critic, tf.ones((2, 3)))


@pytest.mark.parametrize("regularizer", [regularizers.R1(), regularizers.R2()])
def test_outputs_without_input_gradients_are_refused(regularizer):
    output = DiscriminatorOutput(tf.ones(2))
    with small.refused("with_input_gradients"):
        regularizer.penalty(None, output, output)


def test_wrong_arguments():
    for make in (
        lambda: regularizers.R1(-1.0),
        lambda: regularizers.WGANGP(float("nan")),
        lambda: regularizers.R1(every=0),
        lambda: regularizers.LeCam(decay=1.0),
        lambda: regularizers.LatentConsistency(sd=0.0),
        lambda: regularizers.LatentConsistency(sd="0.1"),
        lambda: regularizers.Consistency("flip"),
        lambda: regularizers.Consistency(keras.Sequential([ADA()])),
        lambda: regularizers.R1(None),
        lambda: regularizers.R1(keras.optimizers.schedules.CosineDecay(1.0, 3)),
    ):
        with pytest.raises(InputError, match="Received"):
            make()


# ------------------------------------------------------------------------------ in a GAN


def image_gan(*regularizers_of_d, policy="float32", **arguments):
    with small.policy(policy):
        seeds = iter(range(10))

        def dense(units, **kwargs):
            initializer = keras.initializers.GlorotUniform(seed=next(seeds))
            return keras.layers.Dense(units, kernel_initializer=initializer, **kwargs)

        generator = keras.Sequential(
            [
                keras.Input((3,)),
                dense(16, activation="tanh"),
                dense(16, dtype="float32"),
                keras.layers.Reshape((4, 4, 1), dtype="float32"),
            ]
        )
        discriminator = keras.Sequential(
            [
                keras.Input((4, 4, 1)),
                keras.layers.Flatten(),
                dense(8, activation="tanh"),
                dense(1, dtype="float32"),
            ]
        )
        model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(3))
        model.compile(
            keras_gan.optimizers.Adam(1e-2),
            keras_gan.optimizers.Adam(1e-2),
            regularizers=[type(one).from_config(one.get_config()) for one in regularizers_of_d],
            **{"jit_compile": False, **arguments},
        )
    return model


IMAGES = np.random.default_rng(1).normal(size=(64, 4, 4, 1)).astype(np.float32)


def weights_after(model, epochs=1, **arguments):
    logs = model.fit(IMAGES, batch_size=16, epochs=epochs, verbose=0, **arguments).history
    networks = model.generator.get_weights() + model.discriminator.get_weights()
    return np.concatenate([w.reshape(-1) for w in networks]), logs


@pytest.fixture(scope="module")
def without_penalty():
    return weights_after(image_gan(run_eagerly=True))[0]


@pytest.mark.parametrize("regularizer", ALL, ids=by_name)
def test_each_changes_the_weights(regularizer, without_penalty):
    reference, logs = weights_after(image_gan(regularizer, run_eagerly=True))
    assert np.isfinite(logs[regularizer.name]).all()
    assert not np.allclose(reference, without_penalty, atol=1e-5)


# Several in one model: graphs of one model for each take longer to make.
@pytest.mark.parametrize("some", [ALL[:4], ALL[4:]], ids=lambda some: "-".join(map(by_name, some)))
def test_xla_and_several_steps_in_one_call_change_nothing(some):
    reference, logs = weights_after(image_gan(*some))
    eager, eager_logs = weights_after(image_gan(*some, run_eagerly=True))
    np.testing.assert_allclose(eager, reference, atol=2e-4)
    several, _ = weights_after(image_gan(*some, steps_per_execution=4))
    np.testing.assert_array_equal(several, reference)
    compiled, compiled_logs = weights_after(image_gan(*some, jit_compile=True))
    np.testing.assert_allclose(compiled, reference, atol=2e-4)
    for regularizer in some:
        for others in (eager_logs, compiled_logs):
            np.testing.assert_allclose(
                others[regularizer.name], logs[regularizer.name], rtol=1e-3, atol=1e-5
            )


@functools.cache
def logs_in_float32(regularizer):
    # Eagerly: a few steps take less time than to make a graph of one.
    return weights_after(image_gan(regularizer, run_eagerly=True))[1]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    "regularizer", [regularizers.R1(0.5), regularizers.R2(0.5, every=2), regularizers.WGANGP(1.0)]
)
def test_half_precision_has_the_same_penalty(policy, regularizer):
    reference = logs_in_float32(regularizer)
    moved, logs = weights_after(image_gan(regularizer, policy=policy, run_eagerly=True))
    assert np.isfinite(moved).all()
    np.testing.assert_allclose(logs[regularizer.name], reference[regularizer.name], rtol=0.05)


def test_small_gradients_survive_float16():
    """The gradient of a logit may be below float16's range though its penalty matters."""
    model = image_gan(regularizers.R1(1.0), policy="mixed_float16")
    hidden, last = model.discriminator.layers[-2:]
    hidden.kernel.assign(hidden.kernel * 1e-4)
    last.kernel.assign(last.kernel * 1e-4)  # gradients of 1e-8
    model.discriminator_optimizer.learning_rate = 0.0
    _, logs = weights_after(model)
    kernels = hidden.kernel.numpy().astype(np.float64) @ last.kernel.numpy()
    expected = 0.5 * np.sum(kernels**2)
    assert logs["r1"][0] == pytest.approx(expected, rel=0.3)


def test_a_lazy_penalty_counts_in_one_update_of_several():
    def r1_of(every, step):
        penalty = regularizers.R1(1.0, every)
        model = image_gan(penalty, discriminator_steps=2, run_eagerly=True)
        model.step.assign(step)
        return float(model.train_on_batch(IMAGES[:32], return_dict=True)["r1"])

    once = [r1_of(1, step) for step in range(2)]
    # Updates 2 step and 2 step + 1; the third is the first of step 1.
    lazy = [r1_of(3, step) for step in range(2)]
    assert lazy[0] == pytest.approx(3 / 2 * once[0], rel=0.3)
    assert r1_of(4, 1) == 0
    assert lazy[1] > 0


def test_transforms_of_keras_change_the_examples_and_are_continued(tmp_path):
    noise = regularizers.Consistency(keras.layers.GaussianNoise(0.5, seed=1))
    expected, logs = weights_after(image_gan(noise, run_eagerly=True), epochs=2)
    assert logs["consistency"][0] > 0
    first = image_gan(noise, run_eagerly=True)
    weights_after(first)
    first.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    continued, _ = weights_after(loaded, epochs=2, initial_epoch=1)
    np.testing.assert_array_equal(continued, expected)


def test_the_state_of_lecam_is_in_the_checkpoint(tmp_path):
    regularizer = regularizers.LeCam(0.3, 0.9, 2)
    whole, first, second = (image_gan(regularizer, run_eagerly=True) for _ in range(3))
    expected, _ = weights_after(whole, epochs=3)
    weights_after(first, epochs=2)
    checkpoints.write(tmp_path, checkpoints.snapshot(first))
    checkpoints.restore_latest(tmp_path, second)
    states = [[v.numpy() for v in m.regularizers[0].variables] for m in (first, second)]
    assert states[0] == states[1]
    assert states[0][2] == 8
    again, _ = weights_after(second, epochs=3, initial_epoch=2)
    np.testing.assert_array_equal(again, expected)


def test_regularizers_draw_their_own_numbers():
    seen = []

    class Draws(regularizers.Regularizer):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def penalty(self, discriminate, real, fake):
            bits = randomness.current_draws().bits([1])
            seen.append(bits)
            return randomness.uniform(bits)[:, 0]

    model = image_gan()
    model.compile(
        keras_gan.optimizers.Adam(),
        keras_gan.optimizers.Adam(),
        regularizers=[Draws("one"), Draws("other")],
        run_eagerly=True,
    )
    model.train_on_batch(IMAGES[:16])
    assert not np.array_equal(seen[0], seen[1])
