"""The paper's networks: counts, shapes and initial weights as its released code fixes them."""

from __future__ import annotations

import dataclasses
import gc
import subprocess
import sys

import keras
import numpy as np
import pytest
import scipy.stats
import small
import tensorflow as tf

import keras_gan
from keras_gan import InputError, layers, networks, optimizers, recipes
from keras_gan.core.keras_private import all_layers
from keras_gan.evaluation.features import classifier, efficientnet
from keras_gan.experiment import TrainingData
from keras_gan.experiment.run import Run


@dataclasses.dataclass
class Net:
    """What the paper's released code says of one network, layers with weights lowest first.

    `layers` holds (kernel shape, biases, half width of the initial kernel or None, activation).
    """

    layers: list
    dropout: tuple = ()
    max_norm: float | None = None


RELU, SIGMOID, LINEAR = "relu", "sigmoid", "linear"
EXPECTED = {
    "mnist": (
        (28, 28, 1),
        Net(
            [
                ((100, 1200), 1200, 0.05, RELU),
                ((1200, 1200), 1200, 0.05, RELU),
                ((1200, 784), 784, 0.05, SIGMOID),
            ]
        ),
        Net(
            [
                ((784, 1200), 1200, 0.005, LINEAR),
                ((240, 1200), 1200, 0.005, LINEAR),
                ((240, 1), 1, 0.005, LINEAR),
            ],
            dropout=(0.2, 0.5, 0.5),
        ),
    ),
    "tfd": (
        (48, 48, 1),
        Net(
            [
                ((100, 8000), 8000, 0.05, RELU),
                ((8000, 8000), 8000, 0.05, SIGMOID),
                ((8000, 2304), 2304, None, SIGMOID),
            ],
            max_norm=1.9365,
        ),
        Net(
            [
                ((2304, 6000), 6000, 0.005, LINEAR),
                ((1200, 6000), 6000, 0.005, LINEAR),
                ((1200, 1), 1, 0.005, LINEAR),
            ],
            dropout=(0.2, 0.5, 0.5),
            max_norm=1.9365,
        ),
    ),
    "cifar10_mlp": (
        (32, 32, 3),
        Net(
            [
                ((100, 8000), 8000, 0.05, RELU),
                ((8000, 8000), 8000, 0.05, SIGMOID),
                ((8000, 3072), 3072, 0.5, LINEAR),
            ]
        ),
        Net(
            [
                ((3072, 8000), 8000, 0.005, LINEAR),
                ((1600, 8000), 8000, 0.005, LINEAR),
                ((1600, 1), 1, 0.005, LINEAR),
            ],
            dropout=(0.2, 0.5, 0.5),
        ),
    ),
    "cifar10_conv": (
        (32, 32, 3),
        Net(
            [
                ((100, 8000), 8000, 0.05, RELU),
                ((8000, 8000), 8000, 0.05, SIGMOID),
                ((5, 5, 3, 80), 0, 0.05, LINEAR),
                (None, 32 * 32 * 3, None, None),
            ]
        ),
        Net(
            [
                ((8, 8, 3, 64), 64, 0.005, LINEAR),
                ((8, 8, 32, 64), 64, 0.005, LINEAR),
                ((5, 5, 32, 384), 384, 0.005, LINEAR),
                ((4800, 2500), 2500, 0.005, LINEAR),
                ((500, 1), 1, 0.005, LINEAR),
            ],
            dropout=(0.2, 0.5, 0.5, 0.5, 0.5),
        ),
    ),
}
# Sums of the products above, done by hand.
COUNTS = {
    "mnist": (2_503_984, 1_231_441),
    "tfd": (83_250_304, 21_037_201),
    "cifar10_mlp": (89_395_072, 37_393_601),
    "cifar10_conv": (64_825_072, 12_454_073),
}


def build(name, examples, **changes):
    recipe = recipes.get(name)
    settings = recipe.settings(**changes)
    gan, _ = recipe.build(settings, TrainingData.of(settings, examples))
    return gan.generator, gan.discriminator


def in_unit_range(shape, n=6):
    """Images with pixels that are always 0 and always 1 among the others."""
    x = np.random.default_rng(0).random((n, *shape), dtype=np.float32)
    x[:, 0], x[:, 1] = 0, 1
    return x


@pytest.fixture(scope="module", params=EXPECTED)
def model(request):
    """(name, examples, what is expected of G and of D, G, D); one recipe in memory at a time."""
    shape, *expected = EXPECTED[request.param]
    examples = in_unit_range(shape)
    gc.collect()  # the recipe before holds hundreds of megabytes, in cycles as Keras's models are
    return request.param, examples, expected, build(request.param, examples)


def weighted(network):
    return [layer for layer in network.layers if layer.count_params()]


def test_parameter_counts(model):
    name, _, _, pair = model
    assert tuple(network.count_params() for network in pair) == COUNTS[name]
    assert all(not network.non_trainable_weights for network in pair)


def test_shapes_activations_and_norms(model):
    _, examples, expected, pair = model
    for network, net in zip(pair, expected, strict=True):
        for layer, (shape, biases, _, activation) in zip(
            weighted(network), net.layers, strict=True
        ):
            if shape is None:
                assert layer.bias.shape == examples.shape[1:]
                continue
            assert layer.kernel.shape == shape
            assert (layer.bias.shape if biases else layer.bias) == ((biases,) if biases else None)
            assert layer.activation.__name__ == activation
            found = layer.kernel_constraint and layer.kernel_constraint.get_config()
            assert found == (net.max_norm and {"max_value": net.max_norm, "axis": 0})


def test_initial_kernels(model):
    _, _, expected, pair = model
    for network, net in zip(pair, expected, strict=True):
        for layer, (shape, _, irange, _) in zip(weighted(network), net.layers, strict=True):
            if irange is not None:
                assert_uniform(layer.kernel.numpy().ravel(), irange)
            elif shape is not None:
                assert_sparse(layer.kernel.numpy())


def assert_uniform(kernel, irange):
    """Bounds from all numbers, the law from some of them."""
    largest = max(kernel.max(), -kernel.min()) / irange
    assert 1 - 10 / kernel.size - 1e-6 < largest < 1 + 1e-6
    some = kernel[:: max(1, kernel.size // 20_000)].astype(np.float64)
    law = scipy.stats.uniform(-irange, 2 * irange)
    assert 0.001 < scipy.stats.kstest(some, law.cdf).pvalue < 0.999


def assert_sparse(kernel):
    """The output layer of TFD: 100 numbers from N(0, 1) among the 8000 inputs of each unit."""
    places = kernel != 0
    np.testing.assert_array_equal(places.sum(0), np.full(2304, 100))
    some = kernel[places][::10].astype(np.float64)
    assert 0.001 < scipy.stats.kstest(some, "norm").pvalue < 0.999
    of_inputs = places.sum(1)  # binomial, 28.8 on average
    assert abs(of_inputs.var() / (28.8 * (1 - 100 / 8000)) - 1) < 0.1


def test_initial_biases(model):
    """0; the logit of the clipped pixel means where G ends in sigmoids; -2 in TFD's others."""
    recipe, examples, expected, pair = model
    mean = np.clip(examples.astype(np.float64).mean(0).ravel(), 1e-7, 1 - 1e-7)
    for network, net in zip(pair, expected, strict=True):
        for layer, (_, biases, _, activation) in zip(weighted(network), net.layers, strict=True):
            if not biases:
                continue
            value = np.zeros(layer.bias.shape)
            if activation == SIGMOID and layer.name == "output":
                value = np.log(mean / (1 - mean))
            elif activation == SIGMOID and recipe == "tfd":
                value -= 2
            np.testing.assert_allclose(layer.bias, value, rtol=1e-5, atol=1e-6)


def test_dropout_on_the_input_of_every_layer_of_the_discriminator(model):
    _, _, (_, net), (generator, discriminator) = model
    kinds = [type(layer).__name__ for layer in discriminator.layers]
    found = tuple(layer.rate for layer in discriminator.layers if isinstance(layer, layers.Dropout))
    assert found == net.dropout
    assert not any(isinstance(layer, layers.Dropout) for layer in generator.layers)
    for at, kind in enumerate(kinds):
        if kind in ("Dense", "Conv2D"):
            before = kinds[at - 2 : at] if kind == "Conv2D" else kinds[at - 1 : at]
            assert before[0] == "Dropout"
            assert kinds[at + 1 : at + 2] == (["Maxout"] if at + 1 < len(kinds) else [])


def test_outputs(model):
    _, examples, _, (generator, discriminator) = model
    prior = keras_gan.priors.Normal(100)
    z = prior.sample(3)
    samples = generator(z)
    assert samples.shape == (3, *examples.shape[1:])
    assert samples.dtype == tf.float32
    logits = discriminator(samples)
    assert logits.shape == (3, 1)
    assert logits.dtype == tf.float32
    assert np.isfinite(logits).all()
    # Such small weights leave D undecided.
    np.testing.assert_allclose(tf.sigmoid(logits), 0.5, atol=0.05)


# ------------------------------------------------------------------ convolutional networks


def test_feature_maps_of_the_convolutional_networks():
    discriminator = networks.cifar10_conv_discriminator()
    sizes = {layer.name: layer.output.shape[1:] for layer in discriminator.layers}
    expected = {
        "conv_0": (33, 33, 64),
        "maxout_conv_0": (33, 33, 32),
        "pool_0": (16, 16, 32),
        "conv_1": (15, 15, 64),
        "pool_1": (7, 7, 32),
        "conv_2": (9, 9, 384),
        "pool_2": (5, 5, 192),
        "flat": (4800,),
        "maxout_0": (500,),
        "logit": (1,),
    }
    assert {name: sizes[name] for name in expected} == expected


# --------------------------------------------------------------------- smaller networks


def test_networks_of_the_bundled_digits():
    generator, discriminator = build("digits", in_unit_range((8, 8, 1)))
    assert generator.count_params() == 33 * 256 + 257 * 256 + 257 * 64 == 90_688
    assert discriminator.count_params() == 65 * 480 + 97 * 480 + 97 == 77_857


def small_pair(seed, **kwargs):
    generator = networks.mlp_generator(
        4, (3, 2), hidden=[(6, "relu"), (6, "sigmoid")], output_activation="linear", seed=seed
    )
    return generator, networks.maxout_discriminator((3, 2), units=6, pieces=3, seed=seed, **kwargs)


def test_same_seed_same_weights_and_other_seed_other_weights():
    def kernels(seed):
        pair = small_pair(seed)
        return [w.numpy() for network in pair for w in network.weights if w.ndim > 1]

    for one, again, other in zip(kernels(0), kernels(0), kernels(1), strict=True):
        np.testing.assert_array_equal(one, again)
        assert (one != other).all()
    # Fixed for good: a run can be repeated in any process and on any machine.
    golden = [0.0012800917, -0.03670733, -0.0364726]
    np.testing.assert_allclose(kernels(0)[0][0, :3], golden, rtol=1e-6)


def test_equal_layers_of_one_network_start_differently():
    generator = networks.mlp_generator(
        6, (6,), hidden=[(6, "relu"), (6, "relu")], output_activation="linear"
    )
    kernels = [layer.kernel.numpy() for layer in generator.layers]
    assert (kernels[0] != kernels[1]).all()
    assert (kernels[1] != kernels[2]).all()


def test_max_norm_bounds_every_unit_and_piece_after_an_update():
    generator = networks.mlp_generator(
        4, (5,), hidden=[(6, "relu")], output_activation="sigmoid", max_norm=networks.MAX_NORM
    )
    discriminator = networks.maxout_discriminator(
        (5,), units=3, pieces=2, depth=1, max_norm=networks.MAX_NORM
    )
    assert networks.MAX_NORM == 1.9365
    for network in (generator, discriminator):
        optimizer = optimizers.MomentumSGD(1.0)
        rng = np.random.default_rng(0)
        found = [
            tf.constant(rng.normal(0, 9, w.shape), tf.float32) for w in network.trainable_weights
        ]
        optimizer.apply(found, network.trainable_weights)
        for layer in weighted(network):
            norms = np.linalg.norm(layer.kernel.numpy(), axis=0)
            np.testing.assert_allclose(norms, 1.9365, rtol=1e-6)
            assert np.abs(layer.bias.numpy()).max() > 1.9365 or layer.bias.shape == (1,)


def test_maxout_discriminator_in_numpy():
    _, discriminator = small_pair(0, depth=1, irange=1.0)
    x = np.random.default_rng(0).normal(size=(7, 3, 2))
    kernel, bias, top, last = (w.numpy().astype(np.float64) for w in discriminator.weights)
    hidden = (x.reshape(7, 6) @ kernel + bias).reshape(7, 3, 6).max(1)
    logits = discriminator(x.astype(np.float32), training=False)
    np.testing.assert_allclose(logits, hidden @ top + last, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [28, (None, 28, 1), (28.0, 28, 1), (28, 28, 0)])
@pytest.mark.parametrize(
    "make",
    [
        networks.dcgan_generator,
        networks.r3gan_discriminator,
        networks.sngan_generator,
        lambda shape: networks.for_shape(shape, 4, bounded=True),
        lambda shape: networks.maxout_discriminator(shape, units=4),
        lambda shape: networks.leaky_mlp((4,), shape, width=4, name="generator"),
        lambda shape: networks.mlp_encoder(shape, 4, hidden=[4]),
        lambda shape: networks.conv_reader(shape, 4),
    ],
)
def test_shapes_that_cannot_be(make, shape):
    with pytest.raises(InputError, match="shape` must be a"):
        make(shape)


@pytest.mark.parametrize(
    ("shape", "width", "units", "dropout"),
    [
        ((2,), 128, 64, (0.0, 0.0, 0.0)),
        ((15,), 128, 64, (0.0, 0.0, 0.0)),
        ((4, 4), 128, 64, (0.2, 0.5, 0.5)),
        ((28, 28, 1), 224, 64, (0.2, 0.5, 0.5)),
        ((32, 32, 3), 448, 112, (0.2, 0.5, 0.5)),
        ((150, 150), 1200, 300, (0.2, 0.5, 0.5)),
    ],
)
def test_networks_by_rule(shape, width, units, dropout):
    generator, discriminator = networks.for_shape(shape, 10, bounded=True)
    size = int(np.prod(shape))
    assert generator.output_shape == (None, *shape)
    assert discriminator.input_shape == (None, *shape)
    assert generator.count_params() == 11 * width + (width + 1) * width + (width + 1) * size
    assert discriminator.count_params() == 5 * units * (size + units + 2) + units + 1
    rates = [layer.rate for layer in discriminator.layers if isinstance(layer, layers.Dropout)]
    assert tuple(rates) == dropout


def test_output_by_rule():
    for bounded, activation in ((True, "sigmoid"), (False, "linear")):
        generator, _ = networks.for_shape((3,), 2, bounded=bounded)
        assert generator.get_layer("output").activation.__name__ == activation


def test_outputs_stay_float32_in_mixed_precision():
    with small.policy("mixed_bfloat16"):
        generator, discriminator = small_pair(0)
        pair = (
            networks.cifar10_conv_discriminator(),
            networks.mlp_generator(4, (3,), hidden=[(6, "relu")], output_activation="sigmoid"),
        )
    for network in (generator, discriminator, *pair):
        assert network.layers[-1].compute_dtype == "float32"
        assert all(weight.dtype == "float32" for weight in network.weights)
    assert generator.get_layer("hidden_0").compute_dtype == "bfloat16"
    samples = generator(np.ones((2, 4), np.float32))
    assert samples.dtype == discriminator(samples).dtype == tf.float32


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: networks.conv_reader((4, 4), 3), r"a shape \(h, w, c\)"),
        (lambda: networks.with_known_pixels(*[None] * 3, (16,)), r"a shape \(h, w, c\)"),
        (lambda: networks.noisy_discriminator((2,), 3, hidden=()), "`hidden` .* one layer"),
        (
            lambda: networks.mlp_generator(2, (2,), hidden=[5], output_activation="tanh"),
            r"`hidden` must hold a pair \(units, activation\)",
        ),
    ],
)
def test_shapes_and_units_that_make_no_network(make, message):
    with small.refused(message):
        make()


def test_hidden_layers_may_come_from_an_iterator():
    hidden = zip([5, 4], ["relu", "tanh"], strict=True)
    generator = networks.mlp_generator(3, (2,), hidden=hidden, output_activation="linear")
    assert [layer.units for layer in generator.layers] == [5, 4, 2]


def test_marginal_bias_refuses_nothing_it_can_clip():
    generator, _ = small_pair(0)
    networks.set_marginal_bias(generator, np.array([[0, 1], [0.5, 0.25], [1e-9, 0.75]]))
    mean = np.array([1e-7, 1 - 1e-7, 0.5, 0.25, 1e-7, 0.75])
    bias = generator.get_layer("output").bias.numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(-bias.astype(np.float64))), mean, rtol=1e-6)


def test_sparse_kernel():
    layer = keras.layers.Dense(50)
    layer.build((None, 30))

    def kernel(seed):
        networks.set_sparse_kernel(layer, 10, seed=seed)
        return layer.kernel.numpy()

    one = kernel(1)
    assert ((one != 0).sum(0) == 10).all()
    assert len(np.unique((one != 0).T, axis=0)) > 45  # places differ from unit to unit
    np.testing.assert_array_equal(kernel(np.int64(1)), one)
    assert (kernel(2) != one).any()
    with pytest.raises(InputError, match="nonzeros"):
        networks.set_sparse_kernel(layer, 31)


@pytest.mark.parametrize(
    "name", ["digits", "digits_conditional", "digits_inpainting", "mnist_semi_supervised"]
)
def test_the_generator_of_a_recipe_reaches_the_scale_of_its_data(name):
    scales = {"symmetric_range": "tanh", "global_contrast": "linear"}
    for preprocessing, expected in scales.items():
        generator, _ = build(name, in_unit_range((8, 8, 1)), preprocessing=preprocessing)
        (last,) = (one for one in all_layers(generator) if one.name == "output")
        assert last.activation.__name__ == expected
        if isinstance(last, keras.layers.Dense):  # only a sigmoid starts at the mean pixels
            assert not last.bias.numpy().any()


def test_the_tanh_of_sngan_is_for_bounded_data():
    with small.refused("sngan_cifar10.* tanh.*--preprocessing global_contrast"):
        build("sngan_cifar10", in_unit_range((32, 32, 3)), preprocessing="global_contrast")


# ------------------------------------------------------------------------ TFD, stage two


def test_second_stage_of_tfd_builds_on_the_run_of_the_first(tmp_path):
    upper = networks.mlp_generator(
        100, (2, 2, 1), hidden=[(6, "relu")], output_activation="sigmoid"
    )
    first = keras_gan.GAN(
        upper, networks.maxout_discriminator((2, 2, 1), units=2), keras_gan.priors.Normal(100)
    )
    facts = {"preprocessing": {"name": "unit_range"}}
    run = Run.create_or_open(tmp_path / "stage1", {"recipe": "tfd"}, facts)
    run.save_models(first, epochs=1)

    stage1 = str(run.path)
    generator, discriminator = build("tfd_stage2", in_unit_range((2, 2, 1)), stage1=stage1)
    lower, stacked = generator.layers
    assert lower.count_params() == 101 * 8000 + 8001 * 100
    assert [layer.activation.__name__ for layer in lower.layers] == ["relu", "sigmoid"]
    assert [layer.kernel_constraint.max_value for layer in lower.layers] == [1.9365] * 2
    np.testing.assert_array_equal(lower.layers[0].bias, np.zeros(8000))
    np.testing.assert_array_equal(lower.layers[1].bias, np.full(100, -2))
    for one, other in zip(stacked.get_weights(), upper.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(generator.trainable_weights) == len(lower.weights) + len(upper.weights)
    assert discriminator.count_params() == 5 * 6000 + 1201 * 6000 + 1201
    prior = keras_gan.priors.Normal(100)
    z = prior.sample(3)
    np.testing.assert_allclose(generator(z), upper(lower(z)), rtol=1e-6)

    game = keras_gan.GAN(generator, discriminator, prior, ema=0.9)
    images = game.generate(4, ema=True)
    np.testing.assert_array_equal(images, game.generate(4))

    with pytest.raises(InputError, match="--stage1"):
        build("tfd_stage2", in_unit_range((2, 2, 1)))
    with pytest.raises(InputError, match="stage1"):
        build("tfd_stage2", in_unit_range((3, 3, 1)), stage1=stage1)
    for name, changes in (("tfd_stage2", {}), ("digits_inference", {"update": "fixed"})):
        changes |= {"stage1": stage1, "preprocessing": "symmetric_range"}
        with small.refused("add --preprocessing unit_range"):
            build(name, in_unit_range((2, 2, 1)), **changes)


def small_lower():
    return networks.mlp_generator(
        3, (4,), hidden=[(5, "relu")], output_activation="sigmoid", name="lower"
    )


def test_stacked_generators_share_the_upper_weights():
    lower = small_lower()
    upper, _ = small_pair(0)
    stacked = networks.stack_generators(lower, upper)
    upper.get_layer("output").bias.assign(np.arange(6))
    z = np.ones((2, 3), np.float32)
    assert stacked.input_shape == (None, 3)
    assert stacked.output_shape == (None, 3, 2)
    np.testing.assert_allclose(stacked(z), upper(lower(z)), rtol=1e-6)


# --------------------------------------------------------------------------- safe loading

LOAD = """
import sys
import keras
import numpy as np
folder = sys.argv[1]
for name in sys.argv[2:]:
    model = keras.saving.load_model(f"{folder}/{name}.keras", safe_mode=True)
    np.save(f"{folder}/{name}.npy", model(np.load(f"{folder}/{name}_latents.npy")))
assert not any(module.startswith("keras_gan") for module in sys.modules)
"""


def test_generators_of_keras_layers_load_without_this_package(tmp_path):
    bounded = networks.mlp_generator(
        4,
        (2, 3),
        hidden=[(5, "relu"), (5, "sigmoid")],
        output_activation="sigmoid",
        hidden_bias={"sigmoid": -2.0},
        max_norm=networks.MAX_NORM,
    )
    found = {
        "recipe": build("mnist", in_unit_range((28, 28, 1)))[0],
        "bounded": bounded,
        "stacked": networks.stack_generators(small_lower(), bounded),
        "rule": networks.for_shape((2,), 3, bounded=False)[0],
    }
    for name, generator in found.items():
        generator.save(tmp_path / f"{name}.keras")
        z = np.random.default_rng(0).normal(size=(3, generator.input_shape[1])).astype(np.float32)
        np.save(tmp_path / f"{name}_latents.npy", z)
    command = [sys.executable, "-c", LOAD, str(tmp_path), *found]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for name, generator in found.items():
        here = generator(np.load(tmp_path / f"{name}_latents.npy"))
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), here, rtol=1e-6)


# Networks whose arguments are of a type of integers.
OF_INTEGERS = {
    "dcgan_generator": lambda i: networks.dcgan_generator(
        (i(8), i(8), i(1)), i(3), width=i(2), kernel=i(4), blocks=i(1), classes=i(3), seed=i(1)
    ),
    "dcgan_discriminator": lambda i: networks.dcgan_discriminator(
        (i(8), i(8), i(1)), width=i(2), kernel=i(4), blocks=i(1), classes=i(3), seed=i(1)
    ),
    "r3gan_generator": lambda i: networks.r3gan_generator(
        (i(8), i(8), i(1)), i(3), widths=i(4), group_size=i(4), classes=i(3), seed=i(1)
    ),
    "r3gan_discriminator": lambda i: networks.r3gan_discriminator(
        (i(8), i(8), i(1)), widths=[i(8), i(8)], blocks=i(1), classes=i(3), seed=i(1)
    ),
    "sngan_discriminator": lambda i: networks.sngan_discriminator(width=i(1), classes=i(3)),
    "biggan_generator": lambda i: networks.biggan_generator(latent_dim=i(4), width=i(1)),
    "mlp_generator": lambda i: networks.mlp_generator(
        i(3), (i(4),), hidden=[(i(2), "relu")], output_activation="linear", seed=i(1)
    ),
    "mlp_encoder": lambda i: networks.mlp_encoder((i(3),), i(2), hidden=[i(2)], seed=i(1)),
    "leaky_mlp": lambda i: networks.leaky_mlp((i(3),), (i(1),), width=i(2), depth=i(1), name="d"),
    "maxout": lambda i: networks.maxout_discriminator(
        (i(3),), units=i(2), pieces=i(2), depth=i(1), classes=i(3), seed=i(1)
    ),
    "noisy": lambda i: networks.noisy_discriminator((i(3),), i(3), hidden=[i(2)], seed=i(1)),
    "reader": lambda i: networks.conv_reader((i(8), i(8), i(1)), i(2), seed=i(1)),
}


@pytest.mark.parametrize("kind", OF_INTEGERS)
def test_integers_of_numpy_make_the_same_network(kind):
    ours, theirs = (OF_INTEGERS[kind](integer) for integer in (int, np.int64))
    for weight, same in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(weight, same)


@pytest.mark.parametrize(
    ("argument", "value"), [("width", 0), ("width", 2.5), ("latent_dim", 0), ("blocks", -1)]
)
def test_sizes_that_are_no_numbers_of_things_are_named(argument, value):
    with pytest.raises(InputError, match=f"`{argument}` must be an int"):
        networks.dcgan_generator(**{"shape": (8, 8, 1), argument: value})


@pytest.mark.parametrize("part", ["generator", "discriminator"])
@pytest.mark.parametrize(
    ("kind", "narrow"),
    [
        ("dcgan", {"width": 1}),
        ("r3gan", {"widths": 8}),
        ("sngan", {"width": 1}),
        ("biggan", {"width": 8}),
    ],
)
def test_of_one_class_or_none_there_is_no_conditional_network(kind, narrow, part):
    make = getattr(networks, f"{kind}_{part}")
    for classes in (0, -2, 1, 2.5, True):
        with pytest.raises(InputError, match="`classes` must be an int >= 2"):
            make((32, 32, 1), **narrow, classes=classes)


FORMATS = ("channels_last", "channels_first")
SHAPE = (9, 10, 2)  # no two sides are equal, and resolutions are rounded
BUILT = {
    "mlp_generator": lambda: networks.mlp_generator(
        4, SHAPE, hidden=[(6, "relu")], output_activation="linear"
    ),
    "mlp_encoder": lambda: networks.mlp_encoder(SHAPE, 3, hidden=[5]),
    "leaky_mlp": lambda: networks.leaky_mlp(SHAPE, (1,), width=5, name="critic"),
    "maxout_discriminator": lambda: networks.maxout_discriminator(SHAPE, units=4),
    "noisy_discriminator": lambda: networks.noisy_discriminator(SHAPE, 3, hidden=[5]),
    "conv_reader": lambda: networks.conv_reader(SHAPE, 3),
    "cifar10_conv_discriminator": networks.cifar10_conv_discriminator,
    "classifier": lambda: classifier._network(SHAPE, 3, mean=0.0, sd=1.0, seed=0),
    "efficientnet_lite0": lambda: efficientnet.network(dict(np.load(efficientnet.FILE)), size=32),
    "sngan_generator": lambda: networks.sngan_generator(width=4, classes=3),
    "sngan_discriminator": lambda: networks.sngan_discriminator(width=4, classes=3),
    "biggan_generator": lambda: networks.biggan_generator(width=4),
    "biggan_discriminator": lambda: networks.biggan_discriminator(width=4),
    "r3gan_generator": lambda: networks.r3gan_generator(SHAPE, 4, widths=8),
    "r3gan_discriminator": lambda: networks.r3gan_discriminator(SHAPE, widths=8),
    **{
        f"dcgan_{role}, full_size={full_size}": lambda build=build, full_size=full_size: build(
            SHAPE, width=2, blocks=1, full_size=full_size, batch_norm=True
        )
        for role, build in {
            "generator": networks.dcgan_generator,
            "discriminator": networks.dcgan_discriminator,
        }.items()
        for full_size in (False, True)
    },
    **{
        f"with_known_pixels, {role}": lambda index=index: networks.with_known_pixels(
            networks.conv_reader(SHAPE, 3),
            networks.mlp_generator(7, SHAPE, hidden=[], output_activation="linear", name="inner"),
            networks.maxout_discriminator((180 + 90,), units=4, input_dropout=0, name="inner"),
            SHAPE,
        )[index]
        for index, role in enumerate(["generator", "discriminator"])
    },
}


def outputs_under(data_format, build):
    """A network's outputs for fixed inputs."""
    kept = keras.config.image_data_format()
    keras.config.set_image_data_format(data_format)
    try:
        network = build()
        rng = np.random.default_rng(0)
        inputs = [
            tf.cast(rng.integers(0, 2, (2, *tensor.shape[1:])), tensor.dtype)
            for tensor in network.inputs
        ]
        inputs = inputs if len(inputs) > 1 else inputs[0]
        return keras.tree.map_structure(np.asarray, network(inputs))
    finally:
        keras.config.set_image_data_format(kept)


@pytest.mark.parametrize("name", BUILT)
def test_pictures_have_their_channels_last_whatever_keras_is_set_to(name):
    outputs = [outputs_under(first_or_last, BUILT[name]) for first_or_last in FORMATS]
    keras.tree.map_structure(np.testing.assert_array_equal, *outputs)


def test_discriminators_of_images_are_no_discriminators_of_flat_examples():
    of_images = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    flat = keras.Sequential([keras.Input((5,)), keras.layers.Dense(16)])
    long = keras.Sequential(
        [keras.Input((35,)), keras.layers.Dense(16), keras.layers.Reshape((4, 4, 1))]
    )
    reader = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Flatten()])
    for pair, size in (
        (lambda: networks.with_classes(flat, of_images, (4, 4, 1), 3), 19),
        (lambda: networks.with_known_pixels(reader, long, of_images, (4, 4, 1)), 32),
    ):
        with pytest.raises(InputError, match=rf"`discriminator` must take flat .*\[n, {size}\]"):
            pair()
