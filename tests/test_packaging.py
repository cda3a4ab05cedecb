"""The wheel, installed and used outside the checkout, as a user's machine has it."""

from __future__ import annotations

import email
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
    assert fields["License-Expression"] == "Apache-2.0"
    assert fields["License-File"] == "LICENSE"
    assert fields["Description-Content-Type"] == "text/markdown"
    assert set(fields.get_all("Provides-Extra")) == {"cuda", "dev", "serving"}
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
    wanted = [*PROJECT["dependencies"], *extras["serving"], *extras["dev"]]
    names = {re.split(r"[^\w-]", line)[0].lower().replace("_", "-") for line in wanted}
    assert names - pinned == set()


def test_a_command_runs_beside_a_users_modules_of_the_packages_names(
    commands: Path, tmp_path: Path
) -> None:
    for name in ("serving", "export"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')", encoding="utf-8")
    assert "usage: " in run(commands / "keras-gan-export", "--help", cwd=tmp_path)
    assert {path.name for path in commands.iterdir()} >= PROJECT["scripts"].keys()


# As a user's program does: in its own folder, which Python searches first.
PROGRAM = """
import importlib.metadata
import export, keras_gan, serving
for package in (export, keras_gan, serving):
    print(package.__file__)
scripts = importlib.metadata.distribution("keras-gan").entry_points
for script in scripts:
    try:
        script.load()(["--help"])
    except SystemExit as end:
        assert end.code == 0, script
train = scripts["keras-gan-train"].load()
assert train(["--strategy", "mirrored", "--epochs", "1", "--run-dir", "run"]) == 0
"""


def test_the_installed_packages_teach_and_train_beside_a_users_folder_called_serving(
    commands: Path, tmp_path: Path
) -> None:
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving" / "notes.txt").write_text("a folder of the user's", encoding="utf-8")
    printed = run(commands / "python", "-c", PROGRAM, cwd=tmp_path).splitlines()
    files = printed[: len(PACKAGES)]
    assert [Path(file).is_relative_to(commands.parent) for file in files] == [True] * 3
    assert sum(line.startswith("usage: ") for line in printed) == len(PROJECT["scripts"])
    assert list((tmp_path / "run").rglob("*.keras"))
    (session,) = json.loads((tmp_path / "run" / "config.json").read_bytes())["sessions"]
    assert session["replicas"] == 1
