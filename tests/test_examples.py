"""The programs of examples/ run at toy size, and are as short as they say."""

from __future__ import annotations

import ast
import io
import re
import runpy
import tokenize
from pathlib import Path

import numpy as np
import pytest

import keras_gan

EXAMPLES = Path(__file__).parents[1] / "examples"
PROGRAMS = {path.name: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.py")}
PAGE = (EXAMPLES / "README.md").read_text(encoding="utf-8")
STEPS = 2


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """The programs write into the working directory."""
    monkeypatch.chdir(tmp_path)


def main_of(name: str):
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]


def run(name: str, images: int = 64 * STEPS):
    """What the program returns after few steps of narrow networks on the digits."""
    return main_of(name)("digits", epochs=1, limit=images, width=2)


def check_samples(gan, shape=(8, 8, 1), steps=STEPS, **arguments):
    """G was updated so often, no loss was NaN, and samples are images."""
    assert int(gan.step) == steps
    assert gan.nonfinite_step is None
    check_images(gan.generate(5, **arguments), (5, *shape))


def check_images(images, shape):
    assert images.shape == shape
    assert np.isfinite(images).all()
    assert images.std() > 0.01


def check_pictures(folder):
    assert [path.name for path in sorted(Path(folder).iterdir())] == [
        "epoch-0000.png",
        "epoch-0001.png",
    ]


def test_dcgan_of_a_folder_of_pictures():
    random = np.random.default_rng(0)
    Path("faces").mkdir()
    for index in range(80):  # a tenth is held out for validation, another one for tests
        pixels = random.integers(0, 256, (8, 16, 3), np.uint8)
        keras_gan.plotting.save_image(pixels, Path("faces") / f"{index}.png")
    gan = main_of("dcgan")("./faces", epochs=1, width=2)
    check_samples(gan, (8, 16, 3), steps=1)
    check_pictures("runs/dcgan")


def test_wgan_gp():
    gan = run("wgan_gp", images=3 * 64)
    check_samples(gan, steps=1)
    assert gan.discriminator_optimizer.iterations == 3
    assert gan.get_metrics_result()["wgan_gp"] > 0


def test_conditional_gan():
    gan, between = run("conditional_gan")
    check_images(between, (9, 8, 8, 1))
    # The same latents: what changes between neighbors is the condition.
    changes = np.abs(np.diff(between, axis=0)).max(axis=(1, 2, 3))
    assert (changes > 0).all()
    assert changes.max() < np.abs(between[8] - between[0]).max()
    assert Path("from_1_to_5.png").is_file()
    check_samples(gan, condition=np.eye(10, dtype="float32")[3])


def test_data_efficient_ada():
    gan, kids = run("data_efficient_ada")
    check_samples(gan, ema=True)
    assert len(kids) == 1
    assert np.isfinite(kids).all()
    check_pictures("runs/ada/samples")
    assert len(list(Path("runs/ada/checkpoints").glob("step-*"))) == 1


def test_tfgan_tutorial():
    models = run("tfgan_tutorial")
    for name, gan in models.items():
        check_samples(gan)
        check_pictures(f"runs/{name}")
    one, other = (models["conditional"].generate(5, condition=c) for c in (1, 2))
    assert (one != other).any()
    one, other = (models["infogan"].generate(5, condition=c) for c in np.eye(12)[:2])
    assert (one != other).any()


def test_pix2pix():
    gan, painted = run("pix2pix")
    check_images(painted, (8, 8, 8, 1))
    assert Path("pix2pix.png").is_file()
    assert int(gan.step) == 2 * STEPS
    assert gan.nonfinite_step is None


def test_the_loss_of_pix2pix():
    loss = runpy.run_path(str(EXAMPLES / "pix2pix.py"))["NearTheTruth"]()
    random = np.random.default_rng(0)
    truth, painted = random.random((2, 3, 4, 5, 1), np.float32)
    logits = np.array([-1.0, 0.0, 2.0], np.float32)
    real = keras_gan.losses.DiscriminatorOutput(logits, examples=truth)
    fake = keras_gan.losses.DiscriminatorOutput(logits, examples=painted)
    expected = np.log1p(np.exp(-logits)) + 100 * np.abs(painted - truth).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(loss.generator(real, fake), expected, rtol=1e-5)


def test_edges():
    edges = runpy.run_path(str(EXAMPLES / "pix2pix.py"))["edges"]
    row, column = np.mgrid[:6, :7].astype("float32")
    plane = (0.3 * row + 0.4 * column)[None, :, :, None]
    np.testing.assert_allclose(edges(plane), np.full((1, 6, 7, 1), 0.5), rtol=1e-5)


def test_own_loop(capsys):
    generator, losses = run("own_loop")
    assert np.isfinite(losses).all()
    check_images(generator.predict(np.ones((4, 100)), verbose=0), (4, 8, 8, 1))
    assert "epoch 1: d_loss" in capsys.readouterr().out


# --------------------------------------------------------------------- lines of code


def code_lines(text: str) -> int:
    """Lines that are neither blank nor comments nor docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = [
        node.body[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, documented) and ast.get_docstring(node) is not None
    ]
    layout = {"COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENDMARKER"}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if tokenize.tok_name[token.type] not in layout:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in docstrings:
        lines.difference_update(range(node.lineno, node.end_lineno + 1))
    return len(lines)


def test_code_lines():
    assert code_lines('"""Text.\n\nMore."""\n\nx = """a\n\nb"""  # why\n# comment\n') == 3
    assert code_lines("def f(\n    x,\n):\n    '''Text.'''\n\n    return x\n") == 4


@pytest.mark.parametrize("name", PROGRAMS)
def test_stated_lengths(name):
    header = ast.get_docstring(ast.parse(PROGRAMS[name]))
    lengths = re.search(r"^Lines of code: (\d+) there, (\d+) here\.$", header, re.MULTILINE)
    there, here = map(int, lengths.groups())
    assert here == code_lines(PROGRAMS[name])
    assert 3 * here <= there
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| [{name}]({name})")]
    assert row.endswith(f"| {there} | {here} |")
    (address,) = re.findall(r"https://\S+", header)
    assert f"]({address})" in row


def test_the_table_lists_every_program():
    assert sorted(re.findall(r"^\| \[(\w+\.py)\]", PAGE, re.MULTILINE)) == sorted(PROGRAMS)
