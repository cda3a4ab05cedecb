"""Truncation: G of latents that are multiplied by a number."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

import keras_gan
from keras_gan.core.randomness import row_seeds
from keras_gan.experiment.run import Run
from keras_gan.training import run_config


def noisy_gan():
    generator = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(6, kernel_initializer=keras.initializers.GlorotUniform(seed=0)),
            keras_gan.layers.GaussianNoise(0.1, sampling=True),
        ]
    )
    return keras_gan.GAN(generator, small.network_pair()[1], keras_gan.priors.Normal(5), ema=0.9)


@pytest.mark.parametrize("make", [small.gan, small.conditional_gan, noisy_gan])
def test_samples_are_those_of_multiplied_latents(make):
    gan = make()
    classes = tf.constant([0, 1, 2, 0, 1])
    given = {} if gan.condition is None else {"condition": classes}
    latents, seeds = gan.prior.sample(5, seed=3), tf.constant(row_seeds(3, 5))
    expected = keras_gan.transform(gan.generator, 0.5 * latents, seeds, given)
    given = {name: values.numpy() for name, values in given.items()}
    found = gan.generate(5, seed=3, truncation=0.5, **given)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    plain = gan.generate(5, seed=3, **given)
    np.testing.assert_array_equal(gan.generate(5, seed=3, truncation=1, **given), plain)
    assert not np.allclose(found, plain, atol=1e-3)
    if gan.ema_generator is not None:  # its weights are still those of G
        averaged = gan.generate(5, seed=3, truncation=0.5, ema=True, **given)
        np.testing.assert_allclose(averaged, found, atol=1e-6)


def test_a_truncation_of_0_gives_the_sample_of_the_mean():
    gan = small.gan()
    mean = gan.generator(np.zeros((4, 5), np.float32), training=False)
    np.testing.assert_allclose(gan.generate(4, truncation=0), mean, atol=1e-6)


def test_samples_follow_further_training():
    gan = small.gan()
    before = gan.generate(4, truncation=2.0)
    gan.generator.set_weights([2 * w for w in gan.generator.get_weights()])
    assert not np.allclose(gan.generate(4, truncation=2.0), before)


@pytest.mark.parametrize("truncation", [-1, np.nan, np.inf, "0.7", [0.7]])
def test_what_is_no_factor_is_refused(truncation, tmp_path):
    run = Run(tmp_path, {"format": run_config.FORMAT, "identity": {}, "settings": {}})
    for samples in (small.gan().generate, run.samples):
        with small.refused("truncation"):
            samples(1, truncation=truncation)


def test_a_run_with_an_inference_network_takes_none(tmp_path):
    run = Run(tmp_path, {"format": run_config.FORMAT, "identity": {}, "settings": {}})
    run.save_models(small.inference_gan(), epochs=1)
    assert run.generator("last", truncation=1.0) is run.gan().generator
    with small.refused("inference network: leave out the truncation"):
        run.generator("last", truncation=0.5)  # also what exports and commands take
