"""p(x | c): networks that see classes or vectors next to latents and examples."""

import keras
import numpy as np
import pytest
import small
import tensorflow as tf
from small import CLASSES

import keras_gan
from keras_gan import conditioning, priors
from keras_gan.core.randomness import RowDraws, row_seeds
from keras_gan.evaluation import likelihood


def labelled(n=40):
    """Examples whose first number tells their class."""
    labels = np.arange(n) % CLASSES
    examples = small.examples(n)
    examples[:, 0] = labels / (CLASSES - 1)
    return examples, labels


def test_each_row_depends_on_its_seed_and_its_class_alone():
    model = small.conditional_gan()
    classes = np.array([2, 0, 1, 2])
    together = model.generate(4, seed=3, condition=classes)
    two = model.generate(2, seed=3, condition=[2, 0])
    np.testing.assert_allclose(two, together[:2], atol=1e-6)  # products round by their shape
    others = model.generate(4, seed=3, condition=(classes + 1) % CLASSES)
    assert (np.abs(others - together).max(axis=1) > 1e-4).all()


def test_without_a_class_samples_have_the_classes_of_their_distribution():
    model = small.conditional_gan()
    seeds = row_seeds(3, 5)
    drawn = model.condition.draw(RowDraws(seeds, 1 << 20))["condition"].numpy()
    np.testing.assert_array_equal(
        model.generate(5, seed=3), model.generate(5, seed=3, condition=drawn)
    )


@pytest.mark.parametrize("probabilities", [None, [0.7, 0.1, 0.2]])
def test_classes_are_drawn_as_often_as_said(probabilities):
    condition = conditioning.Classes(CLASSES, probabilities)
    drawn = condition.draw(RowDraws(row_seeds(0, 20_000)))["condition"].numpy()
    shares = np.bincount(drawn, minlength=CLASSES) / len(drawn)
    # Four standard errors of a share of 20,000 draws.
    np.testing.assert_allclose(shares, probabilities or [1 / 3] * 3, atol=4 * 0.5 / 20_000**0.5)


@pytest.mark.parametrize(
    ("update", "training"), [("alternating", "data"), ("simultaneous", "drawn")]
)
def test_it_learns_the_class_it_is_asked_for(update, training):
    examples, labels = labelled(600)
    model = small.conditional_gan(training, update=update, steps_per_execution=20)
    model.fit(examples, labels, batch_size=30, epochs=8, verbose=0)
    means = [model.generate(200, condition=c)[:, 0].mean() for c in range(CLASSES)]
    assert means[0] < 0.25
    assert 0.25 < means[1] < 0.75
    assert means[2] > 0.75


def test_data_are_judged_under_their_own_labels():
    """A discriminator that gives the class as its logit tells which class it was shown."""
    generator, _ = small.conditional_pair()
    images = keras.Input((6,), name="images")
    condition = keras.Input((), name="condition", dtype="int64")
    score = keras.layers.Lambda(lambda c: tf.cast(c, tf.float32)[:, None])(condition)
    zero = keras.layers.Lambda(lambda x: 0 * x[:, :1])(images)
    judge = keras.Model([images, condition], keras.layers.Add()([score, zero]))
    model = keras_gan.GAN(
        generator, judge, priors.Uniform(5), condition=conditioning.Classes(CLASSES)
    )
    model.compile("sgd", keras.optimizers.SGD())
    examples, _ = labelled(9)
    found = model.evaluate(examples, np.full(9, 2), verbose=0, return_dict=True)
    assert found["d_real"] == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)
    assert found["d_fake"] == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)


def test_real_vectors_as_a_condition():
    generator = keras.Sequential([keras.Input((5 + 2,)), keras.layers.Dense(6, "sigmoid")])
    latents, wanted = keras.Input((5,), name="latents"), keras.Input((2,), name="condition")
    joined = keras.layers.Concatenate()([latents, wanted])
    model = keras_gan.GAN(
        keras.Model([latents, wanted], generator(joined)),
        small.network_pair()[1],  # sees no condition
        priors.Uniform(5),
        condition=conditioning.Vectors([2]),
    )
    with pytest.warns(UserWarning, match="nothing teaches G the condition"):
        model.compile("sgd", keras.optimizers.SGD())
    model.fit(small.examples(), np.ones((40, 2), np.float32), batch_size=10, verbose=0)
    assert model.generate(3, condition=np.eye(3, 2)).shape == (3, 6)
    with pytest.raises(keras_gan.InputError, match="no distribution"):
        model.generate(3)


def test_it_comes_back_from_a_file(tmp_path):
    model = small.conditional_gan()
    model.fit(*labelled(), batch_size=10, verbose=0)
    loaded = small.reloaded(model, tmp_path)
    assert loaded.condition.get_config() == model.condition.get_config()
    for ema in (False, True):
        np.testing.assert_array_equal(
            loaded.generate(4, condition=1, ema=ema),
            model.generate(4, condition=1, ema=ema),
        )
    loaded.fit(*labelled(), batch_size=10, verbose=0)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (3, "classes from 0 to 2. Received: 3 at row 0"),
        ([0, 1], "one for each of 4 samples"),
        (0.5, "integer classes"),
        ([[0, 1], [2]], "must be an array of numbers"),
    ],
)
def test_bad_classes_for_samples(condition, message):
    with pytest.raises(keras_gan.InputError, match=message):
        small.conditional_gan().generate(4, condition=condition)


@pytest.mark.parametrize("kind", [conditioning.Codes(2), conditioning.Vectors([2])], ids=repr)
@pytest.mark.parametrize("given", [[[0, 1], [2]], ["a", "b"]], ids=repr)
def test_what_is_no_array_of_numbers_is_no_condition(kind, given):
    with small.refused("`condition` must be an array of numbers: "):
        kind.checked(given, 2)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "made from labels: give `y`"),
        (np.full(40, 3), "classes from 0 to 2. Received: 3"),
        (np.full(40, -1), "classes from 0 to 2. Received: -1"),
        (np.zeros((40, 2), int), r"labels \[n\]"),
        (np.zeros(40), "integer classes"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_bad_labels(method, labels, message):
    model = small.conditional_gan()
    with pytest.raises(keras_gan.InputError, match=message):
        getattr(model, method)(small.examples(), labels, batch_size=10, verbose=0)


class OfTwo(keras.Model):
    """A subclassed network of examples or latents and one-hot classes."""

    def __init__(self, units):
        super().__init__()
        self.units = units
        self.dense = keras.layers.Dense(units)

    def build(self, shapes):
        self.dense.build((None, 5 + CLASSES) if self.units > 1 else (None, 6 + CLASSES))

    def call(self, inputs):
        first, classes = inputs
        return self.dense(keras.ops.concatenate([first, keras.ops.one_hot(classes, CLASSES)], -1))


def test_subclassed_networks_take_a_condition_as_a_functional_model():
    condition = conditioning.Classes(CLASSES)
    generator, discriminator = (
        keras.Model(inputs, OfTwo(units)(inputs))
        for units, size in ((6, 5), (1, 6))
        for inputs in [[keras.Input((size,)), keras.Input((), dtype="int64", name="condition")]]
    )
    wrapping = r"; a subclassed model has no named inputs: give keras.Model\(\[x, condition\]"
    with small.refused(f"the generator does not take the condition .*{wrapping}"):
        keras_gan.GAN(OfTwo(6), discriminator, priors.Uniform(5), condition=condition)
    with small.refused(f"the discriminator does not take .* symbolic `tf.Tensor` .*{wrapping}"):
        keras_gan.GAN(generator, OfTwo(1), priors.Uniform(5), condition=condition)
    model = keras_gan.GAN(generator, discriminator, priors.Uniform(5), condition=condition)
    z, classes = model.prior.sample(3, seed=0), np.array([2, 0, 1])
    kernel, bias = small.weights(generator)
    expected = np.concatenate([z, np.eye(CLASSES)[classes]], axis=-1) @ kernel + bias
    np.testing.assert_allclose(model.generate(3, condition=classes), expected, atol=1e-6)


def test_networks_and_condition_that_do_not_belong_together():
    generator, discriminator = small.conditional_pair()
    plain, unconditional = small.network_pair()
    with pytest.raises(keras_gan.InputError, match="'condition'"):
        keras_gan.GAN(generator, discriminator, priors.Uniform(5))
    with pytest.raises(keras_gan.InputError, match="does not take the condition"):
        keras_gan.GAN(plain, unconditional, priors.Uniform(5), condition=conditioning.Classes(3))
    inputs = {name: keras.Input((5,), name=name) for name in ("latents", "condition")}
    sorted_by_name = keras.Model(inputs, keras.layers.Add()(list(inputs.values())))
    with small.refused("further input 'latents'.*latents of G.*must be the first.*dict by name"):
        keras_gan.GAN(
            sorted_by_name, plain, priors.Uniform(5), condition=conditioning.Vectors((5,))
        )
    with pytest.raises(keras_gan.InputError, match="not conditional"):
        small.gan().generate(3, condition=1)


def test_classes_by_name(tmp_path):
    classes = conditioning.Classes(CLASSES, class_names=("cat", "dog", "0"))
    gan = keras_gan.GAN(*small.conditional_pair(), priors.Uniform(5), condition=classes)
    loaded = small.reloaded(gan, tmp_path)
    assert loaded.condition.describe()["class_names"] == ["cat", "dog", "0"]
    for named, numbered in (
        ("dog", 1),
        (["dog", 0, "0"], [1, 0, 2]),
        (np.array(["cat", "0", "cat"]), [0, 2, 0]),
    ):
        expected = gan.generate(3, seed=1, condition=numbered)
        np.testing.assert_array_equal(loaded.generate(3, seed=1, condition=named), expected)
    with small.refused("must be cat, dog, 0, or an integer from 0 to 2. Received: 'cats'"):
        gan.generate(3, condition=["cat", "cats", 0])
    with small.refused("`condition` must be an integer from 0 to 2. Received: 'cat'"):
        small.conditional_gan().generate(3, condition="cat")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 1}, "`count`"),
        ({"count": 3, "training": "both"}, "`training`"),
        ({"count": 3, "probabilities": [0.5, 0.5]}, "`probabilities`"),
        ({"count": 2, "probabilities": [0.5, 0.6]}, "`probabilities`"),
        ({"count": 2, "probabilities": [0.5, float("nan")]}, "`probabilities`"),
        ({"count": 3, "probabilities": "abc"}, "`probabilities`"),
        ({"count": 2, "probabilities": 0.5}, "`probabilities`"),
        *[
            ({"count": 3, "class_names": names}, "`class_names` must be 3 different texts")
            for names in ("abc", ["a", "b"], ["a", "b", "a"], ["a", "", "b"], [0, 1, 2])
        ],
    ],
)
def test_bad_arguments_of_classes(arguments, message):
    with pytest.raises(keras_gan.InputError, match=message):
        conditioning.Classes(**arguments)


def test_likelihood_given_the_class():
    """Against the definition, with one center of each class at the origin and at (1, 0)."""
    centers = [np.zeros((1, 2), np.float32), np.array([[1.0, 0.0]], np.float32)]
    points = np.array([[0.5, 0.0], [1.0, 0.0]], np.float32)
    classes = np.array([0, 1])
    found = likelihood.log_likelihood_given_classes(
        centers,
        (points, classes),
        (points, classes),
        protocol=likelihood.ParzenSettings(2, None, grid=(0.5,)),
    )
    normalizer = -np.log(2 * np.pi * 0.25)
    assert found.mean == pytest.approx(normalizer - 0.5 * (0.5**2 / 0.25) / 2, abs=1e-5)
    with pytest.raises(keras_gan.InputError, match="`validation` must hold at least 3 examples"):
        likelihood.log_likelihood_given_classes(
            centers, (points, classes), (points, classes), protocol=likelihood.ParzenSettings(2, 3)
        )
    with pytest.raises(keras_gan.InputError, match="classes of `test`"):
        likelihood.log_likelihood_given_classes(
            centers,
            (points, classes),
            (points, classes + 1),
            protocol=likelihood.ParzenSettings(2, None),
        )
    with pytest.raises(keras_gan.InputError, match="classes of `validation`"):
        likelihood.log_likelihood_given_classes(
            centers,
            (points, classes / 1),
            (points, classes),
            protocol=likelihood.ParzenSettings(2, None),
        )
    with pytest.raises(keras_gan.InputError, match="at least one class"):
        likelihood.log_likelihood_given_classes([], (points, classes), (points, classes))
