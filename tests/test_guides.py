"""The guides of docs/guides run at toy size, each in this process."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from export import replay, saved_model
from serving.settings import read_settings

sys.path.insert(0, str(Path(__file__).parent / "serving"))  # its helpers

from serving_running import free_port, running

GUIDES = Path(__file__).parents[1] / "docs" / "guides"
# What the constants at the beginning of each guide are here.
SHORT = {
    "choose_a_loss": {"LOSSES": ("non_saturating",), "EPOCHS": 1, "POINTS": 640},
    "classes": {"EPOCHS": 1, "WIDTH": 2, "CLASSIFIER_EPOCHS": 1},
    "export_and_serve": {"PORT": free_port()},
    "few_pictures": {"AUGMENTATIONS": ("DiffAugment",), "EPOCHS": 1, "WIDTH": 2},
    "getting_started": {
        "LENGTH": ["--images=64", "--budget=1m", "--size=8", "--width=2", "--augment=none"],
        "SAMPLES": 100,
        "PICTURES": 80,
        "PORT": free_port(),
    },
    "log_training": {"EPOCHS": 1},
    "measure": {"SAMPLES": 60},
    "read_a_run": {"EPOCHS": 1, "WIDTH": 2},
    "section_7": {"EPOCHS": 1, "STEPS": 2},
    "several_devices": {"STEPS": 2},
    "theory": {},
}


@pytest.fixture(autouse=True)
def _in_this_process(tmp_path, monkeypatch) -> Iterator[None]:
    """Guides write into the working directory; other processes would import TensorFlow again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(saved_model, "run", lambda path, asked: replay.replay(str(path), asked))
    start = subprocess.Popen
    with contextlib.ExitStack() as servers:

        def popen(command, **options):
            if command[:2] != ["keras-gan", "serve"]:
                return start(command, **options)
            settings = read_settings([*command[2:], "--rest_api_port", "0"])
            servers.enter_context(running(settings))
            return types.SimpleNamespace(terminate=servers.close, wait=lambda: 0)

        monkeypatch.setattr(subprocess, "Popen", popen)
        yield


def test_every_guide_is_run():
    names = {path.stem for path in GUIDES.glob("*.py")}
    assert names == set(SHORT)
    # A script's folder comes first when it imports: it would get the guide of that name.
    assert names & sys.stdlib_module_names == set()


@pytest.mark.parametrize("name", SHORT)
def test_guide(name, monkeypatch):
    source = (GUIDES / f"{name}.py").read_text(encoding="utf-8")
    for constant, value in SHORT[name].items():
        source, found = re.subn(rf"(?m)^{constant} = .*$", f"{constant} = {value!r}", source)
        assert found == 1, constant
    module = types.ModuleType(f"guide_{name}")  # Keras looks for the module of a class
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, str(GUIDES / f"{name}.py"), "exec"), vars(module))
