"""Loading a version: what loads, what does not, warm-up requests, and memory freed."""

from __future__ import annotations

import ast
import gc
import shutil
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
import serving_models
import tensorflow as tf
from serving_running import running, wait_for
from tensorflow_serving.apis import prediction_log_pb2

import serving
from serving import errors
from serving.config import ModelConfig, read_model_config_file
from serving.loader import MAX_RECORDS, WARMUP_FILE, Servable
from serving.settings import Settings


@pytest.fixture
def version(contract_base, tmp_path):
    return Path(shutil.copytree(contract_base / "mlp" / "1", tmp_path / "1"))


def record(signature="serving_default", rows=1, width=4):
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = "mlp"
    request.model_spec.signature_name = signature
    latents = np.zeros((rows, width), np.float32)
    request.inputs["latents"].CopyFrom(tf.make_tensor_proto(latents))
    return log.SerializeToString()


def write_warmup(version, *records):
    path = version / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for one in records:
            writer.write(one)


def test_outputs_are_tensorflow_s_own(version):
    latents = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    loaded = tf.saved_model.load(str(version)).signatures
    expected = loaded["serving_default"](tf.constant(latents))["images"].numpy()
    servable = Servable(version)
    outputs = servable.run(servable.signature(""), {"latents": latents}, ["images"])
    np.testing.assert_array_equal(outputs["images"], expected)
    servable.close()


def test_inputs_of_another_dtype_or_shape(version):
    servable = Servable(version)
    signature = servable.signature("serving_default")
    with pytest.raises(errors.InvalidArgument, match=r"Expects arg\[0\] to be float but int64"):
        servable.run(signature, {"latents": np.zeros((1, 4), np.int64)}, ["images"])
    with pytest.raises(errors.InvalidArgument, match="Matrix size-incompatible"):
        servable.run(signature, {"latents": np.zeros((1, 5), np.float32)}, ["images"])
    assert servable.signature("nope") is None
    servable.close()


def test_warm_up(version):
    write_warmup(version, record(), record("png", 2))
    Servable(version).close()


@pytest.mark.parametrize(
    ("records", "error"),
    [
        ([record(width=5)], errors.InvalidArgument),
        ([record("nope")], errors.FailedPrecondition),
        ([b"no record"], errors.InvalidArgument),
        ([prediction_log_pb2.PredictionLog().SerializeToString()], errors.Unimplemented),
        ([record()] * (MAX_RECORDS + 1), errors.InvalidArgument),
    ],
    ids=["shape", "signature", "unreadable", "another kind", "too many"],
)
def test_a_failing_warm_up_fails_the_load(version, records, error):
    write_warmup(version, *records)
    with pytest.raises(error):
        Servable(version)


@pytest.mark.parametrize(
    ("damage", "error", "text"),
    [
        ("no file", OSError, "SavedModel file does not exist at: .*/1/"),
        ("cut short", OSError, "Cannot parse file .*saved_model.pb"),
        ("no weights", ValueError, "not a valid checkpoint: .*/1/variables/variables"),
        ("empty", OSError, "SavedModel file does not exist at: .*/1/"),
    ],
)
def test_broken_versions_do_not_load(version, damage, error, text):
    file = version / "saved_model.pb"
    if damage == "no file":
        file.unlink()
    elif damage == "cut short":
        file.write_bytes(file.read_bytes()[:-1000])
    elif damage == "no weights":
        shutil.rmtree(version / "variables")
    else:
        shutil.rmtree(version)
        version.mkdir()
    with pytest.raises(error, match=text):
        Servable(version)


def test_closing_frees_the_graph(version):
    servable = Servable(version)
    graph = weakref.ref(servable._graph)
    servable.close()
    gc.collect()
    assert graph() is None


def following(path):
    """Settings of a server that looks at its configuration file all the time."""
    return Settings(
        tuple(read_model_config_file(path)),
        port=None,
        rest_api_port=0,
        file_system_poll_wait_seconds=0.05,
        model_config_file=path,
        model_config_file_poll_wait_seconds=0.05,
    )


def test_a_configuration_file_is_followed(contract_base, tmp_path):
    path = tmp_path / "models.config"

    def text(number):
        return (
            f'model_config_list {{ config {{ name: "mlp" base_path: "{contract_base / "mlp"}" '
            'model_platform: "tensorflow" model_version_policy '
            f"{{ specific {{ versions: {number} }} }} }} }}"
        )

    path.write_text(text(1))
    settings = following(path)
    path.write_text(text(2))  # while the models load
    with running(settings) as server:

        def follow(number):
            wait_for(lambda: server.manager.available() == {"mlp": [number]})

        follow(2)
        path.write_text("model_config_list { broken")
        time.sleep(0.2)
        path.unlink()
        time.sleep(0.2)
        assert server.manager.available() == {"mlp": [2]}
        path.write_text(text(3))
        follow(3)


def test_a_label_is_given_as_soon_as_its_version_is_there(contract_base, tmp_path):
    """The file with the label is refused until then, and tried again at each look."""
    path, base = tmp_path / "models.config", tmp_path / "mlp"
    shutil.copytree(contract_base / "mlp" / "1", base / "1")

    def text(label):
        return (
            f'model_config_list {{ config {{ name: "mlp" base_path: "{base}" {label} '
            'model_platform: "tensorflow" '
            "model_version_policy { specific { versions: 1 versions: 2 } } } }"
        )

    path.write_text(text(""))
    settings = following(path)

    def labelled():
        try:
            with server.manager.use("mlp", label="canary") as version:
                return version.number == 2
        except errors.ServingError:
            return False

    with running(settings) as server:
        path.write_text(text('version_labels { key: "canary" value: 2 }'))
        time.sleep(0.2)
        assert not labelled()
        serving_models.save(serving_models.Generator(2), base / "2")
        wait_for(labelled)


def test_a_version_named_by_another_user_s_export(tmp_path):
    """Any SavedModel of that layout is served, with or without metadata."""
    base = tmp_path / "any"
    base.mkdir()
    serving_models.save(serving_models.Types(5), base / "0003")
    settings = Settings((ModelConfig("any", base),), port=None, rest_api_port=0)
    with running(settings) as server, server.manager.use("any") as version:
        assert version.number == 3


def test_serving_does_not_know_keras_gan():
    imported = set()
    for path in Path(serving.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
    assert "tensorflow" in imported
    assert not imported & {"keras_gan", "export", "keras"}
