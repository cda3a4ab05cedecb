"""The command: what it prints, and what it refuses in one line."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

from export import saved_model
from export.__main__ import main
from keras_gan import Run


def test_it_prints_what_it_wrote(export) -> None:
    for file in (file for file in export.path.rglob("*") if file.is_file()):
        assert f"{file.stat().st_size:,}  {file}" in export.printed
    for artifact in ("SavedModel sample", "model.onnx serving_default", "model_float16.onnx"):
        assert artifact in export.printed


def test_inspect(export, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(export.path.parent)]) == 0
    printed = capsys.readouterr().out
    assert main(["inspect", str(export.path)]) == 0
    assert capsys.readouterr().out == printed
    for line in (
        "digits, version 1\n",
        "  latents    32, prior uniform\n",
        "  examples   [8, 8, 1], values in [0.0, 1.0]\n",
        "saved_model.pb: SavedModel\n",
        "  sample: seed int64 [n] -> images float32 [n, 8, 8, 1], latents float32 [n, 32]\n",
        "  png: latents float32 [n, 32] -> image_bytes string [n]\n",
        "model.onnx: ONNX, opset 18\n",
    ):
        assert line in printed
    assert max(map(len, printed.splitlines())) < 120


def test_inspect_as_json(export, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--json", str(export.path)]) == 0
    described = json.loads(capsys.readouterr().out)
    saved = described["models"][0]["signatures"]["sample"]
    assert saved["inputs"][0]["operation"] == "sample_seed:0"
    assert saved["outputs"][0]["operation"].startswith("StatefulPartitionedCall")
    stored = json.loads((export.path / "assets.extra" / "metadata.json").read_text())
    assert described["metadata"] == stored
    files = {file["name"]: file for file in described["files"]}
    for file in (file for file in export.path.rglob("*") if file.is_file()):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert files[str(file.relative_to(export.path))]["sha256"] == digest


def test_inspect_shows_numbers(export, tmp_path: Path, capsys) -> None:
    copy = tmp_path / "1"
    shutil.copytree(export.path, copy)
    file = copy / "assets.extra" / "metadata.json"
    numbers = [{"name": "Frechet distance", "text": "3.1 ± 0.2", "floor_text": "1.4"}, 7]
    file.write_text(json.dumps({**json.loads(file.read_text()), "numbers": numbers}))
    assert main(["inspect", str(copy)]) == 0
    (line,) = (x for x in capsys.readouterr().out.splitlines() if "Frechet distance" in x)
    assert line.split() == ["Frechet", "distance", "3.1", "±", "0.2", "(1.4)"]


def test_inspect_an_onnx_file(export, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(export.path / "model_float16.onnx")]) == 0
    printed = capsys.readouterr().out
    assert "latents float32 [n, 32] ->" in printed
    assert "recipe     digits" in printed


def refused(argv: list, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which the command refuses."""
    assert main([str(argument) for argument in argv]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("export: error: ")
    return line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--name", "a/b"], "name"),
        (["--name", ".hidden"], "name"),
        (["--version", "0"], "version"),
        (["--version", "one"], "invalid int"),
        (["--opset", "21"], "--opset"),
        (["--opset", "15", "--formats", "saved_model"], "--opset is for ONNX"),
        (["--formats", "onnx", "tflite"], "formats"),
        (["--formats", "onnx", "--warmup"], "saved_model"),
        (["--signatures", "decode"], "'decode'"),
        (["--signatures", "encode"], "'encode'"),
        (["--weights", "first"], "'first'"),
        (["--quantize"], "--quantize"),
    ],
)
def test_bad_options(run: Run, options, message, tmp_path, capsys) -> None:
    output = tmp_path / "models"
    assert message in refused([run.path, "--output", output, *options], capsys)
    assert not output.exists()


def test_bad_runs(run: Run, tmp_path: Path, capsys) -> None:
    output = tmp_path / "models"
    assert "run directory" in refused([tmp_path, "--output", output], capsys)
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    shutil.copy(run.path / "config.json", unfinished)
    assert "finished" in refused([unfinished, "--output", output], capsys)
    (unfinished / "models").symlink_to(run.path / "models")
    (unfinished / "evaluation.json").write_text("{")
    assert "evaluation.json" in refused([unfinished, "--output", output], capsys)
    assert not output.exists()


def test_an_existing_version(run: Run, export, capsys) -> None:
    before = hashlib.sha256((export.path / "saved_model.pb").read_bytes()).digest()
    argv = [run.path, "--output", export.path.parents[1], "--version", "1"]
    assert "version 1" in refused(argv, capsys)
    assert hashlib.sha256((export.path / "saved_model.pb").read_bytes()).digest() == before


def test_a_next_version_of_a_model_of_other_data(run: Run, tmp_path: Path, capsys) -> None:
    metadata = tmp_path / "digits" / "1" / "assets.extra" / "metadata.json"
    metadata.parent.mkdir(parents=True)
    for before, told in (("cats", True), ("digits", False), (None, False)):
        metadata.write_text(json.dumps({"training": {"data": before}}))
        assert main([str(run.path), "--output", str(tmp_path), "--formats", "onnx"]) == 0
        error = capsys.readouterr().err
        assert ("1 was trained on 'cats', this model on 'digits'" in error) == told
        assert ("--name" in error) == told
        shutil.rmtree(tmp_path / "digits" / "2")


def test_a_version_without_a_saved_model_among_those_that_a_server_loads(
    run: Run, export, capsys
) -> None:
    argv = [run.path, "--output", export.path.parents[1], "--formats", "onnx"]
    assert "add saved_model to --formats" in refused(argv, capsys)


def test_an_output_that_cannot_be_written(run: Run, tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("not a folder")
    line = refused([run.path, "--output", tmp_path / "file"], capsys)
    assert "Not a directory" in line
    # Not even root may write there.
    assert "cannot be written: " in refused([run.path, "--output", "/sys/kernel"], capsys)


@contextlib.contextmanager
def short_files(size: int) -> Iterator[None]:
    """A context in which files end at this number of bytes, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("form", ["saved_model", "onnx"])
def test_a_full_disk(run: Run, form: str, tmp_path: Path, capsys) -> None:
    with short_files(100_000):  # in the middle of the weights
        line = refused([run.path, "--output", tmp_path / "models", "--formats", form], capsys)
    assert f"{tmp_path}/models/digits" in line
    assert "File too large" in line
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_of_all_but_the_warm_up_requests(tmp_path: Path) -> None:
    with short_files(100), pytest.raises(OSError, match="File too large"):
        saved_model.write_warmup(tmp_path, [("sample", {"seed": np.arange(100)})])


def test_inspect_refuses_what_is_no_export(run: Run, tmp_path: Path, capsys) -> None:
    assert "is not an export" in refused(["inspect", run.path], capsys)
    assert "is not an export" in refused(["inspect", tmp_path / "nothing"], capsys)
    metadata = tmp_path / "1" / "assets.extra" / "metadata.json"
    metadata.parent.mkdir(parents=True)
    for content in ("[1]", "{", "[" * 5000):
        metadata.write_text(content)
        assert "is not an export" in refused(["inspect", tmp_path / "1"], capsys)
    metadata.write_text(r'{"recipe": "\u001b[2J\ud800", "numbers": 1, "images": [], "prior": 2}')
    assert main(["inspect", str(tmp_path / "1")]) == 0
    assert r"  recipe     \x1b[2J\ud800" in capsys.readouterr().out
    assert main(["inspect", "--json", str(tmp_path / "1")]) == 0
    assert r'"recipe": "\u001b[2J\ud800"' in capsys.readouterr().out
    (metadata.parent.parent / "saved_model.pb").touch()
    assert main(["inspect", str(tmp_path / "1")]) == 2
    assert "cannot be read as a SavedModel" in capsys.readouterr().err
    (tmp_path / "x.onnx").write_bytes(b"\xff\xff\xff")
    assert "ONNX" in refused(["inspect", tmp_path / "x.onnx"], capsys)
    kind = onnx.helper.make_tensor_value_info("\x1b[2J", onnx.TensorProto.FLOAT, ["\x1b[31m", 4])
    graph = onnx.helper.make_graph([], "g", [kind], [])
    model = onnx.helper.make_model(graph, producer_name="keras_gan")
    onnx.save_model(model, str(tmp_path / "x.onnx"))
    assert main(["inspect", str(tmp_path / "x.onnx")]) == 0
    assert r"\x1b[2J float32 [\x1b[31m, 4]" in capsys.readouterr().out
    kind.type.tensor_type.elem_type = 99
    graph = onnx.helper.make_graph([], "g", [kind], [])
    onnx.save_model(
        onnx.helper.make_model(graph, producer_name="keras_gan"), str(tmp_path / "x.onnx")
    )
    assert "cannot be read as an ONNX" in refused(["inspect", tmp_path / "x.onnx"], capsys)


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_inspect_reads_regular_files_only(kind: str, tmp_path: Path, capsys) -> None:
    (tmp_path / "secret").write_text('{"secret": 1}')
    metadata = tmp_path / "1" / "assets.extra" / "metadata.json"
    metadata.parent.mkdir(parents=True)
    os.mkfifo(metadata) if kind == "pipe" else metadata.symlink_to(tmp_path / "secret")
    assert "is neither a regular file nor a directory" in refused(
        ["inspect", tmp_path / "1"], capsys
    )


def test_as_a_module(export, tmp_path: Path) -> None:
    """Without TensorFlow's start-up messages."""
    command = [sys.executable, "-m", "export", "inspect", str(export.path)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_CPP")}
    result = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, check=True, env=environment
    )
    metadata = json.loads((export.path / "assets.extra" / "metadata.json").read_text())
    assert metadata["training"]["fingerprint"] in result.stdout
    assert result.stderr == ""


def test_a_truncation_is_part_of_the_exported_generator(
    run: Run, replayed_here, tmp_path: Path
) -> None:
    chosen = ["--weights", "ema", "--truncation", "0.5", "--formats", "saved_model", "onnx"]
    with replayed_here():
        assert main([str(run.path), "--output", str(tmp_path), *chosen]) == 0
    folder = tmp_path / "digits" / "1"
    latents = run.prior.sample(4, seed=2)
    expected = run.samples(4, seed=2, weights="ema", truncation=0.5)
    assert np.abs(expected - run.samples(4, seed=2, weights="ema")).max() > 1e-3
    served = tf.saved_model.load(str(folder)).signatures["serving_default"]
    np.testing.assert_allclose(served(latents=latents)["images"], expected, rtol=0, atol=1e-5)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    images = session.run(["images"], {"latents": latents.numpy()})[0]
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-5)
    metadata = json.loads((folder / "assets.extra" / "metadata.json").read_text())
    assert metadata["truncation"] == 0.5
