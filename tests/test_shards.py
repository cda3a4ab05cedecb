"""Data that stay on disk: every example once, one order for a seed, a share for each worker."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import os
import shutil
import signal
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import small
import tensorflow as tf
import tensorflow_datasets as tfds
from commands import in_two_workers

import keras_gan
from keras_gan import InputError, data, recipes, train
from keras_gan.data import from_tfds
from keras_gan.experiment.job import Job, Options
from keras_gan.training import input_pipeline
from keras_gan.training.batch_sources import Batches
from keras_gan.training.streams import IndexedStream, RegroupedStream, ShardStream

N, FILES = 230, 5


class Numbered(tfds.core.GeneratorBasedBuilder):
    """Images 4x4 whose first two pixels say which of 230 they are."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        image = tfds.features.Image(shape=(4, 4, 1), encoding_format="png")
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {"image": image, "label": tfds.features.ClassLabel(num_classes=3)}
            )
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i in range(N):
            image = np.full((4, 4, 1), 100, np.uint8)
            image[0, 0], image[0, 1] = divmod(i, 16)
            yield i, {"image": image, "label": i % 3}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("tfds")
    builder = Numbered(data_dir=path)
    config = tfds.download.DownloadConfig(num_shards=FILES)
    builder.download_and_prepare(download_config=config)
    return path


@pytest.fixture(scope="module")
def shards(data_dir):
    return data.open_shards("numbered", data_dir, buffer_bytes=16 * 40)[1]


def numbers(batch) -> list[int]:
    image = np.asarray(batch).reshape(-1, 4, 4)
    return [int(i) for i in image[:, 0, 0] * 16 + image[:, 0, 1]]


def joined(lists) -> list[int]:
    return list(itertools.chain.from_iterable(lists))


def epoch(shards, worker=0, workers=1, seed=0, number=0):
    examples = shards.read(worker, workers, seed, tf.constant(number, tf.int64))
    return [numbers(x)[0] for x in examples.as_numpy_iterator()]


def test_splits_and_the_sample_in_memory(data_dir):
    data_set, shards = data.open_shards("numbered", data_dir)
    assert len(shards) == 184
    assert [len(s) for s in (data_set.train, data_set.validation, data_set.test)] == [184, 23, 23]
    seen = [numbers(s.x) for s in (data_set.train, data_set.validation, data_set.test)]
    assert sorted(joined(seen)) == list(range(N))
    assert sorted(epoch(shards)) == sorted(seen[0])
    split = from_tfds.prepared("numbered", data_dir, False).info.splits["train"]
    assert len({file.filename for file in split.file_instructions}) == FILES


def test_an_epoch_holds_every_example_once_in_an_order_of_its_own(shards):
    first = epoch(shards)
    assert len(set(first)) == len(first) == len(shards)
    assert epoch(shards) == first
    for other in (epoch(shards, number=1), epoch(shards, seed=1)):
        assert other != first
        assert sorted(other) == sorted(first)
    ranks = np.argsort(np.argsort(first))
    stored = epoch(dataclasses.replace(shards, buffer_bytes=1))
    assert abs(np.corrcoef(ranks, np.argsort(np.argsort(stored)))[0, 1]) < 0.5


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_workers_share_the_examples_and_open_their_own_files_only(shards, workers):
    parts = [epoch(shards, worker, workers) for worker in range(workers)]
    assert {len(part) for part in parts} == {len(shards) // workers}
    together = joined(parts)
    assert len(set(together)) == len(together)
    part = len(shards) // workers
    opened = [shards._files(worker * part, part) for worker in range(workers)]
    assert all(sum(take for _, _, take in files) == part for files in opened)
    assert max(len(files) for files in opened) <= -(-FILES // workers) + 1


def batches(stream, strategy, step, made=0):
    """The examples that an epoch gives this process, batch by batch."""
    stream.begin_epoch(step, made)
    examples = []
    for batch in stream.dataset():
        shares = strategy.experimental_local_results(batch)
        assert len({len(share) for share in shares}) == 1
        examples.append(joined(numbers(np.round(share.numpy() * 255)) for share in shares))
    return examples


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("k", [1, 2])
def test_minibatches_of_the_stream(shards, replicas, k):
    strategy = tf.distribute.get_strategy() if replicas == 1 else small.devices(replicas)
    stream = ShardStream(shards, 10, k, 0, strategy)
    assert stream.steps_per_epoch == 184 // (10 * k)
    assert stream.dropped_examples() == 184 - stream.steps_per_epoch * 10 * k
    first, second = batches(stream, strategy, 0), batches(stream, strategy, stream.steps_per_epoch)
    for seed in (0, 1):  # a user's own seed has no say
        tf.random.set_seed(seed)
        again = ShardStream(shards, 10, k, 0, strategy)
        assert batches(again, strategy, 0)[0] == first[0]
    assert len(first) == len(second) == stream.steps_per_epoch
    assert {len(batch) for batch in first} == {10 * k}
    together = joined(first)
    assert len(set(together)) == len(together)
    assert first != second
    assert batches(stream, strategy, 3, made=3) == first[3:]
    assert batches(stream, strategy, stream.steps_per_epoch + 2, made=2) == second[2:]


def test_nothing_is_tuned_while_a_set_is_read_unless_its_owner_asks(shards):
    x = np.zeros((4, 2), np.float32)
    own = tf.data.Dataset.from_tensor_slices(x).batch(2)
    asked = tf.data.Options()
    asked.autotune.enabled = True
    streams = [
        IndexedStream(x, None, 2, 1, seed=0),
        ShardStream(shards, 10, 1, 0, tf.distribute.get_strategy()),
        RegroupedStream(Batches(own, (2,), None), 1),
        RegroupedStream(Batches(own.with_options(asked), (2,), None), 1),
    ]
    tuned = [stream.dataset().options().autotune.enabled for stream in streams]
    assert tuned == [False, False, False, True]


def test_shards_are_evaluated_once_each(shards):
    batches = input_pipeline.evaluation_data(
        shards, None, batch_size=50, example_shape=(4, 4, 1), label_check=None
    )
    read = [numbers(np.round(batch.numpy() * 255)) for batch in batches]
    assert [len(batch) for batch in read] == [50, 50, 50, 34]
    assert sorted(joined(read)) == sorted(epoch(shards))


def worker(strategy, data_dir):
    """One of two processes: its part of epochs, then the command, in one go and interrupted."""
    shards = data.open_shards("numbered", data_dir, buffer_bytes=16 * 40)[1]
    stream = ShardStream(shards, 10, 2, 0, strategy)
    assert stream.dropped_examples() == 4
    epochs = [batches(stream, strategy, *at) for at in ((0,), (9,), (12, 3))]

    class Stop(keras_gan.callbacks.SampleGrid):
        def on_train_batch_end(self, batch, logs=None):
            if int(self.model.step.numpy()) == 12:
                signal.raise_signal(signal.SIGTERM)

    arguments = [
        "--recipe",
        "own_data",
        "--dataset",
        "numbered",
        "--data-dir",
        str(data_dir),
        "--stream",
        "--batch-size",
        "20",
    ]
    arguments += ["--strategy", "multi_worker", "--epochs", "2", "--likelihood-every", "0"]
    arguments += ["--steps-per-execution", "1", "--run-dir"]
    codes = [train.main([*arguments, "whole"])]
    with mock.patch.object(keras_gan.callbacks, "SampleGrid", Stop):
        codes += [train.main([*arguments, "interrupted"]) for _ in range(2)]
    return epochs, codes


def test_two_processes_stream_and_go_on_within_an_epoch(data_dir, tmp_path):
    (ours, codes), (theirs, their_codes) = in_two_workers("test_shards", tmp_path, data_dir)
    for epoch in zip(ours[:2], theirs[:2], strict=True):
        shares = joined(epoch)  # of both workers, all steps
        assert [len(share) for share in shares] == [10] * 18
        assert len(set(joined(shares))) == 180
    for epochs in (ours, theirs):
        assert epochs[0] != epochs[1]
        assert epochs[2] == epochs[1][3:]
    assert codes == their_codes == [0, 75, 0]
    one, other = (
        keras_gan.experiment.run.Run.open(tmp_path / "0" / name)
        for name in ("whole", "interrupted")
    )
    assert small.largest_difference(small.weights(one.gan()), small.weights(other.gan())) == 0
    np.testing.assert_equal(one.metrics(), other.metrics())
    assert os.listdir(tmp_path / "1") == ["result"]  # the chief alone writes


def test_fit_takes_shards(shards):
    generator, discriminator = keras_gan.networks.for_shape((4, 4, 1), 5, bounded=True)

    def fit(seed):
        gan = keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5), seed=seed)
        gan.compile("sgd", "sgd", discriminator_steps=2)
        history = gan.fit(shards, batch_size=10, epochs=2, verbose=0).history
        assert int(gan.step.numpy()) == 18
        assert gan.dropped_examples == 4
        return history

    assert np.isfinite(fit(0)["value"]).all()
    gan = keras_gan.GAN(generator, discriminator, keras_gan.priors.Uniform(5))
    gan.compile("sgd", "sgd")
    for m, words in ((0, "`batch_size` must be an int >= 1"), (200, "fewer than one step takes")):
        with pytest.raises(InputError, match=words):
            gan.fit(shards, batch_size=m, verbose=0)
    with small.devices(2).scope():
        networks = keras_gan.networks.for_shape((4, 4, 1), 5, bounded=True)
        gan = keras_gan.GAN(*networks, keras_gan.priors.Uniform(5))
        gan.compile("sgd", "sgd")
    for m in (1, 7):
        with pytest.raises(InputError, match=f"a minibatch of {m} does not divide among 2"):
            gan.fit(shards, batch_size=m, verbose=0)
    gan = small.gan()
    with pytest.raises(InputError, match=r"the networks take examples of shape \(6,\)"):
        gan.fit(shards, verbose=0)


STREAMED = ["--recipe", "own_data", "--dataset", "numbered", "--stream", "--batch-size", "20"]
STREAMED += ["--likelihood-samples", "20"]


@pytest.fixture(scope="module")
def streamed(data_dir, tmp_path_factory):
    """The directory of a run of one epoch, and what the command printed."""
    path, out = tmp_path_factory.mktemp("runs") / "streamed", io.StringIO()
    arguments = [*STREAMED, "--data-dir", str(data_dir), "--run-dir", str(path)]
    with contextlib.redirect_stdout(out):
        assert train.main([*arguments, "--epochs", "1"]) == 0
    return path, out.getvalue()


def test_the_command_streams_and_another_buffer_is_another_run(data_dir, streamed, capsys):
    path, out = streamed
    run = keras_gan.experiment.run.Run.open(path)
    assert recipes.data_of(run).fingerprint == run.identity["data"]
    assert "4 examples dropped" in out
    arguments = [*STREAMED, "--data-dir", str(data_dir), "--run-dir", str(path)]
    assert train.main([*arguments, "--shuffle-mebibytes", "1"]) == 2
    assert "shuffle_mebibytes: 256 there, 1 now" in capsys.readouterr().err


def test_a_set_with_labels_streams_without_classes(data_dir, monkeypatch):
    recipe = recipes.get("own_data")
    settings = recipe.settings(dataset="numbered", batch_size=20)
    options = Options(stream=True, data_dir=str(data_dir))
    job = Job(recipe, settings, options, tf.distribute.get_strategy())
    assert job.data_set.train.y is not None
    assert job.training_data.labels is None
    assert "without labels" in job.data_set.description[0]
    # An epoch may have fewer of the images, not each of them several times.
    for learned, words in ((100, None), (400, "2 times: add --passes 1")):
        monkeypatch.setattr(recipe.settings, "examples_per_epoch", lambda *_, n=learned: n)
        with small.refused(words) if words else contextlib.nullcontext():
            job = Job(recipe, settings, options, tf.distribute.get_strategy())
    assert (job.size, job.steps_per_epoch, len(job.source)) == (100, 5, 100)


@pytest.mark.parametrize("name", ["digits", str(Path(__file__).parent)])
def test_what_is_no_set_of_tensorflow_datasets_cannot_be_opened(name):
    with small.refused("`load` takes it"):
        data.open_shards(name)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "digits"], "digits fits in memory"),
        (["--dataset", "mnist", "--size", "16"], "leave out --size"),
        (["--dataset", "mnist", "--flip", "on"], "leave out --flip"),
        (["--dataset", "mnist", "--classes", "folders"], "leave out --classes"),
        (["--dataset", "no_such_set"], "no data set 'no_such_set'"),
        (["--dataset", "mnist", "--data-dir", "."], "mnist is not prepared"),
        (["--shuffle-mebibytes", "0"], "--shuffle-mebibytes must be at least 1"),
    ],
)
def test_bad_input(arguments, words, capsys):
    assert train.main([*arguments, "--stream"]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_lost_files_are_named(data_dir, streamed, tmp_path, capsys):
    shutil.copytree(data_dir, tmp_path / "tfds")
    shutil.copytree(streamed[0], tmp_path / "run")
    files = sorted((tmp_path / "tfds").rglob("*tfrecord*"))
    arguments = [*STREAMED, "--data-dir", str(tmp_path / "tfds"), "--run-dir"]
    arguments.append(str(tmp_path / "run"))
    whole = files[1].read_bytes()
    files[1].write_bytes(whole[:-30] + b"x" + whole[-29:])
    assert train.main([*arguments, "--epochs", "2"]) in (2, 4)
    assert "corrupted record" in capsys.readouterr().err
    os.unlink(files[1])
    code = train.main([*arguments, "--epochs", "2"])
    assert code in (2, 4)
    assert str(files[1].name) in capsys.readouterr().err
