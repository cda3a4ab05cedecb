"""What Keras users do: it works as in Keras, or one line says what to do instead."""

from __future__ import annotations

import re
import types

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

import keras_gan
from keras_gan import InputError, augmentation, losses, regularizers
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.training import progress


@pytest.mark.parametrize(
    "callback",
    [
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.1),
        keras.callbacks.ReduceLROnPlateau(),
        keras.callbacks.SwapEMAWeights(),
        keras.callbacks.TensorBoard(write_steps_per_second=True),
    ],
)
def test_callbacks_that_need_one_loss_or_optimizer_are_refused(callback):
    model = small.gan()
    for callbacks in [callback], keras.callbacks.CallbackList([callback]):
        with pytest.raises(InputError, match=type(callback).__name__):
            model.fit(small.examples(), batch_size=8, verbose=0, callbacks=callbacks)
    with small.refused("`callbacks` must be keras.callbacks.Callback objects. Received: <class"):
        model.fit(small.examples(), batch_size=8, verbose=0, callbacks=[type(callback)])
    assert int(model.step.numpy()) == 0


@pytest.mark.parametrize("monitor", ["g_loss", "val_d_loss"])
def test_monitors_know_which_direction_is_better(monitor):
    model = small.gan()
    stop = keras.callbacks.EarlyStopping(monitor=monitor, patience=0, min_delta=100.0)
    history = model.fit(
        *(small.examples(),),
        batch_size=8,
        epochs=5,
        verbose=0,
        callbacks=[stop],
        validation_data=small.examples(),
    )
    assert len(history.epoch) == 2  # no improvement by 100 after the first epoch


@pytest.mark.parametrize("monitor", ["d_real", "val_value"])
def test_monitors_whose_direction_nobody_knows_are_refused_before_training(monitor):
    model = small.gan()
    for callback in (
        keras.callbacks.EarlyStopping(monitor),
        keras.callbacks.ModelCheckpoint("never.keras", monitor),
    ):
        with small.refused(f"{type(callback).__name__} cannot know .* '{monitor}'"):
            model.fit(small.examples(8), batch_size=8, verbose=0, callbacks=[callback])
    assert int(model.step.numpy()) == 0


def test_optimizers_with_ema_are_finalized():
    model = keras_gan.GAN(*small.network_pair(), keras_gan.priors.Uniform(5))
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, "sgd")
    weights = [small.weights(model.generator)]

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights.append(small.weights(model.generator))

    model.fit(small.examples(24), batch_size=8, verbose=0, callbacks=[Record()])
    average = weights[1]  # Keras's average starts at the weights after the first update
    for step in weights[2:]:
        average = [0.5 * a + 0.5 * w for a, w in zip(average, step, strict=True)]
    assert small.largest_difference(average, small.weights(model.generator)) < 1e-6


@pytest.mark.parametrize(
    ("update", "arguments"),
    [("fixed", {}), ("alternating", {"epochs": 0}), ("alternating", {"initial_epoch": 1})],
)
def test_averages_of_an_optimizer_that_made_no_update_are_left_alone(update, arguments):
    model = keras_gan.GAN(*small.network_pair(), keras_gan.priors.Uniform(5))
    averaging = [keras.optimizers.SGD(use_ema=True) for _ in range(2)]
    model.compile(*averaging, update=update)
    before = [weight.numpy() for weight in model.trainable_weights]
    model.fit(small.examples(8), batch_size=8, verbose=0, **arguments)
    after = [weight.numpy() for weight in model.trainable_weights]
    assert small.largest_difference(before, after) == 0


def test_freezing_after_compile():
    """It holds from the next `fit` on, or is refused where the optimizer cannot follow."""
    model, x = small.gan(), small.examples(8)
    first = model.generator.layers[0]
    model.fit(x, batch_size=8, verbose=0)
    first.trainable = False
    before, kernel = small.weights(model.generator), first.get_weights()
    model.fit(x, batch_size=8, verbose=0)
    assert small.largest_difference(kernel, first.get_weights()) == 0
    assert small.largest_difference(before, small.weights(model.generator)) > 0
    averaging = [keras.optimizers.SGD(use_ema=True) for _ in range(2)]
    model.compile(*averaging)
    for trainable in (True, False):  # more weights than at `compile`, and fewer
        first.trainable = trainable
        model.discriminator.layers[-1].trainable = trainable
        with small.refused("were frozen or unfrozen .* call `compile` again"):
            model.fit(x, batch_size=8, verbose=0)


def test_export_writes_the_generator(tmp_path):
    model = small.gan()
    model.export(tmp_path / "export", verbose=False)
    z = model.prior.sample(3)
    loaded = tf.saved_model.load(str(tmp_path / "export"))
    np.testing.assert_allclose(loaded.serve(z), model.generator(z), atol=1e-6)


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    """A generator with `call` alone."""

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.dense = keras.layers.Dense(size)

    def call(self, latents):
        return self.dense(latents)

    def get_config(self):
        return {**super().get_config(), "size": self.size}


class WithoutConfig(Subclassed):
    """Cannot be made from its configuration."""

    def get_config(self):
        raise NotImplementedError


def test_ema_of_subclassed_generators():
    _, discriminator = small.network_pair()
    model = keras_gan.GAN(Subclassed(6), discriminator, keras_gan.priors.Uniform(5), ema=0.5)
    model.compile("sgd", "sgd")
    before = small.weights(model.generator)
    model.train_on_batch(small.examples(8))
    expected = [(a + b) / 2 for a, b in zip(before, small.weights(model.generator), strict=True)]
    assert small.largest_difference(expected, small.weights(model.ema_generator)) < 1e-6
    with pytest.raises(InputError, match="get_config"):
        keras_gan.GAN(WithoutConfig(6), discriminator, keras_gan.priors.Uniform(5), ema=0.5)


def test_ema_of_generators_with_lambda_layers_and_classes_that_are_not_registered():
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    last = [keras.layers.Dense(6), Twice(), keras.layers.Lambda(lambda x: x + 1)]
    generator = keras.Sequential([keras.Input((5,)), *last])
    model = keras_gan.GAN(generator, small.network_pair()[1], keras_gan.priors.Uniform(5), ema=0.5)
    z = model.prior.sample(3)
    np.testing.assert_array_equal(model.ema_generator(z), generator(z))


def test_weights_that_a_generator_is_given_later():
    model = small.gan(ema=0.5)
    z, before = model.prior.sample(3, seed=0), model.generate(3)
    np.testing.assert_allclose(model.generator(z), before, atol=1e-6)
    hidden = next(v for v in model.generator.layers if isinstance(v, keras.layers.Dense))
    hidden.enable_lora(2)
    hidden.lora_kernel_b.assign(np.ones(hidden.lora_kernel_b.shape))
    after = model.generate(3)
    assert np.abs(after - before).max() > 1e-2
    np.testing.assert_allclose(after, model.generator(z), atol=1e-6)
    model.compile("sgd", "sgd")
    with small.refused("'generator.*' has other weights than the EMA was made for"):
        model.fit(small.examples(8), batch_size=8, verbose=0)
    assert int(model.step.numpy()) == 0


def test_hdf5_files_are_refused(tmp_path):
    with small.refused("a GAN is saved in a `.keras` file"):
        small.gan().save(tmp_path / "gan.h5")
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_made_untrainable_does_not_learn(tmp_path):
    model = keras_gan.GAN(*small.network_pair(), keras_gan.priors.Uniform(5), trainable=False)
    for each in (model, small.reloaded(model, tmp_path)):
        assert not each.generator.trainable_variables
        assert not each.discriminator.trainable_variables


@pytest.mark.parametrize("inside", ["networks", "model"])
def test_networks_and_model_must_share_a_scope(inside):
    strategy = small.devices()
    if inside == "networks":
        with strategy.scope():
            networks = small.network_pair()
        with pytest.raises(InputError, match="scope"):
            keras_gan.GAN(*networks, keras_gan.priors.Uniform(5))
    else:
        networks = small.network_pair()
        with strategy.scope(), pytest.raises(InputError, match="scope"):
            keras_gan.GAN(*networks, keras_gan.priors.Uniform(5))
        with strategy.scope():
            model = keras_gan.GAN(*small.network_pair(), keras_gan.priors.Uniform(5))
        with small.refused("SGD and the GAN must be made in the same scope"):
            model.compile(keras.optimizers.SGD(), "sgd")


def test_parts_with_a_state_and_the_model_must_share_a_scope():
    """Each replica would advance the state as if it were its own."""
    shown = augmentation.DiffAugment(probability=augmentation.Adaptive())
    shown.build((None, 8, 8, 1))  # as a call does
    used = regularizers.LeCam()
    used.build()
    counting = losses.NonSaturating()
    counting.calls = keras.Variable(0.0, trainable=False)
    with small.devices().scope():
        for name, part in (
            ("DiffAugment", {"augmentation": shown}),
            ("LeCam", {"regularizers": [used]}),
            ("NonSaturating", {"loss": counting}),
        ):
            with small.refused(f"{name} and the GAN must be made in the same scope"):
                small.gan(**part)


def test_gradient_accumulation_on_several_replicas_is_refused():
    with small.devices().scope():
        model = keras_gan.GAN(*small.network_pair(), keras_gan.priors.Uniform(5))
        accumulating = keras.optimizers.SGD(gradient_accumulation_steps=2)
        with pytest.raises(InputError, match="gradient_accumulation_steps"):
            model.compile(accumulating, "sgd")
        with small.refused("overwrites weights .* leave out `ema_overwrite_frequency`"):
            model.compile(keras.optimizers.SGD(use_ema=True, ema_overwrite_frequency=2), "sgd")


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"clipnorm": 1e-3}, "SGD within another optimizer clips .* leave out `clipnorm`"),
        ({"gradient_accumulation_steps": 2}, "leave out `gradient_accumulation_steps`"),
    ],
)
def test_optimizers_within_another_are_checked_on_several_replicas(argument, words):
    with small.devices().scope():
        inner = keras.optimizers.SGD(**argument)
        model = keras_gan.GAN(*small.network_pair(), keras_gan.priors.Uniform(5))
        with small.refused(words):
            model.compile(keras.optimizers.MultiOptimizer(lambda variable: inner), "sgd")


def test_a_loss_scale_on_several_replicas_is_refused():
    with small.devices().scope():
        model = keras_gan.GAN(*small.network_pair(), keras_gan.priors.Uniform(5))
        scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(clipnorm=1e-3))
        with small.refused("LossScaleOptimizer .* 2 replicas"):
            model.compile(scaled, "sgd")


def test_a_sigmoid_operation_at_the_end_of_d_is_refused():
    images = keras.Input((6,))
    probability = keras.ops.sigmoid(keras.layers.Dense(1)(images))
    for outputs in (probability, {"logits": probability}):
        with pytest.raises(InputError, match="sigmoid"):
            keras_gan.GAN(
                small.network_pair()[0], keras.Model(images, outputs), keras_gan.priors.Uniform(5)
            )


@pytest.mark.parametrize(
    ("name", "ours"),
    [("d_optimizer", "discriminator_optimizer"), ("loss_fn", "loss"), ("foo", "unexpected")],
)
def test_names_of_other_code_are_refused_with_ours(name, ours):
    with pytest.raises(TypeError, match=ours):
        small.gan().compile("sgd", "sgd", **{name: "sgd"})
    with pytest.raises(TypeError, match="prior"):
        keras_gan.GAN(*small.network_pair(), keras_gan.priors.Uniform(5), latent_dim=5)


@pytest.mark.parametrize("terminal", [False, True])
def test_the_progress_line_tells_the_time_left_within_an_epoch(terminal, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(progress, "_SECONDS", 0)
    monkeypatch.setattr(progress, "_PAUSE", 0)
    clock = iter(range(100))  # a second for each look at it; no other module's clock
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: next(clock)))
    small.gan().fit(small.examples(24), batch_size=8, epochs=2, verbose=1)
    lines = re.split(r"[\r\n]+", capsys.readouterr().out)
    steps = [line for line in lines if " left - " in line]
    assert len(steps) == 4
    assert steps[0].startswith("1/3 - 4 examples/s - 10s left - d_loss: ")  # 5 steps of 2 s


@pytest.mark.parametrize("verbose", [1, 2])
@pytest.mark.parametrize("terminal", [False, True])
def test_the_progress_line_is_short(verbose, terminal, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    model = small.gan(ema=0.9)
    model.fit(small.examples(), batch_size=8, epochs=2, verbose=verbose)
    lines = re.split(r"[\r\n]+", capsys.readouterr().out)
    assert all(len(line) <= 100 for line in lines)
    last = next(line for line in reversed(lines) if line.strip())
    for name in ("examples/s", "d_loss", "g_loss", "d_real", "d_fake"):
        assert name in last
    assert "nan" not in last
    model.fit(small.examples(), batch_size=8, verbose=0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_progress_line_that_changes_does_not_wrap(columns, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(progress, "_SECONDS", 0)
    small.gan().fit(small.examples(24), batch_size=8, verbose=1)
    *changing, last = capsys.readouterr().out.rstrip("\n").split("\r")[1:]
    # A terminal puts the cursor into the next row after the last column; "\r" does not lead back.
    assert [len(line) for line in changing] == 2 * [min(100, columns - 1)]
    assert changing[0].startswith("1/3 ")
    # The line that stays has every number, in as many rows as it takes.
    assert "d_fake" in last
    assert len(changing[0]) <= len(last) <= 100


def test_the_progress_line_has_whole_numbers_only(monkeypatch):
    line = progress.ProgressLine(2)
    line.set_params({"steps": 195, "epochs": 1})
    line.set_model(small.gan())
    line._began, line._steps, line._images = 0.0, 195, -49_920
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: 11.7))
    logs = {"d_loss": 0.7189, "g_loss": 0.8058, "d_real": 0.531, "d_fake": 0.524}
    assert line._line(logs, "12s") == (
        "195/195 - 4,267 examples/s - 12s - d_loss: 0.7189 - g_loss: 0.8058 - d_real: 0.531"
        " - d_fake: 0.524"
    )
    logs |= {"d_loss": -1.234e-05, "g_loss": -1.234e-05}
    assert line._line(logs, "12s").endswith(" - g_loss: -1.234e-05 - d_real: 0.531")


# ------------------------------------------------------------------ faults found by reading


def test_a_frozen_generator_leaves_the_average():
    model = small.gan(ema=0.5)
    model.train_on_batch(small.examples(8))
    before = small.weights(model.ema_generator)
    assert small.largest_difference(before, small.weights(model.generator)) > 0
    model.generator.trainable = False
    model.compile("sgd", "sgd", update="fixed")
    model.train_on_batch(small.examples(8))
    assert small.largest_difference(before, small.weights(model.ema_generator)) == 0


def test_fixed_networks_move_no_average_and_no_counter_of_theirs():
    model = small.gan(ema=0.5)
    model.fit(small.examples(16), batch_size=8, verbose=0)
    counters = [int(v.numpy()) for v in (model.step, model.images_seen)]
    average = small.weights(model.ema_generator)
    model.compile("sgd", "sgd", update="fixed")
    model.fit(small.examples(24), batch_size=8, verbose=0)
    assert [int(v.numpy()) for v in (model.step, model.images_seen)] == counters == [2, 16]
    assert int(model.auxiliary_step.numpy()) == 3
    assert small.largest_difference(average, small.weights(model.ema_generator)) == 0


def test_float16_has_a_loss_scale():
    with small.policy("mixed_float16"):
        model = small.gan()
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    history = model.fit(small.examples(64), batch_size=8, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()
    plain = small.gan()
    plain.fit(small.examples(64), batch_size=8, verbose=0)
    # The weights move, by about as much as in float32: small gradients did not vanish.
    difference = small.largest_difference(small.weights(plain), small.weights(model))
    assert 0 < difference < 2e-2
    again = keras_gan.GAN.from_config(model.get_config())
    again.compile_from_config(model.get_compile_config())
    inner = again.generator_optimizer.inner_optimizer
    assert not isinstance(inner, keras.optimizers.LossScaleOptimizer)


# Optimizers clip whatever the rule is that they are called by.
@pytest.mark.parametrize(
    ("clip", "update"),
    [
        ("clipnorm", "simultaneous"),
        ("clipvalue", "simultaneous"),
        ("global_clipnorm", "alternating"),
        pytest.param("clipnorm", "alternating", marks=pytest.mark.slow),
        pytest.param("clipvalue", "alternating", marks=pytest.mark.slow),
        pytest.param("global_clipnorm", "simultaneous", marks=pytest.mark.slow),
    ],
)
def test_clipping_on_two_replicas_equals_one_device(clip, update):
    def train(**how):
        model = keras_gan.GAN(*small.network_pair(), keras_gan.priors.Uniform(5))
        optimizers = [keras.optimizers.SGD(0.5, **{clip: 1e-3}) for _ in range(2)]
        model.compile(*optimizers, update=update, **how)
        return model

    one = train(run_eagerly=True)  # a few steps take less time than to make a graph of one
    before = small.weights(one)
    with small.devices().scope():
        two = train()
    for model in (one, two):
        model.fit(small.examples(32), batch_size=8, verbose=0)
    moved = small.largest_difference(before, small.weights(one))
    assert moved > 1e-4  # and no more than the clipped steps allow
    assert moved < 4 * 0.5 * 1e-3 + 32
    assert small.largest_difference(small.weights(one), small.weights(two)) < 1e-6


def test_many_small_models_cause_no_warning_of_tensorflow(caplog):
    tf.get_logger().addHandler(caplog.handler)
    try:
        for _ in range(6):
            model = small.gan()
            model.fit(small.examples(32), batch_size=16, verbose=0)
            model.generate(2)
    finally:
        tf.get_logger().removeHandler(caplog.handler)
    assert "retracing" not in caplog.text


def test_integers_of_numpy_are_integers():
    two = np.int64(2)
    assert type(keras_gan.priors.Mixture(two, two).dimension) is int
    assert type(keras_gan.conditioning.Classes(two).count) is int
    assert type(keras_gan.regularizers.R1(1.0, two).every) is int
    assert type(keras_gan.layers.Pack(two).size) is int
    assert type(small.gan(discriminator_steps=two).discriminator_steps) is int


def test_auxiliary_networks_need_different_names():
    prior = keras_gan.priors.Uniform(5)
    twice = [small.auxiliary(prior), small.auxiliary(prior)]
    with pytest.raises(InputError, match="different names"):
        keras_gan.GAN(*small.network_pair(), prior, auxiliary_networks=twice)


def test_a_row_without_a_partner_counts_in_no_pair():
    """The energy score of an odd number of completions is that of the pairs."""
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.random((3, 2, 2, 1)), 2, axis=0)[:5].astype(np.float32)
    made = rng.random((5, 2, 2, 1)).astype(np.float32)
    fake = DiscriminatorOutput(
        tf.zeros([5]), condition={"truth": tf.constant(truth)}, examples=tf.constant(made)
    )
    loss = losses.InpaintingLoss(energy_weight=1.0)
    energy = loss.generator(fake, fake).numpy() - np.log(2)

    def norm(x):
        return np.sqrt((x**2).sum())

    pairs = [norm(made[i] - truth[i]) - 0.5 * norm(made[i] - made[i ^ 1]) for i in range(4)]
    np.testing.assert_allclose(energy.mean(), np.mean(pairs), rtol=1e-5)
    assert energy[4] == pytest.approx(0, abs=1e-6)


def test_classify_takes_the_condition_of_a_conditional_d():
    images, condition = keras.Input((6,)), keras.Input((), name="condition", dtype="int64")
    one_hot = keras_gan.layers.OneHot(small.CLASSES)(condition)
    classes = keras.layers.Dense(4)(keras.layers.Concatenate()([images, one_hot]))
    logits = keras_gan.layers.LogSumExp()(classes)
    discriminator = keras.Model([images, condition], {"logits": logits, "classes": classes})
    generator, _ = small.conditional_pair()
    model = keras_gan.GAN(
        generator,
        discriminator,
        keras_gan.priors.Uniform(5),
        condition=keras_gan.conditioning.Classes(small.CLASSES),
    )
    x = small.examples(4)
    with pytest.raises(InputError, match="condition"):
        model.classify(x)
    given = np.array([0, 1, 2, 0])
    scores = discriminator([x, given])["classes"]
    np.testing.assert_allclose(model.classify(x, condition=given), tf.nn.softmax(scores), atol=1e-6)
