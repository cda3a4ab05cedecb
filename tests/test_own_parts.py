"""What users bring along: their losses, regularizers, networks, augmentations, and mistakes."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest
import small
import tensorflow as tf

import keras_gan
from keras_gan import (
    GAN,
    InputError,
    augmentation,
    conditioning,
    layers,
    losses,
    networks,
    priors,
    randomness,
    regularizers,
)
from keras_gan.training import checkpoints
from keras_gan.training.auxiliary import AuxiliaryNetwork
from keras_gan.training.discriminate import discriminate

X = small.examples(16)
LABELS = np.arange(16) % small.CLASSES


@keras.saving.register_keras_serializable("own_parts")
class Counting(losses.NonSaturating):
    """A loss with a state."""

    def __init__(self):
        super().__init__()
        self.calls = keras.Variable(0.0, trainable=False)
        self.variables = [self.calls]

    def discriminator(self, real, fake):
        self.calls.assign_add(1.0)
        return super().discriminator(real, fake)

    def get_config(self):
        return {}


@keras.saving.register_keras_serializable("own_parts")
class OfGenerator(regularizers.Regularizer):
    """A term for G alone."""

    name = "of_generator"
    uses_generator = True

    def generator_penalty(self, generate, samples):
        return tf.reduce_sum(tf.square(samples.examples), axis=1)


class Named(regularizers.Regularizer):
    def __init__(self, name):
        super().__init__()
        self.name = name

    def penalty(self, discriminate, real, fake):
        return real.logits**2


def conditional(condition_input, **of_classes):
    """Networks whose class input has that form."""
    pair = []
    for name, size in (("latents", 5), ("examples", 6)):
        first, given = keras.Input((size,), name=name), condition_input()
        one_hot = given
        if given.shape[1:] != (small.CLASSES,):
            numbers = keras.ops.reshape(keras.ops.cast(given, "int64"), (-1,))
            one_hot = layers.OneHot(small.CLASSES)(numbers)
        joined = keras.layers.Concatenate()([first, one_hot])
        out = keras.layers.Dense(6 if name == "latents" else 1, dtype="float32")(joined)
        pair.append(keras.Model([first, given], out))
    model = GAN(*pair, priors.Uniform(5), condition=conditioning.Classes(small.CLASSES))
    model.compile("sgd", "adam", **of_classes)
    return model


# --------------------------------------------------------------------------- conditions


@pytest.mark.parametrize("shape", [(), (1,)])
@pytest.mark.parametrize("dtype", ["int64", "int32", "float32"])
def test_inputs_for_a_class_may_have_any_type_and_a_second_dimension(shape, dtype):
    model = conditional(lambda: keras.Input(shape, dtype=dtype, name="condition"))
    model.fit(X, LABELS, batch_size=8, verbose=0)
    given = np.array([[2], [0], [1]])  # labels as `fit` takes them, too
    latents = priors.Uniform(5).draw(randomness.RowDraws(tf.constant(randomness.row_seeds(7, 3))))
    classes = tf.constant(given.reshape(3, *shape).astype(dtype))
    expected = model.generator([latents, classes])
    np.testing.assert_array_equal(model.generate(3, seed=7, condition=given), expected)
    assert model.generate(4).shape == (4, 6)


def test_one_hot_inputs_for_a_class_are_refused():
    with pytest.raises(InputError, match="a class number; the layer OneHot makes vectors"):
        conditional(lambda: keras.Input((3,), name="condition"))


def test_a_discriminator_that_does_not_see_the_condition_warns():
    generator, _ = small.conditional_pair()
    _, discriminator = small.network_pair()
    model = GAN(generator, discriminator, priors.Uniform(5), condition=conditioning.Classes(3))
    with pytest.warns(UserWarning, match="nothing teaches G the condition"):
        model.compile("sgd", "adam")


def test_codes_are_not_for_the_discriminator_and_fit_its_outputs():
    code = conditioning.Codes(3, 2)
    latents, condition = keras.Input((5,)), keras.Input((5,), name="condition")
    joined = keras.layers.Concatenate()([latents, condition])
    generator = keras.Model([latents, condition], keras.layers.Dense(6)(joined))

    def model(**outputs):
        x = keras.Input((6,))
        given = {name: keras.layers.Dense(n)(x) for name, n in {"logits": 1, **outputs}.items()}
        return GAN(generator, keras.Model(x, given), priors.Uniform(5), condition=code)

    model(classes=3, codes=4).compile("sgd", "adam", losses.Info())
    with pytest.raises(InputError, match=r"D must return 'classes' \[n, 3\]"):
        model(classes=4, codes=2).compile("sgd", "adam", losses.Info())
    with pytest.raises(InputError, match="needs the condition Codes"):
        small.conditional_gan(loss=losses.Info())
    x, given = keras.Input((6,)), keras.Input((5,), name="condition")
    sees = keras.Model([x, given], keras.layers.Dense(1)(keras.layers.Concatenate()([x, given])))
    with pytest.raises(InputError, match="must not take the codes"):
        GAN(generator, sees, priors.Uniform(5), condition=code)


def test_classes_that_d_names_without_seeing_them():
    """AC-GAN: D has no condition, although the model has one."""
    generator, _ = small.conditional_pair()
    _, discriminator = small.network_pair(classes=small.CLASSES)
    model = GAN(generator, discriminator, priors.Uniform(5), condition=conditioning.Classes(3))
    model.compile("sgd", "adam", losses.AuxiliaryClassifier())
    model.fit(X, LABELS, batch_size=8, verbose=0)
    np.testing.assert_allclose(model.classify(X).sum(axis=1), 1, rtol=1e-5)


# --------------------------------------------------------------------- losses and terms


def test_the_state_of_a_loss_is_saved(tmp_path):
    model = small.gan(loss=Counting())
    model.fit(X, batch_size=8, verbose=0)
    assert float(model.loss.calls.value) == 2
    model.save(tmp_path / "model.keras")
    assert float(keras.saving.load_model(tmp_path / "model.keras").loss.calls.value) == 2


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_measuring_leaves_the_state_of_a_loss(run_eagerly):
    model = small.gan(loss=Counting(), update="fixed", run_eagerly=run_eagerly)
    model.fit(X, batch_size=8, validation_data=X, verbose=0)
    assert float(model.loss.calls.value) == 0


class Pairs(losses.NonSaturating):
    """G also minimizes the mean squared difference of logits over all pairs of rows."""

    generator_uses_real = True
    uses_batch_means = True

    def generator(self, real, fake):
        x, y = losses.global_rows(real.logits), losses.global_rows(fake.logits)
        squares = tf.square(x[:, None] - y[None])
        return super().generator(real, fake) + tf.reduce_mean(squares)


def test_a_loss_between_all_rows_is_the_same_on_two_replicas():
    plain, one = small.gan(dropout=False), small.gan(dropout=False, loss=Pairs())
    with small.devices().scope():
        two = small.gan(dropout=False, loss=Pairs())
    for model in (plain, one, two):
        model.fit(X, batch_size=8, verbose=0)
    of_plain, of_one, of_two = (small.weights(model) for model in (plain, one, two))
    assert small.largest_difference(of_one, of_two) < 1e-6
    assert small.largest_difference(of_one, of_plain) > 1e-4


class OnlyNoise(losses.Loss):
    """Random numbers in place of both losses."""

    def discriminator(self, real, fake):
        draws = randomness.current_draws()
        return randomness.uniform(draws.bits([1]))[:, 0] + 0 * real.logits

    def generator(self, real, fake):
        return self.discriminator(fake, fake)


@pytest.mark.parametrize("update", ["alternating", "simultaneous", "fixed"])
def test_both_losses_draw_numbers_of_their_own(update):
    model = small.gan(seed=3, loss=OnlyNoise(), update=update, run_eagerly=True)
    history = model.fit(X, batch_size=16, verbose=0).history
    for name, minibatch in (("d_loss", 0), ("g_loss", 1)):
        draws = randomness.StepDraws(3, 0, minibatch, randomness.Purpose.LOSS, 0, 16)
        expected = np.mean(randomness.uniform(draws.bits([1])))
        np.testing.assert_allclose(history[name], [expected], rtol=1e-6)


@keras.saving.register_keras_serializable("own_parts")
class Noisy(losses.NonSaturating):
    """A loss with noise of a seed generator of Keras's."""

    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator(1)

    def discriminator(self, real, fake):
        return super().discriminator(real, fake) * noise_of(self, real)


@keras.saving.register_keras_serializable("own_parts")
class NoisyTerm(regularizers.Regularizer):
    """The same of a regularizer, whose generator is that of another part of it."""

    name = "noisy"

    def __init__(self):
        super().__init__()
        self.part = Noisy()

    def penalty(self, discriminate, real, fake):
        return tf.square(real.logits) * noise_of(self.part, real)


@keras.saving.register_keras_serializable("own_parts")
class NoisyMean(keras.metrics.Mean):
    """The same of a metric."""

    def __init__(self, name="noisy_mean", dtype=None):
        super().__init__(name, dtype)
        self.seed_generator = keras.random.SeedGenerator(2)

    def update_state(self, real, fake):
        super().update_state(noise_of(self, real))


@keras.saving.register_keras_serializable("own_parts")
class Growing(AuxiliaryNetwork):
    """A network whose loss counts more with every update."""

    name = "growing"

    def __init__(self, network):
        super().__init__(network)
        self.weight = keras.Variable(1.0, trainable=False)

    def loss(self, batch, training):
        if training:
            self.weight.assign_add(1.0)
        return self.weight * tf.reduce_sum(tf.square(self.network(batch.examples)), axis=1)


def noise_of(part, output):
    return keras.random.uniform(tf.shape(output.logits), seed=part.seed_generator)


def test_seed_generators_and_variables_of_any_part_go_on(tmp_path):
    def make():
        network = keras.Sequential(
            [keras.Input((6,)), keras.layers.Dense(2, kernel_initializer="ones")]
        )
        pair = small.network_pair()
        model = GAN(*pair, priors.Uniform(5), auxiliary_networks=[Growing(network)])
        model.compile(
            "sgd",
            "sgd",
            loss=Noisy(),
            regularizers=[NoisyTerm()],
            metrics=[NoisyMean()],
            auxiliary_optimizers=["sgd"],
            run_eagerly=True,
        )
        return model

    def save(batch, logs=None):
        if batch == 1:
            checkpoints.write(tmp_path, checkpoints.snapshot(one))
            one.save(tmp_path / "model.keras")

    one = make()
    saving = keras.callbacks.LambdaCallback(on_train_batch_end=save)
    history = one.fit(X, batch_size=4, verbose=0, callbacks=[saving]).history
    restored, loaded = make(), keras.saving.load_model(tmp_path / "model.keras")
    checkpoints.restore_latest(tmp_path, restored)
    for model in (restored, loaded):
        assert model.fit(X, batch_size=4, initial_step=2, verbose=0).history == history
        assert small.largest_difference(small.weights(model), small.weights(one)) == 0


@keras.saving.register_keras_serializable("own_parts")
class Perceptual(losses.NonSaturating):
    """G's samples have the features of data, by networks that are not trained."""

    generator_uses_real = True

    def __init__(self, *networks, heads=()):
        super().__init__()
        self.heads = [*networks, *heads]

    def generator(self, real, fake):
        distances = (head(fake.examples) - head(real.examples) for head in self.heads)
        return super().generator(real, fake) + sum(tf.norm(d, axis=1) for d in distances)


@keras.saving.register_keras_serializable("own_parts")
class InFeatures(small.LogitMean):
    """A metric with a network."""

    def __init__(self, network, **kwargs):
        super().__init__(**kwargs)
        self.network = network

    def get_config(self):
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network}

    @classmethod
    def from_config(cls, config):
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network, **config)


def feature_network():
    """Features that are different each time."""
    network = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    network.trainable = False
    return network


def test_networks_of_a_loss_or_a_metric_are_saved(tmp_path):
    def make():
        networks = [feature_network(), feature_network()]
        return small.gan(
            loss=Perceptual(heads=networks), metrics=[InFeatures(feature_network(), name="own")]
        )

    def features(model):
        heads = [*model.loss.heads, model.user_metrics[0].network]
        return [head.get_weights()[0] for head in heads]

    model, restored = make(), make()
    checkpoints.write(tmp_path, checkpoints.snapshot(model))
    checkpoints.restore_latest(tmp_path, restored)
    for other in (small.reloaded(model, tmp_path), restored):
        np.testing.assert_array_equal(features(other), features(model))


def test_layers_that_nothing_trains():
    generator, discriminator = small.network_pair()
    model = GAN(generator, discriminator, priors.Uniform(5))
    with small.refused("Perceptual holds the weight .* of 'generator'.*add it by `add_loss`"):
        model.compile("sgd", "sgd", Perceptual(generator.layers[0]))
    learning = keras.layers.Dense(2)
    learning.build((None, 6))
    with pytest.warns(UserWarning, match="nothing trains layer .* of Perceptual"):
        model.compile("sgd", "sgd", Perceptual(learning))


class Scaled(losses.Loss):
    """The loss of D is a number of Python's; it may count its calls."""

    counts = 0
    unknown = float("nan")

    def __init__(self, scale=1.0, step=0):
        self.scale, self.step = scale, step

    def discriminator(self, real, fake):
        self.counts += self.step
        return self.scale + 0 * real.logits

    def generator(self, real, fake):
        return -fake.logits


@pytest.mark.parametrize("when", ["on_epoch_begin", "on_train_batch_end"])
def test_numbers_of_python_that_training_would_ignore_are_refused(when):
    def change(*_, **__):
        model.loss.scale /= 2

    model = small.gan(loss=Scaled())
    callback = keras.callbacks.LambdaCallback(**{when: change})
    with small.refused("`scale` of Scaled was changed from 1.0 to 0.5 during training"):
        model.fit(X, batch_size=16, verbose=0, callbacks=[callback])
    with small.refused("`counts` of Scaled was changed from 0 to 1"):
        small.gan(loss=Scaled(step=1)).fit(X, batch_size=8, verbose=0)


def test_numbers_of_python_may_change_between_trainings():
    model = small.gan(loss=Scaled())
    for scale in (1.0, 2.0):
        model.loss.scale = scale
        history = model.fit(X, batch_size=8, verbose=0, validation_data=X).history
        assert history["d_loss"] == history["val_d_loss"] == [scale]


def test_the_parts_of_the_documentation(tmp_path, two_devices):
    """Both programs of "Parts of your own": two replicas equal one, and a file has their state."""
    text = (Path(__file__).parents[1] / "docs" / "methods.md").read_text(encoding="utf-8")
    parts = {}
    for i, code in enumerate(re.findall(r"```python\n(import keras\n.*?)```", text, re.DOTALL)):
        (tmp_path / f"{i}.py").write_text(code, encoding="utf-8")
        parts |= runpy.run_path(tmp_path / f"{i}.py")

    def model():
        inputs, x = keras.Input((5,)), keras.Input((6,))
        inner = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, "sigmoid")])
        w = keras.layers.Dense(8, "tanh")(inputs)
        features = keras.layers.Dense(4, "relu")(x)
        logits = keras.layers.Dense(1)(features)
        gan = GAN(
            keras.Model(inputs, parts["PathLength"](inner)(w)),
            keras.Model(x, {"logits": logits, "features": features}),
            priors.Uniform(5),
        )
        gan.compile("sgd", "sgd", loss=parts["FeatureMMD"]())
        return gan

    keras.utils.set_random_seed(0)
    one = model()
    with small.devices().scope():
        two = model()
    two.set_weights(one.get_weights())
    before = small.weights(one)
    for gan in (one, two):
        gan.fit(X, batch_size=8, verbose=0)
    assert small.largest_difference(small.weights(one), small.weights(two)) < 1e-6
    assert small.largest_difference(small.weights(one), before) > 1e-3
    loaded = small.reloaded(one, tmp_path)
    assert loaded.generator.layers[-1].mean == one.generator.layers[-1].mean > 0
    for gan in (one, loaded):
        gan.fit(X, batch_size=8, verbose=0)
    assert small.largest_difference(small.weights(one), small.weights(loaded)) == 0


def test_label_noise_is_measured():
    model = small.gan(loss=losses.NonSaturating(label_noise=0.3))
    model.fit(X, batch_size=8, validation_data=X, verbose=0)
    assert np.isfinite(model.evaluate(X, verbose=0)).all()


def test_losses_in_float64():
    class Double(losses.NonSaturating):
        def discriminator(self, real, fake):
            return tf.cast(super().discriminator(real, fake), tf.float64)

    model = small.gan(loss=Double())
    model.fit(X, batch_size=8, verbose=0)
    assert model.nonfinite_step is None


def test_a_regularizer_for_g_alone():
    plain, with_term = small.gan(), small.gan(regularizers=[OfGenerator()])
    for model in (plain, with_term):
        model.fit(X, batch_size=8, verbose=0)
    assert (
        small.largest_difference(small.weights(plain.generator), small.weights(with_term.generator))
        > 1e-4
    )

    class Forgotten(OfGenerator):
        uses_generator = False

    with pytest.raises(InputError, match="needs the class attribute `uses_generator = True`"):
        small.gan(regularizers=[Forgotten()])


@pytest.mark.parametrize(
    "arguments",
    [
        {"regularizers": [Named("value")]},
        {"regularizers": [Named("augmentation")]},
        {"metrics": [small.LogitMean(name="d_loss")]},
        {"metrics": [small.LogitMean(name="a"), small.LogitMean(name="a")]},
    ],
)
def test_two_quantities_of_one_name_are_refused(arguments):
    with pytest.raises(InputError, match="two quantities would be reported as"):
        small.gan(**arguments)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: {"augmentation": augmentation.RandomFlip()},  # on what are no images
        lambda: {"metrics": [small.LogitMean(name="a"), small.LogitMean(name="a")]},
    ],
)
def test_what_compile_refuses_changes_nothing(wrong):
    model, untouched = small.gan(), GAN(*small.network_pair(), priors.Uniform(5))
    before = model.get_compile_config()
    for each in (model, untouched):
        with pytest.raises(InputError):
            each.compile("adam", "adam", "hinge", **wrong())
    assert model.get_compile_config() == before
    with small.refused("call `compile` before `fit`"):
        untouched.fit(X, batch_size=8, verbose=0)


@pytest.mark.parametrize(
    ("base", "methods", "use"),
    [
        (losses.Loss, "`discriminator(real, fake)`", lambda part: small.gan(loss=part)),
        (
            regularizers.Regularizer,
            "`penalty(discriminate, real, fake)` or `generator_penalty(generate, samples)`",
            lambda part: small.gan(regularizers=[part]),
        ),
        (
            augmentation.Augmentation,
            "`call(examples)`",
            lambda part: small.gan(augmentation=part),
        ),
        (
            augmentation.Augmentation,
            "`call(examples)`",
            lambda part: small.gan(augmentation=[part]),
        ),
        (
            lambda: type("Lacking", (priors.Prior,), {})(5),
            "`from_bits(bits)` or `draw(draws)`",
            lambda part: GAN(*small.network_pair(), part),
        ),
        (
            conditioning.Condition,
            "`for_real(examples, labels, draws)`",
            lambda part: GAN(*small.network_pair(), priors.Uniform(5), condition=part),
        ),
        (
            lambda: type("Lacking", (AuxiliaryNetwork,), {"name": "lacking"})(None),
            "`loss(batch, training)`",
            lambda part: GAN(*small.network_pair(), priors.Uniform(5), auxiliary_networks=[part]),
        ),
    ],
)
def test_parts_without_a_method_are_refused(base, methods, use):
    part = type("Lacking", (base,), {})() if isinstance(base, type) else base()
    with pytest.raises(InputError, match=re.escape(f"Lacking must define {methods}")):
        use(part)


def test_auxiliary_networks_have_a_name_and_a_built_network():
    def model(network, **attributes):
        loss = {"loss": lambda self, batch, training: tf.reduce_mean(batch.examples, axis=1)}
        part = type("Own", (AuxiliaryNetwork,), {**loss, **attributes})(network)
        return GAN(*small.network_pair(), priors.Uniform(5), auxiliary_networks=[part])

    network = keras.Sequential([keras.layers.Dense(5)], name="unbuilt")
    with small.refused("the attribute `name` of Own must be a str"):
        model(network)
    with small.refused(r"the attribute `network` of Own must be a keras\.Model\. Received: None"):
        model(None, name="own")
    with small.refused("network 'unbuilt' has no weights yet"):
        model(network, name="own").compile("sgd", "sgd", auxiliary_optimizers=["sgd"])


def test_names_of_what_a_part_reads():
    loss = type("Own", (losses.NonSaturating,), {"requires": "features"})()
    with small.refused(r"`requires` of Own must be a tuple, such as \('features',\)"):
        small.gan(loss=loss)
    penalty = type("Own", (regularizers.R1,), {"input_gradients": ("data",)})()
    with small.refused("`input_gradients` of Own must be a tuple of 'real', 'fake' or both"):
        small.gan(regularizers=[penalty])


def test_labels_for_regularizers_and_metrics():
    class ByLabel(Named):
        uses_labels = True

        def penalty(self, discriminate, real, fake):
            return tf.cast(real.labels, tf.float32)

    model = small.gan(regularizers=[ByLabel("labels")])
    with pytest.raises(InputError, match="ByLabel is made from labels"):
        model.fit(X, batch_size=8, verbose=0)
    history = model.fit(X, LABELS, batch_size=8, verbose=0).history
    np.testing.assert_allclose(history["labels"], LABELS.mean(), rtol=1e-6)


def test_a_condition_that_a_regularizer_forgot():
    class Again(Named):
        def penalty(self, discriminate, real, fake):
            return discriminate(real.examples).logits

    model = small.conditional_gan(regularizers=[Again("again")])
    with pytest.raises(InputError, match=r"give it, as `real\.condition`"):
        model.fit(X, LABELS, batch_size=8, verbose=0)


def test_common_forms_of_arguments():
    model = small.gan(regularizers=None, metrics=None)
    assert model.regularizers == []
    for wrong in (regularizers.R1(), [regularizers.R1]):
        with pytest.raises(InputError, match="`regularizers` must be a list of objects"):
            small.gan(regularizers=wrong)
    assert small.gan(discriminator_steps=np.int64(2)).discriminator_steps == 2


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("vanilla", "here it is 'non_saturating'"),
        ("LSGAN", "here it is 'least_squares'"),
        ("other", "choose from"),
        (keras.losses.BinaryCrossentropy(from_logits=True), "write loss='non_saturating'"),
    ],
)
def test_losses_of_other_programs(loss, message):
    with pytest.raises(InputError, match=message):
        small.gan(loss=loss)


# --------------------------------------------------------------------------- augmentation


def test_augmentations_one_after_the_other(tmp_path):
    parts = [
        augmentation.RandomShift(0.25),
        augmentation.DiffAugment("color", augmentation.Adaptive(target=-0.9, images=64)),
    ]
    pair = networks.for_shape((8, 8, 1), 5, bounded=True)
    model = GAN(*pair, priors.Uniform(5))
    model.compile("sgd", "adam", augmentation=parts)
    images = np.random.default_rng(0).random((32, 8, 8, 1), np.float32)
    history = model.fit(images, batch_size=8, epochs=3, verbose=0).history
    assert "augmentation" in history
    assert float(parts[1].strength) > 0  # it followed D
    with randomness.drawing_from(randomness.RowDraws(tf.range(4, dtype=tf.int64))):
        expected = parts[1](parts[0](images[:4]))
    with randomness.drawing_from(randomness.RowDraws(tf.range(4, dtype=tf.int64))):
        chained = model.augmentation(images[:4])
    np.testing.assert_array_equal(chained, expected)
    loaded = small.reloaded(model, tmp_path)
    pairs = zip(loaded.augmentation.weights, model.augmentation.weights, strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert [type(part) for part in loaded.augmentation.augmentations] == list(map(type, parts))


@pytest.mark.parametrize(
    "wrong", ["color", keras.layers.RandomRotation(0.1), lambda x: x, augmentation.DiffAugment]
)
def test_other_augmentations_are_refused(wrong):
    with pytest.raises(InputError, match=r"`augmentation` must be a keras_gan\.augmentation"):
        small.gan(augmentation=wrong)


# ------------------------------------------------------------------------------- networks


def test_outputs_of_a_discriminator_for_a_loss_of_ones_own():
    class OfStyle(losses.NonSaturating):
        requires = ("style",)

        def discriminator(self, real, fake):
            style = real.outputs["style"] - fake.outputs["style"]
            return super().discriminator(real, fake) + tf.reduce_sum(style**2, axis=1)

    x = keras.Input((6,))
    heads = {"logits": keras.layers.Dense(1)(x), "style": keras.layers.Dense(2)(x)}
    generator, _ = small.network_pair()
    model = GAN(generator, keras.Model(x, heads), priors.Uniform(5))
    model.compile("sgd", "adam", OfStyle())
    model.fit(X, batch_size=8, verbose=0)
    assert model.nonfinite_step is None
    several = {"logits": heads["logits"], "features": [heads["style"], heads["style"]]}
    with pytest.raises(InputError, match="output 'features' must be one tensor"):
        GAN(generator, keras.Model(x, several), priors.Uniform(5))


def test_networks_with_common_weights_are_refused():
    shared = keras.layers.Dense(6)
    z, x = keras.Input((5,)), keras.Input((6,))
    generator = keras.Model(z, shared(keras.layers.Dense(6)(z)))
    discriminator = keras.Model(x, keras.layers.Dense(1)(shared(x)))
    with pytest.raises(InputError, match="G and D share the weight"):
        GAN(generator, discriminator, priors.Uniform(5))


def test_what_is_no_network():
    _, discriminator = small.network_pair()
    with pytest.raises(InputError, match=r"`generator` must be a keras\.Model\. Received: 'dcgan'"):
        GAN("dcgan", discriminator, priors.Uniform(5))
    with pytest.raises(TypeError, match=r"here it is `prior=keras_gan.priors.Normal\(latent_dim\)"):
        GAN(discriminator=discriminator, generator=discriminator, latent_dim=128)
    with pytest.raises(TypeError, match="needs the distribution of z"):
        GAN(discriminator, discriminator)


def test_layers_that_compare_rows_do_not_go_with_groups_of_one_condition():
    shape = (8, 8, 1)
    inpainting = conditioning.Inpainting(shape)
    assert inpainting.group == 2
    x, mask = keras.Input(shape, name="images"), keras.Input(shape, name="mask")
    packed = layers.Pack(2)(keras.layers.Concatenate()([x, keras.layers.Identity()(mask)]))
    logits = layers.Unpack(2)(keras.layers.Dense(1)(keras.layers.Flatten()(packed)))
    discriminator = keras.Model([x, mask], logits)
    z, known = keras.Input((5,), name="latents"), keras.Input(shape, name="known")
    flat = keras.layers.Concatenate()([z, keras.layers.Flatten()(known)])
    generator = keras.Model([z, known], keras.layers.Reshape(shape)(keras.layers.Dense(64)(flat)))
    with pytest.raises(InputError, match="compares rows"):
        GAN(generator, discriminator, priors.Uniform(5), condition=inpainting)


@pytest.mark.parametrize("rows", [1, 5, 6, 7])
def test_packed_examples_in_any_number_are_measured(rows):
    generator, _ = small.network_pair()
    discriminator = keras.Sequential(
        [keras.Input((6,)), layers.Pack(3), keras.layers.Dense(1), layers.Unpack(3)]
    )
    model = GAN(generator, discriminator, priors.Uniform(5))
    model.compile("sgd", "adam")
    assert np.isfinite(model.evaluate(X[:rows], verbose=0)).all()
    filled = np.concatenate([X[:rows], np.resize(X[:rows], (-rows % 3, 6))])
    whole = discriminator(filled).numpy()[:rows, 0]
    any_number = tf.function(
        lambda x: discriminate(discriminator, x).logits, input_signature=[tf.TensorSpec([None, 6])]
    )
    np.testing.assert_allclose(any_number(X[:rows]), whole, rtol=1e-6)


# ---------------------------------------------------------------------------------- steps


def test_train_step_is_made_by_a_step():
    with pytest.raises(InputError, match="`train_step` is a part of a step"):
        small.gan().train_step(tf.constant(X))

    class Twice(GAN):
        def train_step(self, data):
            super().train_step(data)
            return super().train_step(data)

    model = Twice(*small.network_pair(), priors.Uniform(5))
    model.compile("sgd", "adam")
    with pytest.raises(InputError, match="called twice in one step"):
        model.fit(X, batch_size=8, verbose=0)


def test_batches_are_checked_as_data_are():
    model = GAN(*small.network_pair(), priors.Uniform(5))
    for method in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(InputError, match="call `compile` first"):
            method(X)
    model.compile("sgd", "adam")
    with pytest.raises(InputError, match="must be float examples"):
        model.test_on_batch((255 * X).astype(np.uint8))
    assert np.isfinite(model.test_on_batch(X)).all()
    with pytest.raises(InputError, match="weights of samples and classes are not used"):
        model.evaluate(X, sample_weight=np.ones(16), verbose=0)


def test_threads_leave_tensorflow_as_it_was():
    from keras_gan.training import loop

    name = "arithmetic_optimization"
    before = tf.config.optimizer.get_experimental_options().get(name, True)
    one, other = loop._sums_in_order(), loop._sums_in_order()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert tf.config.optimizer.get_experimental_options()[name] is False
    other.__exit__(None, None, None)
    assert tf.config.optimizer.get_experimental_options()[name] is before


def test_a_spectral_norm_lets_kernels_of_zeros_learn():
    layer = layers.SpectralNorm(keras.layers.Dense(2, kernel_initializer="zeros"))
    x = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    layer.build(x.shape)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) * x[:, :2])
    (gradient,) = tape.gradient(loss, [layer.kernel.value])
    np.testing.assert_allclose(gradient, x.T @ x[:, :2], rtol=1e-5)


def test_all_labeled_examples_count_where_none_is_unlabeled():
    features = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    real = keras_gan.losses.DiscriminatorOutput(
        tf.zeros(4), features=tf.constant(features), labels=tf.constant([0, 1, 0, 1])
    )
    fake = real._replace(features=tf.zeros([4, 2]))
    loss = losses.SemiSupervised().generator(real, fake)
    np.testing.assert_allclose(loss, (features.mean(axis=0) ** 2).sum(), rtol=1e-5)
