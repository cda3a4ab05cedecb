"""The README's program runs as it stands, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_program_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict = {}
    exec(compile(program, "README.md", "exec"), names)
    assert names["images"].shape == (64, 8, 8, 1)
    assert (tmp_path / "gan.keras").is_file()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python -m (\S+)", README))))
def test_commands_exist(command, capsys):
    import importlib

    names = [command] if command.startswith("keras_gan.") else [f"{command}.__main__"]
    module = importlib.import_module(names[0])
    with pytest.raises(SystemExit) as stop:
        module.main(["--help"])
    assert stop.value.code == 0
    assert "usage" in capsys.readouterr().out


def test_pictures_and_pages_exist():
    root = Path(__file__).parents[1]
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (root / target).is_file(), target
