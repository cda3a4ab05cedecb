"""One version of a model: a SavedModel in a TensorFlow 1 session, as TensorFlow Serving loads it.

A session costs as little per call as a concrete function, has the feed names that the protocol's
errors quote, and can be closed, which frees its memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2
from tensorflow_serving.apis import prediction_log_pb2

from serving import errors, tensors

DEFAULT_SIGNATURE = "serving_default"
SERVE_TAG = "serve"
# The calling thread runs the operations, without a switch to a pool and back.
_CALLER_THREAD = -1


class Servable:
    """A loaded version."""

    def __init__(self, path: Path, *, intra_op_threads: int = 0, inter_op_threads: int = 0) -> None:
        self.path = path
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(
            graph=self._graph,
            config=config_pb2.ConfigProto(
                intra_op_parallelism_threads=intra_op_threads,
                inter_op_parallelism_threads=inter_op_threads,
                allow_soft_placement=True,
            ),
        )
        self._callables: dict[tuple, Callable] = {}
        self._lock = threading.Lock()
        try:
            with self._graph.as_default():
                meta_graph = tf.compat.v1.saved_model.load(self._session, [SERVE_TAG], str(path))
            self.signatures: dict[str, meta_graph_pb2.SignatureDef] = dict(meta_graph.signature_def)
            self._warm_up()
        except BaseException:
            self.close()
            raise

    def signature(self, name: str) -> meta_graph_pb2.SignatureDef | None:
        """The signature of that name (empty: the default one), or None."""
        return self.signatures.get(name or DEFAULT_SIGNATURE)

    def run(
        self,
        signature: meta_graph_pb2.SignatureDef,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str],
    ) -> dict[str, np.ndarray]:
        """Runs a signature in the calling thread."""
        feeds = sorted((signature.inputs[alias].name, array) for alias, array in inputs.items())
        fetches = [signature.outputs[alias].name for alias in outputs]
        dtypes = {info.name: tf.dtypes.as_dtype(info.dtype) for info in signature.inputs.values()}
        for index, (name, array) in enumerate(feeds):
            given = tensors.dtype_of(array)
            if dtypes[name] != given:
                raise errors.InvalidArgument(
                    f"Expects arg[{index}] to be {tensors.type_name(dtypes[name])} "
                    f"but {tensors.type_name(given)} is provided"
                )
        try:
            call = self._callable(tuple(name for name, _ in feeds), tuple(fetches))
            values = call(*(array for _, array in feeds))
        except tf.errors.OpError as error:
            raise errors.from_number(error.error_code, error.message) from None
        # The session gives a single string as bytes.
        arrays = (np.array(v, object) if isinstance(v, bytes) else v for v in values)
        return dict(zip(outputs, arrays, strict=True))

    def _callable(self, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> Callable:
        key = (feeds, fetches)
        with self._lock:
            if key not in self._callables:
                options = config_pb2.CallableOptions(feed=feeds, fetch=fetches)
                options.run_options.inter_op_thread_pool = _CALLER_THREAD
                self._callables[key] = self._session._make_callable_from_options(options)
            return self._callables[key]

    def _warm_up(self) -> None:
        """Replays the export's warm-up requests, which must not fail, or runs a row of zeros."""
        requests = list(read_warmup(self.path))
        for name, inputs, outputs in requests:
            signature = self.signature(name)
            if signature is None:
                raise errors.FailedPrecondition(f'Serving signature key "{name}" not found.')
            self.run(signature, inputs, outputs or sorted(signature.outputs))
        if requests:
            return
        for signature in self.signatures.values():
            zeros = {alias: _zeros(info) for alias, info in signature.inputs.items()}
            rows = {alias: array for alias, array in zeros.items() if array is not None}
            if rows and len(rows) == len(zeros):
                with suppress(errors.ServingError):  # zeros need not be a valid input
                    self.run(signature, rows, sorted(signature.outputs))

    def close(self) -> None:
        """Closes the session and its variables; the graph, which refers to itself, is garbage."""
        self._callables.clear()
        self._session.close()
        del self._session, self._graph


def _zeros(info: meta_graph_pb2.TensorInfo) -> np.ndarray | None:
    """One row of zeros, or None where the row's shape is not known."""
    shape = [dim.size for dim in info.tensor_shape.dim]
    if info.tensor_shape.unknown_rank or any(size < 0 for size in shape[1:]):
        return None
    dtype = tf.dtypes.as_dtype(info.dtype)
    filling = b"" if dtype == tf.string else 0
    return np.full([1, *shape[1:]] if shape else [], filling, dtype.as_numpy_dtype)


WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
MAX_RECORDS = 1000
_MAX_TENSOR_BYTES = 1 << 30


def read_warmup(version_path: Path) -> Iterator[tuple[str, dict[str, np.ndarray], list[str]]]:
    """The recorded Predict requests: signature name, inputs and output filter of each."""
    path = version_path / WARMUP_FILE
    if not path.is_file():
        return
    try:
        records = list(tf.data.TFRecordDataset(str(path)).take(MAX_RECORDS + 1).as_numpy_iterator())
    except tf.errors.OpError as error:
        raise errors.from_number(error.error_code, error.message) from None
    if len(records) > MAX_RECORDS:
        raise errors.InvalidArgument(
            f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {path}"
        )
    for record in records:
        log = prediction_log_pb2.PredictionLog()
        try:
            log.ParseFromString(record)
        except DecodeError:
            raise errors.InvalidArgument(f"Failed to parse warmup record: at {path}") from None
        if not log.HasField("predict_log"):
            raise errors.Unimplemented(f"Only Predict requests can warm a model up: at {path}")
        request = log.predict_log.request
        inputs = {
            alias: tensors.to_array(proto, _MAX_TENSOR_BYTES)
            for alias, proto in request.inputs.items()
        }
        yield request.model_spec.signature_name, inputs, list(request.output_filter)
