"""The programs in docs/export.md, run as they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from export.__main__ import main

DOCUMENT = Path(__file__).parents[2] / "docs" / "export.md"


def block(kind: str) -> str:
    """The one block of this kind."""
    text = DOCUMENT.read_text(encoding="utf-8")
    (content,) = re.findall(rf"^```{re.escape(kind)}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return content


def prints(*command: str | Path, cwd: Path) -> list[int]:
    """The numbers that a program prints, which are a shape; the checkout is out of its sight."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return [int(number) for number in re.findall(r"\d+", result.stdout)]


@pytest.mark.parametrize("kind", ["onnxruntime", "tensorflow"])
def test_python(kind: str, export, tmp_path: Path) -> None:
    (tmp_path / "load.py").write_text(block(f"python {kind}"))
    assert prints(sys.executable, "load.py", export.path, cwd=tmp_path) == [4, 8, 8, 1]


@pytest.mark.parametrize("kind", ["node", "web"])
def test_javascript(kind: str, export, needs_node: str, node_modules: Path) -> None:
    (node_modules / f"{kind}.js").write_text(block(f"js {kind}"))
    assert prints(needs_node, f"{kind}.js", export.path, cwd=node_modules) == [4, 8, 8, 1]


def build(script: str, tmp_path: Path, **variables: str) -> None:
    environment = {**os.environ, "TF": tf.sysconfig.get_lib(), **variables}
    subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, env=environment, check=True)


def test_cpp(export, tmp_path: Path) -> None:
    if not shutil.which("g++"):
        pytest.skip("needs g++ (Debian: apt-get install g++)")
    (tmp_path / "load.cc").write_text(block("cpp load.cc"))
    build(block("sh build"), tmp_path)
    assert prints(tmp_path / "load", export.path, cwd=tmp_path) == [4, 8, 8, 1]


def test_go(
    export, tmp_path: Path, capsys: pytest.CaptureFixture[str], pytestconfig: pytest.Config
) -> None:
    if not shutil.which("go") or not shutil.which("gcc"):
        pytest.skip("needs Go and gcc (Debian: apt-get install golang-go gcc)")
    (tmp_path / "load.go").write_text(block("go load.go"))
    # Go builds its standard library once; the program, in a folder of its own, each time.
    build(block("sh go build"), tmp_path, GOCACHE=str(pytestconfig.cache.mkdir("go")))
    assert main(["inspect", "--json", str(export.path)]) == 0
    model = json.loads(capsys.readouterr().out)["models"][0]
    sample = model["signatures"]["sample"]
    operations = {
        tensor["name"]: tensor["operation"].removesuffix(":0")
        for tensor in (*sample["inputs"], *sample["outputs"])
    }
    names = [operations[name] for name in ("seed", "images")]
    assert prints(tmp_path / "load", export.path, *names, cwd=tmp_path) == [4, 8, 8, 1]
