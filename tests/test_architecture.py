"""The plan of the house: which way imports point, what the door costs and what it says."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import keras_gan

ROOT = Path(__file__).parents[1]
LOADED_ON_FIRST_USE = (
    "PIL",
    "matplotlib",
    "onnx",
    "scipy",
    "sklearn",
    "tensorboard",
    "tensorflow_datasets",
    "tensorflow_probability",
    "tf_keras",
)


def test_imports_point_down(capsys: pytest.CaptureFixture[str]) -> None:
    """The contracts stand in pyproject.toml."""
    code = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)
    assert code == 0, capsys.readouterr().out


def names_used(tree: ast.AST, package: str) -> Iterator[str]:
    """Every name of `package` that a module imports from it or reads as `package.name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            head, *below = node.module.split(".")
            if head == package:
                yield from [".".join(below)] if below else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                head, *below = alias.name.split(".")
                if head == package and below:
                    yield ".".join(below)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == package:
            yield node.attr


def test_names_used_sees_every_way_in() -> None:
    source = """
import os, door
import door.back
from door import front
from door.side.window import pane
from .door import ours
door.bell()
"""
    found = set(names_used(ast.parse(source), "door"))
    assert found == {"back", "front", "side.window", "bell"}


def test_export_uses_the_public_door_only() -> None:
    public = set(keras_gan.__all__)
    used = {
        f"{path.relative_to(ROOT)}: {name}": name
        for path in (ROOT / "export").rglob("*.py")
        for name in names_used(ast.parse(path.read_text(encoding="utf-8")), "keras_gan")
    }
    assert [where for where, name in used.items() if name not in public] == []


def test_importing_keras_gan_loads_nothing_heavy() -> None:
    """Keras itself loads some of these where it finds them, so they are made unimportable."""
    hidden = "; ".join(f"sys.modules[{name!r}] = None" for name in LOADED_ON_FIRST_USE)
    code = f"""import sys; {hidden}
import keras
before = set(sys.modules)
import keras_gan
print(*{{name.partition(".")[0] for name in set(sys.modules) - before}} - sys.stdlib_module_names)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["keras_gan"]


def test_a_foreign_backend_is_refused_when_imported() -> None:
    code = "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras_gan"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 1
    assert "KERAS_BACKEND" in result.stderr.splitlines()[-1]


def own_methods(cls: type) -> Iterator[tuple[str, object]]:
    """The public methods and properties that a class adds to what it inherits."""
    for name, member in vars(cls).items():
        if name.startswith("_") or any(hasattr(base, name) for base in cls.__bases__):
            continue
        if inspect.isroutine(member) or isinstance(member, property):
            yield name, member


@pytest.mark.parametrize("name", [name for name in keras_gan.__all__ if not name.startswith("_")])
def test_public_names_have_docstrings(name: str) -> None:
    public = getattr(keras_gan, name)
    assert inspect.getdoc(public)
    if inspect.isclass(public):
        silent = [member for member, value in own_methods(public) if not inspect.getdoc(value)]
        assert silent == []
    elif inspect.ismodule(public):
        functions = inspect.getmembers(
            public, lambda f: inspect.isroutine(f) and f.__module__ == public.__name__
        )
        silent = [f for f, value in functions if f[0] != "_" and not inspect.getdoc(value)]
        assert silent == []
