"""Features of a run for scikit-learn."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import small
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from keras_gan import GAN, DiscriminatorFeatures, InferenceFeatures, InputError, networks, priors
from keras_gan.experiment.run import Run
from keras_gan.training import inference, run_config

SHAPE = (4, 4, 1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    prior = priors.Uniform(3)
    encoder = networks.mlp_encoder(SHAPE, inference.parameters(prior), hidden=(8,), seed=2)
    gan = GAN(
        networks.mlp_generator(3, SHAPE, hidden=[(8, "relu")], output_activation="sigmoid"),
        networks.maxout_discriminator(SHAPE, units=5, pieces=2, irange=0.5),
        prior,
        auxiliary_networks=[inference.Inference(encoder, prior)],
    )
    return saved(gan, tmp_path_factory.mktemp("runs") / "run")


def saved(gan, path):
    config = {"format": run_config.FORMAT, "identity": {}, "preprocessing": {"name": "unit_range"}}
    (path / "models").mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config))
    Run(path, config).save_models(gan, epochs=1)
    return path


def images(n=30):
    return np.random.default_rng(0).random((n, *SHAPE), dtype=np.float32)


def test_hidden_layers_by_hand(run):
    judge = Run.open(run).gan().discriminator
    x = images()
    first, first_bias, second, second_bias, *_ = judge.get_weights()

    def maxout(values):
        return values.reshape(len(values), 2, 5).max(axis=1)

    lower = maxout(x.reshape(30, 16) @ first + first_bias)
    upper = maxout(lower @ second + second_bias)
    transformer = DiscriminatorFeatures(run).fit(x)
    np.testing.assert_allclose(transformer.transform(x), lower, rtol=1e-4, atol=1e-5)
    for same in (x.reshape(30, 16), x[..., 0]):
        np.testing.assert_array_equal(transformer.transform(same), transformer.transform(x))
    of_bytes = np.round(255 * x).astype(np.uint8)
    np.testing.assert_allclose(transformer.transform(of_bytes), lower, atol=0.02)
    found = DiscriminatorFeatures(run, layer="maxout_1").fit_transform(x)
    np.testing.assert_allclose(found, upper, rtol=1e-4, atol=1e-5)
    assert list(transformer.get_feature_names_out()) == [
        f"discriminatorfeatures{i}" for i in range(5)
    ]


def test_the_center_of_q(run):
    x = images()
    wanted = Run.open(run).inference().encode(x)
    found = InferenceFeatures(run).fit_transform(x)
    assert found.shape == (30, 3)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("kind", [DiscriminatorFeatures, InferenceFeatures])
def test_within_scikit_learn(run, kind):
    x = images()
    y = np.arange(30) % 2
    pipeline = make_pipeline(kind(str(run)), PCA(2), LogisticRegression())
    again = clone(pipeline)
    assert again[0].get_params()["run_dir"] == str(run)
    assert again.set_params(**{f"{pipeline.steps[0][0]}__run_dir": run})[0].run_dir == run
    np.testing.assert_array_equal(pipeline.fit(x, y).predict(x), again.fit(x, y).predict(x))


@pytest.mark.parametrize(
    ("shape", "given"),
    [((4, 4, 3), (30, 4, 4)), ((4, 4, 3), (31, 4, 4)), ((4, 4, 3), (30, 4, 4, 1)), ((2,), (30,))],
)
def test_what_would_be_scrambled_is_refused(shape, given, tmp_path):
    generator = networks.mlp_generator(3, shape, hidden=[(8, "relu")], output_activation="sigmoid")
    judge = networks.maxout_discriminator(shape, units=5, pieces=2)
    path = saved(GAN(generator, judge, priors.Uniform(3)), tmp_path / "run")
    with pytest.raises(InputError, match=r"takes images of shape .*Received: an array of shape"):
        DiscriminatorFeatures(path).fit(np.zeros(given, np.float32))


def test_bad_input_is_one_line(run, tmp_path):
    fitted = DiscriminatorFeatures(run).fit(images())
    for x, message in (
        (images()[:, :3], r"takes images of shape \(4, 4, 1\), or flat ones of 16 numbers"),
        (images(0), "at least one"),
        (2 * images(), r"\[0, 1\]"),
        (np.where(images() > 0.99, np.nan, images()), "X.* is nan"),
    ):
        for call in (fitted.transform, DiscriminatorFeatures(run).fit):
            with pytest.raises(InputError, match=message) as caught:
                call(x)
            assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"no layer 'last'; choose from .*maxout_0"):
        DiscriminatorFeatures(run, layer="last").fit(images())
    flat = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(1)])
    linear = GAN(Run.open(run).gan().generator, flat, priors.Uniform(3))
    with pytest.raises(InputError, match="has no hidden layer; name one of its layers"):
        DiscriminatorFeatures(saved(linear, tmp_path / "linear")).fit(images())
    groups = networks.dcgan_discriminator((8, 8, 1), width=2, minibatch_std=2)
    generator = networks.dcgan_generator((8, 8, 1), 3, width=2, activation="sigmoid")
    path = saved(GAN(generator, groups, priors.Uniform(3)), tmp_path / "groups")
    x = np.random.default_rng(0).random((5, 8, 8, 1), dtype=np.float32)
    assert DiscriminatorFeatures(path, layer="relu_conv_0").fit_transform(x).shape[0] == 5
    with pytest.raises(InputError, match=r"'hidden' depends on other images .*'minibatch_std'"):
        DiscriminatorFeatures(path, layer="hidden").fit(x)
    with pytest.raises(InputError, match="is not a run directory"):
        InferenceFeatures(tmp_path).fit(images())
    conditional = saved(small.conditional_gan(), tmp_path / "conditional")
    with pytest.raises(InputError, match="condition"):
        DiscriminatorFeatures(conditional).fit(images())
