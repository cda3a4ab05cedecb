"""The wheel, installed and used outside the checkout, as a user's machine has it."""

from __future__ import annotations

import email
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from email.message import Message
from pathlib import Path

import pytest

import keras_gan
from keras_gan.cli import main

ROOT = Path(__file__).parents[1]
PACKAGES = ("keras_gan", "export", "serving")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that must succeed, and return what it printed."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def files_of(package: str) -> set[str]:
    """A package's files in the checkout, as paths from its root."""
    files = (path for path in (ROOT / package).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution of a clean copy of the checkout."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, source)
    for name in (*PACKAGES, "tests", "benchmarks", "docs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, cwd=source)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a new environment with the wheel in it.

    It finds the other packages in the environment that runs this test, but not the editable
    install of the checkout there: a path named in a .pth file brings no further .pth files.
    """
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--quiet")
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=home)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home)
    Path(site.strip(), "neighbours.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python.parent


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def test_the_wheel_holds_the_packages_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == set().union(*map(files_of, PACKAGES))
    assert packed >= {f"{package}/py.typed" for package in PACKAGES}


def test_metadata(wheel: Path) -> None:
    fields = metadata(wheel)
    assert fields["Name"] == "keras-gan"
    assert fields["Version"] == keras_gan.__version__
    assert fields["License-Expression"] == "Apache-2.0 AND CC-BY-SA-3.0"
    assert fields["License-File"] == "LICENSE"
    assert fields["Description-Content-Type"] == "text/markdown"
    assert set(fields.get_all("Provides-Extra")) == {"cuda", "dev", "docs", "serving"}
    core = {
        re.split(r"[^\w-]", requirement)[0]
        for requirement in fields.get_all("Requires-Dist")
        if "extra ==" not in requirement
    }
    assert core >= {"tensorflow", "keras", "tensorflow-datasets", "tensorflow-probability", "onnx"}
    assert not core & {"grpcio", "starlette", "tensorflow-serving-api", "pytest", "ruff"}


def test_every_document_names_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == keras_gan.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d.*?)\]", changelog, re.MULTILINE)
    assert released[:1] == [keras_gan.__version__] or "## [Unreleased]" in changelog


def test_constraints_pin_every_requirement() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["serving"], *extras["dev"], *extras["docs"]]
    names = {re.split(r"[^\w-]", line)[0].lower().replace("_", "-") for line in wanted}
    assert names - pinned == set()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's folder with folders of the packages' names, which Python searches first."""
    for name in ("export", "serving"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__main__.py").write_text("print('the one here')", encoding="utf-8")
    return tmp_path


def test_the_command_lists_what_it_can_without_tensorflow(commands: Path, home: Path) -> None:
    listed = run(commands / "keras-gan", "--help", cwd=home)
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ")] == list(
        PROJECT["entry-points"]["keras_gan.commands"]
    )
    code = """
import sys
from keras_gan.cli import main
assert main.main(["--help"]) == 0
assert main.main(["no-such"]) == 2
assert not {"tensorflow", "keras", "export", "serving"} & set(sys.modules)
"""
    run(commands / "python", "-c", code, cwd=home)
    assert run(commands / "python", "-m", "keras_gan", "--help", cwd=home) == listed


def test_a_checkout_that_is_not_installed_says_how_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [])
    assert main.main(["train"]) == 2
    error = capsys.readouterr().err
    assert "pip install -e ." in error
    assert error.count("\n") == 1


def test_built_in_presets_load_from_the_wheel(commands: Path, home: Path) -> None:
    code = """
import numpy as np
import keras_gan
from keras_gan import presets
for name in keras_gan.GAN.presets:
    samples = presets.samples(presets.find(name))
    gan = keras_gan.GAN.from_preset(name)
    made = gan.generate(40, int(samples["seed"]), condition=samples.get("condition"))
    np.testing.assert_allclose(made, samples["examples"], rtol=0, atol=1e-5)
    print(name)
print(keras_gan.__file__)
"""
    *names, file = run(commands / "python", "-c", code, cwd=home).splitlines()
    assert names == list(keras_gan.GAN.presets)
    assert not Path(file).is_relative_to(ROOT)


def test_subcommands_run_beside_folders_of_their_names(commands: Path, home: Path) -> None:
    for command in ("export", "serve"):
        shown = run(commands / "keras-gan", command, "--help", cwd=home)
        assert f"usage: keras-gan {command}" in shown
    for package in ("export", "serving"):
        assert "usage: keras-gan" in run(commands / "python", "-m", package, "--help", cwd=home)
        # A package of that name, as against a folder, hides the installed one from python -m alone.
        (home / package / "__init__.py").touch()
        assert run(commands / "python", "-m", package, cwd=home).strip() == "the one here"
    assert "usage: " in run(commands / "keras-gan", "export", "--help", cwd=home)


def test_training_prints_nothing_of_tensorflow_and_leaves_a_run(commands: Path, home: Path) -> None:
    small = ("--recipe", "digits", "--epochs", "1", "--likelihood-every", "0", "--run-dir", "run")
    result = subprocess.run(
        [commands / "keras-gan", "train", "--strategy", "mirrored", *small],
        cwd=home,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTHONPATH", "TF_CPP"))},
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert list((home / "run").rglob("*.keras"))
    (session,) = json.loads((home / "run" / "config.json").read_bytes())["sessions"]
    assert session["replicas"] == 1
