"""`keras-gan serve config`: all that the real server needs, from an export directory.

The files are written for the official image: configuration in TensorFlow Serving's formats, and
from the templates in `templates/` a compose file, Kubernetes manifests and KServe's.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_serving.config import model_server_config_pb2

from serving.calls import MAX_VERSION
from serving.config import (
    DEFAULT_METRICS_PATH,
    PLATFORM,
    BatchingParameters,
    ModelConfig,
    MonitoringConfig,
)
from serving.errors import UsageError
from serving.files import write_text
from serving.settings import Parser, at_least, find_models, path_name

MODEL_FILE, BATCHING_FILE, MONITORING_FILE = "models.config", "batching.config", "monitoring.config"
_MODELS_DIR = "/models"  # in the server's file system; templates/kubernetes.yaml mounts it
_TEMPLATES = Path(__file__).with_name("templates")
_MEMORY = re.compile(r"[1-9][0-9]*(Mi|Gi)")


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Deployment:
    """A deployment of the real server. Each field but the first is an option of the command."""

    models: tuple[ModelConfig, ...]  # with base paths as the server sees them
    name: str = _option("serving", "the name of the service")
    image: str = _option("tensorflow/serving:2.19.1", "the server's image")
    claim: str = _option("models", "the persistent volume claim that holds the models")
    min_replicas: int = _option(1, "the fewest servers")
    max_replicas: int = _option(4, "the most servers")
    cpu: int = _option(2, "cores of a server")
    memory: str = _option("2Gi", "memory of a server, 512Mi or 2Gi")
    grpc_max_threads: int = _option(256, "gRPC calls that a server answers at a time")
    max_batch_size: int = _option(64, "the most rows that run together")
    batch_timeout_micros: int = _option(2000, "how long a batch waits for more rows")

    def __post_init__(self) -> None:
        if not 1 <= self.min_replicas <= self.max_replicas:
            raise UsageError(
                f"--min_replicas must be between 1 and --max_replicas ({self.max_replicas}), "
                f"not {self.min_replicas}"
            )
        for name in ("cpu", "grpc_max_threads", "max_batch_size"):
            if getattr(self, name) < 1:
                raise UsageError(f"--{name} must be at least 1, not {getattr(self, name)}")
        if not _MEMORY.fullmatch(self.memory):
            raise UsageError(f"--memory must read like 512Mi or 2Gi, not {self.memory!r}")
        if resource_name(self.name) != self.name:
            raise UsageError(
                "--name must be lower case letters, digits and hyphens, a letter first, not "
                f"{self.name!r}"
            )

    def config_files(self) -> dict[str, str]:
        """The server's configuration files, name to text."""
        page = {"enable": True, "path": DEFAULT_METRICS_PATH}
        messages = {
            MODEL_FILE: model_message(self.models),
            BATCHING_FILE: self._batching(),
            MONITORING_FILE: MonitoringConfig(prometheus_config=page),
        }
        return {name: text_format.MessageToString(message) for name, message in messages.items()}

    def _batching(self) -> Message:
        sizes = [1]
        while sizes[-1] < self.max_batch_size:
            sizes.append(min(2 * sizes[-1], self.max_batch_size))
        message = BatchingParameters(allowed_batch_sizes=sizes)
        message.max_batch_size.value = self.max_batch_size
        message.batch_timeout_micros.value = self.batch_timeout_micros
        message.max_enqueued_batches.value = 100
        message.num_batch_threads.value = self.cpu
        return message

    def flags(self, config_dir: Path | str, port: int, rest_api_port: int) -> list[str]:
        """The real server's flags, with its configuration files in a directory."""
        return [
            f"--port={port}",
            f"--rest_api_port={rest_api_port}",
            f"--grpc_max_threads={self.grpc_max_threads}",
            f"--model_config_file={config_dir}/{MODEL_FILE}",
            # Else it would not start with labels: it reads them before it loads versions.
            "--allow_version_labels_for_unavailable_models=true",
            "--enable_batching=true",
            f"--batching_parameters_file={config_dir}/{BATCHING_FILE}",
            f"--monitoring_config_file={config_dir}/{MONITORING_FILE}",
        ]

    def manifests(self, sources: Sequence[Path]) -> dict[str, list[dict]]:
        """The YAML documents of each file; `sources` are the models' directories here."""
        amounts = {"cpu": str(self.cpu), "memory": self.memory}
        pairs = zip(sources, self.models, strict=True)
        volumes = [(str(source.resolve()), str(model.base_path)) for source, model in pairs]
        volumes.append(("./config", "/config"))
        flags = self.flags("/config", 8500, 8501)
        values = {
            **vars(self),
            # No polling: it would undo the step that `serve label` takes in between.
            "flags": flags,
            # A ConfigMap is changed by other means, and for all pods at once.
            "polling_flags": [*flags, "--model_config_file_poll_wait_seconds=30"],
            "volumes": [
                {"type": "bind", "source": source, "target": target, "read_only": True}
                for source, target in volumes
            ],
            "compose_memory": self.memory.replace("Gi", "g").replace("Mi", "m"),
            "config_name": f"{self.name}-config",
            "config_files": self.config_files(),
            "metrics_path": DEFAULT_METRICS_PATH,
            "status_path": f"/v1/models/{self.models[0].name}",
            "resources": {"requests": amounts, "limits": amounts},
        }
        names = resource_names([model.name for model in self.models])
        of_models = [
            {
                "model_resource": name,
                "storage_uri": f"pvc://{self.claim}/{model.base_path.relative_to(_MODELS_DIR)}",
            }
            for name, model in zip(names, self.models, strict=True)
        ]
        return {
            "compose.yaml": list(_filled("compose.yaml", values)),
            "kubernetes.yaml": list(_filled("kubernetes.yaml", values)),
            "kserve.yaml": [d for m in of_models for d in _filled("kserve.yaml", {**values, **m})],
        }


def _filled(template: str, values: Mapping[str, Any]) -> Iterator[dict]:
    """A template's documents, with values of any type in the place of "$key"."""
    import yaml

    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: fill(value) for key, value in node.items()}
        if isinstance(node, list):
            return [fill(value) for value in node]
        return values[node[1:]] if isinstance(node, str) and node[:1] == "$" else node

    text = (_TEMPLATES / template).read_text(encoding="utf-8")
    return map(fill, yaml.safe_load_all(text))


def resource_name(name: str) -> str:
    """A name that Kubernetes accepts: 63 lower case letters, digits, hyphens; a letter first."""
    text = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return (text if text[:1].isalpha() else f"model-{text}")[:63].strip("-")


def resource_names(models: Sequence[str]) -> list[str]:
    """Such a name for each model, of which no two are the same."""
    names: list[str] = []
    for model in models:
        name = resource_name(model)
        others = (f"{name[:58]}-{number}" for number in itertools.count(2))
        names.append(next(one for one in itertools.chain([name], others) if one not in names))
    return names


def model_message(models: Sequence[ModelConfig]) -> model_server_config_pb2.ModelServerConfig:
    """The protocol's configuration of some models."""
    message = model_server_config_pb2.ModelServerConfig()
    message.model_config_list.SetInParent()
    for model in models:
        entry = message.model_config_list.config.add(
            name=model.name,
            base_path=str(model.base_path),
            model_platform=PLATFORM,
            logging_config=model.logging_config,
        )
        entry.version_labels.update(model.labels)
        policy = entry.model_version_policy
        if model.versions:
            policy.specific.versions.extend(sorted(model.versions))
        elif model.latest > 1:
            policy.latest.num_versions = model.latest
        elif model.latest == 0:
            policy.all.SetInParent()
    return message


def parse_labels(pairs: Sequence[str]) -> dict[str, int]:
    """Reads `label=version` pairs."""
    labels: dict[str, int] = {}
    for pair in pairs:
        label, equals, version = pair.partition("=")
        if not (label and equals and version.isdecimal()) or int(version) > MAX_VERSION:
            raise UsageError(f"{pair!r}: label=version is expected, for example stable=3")
        if label in labels:
            raise UsageError(f"{pair!r}: {label} is version {labels[label]} already")
        labels[label] = int(version)
    return labels


def _mounted(
    models: Sequence[ModelConfig], export_dir: Path, versions: Sequence[int], labels: Mapping
) -> tuple[ModelConfig, ...]:
    """The models as the server sees them, in its volume."""
    root = export_dir.absolute()
    if (versions or labels) and len(models) > 1:
        raise UsageError(
            f"--version and --label fit one model; {export_dir} holds {len(models)}. "
            "Give the directory of one."
        )
    mounted = []
    for model in models:
        # A directory of versions is mounted as one model of several.
        inside = model.base_path.relative_to(root) if model.base_path != root else Path(model.name)
        base_path = Path(PurePosixPath(_MODELS_DIR, *inside.parts))
        served = frozenset(versions) | frozenset(labels.values())
        policy: dict = {"latest": 0, "versions": served, "labels": labels} if served else {}
        mounted.append(replace(model, base_path=base_path, **policy))
    return tuple(mounted)


def main(argv: Sequence[str]) -> int:
    """Writes the files and lists them."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    parser = Parser(
        prog="keras-gan serve config",
        description="Write configuration, compose file and Kubernetes manifests "
        "for the real server.",
    )
    flag = parser.add_argument
    flag("export_dir", type=path_name, help="a model's directory of versions, or one of models")
    flag("--output", type=path_name, default=Path("deployment"), help="the directory to write to")
    flag(
        "--version",
        type=at_least(0, highest=MAX_VERSION),
        action="append",
        default=[],
        help="a version to serve instead of the latest; may be repeated",
    )
    flag("--label", action="append", default=[], help="a label, as stable=3; may be repeated")
    options = dataclasses.fields(Deployment)[1:]
    for option in options:
        default = option.default
        kind = at_least(0) if isinstance(default, int) else str
        flag(f"--{option.name}", type=kind, default=default, help=option.metadata["help"])
    flags = parser.parse_args(argv)
    models = find_models(flags.export_dir)
    deployment = Deployment(
        _mounted(models, flags.export_dir, flags.version, parse_labels(flags.label)),
        **{option.name: getattr(flags, option.name) for option in options},
    )
    texts = {f"config/{name}": text for name, text in deployment.config_files().items()}
    for name, documents in deployment.manifests([model.base_path for model in models]).items():
        texts[name] = yaml.dump_all(documents, Dumper=Dumper, sort_keys=False)
    for name, text in texts.items():
        write_text(flags.output / name, text)
        print(flags.output / name)
    return 0
