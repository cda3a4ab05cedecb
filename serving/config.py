"""TensorFlow Serving's configuration files: models, version policies, labels, batching, monitoring.

The files are protobuf text. An error names the file, the line and the field.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from google.protobuf.message import Message
from tensorflow_serving.config import model_server_config_pb2

from serving.errors import InvalidArgument, PermissionDenied, ServingError, UsageError

_INT64 = f".{wrappers_pb2.Int64Value.DESCRIPTOR.full_name}"
_BOOL = f".{wrappers_pb2.BoolValue.DESCRIPTOR.full_name}"
_STRING = f".{wrappers_pb2.StringValue.DESCRIPTOR.full_name}"
_Field = descriptor_pb2.FieldDescriptorProto

_MESSAGES = {
    "BatchingParameters": [
        ("max_batch_size", 1, _INT64),
        ("batch_timeout_micros", 2, _INT64),
        ("max_enqueued_batches", 3, _INT64),
        ("num_batch_threads", 4, _INT64),
        ("thread_pool_name", 5, _STRING),
        ("allowed_batch_sizes", 6, "repeated int64"),
        ("pad_variable_length_inputs", 7, "bool"),
        ("enable_large_batch_splitting", 8, _BOOL),
        ("max_execution_batch_size", 9, _INT64),
    ],
    "PrometheusConfig": [("enable", 1, "bool"), ("path", 2, "string")],
    "MonitoringConfig": [("prometheus_config", 1, ".serving_config.PrometheusConfig")],
    "SSLConfig": [
        ("server_key", 1, "string"),
        ("server_cert", 2, "string"),
        ("custom_ca", 3, "string"),
        ("client_verify", 4, "bool"),
    ],
}
_SCALARS = {"bool": _Field.TYPE_BOOL, "string": _Field.TYPE_STRING, "int64": _Field.TYPE_INT64}


def _field(name: str, number: int, kind: str) -> descriptor_pb2.FieldDescriptorProto:
    repeated, kind = kind.startswith("repeated "), kind.removeprefix("repeated ")
    label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    if kind in _SCALARS:
        return _Field(name=name, number=number, label=label, type=_SCALARS[kind])
    return _Field(name=name, number=number, label=label, type=_Field.TYPE_MESSAGE, type_name=kind)


def _build() -> dict[str, type]:
    # A package of this project: the official names stay free for programs with the official files.
    file = descriptor_pb2.FileDescriptorProto(
        name="serving/config.proto",
        package="serving_config",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
        message_type=[
            descriptor_pb2.DescriptorProto(name=name, field=[_field(*entry) for entry in fields])
            for name, fields in _MESSAGES.items()
        ],
    )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"serving_config.{name}"))
        for name in _MESSAGES
    }


_classes = _build()
BatchingParameters = _classes["BatchingParameters"]
MonitoringConfig = _classes["MonitoringConfig"]
SSLConfig = _classes["SSLConfig"]


PLATFORM = "tensorflow"
DEFAULT_METRICS_PATH = "/monitoring/prometheus/metrics"
_M = TypeVar("_M", bound=Message)


@dataclass(frozen=True)
class ModelConfig:
    """One model to serve."""

    name: str
    base_path: Path
    latest: int = 1  # how many of the newest versions to serve; 0 when another policy holds
    versions: frozenset[int] = frozenset()
    labels: Mapping[str, int] = field(default_factory=dict)  # label to version
    logging_config: Message | None = None  # the real server's; kept as it is

    def aspired(self, on_disk: Mapping[int, Path]) -> set[int]:
        """The versions to serve, out of those on disk."""
        if self.versions:
            return set(on_disk) & self.versions
        return set(sorted(on_disk)[-self.latest :]) if self.latest else set(on_disk)


@dataclass(frozen=True)
class Batching:
    """How requests that arrive together share one run. The defaults are TensorFlow Serving's."""

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    thread_pool_name: str = "batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    max_execution_batch_size: int = 0  # rows that run together where requests are split; 0: never


def read_batching_file(path: Path) -> Batching:
    """Reads a batching parameters file."""
    message = read_text_proto(path, BatchingParameters())
    values = {entry.name: getattr(value, "value", value) for entry, value in message.ListFields()}
    split = values.pop("enable_large_batch_splitting", False)
    execution = values.pop("max_execution_batch_size", 0)
    sizes = values["allowed_batch_sizes"] = tuple(message.allowed_batch_sizes)
    batching = Batching(**values)
    largest = batching.max_batch_size
    if split:
        largest = execution or largest
        batching = replace(batching, max_execution_batch_size=largest)
    for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
        if getattr(batching, name) < 1:
            raise UsageError(f"{path}: {name} must be at least 1, not {getattr(batching, name)}")
    problem = None
    if batching.batch_timeout_micros < 0:
        problem = f"batch_timeout_micros must not be negative, not {batching.batch_timeout_micros}"
    elif not 0 < largest <= batching.max_batch_size:
        problem = f"max_execution_batch_size must be between 1 and max_batch_size, not {largest}"
    elif execution and execution != largest:
        problem = "max_execution_batch_size needs enable_large_batch_splitting { value: true }"
    elif list(sizes) != sorted(set(sizes)) or (sizes and (sizes[0] < 1 or sizes[-1] != largest)):
        problem = f"allowed_batch_sizes must rise to the largest batch ({largest}): {list(sizes)}"
    if problem:
        raise UsageError(f"{path}: {problem}")
    return batching


def read_text_proto(path: Path, message: _M) -> _M:
    """Reads a protobuf text file into `message`."""
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), message)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a text file in UTF-8") from None
    except text_format.ParseError as error:
        line = f":{error.GetLine()}" if error.GetLine() else ""
        reason = str(error).split(" : ", 1)[-1].replace("\n", " ").strip()
        raise UsageError(
            f"{path}{line}: not a {message.DESCRIPTOR.name} in text format: {reason}"
        ) from None
    return message


def read_model_config_file(path: Path) -> list[ModelConfig]:
    """Reads a `model_config_list` file."""
    message = read_text_proto(path, model_server_config_pb2.ModelServerConfig())
    if message.WhichOneof("config") != "model_config_list":
        raise UsageError(f"{path}: model_config_list is missing; nothing else is supported")
    try:
        return model_configs(message.model_config_list)
    except ServingError as error:
        raise UsageError(f"{path}: {error.message}") from None


def read_monitoring_file(path: Path) -> str | None:
    """Reads a monitoring file: the path of the metrics page, or None where metrics are off."""
    prometheus = read_text_proto(path, MonitoringConfig()).prometheus_config
    if not prometheus.enable:
        return None
    page = prometheus.path or DEFAULT_METRICS_PATH
    if not page.startswith("/"):
        raise UsageError(f"{path}: prometheus_config: path must begin with /, as in '/{page}'")
    return page


def model_configs(
    config_list: model_server_config_pb2.ModelConfigList, roots: tuple[Path, ...] | None = None
) -> list[ModelConfig]:
    """Reads and checks the models of a configuration; if given, base paths lie within `roots`."""
    models: dict[str, ModelConfig] = {}
    for entry in config_list.config:
        if entry.name in models:
            raise InvalidArgument(
                f"Illegal to list model {entry.name} multiple times in config list"
            )
        if not entry.name:
            raise InvalidArgument("config: name is missing")
        if entry.model_platform != PLATFORM:
            raise InvalidArgument(
                f"model {entry.name}: model_platform must be {PLATFORM!r}, not "
                f"{entry.model_platform!r}"
            )
        base_path = Path(entry.base_path)
        if not base_path.is_absolute():
            raise InvalidArgument(
                f"Expected model {entry.name} to have an absolute path or URI; "
                f"got base_path()={entry.base_path}"
            )
        if "\0" in entry.base_path:
            raise InvalidArgument(f"model {entry.name}: base_path holds a null character")
        real_path = Path(os.path.realpath(base_path))
        if roots is not None and not any(real_path.is_relative_to(root) for root in roots):
            raise PermissionDenied(
                f"Model {entry.name}: base_path {entry.base_path} lies outside the directories "
                "that this server was started with."
            )
        models[entry.name] = ModelConfig(
            entry.name,
            base_path,
            *_policy(entry),
            labels=dict(entry.version_labels),
            logging_config=entry.logging_config if entry.HasField("logging_config") else None,
        )
    return list(models.values())


def _policy(entry: model_server_config_pb2.ModelConfig) -> tuple[int, frozenset[int]]:
    policy = entry.model_version_policy
    match policy.WhichOneof("policy_choice"):
        case "all":
            return 0, frozenset()
        case "specific":
            if not policy.specific.versions:
                raise InvalidArgument(
                    f"model {entry.name}: model_version_policy: specific names no version"
                )
            return 0, frozenset(policy.specific.versions)
        case "latest":
            return policy.latest.num_versions or 1, frozenset()
        case _:
            return 1, frozenset()
