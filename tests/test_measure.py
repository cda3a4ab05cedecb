"""`keras-gan measure` and `reference`: any two sets of pictures, by the features of a network."""

import json
import re

import numpy as np
import pytest
from PIL import Image

import keras_gan
from keras_gan import data, measure, networks, priors, train
from keras_gan.cli import results
from keras_gan.evaluation import distances, features
from keras_gan.experiment.picture_sets import Features, Stored
from keras_gan.experiment.run import Run


class Colors:
    """A network whose features are the means of the pictures' columns, rows and channels."""

    name, weights, resizing = "colors", "0" * 64, "not at all"

    def features(self, images):
        x = np.asarray(images)
        x = (x / 255 if x.dtype == np.uint8 else x).astype(np.float32)
        assert len(x) <= 1000
        return np.concatenate([x.mean(axis=(1, 3)), x.mean(axis=(2, 3))], axis=1)


@pytest.fixture(autouse=True)
def network(monkeypatch):
    known = {"colors": Colors(), measure._DEFAULT: Colors()}
    monkeypatch.setattr(features, "load", lambda name, strategy: known[name])


def pictures(n, size=8, seed=0, shift=0):
    x = np.random.default_rng(seed).integers(0, 200, [n, size, size, 3]) + shift
    return x.astype(np.uint8)


def folder(path, x):
    path.mkdir()
    for i, picture in enumerate(x):
        Image.fromarray(picture).save(path / f"{i}.png")
    return path


def run(command, *arguments):
    return command([str(argument) for argument in arguments])


def measured(tmp_path, *arguments):
    file = tmp_path / "distances.json"
    assert run(measure.measure, *arguments, "--output", file) == 0
    return json.loads(file.read_text())


def test_with_fewer_others_the_set_is_measured_with_their_number_too(tmp_path, capsys):
    """Distances of few pictures are larger: one half of the real ones equals the other."""
    for i, name in enumerate(("a", "b")):
        np.save(tmp_path / f"{name}.npy", pictures(40, seed=i))
    found = measured(tmp_path, tmp_path / "a.npy", tmp_path / "b.npy")
    name = str(tmp_path / "a.npy")
    assert found[name]["frechet"]["n_generated"] == 40
    fewer, floor = found[f"of {name}"], found["others of the real pictures"]
    assert fewer["frechet"]["n_generated"] == floor["frechet"]["n_generated"] == 20
    assert fewer["frechet"]["distance"] > found[name]["frechet"]["distance"]
    assert "20 of " in " ".join(capsys.readouterr().out.split())


def test_brackets_in_names_are_no_markup(capsys):
    x = np.random.default_rng(0).random((12, 3))
    found = {name: distances.compare(x, x + 1) for name in ("[old]", "b[/c]")}
    results.show_distances({"features": "f", **found}, "pictures")
    shown = capsys.readouterr().out
    assert "[old]" in shown
    assert "b[/c]" in shown


def test_long_names_are_not_cut_in_narrow_terminals_and_files(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    x = np.random.default_rng(0).random((12, 3))
    name = "/home/me/pictures/" + "abcdefghij" * 4
    results.show_distances({"features": "f", name: distances.compare(x, x + 1)}, "pictures")
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert name.replace("/", "") in re.sub(r"[^a-z]", "", shown)


def test_outputs_that_are_folders_are_refused_before_any_work(tmp_path, capsys):
    np.save(tmp_path / "a.npy", pictures(20))
    for command in (measure.measure, measure.reference):
        (tmp_path / "out.npz").mkdir(exist_ok=True)
        sets = [tmp_path / "a.npy"] * (2 if command is measure.measure else 1)
        assert run(command, *sets, "--output", tmp_path / "out.npz") == 2
        assert "--output must be a file" in capsys.readouterr().err


@pytest.mark.parametrize("linked", [False, True])
def test_outputs_replace_no_pictures_that_are_read(tmp_path, capsys, linked):
    file, output = tmp_path / "a.npz", tmp_path / "b.npz"
    np.savez(file, x_train=pictures(20))
    before = file.read_bytes()
    output = output if linked else file
    if linked:
        output.symlink_to(file)
    for command, sets in ((measure.measure, [file, file]), (measure.reference, [file])):
        assert run(command, *sets, "--output", output) == 2
        message = capsys.readouterr().err
        assert f"--output would replace {file}, which is read; choose another file" in message
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("flag", "here"),
    [
        ("--save-stats", "keras-gan reference"),
        ("--device=cuda:0", "--strategy"),
        ("--input1=a/", "SET and REAL, without flags"),
        ("--kid", "no flag: everything is measured"),
        ("--isc", "--features inception_2015:FILE, the network of the Inception Score"),
    ],
)
def test_flags_of_other_packages_are_answered(flag, here, capsys):
    assert run(measure.measure, "a/", "b/", flag) == 2
    error = f"measure: error: unrecognized arguments: {flag}; here it is {here} (see --help)\n"
    assert capsys.readouterr().err == error


def test_a_folder_against_an_array(tmp_path, capsys):
    one, other = pictures(30), pictures(80, seed=1, shift=40)
    samples, real = folder(tmp_path / "samples", one), tmp_path / "real.npy"
    np.save(real, other)
    found = measured(tmp_path, samples, real, "--seed", 3)
    row = found[str(samples)]
    assert row["frechet"]["n_real"] == row["frechet"]["n_generated"] == 30
    # The floor: 30 of the 80 against 30 others of them.
    floor = found["others of the real pictures"]
    assert floor["frechet"]["n_generated"] == 30
    assert floor["frechet"]["distance"] < row["frechet"]["distance"] / 5
    alone = Stored([np.load(real)[:1]], (), "").of(Colors(), 80, 3)
    assert (len(alone.features), len(alone.others)) == (1, 0)
    of_all = Stored([np.load(real)], (), "").of(Colors(), 80, 3)
    sets = (of_all.features[:40], of_all.others)
    mine, others = ({row.tobytes() for row in rows} for rows in sets)
    assert len(mine) == len(others) == 40
    assert not mine & others
    order = np.random.default_rng(3).permutation(80)  # of train, validation and test, joined
    joined = data.load(real)
    joined = np.concatenate([joined.train.x, joined.validation.x, joined.test.x])
    x = Colors().features(joined[np.sort(order[:30])])
    own = data.load(samples)
    y = np.concatenate([own.train.x, own.validation.x, own.test.x])
    expected = distances.frechet_distance(x, Colors().features(y))
    assert row["frechet"]["distance"] == pytest.approx(expected.distance, rel=1e-4)
    assert found["protocol"]["network"] == "colors"
    assert found["protocol"]["size"] == "8x8"
    out = capsys.readouterr().out
    assert "Against 30 real pictures" in out
    assert "seed: 3" in out


def test_a_network_with_classes_gives_the_inception_score(tmp_path, monkeypatch):
    """Here it names the brighter half of a picture; about 2 where both are equally frequent."""

    class Named(Colors):
        def classify(self, found):
            top = found[:, :4].mean(axis=1) > found[:, 4:8].mean(axis=1)
            return np.stack([top, ~top], axis=1).astype(np.float32)

    monkeypatch.setattr(features, "load", lambda name, strategy: Named())
    half = np.zeros([40, 8, 8, 3], np.uint8)
    half[::2, :, :4] = half[1::2, :, 4:] = 200
    np.save(tmp_path / "both.npy", half + pictures(40) // 5)
    np.save(tmp_path / "one.npy", half[:1] + pictures(40, seed=1) // 5)
    found = measured(tmp_path, tmp_path / "one.npy", tmp_path / "both.npy")
    assert found[str(tmp_path / "one.npy")]["inception_score"]["score"] == pytest.approx(1)
    found = measured(tmp_path, tmp_path / "both.npy", tmp_path / "one.npy")
    score = found[str(tmp_path / "both.npy")]["inception_score"]["score"]
    assert score == pytest.approx(2, abs=0.1)


def test_a_set_with_itself_has_no_distance(tmp_path):
    np.save(tmp_path / "x.npy", pictures(40))
    row = measured(tmp_path, tmp_path / "x.npy", tmp_path / "x.npy")[str(tmp_path / "x.npy")]
    assert row["frechet"]["distance"] == pytest.approx(0, abs=1e-6)
    assert row["precision_recall"]["recall"] == 1


def test_a_reference_gives_the_same_numbers(tmp_path, capsys):
    np.save(tmp_path / "x.npy", pictures(40, seed=1))
    np.save(tmp_path / "real.npy", pictures(60))
    directly = measured(tmp_path, tmp_path / "x.npy", tmp_path / "real.npy")
    stored = tmp_path / "real_features.npz"
    assert run(measure.reference, tmp_path / "real.npy", "--output", stored) == 0
    assert "60 pictures, and 30 others: written to" in capsys.readouterr().out
    found = measured(tmp_path, tmp_path / "x.npy", stored)
    assert found["others of the real pictures"]["frechet"]["n_real"] == 30
    assert found["protocol"]["real"] == directly["protocol"]["real"]
    # The 60 are all compared in one order, the 40 of them in another.
    of = Features.load(stored).features
    x = distances.compare(of[:40], Colors().features(pictures(40, seed=1)))
    row = found[str(tmp_path / "x.npy")]
    assert row["frechet"]["distance"] == pytest.approx(x["frechet"]["distance"], rel=1e-3)


def test_a_reference_of_a_reference_is_refused(tmp_path, capsys):
    """It was written again, whatever --samples and --seed asked for."""
    np.save(tmp_path / "real.npy", pictures(40))
    stored, new = tmp_path / "real.npz", tmp_path / "new.npz"
    assert run(measure.reference, tmp_path / "real.npy", "--output", stored) == 0
    assert run(measure.reference, stored, "--samples", "6", "--output", new) == 2
    assert "is a reference already" in capsys.readouterr().err
    assert not new.exists()


@pytest.mark.parametrize("command", [measure.measure, measure.reference])
def test_the_help_names_weights_and_each_default(command, capsys):
    with pytest.raises(SystemExit):
        command(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "best_ema (last)" in text
    assert ("or a reference's" in text) == (command is measure.measure)


def test_the_test_examples_of_a_named_set_read_by_its_training_examples(tmp_path):
    stored = tmp_path / "digits.npz"
    assert run(measure.reference, "digits", "--samples", "100", "--output", stored) == 0
    found = measured(tmp_path, stored, "digits", "--samples", "100")
    assert found[str(stored)]["frechet"]["distance"] == pytest.approx(0, abs=1e-6)
    floor = found["others of the real pictures"]
    assert floor["frechet"]["n_generated"] == 100
    assert floor["frechet"]["distance"] > 0
    assert "test examples of digits" in found["protocol"]["real"]


def test_a_preset_against_the_data_set_of_its_name(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()  # a folder of that name is ./digits
    monkeypatch.chdir(tmp_path)
    found = measured(tmp_path, "digits", "digits", "--samples", "100")
    assert found["protocol"]["measured"] == "digits, last weights, seed 0"
    assert "test examples of digits" in found["protocol"]["real"]
    floor = found["others of the real pictures"]["frechet"]["distance"]
    distance = found["digits"]["frechet"]["distance"]
    assert distance > floor
    found = measured(tmp_path, "digits", "digits", "--samples", "100", "--truncation", "0.2")
    assert found["protocol"]["measured"] == "digits, last weights, seed 0, truncation 0.2"
    assert found["digits"]["frechet"]["distance"] > 2 * distance


def test_samples_of_a_run_at_its_size(tmp_path):
    path = tmp_path / "run"
    quick = ["--epochs", "1", "--likelihood-every", "0", "--recipe", "digits"]
    assert run(train.main, "--run-dir", path, *quick) == 0
    folder(tmp_path / "photos", pictures(20, size=16))
    found = measured(tmp_path, path, tmp_path / "photos")
    assert found["protocol"]["size"] == "8x8"
    row = found[str(path)]
    assert row["frechet"]["n_generated"] == 20
    batches = list(Run.open(path).batches(1500, seed=4))
    assert [len(batch) for batch in batches] == [1000, 500]
    np.testing.assert_array_equal(np.concatenate(batches), Run.open(path).samples(1500, seed=4))


def test_samples_of_a_file_of_a_gan_whose_images_are_in_the_range_told(tmp_path):
    built = networks.for_shape((8, 8, 3), 4, bounded=False)
    keras_gan.GAN(*built, priors.Normal(4)).save(tmp_path / "gan.keras")
    pairs = tmp_path / "gan.keras", folder(tmp_path / "photos", pictures(20))
    found = measured(tmp_path, *pairs, "--preprocessing", "symmetric_range")
    assert found["protocol"]["measured"] == "gan.keras, last weights, seed 0"
    samples = Run.open(pairs[0], preprocessing="symmetric_range").samples(20)
    means = (Colors().features(x).mean(axis=0) for x in (samples, pictures(20)))
    assert found[str(pairs[0])]["frechet"]["distance"] > np.square(np.subtract(*means)).sum()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x.npy", "none.npy"], "there is no file or folder none.npy"),
        (["points.npy", "x.npy"], "points.npy holds points; pictures are compared here"),
        (["x.npy", "x.npy", "--samples", "5"], "must be from 6 to 1000000"),
        (["x.npy", "x.npy", "--output", "no/x.json"], ""),
        (["x.npy", "damaged.npz"], "damaged.npz cannot be read as a file of features"),
        (["x.npy", "other.npz", "--features", "colors"], "features of other with other network"),
        (["large.npz", "other.npz"], "large.npz has 16x16 and other.npz has 8x8"),
        (["x.npy", "large.npz", "--size", "8"], "large.npz, whose pictures have 16x16; leave it"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_compared(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", pictures(20))
    np.save("points.npy", np.zeros([20, 2], np.float32) + np.arange(20)[:, None] / 20)
    x = np.zeros([9, 16], np.float32)
    np.savez("damaged.npz", features=x, others=x, protocol=np.array("{}"))
    protocol = {"origin": "", "network": "other", "weights": "0" * 64, "resizing": "not at all"}
    Features(x, x, {**protocol, "size": (8, 8)}).save(tmp_path / "other.npz")
    Features(x, x, {**protocol, "size": (16, 16), "network": "colors"}).save(tmp_path / "large.npz")
    code = run(measure.measure, *arguments)
    err = capsys.readouterr().err
    assert code == (2 if words else 0)
    assert words in err
    assert err.count("\n") == (1 if words else 0)
