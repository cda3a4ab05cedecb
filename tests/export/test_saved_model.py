"""SavedModels in programs that know nothing of keras_gan."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import scipy.stats
import small
import tensorflow as tf
from PIL import Image

import keras_gan
from export import parity, saved_model, signatures, writing
from export.subject import Subject
from keras_gan import Run, layers, networks, priors
from keras_gan.conditioning import Classes, Inpainting, condition_inputs
from keras_gan.core.keras_private import all_layers
from keras_gan.core.randomness import row_seeds
from keras_gan.data import Identity, UnitRange
from keras_gan.data.preprocessing import Preprocessing
from keras_gan.training import inference
from keras_gan.training.precision import in_precision

KINDS = ("digits", "digits_conditional", "digits_inference", "digits_inpainting")
SEED = 7

LOADER = """
import pickle, sys
import tensorflow as tf
sys.modules["keras"] = sys.modules["keras_gan"] = sys.modules["export"] = None
answers = []
for path, requests in pickle.load(sys.stdin.buffer):
    model, by_v1, by_v2 = tf.saved_model.load(path), [], []
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], path)
        for name, inputs in requests:
            signature = graph.signature_def[name]
            feed = {signature.inputs[key].name: value for key, value in inputs.items()}
            fetch = {key: info.name for key, info in signature.outputs.items()}
            by_v1.append(session.run(fetch, feed))
    for name, inputs in requests:
        v2 = model.signatures[name](**{key: tf.constant(x) for key, x in inputs.items()})
        by_v2.append({key: value.numpy() for key, value in v2.items()})
    answers.append((by_v1, by_v2))
pickle.dump(answers, sys.stdout.buffer)
"""

# The command's own main, in one fork for each request: TensorFlow is imported once.
COMMAND = """
import os, pickle, sys
from tensorflow.python.tools import saved_model_cli
for arguments in pickle.load(sys.stdin.buffer):
    if not (child := os.fork()):
        sys.argv = ["saved_model_cli", *arguments]
        saved_model_cli.main()
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0, arguments
"""


def python(code: str, data: object, *, cwd: Path) -> bytes:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-P", "-c", code]
    result = subprocess.run(
        command, input=pickle.dumps(data), capture_output=True, cwd=cwd, env=environment
    )
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout


@dataclasses.dataclass(frozen=True)
class Exported:
    """A SavedModel, and the GAN and the scale that it comes from."""

    path: Path
    gan: keras_gan.GAN
    scale: Preprocessing
    noisy: bool = False
    encode: Callable | None = None

    @classmethod
    def of(cls, export) -> Exported:
        run = export.run
        encode = run.inference().encode if "encode" in export.signatures else None
        return cls(export.path, run.gan(), run.preprocessing, encode=encode)

    def numbers(self, n: int) -> Iterator[tuple[str, dict, dict]]:
        """Signature, inputs, and outputs computed by the GAN."""
        gan, scale = self.gan, self.scale
        latents = gan.prior.sample(n, seed=11).numpy()
        noise = {"noise_seed": row_seeds(3, n)} if self.noisy else {}
        condition, given = condition_of(gan, n)
        outputs = keras_gan.transform(gan.generator, latents, row_seeds(3, n), condition).numpy()
        images = scale.denormalize(outputs)
        yield "serving_default", {"latents": latents, **noise, **condition}, {"images": images}
        yield "png", {"latents": latents, **noise, **condition}, {"image_bytes": images}
        yield (
            "sample",
            {"seed": row_seeds(SEED, n), **condition},
            {
                "images": scale.denormalize(gan.generate(n, seed=SEED, condition=given)),
                "latents": gan.prior.sample(n, seed=SEED).numpy(),
            },
        )
        scaled = scale.normalize(images)
        for_d = {name: condition[name] for name in condition_inputs(gan.discriminator)}
        inputs = [scaled, *for_d.values()] if for_d else scaled
        logits = np.ravel(gan.discriminator(inputs, training=False))
        yield (
            "discriminator",
            {"images": images, **for_d},
            {"logits": logits, "probabilities": 1 / (1 + np.exp(-logits))},
        )
        if self.encode is not None:
            yield "encode", {"images": images}, {"latents": self.encode(scaled).numpy()}
        if isinstance(gan.condition, Inpainting):
            known, mask = condition["known"], condition["mask"]
            assert (images[np.broadcast_to(mask, images.shape)] == known[mask]).all()
            given = {"images": known, "mask": mask, "latents": latents}
            yield "inpaint", given, {"images": images}


def condition_of(gan: keras_gan.GAN, n: int) -> tuple[dict, object]:
    """A condition of n rows: by the names of the inputs, and as `GAN.generate` takes it."""
    if isinstance(gan.condition, Classes):
        classes = np.arange(n) % gan.condition.count
        return {"condition": classes}, classes
    if isinstance(gan.condition, Inpainting):
        rng = np.random.default_rng(5)
        mask = rng.random((n, *gan.condition.shape[:2], 1)) < 0.5
        known = np.where(mask, rng.random((n, *gan.condition.shape), np.float32), np.float32(0))
        return {"known": known, "mask": mask}, {"known": known, "mask": mask}
    return {}, None


def assert_numbers(outputs: dict, expected: dict) -> None:
    assert outputs.keys() == expected.keys()
    for name, value in expected.items():
        if name == "image_bytes":
            images = [np.asarray(Image.open(io.BytesIO(b))) for b in outputs[name]]
            pixels = np.stack(images).reshape(value.shape) / 255
            np.testing.assert_allclose(pixels, value, rtol=0, atol=0.5 / 255 + 1e-5)
        else:
            assert outputs[name].dtype == np.float32
            np.testing.assert_allclose(outputs[name], value, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def answered(
    export_of, replayed_here, photo_subject: Subject, photos: keras_gan.GAN, tmp_path_factory
) -> dict:
    """For each kind of model, and the one with noise inside, what was asked and both answers.

    One process answers for all: TensorFlow is imported once.
    """
    exports = {kind: Exported.of(export_of(kind)) for kind in KINDS}
    names = ("serving_default", "sample", "png", "discriminator")
    settings = writing.Settings(formats=("saved_model",), signatures=names)
    folder = tmp_path_factory.mktemp("photos")
    with replayed_here():
        path = writing.write(photo_subject, folder, "photos", settings=settings).path
    exports["photos"] = Exported(path, photos, photo_subject.preprocessing, noisy=True)
    cases = {
        kind: [case for n in (1, 33) for case in exported.numbers(n)]
        for kind, exported in exports.items()
    }
    requests = [
        (str(exports[kind].path), [(name, inputs) for name, inputs, _ in asked])
        for kind, asked in cases.items()
    ]
    answers = pickle.loads(python(LOADER, requests, cwd=folder))
    return {kind: (cases[kind], given) for kind, given in zip(cases, answers, strict=True)}


@pytest.mark.parametrize("kind", [*KINDS, "photos"])
def test_every_signature_in_v1_sessions_and_in_saved_model_load(answered, kind: str) -> None:
    cases, (by_v1, by_v2) = answered[kind]
    for answers in (by_v1, by_v2):
        for (_, _, expected), answer in zip(cases, answers, strict=True):
            assert_numbers(answer, expected)


@pytest.mark.slow
def test_every_signature_through_saved_model_cli(export, tmp_path: Path) -> None:
    exported = Exported.of(export)
    cases = [(n, *case) for n in (1, 33) for case in exported.numbers(n)]
    commands = []
    for n, name, inputs, _ in cases:
        folder = tmp_path / f"{name}-{n}"
        folder.mkdir()
        pairs = []
        for key, array in inputs.items():
            np.save(folder / f"in-{key}.npy", array)
            pairs.append(f"{key}={folder / f'in-{key}.npy'}")
        chosen = ("--dir", str(exported.path), "--tag_set", "serve", "--signature_def", name)
        commands.append(["run", *chosen, "--inputs", ";".join(pairs), "--outdir", str(folder)])
    python(COMMAND, commands, cwd=tmp_path)
    for n, name, _, expected in cases:
        files = (tmp_path / f"{name}-{n}" / f"{key}.npy" for key in expected)
        outputs = {file.stem: np.load(file, allow_pickle=True) for file in files}
        assert_numbers(outputs, expected)


def test_names_and_types_of_the_signatures(each_export) -> None:
    """As the table in docs/export.md has them."""
    latents, images = (tf.float32, [None, 32]), (tf.float32, [None, 8, 8, 1])
    number, mask = (tf.float32, [None]), (tf.bool, [None, 8, 8, 1])
    for_g, for_d = {
        "digits_conditional": 2 * ({"condition": (tf.int64, [None])},),
        "digits_inpainting": ({"known": images, "mask": mask}, {"mask": mask}),
    }.get(each_export.run.path.name, ({}, {}))
    table = {
        "serving_default": ({"latents": latents} | for_g, {"images": images}),
        "sample": (
            {"seed": (tf.int64, [None])} | for_g,
            {"images": images, "latents": latents},
        ),
        "png": ({"latents": latents} | for_g, {"image_bytes": (tf.string, [None])}),
        "encode": ({"images": images}, {"latents": latents}),
        "classes": ({"condition": (tf.int64, [None])}, {"one_hot": (tf.float32, [None, 10])}),
        "inpaint": ({"images": images, "mask": mask, "latents": latents}, {"images": images}),
        "discriminator": (
            {"images": images} | for_d,
            {"logits": number, "probabilities": number},
        ),
    }
    named = {}
    for name, graph in tf.saved_model.load(str(each_export.path)).signatures.items():
        sides = (graph.structured_input_signature[1], graph.structured_outputs)
        named[name] = tuple(
            {key: (spec.dtype, spec.shape.as_list()) for key, spec in side.items()}
            for side in sides
        )
    assert named == {name: table[name] for name in each_export.signatures}


def test_how_many_classes_there_are(export_of) -> None:
    classes = tf.saved_model.load(str(export_of("digits_conditional").path)).signatures["classes"]
    assert classes.structured_outputs["one_hot"].shape.as_list() == [None, 10]
    answer = classes(condition=tf.constant([7, 0], tf.int64))["one_hot"].numpy()
    np.testing.assert_array_equal(answer, np.eye(10)[[7, 0]])


def test_a_class_that_the_model_does_not_have(export_of) -> None:
    signatures = tf.saved_model.load(str(export_of("digits_conditional").path)).signatures
    rows = {
        "latents": tf.zeros([3, 32]),
        "seed": tf.zeros([3], tf.int64),
        "images": tf.zeros([3, 8, 8, 1]),
    }
    for name in ("serving_default", "sample", "png", "discriminator"):
        takes = signatures[name].structured_input_signature[1]
        inputs = {key: rows[key] for key in takes if key in rows}
        good = signatures[name](**inputs, condition=tf.constant([3, 3, 9], tf.int64))
        for bad in (10, -1):
            outputs = signatures[name](**inputs, condition=tf.constant([3, bad, 9], tf.int64))
            for alias in outputs.keys() - {"latents"}:
                one, other = outputs[alias].numpy(), good[alias].numpy()
                np.testing.assert_array_equal(one[[0, 2]], other[[0, 2]])
                absent = one[1] == b"" if name == "png" else np.isnan(one[1])
                assert np.all(absent)


def test_a_row_depends_on_its_seed_alone(export) -> None:
    seeds = row_seeds(1, 33)
    batches = [seeds, seeds[::-1].copy(), seeds[5:6]]
    sample = tf.saved_model.load(str(export.path)).signatures["sample"]
    answers = [sample(seed=tf.constant(batch)) for batch in batches]
    whole, backwards, one = (answer["images"].numpy() for answer in answers)
    np.testing.assert_allclose(backwards[::-1], whole, rtol=0, atol=1e-6)
    np.testing.assert_allclose(one[0], whole[5], rtol=0, atol=1e-6)
    latents = [answer["latents"].numpy() for answer in answers]
    np.testing.assert_array_equal(latents[1][::-1], latents[0])
    np.testing.assert_array_equal(latents[2][0], latents[0][5])
    assert len(np.unique(latents[0], axis=0)) == 33


@pytest.mark.parametrize("name", priors.NAMES)
def test_latents_of_consecutive_seeds_follow_the_prior(
    name: str, photos: keras_gan.GAN, tmp_path: Path
) -> None:
    """Consecutive numbers 0, 1, 2 ... are seeds that a user chooses."""
    subject = Subject(photos.generator, photos.discriminator, priors.NAMES[name](6), UnitRange())
    saved_model.write(tmp_path, signatures.of(subject, ["sample"]))
    sample = tf.saved_model.load(str(tmp_path)).signatures["sample"]
    latents = sample(seed=tf.range(10_000, dtype=tf.int64))["latents"].numpy()
    expected = {
        "uniform": scipy.stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)),
        "normal": scipy.stats.norm(),
        "spherical": scipy.stats.beta(2.5, 2.5, loc=-1, scale=2),
        "mixture": scipy.stats.Mixture(
            [scipy.stats.Normal(mu=mu, sigma=0.5**0.5) for mu in (-(0.5**0.5), 0.5**0.5)]
        ),
    }[name]
    for column in latents.T:
        assert scipy.stats.kstest(column, expected.cdf).pvalue > 1e-3
    correlation = np.corrcoef(latents[:-1].T, latents[1:].T)
    if name == "mixture":  # its dimensions are correlated; consecutive seeds are not
        correlation = correlation[:6, 6:]
    else:
        np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 5 / np.sqrt(10_000)
    about = subject.metadata()["prior"]
    assert priors.NAMES[about["name"]](about["dimension"]).get_config().items() <= about.items()


def test_metadata(run: Run, export) -> None:
    metadata = json.loads((export.path / writing.METADATA_FILE).read_text())
    assert metadata["package"] == {"name": "keras_gan", "version": keras_gan.__version__}
    assert metadata["recipe"] == "digits"
    assert metadata["weights"] == "last"
    assert metadata["prior"] == pytest.approx(
        {"name": "uniform", "low": -(3**0.5), "high": 3**0.5, "dimension": 32}
    )
    assert metadata["condition"] is None
    assert metadata["images"]["shape"] == [8, 8, 1]
    assert metadata["images"]["range"] == [0.0, 1.0]
    assert metadata["training"]["data"] == "digits"
    assert metadata["training"]["epochs"] == 1
    assert metadata["evaluation"] is None
    assert max(metadata["parity"]["SavedModel"].values()) < 1e-5


def test_epochs_of_metadata_are_those_of_the_weights(run: Run, monkeypatch) -> None:
    monkeypatch.setitem(run.config, "best_epochs", {"best": 7})
    epochs = {
        weights: Subject.from_run(run, weights).metadata()["training"]["epochs"]
        for weights in ("last", "best")
    }
    assert epochs == {"last": 1, "best": 7}


def test_numbers_from_before_a_run_was_continued_are_left_out(run: Run, tmp_path: Path) -> None:
    (tmp_path / "models").symlink_to(run.path / "models")
    measured = json.loads((Run.open("digits").path / "evaluation.json").read_text())["last"]
    for epochs, shown in ((1, True), (2, False)):
        entry = {**measured, "run": {"epochs": epochs}}
        (tmp_path / "evaluation.json").write_text(json.dumps({"last": entry}))
        assert bool(Subject.from_run(Run(tmp_path, run.config)).metadata()["numbers"]) == shown


def test_metadata_of_a_condition(export_of) -> None:
    path = export_of("digits_conditional").path
    metadata = json.loads((path / writing.METADATA_FILE).read_text())
    assert (metadata["condition"]["name"], metadata["condition"]["count"]) == ("classes", 10)


def test_exports_have_principal_directions(each_export) -> None:
    metadata = json.loads((each_export.path / writing.METADATA_FILE).read_text())
    vectors, share = (np.array(metadata["directions"][key]) for key in ("vectors", "share"))
    assert vectors.shape == (10, metadata["prior"]["dimension"])
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(10), atol=1e-5)
    assert (vectors.max(axis=1) == np.abs(vectors).max(axis=1)).all()
    assert share.sum() <= 1
    assert (np.diff(share) <= 0).all()


def test_warm_up_requests_cover_every_signature(each_export) -> None:
    from tensorflow_serving.apis import prediction_log_pb2

    file = each_export.path / "assets.extra" / "tf_serving_warmup_requests"
    model = tf.saved_model.load(str(each_export.path))
    seen = set()
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        name = request.model_spec.signature_name
        inputs = {key: tf.make_ndarray(proto) for key, proto in request.inputs.items()}
        model.signatures[name](**{key: tf.constant(array) for key, array in inputs.items()})
        assert {len(array) for array in inputs.values()} == {1}  # fits any server's batches
        seen.add(name)
    assert seen == set(each_export.signatures)


def test_no_file_holds_an_absolute_path_of_this_machine(run: Run, export) -> None:
    here = {
        str(Path.cwd()),
        str(Path.home()),
        sys.prefix,
        str(run.path),
        str(export.path.parents[1]),
    }
    here |= {str(Path(keras_gan.__file__).parent), str(Path(tf.__file__).parent), "/tmp"}
    for file in (file for file in export.path.rglob("*") if file.is_file()):
        content = file.read_bytes()
        assert [path for path in here if path != "/" and path.encode() in content] == [], file


def test_paths_in_what_is_known_of_a_run_lose_their_folders(run: Run, tmp_path: Path) -> None:
    config = json.loads(json.dumps(run.config))
    config["identity"]["dataset"] = "/home/ann/my-photos/"
    config["provenance"] = "/home/ann/my-photos; 1/10 for tests, see https://example.org/data"
    (tmp_path / "models").symlink_to(run.path / "models")
    (tmp_path / "evaluation.json").write_text('{"parzen": {"mean": 1.5, "data": ["/mnt/x/y.npz"]}}')
    metadata = Subject.from_run(Run(tmp_path, config)).metadata()
    assert metadata["training"]["data"] == "my-photos/"
    assert (
        metadata["training"]["provenance"]
        == "my-photos; 1/10 for tests, see https://example.org/data"
    )
    assert metadata["evaluation"] == {"parzen": {"mean": 1.5, "data": ["y.npz"]}}


def test_best_and_ema_weights(run: Run) -> None:
    latents = run.gan().prior.sample(4).numpy()
    images = {w: Subject.from_run(run, w).generate(latents).numpy() for w in ("last", "ema")}
    expected = run.gan().generate(4, ema=True)
    np.testing.assert_allclose(images["ema"], expected, rtol=0, atol=1e-5)
    assert np.abs(images["ema"] - images["last"]).max() > 3e-5
    assert Subject.from_run(run, "best").metadata()["weights"] == "best"


def test_networks_trained_in_mixed_precision_are_exported_in_float32(tmp_path: Path) -> None:
    def generator():
        return networks.mlp_generator(
            4, (2, 2, 1), hidden=[(8, "relu")], output_activation="sigmoid"
        )

    discriminator = networks.maxout_discriminator((2, 2, 1), units=4)
    prior = priors.Uniform(4)
    exact = generator()
    with small.policy("mixed_bfloat16"):
        mixed = generator()
        network = networks.mlp_encoder((2, 2, 1), inference.parameters(prior), hidden=[8])
    run = Run(tmp_path, {"identity": {"recipe": "r", "dataset": "d", "data": "0", "seed": 0}})
    run.config |= {"provenance": "", "versions": {}, "preprocessing": {"name": "unit_range"}}
    auxiliary_networks = [inference.Inference(network, prior)]
    run.save_models(
        keras_gan.GAN(mixed, discriminator, prior, auxiliary_networks=auxiliary_networks), epochs=1
    )
    subject = Subject.from_run(run)
    latents = subject.prior.sample(9).numpy()
    np.testing.assert_array_equal(subject.generate(latents), exact(latents))
    assert {layer.compute_dtype for layer in subject.encoder.network.layers} == {"float32"}
    written = writing.write(subject, tmp_path / "models", "m", settings=writing.Settings(("onnx",)))
    assert written.errors["model.onnx"]["serving_default"] < 1e-5


def subject_of(*hidden: keras.Layer, scale: Preprocessing | None = None) -> Subject:
    """A generator of images [2, 2, 1] from latents [3]; D takes them, and nothing looks at it."""
    end = [keras.layers.Dense(4), keras.layers.Reshape((2, 2, 1))]
    generator = keras.Sequential([keras.Input((3,)), *hidden, *end])
    discriminator = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])
    return Subject(generator, discriminator, priors.Normal(3), scale or UnitRange())


class Unclipped(Preprocessing):
    """A user's, whose pixels leave [0, 1]."""

    name = "unclipped"


@pytest.mark.parametrize("scale", [UnitRange(), Unclipped()], ids=lambda scale: scale.name)
def test_pixels_beyond_the_range_are_black_or_white_in_a_png(scale: Preprocessing) -> None:
    subject = subject_of(scale=scale)
    subject.generator.layers[0].bias.assign([-0.5, 0.2, 1.1, 1.5])
    (png,) = signatures.of(subject, ["png"])
    (file,) = png.reference({"latents": np.zeros((1, 3), np.float32)})["image_bytes"]
    assert np.asarray(Image.open(io.BytesIO(file))).ravel().tolist() == [0, 51, 255, 255]


@keras.saving.register_keras_serializable("test_saved_model")
class KerasNoise(keras.layers.Layer):
    """Noise by Keras's own means, new in each call."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, inputs):
        return inputs + keras.random.normal(keras.ops.shape(inputs), seed=self.seeds)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (KerasNoise, r"no seed repeats.*GaussianNoise\(sampling=True\)"),
        (layers.MinibatchStd, r"a row of serving_default.*images of a row that differs"),
    ],
)
def test_generators_whose_samples_depend_on_more_than_their_row(layer, message: str) -> None:
    subject = subject_of(layer())
    with small.refused(message):
        (signature,) = signatures.of(subject, ["serving_default"])
        inputs = signatures.trial_inputs(subject, max(parity.BATCH_SIZES))
        requests = parity.requests_for(signature, inputs)
        answers = [signature.reference(given) for _, given in requests]
        parity.measure([signature], inputs, lambda _: answers, saved_model.TOLERANCE)


def in_python(x: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.py_function(tf.tanh, [x], tf.float32), x.shape)


def in_a_table(x: tf.Tensor) -> tf.Tensor:
    return table().lookup(tf.cast(x, tf.int64))


@functools.cache
def table() -> tf.lookup.StaticHashTable:
    with tf.init_scope():
        pairs = tf.lookup.KeyValueTensorInitializer(np.arange(2), np.float32([3, 4]))
        return tf.lookup.StaticHashTable(pairs, 0.0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (in_python, "serving_default calls Python code .*; use operations of TensorFlow"),
        (in_a_table, "serving_default has a lookup table.*; in its layers, use weights"),
    ],
)
def test_what_no_saved_model_holds_is_named(function, message: str, tmp_path: Path) -> None:
    subject = subject_of(keras.layers.Lambda(function, (3,)))
    with small.refused(message):
        saved_model.write(tmp_path / "m", signatures.of(subject, ["serving_default"]))
    assert list(tmp_path.iterdir()) == []


@keras.saving.register_keras_serializable("test_saved_model")
class Subclassed(keras.Model):
    """A generator without a graph of layers."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(4, "sigmoid", dtype=self.dtype_policy)

    def call(self, latents, training=False):
        return keras.ops.reshape(self.dense(latents), (-1, 2, 2, 1))

    def get_config(self):
        return {"name": self.name, "dtype": keras.dtype_policies.serialize(self.dtype_policy)}


def wrapped() -> keras.Model:
    return subject_of(keras.layers.SpectralNormalization(keras.layers.Dense(5))).generator


@pytest.mark.parametrize("make", [Subclassed, wrapped])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_networks_of_any_kind_in_another_precision(make, dtype: str, tmp_path: Path) -> None:
    with small.policy(dtype):
        generator = make()
    discriminator = subject_of().discriminator
    gan = keras_gan.GAN(
        generator, keras.Sequential([discriminator, keras.layers.Dense(1)]), priors.Normal(3)
    )
    exact = in_precision(gan.generator, "float32", (3,))
    assert (exact is generator) == (dtype == "float32")
    subject = Subject(exact, discriminator, gan.prior, UnitRange())
    assert subject.shape == gan.example_shape == (2, 2, 1)
    assert {layer.compute_dtype for layer in all_layers(exact)} == {"float32"}
    half = subject.in_float16()
    assert {weight.dtype for weight in half.generator.weights} == {"float16"}
    latents = subject.prior.sample(9)
    np.testing.assert_allclose(half.generate(latents), subject.generate(latents), atol=1e-2)
    written = writing.write(subject, tmp_path, "m", settings=writing.Settings(("onnx",)))
    assert written.errors["model.onnx"]["serving_default"] < 1e-5


@pytest.mark.parametrize(
    ("shape", "dtype"), [((1,), "int64"), ((), "int32"), ((1,), "float32")], ids=str
)
def test_classes_are_int64_whatever_the_networks_take(shape, dtype: str, tmp_path: Path) -> None:
    latents, given = keras.Input((3,)), keras.Input(shape, dtype=dtype, name="condition")
    vector = keras.layers.Flatten()(keras.layers.Embedding(5, 4)(given))
    joined = keras.layers.Concatenate()([latents, vector])
    output = keras.layers.Reshape((2, 2, 1))(keras.layers.Dense(4, "sigmoid")(joined))
    generator = keras.Model([latents, given], output)
    plain = subject_of()
    subject = Subject(generator, plain.discriminator, plain.prior, UnitRange(), Classes(5))
    specs = {spec.name: spec for spec in signatures.of(subject)[0].inputs}
    assert specs["condition"] == tf.TensorSpec([None], tf.int64, "condition")
    written = writing.write(subject, tmp_path, "m", settings=writing.Settings(("onnx",)))
    assert written.errors["model.onnx"]["serving_default"] < 1e-5


def test_a_class_that_there_is_not_has_no_one_hot_row() -> None:
    gan = small.conditional_gan()
    subject = Subject(gan.generator, gan.discriminator, gan.prior, Identity(), gan.condition)
    (classes,) = signatures.of(subject, ["classes"])
    rows = classes.reference({"condition": np.array([2, 3, -1])})["one_hot"]
    np.testing.assert_array_equal(rows, [[0, 0, 1], [np.nan] * 3, [np.nan] * 3])


def test_inpainting_on_any_scale_has_no_signature_of_images() -> None:
    gan = small.inpainting_gan()
    subject = Subject(gan.generator, gan.discriminator, gan.prior, Identity(), gan.condition)
    assert [one.name for one in signatures.of(subject)] == ["serving_default", "sample"]
    with small.refused("needs an inpainting model of images"):
        signatures.of(subject, ["inpaint"])


def test_a_preset_has_its_numbers_under_each_name_of_its_weights() -> None:
    digits = Run.open("digits")
    named = [Subject.from_run(digits, weights).metadata()["numbers"] for weights in ("last", "ema")]
    assert named[0] == named[1] != []
