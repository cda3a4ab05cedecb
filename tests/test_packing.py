"""A run in one file: training that continues from it, and files that are refused."""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import shutil
import stat
import zipfile
from unittest import mock

import keras
import numpy as np
import pytest
import small

from keras_gan import InputError, networks, pack, recipes, train
from keras_gan.core.settings import fields
from keras_gan.experiment import packing
from keras_gan.experiment.run import Run
from keras_gan.training import checkpoints

ROWS = 4  # of a minibatch
# Every optimizer, batch statistics, an auxiliary network, penalties, points; the others take long.
FAST = {"digits", "digits_inference", "digits_semi_supervised", "ring_r3gan"}
LARGEST = 128  # units of a fully connected layer


def cut(value):
    """Numbers of units as networks of toy size have them."""
    if isinstance(value, list | tuple):
        return type(value)(cut(one) for one in value)
    return min(value, LARGEST) if isinstance(value, int) else value


@pytest.fixture
def toy_size(monkeypatch):
    for name in ("mlp_generator", "mlp_encoder", "maxout_discriminator", "noisy_discriminator"):
        make = getattr(networks, name)

        def made(*arguments, make=make, **named):
            given = {key: cut(v) if key in ("hidden", "units") else v for key, v in named.items()}
            return make(*arguments, **given)

        monkeypatch.setattr(networks, name, made)

    class Layers:
        """Keras's layers for `cifar10_conv`, whose first layer is the largest of all."""

        def __getattr__(self, name):
            return getattr(keras.layers, name)

        def Dense(self, units, *arguments, name, **named):
            return keras.layers.Dense(16 if name == "hidden_0" else units, *arguments, **named)

    monkeypatch.setattr(importlib.import_module("keras_gan.networks.cifar10_conv"), "kl", Layers())


def trained(gan, x, y, epoch):
    """The state after two steps more."""
    gan.fit(x, y, batch_size=ROWS, initial_epoch=epoch, epochs=epoch + 1, verbose=0)
    return {name: np.array(value) for name, value in checkpoints.snapshot(gan).values.items()}


def run_of(gan, path, **facts):
    run = Run.create_or_open(path, {"recipe": "toy"}, {"recipe": "toy", "settings": {}})
    checkpoints.write(run.checkpoints, checkpoints.snapshot(gan, facts))
    return run


def through_a_file(run, small=False):
    """The run as it is after `pack` and `unpack`."""
    file = run.path.with_suffix(".small" if small else ".full")
    packing.pack(run, file, small)
    return packing.unpack(file, file.with_name(file.name + ".run"))


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in FAST else pytest.mark.slow) for n in recipes.NAMES],
)
def test_every_recipe_continues_from_a_file(name, tmp_path, toy_size):
    changes = {"width": 16, "group_size": 0}
    if name == "tfd_stage2":
        changes["stage1"] = small.first_stage(tmp_path)
    known = {field.name for field in fields(recipes.get(name).settings)}
    gan, arguments, _, _ = small.of_recipe(name, **{k: v for k, v in changes.items() if k in known})
    gan.compile(**arguments)
    rng, n = np.random.default_rng(0), 2 * gan.discriminator_steps * ROWS
    x = rng.random((n, *gan.example_shape), np.float32)
    y = None if gan.label_check is None else rng.integers(0, 10, n)
    packed = trained(gan, x, y, 0)
    run = run_of(gan, tmp_path / "run")
    undisturbed = trained(gan, x, y, 1)
    assert any((packed[key] != undisturbed[key]).any() for key in packed)

    checkpoints.restore_latest(through_a_file(run).checkpoints, gan)
    continued = trained(gan, x, y, 1)
    for key, value in undisturbed.items():
        np.testing.assert_array_equal(continued[key], value, key)

    checkpoints.restore_latest(through_a_file(run, small=True).checkpoints, gan)
    restored = {key: np.array(v) for key, v in checkpoints.snapshot(gan).values.items()}
    for key, value in packed.items():
        bits = packing.BITS.get(key.partition("/")[0])
        error = 2.0**-bits if bits and value.ndim and value.dtype == np.float32 else 0
        np.testing.assert_allclose(restored[key], value, rtol=error, atol=0, err_msg=key)
    trained(gan, x, y, 1)
    assert checkpoints.all_finite(gan)


SETTINGS = ["--recipe", "digits", "--likelihood-samples", "50", "--batch-size", "200"]


@pytest.fixture(scope="module")
def first_epoch(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "first"
    assert train.main([*SETTINGS, "--run-dir", str(path), "--epochs", "1"]) == 0
    return path


def test_the_same_command_continues_a_run_from_a_file(first_epoch, tmp_path, capsys):
    path, file, other = tmp_path / "run", tmp_path / "run.kgan", tmp_path / "other run"
    shutil.copytree(first_epoch, path)
    assert pack.pack([str(path), "--output", str(file)]) == 0
    assert "run.kgan: step 7 of " in capsys.readouterr().out
    assert pack.unpack([str(file), "--run-dir", str(other)]) == 0
    assert f"--run-dir '{other}' continues it" in capsys.readouterr().out
    assert (other / "models" / "best.keras").is_file()
    for folder in (path, other):
        assert train.main([*SETTINGS, "--run-dir", str(folder), "--epochs", "2"]) == 0
    one, two = Run.open(path), Run.open(other)
    assert small.largest_difference(small.weights(one.gan()), small.weights(two.gan())) == 0
    np.testing.assert_equal(one.metrics(), two.metrics())


# ------------------------------------------------------------------- what is in a file


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    run = run_of(small.gan(ema=0.9), tmp_path_factory.mktemp("runs") / "begun", best=1.0, reseeds=0)
    run.metrics_file.write_text("epoch,d_loss\n0,1.5\n")
    run.config["data_dir"] = run.config["checkpoint_dir"] = None
    (run.path / "models").mkdir()
    run.model_file("best").write_bytes(b"a model")
    return run


@pytest.fixture
def file(begun, tmp_path):
    packing.pack(begun, tmp_path / "file")
    return tmp_path / "file"


def test_a_small_file_leaves_the_best_models_out_and_says_that_it_is_small(begun, tmp_path):
    full = packing.unpack(_packed(begun, tmp_path / "full", False), tmp_path / "of_full")
    little = packing.unpack(_packed(begun, tmp_path / "small", True), tmp_path / "of_small")
    assert full.model_file("best").read_bytes() == b"a model"
    assert not little.model_file("best").exists()
    assert "rounded_at_steps" not in full.config
    assert little.config["rounded_at_steps"] == [0]
    facts = [checkpoints.read(checkpoints.newest(r.checkpoints)).facts for r in (full, little)]
    assert facts == [{"best": 1.0, "reseeds": 0}, {"reseeds": 0}]
    assert full.metrics() == little.metrics() == {"epoch": [0], "d_loss": [1.5]}


def _packed(run, file, small):
    packing.pack(run, file, small)
    return file


def test_the_best_model_after_a_small_file_is_of_a_later_epoch(first_epoch, tmp_path):
    file, other = tmp_path / "file", tmp_path / "other"
    run = Run.open(shutil.copytree(first_epoch, tmp_path / "run"))
    run.metrics_file.write_text("epoch,val_log_likelihood\n0,1e9\n")  # of a model that is lost
    assert run.epoch_of("best") == 1
    packing.pack(run, file, small=True)
    packing.unpack(file, other)
    assert train.main([*SETTINGS, "--run-dir", str(other), "--epochs", "2"]) == 0
    assert Run.open(other).epoch_of("best") == 2


def test_numbers_of_11_bits_are_those_of_float16():
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    rounded = packing.significant(values, 11)
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(rounded, values.astype(np.float16).astype(np.float32))
    large = np.float32([3e38, -1e6, 0])  # outside the range of float16
    np.testing.assert_allclose(packing.significant(large, 4), large, rtol=2**-4)


def test_bytes_are_sorted_and_put_back():
    for size in (0, 3, 4, 4097):
        block = np.random.default_rng(size).bytes(size)
        assert packing._original_bytes(packing._sorted_bytes(block)) == block
    assert packing._sorted_bytes(b"abcdABCD!") == b"aAbBcCdD!"


# --------------------------------------------------------------------- what is refused


def test_what_cannot_be_packed_is_refused(begun, tmp_path):
    (tmp_path / "there").touch()
    with pytest.raises(InputError, match="there exists"):
        packing.pack(begun, tmp_path / "there")
    with begun.owned(), pytest.raises(InputError, match="another process is training"):
        packing.pack(begun, tmp_path / "file")
    table = begun.metrics_file.read_text()
    begun.metrics_file.write_text(table[:-2])
    with small.refused("its last line is cut"):
        packing.pack(begun, tmp_path / "file")
    begun.metrics_file.write_text(table)
    with pytest.raises(InputError, match="has no checkpoint"):
        packing.pack(Run.create_or_open(tmp_path / "new", {}, {}), tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "there"]
    # Nothing is written to what cannot be packed, such as a preset within the installed package.
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["config.json"]


def test_a_full_disk_is_named_by_the_file_that_was_asked_for(begun, file, tmp_path, monkeypatch):
    """Writing names no file, and opening a temporary one that is gone."""
    for name, work, source in (
        ("_archive", packing.pack, begun),
        ("_extract", packing.unpack, file),
    ):
        full = OSError(errno.ENOSPC, "full")
        monkeypatch.setattr(packing, name, mock.Mock(side_effect=full))
        with pytest.raises(OSError, match="full"):
            work(source, tmp_path / "new")
        assert full.filename == str(tmp_path / "new")
    inside = OSError(errno.ENOSPC, "full", str(tmp_path / ".new.tmp" / "config.json"))
    monkeypatch.setattr(packing, "_extract", mock.Mock(side_effect=inside))
    with pytest.raises(OSError, match="full"):
        packing.unpack(file, tmp_path / "new")
    assert inside.filename == str(tmp_path / "new")
    assert list(tmp_path.iterdir()) == [file]


def test_a_directory_that_exists_is_refused(file, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("there", "link"):
        with pytest.raises(InputError, match=f"{name} exists"):
            packing.unpack(file, tmp_path / name)
    with pytest.raises(InputError, match="absent is not a file"):
        packing.unpack(tmp_path / "absent", tmp_path / "new")


def rewrite(file, change):
    """Writes an archive anew, its files and manifest changed, with the checksums that fit."""
    with zipfile.ZipFile(file) as archive:
        parts = {part.filename: (part, archive.read(part)) for part in archive.infolist()}
    parts = {name: content for name, (_, content) in parts.items()}
    manifest = json.loads(parts.pop("manifest.json"))
    links = change(parts, manifest) or ()  # the names of those that become links
    with zipfile.ZipFile(file, "w", manifest.pop("method", zipfile.ZIP_DEFLATED)) as archive:
        for name, content in {**parts, "manifest.json": json.dumps(manifest)}.items():
            part = zipfile.ZipInfo(name)
            part.compress_type = archive.compression
            part.external_attr = (stat.S_IFLNK if name in links else stat.S_IFREG) << 16
            archive.writestr(part, content)


def adding(name, content=b"x"):
    def change(parts, manifest):
        parts[name] = content
        manifest["sha256"][name] = packing.hashlib.sha256(content).hexdigest()

    return change


def configured(**entries):
    def change(parts, manifest):
        content = json.dumps({**json.loads(parts["config.json"]), **entries}).encode()
        adding("config.json", content)(parts, manifest)

    return change


def without_checkpoint(parts, manifest):
    for name in [name for name in parts if name.startswith("checkpoints/")]:
        del parts[name], manifest["sha256"][name]


def of_format(number):
    return lambda parts, manifest: manifest.update(format=number)


REFUSED = {
    "outside": (adding("../outside"), "holds '../outside', which no packed run has"),
    "absolute": (adding("/outside"), "which no packed run has"),
    "below": (adding("models/../../outside"), "which no packed run has"),
    "code": (adding("models/recipe.py"), "which no packed run has"),
    "link": (lambda parts, manifest: ["metrics.csv"], "metrics.csv is a link"),
    "unlisted": (lambda p, m: p.update({"models/best_ema.keras": b"x"}), "other files than"),
    "missing": (lambda parts, manifest: parts.pop("metrics.csv") and None, "other files than"),
    "changed": (lambda p, m: p.update({"metrics.csv": b"epoch\n"}), "is not as it was packed"),
    "later format": (of_format(2), "has format 2; this version of keras_gan reads 1"),
    "no format": (lambda parts, manifest: manifest.clear(), "damaged, or no packed run"),
    "bomb": (adding("models/best_ema.keras", bytes(1 << 24)), "more than a packed run"),
    "method": (lambda p, m: m.update(method=zipfile.ZIP_LZMA), "that `pack` does not use"),
    "later run": (configured(format=3), "install a newer one"),
    "place": (configured(checkpoint_dir="/etc"), "a place on another machine"),
    "table": (adding("metrics.csv", b"epoch\nx\n"), "metrics.csv is damaged"),
    "no checkpoint": (without_checkpoint, "it holds no checkpoint"),
    "bad checkpoint": (adding("checkpoints/step-000000000/state.index"), "is complete"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_are_no_packed_runs_are_refused(name, file, tmp_path):
    change, words = REFUSED[name]
    rewrite(file, change)
    with pytest.raises(InputError) as refused:
        packing.unpack(file, tmp_path / "new" / "run")
    assert words in str(refused.value)
    assert str(file) in str(refused.value)
    assert [path.name for path in tmp_path.rglob("*")] in (["file", "new"], ["new", "file"])


def test_damaged_files_are_refused(file, tmp_path):
    content = bytearray(file.read_bytes())
    rng = np.random.default_rng(0)
    damaged = [content[:size] for size in rng.integers(0, len(content), 20)]
    for place in rng.integers(0, len(content), 60):
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(rng.integers(8))
        damaged.append(flipped)
    for number, one in enumerate(damaged):
        file.write_bytes(one)
        with contextlib.suppress(InputError):
            packing.unpack(file, tmp_path / f"unpacked {number}")
    # Some bits are read by nothing, such as those of a date; then all is there.
    unpacked = list(tmp_path.glob("unpacked*"))
    assert len(unpacked) < 20
    for folder in unpacked:
        assert checkpoints.newest(folder / "checkpoints") is not None
    assert not list(tmp_path.glob(".*"))
