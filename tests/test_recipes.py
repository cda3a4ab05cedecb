"""Recipes: their settings, flags and identity, and a user's file with objects of its own."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_gan import InputError, recipes, train
from keras_gan.experiment import RunSettings, Settings, setting
from keras_gan.experiment.job import Options
from keras_gan.experiment.run import Run
from keras_gan.experiment.settings import fields

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


def test_a_file_with_its_own_loss_and_optimizer_is_a_recipe(tmp_path, capsys):
    file, path = tmp_path / "hinge.py", tmp_path / "run"
    file.write_text(CUSTOM)
    arguments = ("--recipe", file, "--run-dir", path, "--likelihood-every", "0")
    assert call(capsys, *arguments, "--epochs", "1") == (0, "")
    run = Run.open(path)
    assert run.samples(3).shape == (3, 8, 8, 1)  # the loss need not be known to load the networks
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
    file.write_text(CUSTOM.replace("fake.logits)", "2 * fake.logits)"))
    code, error = call(capsys, *arguments)
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


def test_what_a_recipe_resolved_is_used_again_on_another_machine(tmp_path, monkeypatch, capsys):
    file, path = tmp_path / "hinge.py", tmp_path / "run"
    file.write_text(CUSTOM)
    arguments = ("--recipe", file, "--run-dir", path, "--likelihood-every", "0")
    assert call(capsys, *arguments, "--epochs", "1") == (0, "")
    monkeypatch.setattr(recipes.get(str(file)).module, "MACHINE", 32)
    assert call(capsys, *arguments, "--epochs", "2") == (0, "")
    assert Run.open(path).generator().layers[0].units == 16


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
    assert (by_name["batch_size"].default, by_name["batch_size"].limits) == (7, {"least": 1})
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
    assert identity.keys() == (names - {"epochs"}) | {"recipe", "data"}
    assert all(isinstance(value, (str, int, float)) for value in identity.values())
