"""Minibatches in parts: the same updates, whatever a step consists of; the rest is refused."""

from __future__ import annotations

import contextlib
import inspect

import keras
import numpy as np
import pytest
import small

import keras_gan
from keras_gan import InputError, augmentation, layers, losses, priors, regularizers
from keras_gan.core.replicas import global_mean

PIXELS = np.random.default_rng(1).random((16, 6, 4, 1), dtype=np.float32)


def penalties(**arguments):
    """Dropout, penalties in shared passes and in their own, weight decay, clipping, a metric."""
    model = small.gan()
    model.discriminator.layers[-1].kernel.regularizer = keras.regularizers.L2(0.1)
    model.compile(
        keras_gan.optimizers.MomentumSGD(0.1, 0.5),
        keras.optimizers.Adam(1e-2, global_clipnorm=0.5),
        loss="relativistic",
        update="simultaneous",
        regularizers=[regularizers.R1(0.1), regularizers.WGANGP(1, every=2)],
        metrics=[small.LogitMean(name="logit")],
        **arguments,
    )
    return model


def several_updates(**arguments):
    return small.gan(ema=0.9, discriminator_steps=2, metrics=[small.LogitMean()], **arguments)


def pairs(**arguments):
    moved = augmentation.DiffAugment("translation")
    return small.inpainting_gan(loss="inpainting", augmentation=moved, **arguments)


CASES = {
    "k = 2": several_updates,
    "penalties": penalties,
    "labels": lambda **a: small.conditional_gan(training="drawn", update="simultaneous", **a),
    "pairs, augmentation": pairs,
    "auxiliary": small.inference_gan,
    "fixed": lambda **a: small.inference_gan(update="fixed", **a),
}


def trained(model):
    """Weights and metrics after two steps of minibatches of 8 examples."""
    shape = model.example_shape
    x = PIXELS if len(shape) == 3 else small.examples(len(PIXELS))
    y = None if model.label_check is None else np.arange(len(x)) % small.CLASSES
    epochs = model.discriminator_steps
    history = model.fit(x, y, batch_size=8, epochs=epochs, verbose=0).history
    networks = [*model.networks, *([model.ema_generator] if model.ema else [])]
    return [w for network in networks for w in small.weights(network)], history


def assert_close(one, other):
    for a, b in zip(one[0], other[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-6)
    for name in one[1].keys() & other[1].keys():
        np.testing.assert_allclose(one[1][name], other[1][name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_updates_are_those_of_whole_minibatches(name):
    # Eagerly: to make graphs of all of these takes long.
    parts, whole = (CASES[name](accumulate=n, run_eagerly=True) for n in (4, 1))
    assert_close(trained(parts), trained(whole))


@pytest.fixture(scope="module")
def whole():
    return trained(several_updates(run_eagerly=True))


@pytest.mark.parametrize("how", ["two replicas", "xla"])
def test_updates_are_the_same_however_a_step_runs(how, whole):
    scope = contextlib.nullcontext()
    if how == "two replicas":
        strategy = small.devices()
        scope = strategy.scope()
    with scope:
        model = several_updates(accumulate=2, jit_compile=how == "xla", steps_per_execution=2)
    assert_close(trained(model), whole)


def test_a_minibatch_must_divide():
    model = pairs(accumulate=4)
    with pytest.raises(InputError, match=r"4 parts \(`accumulate`\) in groups of 2; .* of 8"):
        model.fit(PIXELS, batch_size=12)


def test_it_is_saved(tmp_path):
    model = small.gan(accumulate=2)
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").accumulate == 2


@pytest.mark.parametrize("value", [0, 1.0, True, "2"], ids=repr)
def test_it_is_a_number(value):
    with pytest.raises(InputError, match="`accumulate` must be an int >= 1"):
        small.gan(accumulate=value)


def built_from(*hidden):
    pair = [
        keras.Sequential([keras.Input((5,)), keras.layers.Dense(6)]),
        keras.Sequential([keras.Input((6,)), *hidden, keras.layers.Dense(1)]),
    ]
    return keras_gan.GAN(*pair, priors.Uniform(5))


LAYERS = {
    "statistics of the batch": lambda: keras.layers.BatchNormalization(name="mixing"),
    "of groups": lambda: layers.MinibatchStd(name="mixing"),
    "packs": lambda: layers.Pack(2, name="mixing"),
    "Keras's own noise": lambda: keras.layers.Dropout(0.5, name="mixing"),
    "what draws from a generator of Keras's": lambda: small.KerasNoise(name="mixing"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_whose_output_would_change_are_refused(name):
    model = built_from(LAYERS[name]())
    sgd = keras.optimizers.SGD
    with pytest.raises(InputError, match="layer 'mixing' of"):
        model.compile(sgd(), sgd(), accumulate=2)
    model.compile(sgd(), sgd())


def test_an_augmentation_that_draws_by_the_number_of_calls_is_refused():
    with pytest.raises(InputError, match="layer 'drawing' of 'drawing' draws"):
        small.gan(augmentation=small.KerasNoise(name="drawing"), accumulate=2)


class Noisy(losses.NonSaturating):
    def __init__(self):
        self.seeds = keras.random.SeedGenerator(0)

    def generator(self, real, fake):
        noise = keras.random.normal(keras.ops.shape(fake.logits), seed=self.seeds)
        return super().generator(real, fake) + noise * fake.logits


def test_losses_and_penalties_that_draw_by_the_number_of_calls_are_refused():
    flips = regularizers.Consistency(keras.layers.RandomFlip(seed=0))
    for how, name in (({"loss": Noisy()}, "Noisy"), ({"regularizers": [flips]}, "Consistency")):
        with pytest.raises(InputError, match=f"what {name} draws depends on the number of calls"):
            small.gan(**how, accumulate=2)
        small.gan(**how)
    small.gan(regularizers=[regularizers.Consistency(augmentation.DiffAugment())], accumulate=2)


PARTS = {
    **{name: kind for name, kind in vars(losses).items() if name[0].isupper()},
    **{name: kind for name, kind in vars(regularizers).items() if name[0].isupper()},
}
PARTS = {name: kind for name, kind in PARTS.items() if inspect.isclass(kind)}


def test_what_is_computed_over_the_whole_minibatch_is_known():
    known = {name for name, kind in PARTS.items() if getattr(kind, "uses_batch_means", False)}
    assert known == {
        *("HeldBack", "FeatureMatching", "SemiSupervised", "RelativisticAverage"),
        *("DRAGAN", "MaxGradient", "LeCam"),
    }
    assert augmentation.ADA().uses_batch_means
    assert not augmentation.DiffAugment().uses_batch_means


def test_a_loss_that_contains_such_a_loss_is_refused():
    loss = losses.AuxiliaryClassifier(losses.HeldBack())
    assert loss.uses_batch_means
    with pytest.raises(InputError, match="RelativisticAverage computes a mean"):
        small.gan(loss=losses.RelativisticAverage(), accumulate=2)


def test_a_mean_that_a_loss_does_not_declare_is_refused_before_the_first_step():
    class Centered(losses.NonSaturating):
        def generator(self, real, fake):
            return super().generator(real, fake) - global_mean(fake.logits)

    model = small.gan(loss=Centered(), accumulate=2)
    with pytest.raises(InputError, match="`global_mean` needs the whole minibatch"):
        model.fit(small.examples(8), batch_size=8, verbose=0)
    assert int(model.step.numpy()) == 0
