"""The networks of R3GAN and DCGAN: counts, initial weights, conditions, training, export."""

from __future__ import annotations

import functools
import gc
import math
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest
import small
import tensorflow as tf
from small import numbers

import keras_gan
from export import onnx_model
from export.subject import Subject
from keras_gan import InputError, conditioning, layers, networks, priors, regularizers
from keras_gan.networks.pyramid import resolutions

GAIN = math.sqrt(2 / 1.04)
CLASSES = 3


def r3gan(shape=(8, 12, 2), **arguments):
    settings = {"widths": (8, 4), "group_size": None, "blocks": 1, **arguments}
    return (
        networks.r3gan_generator(shape, 5, **settings),
        networks.r3gan_discriminator(shape, **settings),
    )


def dcgan(shape=(8, 12, 2), **arguments):
    settings = {"width": 4, **arguments}
    return (
        networks.dcgan_generator(shape, 5, **settings),
        networks.dcgan_discriminator(shape, **settings),
    )


MAKE = {
    "r3gan": r3gan,
    "dcgan": dcgan,
    "residual": functools.partial(dcgan, blocks=1),
    "full size": functools.partial(dcgan, full_size=True),
}
each = pytest.mark.parametrize("name", MAKE)


def inputs_of(first, classes):
    first = np.asarray(first)
    return [first, np.arange(len(first)) % CLASSES] if classes else first


# ------------------------------------------------------------------------------- sizes


def test_resolutions():
    assert resolutions((28, 28, 1)) == [(7, 7), (14, 14), (28, 28)]
    assert resolutions((32, 32, 3)) == [(4, 4), (8, 8), (16, 16), (32, 32)]
    assert resolutions((48, 64, 4)) == [(6, 8), (12, 16), (24, 32), (48, 64)]
    assert resolutions((8, 32, 1)) == [(4, 16), (8, 32)]
    assert resolutions((256, 256, 3))[0] == (4, 4)
    assert resolutions((30, 50, 1)) == [(4, 7), (8, 13), (15, 25), (30, 50)]
    for side in range(8, 260):
        (smallest, *_), *larger = resolutions((side, side, 1))
        assert 4 <= smallest <= 7
        assert smallest == math.ceil(side / 2 ** len(larger))


@each
@pytest.mark.parametrize("shape", [(7, 9, 1), (36, 4, 3), (4, 4, 1), (28, 28), (2,)])
def test_other_sizes_are_refused(name, shape):
    with pytest.raises(InputError, match="h and w at least 8") as error:
        MAKE[name](shape)
    assert f"Received: shape={shape}" in str(error.value)


@each
@pytest.mark.parametrize("classes", [None, CLASSES])
@pytest.mark.parametrize("shape", [(8, 8, 1), (12, 28, 3), (10, 14, 8), (9, 19, 2)])
def test_shapes(name, classes, shape):
    generator, discriminator = MAKE[name](shape, classes=classes)
    images = generator(inputs_of(numbers((3, 5)), classes))
    assert images.shape == (3, *shape)
    assert discriminator(inputs_of(images, classes)).shape == (3, 1)


# ----------------------------------------------------------------------------- weights

# Parameters in millions as published: widths, group size, classes, then G and D.
PUBLISHED = {
    "StackedMNIST": ((32, 32, 3), 768, 16, None, "20.73", "20.68"),
    "CIFAR-10": ((32, 32, 3), 768, 16, 10, "20.78", "21.28"),
    "FFHQ-256": ((256, 256, 3), (*[768] * 4, 384, 192, 96), 16, None, "23.06", "23.01"),
    "FFHQ-64": ((64, 64, 3), (*[768] * 4, 384), 16, None, "22.43", "22.38"),
    "ImageNet-32": ((32, 32, 3), 1536, 32, 1000, "82.91", "86.55"),
    "ImageNet-64": ((64, 64, 3), 1536, 32, 1000, "103.57", "107.21"),
}


@pytest.mark.parametrize("data", PUBLISHED)
def test_parameters_of_r3gan(data, monkeypatch):
    def zeros(self, shape, dtype=None):  # normal numbers take ten times as long
        return tf.zeros(shape, dtype or "float32")

    monkeypatch.setattr(keras.initializers.RandomNormal, "__call__", zeros)
    gc.collect()
    shape, widths, group_size, classes, *expected = PUBLISHED[data]
    settings = {"widths": widths, "group_size": group_size, "classes": classes}
    counts = [
        make(shape, **settings).count_params()
        for make in (networks.r3gan_generator, networks.r3gan_discriminator)
    ]
    assert [f"{count / 1e6:.2f}" for count in counts] == expected


def test_parameters_of_dcgan():
    """28x28: 7x7x4w, 14x14x2w, 28x28xc; 14x14x2w, 7x7x4w, 8w."""
    w, c = 16, 1
    generator = networks.dcgan_generator((28, 28, c), 100, width=w)
    hidden = 101 * 49 * 4 * w
    assert generator.count_params() == hidden + (16 * 4 * w + 1) * 2 * w + (16 * 2 * w + 1) * c
    discriminator = networks.dcgan_discriminator((28, 28, c), width=w)
    convolutions = (16 * c + 1) * 2 * w + (16 * 2 * w + 1) * 4 * w
    assert discriminator.count_params() == convolutions + (49 * 4 * w + 1) * 8 * w + 8 * w + 1
    # As the paper's network of 64x64 images: 1024, 512, 256, 128 channels, kernels 5x5.
    generator = networks.dcgan_generator((64, 64, 3), width=64, kernel=5, batch_norm=True)
    shapes = [layer.kernel.shape for layer in generator.layers if hasattr(layer, "kernel")]
    channels = [16384, 512, 256, 128, 3]
    assert shapes[0] == (100, channels[0])
    below = [1024, 512, 256, 128]
    assert shapes[1:] == [(5, 5, n, m) for n, m in zip(channels[1:], below, strict=True)]


def test_parameters_of_residual_blocks():
    """Of two convolutions 3x3 from c to c channels each, at every resolution but the last."""
    for make, channels in (
        (networks.dcgan_generator, (32, 16, 8)),
        (networks.dcgan_discriminator, (8, 16, 32)),
    ):
        with_bias, normalized = (
            [make((32, 32, 3), width=4, blocks=n, batch_norm=b).count_params() for n in (0, 2)]
            for b in (False, True)
        )
        assert np.diff(with_bias) == 2 * sum(2 * (9 * c + 1) * c for c in channels)
        # Without biases, and with four numbers a channel for each normalization. D's first layer
        # and its blocks have none.
        first = make is networks.dcgan_discriminator
        expected = [2 * (9 * c + (1 if first and c == 8 else 4)) * c for c in channels]
        assert np.diff(normalized) == 2 * sum(expected)


def test_parameters_at_full_size():
    """G: 3x3 from `2 w` to w channels, then to those of the image. D: to w and on to `2 w`."""
    w, c = 4, 3
    hidden = ((4 * w, 2 * w), (8 * w, 4 * w))  # 3x3 instead of 4x4, in both networks
    smaller = sum(7 * n * m for n, m in hidden)
    for batch_norm, bias in ((False, 1), (True, 4)):  # four numbers a channel in G instead of one
        without, full = (
            networks.dcgan_generator(
                (32, 32, c), width=w, full_size=full, batch_norm=batch_norm
            ).count_params()
            for full in (False, True)
        )
        more = (9 * 2 * w + bias) * w + (9 * w + 1) * c - (16 * 2 * w + 1) * c
        assert full - without == more - smaller
    without, full = (
        networks.dcgan_discriminator((32, 32, c), width=w, full_size=full).count_params()
        for full in (False, True)
    )
    assert full - without == (9 * c + 1) * w + (9 * w - 16 * c) * 2 * w - smaller


def assert_normal(weights, expected):
    weights = np.asarray(weights, np.float64).ravel()
    error = 4 / math.sqrt(2 * weights.size)
    assert abs(weights.std() / expected - 1) < error, (weights.std(), expected)
    assert abs(weights.mean()) < 4 * expected / math.sqrt(weights.size)


def test_initial_weights_of_r3gan():
    settings = {"widths": (48, 32, 16), "group_size": 16, "classes": 10, "seed": 3}
    generator = networks.r3gan_generator((16, 16, 3), 64, **settings)
    discriminator = networks.r3gan_discriminator((16, 16, 3), **settings)
    scale = GAIN * 6**-0.25  # 3 stages of 2 blocks
    for network in (generator, discriminator):
        for name in ("stage_0_block_0", "stage_2_block_1"):
            width = 48 if "stage_0" in name else 16
            layer = network.get_layer(f"{name}_conv")
            assert layer.groups == 2 * width // 16
            assert_normal(layer.kernel, scale / math.sqrt(16 * 9))
            assert_normal(network.get_layer(f"{name}_expand").kernel, scale / math.sqrt(width))
            assert not np.any(network.get_layer(f"{name}_project").kernel)
        biases = [weight for weight in network.weights if weight.name == "bias"]
        assert len(biases) == 12  # one for each activation
        assert not any(np.any(bias) for bias in biases)
    assert_normal(generator.get_layer("basis").basis, 1)
    assert_normal(generator.get_layer("coefficients").kernel, 1 / math.sqrt(64 + 64))
    assert_normal(generator.get_layer("embedding").kernel, 1 / math.sqrt(10))
    assert_normal(generator.get_layer("stage_1_channels").kernel, 1 / math.sqrt(48))
    assert_normal(generator.get_layer("images").kernel, 1 / math.sqrt(16))
    assert_normal(discriminator.get_layer("channels").kernel, 1 / math.sqrt(3))
    assert_normal(discriminator.get_layer("stage_0_channels").kernel, 1 / math.sqrt(32))
    assert_normal(discriminator.get_layer("head").kernel, 1 / 4)
    assert_normal(discriminator.get_layer("features").kernel, 1 / math.sqrt(48))
    assert_normal(discriminator.get_layer("embedding").kernel, 1 / math.sqrt(48 * 10))


@pytest.mark.parametrize("full_size", [False, True])
def test_initial_weights_of_dcgan_keep_the_scale(full_size):
    """Hidden layers of both networks have the mean square of the layer before, roughly.

    The filter of full size leaves flat images as they are, but not their borders, and takes from
    G's maps what differs from place to place.
    """
    generator, discriminator = dcgan((32, 32, 3), width=32, full_size=full_size)
    images = numbers((64, 1, 1, 3)) if full_size else numbers((64, 32, 32, 3))
    least = 0.15 if full_size else 0.5
    for network, x in (
        (generator, numbers((64, 5))),
        (discriminator, np.broadcast_to(images, (64, 32, 32, 3))),
    ):
        hidden = [layer.output for layer in network.layers if "relu" in layer.name]
        squares = [np.mean(np.square(h)) for h in keras.Model(network.input, hidden)(x)]
        assert len(squares) == (3 if network is generator else 4) + full_size
        assert all(least < square < 2 for square in squares), squares


def test_residual_blocks_start_as_the_identity():
    for network, shape in zip(MAKE["residual"](blocks=2), ((5,), (8, 12, 2)), strict=True):
        sums = [layer for layer in network.layers if layer.name.endswith("_sum")]
        assert len(sums) == 2
        outputs = [part for layer in sums for part in (layer.input[0], layer.output)]
        before, after, *more = keras.Model(network.input, outputs)(numbers((3, *shape)))
        np.testing.assert_array_equal(before, after)
        np.testing.assert_array_equal(*more)
        first = network.get_layer(sums[0].name.replace("_sum", "_0"))
        channels = before.shape[-1]
        assert first.kernel.shape == (3, 3, channels, channels)
        assert_normal(first.kernel, GAIN / math.sqrt(9 * channels))


def fingerprints(seed):
    """The sum of each weight of all four networks, to the last bit."""
    sums = [
        np.sum(w) for make in MAKE.values() for net in make(seed=seed) for w in net.get_weights()
    ]
    return [float(number).hex() for number in sums]


def test_the_seed_gives_the_weights():
    command = "import test_r3gan_dcgan; print(test_r3gan_dcgan.fingerprints(7))"
    other = subprocess.run(
        [sys.executable, "-c", command],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    assert other.stdout.strip() == str(fingerprints(7))
    differ = [
        a != b for a, b in zip(fingerprints(7), fingerprints(8), strict=True) if float.fromhex(a)
    ]
    assert all(differ)


def test_what_r3gan_starts_as():
    """Blocks are the identity, so G is linear in z and D linear in x: resampling and 1x1 alone."""
    generator, discriminator = r3gan(blocks=2)
    for network, shape in ((generator, (5,)), (discriminator, (8, 12, 2))):
        x, y = numbers((2, 3, *shape))
        np.testing.assert_allclose(
            network(2 * x - 3 * y), 2 * network(x) - 3 * network(y), rtol=1e-4, atol=1e-5
        )
        for layer in network.layers:
            if layer.name.endswith("_sum"):
                before, after = keras.Model(network.input, [layer.input[0], layer.output])(x)
                np.testing.assert_array_equal(before, after)
        assert sum(layer.name.endswith("_sum") for layer in network.layers) == 4
    # A discriminator of a constant: the products of its 1x1 layers and its head, but at borders.
    basis = generator.get_layer("basis").basis.numpy()
    z = numbers((1, 5))
    maps = basis * (z @ generator.get_layer("coefficients").kernel.numpy())
    maps = layers.Upsample2x()((maps @ kernel(generator, "stage_1_channels"))[None])
    images = maps @ kernel(generator, "images")
    np.testing.assert_allclose(generator(z), images, rtol=1e-4, atol=1e-5)


def kernel(network, name):
    return network.get_layer(name).kernel.numpy()[0, 0]


def test_r3gan_refuses():
    with pytest.raises(InputError, match="each of the 2 resolutions"):
        r3gan(widths=(8, 8, 8))
    with pytest.raises(InputError, match="`group_size` must divide"):
        r3gan(group_size=16)  # the upper stage is 2 * 4 wide
    grouped = r3gan(group_size=4)[0].get_layer("stage_0_block_0_conv")
    assert (grouped.groups, grouped.kernel.shape) == (4, (3, 3, 4, 16))


# --------------------------------------------------------------------------- condition


@each
def test_the_class_decides(name):
    generator, discriminator = MAKE[name](classes=CLASSES)
    assert [tensor.name for tensor in generator.inputs] == ["latents", "condition"]
    assert [tensor.name for tensor in discriminator.inputs] == ["images", "condition"]
    for variable in [*generator.trainable_variables, *discriminator.trainable_variables]:
        if variable.shape[0] == CLASSES and not np.any(variable):  # starts at 0
            variable.assign(numbers(variable.shape))
    z = np.repeat(numbers((1, 5)), CLASSES, axis=0)
    images = generator([z, np.arange(CLASSES)]).numpy()
    assert np.abs(images[0] - images[1]).max() > 1e-3
    same = np.repeat(images[:1], CLASSES, axis=0)
    logits = discriminator([same, np.arange(CLASSES)]).numpy()
    assert len(np.unique(logits)) == CLASSES
    # D's logit is an inner product with the class's vector (DCGAN: added to another logit).
    features, logit = discriminator.get_layer("logits").input, discriminator.output
    if name != "r3gan":
        features = discriminator.get_layer("projection").input
    outputs = keras.Model(discriminator.inputs, [features[0], logit])([same, np.arange(CLASSES)])
    product = np.sum(outputs[0] * discriminator.get_layer("embedding").kernel, axis=1)
    if name != "r3gan":
        product = product + discriminator.get_layer("logit")(outputs[0])[:, 0]
    np.testing.assert_allclose(outputs[1][:, 0], product, rtol=1e-5)


@pytest.mark.parametrize("classes", [None, CLASSES])
def test_scale_and_offset_depend_on_z(classes):
    make = functools.partial(
        networks.dcgan_generator, (8, 12, 2), 5, width=4, blocks=1, classes=classes
    )
    generator = make(batch_norm=True, self_modulation=True)
    norms = [layer for layer in generator.layers if layer.name.startswith("norm_")]
    assert all(isinstance(norm, layers.ConditionalBatchNormalization) for norm in norms)
    assert len(norms) == 3  # two of the block, and that of its sum
    norm = generator.get_layer("norm_hidden")
    assert not np.any(norm.scale.kernel)
    norm.offset.kernel.assign(numbers(norm.offset.kernel.shape))
    inputs = inputs_of(numbers((3, 5)), classes)
    maps, vector, after = keras.Model(generator.input, [*norm.input, norm.output])(inputs)
    expected = maps / np.sqrt(1 + norm.epsilon) + (vector @ norm.offset.kernel)[:, None, None]
    np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-6)
    z, classes_seen = (inputs[0], np.eye(CLASSES)) if classes else (inputs, np.zeros((3, 0)))
    hidden = generator.get_layer("modulation")(np.hstack([z, classes_seen]))
    expected = np.hstack([np.where(hidden > 0, hidden, 0.2 * hidden), classes_seen])
    np.testing.assert_allclose(vector, expected, rtol=1e-6)
    with pytest.raises(InputError, match="`self_modulation` needs batch_norm=True"):
        make(self_modulation=True)


def test_the_dense_layer_of_d_sees_the_deviation_of_a_group():
    make = functools.partial(networks.dcgan_discriminator, (8, 8, 3), width=2, blocks=1)
    alone, groups = make(), make(minibatch_std=2)
    assert alone.get_layer("hidden").input.shape == (None, 4 * 4 * 4)
    assert groups.get_layer("hidden").input.shape == (None, 4 * 4 * 5)
    x = numbers((4, 8, 8, 3))
    maps = keras.Model(groups.input, groups.get_layer("relu_conv_0").output)(x).numpy()
    deviation = np.sqrt(maps.reshape(2, 2, -1).var(axis=1) + 1e-8).mean(axis=1)
    seen = keras.Model(groups.input, groups.get_layer("minibatch_std").output)(x)[..., -1]
    np.testing.assert_allclose(seen[:, 0, 0], deviation.repeat(2), rtol=1e-5)
    with pytest.raises(InputError, match="`group` must be an int >= 2"):
        make(minibatch_std=1)


# ---------------------------------------------------------------------------- training


CASES = [
    ("r3gan", "float32", False, None),
    ("r3gan", "mixed_bfloat16", False, CLASSES),
    ("dcgan", "float32", True, CLASSES),
    ("dcgan", "mixed_bfloat16", False, None),
    ("residual", "mixed_bfloat16", False, None),
]


@pytest.mark.parametrize(("name", "policy", "jit_compile", "classes"), CASES)
def test_training_with_both_penalties(name, policy, jit_compile, classes, tmp_path):
    with small.policy(policy):
        pair = MAKE[name]((8, 8, 1), classes=classes)
    condition = conditioning.Classes(CLASSES) if classes else None
    model = keras_gan.GAN(*pair, priors.Normal(5), condition=condition)
    optimizers = [keras.optimizers.Adam(1e-2, beta_1=0.0, beta_2=0.99) for _ in range(2)]
    penalties = [regularizers.R1(1.0), regularizers.R2(1.0)]
    # Eagerly where XLA is not asked for: two steps take less time than to make a graph of one.
    how = {"jit_compile": jit_compile, "run_eagerly": not jit_compile}
    model.compile(*optimizers, regularizers=penalties, **how)
    before = [small.weights(network) for network in pair]
    labels = np.arange(16) % CLASSES if classes else None
    logs = model.fit(numbers((16, 8, 8, 1)), labels, batch_size=8, verbose=0).history
    assert int(model.current_step.numpy()) == 2
    assert all(np.isfinite(values).all() for values in logs.values())
    assert logs["r1"][0] > 0
    for network, old in zip(pair, before, strict=True):
        new = small.weights(network)
        assert all(np.isfinite(weight).all() for weight in new)
        # After two steps every weight has had a gradient: blocks open with the first.
        assert sum(np.array_equal(a, b) for a, b in zip(new, old, strict=True)) == 0
    for network in pair:
        hidden = [layer for layer in network.layers if "relu" in layer.name]
        assert {layer.dtype_policy.name for layer in hidden} == {policy}
        assert network.output.dtype == "float32"
    examples = model.generate(4, seed=1, **({"condition": 1} if classes else {}))
    loaded = small.reloaded(model, tmp_path)
    again = loaded.generate(4, seed=1, **({"condition": 1} if classes else {}))
    np.testing.assert_array_equal(examples, again)
    assert np.asarray(examples).dtype == np.float32


@pytest.mark.parametrize("name", MAKE)
def test_images_that_are_cropped_stay_float32_in_mixed_precision(name):
    with small.policy("mixed_bfloat16"):
        generator, _ = MAKE[name]((9, 11, 1))
    assert generator.output.dtype == generator(numbers((2, 5))).dtype == "float32"


def in_float64(network):
    """The network computed in float64, each weight moved so that no block is the identity."""

    def with_dtype(layer):
        return type(layer).from_config({**layer.get_config(), "dtype": "float64"})

    images, rng = keras.Input(network.input_shape[1:], dtype="float64"), numbers_of(0)
    network = keras.models.clone_model(network, images, with_dtype)
    for weight in network.weights:
        weight.assign(weight + 0.1 * rng.normal(size=weight.shape))
    return network


def numbers_of(seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    "arguments", [("dcgan", {}), ("residual", {}), ("r3gan", {"group_size": 4})], ids=str
)
def test_the_gradient_of_a_penalty(arguments, jit_compile):
    """d/dw |grad_x D(x)|^2, by central differences along a random direction of the weights."""
    name, settings = arguments
    network = in_float64(MAKE[name]((8, 8, 1), **settings)[1])
    x, rng = tf.constant(numbers_of(1).normal(size=(3, 8, 8, 1))), numbers_of(2)
    variables = [variable.value for variable in network.trainable_variables]
    directions = [rng.normal(size=variable.shape) for variable in variables]

    @tf.function(autograph=False, jit_compile=jit_compile)
    def penalty_and_gradients():
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                total = tf.reduce_sum(network(x))
            penalty = tf.reduce_sum(inner.gradient(total, x) ** 2)
        return penalty, outer.gradient(penalty, variables, unconnected_gradients="zero")

    _, gradients = penalty_and_gradients()
    step, values = 1e-6, []
    for move in (step, -2 * step):
        for variable, direction in zip(variables, directions, strict=True):
            variable.assign_add(move * direction)
        values.append(float(penalty_and_gradients()[0]))
    expected = (values[0] - values[1]) / (2 * step)
    found = sum(float(np.sum(g * d)) for g, d in zip(gradients, directions, strict=True))
    assert found == pytest.approx(expected, rel=1e-6)


# ------------------------------------------------------------------------------ export


@each
@pytest.mark.parametrize("classes", [None, CLASSES])
def test_onnx(name, classes):
    generator, discriminator = MAKE[name](classes=classes)
    condition = conditioning.Classes(CLASSES) if classes else None
    scale = keras_gan.data.Identity()
    subject = Subject(generator, discriminator, priors.Normal(5), scale, condition)
    model = onnx_model.convert(subject)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for n in (1, 3):
        z = numbers((n, 5))
        inputs = inputs_of(z, classes)
        names = [value.name for value in session.get_inputs()]
        feed = dict(zip(names, inputs if classes else [inputs], strict=True))
        (images,) = session.run(None, feed)
        np.testing.assert_allclose(images, generator(inputs), rtol=0, atol=1e-5)
