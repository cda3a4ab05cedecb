"""The plan of the house: which way imports point, what the door costs and what it says."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def test_imports_point_down() -> None:
    """The contracts stand in pyproject.toml."""
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stdout


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
    public = {*keras_gan.__all__, "__version__"}
    used = {
        f"{path.relative_to(ROOT)}: {name}": name
        for path in (ROOT / "export").rglob("*.py")
        for name in names_used(ast.parse(path.read_text(encoding="utf-8")), "keras_gan")
    }
    assert [where for where, name in used.items() if name not in public] == []


def test_importing_keras_gan_loads_nothing_heavy() -> None:
    """Keras itself loads some of these where it finds them, so they are made unimportable."""
    hidden = "; ".join(f"sys.modules[{name!r}] = None" for name in LOADED_ON_FIRST_USE)
    result = python(f"import sys; {hidden}; import keras_gan")
    assert result.returncode == 0, result.stderr


def test_a_foreign_backend_is_refused_when_imported() -> None:
    result = python("import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras_gan")
    assert result.returncode == 1
    assert "set KERAS_BACKEND=tensorflow" in result.stderr.splitlines()[-1]


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)


def within(name: str, value: object) -> Iterator[tuple[str, object]]:
    """A public name, and what a user reaches through it, as far as it is this package's own.

    A class adds to that only what it does not override: the rest is documented where it comes from.
    """
    yield name, value
    if inspect.ismodule(value):
        for part in getattr(value, "__all__", dir(value)):
            member = getattr(value, part)
            own = getattr(member, "__module__", "").startswith(value.__name__)
            if own and not part.startswith("_") and callable(member):
                yield from within(f"{name}.{part}", member)
    elif inspect.isclass(value):
        for part in vars(value):
            inherited = any(hasattr(base, part) for base in value.__bases__)
            if callable(member := getattr(value, part)) and part[0] != "_" and not inherited:
                yield f"{name}.{part}", member


@pytest.mark.parametrize("name", keras_gan.__all__)
def test_public_names_have_docstrings_and_type_hints(name: str) -> None:
    for label, value in within(name, getattr(keras_gan, name)):
        assert inspect.getdoc(value), f"{label} has no docstring"
        if inspect.isroutine(value):
            signature = inspect.signature(value)
            assert signature.return_annotation is not signature.empty, f"{label} returns what?"
            untyped = [
                parameter.name
                for parameter in signature.parameters.values()
                if parameter.annotation is parameter.empty
                and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            ]
            assert set(untyped) <= {"self"}, label
