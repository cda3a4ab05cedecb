"""The warm-up requests of an export, in TensorFlow Serving's file format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from serving import errors, tensors

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
MAX_RECORDS = 1000
_MAX_TENSOR_BYTES = 1 << 30


def read_warmup(version_path: Path) -> Iterator[tuple[str, dict[str, np.ndarray], list[str]]]:
    """Reads a version's warm-up file.

    Args:
        version_path: The version's directory.

    Yields:
        Signature name, inputs and output filter of each recorded Predict request; nothing without a
        file.

    Raises:
        ServingError: The file holds too many records, or one of another kind.
    """
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
