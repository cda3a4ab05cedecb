"""ONNX models in ONNX Runtime, for Python and for Node.js."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

import keras_gan
from export import onnx_model, parity, writing
from export.subject import Subject
from keras_gan import recipes
from keras_gan.data import preprocessing
from keras_gan.run import Run

# Shape of the data of each recipe; generators only, without training.
SHAPES = {
    "digits": (8, 8, 1),
    "mnist": (28, 28, 1),
    "tfd": (48, 48, 1),
    "cifar10_mlp": (32, 32, 3),
    "cifar10_conv": (32, 32, 3),
    "own_data": (9, 7, 3),
}


def subject_of(recipe: recipes.Recipe, shape: tuple[int, ...]) -> Subject:
    images = np.random.default_rng(0).integers(0, 256, (20, *shape), np.uint8)
    scale = preprocessing.fit(recipe.preprocessing, images)
    generator, discriminator = recipe.networks(recipe, scale.forward(images), 0)
    return Subject(generator, discriminator, recipe.make_prior(), scale, {"recipe": recipe.name})


def answers(path: Path, latents: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["images"], {"latents": latents})[0]


@pytest.fixture(scope="module", params=SHAPES)
def recipe_subject(request: pytest.FixtureRequest) -> Subject:
    return subject_of(recipes.get(request.param), SHAPES[request.param])


NODE = """
const ort = require("onnxruntime-node");
const fs = require("fs");
(async () => {
  const session = await ort.InferenceSession.create(process.argv[2]);
  const [d, ...sizes] = process.argv.slice(3).map(Number);
  const all = fs.readFileSync("latents");
  const latents = new Float32Array(all.buffer, all.byteOffset, all.length / 4);
  for (const n of sizes) {
    const tensor = new ort.Tensor("float32", latents.slice(0, n * d), [n, d]);
    const { images } = await session.run({ latents: tensor });
    fs.writeFileSync(`images-${n}`, Buffer.from(images.data.buffer));
  }
})();
"""


def test_every_recipe_in_python_and_in_node(
    recipe_subject: Subject, node_modules: Path, tmp_path: Path
) -> None:
    latents = recipe_subject.prior.sample(33, seed=1).numpy()
    # Not `predict`: compiled by XLA, it is itself 1e-5 away from double precision here.
    outputs = recipe_subject.generator(latents, training=False).numpy()
    expected = recipe_subject.preprocessing.to_unit(outputs)
    model = onnx_model.convert(recipe_subject)
    onnx_model.write(model, tmp_path / "model.onnx")
    for n in (1, 33):
        found = answers(tmp_path / "model.onnx", latents[:n])
        np.testing.assert_allclose(found, expected[:n], rtol=0, atol=1e-5)

    latents.tofile(node_modules / "latents")
    command = ["node", "-e", NODE, "-", tmp_path / "model.onnx", str(latents.shape[1]), "1", "33"]
    subprocess.run(command, cwd=node_modules, check=True)
    for n in (1, 33):
        found = np.fromfile(node_modules / f"images-{n}", np.float32).reshape(
            n, *expected.shape[1:]
        )
        np.testing.assert_allclose(found, expected[:n], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["digits", "mnist", "own_data"])
def test_float16(name: str, tmp_path: Path) -> None:
    subject = subject_of(recipes.get(name), SHAPES[name])
    latents = subject.prior.sample(33, seed=1).numpy()
    expected = subject.preprocessing.to_unit(subject.generator(latents).numpy())
    sizes = []
    for precision, file in ((subject, "32.onnx"), (subject.in_float16(), "16.onnx")):
        onnx_model.write(onnx_model.convert(precision), tmp_path / file)
        sizes.append((tmp_path / file).stat().st_size)
    for n in (1, 33):
        error = np.abs(answers(tmp_path / "16.onnx", latents[:n]) - expected[:n]).max()
        assert 1e-6 < error < 5e-3
    assert sizes[1] < 0.6 * sizes[0]


def test_what_the_file_says(export) -> None:
    model = onnx.load(export.path / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [entry.version for entry in model.opset_import if entry.domain == ""] == [18]
    described = [
        (v.name, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim])
        for v in (*model.graph.input, *model.graph.output)
    ]
    assert described == [("latents", ["n", 32]), ("images", ["n", 8, 8, 1])]
    assert {"hidden_0/kernel", "output/bias"} < {tensor.name for tensor in model.graph.initializer}
    assert "images in [0, 1]" in model.doc_string
    assert model.producer_name == "keras_gan"
    properties = {entry.key: entry.value for entry in model.metadata_props}
    stored = json.loads((export.path / writing.METADATA_FILE).read_text())
    del stored["parity"]
    assert properties.keys() == stored.keys()
    assert properties["recipe"] == "digits"
    assert json.loads(properties["prior"]) == {"name": "uniform", "dimension": 32}


def test_weights_beside_the_file_above_a_limit(run: Run, tmp_path: Path) -> None:
    subject = Subject.from_run(run)
    settings = writing.Settings(formats=("onnx", "onnx_float16"), max_inline=200_000)
    path = writing.write(subject, tmp_path, "digits", settings=settings).path
    files = {file.name for file in path.iterdir()}
    assert files == {"model.onnx", "model.onnx.data", "model_float16.onnx", "assets.extra"}
    assert (path / "model.onnx").stat().st_size < 20_000
    moved = path.rename(tmp_path / "elsewhere")
    latents = subject.prior.sample(33).numpy()
    expected = run.gan().generator(latents)
    np.testing.assert_allclose(answers(moved / "model.onnx", latents), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("opset", [13, 15])
def test_older_opsets(run: Run, opset: int, tmp_path: Path) -> None:
    subject = Subject.from_run(run)
    onnx_model.write(onnx_model.convert(subject, opset), tmp_path / "model.onnx")
    latents = subject.prior.sample(5).numpy()
    expected = subject.generator(latents)
    found = answers(tmp_path / "model.onnx", latents)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("opset", [12, 19])
def test_other_opsets_are_refused(opset: int) -> None:
    with pytest.raises(keras_gan.InputError, match=r"--opset must be in \[13, 18\]. Received"):
        writing.Settings(opset=opset)


def test_noise_inside_the_generator_is_refused(photo_subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(keras_gan.InputError, match=r"no counterpart .*Bitcast.*saved_model"):
        writing.write(photo_subject, tmp_path, "photos", settings=writing.Settings(("onnx",)))
    assert list(tmp_path.iterdir()) == []


def test_parity_sees_wrong_weights(run: Run, tmp_path: Path) -> None:
    """Float16 weights of this size become infinite."""
    subject = Subject.from_run(run)
    subject.generator.layers[0].kernel.assign_add(keras.ops.full((32, 256), 1e5))
    settings = writing.Settings(("onnx", "onnx_float16"))
    with pytest.raises(parity.ParityError, match=r"serving_default differs .* images by"):
        writing.write(subject, tmp_path, "m", settings=settings)
    assert list(tmp_path.iterdir()) == []
