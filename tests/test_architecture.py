"""The structure of the code: directions of imports, sizes, the public API and its documentation."""

from __future__ import annotations

import ast
import inspect
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import keras_gan

ROOT = Path(__file__).parents[1]
PRODUCT = [
    path
    for package in ("keras_gan", "export", "serving")
    for path in (ROOT / package).rglob("*.py")
]
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


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# ------------------------------------------------------------------------------ imports


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


def test_names_used_finds_every_kind_of_import() -> None:
    source = """
import os, package
import package.one
from package import two
from package.three.four import five
from .package import local
package.six()
"""
    assert set(names_used(ast.parse(source), "package")) == {"one", "two", "three.four", "six"}


def test_export_uses_only_the_public_api() -> None:
    public = {*keras_gan.__all__, "__version__"}
    private = [
        f"{relative(path)}: {name}"
        for path in (ROOT / "export").rglob("*.py")
        for name in names_used(ast.parse(read(path)), "keras_gan")
        if name.partition(".")[0] not in public
    ]
    assert private == []


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)


def test_importing_keras_gan_loads_nothing_heavy() -> None:
    """Keras itself loads some of these where it finds them, so they are made unimportable."""
    hidden = "; ".join(f"sys.modules[{name!r}] = None" for name in LOADED_ON_FIRST_USE)
    result = python(f"import sys; {hidden}; import keras_gan")
    assert result.returncode == 0, result.stderr


def test_another_backend_is_refused_when_imported() -> None:
    result = python("import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras_gan")
    assert result.returncode == 1
    assert "KERAS_BACKEND=tensorflow" in result.stderr.splitlines()[-1]


def test_a_backend_of_keras_json_that_is_not_installed_is_named(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    result = python(
        f"import os, sys; os.environ['KERAS_HOME'] = {str(tmp_path)!r}; sys.modules['jax'] = None; "
        "del os.environ['KERAS_BACKEND']; import keras_gan; keras_gan.GAN"
    )
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert all(word in last for word in ("jax", "keras.json", "KERAS_BACKEND=tensorflow"))


@pytest.mark.parametrize("command", ["/usr/bin/keras-gan", "-m"])
def test_commands_choose_the_backend(command: str) -> None:
    code = f"import os, sys; os.environ['KERAS_BACKEND'] = 'jax'; sys.argv = [{command!r}]"
    result = python(f"{code}; import keras_gan; print(os.environ['KERAS_BACKEND'])")
    assert result.stdout == "tensorflow\n"


# -------------------------------------------------------------------------------- sizes


def test_packages_are_few_and_modules_short() -> None:
    in_package = {
        path.stem
        for path in (ROOT / "keras_gan").iterdir()
        if path.suffix == ".py" or path.is_dir()
    }
    project = tomllib.loads(read(ROOT / "pyproject.toml"))
    commands = project["project"]["entry-points"]["keras_gan.commands"].values()
    of_commands = {place.partition(":")[0].removeprefix("keras_gan.") for place in commands}
    assert len(in_package - of_commands - {"__init__", "__pycache__"}) <= 20
    lines = {relative(path): len(read(path).splitlines()) for path in PRODUCT}
    assert {path: n for path, n in lines.items() if n > 400} == {}
    assert statistics.median(n for n in lines.values() if n) < 150
    contracts = project["tool"]["importlinter"]["contracts"]
    assert max(len(contract.get("layers", ())) for contract in contracts) <= 14


# ------------------------------------------- private attributes of other people's packages

PRIVATE_MODULES = ("keras.src", "tensorflow.python")
# Public in spite of their names, or documented for subclasses: in Keras's docstring of
# `Optimizer`, in TensorFlow Probability's of `Distribution`.
ALLOWED = {"_asdict", "_exit", "_fields", "_get_variable_index", "_make", "_replace"}
# What has no public equivalent. Serving imports nothing of keras_gan.
PERMITTED = ("keras_gan/core/keras_private.py: ", "serving/loader.py: _make_callable_from_options")


def names_defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield from [node.attr] if ast.unparse(node.value) in ("self", "cls") else []


def private_uses(tree: ast.AST, ours: Iterable[str]) -> Iterator[str]:
    """Imports of private modules, and private attributes whose names are not among `ours`."""
    names = []
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(name)) if name.startswith(PRIVATE_MODULES):
                yield name
            case ast.Import(names=aliases):
                yield from (a.name for a in aliases if a.name.startswith(PRIVATE_MODULES))
            case ast.Attribute(attr=name):
                names.append(name)
            case ast.Call(func=ast.Name(id="getattr" | "setattr" | "hasattr")):
                names += [a.value for a in node.args[1:2] if isinstance(a, ast.Constant)]
    for name in names:
        if name.startswith("_") and not name.startswith("__") and name not in {*ours, *ALLOWED}:
            yield name


def test_private_uses_are_found() -> None:
    source = """
import keras.src.layers
from tensorflow.python.eager import context
from keras import ops
model._flatten_layers()
self._ours = getattr(tensor, "_keras_history", None)
dataset._cardinality = 3
pair._replace(a=1).__class__
"""
    tree = ast.parse(source)
    assert sorted(private_uses(tree, set(names_defined(tree)))) == [
        "_cardinality",
        "_flatten_layers",
        "_keras_history",
        "keras.src.layers",
        "tensorflow.python.eager",
    ]


def test_private_attributes_of_other_packages_are_used_in_one_module() -> None:
    trees = {relative(path): ast.parse(read(path)) for path in PRODUCT}
    ours = {name for tree in trees.values() for name in names_defined(tree)}
    uses = {f"{path}: {name}" for path, tree in trees.items() for name in private_uses(tree, ours)}
    assert [use for use in sorted(uses) if not use.startswith(PERMITTED)] == []


def test_private_methods_of_keras_are_not_overridden_by_accident() -> None:
    kinds = {
        kind
        for name, module in list(sys.modules.items())
        if name.startswith("keras_gan.")
        for kind in vars(module).values()
        if inspect.isclass(kind) and kind.__module__.startswith("keras_gan.")
    }
    assert keras_gan.GAN in kinds
    overridden = {
        f"{kind.__qualname__}.{name}"
        for kind in kinds
        for base in kind.__mro__[1:]
        if base.__module__.startswith(("keras.", "tensorflow."))
        for name, value in vars(kind).items()
        if name.startswith("_") and not name.startswith("__") and name in vars(base)
        if inspect.isfunction(value) and value.__module__.startswith("keras_gan.")
    }
    # Keras's own takes a batch to build the model with, which fails on several workers.
    assert overridden <= {"Trainer._maybe_symbolic_build"}


# ------------------------------------------------------------------------- documentation


def within(name: str, value: object) -> Iterator[tuple[str, object]]:
    """A public name, and what a user reaches through it, as far as this package defines it.

    Of a class, these are the methods that override nothing inherited: the others are documented
    where they come from.
    """
    yield name, value
    if inspect.ismodule(value):
        for part in getattr(value, "__all__", dir(value)):
            member = getattr(value, part)
            own = (getattr(member, "__module__", None) or "").startswith(value.__name__)
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
