"""ONNX models in ONNX Runtime, for Python and for Node.js."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import small
import tensorflow as tf

import keras_gan
from export import inspection, onnx_model, parity, signatures, writing
from export.subject import Subject
from keras_gan import Run, conditioning, priors, recipes
from keras_gan.core.keras_private import all_layers
from keras_gan.core.randomness import row_seeds
from keras_gan.data import Identity, SymmetricRange, UnitRange

BATCH_SIZES = (1, 33)
FILES = ["model.onnx", "model_float16.onnx"]
TOLERANCES = (1e-5, 5e-3)

# Recipes whose generator is that of another one: converted once.
SAME = {
    "digits_inference": "digits",
    "digits_semi_supervised": "digits",
    "mnist_tuned": "mnist",
    "mnist_inference": "mnist",
    "gaussian_grid": "ring",
    "grid_r3gan": "ring_r3gan",
}
# Large, with layers that other recipes have too.
LARGE = (
    "cifar10_conv_tuned",
    "cifar10_mlp",
    "sngan_cifar10",
    "r3gan_cifar10",
    "tfd",
    "tfd_stage2",
)
DISTINCT = [
    pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name
    for name in recipes.NAMES
    if name not in SAME
]
# Together they have every kind of layer and of input.
IN_NODE = [
    "digits",
    "digits_conditional",
    "digits_inpainting",
    "mnist_semi_supervised",
    "cifar10_conv",
    "ring",
]

# Answers the files named, and writes what comes out, output after output and size after size.
NODE = """
const ort = require("onnxruntime-node");
const fs = require("fs");
(async () => {
  const [folder, sizes, ...names] = process.argv.slice(2);
  const kinds = { float32: Float32Array, int64: BigInt64Array, bool: Uint8Array };
  for (const name of names) {
    const session = await ort.InferenceSession.create(`${folder}/${name}`);
    for (const n of JSON.parse(sizes)) {
      const feeds = {};
      for (const { name: input, type, shape } of session.inputMetadata) {
        const { buffer } = Uint8Array.from(fs.readFileSync(`${folder}/${input}`));
        const dims = [n, ...shape.slice(1)];
        const one = dims.slice(1).reduce((a, b) => a * b, 1);
        feeds[input] = new ort.Tensor(type, new kinds[type](buffer).slice(0, n * one), dims);
      }
      const { data } = (await session.run(feeds))[session.outputNames[0]];
      fs.appendFileSync(`${folder}/${name}.node`, Buffer.from(data.buffer));
    }
  }
})();
"""


def subject_of(name: str, **changes: str) -> Subject:
    gan, _, _, scale = small.of_recipe(name, **changes)
    return Subject(
        gan.generator,
        gan.discriminator,
        gan.prior,
        scale,
        gan.condition,
        origin={"recipe": name},
    )


@dataclasses.dataclass(frozen=True)
class Converted:
    """A recipe's generator in both precisions, and what Keras makes of 33 rows of its inputs."""

    folder: Path
    output: str
    parameters: int
    inputs: dict[str, np.ndarray]
    expected: np.ndarray

    def error(self, answers: Iterable[np.ndarray]) -> float:
        """The largest error of answers at each batch size."""
        pairs = zip(BATCH_SIZES, answers, strict=True)
        return max(float(np.abs(answer - self.expected[:n]).max()) for n, answer in pairs)


@pytest.fixture(scope="module", params=DISTINCT)
def converted(request: pytest.FixtureRequest) -> Iterator[Converted]:
    # Large files, gone as soon as a recipe's tests are through.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage2 = request.param == "tfd_stage2"
        changes = {"stage1": small.first_stage(folder)} if stage2 else {}
        subject = subject_of(request.param, **changes)
        rows = max(BATCH_SIZES)
        inputs = {"latents": subject.prior.sample(rows, seed=1).numpy()}
        condition = subject.trial_condition(tf.constant(row_seeds(2, rows)))
        inputs |= {name: tensor.numpy() for name, tensor in condition.items()}
        for name_of_input, array in inputs.items():
            array.tofile(folder / name_of_input)
        # Not `predict`: compiled by XLA, it is itself 1e-5 away from double precision.
        outputs = conditioning.call(subject.generator, inputs["latents"], inputs).numpy()
        expected = np.asarray(subject.preprocessing.denormalize(outputs))
        assert expected.std() > 1e-2  # not one constant, which any graph would give
        for precision, file in ((subject, FILES[0]), (subject.in_float16(), FILES[1])):
            onnx_model.write(onnx_model.convert(precision), folder / file)
        output = "images" if subject.is_image else "examples"
        yield Converted(folder, output, subject.generator.count_params(), inputs, expected)


def answers(path: Path, output: str = "images", **inputs: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run([output], inputs)[0]


@pytest.mark.parametrize("names", SAME.items(), ids="=".join)
def test_recipes_with_the_same_generator(names: tuple[str, str]) -> None:
    (one, *_, scale), (other, *_, other_scale) = map(small.of_recipe, names)
    assert (type(scale), one.condition) == (type(other_scale), other.condition)
    assert structure(one.generator) == structure(other.generator)
    weights = small.weights(one.generator), small.weights(other.generator)
    assert small.largest_difference(*weights) == 0


def structure(network: keras.Model) -> list[tuple]:
    """Its layers in order: what they are, their weights' shapes and their activations."""
    return [
        (
            type(layer).__name__,
            [tuple(weight.shape) for weight in layer.weights],
            getattr(getattr(layer, "activation", None), "__name__", None),
        )
        for layer in all_layers(network)
    ]


def test_every_generator_in_python(converted: Converted) -> None:
    for file, least, most in zip(FILES, (0, 1e-6), TOLERANCES, strict=True):
        outputs = [
            answers(
                converted.folder / file,
                converted.output,
                **{name: array[:n] for name, array in converted.inputs.items()},
            )
            for n in BATCH_SIZES
        ]
        # The lower bound: float16 is not float32 under another name.
        assert least <= converted.error(outputs) <= most, file
    graphs = [onnx.load(converted.folder / file).graph for file in FILES]
    weights = [sum(len(t.raw_data) for t in graph.initializer) for graph in graphs]
    casts = sum(node.ByteSize() for node in graphs[1].node)  # more nodes than in float32
    casts -= sum(node.ByteSize() for node in graphs[0].node)
    sizes = [(converted.folder / file).stat().st_size for file in FILES]
    saved = 2 * converted.parameters
    assert weights[0] - weights[1] == pytest.approx(saved, rel=0.01, abs=1000)
    assert sizes[0] - sizes[1] + casts == pytest.approx(saved, rel=0.01, abs=1000)


@pytest.mark.parametrize("converted", IN_NODE, indirect=True)
def test_generators_in_node(converted: Converted, needs_node: str, node_modules: Path) -> None:
    command = [needs_node, "-e", NODE, "-", converted.folder, str(list(BATCH_SIZES)), *FILES]
    subprocess.run(command, cwd=node_modules, check=True)
    one = converted.expected[0].size
    for file, most in zip(FILES, TOLERANCES, strict=True):
        data = np.fromfile(converted.folder / f"{file}.node", np.float32)
        batches = np.split(data, np.cumsum([one * n for n in BATCH_SIZES])[:-1])
        outputs = [
            batch.reshape(n, *converted.expected.shape[1:])
            for batch, n in zip(batches, BATCH_SIZES, strict=True)
        ]
        assert converted.error(outputs) <= most, file


@pytest.mark.parametrize("converted", ["digits_conditional"], indirect=True)
def test_a_class_that_the_model_does_not_have(converted: Converted) -> None:
    latents, classes = converted.inputs["latents"][:4], np.array([3, 10, -1, 9])
    for file in FILES:
        path = converted.folder / file
        images = answers(path, latents=latents, condition=classes)
        expected = answers(path, latents=latents, condition=np.array([3, 0, 0, 9]))
        np.testing.assert_array_equal(images[[0, 3]], expected[[0, 3]])
        assert np.isnan(images[[1, 2]]).all()


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
    del stored["parity"], stored["directions"]
    assert properties.keys() == stored.keys()
    assert properties["recipe"] == "digits"
    prior = {"name": "uniform", "low": -(3**0.5), "high": 3**0.5, "dimension": 32}
    assert json.loads(properties["prior"]) == pytest.approx(prior)


def test_nan_and_infinity_are_null(tmp_path: Path) -> None:
    """As earlier versions wrote them into evaluations."""
    generator, discriminator = small.network_pair()
    origin = {"evaluation": {"ratio": float("inf"), "correlations": [0.5, float("nan")]}}
    prior, scale = keras_gan.priors.Uniform(5), keras_gan.data.Identity()
    subject = Subject(generator, discriminator, prior, scale, origin=origin)
    path = writing.write(subject, tmp_path, "small", settings=writing.Settings(("onnx",))).path
    (evaluation,) = (
        entry.value
        for entry in onnx.load(path / "model.onnx").metadata_props
        if entry.key == "evaluation"
    )
    stored = (path / writing.METADATA_FILE).read_text()
    assert not {"Infinity", "NaN"} & set(re.findall(r"\w+", evaluation + stored))
    expected = {"ratio": None, "correlations": [0.5, None]}
    assert json.loads(evaluation) == json.loads(stored)["evaluation"] == expected


def test_weights_in_another_file_above_a_limit(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_model, "MAX_INLINE", 200_000)
    subject = Subject.from_run(run)
    settings = writing.Settings(formats=("onnx", "onnx_float16"))
    path = writing.write(subject, tmp_path, "digits", settings=settings).path
    files = {file.name for file in path.iterdir()}
    assert files == {"model.onnx", "model.onnx.data", "model_float16.onnx", "assets.extra"}
    assert (path / "model.onnx").stat().st_size < 20_000
    moved = path.rename(tmp_path / "elsewhere")
    latents = subject.prior.sample(33).numpy()
    expected = run.gan().generator(latents)
    np.testing.assert_allclose(
        answers(moved / "model.onnx", latents=latents), expected, rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("opset", [13, 15])
def test_older_opsets(run: Run, opset: int, tmp_path: Path) -> None:
    subject = Subject.from_run(run)
    onnx_model.write(onnx_model.convert(subject, opset), tmp_path / "model.onnx")
    latents = subject.prior.sample(5).numpy()
    expected = subject.generator(latents)
    images = answers(tmp_path / "model.onnx", latents=latents)
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-5)


def test_no_format_is_refused() -> None:
    with small.refused("formats are some of saved_model, onnx"):
        writing.Settings(())


@pytest.mark.parametrize("opset", [12, 19])
def test_other_opsets_are_refused(opset: int) -> None:
    with pytest.raises(keras_gan.InputError, match="--opset"):
        writing.Settings(opset=opset)


def test_noise_inside_the_generator_is_refused(photo_subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(keras_gan.InputError, match=r"Bitcast.*saved_model"):
        writing.write(photo_subject, tmp_path, "photos", settings=writing.Settings(("onnx",)))
    assert list(tmp_path.iterdir()) == []


def test_grouped_convolutions(tmp_path: Path) -> None:
    """Keras compiles them by XLA, which neither TensorFlow Serving nor ONNX has."""
    networks = keras_gan.networks
    generator = networks.r3gan_generator((8, 8, 1), 4, widths=4, blocks=1, group_size=4)
    for v in generator.variables:  # blocks begin as the identity
        v.assign(small.numbers(v.shape))
    discriminator = networks.maxout_discriminator((8, 8, 1), units=2)
    subject = Subject(generator, discriminator, priors.Normal(4), SymmetricRange())
    (signature,) = signatures.of(subject, ["serving_default"])
    function = signature.graph()
    called = function.graph.as_graph_def().library.function
    assert not [one for one in called if "_XlaMustCompile" in one.attr]
    onnx_model.write(onnx_model.convert(subject), tmp_path / "model.onnx")
    latents = small.numbers((3, 4))
    images = answers(tmp_path / "model.onnx", latents=latents)
    expected = function(latents=tf.constant(latents))["images"]
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-5)


def test_activations_that_the_converter_lacks(tmp_path: Path) -> None:
    generator, discriminator = small.network_pair()
    generator = keras.Sequential(
        [generator, *(keras.layers.Dense(6, name) for name in ("gelu", "celu"))]
    )
    for layer in generator.layers[1:]:
        layer.kernel.assign(small.numbers((6, 6)))
    subject = Subject(generator, discriminator, priors.Uniform(5), Identity())
    check_both_precisions(subject, tmp_path / "model.onnx")


@pytest.mark.parametrize(
    "layer",
    [
        # Its statistics are tensors, not weights.
        keras.layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 4.0]),
        keras.layers.UpSampling2D(2, interpolation="bilinear"),
        keras.layers.Resizing(4, 4, interpolation="bicubic"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_that_the_converter_alone_gets_wrong(layer, tmp_path: Path) -> None:
    generator, discriminator = small.network_pair(size=12)
    generator = keras.Sequential([generator, keras.layers.Reshape((2, 2, 3)), layer])
    subject = Subject(generator, discriminator, priors.Uniform(5), Identity())
    check_both_precisions(subject, tmp_path / "model.onnx")


def check_both_precisions(subject: Subject, file: Path) -> None:
    latents = small.numbers((3, 5))
    expected = subject.generator(latents)
    for one, most in zip((subject, subject.in_float16()), TOLERANCES, strict=True):
        onnx_model.write(onnx_model.convert(one), file)
        examples = answers(file, "examples", latents=latents)
        np.testing.assert_allclose(examples, expected, rtol=0, atol=most)


def test_what_the_converter_gets_wrong_is_named(tmp_path: Path) -> None:
    """A kernel smaller than its stride: its padding would be negative."""
    generator = keras_gan.networks.dcgan_generator((8, 8, 1), 4, width=1, kernel=1)
    discriminator = keras_gan.networks.maxout_discriminator((8, 8, 1), units=2)
    subject = Subject(generator, discriminator, priors.Normal(4), SymmetricRange())
    with small.refused("no valid ONNX model .* --formats saved_model.* pads"):
        writing.write(subject, str(tmp_path), "small", settings=writing.Settings(("onnx",)))


def test_a_function_of_tensorflow_with_a_loop() -> None:
    """It stays one: AutoGraph, which converts its loop, is for functions that are called."""

    @tf.function
    def doubled(x):
        for _ in tf.range(2):
            x = 2 * x
        return x

    generator, discriminator = small.network_pair()
    generator = keras.Sequential([generator, keras.layers.Lambda(doubled, (6,))])
    subject = Subject(generator, discriminator, priors.Uniform(5), Identity())
    (signature,) = signatures.of(subject, ["serving_default"])
    latents = small.numbers((3, 5))
    (examples,) = signature.graph()(latents=tf.constant(latents)).values()
    (expected,) = signature.reference({"latents": latents}).values()
    np.testing.assert_allclose(examples, expected, rtol=1e-6)


def test_layers_of_one_name(tmp_path: Path) -> None:
    """As of one functional model, made twice and nested."""

    def block() -> keras.Model:
        x = keras.Input((4,))
        return keras.Model(x, keras.layers.Dense(4, name="dense")(x))

    x = keras.Input((4,), name="latents")
    generator = keras.Model(x, block()(block()(x)))
    paths = [variable.path for variable in generator.variables]
    assert len(set(paths)) < len(paths)
    discriminator = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    subject = Subject(generator, discriminator, priors.Normal(4), Identity())
    writing.write(subject, tmp_path, "m", settings=writing.Settings(("onnx",)))
    (file,) = tmp_path.rglob("*.onnx")
    names = [tensor.name for tensor in onnx.load(file).graph.initializer]
    assert len(set(names)) == len(names) == 4


def test_parity_sees_wrong_weights(run: Run, tmp_path: Path) -> None:
    """Float16 weights of this size become infinite."""
    subject = Subject.from_run(Run.open(run.path))  # which reads a model that is not shared
    subject.generator.layers[0].kernel.assign_add(keras.ops.full((32, 256), 1e5))
    settings = writing.Settings(("onnx", "onnx_float16"))
    with pytest.raises(parity.ParityError, match=r"serving_default.*images"):
        writing.write(subject, tmp_path, "m", settings=settings)
    assert list(tmp_path.iterdir()) == []


def test_a_model_whose_training_failed() -> None:
    """It is not another runtime that differs; NaN has no PNG to compare."""
    generator, discriminator = small.network_pair(size=12)
    generator = keras.Sequential([generator, keras.layers.Reshape((2, 2, 3))])
    generator.set_weights([weight * np.nan for weight in generator.get_weights()])
    subject = Subject(generator, discriminator, priors.Uniform(5), UnitRange())
    inputs = signatures.trial_inputs(subject, 33)
    for name in ("serving_default", "png"):
        with pytest.raises(keras_gan.InputError, match=f"{name} of the Keras .* NaN"):
            parity.measure(signatures.of(subject, [name]), inputs, lambda r: [{}] * len(r), 1e-5)


def test_a_file_whose_name_is_a_pattern_is_inspected(tmp_path: Path) -> None:
    generator, discriminator = small.network_pair()
    subject = Subject(generator, discriminator, priors.Uniform(5), Identity())
    for name in ("model[1].onnx", "model1.onnx"):
        onnx_model.write(onnx_model.convert(subject), tmp_path / name)
    described = inspection.describe(tmp_path / "model[1].onnx")
    assert [file["name"] for file in described["files"]] == ["model[1].onnx"]
