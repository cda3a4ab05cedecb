"""Callbacks by themselves: which names there are, learning rates, gaps between measurements."""

from unittest import mock

import keras
import numpy as np
import pytest
import small
from PIL import Image

from keras_gan import InputError, callbacks, plotting
from keras_gan.conditioning import Classes
from keras_gan.evaluation.distances import frechet_distance
from keras_gan.evaluation.features import Classifier


def test_every_callback_is_one():
    for name in callbacks.__all__:
        assert issubclass(getattr(callbacks, name), keras.callbacks.Callback)
    with pytest.raises(AttributeError, match="Chekpoint"):
        callbacks.Chekpoint  # noqa: B018


def rates(gan):
    return float(gan.generator_optimizer.learning_rate), float(
        gan.discriminator_optimizer.learning_rate
    )


def test_learning_rates_of_both_networks():
    gan = small.gan()
    gan.compile(keras.optimizers.Adam(0.5), keras.optimizers.SGD(0.25))
    seen = []

    def schedule(epoch, present):
        seen.append((epoch, dict(present)))
        return {"generator": 0.125 / (epoch + 1)}

    history = gan.fit(
        small.examples(8),
        batch_size=8,
        epochs=2,
        callbacks=[callbacks.LearningRateScheduler(schedule)],
        verbose=0,
    ).history
    assert seen == [
        (0, {"generator": 0.5, "discriminator": 0.25}),
        (1, {"generator": 0.125, "discriminator": 0.25}),
    ]
    assert rates(gan) == (0.0625, 0.25)
    assert history["generator_learning_rate"] == [0.125, 0.0625]
    assert history["discriminator_learning_rate"] == [0.25, 0.25]


def test_a_rate_of_zero_leaves_a_network_as_it_is():
    gan = small.gan()
    gan.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5))
    before = [w.copy() for w in gan.generator.get_weights()]
    stop = callbacks.LearningRateScheduler(lambda epoch, present: {**present, "generator": 0.0})
    gan.fit(small.examples(8), batch_size=8, callbacks=[stop], verbose=0)
    for old, new in zip(before, gan.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("optimizer", "answer", "message"),
    [
        (keras.optimizers.schedules.CosineDecay(0.1, 10), {"generator": 0.1}, "schedule"),
        (0.1, {"D": 0.1}, "'generator', 'discriminator' or both"),
        (0.1, 0.1, "must return a dict"),
        (0.1, {"discriminator": float("nan")}, "finite"),
        (0.1, {"generator": -0.1}, "at least 0"),
    ],
)
def test_rates_that_cannot_be_set(optimizer, answer, message):
    gan = small.gan()
    gan.compile(keras.optimizers.Adam(optimizer), keras.optimizers.Adam(0.1))
    scheduler = callbacks.LearningRateScheduler(lambda epoch, present: answer)
    with pytest.raises(InputError, match=message):
        gan.fit(small.examples(8), batch_size=8, callbacks=[scheduler], verbose=0)


def test_the_distance_is_that_of_the_averaged_weights(tmp_path):
    gan, network, found = small.gan(ema=0.9), Classifier.fit(small.examples(64), [0, 1] * 32), []
    x = small.examples(32)
    distance = callbacks.ValidationDistance(
        x, network, lambda samples: samples, every=2, on_best=lambda *best: found.append(best)
    )
    saving = callbacks.Checkpoint(tmp_path, keep=1, monitor="val_frechet_distance", mode="min")
    history = gan.fit(x, batch_size=8, epochs=3, callbacks=[distance, saving], verbose=0).history
    values = history["val_frechet_distance"]
    samples = gan.generate(32, seed=1, ema=True)
    of_features = (network.features(rows) for rows in (x, samples))
    assert values[-1] == pytest.approx(frechet_distance(*of_features).distance, rel=1e-5)
    assert found[-1][:2] == ("best_ema", gan.ema_generator)
    assert distance.best == {"best_ema": min(values)}
    with pytest.raises(InputError, match="`images` must hold at least 2"):
        callbacks.ValidationDistance(x[:1], network, lambda samples: samples)


def test_a_picture_of_many_classes_shows_the_first_ones(tmp_path):
    """A row for each of 100 classes would be 64 pixels wide in a report, and 1,400 fill no GIF."""
    asked = []

    def generate(n, seed, condition, ema):
        asked.extend(condition)
        return np.zeros((n, 8, 8, 1), np.float32)

    grid = callbacks.SampleGrid(tmp_path, np.asarray, columns=2)
    grid.set_model(mock.Mock(condition=Classes(100), ema_generator=None, generate=generate))
    grid.look(0, {})
    assert asked == np.repeat(np.arange(30), 2).tolist()
    with Image.open(tmp_path / "epoch-0001.png") as picture:
        assert picture.size == (2 * 50 + 2, 30 * 50 + 2 + 20)


@pytest.mark.parametrize(
    ("data", "ema", "drawn_by", "text"),
    [
        (None, None, "captioned", {"right": ""}),
        (None, "an average", "captioned", {"right": "EMA weights"}),
        (np.ones((5, 2)), None, "scatter", {"title": "epoch 3"}),
        (np.ones((5, 2)), "an average", "scatter", {"title": "epoch 3, EMA weights"}),
    ],
)
def test_a_picture_says_whose_samples_it_shows(data, ema, drawn_by, text, tmp_path):
    shape = (8, 8, 1) if data is None else (2,)
    generate = mock.Mock(side_effect=lambda n, *_, **__: np.zeros((n, *shape), np.float32))
    grid = callbacks.SampleGrid(tmp_path, np.asarray, data=data)
    grid.set_model(mock.Mock(condition=None, ema_generator=ema, generate=generate))
    with mock.patch.object(plotting, drawn_by, wraps=getattr(plotting, drawn_by)) as draw:
        grid.look(2, {})
    assert generate.call_args.kwargs["ema"] == (ema is not None)
    assert draw.call_args.kwargs.items() >= text.items()


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("is_broken", [True, False])
@pytest.mark.parametrize("due", [(0,), (0, 2)])
def test_the_last_epoch_is_that_in_which_training_is_stopped(is_first, is_broken, due) -> None:
    class Look(callbacks.AfterEpochs):
        looks = ()

        def is_due(self, epoch):
            return epoch in due

        def look(self, epoch, logs):
            self.looks += (epoch,)
            logs["seen"] = 1.0

    def end(epoch, logs):
        if epoch == 2:
            gan.stop_training = True
            if is_broken:
                gan.generator.set_weights([w * np.nan for w in gan.generator.get_weights()])

    gan, look = small.gan(), Look()
    stop = keras.callbacks.LambdaCallback(on_epoch_end=end)
    both = [stop, look] if is_first else [look, stop]
    history = gan.fit(small.examples(8), batch_size=8, epochs=9, callbacks=both, verbose=0).history
    is_due = 2 in due and not is_first  # before it is stopped, and broken
    assert look.looks == ((0, 2) if is_due or not is_broken else (0,))
    assert len(history["seen"]) == 1 + (is_due or (is_first and not is_broken))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: callbacks.ValidationLikelihood(x, np.asarray, every=0), "`every` must be"),
        (lambda x: callbacks.ValidationLikelihood(x, np.asarray, samples=0), "`samples` must be"),
        (
            lambda x: callbacks.ValidationLikelihood(np.uint8(255 * x), np.asarray),
            "`images` must be floats",
        ),
    ],
)
def test_estimates_that_cannot_be_made(make, message) -> None:
    with pytest.raises(InputError, match=message):
        make(small.examples(8))


def test_a_metric_that_is_infinite_stops_nothing(tmp_path):
    class Infinite(keras.metrics.Mean):
        def update_state(self, real, fake):
            super().update_state(real.logits + np.inf)

    gan = small.gan(metrics=[Infinite(name="infinite")])
    parts = [callbacks.StopOnNonFinite(), callbacks.Checkpoint(tmp_path)]
    history = gan.fit(small.examples(16), batch_size=8, callbacks=parts, verbose=0).history
    assert history["infinite"] == [np.inf]
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000002"]


def test_epochs_without_a_likelihood_have_no_entry(tmp_path):
    gan = small.gan(ema=0.9)
    x = small.examples(8)
    logged = []
    likelihood = callbacks.ValidationLikelihood(x, lambda samples: samples, samples=16, every=2)
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logged.append(set(logs)))
    saving = callbacks.Checkpoint(tmp_path, keep=1, monitor="val_log_likelihood")
    gan.fit(x, batch_size=8, epochs=3, callbacks=[likelihood, look, saving], verbose=0)
    columns = {"val_log_likelihood", "val_log_likelihood_ema"}
    assert [columns & names for names in logged] == [set(), columns, columns]
    assert len(list(tmp_path.glob("step-*"))) <= 2
