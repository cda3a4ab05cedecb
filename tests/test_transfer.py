"""Models that start from the weights of another one, and layers that are frozen."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small

from keras_gan import GAN, InputError, Run, networks, priors, train
from keras_gan.conditioning import Classes
from keras_gan.training import transfer

ARGUMENTS = ("--recipe", "digits", "--batch-size", "500", "--likelihood-every", "0")


def gan(seed, classes=None, shape=(8, 8, 1), width=4, ema=0.5):
    common = {"width": width, "classes": classes}
    return GAN(
        networks.dcgan_generator(shape, 3, seed=seed, **common),
        networks.dcgan_discriminator(shape, seed=seed + 1, **common),
        priors.Normal(3),
        condition=Classes(classes) if classes else None,
        ema=ema,
    )


def values(network, layer):
    return network.get_layer(layer).get_weights()


def same(layer, *models):
    one, other = (values(model, layer) for model in models)
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_every_layer_of_equal_networks_is_taken():
    source, target = gan(0), gan(10)
    source.ema_generator.set_weights([w + 1 for w in source.generator.get_weights()])
    words = transfer.start_from(target, source)
    for name in ("generator", "discriminator", "ema_generator"):
        pair = getattr(source, name), getattr(target, name)
        assert small.largest_difference(*map(small.weights, pair)) == 0
    count = source.generator.count_params()
    assert words.startswith(f"G takes {count:,} of {count:,} weights; D takes ")
    assert transfer.fingerprint(source) == transfer.fingerprint(target)
    assert transfer.fingerprint(source) != transfer.fingerprint(gan(10))


def test_a_conditional_model_takes_what_an_unconditional_one_has():
    source, target, new = gan(0), gan(10, classes=3), gan(10, classes=3)
    taken = transfer.copy_matching(source.generator, target.generator)
    assert taken.layers == ("images",)  # the first layer also sees the class
    assert taken.weights == source.generator.get_layer("images").count_params()
    assert same("hidden", target.generator, new.generator)
    taken = transfer.copy_matching(source.discriminator, target.discriminator)
    assert set(taken.layers) == {"conv_0", "hidden", "logit"}
    assert taken.total - taken.weights == target.discriminator.get_layer("embedding").count_params()
    assert same("embedding", target.discriminator, new.discriminator)
    assert same("conv_0", target.discriminator, source.discriminator)


def test_networks_for_larger_images_take_the_layers_of_equal_maps():
    """The largest maps, and what meets the images, are new: of 32x32 from those of 16x16."""
    options = {"blocks": 1, "full_size": True}
    small_g, large_g = (
        networks.dcgan_generator((side, side, 3), 4, width=256 // side, batch_norm=True, **options)
        for side in (16, 32)
    )
    assert layers_left(small_g, large_g) == {
        *(f"{kind}_block_0_{i}" for kind in ("conv_1", "norm_conv_1") for i in range(2)),
        *("conv_2", "norm_conv_2", "images"),  # the block above: the smaller one has none there
    }
    small_d, large_d = (
        networks.dcgan_discriminator((side, side, 3), width=256 // side, **options)
        for side in (16, 32)
    )
    assert layers_left(small_d, large_d) == {
        *("conv_3", "conv_2", "conv_2_block_0_0", "conv_2_block_0_1")
    }


def layers_left(source, target):
    """Names of the layers that took no weights."""
    taken = transfer.copy_matching(source, target).layers
    return {layer.name for layer in target.layers if layer.weights} - set(taken)


def test_names_that_keras_gave_are_compared_by_their_order():
    def network(units):
        layers = [keras.layers.Dense(n) for n in units]
        inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
        return keras.Sequential([keras.Input((4,)), inner, *layers])

    source, target = network([5, 6, 2]), network([5, 7, 2])
    before = target.layers[2].get_weights()
    taken = transfer.copy_matching(source, target)
    assert taken.weights == 20 + 25  # the layer inside of the inner network, and the first
    np.testing.assert_array_equal(target.layers[1].kernel, source.layers[1].kernel)
    np.testing.assert_array_equal(target.layers[2].get_weights()[0], before[0])


def test_without_an_ema_the_new_one_starts_from_g():
    source, target = gan(0, ema=None), gan(10)
    transfer.start_from(target, source)
    pair = source.generator, target.ema_generator
    assert small.largest_difference(*map(small.weights, pair)) == 0


def test_weights_in_bfloat16_are_taken():
    keras.config.set_dtype_policy("bfloat16")
    try:
        source = gan(0)
    finally:
        keras.config.set_dtype_policy("float32")
    before = transfer.fingerprint(source)
    assert before != transfer.fingerprint(gan(0))
    target = gan(10)
    transfer.start_from(target, source)
    weights, taken = (model.generator.get_weights() for model in (source, target))
    assert all(np.array_equal(a, b) for a, b in zip(weights, taken, strict=True))
    source.generator.weights[0].assign(weights[0] + 1)
    assert transfer.fingerprint(source) != before


def test_frozen_layers_are_not_trained():
    model = gan(10, shape=(16, 16, 1))
    words = transfer.start_from(model, gan(0, shape=(16, 16, 1)), freeze=1)
    assert words.endswith("D's layers conv_1 are not trained")
    before = {name: values(model.discriminator, name) for name in ("conv_1", "conv_0")}
    model.compile("adam", "adam")
    x = np.random.default_rng(0).uniform(size=(16, 16, 16, 1)).astype(np.float32)
    model.fit(x, batch_size=8, verbose=0)
    for name, frozen in (("conv_1", True), ("conv_0", False)):
        after = values(model.discriminator, name)
        assert np.array_equal(before[name][0], after[0]) == frozen


@pytest.mark.parametrize(
    ("source", "freeze", "words"),
    [
        ({"width": 5}, 0, "no layer of G or D has the name and the shapes"),
        ({}, 3, r"because the others are to learn. Received: 3 of conv_0, hidden, logit"),
        ({"shape": (8, 8, 3)}, 1, "because conv_0 has new weights"),
    ],
)
def test_what_cannot_be_done_is_refused(source, freeze, words):
    with pytest.raises(InputError, match=words):
        transfer.start_from(gan(10), gan(0, **source), freeze)


def test_a_run_starts_from_another_and_goes_on(tmp_path, capsys):
    def call(name, *more):
        return train.main([*ARGUMENTS, "--run-dir", str(tmp_path / name), *more])

    assert call("first", "--epochs", "1") == 0
    start = ("--init", str(tmp_path / "first"), "--freeze", "1")
    assert call("second", "--epochs", "1", *start) == 0
    out = capsys.readouterr().out
    assert f"starting from {tmp_path / 'first'}: G takes " in out
    first, second = (Run.open(tmp_path / name).gan() for name in ("first", "second"))
    frozen, trained = [layer.name for layer in first.discriminator.layers if layer.weights][:2]
    assert f"D's layers {frozen} are not trained" in out
    assert same(frozen, first.discriminator, second.discriminator)
    assert not same(trained, first.discriminator, second.discriminator)
    # The identity names the weights, not the place.
    (tmp_path / "first").rename(tmp_path / "moved")
    start = ("--init", str(tmp_path / "moved"), "--freeze", "1")
    assert call("second", "--epochs", "2", *start) == 0
    assert "going on after epoch 1" in capsys.readouterr().out
    run = Run.open(tmp_path / "second")
    assert run.epochs_done == 2
    assert run.identity["init"] == transfer.fingerprint(first)
    assert "init" not in Run.open(tmp_path / "moved").identity
    assert call("second", "--epochs", "3") == 2
    assert "holds another run (" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--init", "absent"], "absent is not a run directory"),
        (["--freeze", "2"], "--freeze needs --init"),
    ],
)
def test_bad_options_are_one_line(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train.main([*ARGUMENTS, *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
