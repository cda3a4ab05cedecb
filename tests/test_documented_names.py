"""Every dotted name of the documentation works as written, after `import keras_gan` alone."""

from __future__ import annotations

import re
import subprocess
import sys

from documents import PAGES, ROOT, text_of

import keras_gan

WALK = """
import functools, sys
import keras_gan
for name in sys.argv[1:]:
    try:
        functools.reduce(getattr, name.split(".")[1:], keras_gan)
    except AttributeError as error:
        print(f"{name}: {error}")
"""


def documented_names() -> set[str]:
    """Without commands (`python -m keras_gan.train`) and modules to import (`from ...`).

    `losses.Hinge` in a page stands for `keras_gan.losses.Hinge`.
    """
    text = "\n".join(map(text_of, PAGES))
    names = set(re.findall(r"(?<![\w./-])(?<!-m )(?<!from )keras_gan(?:\.[A-Za-z_]\w*)+", text))
    packages = "|".join(name for name in keras_gan.__all__ if name.islower() and name != "cli")
    text = "\n".join(text_of(page) for page in PAGES if page.name != "names.md")  # has old names
    short = re.findall(rf"`((?:{packages})\.[A-Za-z_]\w*)[^`]*`", text)
    return names | {f"keras_gan.{name}" for name in short if not name.endswith((".py", ".json"))}


def test_documented_names_exist_in_a_fresh_process():
    names = documented_names()
    assert "keras_gan.evaluation.likelihood.reliability.error_on_gaussians" in names
    assert "keras_gan.evaluation.theory.value" in names
    result = subprocess.run(
        [sys.executable, "-c", WALK, *sorted(names)], capture_output=True, text=True, cwd=ROOT
    )
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr
