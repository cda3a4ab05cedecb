"""The residual networks of SNGAN and BigGAN for 32x32 images."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

import keras_gan
from export import onnx_model
from export.subject import Subject
from keras_gan import InputError, conditioning, networks, priors
from keras_gan.core.keras_private import all_layers
from keras_gan.data import Identity
from keras_gan.layers import SpectralNorm

FAMILIES = {
    "sngan": (networks.sngan_generator, networks.sngan_discriminator, 8),
    "biggan": (networks.biggan_generator, networks.biggan_discriminator, 4),
}
families = pytest.mark.parametrize("family", FAMILIES)
both = pytest.mark.parametrize("classes", [None, 3])


def pair(family, classes=None, seed=0, channels=3):
    generator, discriminator, latent_dim = FAMILIES[family]
    options = {"shape": (32, 32, channels), "width": 2, "classes": classes}
    return (
        generator(latent_dim=latent_dim, seed=seed, **options),
        discriminator(seed=seed + 1, **options),
    )


def gan(family, classes=None, optimizer=None, **compile_arguments):
    condition = classes and conditioning.Classes(classes)
    prior = priors.Normal(FAMILIES[family][2])
    model = keras_gan.GAN(*pair(family, classes), prior, condition=condition)
    optimizer = optimizer or (lambda: keras.optimizers.Adam(2e-4, 0.0, 0.9))
    model.compile(optimizer(), optimizer(), **compile_arguments)
    return model


def data(n=8, classes=None):
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (n, 32, 32, 3)).astype(np.float32)
    return (images, np.arange(n) % classes) if classes else (images,)


# ------------------------------------------------------------------------- parameters


def conv(inputs, outputs, side=3, bias=True):
    return inputs * outputs * side**2 + bias * outputs


def sngan_count(g, d, classes=0, z=128):
    affine = 2 * (classes or 1) * g  # of one batch normalization
    block = 2 * affine + 2 * conv(g, g) + conv(g, g, 1)
    generator = conv(z, 16 * g, 1) + 3 * block + 2 * g + conv(g, 3)
    first = conv(3, d) + conv(d, d) + conv(3, d, 1)
    second = 2 * conv(d, d) + conv(d, d, 1)
    return generator, first + second + 4 * conv(d, d) + conv(d, 1, 1) + classes * d


def biggan_count(width, classes=0, z=80):
    def attention(c):
        return 2 * c * (c // 8) + 2 * c * (c // 2) + 1

    g, d, condition = 4 * width, 2 * width, z // 4 + (128 if classes else 0)
    block = 2 * 2 * condition * g + 2 * conv(g, g) + conv(g, g, 1)
    generator = conv(z // 4, 16 * g, 1) + 3 * block + 2 * g + conv(g, 3) + attention(g)
    discriminator = sngan_count(1, d, classes)[1] + attention(d)
    return generator + 128 * classes, discriminator


def weights_of(*made):
    return tuple(sum(int(np.prod(v.shape)) for v in m.trainable_variables) for m in made)


def test_parameters_are_as_many_as_published():
    """StudioGAN prints those with classes when it trains on CIFAR-10."""
    made = [networks.sngan_generator(classes=10), networks.sngan_discriminator(classes=10)]
    assert weights_of(*made) == sngan_count(256, 128, 10) == (4_304_387, 1_055_105)
    made = [networks.sngan_generator(), networks.sngan_discriminator()]
    assert weights_of(*made) == sngan_count(256, 128) == (4_276_739, 1_053_825)
    assert biggan_count(96, 10) == (9_416_196, 2_415_170)


def test_parameters_of_biggan_by_width_and_classes():
    for width, classes in ((4, None), (4, 3), (8, 10)):
        options = {"width": width, "classes": classes}
        made = networks.biggan_generator(**options), networks.biggan_discriminator(**options)
        assert weights_of(*made) == biggan_count(width, classes or 0)


# --------------------------------------------------------------------------- networks


@families
@both
def test_shapes_and_types(family, classes):
    generator, discriminator = pair(family, classes, channels=1)
    assert generator.output.dtype == discriminator.output.dtype == "float32"
    z = tf.constant(np.random.default_rng(0).normal(size=(4, generator.inputs[0].shape[1])))
    one, other = ([tf.constant(c, tf.int64)] if classes else [] for c in ([0, 1, 2, 0], [0] * 4))
    if classes:  # a new conditional batch normalization of SNGAN does not depend on the class
        for variable in (v for v in generator.trainable_variables if "norm" in v.path):
            variable.assign(variable + 0.3 * np.random.default_rng(1).normal(size=variable.shape))
    inputs, others = ([z, *one], [z, *other]) if classes else (z, z)
    images = generator(inputs, training=True)
    assert images.shape == (4, 32, 32, 1)
    assert 0.01 < np.abs(images).max() <= 1
    logits = discriminator([images, *one] if classes else images)
    assert logits.shape == (4, 1)
    if classes:
        assert np.abs(generator(others, training=True) - images).max() > 1e-4
        assert np.abs(discriminator([images, *other]) - logits).max() > 1e-6


@families
def test_spectral_norms(family):
    """Of every kernel of D, and of BigGAN's G but for the embedding of classes."""
    generator, discriminator = pair(family, 3)
    for network in (discriminator, generator) if family == "biggan" else (discriminator,):
        inside = {
            id(layer.kernel) for layer in all_layers(network) if isinstance(layer, SpectralNorm)
        }
        free = [
            v.path
            for v in network.trainable_variables
            if v.name == "kernel" and id(v) not in inside
        ]
        assert free == (["embedding/kernel"] if network is generator else [])


@families
def test_the_same_seed_gives_the_same_weights(family):
    for one, other, third in zip(*(pair(family, 3, seed) for seed in (5, 5, 6)), strict=True):
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        kernels = [w for w in one.get_weights() if w.ndim > 1 and np.ptp(w) > 0]
        assert len({w.tobytes() for w in kernels}) == len(kernels)
        assert small.largest_difference(one.get_weights(), third.get_weights()) > 0.01


@pytest.mark.slow
def test_trained_saved_and_exported(tmp_path):
    model = gan("biggan", 3, loss="hinge", run_eagerly=True)
    history = model.fit(*data(8, 3), batch_size=4, verbose=0).history
    assert np.isfinite([values[0] for values in history.values()]).all()
    loaded = small.reloaded(model, tmp_path)
    for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(loaded.generate(2, condition=1), model.generate(2, condition=1))
    model.generator.export(str(tmp_path / "exported"), verbose=False)
    z = tf.constant(np.random.default_rng(0).normal(size=(2, 4)), tf.float32)
    inputs = [z, tf.constant([0, 2], tf.int64)]
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(exported.serve(inputs), model.generator(inputs), atol=1e-5)


def test_exported_to_onnx(tmp_path):
    classes = conditioning.Classes(3)
    subject = Subject(*pair("biggan", 3), priors.Normal(4), Identity(), classes)
    inputs = {
        "latents": np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32),
        "condition": np.array([0, 1, 2]),
    }
    expected = subject.generator([tf.constant(value) for value in inputs.values()])
    for exported, tolerance in ((subject, 1e-5), (subject.in_float16(), 5e-3)):
        onnx_model.write(onnx_model.convert(exported), tmp_path / "model.onnx")
        found = onnx_model.run(tmp_path / "model.onnx", [("serving_default", inputs)])[0]
        np.testing.assert_allclose(found["examples"], expected, atol=tolerance)


@pytest.mark.parametrize(
    ("policy", "family", "classes"),
    [("mixed_bfloat16", "sngan", None), ("mixed_float16", "biggan", 3)],
)
def test_trained_under_mixed_precision(policy, family, classes):
    with small.policy(policy):
        model = gan(family, classes, run_eagerly=True)
    history = model.fit(*data(8, classes), batch_size=4, verbose=0).history
    assert np.isfinite([values[0] for values in history.values()]).all()
    assert {network.output.dtype for network in model.networks} == {"float32"}


@pytest.mark.slow
def test_two_replicas_equal_one_device():
    found = []
    strategy = small.devices()
    for scope in (tf.distribute.get_strategy(), strategy):
        with scope.scope():
            model = gan("sngan", 3, lambda: keras.optimizers.SGD(0.01))
        model.fit(*data(16, 3), batch_size=8, shuffle=False, verbose=0)
        found.append([np.array(w) for w in model.get_weights()])
    assert small.largest_difference(*found) < 1e-5


@families
def test_other_sizes_are_refused(family):
    for make in FAMILIES[family][:2]:
        for shape in ((28, 28, 1), (32, 64, 3), (32, 32)):
            with pytest.raises(InputError, match=r"`shape` must be \(32, 32, c\)"):
                make(shape)


def test_latents_that_cannot_be_cut_are_refused():
    with pytest.raises(InputError, match="`latent_dim` must be a multiple of 4"):
        networks.biggan_generator(latent_dim=82)
