"""Whatever happens to a run, the same command goes on and arrives at the same numbers."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import itertools
import json
import os
import shutil
import signal
import subprocess
from concurrent import futures
from pathlib import Path
from unittest import mock

import commands
import keras
import numpy as np
import pytest
import small
import tensorflow as tf
from commands import last_line, wait_for

from keras_gan import InputError, TrainingError, callbacks, recipes, train
from keras_gan.cli import parsing
from keras_gan.core import files
from keras_gan.core.errors import Interrupted
from keras_gan.experiment import metrics_table
from keras_gan.experiment.run import Run
from keras_gan.experiment.session import Interruption, Session
from keras_gan.experiment.workers import Workers
from keras_gan.training import checkpoints

SETTINGS = ["--recipe", "digits", "--likelihood-samples", "50", "--batch-size", "100"]


def start(path, *arguments):
    return commands.start(*SETTINGS, "--run-dir", path, *arguments)


def finish(process, code):
    """The last line of stderr."""
    ((_, err),) = commands.finish(process, code=code)
    return last_line(err)


def call(capsys, path, *arguments):
    code = train.main([*SETTINGS, "--run-dir", str(path), *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def assert_equal(one: Run, other: Run, tolerance=0.0) -> None:
    assert small.largest_difference(small.weights(one.gan()), small.weights(other.gan())) <= (
        tolerance
    )
    if not tolerance:
        np.testing.assert_equal(one.metrics(), other.metrics())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    assert train.main([*SETTINGS, "--run-dir", str(path), "--epochs", "4"]) == 0
    return Run.open(path)


@pytest.fixture
def begun(whole, tmp_path):
    """A copy of the run as a kill in its last epoch would leave it."""
    path = tmp_path / "begun"
    shutil.copytree(whole.path, path)
    shutil.rmtree(path / "models")
    return path


def digits():
    """A compiled model of the structure of these runs."""
    gan, arguments, *_ = small.of_recipe("digits")
    gan.compile(**arguments)
    return gan


def session_of(gan, x, epochs, retries=0, on_fit=lambda: None, asked=None):
    """A session of 4 steps an epoch, on one device."""

    def fit(epoch, made, parts, verbose):
        on_fit()
        gan.fit(
            x,
            batch_size=10,
            epochs=epochs,
            initial_epoch=epoch,
            initial_step=made,
            callbacks=parts,
            verbose=verbose,
        )

    workers = Workers(tf.distribute.get_strategy())
    return Session(gan, workers, asked or Interruption(), fit, 4, 0, epochs, retries)


# --------------------------------------------------------------- within an epoch


def test_an_epoch_entered_midway_is_the_rest_of_it(tmp_path):
    x = small.examples(80)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            signal.raise_signal(signal.SIGTERM)

    def pair():
        # Eagerly: a step or two of each take less time than to make a graph of one.
        return small.gan(discriminator_steps=2, ema=0.9, run_eagerly=True)

    one = pair()
    history = one.fit(x, batch_size=10, epochs=2, verbose=0).history
    run = Run.create_or_open(tmp_path / "run", {}, {})
    seen = {}
    interrupted = 0
    while True:  # ended by a signal at every single step
        gan = pair()
        asked = Interruption()
        session = session_of(gan, x, epochs=2, asked=asked)
        parts = [
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: seen.__setitem__(epoch, dict(logs))
            ),
            Stop(),
            callbacks.Checkpoint(run.checkpoints),
        ]
        try:
            with asked:
                session.train(
                    lambda: run, {"replicas": 1}, lambda run, facts, parts=parts: parts, verbose=0
                )
            break
        except Interrupted as error:
            interrupted += 1
            assert f"step {interrupted};" in str(error)  # noqa: PT017
    assert interrupted == 8
    assert small.largest_difference(small.weights(one), small.weights(gan)) == 0
    for name, values in history.items():
        assert [seen[epoch][name] for epoch in range(2)] == values


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_users_metrics_go_on_within_an_epoch(tmp_path, replicas):
    x = small.examples(80)

    def trained(**arguments):
        with small.devices(replicas).scope() if replicas > 1 else contextlib.nullcontext():
            gan = small.gan(metrics=[small.LogitMean("mean_logit")])
        checkpoints.restore_latest(tmp_path, gan)
        return gan.fit(x, batch_size=10, verbose=0, **arguments).history

    def save(batch, logs):
        if batch == 4:
            checkpoints.write(tmp_path, checkpoints.snapshot(saving.model))

    saving = keras.callbacks.LambdaCallback(on_train_batch_end=save)
    assert trained(callbacks=[saving]) == trained(initial_step=5)


def test_initial_step_is_for_arrays_and_within_an_epoch():
    model = small.gan()
    with pytest.raises(InputError, match="initial_step"):
        model.fit(small.examples(40), batch_size=8, initial_step=5, verbose=0)
    data = tf.data.Dataset.from_tensor_slices(small.examples(40)).batch(8)
    with pytest.raises(InputError, match="initial_step"):
        model.fit(data, initial_step=1, verbose=0)


# ----------------------------------------------------------------------- signals


def test_a_signal_saves_and_the_same_command_goes_on(whole, tmp_path, capsys):
    path = tmp_path / "run"
    process = start(path, "--epochs", "4")
    wait_for((path / "samples" / "epoch-0001.png").exists, process)
    process.send_signal(signal.SIGTERM)
    last = finish(process, 75)
    assert "interrupted" in last
    code, out, _ = call(capsys, path, "--epochs", "4")
    assert code == 0
    assert "after epoch" in out
    assert_equal(whole, Run.open(path))


def test_a_second_sigint_ends_at_once(capsys):
    before = signal.getsignal(signal.SIGINT)

    def main(_):
        with Interruption() as asked:
            signal.raise_signal(signal.SIGINT)
            assert asked.signal == "SIGINT"
            signal.raise_signal(signal.SIGINT)
        return 0

    assert parsing.run(main, [], "train") == 130
    assert capsys.readouterr().err.splitlines() == [
        "SIGINT: ending as soon as the state is saved; SIGINT once more ends at once",
        "train: ended at once",
    ]
    assert signal.getsignal(signal.SIGINT) is before


def signalling(function, number):
    """The function, which gets a signal while it works for the first time."""
    numbers = [number]

    def call(*arguments, **named):
        while numbers:
            signal.raise_signal(numbers.pop())
        return function(*arguments, **named)

    return call


def test_a_signal_is_noted_where_nobody_reads_the_message(monkeypatch):
    """As of `train 2>&1 | tee log`, whose reader ends by the same Ctrl-C."""
    closed = mock.Mock()
    closed.write.side_effect = closed.flush.side_effect = BrokenPipeError
    with Interruption() as asked:
        monkeypatch.setattr("sys.stderr", closed)
        signal.raise_signal(signal.SIGINT)
        monkeypatch.undo()
    assert asked.signal == "SIGINT"
    assert closed.write.called


def test_a_hangup_is_noted_unless_it_is_ignored():
    before = signal.getsignal(signal.SIGHUP)
    try:
        for handler, noted in ((signal.SIG_DFL, "SIGHUP"), (signal.SIG_IGN, None)):
            signal.signal(signal.SIGHUP, handler)
            with Interruption() as asked:
                signal.raise_signal(signal.SIGHUP)
            assert asked.signal == noted
            assert signal.getsignal(signal.SIGHUP) is handler
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_step_is_saved_once(tmp_path, monkeypatch):
    """To write it again would begin with the removal of the complete checkpoint."""
    written = []
    monkeypatch.setattr(checkpoints.Writer, "write", lambda _, state: written.append(state.score))
    saving = callbacks.Checkpoint(tmp_path)
    saving.set_model(small.gan())
    for score in (None, None, 1.5):
        saving.save(score)
    assert written == [None, 1.5]


BEFORE = ("keras_gan.recipes.digits.build", "no step was made", 0)
DRAWING = ("keras_gan.plotting.animate", "all steps are made", 1)
BETWEEN = ("keras_gan.plotting.loop", "all steps are made", 1)


@pytest.mark.parametrize(
    ("moment", "words", "saved", "number"),
    [
        (*BEFORE, signal.SIGTERM),
        (*DRAWING, signal.SIGINT),
        (*BETWEEN, signal.SIGTERM),
        # One handler notes both: the cases above have each moment and each signal.
        pytest.param(*BEFORE, signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(*DRAWING, signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(*BETWEEN, signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_a_signal_before_and_after_the_steps(
    moment, words, saved, number, tmp_path, capsys, monkeypatch
):
    module, name = moment.rsplit(".", 1)
    module, path = importlib.import_module(module), tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(module, name, signalling(getattr(module, name), number))
        code, _, err = call(capsys, path, "--epochs", "1", "--likelihood-every", "0")
    assert code == 75
    assert words in last_line(err)
    assert "the same command" in last_line(err)
    assert len(list(path.glob("checkpoints/step-*"))) == saved
    assert not Run.open(path).finished
    assert not (path / "neighbors.png").exists()
    (path / "samples.gif").unlink(missing_ok=True)
    assert call(capsys, path, "--epochs", "1", "--likelihood-every", "0")[0] == 0
    for name in ("samples.gif", "interpolation.webp", "neighbors.png"):
        assert (path / name).exists()
    assert Run.open(path).epochs_done == 1


@pytest.mark.parametrize("at_the_end", [1, 2, 3])
def test_no_worker_ends_well_before_the_chief_has_finished(at_the_end):
    """A worker other than the chief, whom the chief tells of a signal, or that it is gone."""
    gan, x = small.gan(), small.examples(40)

    class Told(Workers):
        calls = 0

        def __init__(self):
            super().__init__(tf.distribute.get_strategy())
            self.is_chief = False

        def from_chief(self, text):
            return json.dumps({"reseeds": 0})

        def any(self, flag):
            assert not flag
            self.calls += int(gan.current_step.numpy()) == 4
            if self.calls == 3 == at_the_end:
                raise tf.errors.UnavailableError(None, None, "the chief is gone")
            return self.calls == at_the_end

    session = dataclasses.replace(session_of(gan, x, epochs=1), workers=Told())
    words = ["saved after step 4", "all steps are made", "the chief is gone"][at_the_end - 1]
    with pytest.raises(TrainingError, match=words):
        session.train(lambda: None, {}, lambda run, facts: [], verbose=0)


# ------------------------------------------------------------------------ faults


def test_a_kill_before_the_first_rename_does_not_block(tmp_path, monkeypatch):
    path = tmp_path / "run"
    monkeypatch.setattr(Path, "replace", mock.Mock(side_effect=KeyboardInterrupt))
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # a killed process removes nothing
    with pytest.raises(KeyboardInterrupt):
        Run.create_or_open(path, {"seed": 0}, {})
    monkeypatch.undo()
    assert [file.name for file in path.iterdir()] == [".config.json.tmp"]
    assert Run.create_or_open(path, {"seed": 0}, {}).identity == {"seed": 0}
    assert [file.name for file in path.iterdir()] == ["config.json"]


def test_the_recipe_file_is_where_the_run_was_continued_from(tmp_path):
    for place in ("/one/mine.py", "/other/mine.py"):
        facts = {"recipe": place, "settings": {}}
        Run.create_or_open(tmp_path / "run", {"recipe": "mine", "recipe_file": "1a"}, facts)
    assert Run.open(tmp_path / "run").recipe_file == Path("/other/mine.py")


@pytest.mark.parametrize("write", [files.replacing, files.new_folder])
def test_two_that_write_the_same_do_not_mix(write, tmp_path):
    """The second waits for the first; of a new folder it is told then that it exists."""
    is_folder = write is files.new_folder

    def second():
        with write(tmp_path / "made") as temporary:
            (temporary / "b" if is_folder else temporary).write_text("second")

    with futures.ThreadPoolExecutor() as threads:
        with write(tmp_path / "made") as temporary:
            (temporary / "a" if is_folder else temporary).write_text("first, longer")
            later = threads.submit(second)
            futures.wait([later], timeout=0.1)
        with small.refused("made exists") if is_folder else contextlib.nullcontext():
            later.result()
    assert [file.name for file in tmp_path.iterdir()] == ["made"]
    if is_folder:
        assert [file.name for file in (tmp_path / "made").iterdir()] == ["a"]
    else:
        assert (tmp_path / "made").read_text() == "second"


def test_a_model_with_a_flipped_bit_is_written_once_more(whole, tmp_path, capsys):
    path = shutil.copytree(whole.path, tmp_path / "run")
    file = path / "models" / "last.keras"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert not Run.open(path).finished
    assert call(capsys, path, "--epochs", "4")[0] == 0
    assert_equal(whole, Run.open(path))


@pytest.mark.parametrize("how", ["empty", "truncated", "not a zip"])
def test_a_damaged_model_is_written_once_more(whole, tmp_path, how, capsys):
    path = shutil.copytree(whole.path, tmp_path / "run")
    file = path / "models" / "last.keras"
    content = {"empty": b"", "truncated": file.read_bytes()[:5000], "not a zip": b"weights" * 99}
    file.write_bytes(content[how])
    with pytest.raises(InputError, match=r"last\.keras cannot be loaded: it is empty, cut short"):
        Run.open(path).gan()
    assert call(capsys, path, "--epochs", "4")[0] == 0
    assert_equal(whole, Run.open(path))


def test_a_damaged_table_is_named_before_training(begun, capsys):
    table = begun / "metrics.csv"
    table.write_text(table.read_text()[:-5])
    before = sorted((begun / "checkpoints").iterdir())
    code, _, err = call(capsys, begun, "--epochs", "5")
    assert code == 2
    assert f"{table} is damaged (its last line is cut)" in err
    assert err.count("\n") == 1
    assert sorted((begun / "checkpoints").iterdir()) == before


def test_a_full_disk_ends_the_run_and_loses_nothing(whole, small_disk, capsys):
    path = small_disk / "run"
    process = start(path, "--epochs", "4000")
    wait_for(lambda: len(list(path.glob("checkpoints/step-*"))) > 1, process)
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(bytes(9 << 20))
    last = finish(process, 4)
    assert "No space left on device" in last
    (small_disk / "filler").unlink()
    assert list(path.rglob("*.tmp*")) in ([], list(path.glob("checkpoints/.step-*.tmp")))
    step = max(int(p.name[5:]) for p in path.glob("checkpoints/step-*"))
    gan = digits()
    assert checkpoints.restore_latest(path / "checkpoints", gan) is not None
    assert int(gan.step.numpy()) == step
    code, out, _ = call(capsys, path, "--epochs", "1")
    assert code == 0
    assert "after epoch" in out


def test_epochs_are_those_that_were_made_and_no_column_is_lost(tmp_path):
    """Interrupted in epoch 3 of many, and then asked for one."""
    run = Run.create_or_open(tmp_path / "run", {}, {})
    gan, x = small.gan(), small.examples(40)
    gan.fit(x, batch_size=10, epochs=2, verbose=0)
    gan.train_on_batch(x[:10])
    checkpoints.write(run.checkpoints, checkpoints.snapshot(gan))
    session_of(small.gan(), x, 1).train(
        lambda: run, {"replicas": 1}, lambda run, facts: [], verbose=0
    )
    assert Run.open(run.path).epochs_done == 2
    metrics_table.write_row(run.metrics_file, 0, {"value": 1.0, "warnings": 3.0})
    metrics_table.write_row(run.metrics_file, 1, {"value": 2.0, "sample_spread": 4.0})
    metrics = run.metrics()
    assert (metrics["value"], metrics["warnings"][0]) == ([1.0, 2.0], 3.0)
    assert np.isnan(metrics["warnings"][1])
    assert np.isnan(metrics["sample_spread"][0])


def test_a_disk_that_fails_a_command_is_one_line(capsys):
    def main(_):
        raise OSError(28, "No space left on device", "runs/x/evaluation.json")

    assert parsing.run(main, [], "evaluate") == 4
    err = capsys.readouterr().err
    assert err == "evaluate: error: runs/x/evaluation.json: No space left on device\n"


@pytest.mark.parametrize(
    "error",
    [MemoryError("3 GB"), tf.errors.ResourceExhaustedError(None, None, "OOM of 3 GB\nat a node")],
)
def test_too_little_memory_is_one_line(error, capsys):
    def main(_):
        raise error

    assert parsing.run(main, [], "train") == 4
    err = capsys.readouterr().err
    assert err.startswith("train: error: too little memory: ")
    assert "3 GB" in err
    assert err.count("\n") == 1


def test_a_read_only_disk_is_named_before_training(begun, small_disk, capsys):
    shutil.copytree(begun, small_disk / "run")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for path in (small_disk / "run", small_disk / "new"):
        code, _, err = call(capsys, path, "--epochs", "5")
        assert code == 2
        assert f"{path}" in err
        assert "Read-only file system" in err


def test_lost_data_are_named(tmp_path, capsys, monkeypatch):
    data = tmp_path / "points.npy"
    np.save(data, np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32))
    arguments = ["--recipe", "own_data", "--dataset", "./points.npy"]
    with monkeypatch.context() as elsewhere:
        elsewhere.chdir(tmp_path)
        assert call(capsys, tmp_path / "run", *arguments, "--epochs", "1")[0] == 0
    assert len(recipes.data_of(Run.open(tmp_path / "run")).train) == 320
    data.unlink()
    monkeypatch.chdir(tmp_path)
    code, _, err = call(capsys, tmp_path / "run", *arguments, "--epochs", "2")
    assert code == 2
    assert "points.npy" in err
    assert Run.open(tmp_path / "run").epochs_done == 1


def test_checkpoints_alone_may_lie_elsewhere(whole, tmp_path, capsys):
    """A host that is gone took its run directory with it; another goes on from a URL."""
    folder = ["--checkpoint-dir", "ram://bucket/run"]
    assert call(capsys, tmp_path / "gone", "--epochs", 2, *folder)[0] == 0
    assert not (tmp_path / "gone" / "checkpoints").exists()
    path = tmp_path / "new"
    code, out, _ = call(capsys, path, "--epochs", 3, *folder)
    assert code == 0
    assert "after epoch 2" in out
    assert call(capsys, path, "--epochs", 4)[0] == 0  # the run knows where they are
    new = Run.open(path)
    assert small.largest_difference(small.weights(whole.gan()), small.weights(new.gan())) == 0
    assert new.metrics()["value"] == whole.metrics()["value"][2:]
    for arguments, words in (
        (["--run-dir", tmp_path / "other", "--seed", 1, *folder], "the checkpoints of another run"),
        (["--checkpoint-dir", tmp_path], f"the checkpoints of {path} are in ram://bucket/run"),
    ):
        code, _, err = call(capsys, path, "--epochs", 5, *arguments)
        assert code == 2
        assert words in err
        assert err.count("\n") == 1


@pytest.mark.parametrize("how", ["truncated", "corrupt", "no manifest", "half a manifest"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(whole, begun, how, caplog):
    """As the command meets it: `test_train.test_interrupted_and_resumed_is_uninterrupted`."""
    *_, before, newest = sorted((begun / "checkpoints").glob("step-*"))
    _damage(newest, how)
    gan = digits()
    assert checkpoints.restore_latest(begun / "checkpoints", gan) is not None
    assert f"{newest}" in caplog.text
    assert before.name == f"step-{int(gan.step.numpy()):09d}"


def test_no_whole_checkpoint_is_said(begun, capsys):
    for folder in (begun / "checkpoints").glob("step-*"):
        _damage(folder, "truncated")
    code, _, err = call(capsys, begun, "--epochs", "4")
    assert code == 2
    assert f"{begun / 'checkpoints'}" in err
    assert err.count("train: error") == 1


def _damage(folder: Path, how: str) -> None:
    data, manifest = next(folder.glob("state.data*")), folder / "manifest.json"
    if how == "truncated":
        data.write_bytes(data.read_bytes()[:100])
    elif how == "corrupt":
        content = bytearray(data.read_bytes())
        content[len(content) // 2] ^= 1
        data.write_bytes(content)
    elif how == "no manifest":
        manifest.unlink()
    else:
        manifest.write_text(manifest.read_text()[:40])


def test_the_clock_may_go_backwards(whole, begun, capsys):
    config = json.loads((begun / "config.json").read_text())
    config["sessions"][0]["started"] = "2999-01-01T00:00:00+00:00"
    (begun / "config.json").write_text(json.dumps(config))
    oldest, *_ = sorted((begun / "checkpoints").glob("step-*"))
    for number, path in enumerate(sorted(begun.rglob("*"), reverse=True)):
        os.utime(path, (4e9 + number, 4e9 + number))
    os.utime(oldest, (5e9, 5e9))
    shutil.rmtree(max((begun / "checkpoints").glob("step-*")))
    assert call(capsys, begun, "--epochs", "4")[0] == 0
    assert_equal(whole, Run.open(begun))


def test_a_dead_owner_does_not_block(tmp_path, capsys):
    path = tmp_path / "run"
    process = start(path, "--epochs", "400")
    wait_for(lambda: any(path.glob("checkpoints/step-*")), process)
    code, _, err = call(capsys, path, "--epochs", "4")
    assert code == 2
    assert f"{path}" in last_line(err)
    process.kill()
    process.communicate()
    assert call(capsys, path, "--epochs", "1")[0] == 0


def test_other_replicas_go_on_with_the_same_numbers(whole, begun, two_devices, capsys):
    shutil.rmtree(max((begun / "checkpoints").glob("step-*")))  # an epoch is left: 14 steps
    code, out, _ = call(capsys, begun, "--epochs", "4", "--strategy", "mirrored")
    assert code == 0
    assert "replicas: 1" in out
    assert_equal(whole, Run.open(begun), 1e-5)


# --------------------------------------------------------------------------- NaN


@pytest.mark.parametrize(("poison", "retries", "ends"), [((2, 6), 2, True), ((6, 7), 1, False)])
def test_nan_sends_back_to_the_last_checkpoint_with_other_noise(
    tmp_path, poison, retries, ends, caplog
):
    gan = small.gan()
    run = Run.create_or_open(tmp_path / "run", {}, {})
    seeds = []
    session = session_of(
        gan,
        small.examples(40),
        epochs=3,
        retries=retries,
        on_fit=lambda: seeds.append((gan.seed, int(gan.step.numpy()))),
    )
    poisoner = small.Poison(*poison)

    def parts(run, facts):
        return [poisoner, callbacks.Checkpoint(run.checkpoints, lambda: facts)]

    if ends:
        session.train(lambda: run, {"replicas": 1}, parts, verbose=0)
        assert [step for _, step in seeds] == [0, 0, 4]
        assert len({seed for seed, _ in seeds}) == 3
        assert int(gan.step.numpy()) == 12
        assert checkpoints.all_finite(gan)
        fresh = small.gan()
        assert checkpoints.restore_latest(run.checkpoints, fresh)["reseeds"] == 2
    else:
        with pytest.raises(TrainingError, match="NaN"):
            session.train(lambda: run, {"replicas": 1}, parts, verbose=0)
    assert caplog.text.count("Going back to the last checkpoint with other noise") == retries


# ------------------------------------------------------------------- checkpoints


def steps_in(directory) -> list[int]:
    return sorted(int(path.name[5:]) for path in directory.glob("step-*"))


def test_the_last_and_the_best_are_kept(tmp_path):
    class Score(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = [1.0, 1.5, 5.0, 2.0, 3.0, float("nan"), 2.5, 2.2, 0.5, 4.0][epoch]

    best, model = {"max": 3, "min": 9}, small.gan()
    parts = [
        callbacks.Checkpoint(tmp_path / mode, keep=2, monitor="score", mode=mode) for mode in best
    ]
    model.fit(small.examples(8), batch_size=8, epochs=10, callbacks=[Score(), *parts], verbose=0)
    for mode, epoch in best.items():
        assert steps_in(tmp_path / mode) == sorted({epoch, 9, 10})


def write_steps(directory, model, *steps, scores=()):
    for step in steps:
        model.step.assign(step)
        score = dict(scores).get(step)
        checkpoints.write(directory, checkpoints.snapshot(model, {"at": step}, score), keep=2)


def test_damaged_checkpoints_take_no_place_of_complete_ones(tmp_path):
    """Preempted again and again after its two newest checkpoints were damaged, a run advances."""
    model = small.gan()
    write_steps(tmp_path, model, 10, 20, 30, 40, scores={20: 5.0})
    assert steps_in(tmp_path) == [20, 30, 40]
    for step in (30, 40):
        _damage(tmp_path / f"step-{step:09d}", "truncated")
    assert checkpoints.restore_latest(tmp_path, model) == {"at": 20}
    write_steps(tmp_path, model, 21)
    assert checkpoints.restore_latest(tmp_path, model) == {"at": 21}
    write_steps(tmp_path, model, 22, 23)
    assert steps_in(tmp_path) == [20, 22, 23, 30, 40]
    assert checkpoints.restore_latest(tmp_path, model) == {"at": 23}
    write_steps(tmp_path, model, 30, 41)  # one is written again, the other is passed
    assert steps_in(tmp_path) == [20, 30, 41]


def test_a_damaged_best_checkpoint_gives_way_to_the_best_of_the_others(tmp_path):
    model = small.gan()
    write_steps(tmp_path, model, 1, 2, 3, scores={1: 9.0, 2: 5.0})
    _damage(tmp_path / "step-000000001", "corrupt")
    write_steps(tmp_path, model, 4, 5, 6, scores={5: 1.0})
    assert steps_in(tmp_path) == [2, 5, 6]


def test_stray_files_and_folders_are_left_alone(tmp_path, caplog):
    model = small.gan()
    write_steps(tmp_path, model, 1)
    for name in ("step-", "step-1", "step-x", "step-0000000001", "step-00000000\u0661", "notes"):
        (tmp_path / name).mkdir()
    shutil.copytree(tmp_path / "step-000000001", tmp_path / "step-999999999")
    (tmp_path / "step-9999999999").write_text("a file")
    before = {path.name for path in tmp_path.iterdir()}
    write_steps(tmp_path, model, 2, 3, 4)
    after = {path.name for path in tmp_path.iterdir()}
    assert before - after == {"step-000000001"}
    assert after - before == {"step-000000003", "step-000000004"}
    assert checkpoints.restore_latest(tmp_path, model) == {"at": 4}
    assert caplog.text.count("is not used: it is damaged or incomplete") == 2


def test_a_file_in_the_place_of_a_checkpoint_gives_way(tmp_path):
    model = small.gan()
    (tmp_path / "step-000000003").write_text("")
    write_steps(tmp_path, model, 3)
    assert checkpoints.restore_latest(tmp_path, model) == {"at": 3}


def test_no_flipped_bit_of_a_manifest_changes_what_is_restored(tmp_path):
    model = small.gan()
    write_steps(tmp_path, model, 7, scores={7: 1.25})
    folder = tmp_path / "step-000000007"
    file = folder / "manifest.json"
    content, known = file.read_bytes(), checkpoints._manifest(os.fspath(folder))
    assert known["facts"] == {"at": 7}
    damaged = 0
    for bit in range(0, 8 * len(content), 3):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        found = checkpoints._manifest(os.fspath(folder))
        assert found in (None, known)  # a space may become another space
        damaged += found is None
    assert damaged > 0.7 * 8 * len(content) / 3


@pytest.mark.parametrize("key", ["step", "score", "facts", "shapes", "files"])
def test_a_changed_manifest_gives_way_to_the_checkpoint_before(tmp_path, key):
    """Also where it would be that of another model."""
    model = small.gan()
    write_steps(tmp_path, model, 1, 2)
    file = tmp_path / "step-000000002" / "manifest.json"
    content = json.loads(file.read_text())
    content["manifest"][key] = {"reseeds": 1}
    file.write_text(json.dumps(content))
    assert checkpoints.restore_latest(tmp_path, model) == {"at": 1}


def test_the_checkpoint_of_another_model_and_of_an_earlier_version_are_said(tmp_path):
    write_steps(tmp_path, small.gan(), 1)
    with pytest.raises(InputError, match="belongs to another model; finish the run"):
        checkpoints.restore_latest(tmp_path, small.gan(ema=0.9))
    file = tmp_path / "step-000000001" / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text())["manifest"]))
    with pytest.raises(InputError, match="an earlier version of keras_gan wrote it; finish"):
        checkpoints.restore_latest(tmp_path, small.gan())


def test_facts_with_numbers_as_keys_come_back_as_json_holds_them(tmp_path):
    """Numbers are in another order than their texts, which the checksum must not depend on."""
    model = small.gan()
    checkpoints.write(tmp_path, checkpoints.snapshot(model, {"seen": {2: "a", 10: "b"}}))
    assert checkpoints.restore_latest(tmp_path, model) == {"seen": {"2": "a", "10": "b"}}


def test_a_snapshot_does_not_move_with_training(tmp_path):
    model = small.gan()
    taken = checkpoints.snapshot(model)
    before = small.weights(model)
    model.fit(small.examples(40), batch_size=8, verbose=0)
    assert small.largest_difference(small.weights(model), before) > 0
    checkpoints.write(tmp_path, taken)
    checkpoints.restore_latest(tmp_path, model)
    assert small.largest_difference(small.weights(model), before) == 0


def test_a_failed_write_is_told_by_the_next(tmp_path):
    (tmp_path / "file").write_text("")
    writer = checkpoints.Writer(tmp_path / "file" / "checkpoints")
    writer.write(checkpoints.snapshot(small.gan()))
    with pytest.raises(OSError, match="file"):
        writer.wait()


@pytest.mark.parametrize("ending", ["/", "//"])
def test_a_directory_may_end_in_slashes(tmp_path, ending):
    model = small.gan()
    for step in range(3):
        model.step.assign(step)
        checkpoints.write(f"{tmp_path}{ending}", checkpoints.snapshot(model), keep=1)
    assert os.listdir(tmp_path) == ["step-000000002"]


def test_file_systems_without_rename_or_locks():
    """TensorFlow's own file system in memory stands for remote ones."""
    model = small.gan()
    directory = "ram://runs/checkpoints"
    for _ in range(4):
        model.fit(small.examples(8), batch_size=8, verbose=0)
        checkpoints.write(directory, checkpoints.snapshot(model, {"a": 1}), keep=2)
    files = tf.io.gfile
    assert sorted(name.rstrip("/") for name in files.listdir(directory)) == [
        "step-000000003",
        "step-000000004",
    ]
    files.remove(f"{directory}/step-000000004/manifest.json")  # as if killed before its end
    again = small.gan()
    assert checkpoints.restore_latest(directory, again) == {"a": 1}
    assert int(again.step.numpy()) == 3


def test_ended_at_every_write_sync_and_rename_a_whole_checkpoint_is_there(tmp_path, monkeypatch):
    """A copy of the directory at each of these moments holds what a kill at it would leave."""
    model, written, moments = small.gan(), tmp_path / "written", itertools.count(1)
    for step in range(3):
        model.step.assign(step)
        checkpoints.write(written, checkpoints.snapshot(model), keep=2)
    model.step.assign(3)

    def ending(function):
        def call(*args, **kwargs):
            shutil.copytree(written, tmp_path / str(next(moments)))
            result = function(*args, **kwargs)
            shutil.copytree(written, tmp_path / str(next(moments)))
            return result

        return call

    with monkeypatch.context() as patched:
        for module, names in (
            (os, ("fsync", "rename")),
            (tf.io.gfile, ("makedirs", "remove", "rmtree", "GFile")),
            (tf.raw_ops, ("SaveV2",)),
        ):
            for name in names:
                patched.setattr(module, name, ending(getattr(module, name)))
        checkpoints.write(written, checkpoints.snapshot(model), keep=2)
    written.rename(tmp_path / str(next(moments)))
    directories = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    seen, again = [], small.gan()
    for directory in directories:
        assert checkpoints.restore_latest(directory, again) is not None
        seen.append(int(again.step.numpy()))
        again.step.assign(4)  # nothing in the way of the next one, and nothing left beside it
        checkpoints.write(directory, checkpoints.snapshot(again), keep=2)
        assert len(list(directory.iterdir())) == 2
        assert checkpoints.restore_latest(directory, again) is not None
        assert int(again.step.numpy()) == 4
    assert seen == sorted(seen)
    assert set(seen) == {2, 3}
    assert len(seen) > 20
