"""All pages: Python blocks compile, imports in them work, and words are spelled as usual."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from documents import PAGES, ROOT, text_of

IMPORTS = re.compile(r"^(?:from [\w.]+ )?import .*$", re.MULTILINE)


def blocks() -> Iterator[tuple[str, str]]:
    """The name of a page and the source of each of its Python blocks."""
    for page in PAGES:
        for block in re.findall(r"^```python[^\n]*\n(.*?)^```", text_of(page), re.M | re.S):
            yield page.name, block


def test_python_blocks_compile_and_import_what_exists() -> None:
    found = list(blocks())
    assert len(found) > 15
    for page, block in found:
        for node in ast.walk(ast.parse(block, page)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "keras_gan":
                module = importlib.import_module(node.module)
                for name in (f"{node.module}.{alias.name}" for alias in node.names):
                    exists = hasattr(module, name.rpartition(".")[2]) or find_spec(name)
                    assert exists, f"{page}: {name}"


def test_python_blocks_import_the_modules_that_they_use() -> None:
    """In the block, or in an earlier one of the page."""
    modules = {"np", "tf", "keras", "keras_gan", "networks", "priors", "losses", "conditioning"}
    imported: dict[str, set[str]] = {}
    for page, block in blocks():
        known = imported.setdefault(page, set())
        known |= set(re.findall(r"(?:import|as|,) (\w+)", "\n".join(IMPORTS.findall(block))))
        used = set(re.findall(r"(?<![\w.])(\w+)\.\w", IMPORTS.sub("", block))) & modules
        assert used <= known, f"{page}: {used - known}"


def test_guides_are_short() -> None:
    for page in PAGES:
        if page.suffix == ".py":
            assert len(page.read_text(encoding="utf-8").splitlines()) <= 150, page.name


def test_spelling() -> None:
    """The words that are spelled otherwise on purpose stand in pyproject.toml."""
    pytest.importorskip("codespell_lib", reason="needs the extra 'docs'")
    places = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "examples", "mkdocs.yml"]
    places += ["keras_gan", "export", "serving", "reproduce", "benchmarks"]
    result = subprocess.run(
        [sys.executable, "-m", "codespell_lib", *places], capture_output=True, text=True, cwd=ROOT
    )
    assert (result.returncode, result.stdout) == (0, ""), result.stdout
