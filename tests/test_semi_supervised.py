"""Feature matching, and a discriminator that learns classes from few labels."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import small
import tensorflow as tf
from scipy.special import log_softmax, logsumexp
from sklearn.preprocessing import normalize

from keras_gan import InputError, data, evaluate, losses, networks, recipes, train
from keras_gan.core.batches import DiscriminatorOutput
from keras_gan.data import DataSet, Split
from keras_gan.evaluation.features import classifier
from keras_gan.experiment.run import Run

CLASSES = 3
RANDOM = np.random.default_rng(0)


def softplus(x):
    return np.logaddexp(0, x)


def judged(n=8, labels=None):
    classes = RANDOM.normal(size=(n, CLASSES))
    return DiscriminatorOutput(
        logits=tf.constant(logsumexp(classes, axis=1), tf.float32),
        features=tf.constant(RANDOM.normal(size=(n, 2, 3)), tf.float32),
        labels=None if labels is None else tf.constant(labels, tf.int64),
        classes=tf.constant(classes, tf.float32),
    )


def test_feature_matching_is_the_squared_distance_of_means():
    real, fake = judged(8), judged(6)
    loss = losses.FeatureMatching(0.5)
    per_example = loss.generator(real, fake)
    wanted = np.sum((np.mean(real.features, 0) - np.mean(fake.features, 0)) ** 2)
    np.testing.assert_allclose(per_example, np.full(6, wanted), rtol=1e-5)
    pair = loss.discriminator(real, judged(8)._replace(logits=-real.logits))
    np.testing.assert_allclose(pair, softplus(-real.logits.numpy()), rtol=1e-5)


def test_gradient_of_feature_matching_by_finite_differences():
    real, fake = judged(8, [-1, 2, -1, 0, -1, -1, 1, -1]), judged(6)
    for loss in (losses.FeatureMatching(), losses.SemiSupervised()):

        def mean(features, loss=loss):
            return tf.reduce_mean(loss.generator(real, fake._replace(features=features)))

        with tf.GradientTape() as tape:
            tape.watch(fake.features)
            value = mean(fake.features)
        gradient = tape.gradient(value, fake.features).numpy()
        for place in ((0, 0, 0), (3, 1, 2), (5, 0, 1)):
            step = np.zeros(fake.features.shape, np.float32)
            step[place] = 1e-2
            # Exact for a quadratic.
            slope = (mean(fake.features + step) - mean(fake.features - step)) / 2e-2
            np.testing.assert_allclose(gradient[place], slope, rtol=1e-2, atol=1e-4)


def test_semi_supervised_loss_is_three_means():
    labels = np.array([-1, 2, -1, 0, -1, -1, 1, -1])
    real, fake = judged(8, labels), judged(8)
    loss = losses.SemiSupervised()
    known = labels >= 0
    entropy = -log_softmax(real.classes.numpy(), axis=1)[known, labels[known]]
    for_real = softplus(-real.logits.numpy()[~known])
    of_fake = softplus(fake.logits.numpy())
    wanted = entropy.mean() + for_real.mean() + of_fake.mean()
    found = loss.discriminator(real, fake)
    assert found.shape == (8,)
    np.testing.assert_allclose(np.mean(found), wanted, rtol=1e-5)
    distance = np.mean(real.features.numpy()[~known], 0) - np.mean(fake.features, 0)
    np.testing.assert_allclose(loss.generator(real, fake)[0], np.sum(distance**2), rtol=1e-4)


@pytest.mark.parametrize("labels", [[-1] * 4, [0, 1, 2, 0]], ids=["none known", "all known"])
def test_a_minibatch_without_one_kind_of_rows(labels):
    real, fake = judged(4, labels), judged(4)
    loss = losses.SemiSupervised()
    known = np.array(labels) >= 0
    entropy = -log_softmax(real.classes.numpy(), axis=1)[known, np.array(labels)[known]]
    parts = [entropy, softplus(-real.logits.numpy()[~known]), softplus(fake.logits.numpy())]
    wanted = sum(part.mean() for part in parts if len(part))
    np.testing.assert_allclose(np.mean(loss.discriminator(real, fake)), wanted, rtol=1e-5)
    assert np.isfinite(loss.generator(real, fake)).all()


def test_the_network_is_a_classifier_whose_last_class_has_logit_0():
    judge = networks.maxout_discriminator((6,), units=4, depth=2, irange=0.5, classes=CLASSES)
    says = judge(small.examples(10))
    assert {name: tuple(part.shape) for name, part in says.items()} == {
        "logits": (10,),
        "features": (10, 4),
        "classes": (10, CLASSES),
    }
    np.testing.assert_allclose(says["logits"], logsumexp(says["classes"], axis=1), rtol=1e-5)
    with_generated = np.concatenate([says["classes"], np.zeros((10, 1))], axis=1)
    np.testing.assert_allclose(
        tf.sigmoid(says["logits"]),
        1 - np.exp(log_softmax(with_generated, axis=1)[:, -1]),
        rtol=1e-4,
    )
    plain = networks.maxout_discriminator((6,), units=4, depth=2, irange=0.5)
    for one, other in zip(judge.get_weights()[:4], plain.get_weights()[:4], strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_noisy_network_by_hand():
    judge = networks.noisy_discriminator((2, 3), CLASSES, hidden=(5, 4), seed=7)
    x = RANDOM.normal(size=(10, 2, 3)).astype(np.float32)
    for layer in judge.layers:
        for number, weight in enumerate(layer.weights[1:]):
            weight.assign(1 + number + RANDOM.random(weight.shape))
    (first, first_bias), (second, second_bias), (last, last_bias) = (
        (w.scale.numpy() * normalize(w.direction.numpy(), axis=0, norm="l2"), w.bias.numpy())
        for w in judge.layers
        if w.weights
    )
    hidden = np.maximum(x.reshape(10, 6) @ first + first_bias, 0)
    hidden = np.maximum(hidden @ second + second_bias, 0)
    says = judge(x)
    np.testing.assert_allclose(says["features"], hidden, rtol=1e-4, atol=1e-5)
    scores = hidden @ last + last_bias
    np.testing.assert_allclose(says["classes"], scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(says["logits"], logsumexp(scores, axis=1), rtol=1e-4, atol=1e-5)
    noisy = judge(np.repeat(x[:1], 4000, axis=0), training=True)["features"]
    assert np.std(noisy, axis=0).max() > 0.1
    again = networks.noisy_discriminator((2, 3), CLASSES, hidden=(5, 4), seed=7)
    for one, other in zip(judge.layers, again.layers, strict=True):
        for weight, same in zip(one.weights[:1], other.weights[:1], strict=True):
            np.testing.assert_array_equal(weight, same)
    lengths = [len(layer.trainable_weights) for layer in judge.layers if layer.weights]
    assert lengths == [2, 2, 3]  # only the classes learn theirs


def test_the_noisy_network_starts_from_data():
    judge = networks.noisy_discriminator((2, 3), CLASSES, hidden=(5, 40), input_noise=1.0, seed=7)
    x = RANDOM.random((4000, 2, 3)).astype(np.float32)
    networks.normalize_on(judge, x[:2000], seed=1)
    start = judge.get_weights()
    for name in ("hidden_0", "hidden_1", "classes"):
        layer = judge.get_layer(name)
        seen = keras.Model(judge.inputs[0], layer.input)(x[2000:], training=True).numpy()
        sums = seen @ layer.kernel.numpy() + layer.bias.numpy()
        np.testing.assert_allclose(sums.mean(0), 0, atol=0.15)
        np.testing.assert_allclose(sums.std(0), 1, atol=0.1)
    networks.normalize_on(judge, x[:2000], seed=1)
    np.testing.assert_allclose(judge.get_weights()[1], start[1], rtol=1e-5)


def clusters(n=300):
    """Three classes by the first two numbers, one label each."""
    classes = np.arange(n) % CLASSES
    x = 0.1 * RANDOM.random((n, 6), dtype=np.float32) + 0.45
    x[:, 0] += np.array([-0.3, 0.3, 0.0], np.float32)[classes]
    x[:, 1] += np.array([0.0, 0.0, 0.4], np.float32)[classes]
    return x, classes


def test_it_learns_to_classify(tmp_path):
    x, classes = clusters()
    labels = np.where(np.arange(len(x)) % 30 < 3, classes, -1)
    gan = small.gan(dropout=False, classes=CLASSES, loss="semi_supervised", steps_per_execution=10)
    gan.fit(x, labels, batch_size=30, epochs=30, verbose=0)
    found = gan.classify(x, batch_size=70)
    assert found.shape == (300, CLASSES)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert np.mean(found.argmax(axis=1) == classes) > 0.97
    assert np.isfinite(gan.evaluate(x, labels, verbose=0, return_dict=True)["d_loss"])
    loaded = small.reloaded(gan, tmp_path)
    np.testing.assert_array_equal(loaded.classify(x, batch_size=70), found)
    loaded.fit(x, labels, batch_size=30, verbose=0)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="classes and features"):
        small.gan(loss="semi_supervised")
    gan = small.gan(classes=CLASSES, loss="semi_supervised")
    x = small.examples(40)
    for method in (gan.fit, gan.evaluate):
        with pytest.raises(InputError, match="labels"):
            method(x, batch_size=10, verbose=0)
        with pytest.raises(InputError, match="3 at row 5"):
            method(x, np.where(np.arange(40) == 5, 3, -1), batch_size=10, verbose=0)
        with pytest.raises(InputError, match="labels"):
            method(x, np.zeros((40, 2), int), batch_size=10, verbose=0)
    with pytest.raises(InputError, match="classes"):
        small.gan().classify(x)
    with pytest.raises(InputError, match="shape"):
        gan.classify(x[:, :5])


def labelled_set(n=60):
    split = Split(small.examples(n), np.arange(n) % 4)
    return DataSet("four", split, split[:5], split[:5], provenance="p")


@pytest.mark.parametrize(("count", "share", "each"), [(8, 0.25, [2] * 4), (10, 0.5, [2, 2, 3, 3])])
def test_few_labels_evenly_and_often(count, share, each):
    whole = labelled_set()
    kept = data.keep_labels(whole, count, share=share, seed=1).train
    known = kept.y >= 0
    assert np.mean(known) == pytest.approx(share)
    np.testing.assert_array_equal(kept.x[~known], whole.train.x)
    rows = {x.tobytes(): int(y) for x, y in zip(kept.x[known], kept.y[known], strict=True)}
    assert len(rows) == count
    assert sorted(np.bincount(list(rows.values()))) == each
    truth = {x.tobytes(): int(y) for x, y in zip(whole.train.x, whole.train.y, strict=True)}
    assert all(truth[x] == y for x, y in rows.items())
    times = np.unique([x.tobytes() for x in kept.x[known]], return_counts=True)[1]
    assert times.max() - times.min() <= 1
    other = data.keep_labels(whole, count, share=share, seed=2).train
    assert {x.tobytes() for x in other.x[other.y >= 0]} != set(rows)
    one, same = (data.keep_labels(whole, count, share=share, seed=s).train for s in (-1, 2**32 - 1))
    np.testing.assert_array_equal(one.y, same.y)


def test_all_labels_and_too_many():
    whole = labelled_set()
    kept = data.keep_labels(whole, 0, share=0.1)
    assert (kept.train.y >= 0).sum() == 60
    assert "60" in kept.provenance
    for count in (3, 61):
        with pytest.raises(InputError, match="60"):
            data.keep_labels(whole, count, share=0.1)
    with pytest.raises(InputError, match="must be an int"):
        data.keep_labels(whole, 7.5, share=0.1)
    with pytest.raises(InputError, match="share"):
        data.keep_labels(whole, 8, share=1)
    with pytest.raises(InputError, match="no labels"):
        data.keep_labels(DataSet("x", *[Split(small.examples())] * 3), 8, share=0.1)


@pytest.mark.parametrize("loss", ["feature_matching", "held_back"])
def test_xla_on_several_replicas_is_refused(loss):
    strategy = small.devices()
    with strategy.scope(), pytest.raises(InputError, match="jit_compile"):
        small.gan(classes=CLASSES, loss=loss, jit_compile=True)


def test_from_the_command_to_the_test_error(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(classifier, "_SEEN", 2000)  # the one of the samples: D is judged here
    path = tmp_path / "run"
    fast = ["--epochs", "2", "--likelihood-every", "0", "--labels", "20", "--seed", "3"]
    recipe = ["--recipe", "digits_semi_supervised", "--run-dir", str(path)]
    assert train.main([*recipe, *fast]) == 0
    run = Run.open(path)
    assert (run.identity["labels"], run.config["provenance"].count("labels of 20")) == (20, 1)
    assert evaluate.main([str(path), "--samples", "100", "--no-sanity"]) == 0
    found = json.loads((path / "evaluation.json").read_text())["last"]["classification"]
    test = recipes.data_of(run).test
    named = run.gan().classify(run.preprocessing.normalize(test.x)).argmax(axis=1)
    assert found["test_error"] == pytest.approx(np.mean(named != test.y))
    assert found["test_error"] < 0.8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--labels", "20"], "--labels"),
        (["--recipe", "digits_semi_supervised", "--labels", "5"], "labels"),
        (["--recipe", "digits_semi_supervised", "--labeled-share", "1"], "--labeled-share"),
        (["--loss", "semi_supervised"], "--loss"),
    ],
)
def test_bad_arguments_are_one_line(arguments, words, tmp_path, capsys):
    assert train.main([*arguments, "--run-dir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()
