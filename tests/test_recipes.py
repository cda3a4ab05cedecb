"""Recipes: their settings, flags and identity, and a user's file with objects of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_gan
from export.__main__ import main as export_main
from keras_gan import InputError, evaluate, figures, recipes, train
from keras_gan.cli import parsing
from keras_gan.core.settings import fields
from keras_gan.experiment import RunSettings, Settings, setting
from keras_gan.experiment.job import Options
from keras_gan.experiment.run import Run
from keras_gan.recipes import mnist_10k
from keras_gan.reporting import facts

CUSTOM = """
import dataclasses
import keras
import keras_gan
from keras_gan import losses, networks
from keras_gan.experiment import Settings as Base, setting

@dataclasses.dataclass(frozen=True)
class Settings(Base):
    batch_size: int = 250
    margin: float = setting(1.0, "margin of the hinge loss", above=0)
    width: int = setting(0, "units of a layer; 0: as many as the machine has", least=0)

    def resolve(self, data):
        return dataclasses.replace(self, width=self.width or MACHINE)

MACHINE = 16

class Hinge(losses.Loss):
    def __init__(self, margin):
        self.margin = margin

    def discriminator(self, real, fake):
        ops = keras.ops
        return ops.relu(self.margin - real.logits) + ops.relu(self.margin + fake.logits)

    def generator(self, real, fake):
        return -fake.logits

    def get_config(self):
        return {"margin": self.margin}

class Halved(keras.optimizers.SGD):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient / 2, variable, learning_rate)

def build(settings, data):
    generator = networks.mlp_generator(
        4, data.shape, hidden=[(settings.width, "relu")], output_activation="sigmoid",
        seed=settings.seed)
    discriminator = networks.maxout_discriminator(data.shape, units=4, seed=settings.seed + 1)
    gan = keras_gan.GAN(generator, discriminator, keras_gan.priors.Normal(4), seed=settings.seed)
    return gan, {
        "generator_optimizer": Halved(0.1),
        "discriminator_optimizer": keras.optimizers.SGD(0.1),
        "loss": Hinge(settings.margin),
    }
"""


def call(capsys, *arguments) -> tuple[int, str]:
    code = train.main([str(argument) for argument in arguments])
    return code, capsys.readouterr().err


@pytest.fixture(scope="module")
def hinge(tmp_path_factory):
    """The arguments of a run of one epoch without its directory, and this directory."""
    folder = tmp_path_factory.mktemp("hinge")
    file, path = folder / "hinge.py", folder / "run"
    file.write_text(CUSTOM)
    arguments = ["--recipe", str(file), "--likelihood-every", "0"]
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        code = train.main([*arguments, "--epochs", "1", "--run-dir", str(path)])
    assert (code, errors.getvalue()) == (0, "")
    return arguments, path


def test_a_file_with_its_own_loss_and_optimizer_is_a_recipe(hinge, tmp_path, capsys):
    arguments, path = hinge
    arguments = [*arguments, "--run-dir", path]
    run = Run.open(path)
    assert run.samples(3).shape == (3, 8, 8, 1)  # the loss need not be known to load the networks
    assert not facts.of_run(run).equilibrium  # of a hinge loss it is not D(x) = 1/2
    assert len(recipes.data_of(run).test) == 179
    # What the machine decided is kept, wherever the run goes on.
    assert (run.identity["width"], run.settings["width"]) == (0, 16)
    hidden = run.generator().layers[0]
    assert hidden.units == 16
    for change, word in (
        (("--margin", "5"), "margin: 1.0 there, 5.0 now"),
        (("--width", "16"), "width: 0 there, 16 now"),
    ):
        code, error = call(capsys, *arguments, *change)
        assert (code, error.count("\n")) == (2, 1)
        assert word in error
    changed = tmp_path / "hinge.py"
    changed.write_text(CUSTOM.replace("fake.logits)", "2 * fake.logits)"))
    code, error = call(capsys, *arguments, "--recipe", changed)
    assert (code, error.count("\n")) == (2, 1)
    assert "recipe_file: " in error


def test_the_recipe_of_the_documentation_trains(tmp_path, capsys):
    page = Path(__file__).parents[1] / "docs" / "recipes.md"
    text = page.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(# hinge.py\n.*?)```", text, re.DOTALL)
    file, path = tmp_path / "hinge.py", tmp_path / "run"
    file.write_text(code)
    arguments = ("--recipe", file, "--run-dir", path, "--likelihood-every", "0", "--epochs", "1")
    assert call(capsys, *arguments, "--margin", "2") == (0, "")
    assert keras.saving.load_model(path / "models" / "last.keras").loss.margin == 2


@pytest.fixture
def from_elsewhere(tmp_path):
    """A run whose recipe file, should anything run it, leaves a mark."""
    gan = keras_gan.GAN(
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]),
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]),
        keras_gan.priors.Normal(2),
    )
    file, mark = tmp_path / "hostile.py", tmp_path / "mark"
    file.write_text(f"open({str(mark)!r}, 'w').close()\n" + CUSTOM)
    config = {
        "format": 2,
        "identity": {"recipe": "hostile", "dataset": "points", "data": "0", "seed": 0},
        "recipe": str(file),
        "settings": {},
        "preprocessing": {"class_name": "Identity", "config": {}},
        "example_shape": [2],
        "data_dir": None,
        "provenance": None,
        "versions": {},
        "sessions": [],
    }
    path = tmp_path / "run"
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config))
    run = Run.open(path)
    run.save_models(gan, epochs=1)
    return run, mark


@pytest.mark.parametrize(
    "command", [evaluate.main, figures.main, export_main], ids=["evaluate", "figures", "export"]
)
def test_no_command_runs_the_recipe_file_of_a_run_unasked(command, from_elsewhere, capsys):
    run, mark = from_elsewhere
    arguments = [str(run.path)]
    if command is export_main:
        arguments += ["--output", str(run.path.parent / "exports"), "--formats", "saved_model"]
    command(arguments)  # without the file, some work and some do not
    assert not mark.exists()
    command([*arguments, "--trust-recipe"])
    assert mark.exists()


def test_a_run_names_a_recipe_file_that_is_not_trusted(from_elsewhere, capsys):
    run, mark = from_elsewhere
    assert Run.open(run.path).condition is None
    assert Run.open(run.path).generator().output_shape == (None, 2)
    with pytest.raises(InputError, match=r"hostile.py, which may contain .* --trust-recipe"):
        recipes.data_of(Run.open(run.path))
    assert not mark.exists()
    assert evaluate.main([str(run.path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not mark.exists()
    assert Run.open(run.path, trust_recipe=True).condition is None
    assert mark.exists()
    assert Run.open(run.path).recipe().endswith("hostile.py")  # it did run in this process


def double(inputs):
    return 2 * inputs


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("lambda", "it holds a Lambda layer, which may run any code"),
        ("function", "Could not locate function 'double'"),
        ("plain model", "holds no keras_gan.GAN, but a Sequential"),
        ("cut", "it is empty, cut short or not a .keras file"),
        ("empty", "it is empty, cut short or not a .keras file"),
        ("other archive", "last.keras cannot be loaded: "),
    ],
)
def test_a_model_file_from_elsewhere_that_cannot_be_loaded_is_one_line(
    change, words, from_elsewhere, capsys
):
    run, _ = from_elsewhere
    file = run.model_file("last")
    if change in ("lambda", "function"):
        layer = keras.layers.Lambda((lambda x: 2 * x) if change == "lambda" else double)
        generator = keras.Sequential([keras.Input((2,)), layer])
        keras_gan.GAN(generator, run.gan().discriminator, keras_gan.priors.Normal(2)).save(file)
    elif change == "plain model":
        run.generator().save(file)
    elif change == "other archive":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("config.json", "{")
            archive.writestr("metadata.json", "{}")
    else:
        file.write_bytes(file.read_bytes()[: 1000 * (change == "cut")])
    for command, more in (
        (evaluate.main, []),
        (figures.main, []),
        (export_main, ["--output", str(run.path.parent / "exports")]),
    ):
        assert command([str(run.path), *more]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert words in error


def test_what_a_recipe_resolved_is_used_again_on_another_machine(
    hinge, tmp_path, monkeypatch, capsys
):
    arguments, path = hinge[0], shutil.copytree(hinge[1], tmp_path / "run")
    monkeypatch.setattr(recipes.get(arguments[1]).module, "MACHINE", 32)
    assert train.main([*arguments, "--run-dir", str(path), "--epochs", "2"]) == 0
    assert "were planned for" not in capsys.readouterr().out  # the recipe plans by no epochs
    assert Run.open(path).generator().layers[0].units == 16


def test_the_bundled_digits_are_learned_in_bfloat16_where_it_is_faster(monkeypatch):
    assert mnist_10k.Settings().resolve(None).precision == "float32"
    monkeypatch.setattr(mnist_10k, "bfloat16_is_native", lambda: True)
    for given, chosen in [("auto", "mixed_bfloat16"), ("float32", "float32")]:
        settings = mnist_10k.Settings(precision=given)
        assert settings.resolve(None) == dataclasses.replace(settings, precision=chosen)


MORE = "faulty.py: Settings.more must be declared as `setting(default, help)`\n"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("class Settings(Base)", "class Options(Base)"), "must define a dataclass `Settings("),
        (("def build(", "def model("), "and a function `build("),
        (("    margin: float = setting(1.0,", "    margin: float = max(1.0,"), "fails: TypeError"),
        ((', "margin of the hinge loss", above=0)', ")"), "fails: TypeError"),
        (("4, data.shape", "4, data.shop"), "line 39 fails: AttributeError"),
        (("    margin", "    run_dir"), "a setting 'run_dir', which means something else"),
        (("width: int = setting(0", "width: list = setting(0"), "width must be of type bool"),
        (('"loss": Hinge', '"lost": Hinge'), "lost"),
        (('"loss": Hinge', '"jit_compile": True, "loss": Hinge'), "must leave jit_compile to"),
        (
            ("    return gan, {", "    arguments = {"),
            "a dict of `compile`'s arguments. Received: None",
        ),
        (
            ("    return gan, {", "    return gan, 1, {"),
            "a dict of `compile`'s arguments. Received: (",
        ),
        (("    width: int = setting(0,", "    more: int = 3\n    width: int = setting(0,"), MORE),
    ],
)
def test_a_faulty_recipe_file_is_one_line(change, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("faulty.py").write_text(CUSTOM.replace(*change))
    code, error = call(capsys, "--recipe", "faulty.py")
    assert (code, error.count("\n")) == (2, 1), error
    assert words in error
    assert not Path("runs").exists()


def test_flags_exist_where_they_mean_something(capsys):
    names = {name: {f.name for f in fields(recipes.get(name).settings)} for name in recipes.NAMES}
    with_labels = {name for name, settings in names.items() if "labels" in settings}
    assert with_labels == {"digits_semi_supervised", "mnist_semi_supervised"}
    for name, settings in names.items():
        optimizers = {"final_momentum", "beta_1", "beta_2", "learning_rate"} & settings
        assert len(optimizers) == 1, name
        assert ("stage1" in settings) == (name.endswith(("_inference", "_stage2"))), name
        assert ("dataset" in settings) == (not recipes.get(name).has_own_data), name
    code, error = call(capsys, "--recipe", "digits", "--labels", "50")
    assert (code, error.count("\n")) == (2, 1)
    assert error.rstrip().endswith(
        "no --labels; recipes that have it: digits_semi_supervised, mnist_semi_supervised"
    )
    with pytest.raises(SystemExit):
        train.main(["--recipe", "mnist_semi_supervised", "--help"])
    text = capsys.readouterr().out
    assert "--labels INT" in text
    assert "--stage1" not in text


def test_the_help_of_a_setting_has_its_default_and_may_have_a_percent_sign():
    @dataclasses.dataclass(frozen=True)
    class Mine(Settings):
        some: bool = setting(False, "learn from 50 % of them")
        shuffled: bool = setting(True, "in random order")
        share: float = setting(0.5, "or from another % of them", least=0)

    parser = parsing.Parser(prog="train")
    parsing.add_fields(parser, fields(Mine))
    assert "50 % of them" in parser.format_help()
    assert "in random order (yes)" in parser.format_help()
    assert "another % of them (0.5)" in parser.format_help()


@pytest.mark.parametrize("settings", [*(recipes.get(n).settings for n in recipes.NAMES), Options])
def test_the_help_says_what_a_default_of_0_means(settings):
    for field in fields(settings):
        plain = field.kind is bool or field.name in ("seed", "freeze", "fold")  # 0 like any other
        assert field.default != 0 or plain or re.search(r"\b0\b", field.help), field.name


@pytest.mark.parametrize("settings", [*(recipes.get(n).settings for n in recipes.NAMES), Options])
def test_every_number_has_limits_that_hold(settings):
    for field in fields(settings):
        assert field.help
        if field.kind in (int, float):
            low = field.limits.get("least", field.limits.get("above"))
            assert low is not None, field.name
            for value in (low - 1, np.nan, np.inf, "1", True):
                with pytest.raises(InputError, match=field.flag):
                    settings(**{field.name: value})


def test_a_setting_is_checked_wherever_it_comes_from():
    @dataclasses.dataclass(frozen=True)
    class Mine(Settings):
        batch_size: int = 7
        rate: float = setting(0.5, "a rate", above=0, below=1)

    assert Mine(rate=0.25, batch_size=3) == Mine(batch_size=3, rate=0.25)
    by_name = {field.name: field for field in fields(Mine)}
    assert (by_name["batch_size"].default, by_name["batch_size"].limits) == (
        7,
        {"least": 1, "most": 2**20},
    )
    assert by_name["batch_size"].help == {f.name: f for f in fields(RunSettings)}["batch_size"].help
    for wrong in ({"rate": 1.0}, {"rate": 0}, {"batch_size": 2.5}, {"precision": "float8"}):
        with pytest.raises(InputError):
            Mine(**wrong)

    @dataclasses.dataclass(frozen=True)
    class Untold(Settings):
        rate: float = 0.5

    with pytest.raises(InputError, match=r"Untold\.rate must be"):
        Untold()


def test_the_identity_is_settings_and_data_alone(tmp_path, capsys):
    path = tmp_path / "run"
    fast = ("--epochs", "1", "--likelihood-every", "0", "--batch-size", "500")
    assert call(capsys, "--recipe", "digits_conditional", *fast, "--run-dir", path)[0] == 0
    identity = json.loads((path / "config.json").read_text())["identity"]
    names = {field.name for field in fields(recipes.get("digits_conditional").settings)}
    assert identity.keys() == (names - {"epochs", "init", "freeze"}) | {"recipe", "data"}
    assert all(isinstance(value, (str, int, float)) for value in identity.values())
