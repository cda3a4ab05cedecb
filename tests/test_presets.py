"""Presets: built-in ones, those of runs and models, hubs, and those that must not be loaded."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import types
import zipfile
from concurrent import futures
from pathlib import Path

import keras
import numpy as np
import pytest
import small
import yaml
from PIL import Image

import export.__main__
import export.serve
import keras_gan
from keras_gan import GAN, InputError, Run, figures, networks, presets, priors, recipes
from keras_gan.core.files import new_folder
from keras_gan.experiment import run as runs
from keras_gan.experiment.working_copy import working_copy
from keras_gan.training import model_files, run_config

BUILT_IN = Path(presets.__file__).parent
FILES = {
    *("README.md", "SHA256SUMS", "config.json", "evaluation.json", "metrics.csv"),
    *("models/last.keras", "samples.npz", "samples.png"),
}


def files_of(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def front_matter(folder: Path) -> dict:
    _, text, _ = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(text)


def image_gan(activation="sigmoid") -> GAN:
    """A small model of images 8x8, untrained."""
    generator = networks.mlp_generator(
        4, (8, 8, 1), hidden=[(6, "relu")], output_activation=activation, irange=0.5, seed=0
    )
    discriminator = networks.maxout_discriminator((8, 8, 1), units=4, depth=1, seed=1)
    return GAN(generator, discriminator, priors.Uniform(4), ema=0.9)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A finished run of the recipe digits, with EMA weights of their own, measured."""
    path = tmp_path_factory.mktemp("runs") / "digits"
    identity = {"recipe": "digits", "dataset": "digits", "seed": 0, "data": "51678b0d621d3534"}
    facts = {
        "recipe": "digits",
        "settings": {"dataset": "digits"},
        "preprocessing": {"name": "unit_range"},
        "example_shape": [8, 8, 1],
        "provenance": "digits of /home/someone/pictures",
        "data_dir": "/data",
        "dataset": "digits",
    }
    runs.Run.create_or_open(path, identity, facts)
    made = Run.open(path)
    gan = image_gan()
    gan.ema_generator.set_weights([w / 2 for w in gan.generator.get_weights()])
    made.save_models(gan, epochs=3)
    made.save_best("best", gan.generator)
    made.metrics_file.write_text("epoch,val_log_likelihood\n0,1.0\n1,7.0\n2,\n")
    evaluation = json.loads((BUILT_IN / "digits" / "evaluation.json").read_text())["last"]
    evaluation["run"]["epochs"] = 3
    (path / "evaluation.json").write_text(json.dumps({"ema": evaluation}))
    return made


@pytest.fixture(scope="module")
def made(run, tmp_path_factory) -> Path:
    return run.to_preset(tmp_path_factory.mktemp("presets") / "mine", "ema").path


@pytest.fixture
def preset(made, tmp_path) -> Path:
    """A copy of it, to be changed."""
    return shutil.copytree(made, tmp_path / "mine")


# ---------------------------------------------------------------------------- built in


def test_a_preset_answers_to_the_weights_that_it_was_made_from():
    run = Run.open("digits")
    np.testing.assert_array_equal(run.samples(2, weights="ema"), run.samples(2))
    with pytest.raises(InputError, match="is a preset, whose only weights are 'last'"):
        run.samples(2, weights="best")


def test_all_built_in_presets_have_a_line_each():
    assert set(GAN.presets) == {path.parent.name for path in BUILT_IN.glob("*/config.json")}
    assert all("\n" not in line for line in GAN.presets.values())


@pytest.mark.parametrize("name", sorted(GAN.presets))
def test_a_built_in_preset_gives_its_samples_again(name):
    folder = BUILT_IN / name
    assert files_of(folder) == FILES
    samples = presets.samples(folder)
    gan = GAN.from_preset(name)
    assert not gan.compiled
    examples = gan.generate(40, int(samples["seed"]), condition=samples.get("condition"))
    np.testing.assert_allclose(examples, samples["examples"], rtol=0, atol=1e-5)
    (row,) = front_matter(folder)["model-index"][0]["results"]
    assert row["metrics"][0]["args"].keys() == {"floor", "protocol"}
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 10e6


def test_a_built_in_preset_samples_like_its_data():
    digits = Run.open("digits")
    data = recipes.data_of(digits).train.x
    images = digits.samples(1000)
    assert np.abs(images.mean(axis=0) - data.mean(axis=0)).max() < 0.2


def test_the_package_is_light():
    code = "import sys, keras_gan.presets; print({'keras', 'tensorflow'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"


# ------------------------------------------------------------------------ of runs, of models


def test_a_preset_is_the_run_but_for_rounding(run, made):
    assert files_of(made) == FILES
    small_run, gan = Run.open(made), run.gan()
    for network, own in (
        (small_run.generator(), gan.ema_generator),
        (small_run.gan().discriminator, gan.discriminator),
    ):
        for half, whole in zip(network.get_weights(), own.get_weights(), strict=True):
            np.testing.assert_array_equal(half, whole.astype(np.float16))
    about = small_run.config["preset"]
    assert about["weights"] == "ema"
    moved = np.abs(small_run.samples(40) - run.samples(40, 0, "ema")).max()
    assert moved == pytest.approx(about["largest_difference"], rel=1e-3)
    assert json.loads((made / "evaluation.json").read_text()).keys() == {"last"}
    assert small_run.config["provenance"] == "digits of pictures"
    assert small_run.config["data_dir"] is None
    assert small_run.epochs_done == 3
    assert recipes.data_of(small_run).name == "digits"
    with pytest.raises(InputError, match="without the state from which training continues"):
        runs.Run.create_or_open(made, run.identity, {})


PLACE = "/home/anna/Acme secret, client/my data/points.npy"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (f"{PLACE}; a tenth for tests", "points.npy; a tenth for tests"),
        (f"--dataset '{PLACE}' --size 32", "--dataset 'points.npy' --size 32"),
        ("file:///home/anna/x/y.zip, data:/mnt/secret/x", "y.zip, data:x"),
        ("~/private/x and 1/10 of https://x.org/a/b", "x and 1/10 of https://x.org/a/b"),
        ("https://x.org/a/points.npy", "https://x.org/a/points.npy"),
        ("train / test, of a/points.npy", "train / test, of a/points.npy"),
    ],
)
def test_folders_of_absolute_paths_are_removed(text, cleaned):
    """Where the value or its configuration has the place of the data, or just their name."""
    place, name = {"settings": {"dataset": PLACE}}, {"run": {"dataset": "points.npy"}}
    for about in (place, name):
        assert presets.without_folders({**about, "text": [text]})["text"] == [cleaned]
        assert presets.without_folders({"text": text}, about) == {"text": cleaned}
    assert presets.without_folders(place) == {"settings": {"dataset": "points.npy"}}
    other = PLACE.replace("points.npy", "labels.csv")
    assert presets.without_folders(other, place) == "labels.csv"
    assert presets.without_folders([None, 1, "/x/y z"]) == [None, 1, "y z"]


def test_the_checksums_are_those_of_sha256sum(made):
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=made, check=True)


def test_the_best_epoch_is_that_of_the_number_which_chose_it(run, tmp_path):
    table = "epoch,val_log_likelihood,val_log_likelihood_ema{}\n0,1,4{}\n1,3,2{}\n2,2,1{}\n"
    copy = Run.open(shutil.copytree(run.path, tmp_path / "run"))
    for columns, raw, ema in (
        (("", "", "", ""), 2, 1),
        ((",val_frechet_distance", ",9", ",7", ",5"), 3, 3),
    ):
        copy.metrics_file.write_text(table.format(*columns))
        assert (copy.epoch_of("best"), copy.epoch_of("best_ema")) == (raw, ema)
    copy.metrics_file.write_text("epoch,val_log_likelihood\n7,1\n8,3\n")  # the others are lost
    assert copy.epoch_of("best") == 9


def test_the_weights_of_the_best_epoch(run, tmp_path):
    best = run.to_preset(tmp_path / "best", "best", license="mit")
    assert (best.config["preset"]["weights"], best.config["preset"]["epoch"]) == ("best", 2)
    assert not (best.path / "evaluation.json").exists()  # of these weights there is none
    assert front_matter(best.path)["license"] == "mit"
    assert "model-index" not in front_matter(best.path)
    with pytest.raises(InputError, match="exists"):
        run.to_preset(tmp_path / "best")
    with pytest.raises(InputError, match="no best_ema model"):
        run.to_preset(tmp_path / "other", "best_ema")
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_the_card_of_a_run(made):
    text = (made / "README.md").read_text(encoding="utf-8")
    head = front_matter(made)
    assert head["pipeline_tag"] == "unconditional-image-generation"
    assert head["datasets"] == ["digits"]
    (row,) = head["model-index"][0]["results"]
    frechet = row["metrics"][0]
    assert frechet["type"] == "frechet_distance"
    assert frechet["value"] > frechet["args"]["floor"]
    for part in (
        'GAN.from_preset("./mine")',
        "keras-gan serve ./mine",
        "keras-gan train --recipe digits",
        "Fingerprint `51678b0d621d3534`",
        "| Frechet distance |",
        "## Limitations",
    ):
        assert part in text
    assert "/home" not in text
    with Image.open(made / "samples.png") as picture:
        assert picture.size == (8 * 50 + 2, 5 * 50 + 2)


def test_a_model_as_a_preset(tmp_path):
    gan = small.conditional_gan()
    gan.save_to_preset(tmp_path / "p", ema=True, preprocessing=keras_gan.data.UnitRange())
    assert files_of(tmp_path / "p") == FILES - {
        *("README.md", "evaluation.json", "metrics.csv", "samples.png")
    }
    samples = presets.samples(tmp_path / "p")
    np.testing.assert_array_equal(samples["condition"], np.arange(40) % small.CLASSES)
    loaded = GAN.from_preset(tmp_path / "p")
    assert loaded.condition.count == small.CLASSES
    examples = loaded.generate(40, condition=samples["condition"])
    np.testing.assert_array_equal(examples, samples["examples"])
    np.testing.assert_allclose(
        examples, gan.generate(40, condition=samples["condition"], ema=True), atol=1e-3
    )
    opened = Run.open(tmp_path / "p")
    assert opened.preprocessing.name == "unit_range"
    with small.refused("names its preprocessing, unit_range; leave out --preprocessing"):
        Run.open(tmp_path / "p", preprocessing="symmetric_range")
    assert opened.config["condition"]["name"] == "classes"
    with pytest.raises(InputError, match=r"does not name the data .* --dataset"):
        recipes.data_of(opened)


def test_a_model_of_mixed_precision_as_a_preset(tmp_path):
    """In bfloat16 the samples, which a preset promises to 1e-5, would depend on the processor."""
    with small.policy("mixed_bfloat16"):
        gan = small.conditional_gan()
    assert {"bfloat16"} & {layer.compute_dtype for layer in gan.generator.layers}
    gan.save_to_preset(tmp_path / "p")
    loaded = GAN.from_preset(tmp_path / "p")
    for network in (loaded.generator, loaded.discriminator):
        assert {"bfloat16"}.isdisjoint(layer.compute_dtype for layer in network.layers)
    labels = presets.samples(tmp_path / "p")["condition"]
    pair = (model.generate(40, condition=labels) for model in (gan, loaded))
    np.testing.assert_allclose(*pair, atol=2e-2)


def test_models_that_no_preset_can_hold(tmp_path):
    gan = image_gan("linear")
    with pytest.raises(InputError, match="no EMA"):
        GAN(gan.generator, gan.discriminator, gan.prior).save_to_preset(tmp_path / "p", ema=True)
    with pytest.raises(InputError, match="an array of numbers"):
        small.inpainting_gan().save_to_preset(
            tmp_path / "p",
            condition={"known": np.zeros((6, 4, 1)), "mask": np.zeros((6, 4), bool)},
        )
    for given in ("unit_range", keras_gan.data.UnitRange):  # a name, a class
        with small.refused("object of keras_gan.data, such as keras_gan.data.UnitRange()"):
            gan.save_to_preset(tmp_path / "p", preprocessing=given)

    class NotRegistered(keras.layers.Layer):
        """A layer that Keras cannot find."""

        def call(self, x):
            return x

    class GANOfMine(GAN):
        """A GAN that Keras cannot find."""

    generator = keras.Sequential([*gan.generator.layers, NotRegistered()])
    for unknown in (
        GAN(generator, gan.discriminator, gan.prior),
        GANOfMine(gan.generator, gan.discriminator, gan.prior),
    ):
        with small.refused("Could not locate class '(NotRegistered|GANOfMine)'; decorate it"):
            unknown.save_to_preset(tmp_path / "p")
    gan.generator.set_weights([np.full_like(w, 1e6) for w in gan.generator.get_weights()])
    with pytest.raises(InputError, match="float16"):
        gan.save_to_preset(tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_weights_that_float16_makes_infinite_are_refused(network, tmp_path):
    """In no sample would they be seen: those of a variance, or of D."""
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(64),
            keras.layers.Reshape((8, 8, 1)),
        ]
    )
    gan = GAN(generator, image_gan().discriminator, priors.Uniform(4))
    weight = getattr(gan, network).weights[-1 if network == "discriminator" else 3]
    weight.assign(np.full(weight.shape, 9e4))
    with small.refused(rf"float16.*Received: 9e\+04 in the array /{network}/"):
        gan.save_to_preset(tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------------- handles


def test_a_name_that_no_preset_has():
    with pytest.raises(InputError, match=r"is not a preset.*digits, mnist"):
        GAN.from_preset("no_such")
    with pytest.raises(InputError, match="unknown preset 'gs://bucket/x'"):
        GAN.from_preset("gs://bucket/x")
    with pytest.raises(InputError, match=r"not a run directory.*Built-in presets: digits"):
        Run.open("no_such")


def test_a_run_is_not_a_preset(run):
    with pytest.raises(InputError, match=r"keras_gan.Run.open opens a run"):
        GAN.from_preset(run.path)


@pytest.mark.parametrize(
    ("handle", "package"),
    [("hf://user/name", "huggingface_hub"), ("kaggle://user/m/keras/name", "kagglehub")],
    ids=["hf", "kaggle"],
)
def test_a_hub_without_its_package(handle, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"needs the package {package}; install it: pip install"):
        GAN.from_preset(handle)


@pytest.mark.parametrize("handle", ["hf://name", "hf://user/../x", "kaggle://user/m", "hf://u/n/x"])
def test_a_hub_of_another_form(handle):
    with pytest.raises(InputError, match="has the form"):
        GAN.from_preset(handle)


@pytest.fixture
def hub(monkeypatch, made):
    """Stand-ins for both packages, which know one preset."""

    def snapshot_download(repo_id, *, local_dir, allow_patterns):
        if repo_id != "user/name":
            raise RuntimeError("404 Client Error\nmore")
        folder = Path(local_dir)
        folder.mkdir(parents=True, exist_ok=True)
        for name in set(allow_patterns) & files_of(hub.source):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(hub.source / name, folder / name)
        return str(folder)

    def model_download(handle):
        assert handle == "user/m/keras/name/1"
        return str(made)

    hub = types.SimpleNamespace(snapshot_download=snapshot_download, model_download=model_download)
    hub.source = made
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    return hub


def test_hubs(hub, run, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_GAN_CACHE", str(tmp_path / "cache"))
    expected = run.samples(4, 0, "ema")
    for handle in ("hf://user/name", "kaggle://user/m/keras/name/1"):
        np.testing.assert_allclose(GAN.from_preset(handle).generate(4), expected, atol=1e-2)
    opened = Run.open("hf://user/name")
    assert opened.path == tmp_path / "cache" / "presets" / "user" / "name"
    assert not (opened.path / "README.md").exists()
    with pytest.raises(InputError, match=r"user/other cannot be downloaded: 404 Client Error$"):
        GAN.from_preset("hf://user/other")


def test_a_later_revision_with_fewer_files(hub, made, monkeypatch, tmp_path):
    """The package of the hub leaves the files of earlier revisions where they are."""
    monkeypatch.setenv("KERAS_GAN_CACHE", str(tmp_path))
    stale = tmp_path / "presets" / "user" / "name" / "evaluation.json"
    assert GAN.from_preset("hf://user/name")
    assert stale.is_file()
    hub.source = shutil.copytree(made, tmp_path / "later")
    (hub.source / "evaluation.json").unlink()
    presets.seal(hub.source)
    assert GAN.from_preset("hf://user/name")
    assert not stale.exists()


# ------------------------------------------------------------------------- from strangers


def changed(preset: Path, change: str, mark: Path) -> None:
    """Makes a preset one that nobody should load, with checksums that fit where it can."""
    if change == "recipe file":
        (preset / "evil.py").write_text(f"open({str(mark)!r}, 'w').close()")
        config = json.loads((preset / "config.json").read_text())
        config["recipe"] = str(preset / "evil.py")
        (preset / "config.json").write_text(json.dumps(config))
    elif change == "Lambda layer":
        gan = image_gan()
        layer = keras.layers.Lambda(lambda x, mark=str(mark): (open(mark, "w").close(), x)[1])
        out = layer(gan.generator.outputs[0])
        generator = keras.Model(gan.generator.inputs, out)
        mark.unlink(missing_ok=True)  # it ran here
        GAN(generator, gan.discriminator, gan.prior).save(preset / "models" / "last.keras")
        mark.unlink(missing_ok=True)
    elif change == "pickled array":
        np.savez(preset / "samples.npz", examples=np.array([Touch(mark)], dtype=object))
    elif change == "format":
        (preset / "config.json").write_text('{"format": 3}')
    elif change == "text as samples":
        (preset / "samples.npz").write_text("numbers")
    elif change == "an array as samples":
        with (preset / "samples.npz").open("wb") as file:
            np.save(file, np.zeros(3))
    elif change == "damaged samples":
        np.savez_compressed(preset / "samples.npz", examples=np.zeros(300))
        content = bytearray((preset / "samples.npz").read_bytes())
        content[64:80] = b"\xff" * 16
        (preset / "samples.npz").write_bytes(content)
    presets.seal(preset)
    if change == "checksum":
        (preset / "metrics.csv").write_text("epoch\n")
    elif change == "file without checksum":
        sums = (preset / "SHA256SUMS").read_text().splitlines(keepends=True)
        (preset / "SHA256SUMS").write_text("".join(s for s in sums if "samples.npz" not in s))
    elif change == "no model":
        (preset / "models" / "last.keras").unlink()
    elif change == "link to a file":
        (preset / "evaluation.json").rename(preset.parent / "secret.json")
        (preset / "evaluation.json").symlink_to(preset.parent / "secret.json")
    elif change == "link to a folder":
        (preset / "models").rename(preset.parent / "models")
        (preset / "models").symlink_to(preset.parent / "models")
    elif change == "link as checksums":
        (preset / "SHA256SUMS").rename(preset.parent / "sums")
        (preset / "SHA256SUMS").symlink_to(preset.parent / "sums")
    elif change == "pipe":
        (preset / "samples.npz").unlink()
        os.mkfifo(preset / "samples.npz")
    elif change == "other text as checksums":
        (preset / "SHA256SUMS").write_bytes(b"\xff\n")


class Touch:
    """An object that makes a file when it is unpickled."""

    def __init__(self, file: Path):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("recipe file", "it names the recipe file .*evil.py, which may contain any Python code"),
        ("Lambda layer", "it holds a Lambda layer, which may run any code"),
        ("pickled array", "samples.npz cannot be read as arrays of numbers: Object arrays"),
        ("text as samples", "samples.npz cannot be read as arrays of numbers"),
        ("an array as samples", "samples.npz cannot be read as arrays of numbers"),
        ("damaged samples", "samples.npz cannot be read as arrays of numbers"),
        ("format", "has format 3; this version of keras_gan reads 2"),
        ("checksum", "metrics.csv is not the file that SHA256SUMS describes"),
        ("file without checksum", "samples.npz is not the file that SHA256SUMS describes"),
        ("no model", "is not a preset: it has no file models/last.keras"),
        ("link to a file", "evaluation.json is a link, and a preset has none"),
        ("link to a folder", "last.keras is a link, and a preset has none"),
        ("link as checksums", "SHA256SUMS is a link"),
        ("pipe", "has no file samples.npz"),
        ("other text as checksums", "SHA256SUMS cannot be read as a list of checksums"),
    ],
)
def test_what_is_not_loaded(change, why, preset, tmp_path):
    mark = tmp_path / "mark"
    changed(preset, change, mark)
    with pytest.raises(InputError, match=why) as refused:
        GAN.from_preset(preset)
    assert "\n" not in str(refused.value)
    if change != "Lambda layer":  # a run reads its model when it is used
        with pytest.raises(InputError, match=why):
            Run.open(preset, trust_recipe=True)
    assert not mark.exists()


def test_other_files_of_a_preset_may_be_changed(preset):
    (preset / "README.md").write_text("another card")
    (preset / "LICENSE").write_text("a license")
    (preset / ".gitattributes").symlink_to("elsewhere")
    GAN.from_preset(preset)


# ------------------------------------------------------------------- commands on presets


def test_results_of_a_preset_go_to_a_copy(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = files_of(BUILT_IN / "digits")
    assert figures.main(["digits", "--rows", "1"]) == 0
    assert "results go to runs/digits, a copy of" in capsys.readouterr().out
    assert files_of(BUILT_IN / "digits") == before
    assert (tmp_path / "runs" / "digits" / "figures" / "figure_3.png").is_file()
    copy = working_copy(Run.open("digits"))
    assert copy.path == Path("runs/digits")
    assert working_copy(Run.open("runs/digits")).path == copy.path
    assert {"metrics.csv", "evaluation.json"} <= files_of(copy.path)
    # Another command makes the copy at the same time.
    shutil.move(copy.path, "made")
    with futures.ThreadPoolExecutor() as threads:
        with new_folder(copy.path) as folder:
            later = threads.submit(working_copy, Run.open("digits"))
            futures.wait([later], timeout=0.1)
            shutil.copytree("made", folder, dirs_exist_ok=True)
        assert later.result().path == copy.path
    (copy.path / "config.json").write_text(json.dumps({**copy.config, "copied": "other"}))
    with pytest.raises(InputError, match="something else is there"):
        working_copy(Run.open("digits"))
    with pytest.raises(InputError, match="names its data"):
        Run.open("digits", dataset="mnist")


def test_a_keras_file(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    gan = image_gan()
    gan.save("mine.keras")
    opened = Run.open("mine.keras")
    np.testing.assert_array_equal(opened.samples(3), gan.generate(3))
    assert opened.preprocessing.name == "identity"
    with pytest.raises(InputError, match="runs/mine does not name the data"):
        recipes.data_of(working_copy(opened))
    named = Run.open("mine.keras", dataset="digits", preprocessing="unit_range")
    assert recipes.data_of(working_copy(named)).name == "digits"
    assert recipes.data_of(working_copy(opened)).name == "digits"  # it was named before
    with pytest.raises(InputError, match="something else is there"):
        working_copy(Run.open("mine.keras", dataset="mnist"))
    assert Run.open(run.model_file("last")).path == run.path
    gan.generator.save("generator.keras")
    with pytest.raises(InputError, match=r"holds no keras_gan.GAN"):
        Run.open("generator.keras")


def test_a_preset_of_a_keras_file_names_no_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image_gan().save("mine.keras")
    place = Run.open("mine.keras").to_preset("mnist").path
    assert place == tmp_path / "mnist"  # and not the built-in preset
    with pytest.raises(InputError, match="does not name the data"):
        recipes.data_of(Run.open(place))
    named = {"dataset": "digits", "preprocessing": "unit_range"}
    assert recipes.data_of(Run.open(place, **named)).name == "digits"
    copy = working_copy(Run.open("mine.keras", **named))
    preset = Run.open(copy.path).to_preset("named")
    assert recipes.data_of(preset).name == "digits"
    assert "keras-gan train" not in (preset.path / "README.md").read_text(encoding="utf-8")


def test_the_data_of_a_keras_file_get_its_size(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image_gan().save("mine.keras")
    colors = np.random.default_rng(0).integers(0, 256, (12, 20, 16, 3), np.uint8)
    small.write_pictures(tmp_path / "photos", colors)
    named = Run.open("mine.keras", dataset="photos/", preprocessing="unit_range")
    found = recipes.data_of(named)
    assert found.element_shape == (8, 8, 1)


def test_export_takes_a_preset_and_a_keras_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    image_gan().save("mine (1).keras")
    onnx = ["--formats", "onnx", "--output", "exports"]
    assert export.__main__.main(["digits", *onnx]) == 0
    assert export.__main__.main(["mine (1).keras", "--preprocessing", "unit_range", *onnx]) == 0
    described = {
        name: json.loads(Path("exports", name, "1", "assets.extra", "metadata.json").read_text())
        for name in ("digits", "mine__1_")
    }
    assert described["digits"]["weights"] == "ema"
    assert described["mine__1_"]["images"]["range"] == [0, 1]
    assert described["mine__1_"]["training"]["data"] is None
    assert capsys.readouterr().err == ""
    assert export.__main__.main(["mine (1).keras", *onnx]) == 0
    assert "exported as points" in capsys.readouterr().err


def test_serve_exports_a_model_first(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    calls = []
    monkeypatch.setattr(export.serve, "serve", lambda argv: calls.append(argv) or 0)

    commands = []

    def run_command(command, **options):
        commands.append(command)
        name, output = command[4], Path(command[6])
        (output / Path(name).stem / "1").mkdir(parents=True)
        return types.SimpleNamespace(returncode=2 if name == "no.keras" else 0)

    monkeypatch.setattr(export.serve.subprocess, "run", run_command)
    (tmp_path / "mnist").mkdir()  # a directory of exports, whatever its name
    for model in ("mnist", "client", "exports", "--help"):
        assert export.serve.main([model, "--port=0"]) == 0
        assert calls.pop() == [model, "--port=0"]
    for model in ("digits", str(run.path), "mine.keras", "hf://user/name"):
        assert export.serve.main([model, "--port=0"]) == 0
        folder, *rest = calls.pop()
        assert rest == ["--port=0"]
        assert not Path(folder).exists()  # any more
    assert export.serve.main(["no.keras"]) == 2
    assert calls == []
    given = ["--preprocessing=symmetric_range", "--truncation=", "--trust-recipe"]
    # An empty one too: `export` refuses it.
    assert export.serve.main(["mine.keras", "--weights", "ema", *given, "--port=0"]) == 0
    assert calls.pop()[1:] == ["--port=0"]
    assert {"--weights=ema", *given} <= set(commands[-1])


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_serve_ended_by_a_signal_leaves_no_export(monkeypatch, number, ignored):
    folders = []
    handlers = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(
        signal, "getsignal", lambda _: signal.SIG_IGN if ignored else signal.SIG_DFL
    )

    def run_command(command, **options):
        folders.append(Path(command[6]))
        assert folders[0].is_dir()
        if number not in handlers:  # ignored, as nohup does
            return types.SimpleNamespace(returncode=7)
        return handlers[number](number, None)

    monkeypatch.setattr(export.serve.subprocess, "run", run_command)
    with pytest.raises(SystemExit) as ended:
        sys.exit(export.serve.main(["digits", "--port=0"]))
    assert ended.value.code == (7 if ignored else 128 + number)
    assert not folders[0].exists()


def test_halving_keeps_other_types(tmp_path):
    with small.policy("bfloat16"):
        discriminator = image_gan().discriminator
    gan = GAN(image_gan().generator, discriminator, priors.Uniform(4))
    gan.step.assign(123_456_789)
    gan.save(tmp_path / "gan.keras")
    model_files.halve(tmp_path / "gan.keras")
    loaded = model_files.load(tmp_path / "gan.keras")
    assert int(loaded.step) == 123_456_789
    assert loaded.generator.weights[0].dtype == "float32"
    assert "bfloat16" in {weight.dtype for weight in discriminator.weights}
    for one, other in zip(loaded.discriminator.weights, discriminator.weights, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, atol=1e-3)
    with zipfile.ZipFile(tmp_path / "gan.keras") as archive:
        assert "model.weights.h5" in archive.namelist()
    assert run_config.FORMAT == 2
