"""SavedModel: for TensorFlow Serving, and for programs with TensorFlow's C or C++ library."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf

from export.signatures import Arrays, Signature
from keras_gan import InputError

FILE = "saved_model.pb"
WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
TOLERANCE = 1e-5
_PYTHON = {"EagerPyFunc", "PyFunc", "PyFuncStateless"}  # operations


def write(directory: Path, signatures: Sequence[Signature]) -> None:
    """Writes a SavedModel with these signatures."""
    graphs = {signature.name: signature.graph() for signature in signatures}
    for name, graph in graphs.items():
        _check(name, graph)
    # For the v1 loader the module must hold TensorFlow's variables, not Keras's around them.
    module = tf.Module()
    module.values = list({id(v): v for graph in graphs.values() for v in graph.variables}.values())
    with _writing(directory):
        tf.saved_model.save(module, str(directory), signatures=graphs)


def _check(name: str, graph: tf.types.experimental.ConcreteFunction) -> None:
    """Raises InputError for what a SavedModel cannot hold: Python code, and lookup tables."""
    definition = graph.graph.as_graph_def()
    functions = [function.node_def for function in definition.library.function]
    if {node.op for nodes in (definition.node, *functions) for node in nodes} & _PYTHON:
        raise InputError(
            f"{name} calls Python code (tf.py_function or tf.numpy_function), which other programs "
            "do not have; use operations of TensorFlow or Keras in its layers"
        )
    variables = {id(variable.handle) for variable in graph.variables}
    resources = {id(held) for held, _ in graph.graph.captures if held.dtype == tf.resource}
    if resources - variables:
        raise InputError(
            f"{name} has a lookup table, as in keras.layers.IntegerLookup, or another resource "
            "that is not exported; in its layers, use weights, as in keras.layers.Embedding"
        )


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raises OSError where TensorFlow cannot write: of a full disk it says that memory is short."""
    try:
        yield
    except tf.errors.OpError as error:
        # "{{node ...}} /path/of/a/file; No space left on device [Op:SaveV2]"
        reason = error.message.rpartition("; ")[2].partition(" [Op:")[0]
        raise OSError(None, reason, str(path)) from error


def run(directory: Path, requests: Sequence[tuple[str, Arrays]]) -> list[Arrays]:
    """Answers requests, pairs of signature and inputs, in a fresh process."""
    result = subprocess.run(
        [sys.executable, "-P", str(Path(__file__).with_name("replay.py")), str(directory)],
        input=pickle.dumps(list(requests)),
        capture_output=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"the SavedModel does not load:\n{result.stderr.decode()}")
    return pickle.loads(result.stdout)


def write_warmup(directory: Path, requests: Sequence[tuple[str, Arrays]]) -> None:
    """Writes requests that TensorFlow Serving replays when it loads the version."""
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError:
        raise InputError(
            "--warmup needs tensorflow-serving-api: pip install 'keras-gan[serving]'"
        ) from None
    path = directory / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with _writing(path), tf.io.TFRecordWriter(str(path)) as file:
        for name, inputs in requests:
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = name
            for alias, array in inputs.items():
                request.inputs[alias].CopyFrom(tf.make_tensor_proto(array))
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(request)
            file.write(log.SerializeToString())
