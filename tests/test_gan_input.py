"""What the model refuses, and in which words."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

import keras_gan
from keras_gan import InputError


def test_networks_and_prior_must_fit():
    generator, discriminator = small.network_pair()
    with pytest.raises(InputError, match=r"does not take latents of shape \[n, 7\]"):
        keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(7))
    _, other = small.network_pair(size=5)
    with pytest.raises(InputError, match=r"does not take the generator's examples of shape \(6,\)"):
        keras_gan.GAN(generator, other, keras_gan.priors.Uniform(5))
    with pytest.raises(InputError, match=r"`prior` must be one of keras_gan\.priors"):
        keras_gan.GAN(generator, discriminator, "uniform")
    with pytest.raises(InputError, match="`momentum` of an EMA"):
        keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5), ema=1.0)


def test_discrete_generators_are_refused():
    latents = keras.Input((5,))
    generator = keras.Model(
        latents, keras.ops.argmax(keras.layers.Dense(6)(latents), axis=-1)[:, None]
    )
    _, discriminator = small.network_pair(size=1)
    with pytest.raises(InputError, match="discrete examples have no gradient"):
        keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5))


def test_discriminator_must_give_logits():
    generator, _ = small.network_pair()
    images = keras.Input((6,))
    with pytest.raises(InputError, match=r"logits \[n, 1\] or \[n\]"):
        keras_gan.GAN(
            generator,
            keras.Model(images, keras.layers.Dense(2)(images)),
            keras_gan.priors.Uniform(5),
        )
    for last in (keras.layers.Dense(1, "sigmoid"), keras.layers.Activation("sigmoid")):
        judged = last(keras.layers.Dense(1)(images))
        with pytest.raises(InputError, match="leave out the sigmoid"):
            keras_gan.GAN(generator, keras.Model(images, judged), keras_gan.priors.Uniform(5))
    with pytest.raises(InputError, match="features"):
        keras_gan.GAN(
            generator,
            keras.Model(images, {"features": keras.layers.Dense(1)(images)}),
            keras_gan.priors.Uniform(5),
        )


class Probability(keras.Model):
    def __init__(self):
        super().__init__()
        self.last = keras.layers.Dense(1, "sigmoid")

    def call(self, x):
        return self.last(x)[:, 0]


@pytest.mark.parametrize("kind", ["functional", "sequential", "of layers", "subclassed", "dict"])
def test_probabilities_are_no_logits(kind):
    images, sigmoid = keras.Input((6,)), keras.layers.Dense(1, "sigmoid")
    discriminator = {
        "functional": lambda: keras.Model(images, keras.ops.sigmoid(keras.layers.Dense(1)(images))),
        "sequential": lambda: keras.Sequential([keras.Input((6,)), sigmoid]),
        "of layers": lambda: keras.Sequential([sigmoid, keras.layers.Reshape(())]),
        "subclassed": Probability,
        "dict": lambda: keras.Model(images, {"logits": sigmoid(images), "features": images}),
    }[kind]()
    networks = small.network_pair()[0], discriminator
    if kind != "subclassed":
        with pytest.raises(InputError, match="leave out the sigmoid"):
            keras_gan.GAN(*networks, keras_gan.priors.Uniform(5))
        return
    model = keras_gan.GAN(*networks, keras_gan.priors.Uniform(5))
    model.compile("sgd", "sgd")
    with pytest.raises(InputError, match="leave out the sigmoid"):
        model.fit(small.examples(64), batch_size=8, verbose=0)
    assert int(model.step.numpy()) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"discriminator_steps": 0}, r"`discriminator_steps` must be an int in \[1, 255\]"),
        ({"discriminator_steps": 1.5}, "`discriminator_steps` must be an int"),
        ({"update": "both"}, "unknown update 'both'; choose from alternating, simultaneous"),
        ({"loss": "hinges"}, "unknown loss 'hinges'; choose from "),
        ({"loss": object()}, "must be a name or an object with methods"),
        ({"regularizers": [object()]}, "must be objects with a `name` and a method"),
        ({"metrics": ["accuracy"]}, r"`update_state\(real, fake\)`.* Received: 'accuracy'"),
        ({"metrics": [keras.metrics.Mean()]}, "Received: <Mean "),
        ({"jit_compile": True, "run_eagerly": True}, "exclude each other"),
    ],
)
def test_compile_refuses(arguments, words):
    with pytest.raises(InputError, match=words):
        small.gan(**arguments)


@pytest.fixture(scope="module")
def conditional_gan():
    return small.conditional_gan()


@pytest.mark.parametrize("seed", [1.5, None, "4", True, np.zeros(2, int)])
def test_seeds_that_are_no_ints_are_refused(seed, conditional_gan):
    uses = [
        lambda: conditional_gan.generate(2, seed),
        lambda: conditional_gan.prior.sample(2, seed),
        lambda: conditional_gan.reseed(seed),
        lambda: keras_gan.GAN(*small.network_pair(), keras_gan.priors.Uniform(5), seed=seed),
        lambda: keras_gan.networks.mlp_generator(
            2, (2,), hidden=[], output_activation="linear", seed=seed
        ),
    ]
    for use in uses:
        with pytest.raises(InputError, match="`seed` must be an int"):
            use()


def test_numbers_of_samples_are_checked(conditional_gan):
    for n in (2.5, "4", None, True, -1):
        with pytest.raises(InputError, match="`n` must be an int >= 0"):
            conditional_gan.generate(n)
    for size in (0, 1.5):
        with pytest.raises(InputError, match="`batch_size` must be an int >= 1"):
            conditional_gan.generate(2, batch_size=size)
    as_numpy = conditional_gan.generate(np.int32(2), np.int64(-3))
    np.testing.assert_array_equal(as_numpy, conditional_gan.generate(2, 2**64 - 3))


def test_one_optimizer_for_two_networks_is_refused():
    generator, discriminator = small.network_pair()
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5))
    optimizer = keras.optimizers.SGD()
    with pytest.raises(InputError, match="its own optimizer"):
        model.compile(optimizer, optimizer)


def test_layers_that_xla_cannot_compile_are_refused():
    generator, discriminator = small.network_pair()
    generator.layers[0].supports_jit = False
    model = keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5))
    with pytest.raises(InputError, match="XLA cannot compile layer 'hidden_0' of 'generator'"):
        model.compile("sgd", "sgd", jit_compile=True)


def test_xla_on_several_replicas_is_refused():
    strategy = small.devices()
    with strategy.scope():
        model = keras_gan.GAN(*small.network_pair(), keras_gan.priors.Uniform(5))
        with pytest.raises(InputError, match="jit_compile=False"):
            model.compile("sgd", "sgd", jit_compile=True)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((8, 5), np.float32), r"examples of shape \(6,\); the data have \(5,\)"),
        (np.zeros((8, 6), np.uint8), r"must be float examples \[n, ...\]; bring pixels to the"),
        (np.zeros((8, 6), bool), r"must be float examples \[n, ...\]. Received: bool"),
        ({"image": np.zeros((8, 6), np.float32)}, r"not a dict object: give `x\['image'\]`"),
        (
            tf.data.Dataset.from_tensors({"image": np.zeros((8, 6), np.float32)}),
            r"not a dict: map it with `lambda batch: batch\['image'\]`",
        ),
        (
            tf.data.Dataset.from_tensors(({"image": np.zeros((8, 6), np.float32)}, np.zeros(8))),
            r"map it with `lambda batch, y: \(batch\['image'\], y\)`",
        ),
        (np.zeros((7, 6), np.float32), "fewer than one step takes"),
        (np.full((8, 6), np.nan, np.float32), "example 0 of the data holds NaN or Inf"),
        (np.zeros((0, 6), np.float32), r"the data are empty: shape \(0, 6\)"),
        (
            tf.data.Dataset.from_tensors({"image": np.zeros((8, 6), np.float32)}),
            "alone or first in a tuple",
        ),
        (tf.data.Dataset.from_tensors(np.zeros((8, 5), np.float32)), r"the data have \(5,\)"),
        (tf.data.Dataset.from_tensors(np.zeros((8, 6), np.int32)), "batches of float examples"),
        (
            tf.data.Dataset.from_tensors(np.zeros((8, 6), np.float32)).take(0),
            "less than one step takes",
        ),
    ],
)
def test_fit_refuses_data_before_the_first_step(x, words):
    model = small.gan()
    arguments = {} if isinstance(x, tf.data.Dataset) else {"batch_size": 8}
    with pytest.raises(InputError, match=words):
        model.fit(x, verbose=0, **arguments)
    assert int(model.step.numpy()) == 0


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"validation_split": 0.1}, r"`validation_split`; here it is `validation_data=x\[-n:\]`"),
        ({"sample_weight": np.ones(40)}, "weights of samples and classes are not used"),
        ({"class_weight": {0: 1.0}}, "weights of samples and classes are not used"),
        ({"workers": 2}, r"fit\(\) got an unexpected argument `workers`"),
    ],
)
def test_arguments_of_keras_that_have_no_use_are_refused(argument, words):
    with pytest.raises((InputError, TypeError), match=words):
        small.gan().fit(small.examples(), verbose=0, **argument)


@pytest.mark.parametrize(
    "argument",
    [
        {"epochs": 1.5},
        {"epochs": -1},
        {"initial_epoch": -1},
        {"initial_step": 1.5},
        {"steps_per_epoch": 0},
        {"steps_per_epoch": "2"},
        {"validation_freq": 0},
        {"validation_steps": 0},
        {"validation_batch_size": 0},
    ],
)
def test_numbers_of_fit_that_are_none_are_refused(argument):
    model, x = small.gan(), small.examples(8)
    name = "batch_size" if "validation_batch_size" in argument else next(iter(argument))
    with small.refused(f"`{name}` must be an int >= "):
        model.fit(x, batch_size=8, validation_data=x, verbose=0, **argument)
    assert int(model.step.numpy()) == 0


def test_data_without_end_need_a_number_of_steps():
    class Endless(keras.utils.PyDataset):
        num_batches = None

        def __getitem__(self, index):
            return small.examples(8)

    model, x = small.gan(), small.examples(8)
    for data in tf.data.Dataset.from_tensors(x).repeat(), Endless():
        with small.refused("the data set has no end: give `steps_per_epoch`"):
            model.fit(data, verbose=0)
        with small.refused("the data set has no end: give `validation_steps`"):
            model.fit(x, batch_size=8, validation_data=data, verbose=0)
        with small.refused("the data set has no end: give `steps`"):
            model.evaluate(data, verbose=0)
    assert int(model.step.numpy()) == 0


def test_labels_that_nothing_uses_may_be_of_any_structure():
    model = small.gan(dropout=False, discriminator_steps=2, accumulate=2, run_eagerly=True)
    labels = {"digit": np.arange(8), "writer": np.arange(8)}
    model.fit(tf.data.Dataset.from_tensors((small.examples(8), labels)).repeat(2), verbose=0)
    assert int(model.step.numpy()) == 1


def test_fit_names_the_batch_that_is_not_finite():
    x = small.examples(40)
    x[21, 3] = np.inf
    model = small.gan()
    data = tf.data.Dataset.from_tensor_slices(x).batch(8)
    with pytest.raises(
        InputError, match=r"batch 2 of the data set \(counted from 0\) holds NaN or Inf"
    ):
        model.fit(data, verbose=0)


def test_arguments_that_exclude_each_other():
    model = small.gan(steps_per_execution=2)
    data = tf.data.Dataset.from_tensor_slices(small.examples()).batch(8).repeat()
    with pytest.raises(InputError, match="must be a multiple of `steps_per_execution`=2"):
        model.fit(data, steps_per_epoch=3, verbose=0)
    with small.refused("`steps`=3 must be a multiple of `steps_per_execution`=2"):
        model.evaluate(data, steps=3, verbose=0)
    with small.refused("`validation_steps`=3 must be a multiple of `steps_per_execution`=2"):
        model.fit(data, steps_per_epoch=2, validation_data=data, validation_steps=3, verbose=0)
    with pytest.raises(InputError, match="`batch_size`"):
        model.fit(data, batch_size=4, verbose=0)
    with pytest.raises(InputError, match="40 examples but 3 labels"):
        model.fit(small.examples(), np.zeros(3), batch_size=8, verbose=0)
    with pytest.raises(InputError, match="EMA"):
        model.generate(1, ema=True)
