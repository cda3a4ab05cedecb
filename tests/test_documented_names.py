"""Every dotted name of the documentation works as written, after `import keras_gan` alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
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
    """Without commands (`python -m keras_gan.train`) and modules to import (`from ...`)."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    return set(re.findall(r"(?<![\w./-])(?<!-m )(?<!from )keras_gan(?:\.[A-Za-z_]\w*)+", text))


def test_documented_names_exist_in_a_fresh_process():
    names = documented_names()
    assert "keras_gan.evaluation.likelihood.reliability.error_on_gaussians" in names
    assert "keras_gan.evaluation.theory.value" in names
    result = subprocess.run(
        [sys.executable, "-c", WALK, *sorted(names)], capture_output=True, text=True, cwd=ROOT
    )
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr
