"""Facts of runs, and the report: one file that holds what it shows and runs nothing of a run."""

from __future__ import annotations

import ast
import dataclasses
import html.parser
import json
import re
import shlex
import shutil
import signal
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml
from browsing import axe_findings, chromium

import keras_gan
from keras_gan import conditioning, networks, plotting, priors, report, train
from keras_gan.cli import main as cli
from keras_gan.cli.results import show
from keras_gan.core.errors import InputError
from keras_gan.data import DataSet, Split
from keras_gan.evaluation.collapse import thresholds
from keras_gan.experiment.run import Run
from keras_gan.reporting import card, curves, document, facts, measured, pictures
from keras_gan.reporting.advice import ADVICE

HOSTILE = "<script>alert('run')</script>"
SHAPE, CLASSES = (8, 8, 1), 3
# What `keras-gan evaluate` writes, as far as reports read it.
DISTANCES = {
    "frechet": {"distance": 12.0, "n_generated": 100, "dimension": 64},
    "kid": {"distance": 0.25, "standard_deviation": 0.1, "subsets": 10, "subset_size": 50},
    "precision_recall": {
        **dict.fromkeys(("precision", "recall", "density", "coverage"), 0.75),
        "precision_neighbors": 3,
        "density_neighbors": 5,
        "n_real": 100,
        "n_generated": 100,
    },
    "standard_errors": {"frechet": 0.5, "recall": 0.01},
    "halves": 5,
}
RESULTS = {
    "likelihood": {
        "mean": 100.0,
        "standard_error": 2.0,
        "bandwidth": 0.2,
        "samples": 1000,
        "validation": 100,
        "test": 100,
    },
    "sanity": {"training images": {"mean": 150.0}},
    "distances": {
        "features": "some network",
        "samples": DISTANCES,
        "training examples": {**DISTANCES, "frechet": {"distance": 4.0}},
    },
    "diversity": {"warnings": []},
    "warnings": ["few samples"],
}


def config(**changes) -> dict:
    return {
        "format": 2,
        "identity": {"recipe": "digits", "data": "0123456789abcdef"},
        "recipe": "digits",
        "preprocessing": {"name": "unit_range"},
        "data_dir": None,
        "example_shape": list(SHAPE),
        "provenance": "bundled",
        "versions": {"python": "3.11"},
        "sessions": [{"epochs": 3, "replicas": 2, "processor": "a CPU", "seconds": 90.0}],
        "settings": {"dataset": "digits", "batch_size": 25, "ema_momentum": 0.0},
        "epochs_done": 3,
        **changes,
    }


def make_run(folder: Path, results: dict | None = None, **changes) -> Run:
    """A run as far as reports read it, without models."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config(**changes)))
    (folder / "metrics.csv").write_text("epoch,value,g_loss\n0,-1.5,1.0\n1,-1.4,\n2,-1.3,0.5\n")
    if results is not None:
        (folder / "evaluation.json").write_text(json.dumps(results))
    (folder / "samples").mkdir()
    for epoch in range(4):
        picture = np.full((30, 30, 3), 60 * epoch, np.uint8)
        plotting.save_image(picture, folder / "samples" / f"epoch-{epoch:04d}.png")
    return Run.open(folder)


def with_models(folder: Path, results: dict | None = None, classes: int = 0) -> Run:
    """A finished run of images with small networks."""
    run = make_run(folder, results)
    generator = networks.mlp_generator(
        4 + classes, SHAPE, hidden=[(6, "relu")], output_activation="sigmoid", irange=0.5
    )
    flat = keras.Sequential([keras.Input((64 + classes,)), keras.layers.Dense(1)])
    discriminator: keras.Model = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    arguments = {}
    if classes:
        generator, discriminator = networks.with_classes(generator, flat, SHAPE, classes)
        arguments = {"condition": conditioning.Classes(classes)}
    run.save_models(keras_gan.GAN(generator, discriminator, priors.Uniform(4), **arguments), 3)
    return run


def of_data(run: Run) -> DataSet:
    x = np.random.default_rng(0).random((60, *SHAPE), np.float32)
    splits = (Split(x[rows]) for rows in (slice(40), slice(40, 50), slice(50, 60)))
    return DataSet("noise", *splits, label_names=("zero", "one", HOSTILE))


def no_data(run: Run) -> DataSet:
    raise InputError("the data are gone")


# -------------------------------------------------------------------------------- facts


def test_facts_of_a_measured_run(tmp_path) -> None:
    found = facts.of_run(make_run(tmp_path / "one", {"last": RESULTS}))
    assert (found.recipe, found.data, found.fingerprint) == ("digits", "digits", "0123456789abcdef")
    assert found.shape == SHAPE
    assert found.devices == ("a CPU (strategy default, 2 replicas)",)
    assert found.duration == "90 seconds"
    assert {s.name: (s.value, s.default) for s in found.settings if s.changed} == {
        "epochs": (3, 200),
        "batch_size": (25, 50),
        "ema_momentum": (0.0, 0.995),
    }
    assert found.command == (
        "keras-gan train --recipe digits --epochs 3 --batch-size 25 --ema-momentum 0.0"
    )
    assert found.distance == measured.Number(
        "Frechet distance",
        12.0,
        0.5,
        4.0,
        "100 samples against as many test examples, on some network (64 features); error from 5 "
        "random halves.",
        higher_is_better=False,
    )
    numbers = {number.name: (number.text, number.floor_text) for number in found.numbers}
    assert numbers == {
        "Frechet distance": ("12 ± 0.5", "4"),
        "Kernel distance (KID)": ("0.25", "0.25"),
        "Precision": ("0.75", "0.75"),
        "Recall": ("0.75 ± 0.01", "0.75"),
        "Density": ("0.75", "0.75"),
        "Coverage": ("0.75", "0.75"),
        "Log-likelihood, nats": ("100 ± 2", "150"),
    }
    assert found.notes == ("few samples",)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (30.2, "30 seconds"), (600, "10 minutes"), (7300, "2 h 1 min")],
)
def test_a_duration_in_words(tmp_path, seconds, words) -> None:
    session = {"epochs": 3} if seconds is None else {"epochs": 3, "seconds": seconds}
    found = facts.of_run(make_run(tmp_path / "one", sessions=[session]))
    assert found.duration == words
    assert found.untimed_sessions == (seconds is None)


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("val_frechet_distance", "9,3,5", "best_ema: epoch 2; chosen by the Frechet distance"),
        ("val_log_likelihood_ema", "9,3,15", "best_ema: epoch 3; chosen by the log-likelihood"),
    ],
)
def test_the_best_weights_and_the_number_that_chose_them(tmp_path, column, values, words) -> None:
    run = with_models(tmp_path / "one")
    assert facts.of_run(run).best == ""
    rows = "".join(f"{epoch},{value}\n" for epoch, value in enumerate(values.split(",")))
    (run.path / "metrics.csv").write_text(f"epoch,{column}\n{rows}")
    run.save_best("best_ema", run.generator())
    found = facts.of_run(run).best
    assert found == f"{words} of validation examples"
    document.write([run], tmp_path / "one.html", no_data)
    assert found in (tmp_path / "one.html").read_text()
    run.metrics_file.unlink()  # as the message on a damaged table says
    assert facts.of_run(run).best == ""


def test_the_command_of_another_recipe_names_all_settings_and_quotes_them(tmp_path) -> None:
    settings = {"dataset": "my photos", "gamma": -1.0, "flip": False, "quick": True, "none": None}
    run = make_run(tmp_path / "one", recipe="/gone/mine.py", settings=settings, sessions=[])
    assert facts.of_run(run).command == (
        "keras-gan train --recipe /gone/mine.py --dataset 'my photos' --gamma=-1.0 --no-flip "
        "--quick"
    )


def test_weights_are_those_with_the_smallest_distance(tmp_path) -> None:
    worse = json.loads(json.dumps(RESULTS))
    worse["distances"]["samples"]["frechet"]["distance"] = 99.0
    found = facts.of_run(make_run(tmp_path / "one", {"last": worse, "ema": RESULTS}))
    assert (found.weights, found.distance.value) == ("ema", 12.0)
    assert found.evaluate.endswith("--weights ema")
    assert "weights='ema'" in found.load[2]
    other = json.loads(json.dumps(RESULTS))  # features on another scale, and nearer to the floor
    other["distances"]["samples"]["frechet"]["distance"] = 200.0
    other["distances"]["training examples"]["frechet"]["distance"] = 100.0
    assert (
        facts.of_run(make_run(tmp_path / "scales", {"last": RESULTS, "ema": other})).weights
        == "ema"
    )
    del other["distances"]["training examples"]  # a distance and a ratio are not compared
    nearer = json.loads(json.dumps(other))
    nearer["distances"]["samples"]["frechet"]["distance"] = 1.5
    fewer = json.loads(json.dumps(nearer))
    fewer["distances"]["samples"]["frechet"]["n_generated"] = 10
    for number, (last, ema, best) in enumerate(
        [(RESULTS, nearer, "ema"), (RESULTS, fewer, "last"), (other, nearer, "ema")]
    ):
        of = make_run(tmp_path / f"{number}", {"ema": ema, "last": last})
        assert facts.of_run(of).weights == best
    settings = {"ema_momentum": 0.9}
    assert facts.of_run(make_run(tmp_path / "two", settings=settings)).weights == "ema"


def test_numbers_from_before_a_run_was_continued_are_left_out(tmp_path, monkeypatch) -> None:
    results = {
        weights: {**RESULTS, "run": {"epochs": epochs}}
        for weights, epochs in (("last", 1), ("ema", 3))
    }
    found = facts.of_run(make_run(tmp_path / "both", results))
    assert (found.measured, found.weights) == (True, "ema")
    run = make_run(tmp_path / "one", {"last": results["last"]})
    found = facts.of_run(run)
    assert (found.measured, found.numbers) == (False, ())
    for epoch, finished, kept in ((1, True, 0), (2, True, 1), (1, False, 1)):
        warning = {"name": "gaps", "message": "there are gaps"}
        content = json.dumps({"epoch": epoch, "warnings": [warning]})
        (run.path / "warnings.json").write_text(content)
        monkeypatch.setattr(Run, "finished", finished)
        assert len(facts.of_run(run).warnings) == kept


def test_a_finished_run_that_is_continued_is_followed(tmp_path, monkeypatch) -> None:
    sessions = [{"epochs": 2, "seconds": 9.0}, {"epochs": 9}]
    entry = {**RESULTS, "run": {"epochs": 2}}
    run = make_run(tmp_path / "one", {"last": entry}, sessions=sessions, epochs_done=2)
    monkeypatch.setattr(Run, "finished", True)
    assert (facts.of_run(run).finished, facts.of_run(run).epochs) == (True, 2)
    found = facts.of_run(run, following=True)
    assert (found.finished, found.measured) == (False, False)
    assert "3 of 9 epochs are done" in found.verdict
    assert found.verdict in document.render_files(run, "state")


@pytest.mark.parametrize("file", ["evaluation.json", "config.json", "warnings.json"])
def test_a_damaged_file_is_one_line(tmp_path, file) -> None:
    run = make_run(tmp_path / "one")
    content = config(sessions=[1]) if file == "config.json" else {"last": [], "warnings": [1]}
    (run.path / file).write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"is damaged \([^\n]+\); move it away"):
        facts.of_run(Run.open(run.path))


def verdict(**changes) -> str:
    entries = dict.fromkeys(field.name for field in dataclasses.fields(facts.Facts))
    usual = {"finished": True, "measured": True, "warnings": (), "numbers": ()}
    return facts.Facts(**{**entries, **usual, **changes}).verdict


def distance(value: float, floor: float | None) -> tuple[measured.Number]:
    return (measured.Number("Frechet distance", value, None, floor, "", higher_is_better=False),)


def test_the_verdict_is_one_sentence() -> None:
    warnings = [facts.RunWarning(name, f"{name} is wrong", "") for name in ("one", "two")]
    assert verdict(warnings=warnings) == "Something is wrong: one is wrong (1 more warning below)."
    assert verdict(finished=False, epochs=2, epochs_asked=9) == (
        "Training has not come to its end: 2 of 9 epochs are done."
    )
    assert verdict(measured=False) == "The samples have not been measured yet."
    assert "as close to the test examples as real ones" in verdict(numbers=distance(1.2, 1.0))
    assert "is 3 times that of training examples" in verdict(numbers=distance(3.0, 1.0))
    assert "nothing tells what distance" in verdict(numbers=distance(3.0, None))


def test_a_warning_within_a_class_is_a_warning(tmp_path, capsys) -> None:
    within = {"warnings": {"2": ["gaps"], "7": ["gaps", "low-recall"]}}
    results = {**RESULTS, "given_classes": within, "run": {"recipe": "r", "epochs": 3}}
    run = make_run(tmp_path / "one", {"last": results})
    found = facts.of_run(run)
    assert found.verdict == (
        "Something is wrong: within the classes 2, 7 the samples raise the warning gaps "
        "(1 more warning below)."
    )
    said = "within class 7 the samples raise the warning low-recall"
    config = {**run.config, "preset": {"largest_difference": 0.0}}
    assert f"- **low-recall**: {said}. {ADVICE['low-recall']}" in card.write(found, config, "", "")
    document.write([run], tmp_path / "one.html", no_data)
    assert said[1:] in (tmp_path / "one.html").read_text()
    show({**results, "weights": "last", "sanity": {}})
    out = " ".join(capsys.readouterr().out.split())
    assert f"warning: low-recall: {said}" in out
    assert "no sign of collapse" not in out


@pytest.mark.parametrize(
    ("shape", "task"), [((8, 8, 1), "unconditional-image-generation"), ((2,), "other")]
)
def test_a_card_quotes_names_and_numbers(tmp_path, shape, task) -> None:
    run = make_run(tmp_path / "one", {"last": RESULTS})
    name = """./my "best" 'run'"""
    numbers = [dataclasses.replace(distance(1e-05, 1.5e-07)[0], protocol='2e"')]
    found = dataclasses.replace(
        facts.of_run(run), shape=shape, data="café 😀", numbers=tuple(numbers)
    )
    config = {**run.config, "preset": {"largest_difference": 0.0}}
    text = card.write(found, config, name, "other")
    (matter,) = yaml.safe_load(text.split("---\n")[1])["model-index"]
    (entry,) = matter["results"]
    assert (entry["task"], entry["dataset"]["name"]) == ({"type": task}, "café 😀")
    (metric,) = entry["metrics"]
    assert (metric["value"], metric["args"]) == (1e-05, {"floor": 1.5e-07, "protocol": '2e"'})
    (call,) = re.findall(r"from_preset\((.*)\)", text)
    assert ast.literal_eval(call) == name
    (served,) = re.findall(r"^keras-gan serve (.*)", text, re.MULTILINE)
    assert shlex.split(served) == [name]
    for difference, said in ((0.00149, "0.002"), (0.002, "0.002"), (0.0123, "0.02"), (0.0, "0")):
        config["preset"]["largest_difference"] = difference
        assert f" at most {said}.\n" in card.write(found, config, name, "other")


def test_runs_on_few_examples_are_measured_by_measure(tmp_path) -> None:
    few = make_run(tmp_path / "few", training_examples=10, dataset="/photos")
    assert facts.of_run(few).evaluate == f"keras-gan measure {few.path} /photos"
    moved = make_run(tmp_path / "preset", training_examples=10)  # as presets are stored
    assert facts.of_run(moved).evaluate == f"keras-gan measure {moved.path} digits"
    settings = {"ema_momentum": 0.0, "crop": "none", "skip_broken": True}
    changes = {"training_examples": 10, "dataset": "/photos", "settings": settings}
    others = make_run(tmp_path / "padded", **changes)
    expected = f"keras-gan measure {others.path} /photos --crop none --skip-broken"
    assert facts.of_run(others).evaluate == expected
    many = make_run(tmp_path / "many", training_examples=50, dataset="/photos")
    assert facts.of_run(many).evaluate == f"keras-gan evaluate {many.path}"


def test_commands_of_a_run_of_a_recipe_file_that_keeps_an_average(tmp_path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from keras_gan.recipes.digits import Settings, build\n")
    path = make_run(tmp_path / "mine", recipe=str(file), keeps_ema=True).path
    untrusted = facts.of_run(Run.open(path))
    assert untrusted.evaluate == f"keras-gan evaluate {path} --weights ema"
    known = facts.of_run(Run.open(path, trust_recipe=True))
    assert known.evaluate == f"{untrusted.evaluate} --trust-recipe"
    assert known.serve[0] == (
        f"keras-gan export {path} --weights ema --trust-recipe --output exports"
    )
    assert known.load[1] == f"run = keras_gan.Run.open({str(path)!r}, trust_recipe=True)"


def test_every_warning_has_advice() -> None:
    cells = re.findall(r"^ *\| ([a-z, -]+) \|", thresholds.diagnose.__doc__, re.MULTILINE)
    names = {name for cell in cells for name in cell.split(", ")} - {"name"}
    assert names == set(ADVICE)


# --------------------------------------------------------------------------- the document


class Page(html.parser.HTMLParser):
    """The elements of a document with their attributes, and its text."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def test_a_report_is_one_file_that_needs_nothing_else(tmp_path) -> None:
    run = with_models(tmp_path / "one", {"last": RESULTS}, CLASSES)
    file = tmp_path / "report.html"
    document.write([run], file, of_data)
    assert file.stat().st_size < 5e6
    page = Page(file.read_text())
    assert all(image["src"].startswith("data:image/webp;base64,") for image in page.all("img"))
    assert not page.all("link")
    assert [s for s in page.all("script") if "src" in s] == []
    values = (value for _, a in page.elements for value in a.values() if value)
    without_hashes = (re.sub(r"'sha256-[^']+'", "", value) for value in values)
    addresses = {value for value in without_hashes if "//" in value}
    assert not {address for address in addresses if not address.startswith("data:")}
    texts = [image["alt"] for image in page.all("img")]
    assert "64 samples, weights as trained, seed 0" in texts
    assert [text for text in texts if text.startswith("samples, epoch ")] == [
        f"samples, epoch {i}" for i in range(4)
    ]
    assert "each row: G along a straight line between two latents" in texts
    assert "upper row: samples; lower row: the nearest of 40 training examples" in texts
    assert texts[-3:] == ["zero", "one", HOSTILE]
    for part in ("12 ± 0.5", "keras-gan serve exports", "keras-gan train --recipe digits"):
        assert part in page.text


def test_pictures_with_words_are_not_pixelated(tmp_path) -> None:
    """A reduced axis lost its minus signs: -2 was read as 2."""
    run = with_models(tmp_path / "one", {"last": RESULTS}, CLASSES)
    plotting.save_image(np.zeros((50, 100, 3), np.uint8), run.path / "neighbors.png")
    shown = Page(document.render_runs([run], of_data)).all("img")
    classes = {image["alt"]: image.get("class") for image in shown}
    assert classes["64 samples, weights as trained, seed 0"] == "pixels"
    assert classes["zero"] == "pixels"
    assert not classes["upper row: samples; lower row: the nearest training examples"]
    assert not classes["samples, epoch 3"]
    followed = Page(document.render_files(run, "state")).all("img")
    assert not any(image.get("class") for image in followed)


def test_strings_of_a_run_are_text(tmp_path) -> None:
    settings = {HOSTILE: HOSTILE, "dataset": f'"{HOSTILE}'}
    session = {"epochs": HOSTILE, "processor": HOSTILE, "started": HOSTILE}
    raised = {"name": HOSTILE, "message": HOSTILE}
    results = {"last": {**RESULTS, "diversity": {"warnings": [raised]}, "warnings": [HOSTILE]}}
    run = make_run(
        tmp_path / "one",
        results,
        recipe=HOSTILE,
        provenance=HOSTILE,
        settings=settings,
        sessions=[session],
        versions={HOSTILE: HOSTILE},
    )
    run.metrics_file.write_text(f"epoch,{HOSTILE}\n0,1.0\n")
    text = document.render_files(run, "state")
    assert "<script>alert" not in text
    page = Page(text)
    assert len(page.all("script")) == 1
    assert HOSTILE in page.text
    (policy,) = (m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not [a for _, a in page.elements if "style" in a or any(k.startswith("on") for k in a)]


def test_runs_side_by_side_show_the_settings_that_differ(tmp_path) -> None:
    one = make_run(tmp_path / "a" / "run", {"last": RESULTS})
    settings = {"dataset": "digits", "batch_size": 100, "other": 1}
    other = make_run(tmp_path / "b" / "run", settings=settings)
    document.write([one, other], tmp_path / "both.html", no_data)
    page = Page((tmp_path / "both.html").read_text())
    assert "2 runs side by side" in page.text
    assert "setting run (1) run (2) batch_size 25 100 ema_momentum 0.0 other 1" in page.text
    assert "has not been measured" in page.text
    copy = make_run(tmp_path / "c" / "run (2)")
    document.write([one, other, copy], tmp_path / "three.html", no_data)
    written = (tmp_path / "three.html").read_text()
    assert written.count("<polyline") == 3 * 2


def test_what_cannot_be_shown_is_said(tmp_path) -> None:
    document.write([with_models(tmp_path / "run")], tmp_path / "one.html", no_data)
    page = Page((tmp_path / "one.html").read_text())
    assert "Not shown: the data are gone" in page.text
    assert f"keras-gan evaluate {tmp_path / 'run'}" in page.text


@pytest.mark.parametrize("shape", [[2], [5]])
def test_a_run_of_points_and_an_unfinished_run_have_a_report(tmp_path, shape) -> None:
    run = make_run(tmp_path / "points", example_shape=shape)
    if shape == [5]:
        shutil.rmtree(run.path / "samples")
        run.metrics_file.unlink()
    document.write([run], tmp_path / "points.html", no_data)
    page = Page((tmp_path / "points.html").read_text())
    assert "Training has not come to its end: 3 of 3 epochs are done." in page.text or shape == [5]
    assert ("This run has no picture of samples." in page.text) == (shape == [5])


def test_pictures_over_time_are_thinned_out(tmp_path) -> None:
    run = make_run(tmp_path / "one")
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    for epoch in range(100):
        plotting.save_image(noise, run.path / "samples" / f"epoch-{epoch:04d}.png")
    epochs = pictures.of_files(run).epochs
    assert (len(epochs), epochs[0].text, epochs[-1].text) == (40, "epoch 0", "epoch 99")
    few = pictures.of_files(run, 50_000).epochs
    assert 1 < len(few) < 10
    assert (few[0].text, few[-1].text) == ("epoch 0", "epoch 99")
    assert sum(len(epoch.source) for epoch in few) < 50_000
    (last,) = pictures.of_files(run, 2_000).epochs
    assert last.text == "epoch 99"
    assert 2 * len(last.source) * 3 / 4 < 2_000
    (run.path / "samples" / "epoch-0100.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"epoch-0100\.png cannot be read as a picture"):
        pictures.of_files(run)


def test_curves_have_the_measured_values_at_their_places() -> None:
    table = {"epoch": [0.0, 1.0, 2.0], "g_loss": [1.0, np.nan, 3.0], "mine": [5.0] * 3}
    losses, mine = curves.panels({"run": table})
    assert (losses.title, [line.label for line in losses.lines]) == ("Losses", ["G"])
    assert losses.lines[0].last == "3"
    points = [tuple(map(float, p.split(","))) for p in losses.lines[0].points.split()]
    (x0, y0), (x1, y1) = points
    assert (x0, x1) == (curves.LEFT, curves.RIGHT)
    places = {label: place for place, label in losses.y_ticks}
    assert (y0, y1) == (places["1"], places["3"])
    assert mine.title == "mine"
    (steady,) = curves.panels({"run": {"epoch": [0, 1], "d_loss": [0.69315, 0.69316]}})
    labels = [label for _, label in steady.y_ticks]
    assert len(set(labels)) == len(labels) > 2
    (large,) = curves.panels({"run": {"epoch": [0, 1], "d_loss": [1e6, 1e6 + 400]}})
    labels = [label for _, label in large.y_ticks]
    assert len(set(labels)) == len(labels) > 2
    (first,) = curves.panels({"run": {"epoch": [0], "val_frechet_distance": [3.0]}})
    assert [label for _, label in first.x_ticks] == ["1"]
    value = {"run": {"epoch": [0, 1], "value": [-4.0, -4.1]}}
    assert curves.panels(value)[0].level is not None
    assert curves.panels(value, equilibrium=False)[0].level is None
    runs = curves.panels({"one": table, "two": table})
    assert [line.label for line in runs[0].lines] == ["one", "two"]
    assert curves.panels({"run": {"epoch": [0.0], "value": [np.nan]}}) == []
    (drawn,) = curves.panels({"run": {"epoch": [0, 1, 2], "d_loss": [1.7e308, -1.7e308, 3.0]}})
    assert drawn.lines[0].last == "3"
    (early,) = curves.panels({"run": {"epoch": [0], "val_frechet_distance": [12345.6]}})
    assert early.lines[0].last == "12,346"  # as the table of numbers has it


def test_curves_of_many_runs_are_thinned_out() -> None:
    epochs = list(range(500))
    table = {"epoch": epochs, **{name: epochs for name in ("d_loss", "g_loss", "value")}}
    page = document.draw_curves({f"run {number}": table for number in range(100)})
    assert len(page) < 600_000


def test_a_dozen_curves_are_told_apart() -> None:
    table = {"epoch": [0.0, 1.0], "d_loss": [1.0, 1.5]}
    page = document.draw_curves({f"run {number}": table for number in range(12)})
    for kind in ("polyline", "li"):
        styles = re.findall(rf'<{kind} class="([^"]*)"', page)
        assert len(set(styles)) == len(styles) == 12


def test_curves_name_their_axis_and_long_names_fit_a_phone(needs_chromium) -> None:
    table = {"epoch": [0.0, 1.0], "gradient_norm_of_the_discriminator_s_last_layer": [1.0, 1.5]}
    page = document.draw_curves({"a_run": table, "another_run_with_" + 40 * "a_long_name": table})
    with chromium(needs_chromium) as browser:
        phone = browser.new_page(viewport={"width": 320, "height": 700})
        phone.set_content(f"<style>{document._file('panels.css')}</style>{page}")
        assert phone.locator("svg text").get_by_text("epoch", exact=True).count() == 1
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


# --------------------------------------------------------------------------- the commands


def test_the_command_writes_beside_the_run_or_where_it_is_told(tmp_path, capsys) -> None:
    run = make_run(tmp_path / "one", {"last": RESULTS})
    assert report.main([str(run.path)]) == 0
    assert (run.path / "report.html").exists()
    output = tmp_path / "new" / "both.html"
    assert cli.main(["report", str(run.path), str(run.path), "--output", str(output)]) == 0
    assert output.exists()
    assert capsys.readouterr().out.splitlines()[-1] == f"written to {output}"
    assert report.main([str(tmp_path)]) == 2
    assert "is not a run directory" in capsys.readouterr().err


def test_a_report_of_a_file_on_another_scale(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    generator, discriminator = (
        networks.dcgan_generator((8, 8, 1), 4, width=4, activation="tanh"),
        networks.dcgan_discriminator((8, 8, 1), width=4),
    )
    keras_gan.GAN(generator, discriminator, prior=priors.Normal(4)).save("tanh.keras")
    np.save("data.npy", np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), np.uint8))
    data = ["--dataset", "data.npy", "--preprocessing", "symmetric_range"]
    assert report.main(["tanh.keras", *data]) == 0
    page = (tmp_path / "runs" / "tanh" / "report.html").read_text()
    assert "the nearest of 32 training examples" in page


def test_training_ends_with_a_report_and_a_failure_of_it_is_one_line(
    tmp_path, capsys, monkeypatch
) -> None:
    arguments = ["--recipe", "digits", "--likelihood-every", "0", "--epochs", "1"]
    place = tmp_path / "a run"

    def interrupted(*pages):  # no later start would write the report of a finished run
        signal.raise_signal(signal.SIGINT)
        return render(*pages)

    render = document.render
    monkeypatch.setattr(document, "render", interrupted)
    assert train.main([*arguments, "--run-dir", str(place)]) == 0
    output = capsys.readouterr().out
    page = Page((place / "report.html").read_text())
    assert "The samples have not been measured yet." in page.text
    (session,) = Run.open(place).config["sessions"]
    assert session["processor"]
    assert session["seconds"] > 0
    assert f"report: {place / 'report.html'}" in output
    assert f"keras-gan watch '{place}'" in output
    monkeypatch.setattr(document, "render", lambda *_: 1 / 0)
    train._conclude(types.SimpleNamespace(data_set=None), Run.open(place))
    assert capsys.readouterr().err.splitlines()[-1] == "no report: division by zero"


def test_a_report_in_a_browser(tmp_path, needs_chromium, axe) -> None:
    """Keys move the slider; nothing is asked for, no script of the run runs, axe finds nothing."""
    results = json.loads(json.dumps({"last": RESULTS}).replace("some network", HOSTILE))
    settings = {"dataset": "digits", "discriminator_learning_rate": 0.0006153846153846154}
    run = make_run(tmp_path / "run", results, recipe="pictures", settings=settings)
    document.write([run], tmp_path / "report.html", no_data)
    with chromium(needs_chromium) as browser:
        page = browser.new_page(viewport={"width": 375, "height": 700}, color_scheme="dark")
        faults, requests = [], []
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append("a script of the run was executed"))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((tmp_path / "report.html").as_uri())
        slider = page.get_by_role("slider")
        slider.focus()
        page.keyboard.press("ArrowLeft")
        assert page.locator(".timeline output").inner_text() == "epoch 2"
        assert page.locator(".timeline img:visible").get_attribute("alt") == "samples, epoch 2"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("getComputedStyle(document.body).color") != "rgb(28, 33, 38)"
        assert faults == []
        assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
        for scheme, width in (("dark", 375), ("light", 1200)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 700})
            assert axe_findings(page, axe) == []
