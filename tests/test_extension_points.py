"""What `compile` takes besides optimizers and a loss, and what a subclass may override."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import small
import tensorflow as tf
from tensorflow.python.eager import context

import keras_gan
from keras_gan import InputError, losses, regularizers
from keras_gan.augmentation import Augmentation, RandomFlip
from keras_gan.core import randomness
from keras_gan.optimizers.schedules import Cosine, ImageSchedule, counting_images, current_value
from keras_gan.training import checkpoints, loop


def linear_gan(ema=None, **compile_arguments):
    """A linear D, with weights (1, -2, 2), on points that a linear G makes."""
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    discriminator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    discriminator.layers[-1].set_weights([np.array([[1.0], [-2.0], [2.0]]), np.zeros(1)])
    generator.layers[-1].kernel.assign(np.ones((2, 3)))
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(2), ema=ema)
    model.compile(
        **{
            "generator_optimizer": keras.optimizers.SGD(0.0),
            "discriminator_optimizer": keras.optimizers.SGD(0.0),
            **compile_arguments,
        }
    )
    return model


def points(n=16):
    return np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_gradient_penalties_of_a_linear_discriminator(update):
    penalties = [regularizers.R1(0.5), regularizers.R2(Cosine(2.0, 0.0, images=16))]
    model = linear_gan(update=update, regularizers=penalties, jit_compile=False)
    logs = model.fit(points(), batch_size=8, verbose=0).history
    assert logs["r1"][0] == pytest.approx(0.5 / 2 * 9)
    # Two steps of 8 images: the weight is 2 in the first and 1 in the second.
    assert logs["r2"][0] == pytest.approx((2.0 + 1.0) / 2 / 2 * 9)


def test_a_penalty_moves_the_discriminator_by_its_gradient():
    weights = []
    for gamma in (0.0, 0.1):
        model = linear_gan(
            discriminator_optimizer=keras.optimizers.SGD(1.0), regularizers=[regularizers.R1(gamma)]
        )
        model.train_on_batch(points(8))
        weights.append(small.weights(model.discriminator)[0][:, 0])
    # The gradient of gamma / 2 |w|^2 is gamma w.
    np.testing.assert_allclose(weights[0] - weights[1], 0.1 * np.array([1, -2, 2]), atol=1e-6)


class Far(regularizers.Regularizer):
    """Calls D again, on shifted examples; checks what it gets."""

    name = "far"

    def penalty(self, discriminate, real, fake):
        again = discriminate(real.examples + 1.0, real.condition)
        assert fake.examples.shape == real.examples.shape
        noise = randomness.uniform(randomness.current_draws().bits([1]))[:, 0]
        return again.logits - real.logits + 0 * noise


def test_a_regularizer_may_call_the_discriminator():
    logs = linear_gan(regularizers=[Far()]).fit(points(), batch_size=8, verbose=0).history
    assert logs["far"][0] == pytest.approx(1 - 2 + 2, abs=1e-6)


def test_regularizers_are_refused_by_name():
    batch_norm = keras.Sequential(
        [keras.Input((6,)), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    )
    model = keras_gan.GAN(small.network_pair()[0], batch_norm, keras_gan.priors.Uniform(5))
    with pytest.raises(InputError, match="batch normalization"):
        model.compile("sgd", "sgd", regularizers=[regularizers.R1()])
    with pytest.raises(InputError, match="different names"):
        small.gan(regularizers=[regularizers.R1(), regularizers.R1()])
    with pytest.raises(InputError, match="penalty"):
        small.gan(regularizers=["l2"])


@keras.saving.register_keras_serializable("tests")
class Shift(Augmentation):
    """Adds a constant that counts D's updates, and a random sign."""

    def build(self, shape):
        self.strength = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, examples):
        sign = randomness.uniform(randomness.current_draws().bits([1])) - 0.5
        return examples + self.strength + 0 * sign

    def update(self, real):
        self.strength.assign_add(1.0)


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_augmentation_is_applied_to_real_and_generated_examples(update, tmp_path):
    plain = linear_gan(update=update)
    shifted = linear_gan(update=update, augmentation=Shift())
    shifted.augmentation.strength.assign(5.0)
    logs = [model.train_on_batch(points(8), return_dict=True) for model in (plain, shifted)]
    # D's logits grow by 5 (1 - 2 + 2) on both kinds of examples.
    z = plain.prior.draw(randomness.StepDraws(0, 0, 0, randomness.Purpose.LATENTS, 0, 8)).numpy()
    w = np.array([1.0, -2.0, 2.0])
    for found, shift in zip(logs, (0.0, 5.0), strict=True):
        assert found["d_real"] == pytest.approx(sigmoid(points(8) @ w + shift).mean(), abs=1e-6)
        fake = (z @ np.ones((2, 3))) @ w + shift
        assert found["d_fake"] == pytest.approx(sigmoid(fake).mean(), abs=1e-6)
    assert float(shifted.augmentation.strength) == 6.0
    loaded = small.reloaded(shifted, tmp_path)
    assert float(loaded.augmentation.strength) == 6.0


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_flips_depend_on_seed_step_and_row():
    images = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4, 1).repeat(20, axis=0)
    flip = RandomFlip()

    def flipped(rows, first):
        purpose = randomness.Purpose.AUGMENTATION_REAL
        with randomness.drawing_from(randomness.StepDraws(1, 2, 0, purpose, first, len(rows))):
            return flip(rows).numpy()

    whole = flipped(images, 0)
    np.testing.assert_array_equal(flipped(images[10:], 10), whole[10:])
    same = [(a == b).all() for a, b in zip(images, whole, strict=True)]
    mirrored = [(a[:, ::-1] == b).all() for a, b in zip(images, whole, strict=True)]
    assert all(np.logical_xor(same, mirrored))
    assert 5 < sum(mirrored) < 35


@keras.saving.register_keras_serializable("tests")
class Margin(keras.metrics.Mean):
    """The mean difference of D's logits."""

    def update_state(self, real, fake):
        super().update_state(tf.reduce_mean(real.logits) - tf.reduce_mean(fake.logits))


def test_metrics_of_the_user(tmp_path):
    model = linear_gan(metrics=[Margin(name="margin")])
    history = model.fit(points(), batch_size=8, verbose=0, validation_data=points()).history
    assert {"margin", "val_margin"} <= set(history)
    values = model.evaluate(points(), batch_size=16, return_dict=True, verbose=0)
    z = model.prior.draw(
        randomness.StepDraws(0, 0, 0, randomness.Purpose.EVALUATION_LATENTS, 0, 16)
    )
    w = np.array([1.0, -2.0, 2.0])
    expected = (points() @ w).mean() - ((z.numpy() @ np.ones((2, 3))) @ w).mean()
    assert values["margin"] == pytest.approx(expected, abs=1e-5)
    loaded = small.reloaded(model, tmp_path)
    assert "margin" in [metric.name for metric in loaded.metrics]


class OwnStep(keras_gan.GAN):
    """A train step in Keras's usual way, with a metric as an attribute."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.tracker = keras.metrics.Mean(name="tracked")

    def train_step(self, data):
        with tf.GradientTape() as tape:
            logits = self.discriminator(data, training=True)
            loss = tf.reduce_mean(tf.nn.softplus(-logits))
        gradients = tape.gradient(loss, self.discriminator.trainable_variables)
        self.discriminator_optimizer.apply(gradients, self.discriminator.trainable_variables)
        self.tracker.update_state(loss)
        return {"own_loss": loss, "tracked": self.tracker.result()}


def test_train_step_may_be_overridden():
    model = OwnStep(*small.network_pair(dropout=False), keras_gan.priors.Uniform(5))
    model.compile("sgd", keras.optimizers.SGD(0.0), run_eagerly=False)
    history = model.fit(small.examples(16), batch_size=8, epochs=2, verbose=0).history
    logits = model.discriminator.predict(small.examples(16), verbose=0)
    expected = np.logaddexp(0, -logits).mean()
    for name in ("own_loss", "tracked"):
        np.testing.assert_allclose(history[name], [expected] * 2, rtol=1e-5)
    assert int(model.step.numpy()) == 4


class MoreLogs(keras_gan.GAN):
    """Adds an entry to the logs."""

    def train_step(self, data):
        return {**super().train_step(data), "twice": tf.constant(2.0)}


def test_entries_that_a_train_step_adds_are_reported():
    model = MoreLogs(*small.network_pair(), keras_gan.priors.Uniform(5))
    model.compile("sgd", "sgd")
    history = model.fit(small.examples(16), batch_size=8, verbose=0).history
    assert history["twice"] == [2.0]
    assert {"d_loss", "jsd_bound"} <= set(history)


@pytest.mark.parametrize(
    ("logs", "message"),
    [
        (None, "`train_step` must return a dict of scalars. Received: None"),
        ({"each_row": np.zeros(3)}, r"'each_row' of `train_step` must be a scalar.*\(3,\)"),
    ],
)
@pytest.mark.parametrize("decorator", [lambda step: step, tf.function])
def test_a_train_step_returns_scalars(decorator, logs, message):
    class Wrong(keras_gan.GAN):
        @decorator
        def train_step(self, data):
            return logs

    model = Wrong(*small.network_pair(), keras_gan.priors.Uniform(5))
    model.compile("sgd", "sgd")
    with small.refused(message):
        model.fit(small.examples(8), batch_size=8, verbose=0)


def test_a_compute_loss_that_nothing_calls_is_refused():
    class Weighted(keras_gan.GAN):
        def compute_loss(self, *args, **kwargs):
            return 0.0

    class Stepping(Weighted):
        def train_step(self, data):
            return {**super().train_step(data), "own": self.compute_loss()}

    networks = small.network_pair()
    with small.refused("`compute_loss` of Weighted would never be called"):
        Weighted(*networks, keras_gan.priors.Uniform(5)).compile("sgd", "sgd")
    model = Stepping(*networks, keras_gan.priors.Uniform(5))
    model.compile("sgd", "sgd")
    assert model.fit(small.examples(8), batch_size=8, verbose=0).history["own"] == [0.0]


def test_schedules_of_images_reach_optimizers():
    """The rate of every step, from weights that move by the rate alone."""
    rates = []
    schedule = Cosine(0.8, 0.2, images=24)
    model = linear_gan(
        discriminator_optimizer=keras.optimizers.SGD(schedule), discriminator_steps=2
    )

    class Constant(losses.Loss):
        def discriminator(self, real, fake):
            return real.logits * 0 + tf.reduce_sum(model.discriminator.layers[-1].bias)

        def generator(self, real, fake):
            return fake.logits * 0

    model.compile(
        keras.optimizers.SGD(0.0),
        keras.optimizers.SGD(schedule),
        loss=Constant(),
        discriminator_steps=2,
    )
    bias = model.discriminator.layers[-1].bias
    for _ in range(4):
        before = float(bias.numpy()[0])
        model.train_on_batch(points(8))  # k m = 8 images
        rates.append((before - float(bias.numpy()[0])) / 2)
    expected = [0.2 + 0.6 * (1 + np.cos(np.pi * min(t / 24, 1))) / 2 for t in (0, 8, 16, 24)]
    np.testing.assert_allclose(rates, expected, rtol=1e-5)
    assert int(model.images_seen.numpy()) == 32
    restored = keras.optimizers.schedules.deserialize(
        keras.optimizers.schedules.serialize(schedule)
    )
    assert restored.get_config() == schedule.get_config()


def test_schedules_of_images_need_to_know_the_images():
    with pytest.raises(InputError, match="images"):
        Cosine(1.0, 0.0, 10)(3)
    with pytest.raises(InputError, match="needs finite"):
        Cosine(1.0, 0.0, 0)
    with counting_images(tf.constant(5)):
        assert float(current_value(Cosine(1.0, 0.0, 10))) == pytest.approx(0.5)
    assert current_value(0.3) == 0.3
    with pytest.raises(NotImplementedError):
        ImageSchedule().at(tf.constant(0.0))


@pytest.mark.parametrize(
    ("ema", "momenta"),
    [
        (keras_gan.EMA(half_life=16), [0.5**0.5] * 3),
        (keras_gan.EMA(half_life=1000, ramp_up=0.5), [0.25, 0.5, 0.5 ** (8 / 12)]),
        (keras_gan.EMA(half_life=Cosine(0.0, 16.0, 16)), [0.5**1.0, 0.5**0.5, 0.5**0.5]),
        (keras_gan.EMA(half_life=0), [0.0] * 3),
        (0.75, [0.75] * 3),
    ],
)
def test_ema_by_momentum_or_half_life(ema, momenta):
    model = linear_gan(ema=ema, generator_optimizer=keras.optimizers.SGD(0.1))
    average = small.weights(model.generator)
    for momentum in momenta:
        model.train_on_batch(points(8))
        average = [
            momentum * a + (1 - momentum) * w
            for a, w in zip(average, small.weights(model.generator), strict=True)
        ]
        assert small.largest_difference(average, small.weights(model.ema_generator)) < 1e-6
    again = keras_gan.GAN.from_config(model.get_config())
    assert again.ema.get_config() == model.ema.get_config()


@pytest.mark.parametrize(
    "arguments",
    [{}, {"momentum": 0.9, "half_life": 3}, {"momentum": 1.0}, {"half_life": -1.0},
     {"momentum": 0.9, "ramp_up": 0.1}, {"half_life": 10, "ramp_up": 0}],
)  # fmt: skip
def test_ema_refuses(arguments):
    with pytest.raises(InputError):
        keras_gan.EMA(**arguments)


class Bad(losses.NonSaturating):
    """Returns what a loss must not return."""

    def __init__(self, fault):
        super().__init__()
        self.fault = fault

    def discriminator(self, real, fake):
        values = super().discriminator(real, fake)
        if self.fault == "scalar":
            return tf.reduce_mean(values)
        return values[:, None] if self.fault == "column" else values

    def generator(self, real, fake):
        if self.fault == "reads real":
            return real.logits - fake.logits
        return super().generator(real, fake)


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("scalar", "each of the 8 rows, without taking their mean"),
        ("column", r"each of the 8 rows, of shape \[n\]: take `\[:, 0\]`"),
        ("reads real", "generator_uses_real"),
    ],
)
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_what_a_loss_returns_and_reads_is_checked(fault, word, update):
    model = small.gan(loss=Bad(fault), update=update)
    with pytest.raises(InputError, match=word):
        model.fit(small.examples(16), batch_size=8, verbose=0)


class Types(losses.NonSaturating):
    """Looks at the types of what it gets."""

    seen: tuple = ()

    def discriminator(self, real, fake):
        Types.seen = (
            real.logits.dtype,
            fake.logits.dtype,
            real.examples.dtype,
            fake.examples.dtype,
        )
        return super().discriminator(real, fake)


def test_losses_get_float32_under_mixed_precision():
    with small.policy("mixed_bfloat16"):
        generator = keras.Sequential([keras.Input((5,)), keras.layers.Dense(6)])
        discriminator = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    assert generator(keras.KerasTensor((None, 5))).dtype == "bfloat16"
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5))
    model.compile("sgd", "sgd", loss=Types())
    model.fit(small.examples(16), batch_size=8, verbose=0)
    assert set(Types.seen) == {tf.float32}


def everything(strategy, **compile_arguments):
    """A model that uses every extension point, with numbers that change with the images seen."""
    with strategy.scope():
        generator, discriminator = small.network_pair(dropout=False)
        half_life = Cosine(0.0, 200.0, images=100)
        model = keras_gan.GAN(
            generator,
            discriminator,
            keras_gan.priors.Uniform(5),
            ema=keras_gan.EMA(half_life=half_life),
        )
        optimizers = [
            keras_gan.optimizers.MomentumSGD(Cosine(0.1, 0.01, 100), momentum=Cosine(0.9, 0.1, 100))
            for _ in range(2)
        ]
        model.compile(
            *optimizers,
            discriminator_steps=2,
            regularizers=[regularizers.R1(Cosine(1.0, 0.1, 100)), regularizers.R2(0.1), Far()],
            augmentation=Noise(),
            metrics=[Margin(name="margin")],
            **compile_arguments,
        )
    return model


@keras.saving.register_keras_serializable("tests")
class Noise(Augmentation):
    """Adds noise of each row's own, as strong as the images seen say."""

    def call(self, examples):
        bits = randomness.current_draws().bits([examples.shape[-1]])
        strength = current_value(Cosine(0.0, 0.3, 100))
        return examples + strength * randomness.normal(bits)


def optimized_graph(step, *arguments):
    """Operations of the graph that TensorFlow runs for a step: name -> operation."""
    context.enable_run_metadata()
    try:
        tf.function(step, autograph=False)(*arguments)
        graphs = context.export_run_metadata().function_graphs
    finally:
        context.disable_run_metadata()
    largest = max((graph.post_optimization_graph for graph in graphs), key=lambda g: len(g.node))
    return {node.name: node for node in largest.node}


def test_a_weight_changes_only_after_or_before_it_is_read():
    # The gradient of D's last weights does not depend on them here, for `Far` is linear in D(x).
    model = small.gan(dropout=False, regularizers=[Far()])

    def step(x):
        with loop.one_step():
            return model.train_step(x)

    graph = optimized_graph(step, tf.constant(small.examples(6)))

    def source(name):
        return name.removeprefix("^").split(":")[0]

    @functools.cache
    def before(name):
        inputs = {source(i) for i in graph[name].input}
        return inputs.union(*(before(i) for i in inputs))

    pairs = [
        (read.name, update.name)
        for update in graph.values()
        for read in graph.values()
        if update.op == "ResourceApplyKerasMomentum" and read.op == "ReadVariableOp"
        if source(read.input[0]) == source(update.input[0])
    ]
    assert len(pairs) > 8
    for read, update in pairs:
        assert read in before(update) or update in before(read), (read, update)


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_extension_points_on_two_replicas_equal_one_device(update):
    mirrored = small.devices()
    models, histories = [], []
    # Eagerly: a few steps take less time than to make a graph of one.
    eager, graph = {"run_eagerly": True}, {"steps_per_execution": 2}
    for strategy, how in ((tf.distribute.get_strategy(), eager), (mirrored, graph)):
        model = everything(strategy, update=update, **how)
        histories.append(model.fit(small.examples(72), batch_size=6, epochs=2, verbose=0).history)
        models.append(model)
    one, two = models
    assert small.largest_difference(small.weights(one), small.weights(two)) < 1e-5
    assert histories[0].keys() == histories[1].keys()
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-4, atol=1e-5, err_msg=name)


def test_extension_points_resume_exactly(tmp_path):
    x = small.examples(48)
    whole, second = (everything(tf.distribute.get_strategy()) for _ in range(2))

    def write(epoch, logs):
        if epoch == 0:
            checkpoints.write(tmp_path, checkpoints.snapshot(whole))

    writing = keras.callbacks.LambdaCallback(on_epoch_end=write)
    whole.fit(x, batch_size=6, epochs=2, verbose=0, callbacks=[writing])
    assert checkpoints.restore_latest(tmp_path, second) == {}
    second.fit(x, batch_size=6, epochs=2, initial_epoch=1, verbose=0)
    assert small.largest_difference(small.weights(second), small.weights(whole)) == 0


@pytest.fixture(scope="module")
def history_in_float32():
    plain = everything(tf.distribute.get_strategy(), run_eagerly=True)
    return plain.fit(small.examples(48), batch_size=6, verbose=0).history


@pytest.mark.parametrize("jit_compile", [False, True])
def test_extension_points_under_xla_and_bfloat16(jit_compile, history_in_float32):
    with small.policy("mixed_bfloat16"):
        model = everything(tf.distribute.get_strategy(), jit_compile=jit_compile)
    history = model.fit(small.examples(48), batch_size=6, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    for name in ("d_loss", "r1", "margin"):
        np.testing.assert_allclose(history[name], history_in_float32[name], rtol=0.1, atol=0.05)
