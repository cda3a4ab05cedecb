"""`python -m serving config`: all that the real server needs, from an export directory.

The files are written for the official image: configuration in TensorFlow Serving's formats, a
compose file, Kubernetes manifests and, as the other choice there, KServe's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_serving.config import model_server_config_pb2

from serving.config import DEFAULT_METRICS_PATH, PLATFORM, ModelConfig
from serving.errors import UsageError
from serving.files import replacing
from serving.flags import DefaultsFormatter, Parser, find_models
from serving.manifests import (
    CONFIG_DIR,
    MODELS_DIR,
    compose,
    kserve,
    kubernetes,
    resource_name,
)
from serving.protos import BatchingParameters, MonitoringConfig

MODEL_FILE, BATCHING_FILE, MONITORING_FILE = "models.config", "batching.config", "monitoring.config"
_MEMORY = re.compile(r"[1-9][0-9]*(Mi|Gi)")


@dataclass(frozen=True)
class Deployment:
    """What the files are written for.

    Args:
        models: The models, with base paths as the server sees them.
        name: The name of the service.
        image: The server's image.
        claim: The persistent volume claim that holds the export directory.
        replicas: The least and the most servers.
        cpu: The cores of one server.
        memory: The memory of one server, in Kubernetes's notation.
        max_batch_size: The most rows that run together.
        batch_timeout_micros: How long a batch waits for more.
    """

    models: tuple[ModelConfig, ...]
    name: str = "serving"
    image: str = "tensorflow/serving:2.19.1"
    claim: str = "models"
    replicas: tuple[int, int] = (1, 4)
    cpu: int = 2
    memory: str = "2Gi"
    max_batch_size: int = 64
    batch_timeout_micros: int = 2000

    metrics_path = DEFAULT_METRICS_PATH

    def server_flags(self, config_dir: str = CONFIG_DIR) -> list[str]:
        """The real server's flags."""
        return [
            "--port=8500",
            "--rest_api_port=8501",
            f"--model_config_file={config_dir}/{MODEL_FILE}",
            "--model_config_file_poll_wait_seconds=30",
            "--enable_batching=true",
            f"--batching_parameters_file={config_dir}/{BATCHING_FILE}",
            f"--monitoring_config_file={config_dir}/{MONITORING_FILE}",
        ]

    def config_files(self) -> dict[str, str]:
        """The server's configuration files, name to text."""
        monitoring = MonitoringConfig(prometheus_config={"enable": True, "path": self.metrics_path})
        return {
            MODEL_FILE: text_format.MessageToString(model_message(self.models)),
            BATCHING_FILE: text_format.MessageToString(self._batching()),
            MONITORING_FILE: text_format.MessageToString(monitoring),
        }

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

    def inside(self, model: ModelConfig) -> PurePosixPath:
        """Where a model lies in the volume."""
        return PurePosixPath(model.base_path).relative_to(MODELS_DIR)


def model_message(models: Sequence[ModelConfig]) -> model_server_config_pb2.ModelServerConfig:
    """The protocol's configuration of some models."""
    message = model_server_config_pb2.ModelServerConfig()
    message.model_config_list.SetInParent()
    for model in models:
        entry = message.model_config_list.config.add(
            name=model.name, base_path=str(model.base_path), model_platform=PLATFORM
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


def write_files(deployment: Deployment, sources: Sequence[Path], output: Path) -> list[Path]:
    """Writes all files, each under a temporary name first.

    Args:
        deployment: What they are for.
        sources: The models' directories on this machine, in the same order, for the compose file.
        output: The directory to write to.

    Returns:
        The files.

    Raises:
        UsageError: One cannot be written.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    def dump(*documents: dict) -> str:
        return yaml.dump_all(documents, Dumper=Dumper, sort_keys=False)

    texts = {f"config/{name}": text for name, text in deployment.config_files().items()}
    texts["compose.yaml"] = dump(compose(deployment, sources))
    texts["kubernetes.yaml"] = dump(*kubernetes(deployment))
    texts["kserve.yaml"] = dump(*kserve(deployment))
    return [write_text(output / name, text) for name, text in texts.items()]


def write_text(path: Path, text: str) -> Path:
    """Writes a text file under a temporary name, then gives it its own; returns the path."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def parse_labels(pairs: Sequence[str]) -> dict[str, int]:
    """Reads `label=version` pairs.

    Raises:
        UsageError: One is no such pair.
    """
    labels = {}
    for pair in pairs:
        label, equals, version = pair.partition("=")
        if not (label and equals and version.isdecimal()):
            raise UsageError(f"{pair!r}: label=version is expected, stable=3 for instance")
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
        # A directory of versions is mounted as a model beside others.
        inside = model.base_path.relative_to(root) if model.base_path != root else Path(model.name)
        base_path = Path(PurePosixPath(MODELS_DIR, *inside.parts))
        served = frozenset(versions) | frozenset(labels.values())
        policy: dict = {"latest": 0, "versions": served, "labels": labels} if served else {}
        mounted.append(replace(model, base_path=base_path, **policy))
    return tuple(mounted)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m serving config",
        formatter_class=DefaultsFormatter,
        description="Write configuration, compose file and Kubernetes manifests "
        "for the real server.",
    )
    default = Deployment(())
    flag = parser.add_argument
    flag("export_dir", type=Path, help="a model's directory of versions, or one of models")
    flag("--output", type=Path, default=Path("deployment"), help="the directory to write to")
    flag("--name", default=default.name, help="the name of the service")
    flag("--image", default=default.image, help="the server's image")
    flag("--claim", default=default.claim, help="the volume claim that holds the models")
    flag("--min_replicas", type=int, default=default.replicas[0], help="the fewest servers")
    flag("--max_replicas", type=int, default=default.replicas[1], help="the most servers")
    flag("--cpu", type=int, default=default.cpu, help="cores of a server")
    flag("--memory", default=default.memory, help="memory of a server, 512Mi or 2Gi")
    flag("--max_batch_size", type=int, default=default.max_batch_size, help="rows in a batch")
    flag("--batch_timeout_micros", type=int, default=default.batch_timeout_micros, help="a wait")
    flag("--version", type=int, action="append", default=[], help="serve it; may be repeated")
    flag("--label", action="append", default=[], help="label=version; may be repeated")
    return parser


def main(argv: Sequence[str]) -> int:
    """Writes the files and lists them."""
    flags = _parser().parse_args(argv)
    if not 1 <= flags.min_replicas <= flags.max_replicas:
        raise UsageError(
            f"--min_replicas must be between 1 and --max_replicas ({flags.max_replicas}), "
            f"not {flags.min_replicas}"
        )
    for name in ("cpu", "max_batch_size"):
        if getattr(flags, name) < 1:
            raise UsageError(f"--{name} must be at least 1, not {getattr(flags, name)}")
    if not _MEMORY.fullmatch(flags.memory):
        raise UsageError(f"--memory must read like 512Mi or 2Gi, not {flags.memory!r}")
    if resource_name(flags.name) != flags.name:
        raise UsageError(
            f"--name must be lower case letters, digits and hyphens, not {flags.name!r}"
        )
    models = find_models(flags.export_dir)
    deployment = Deployment(
        models=_mounted(models, flags.export_dir, flags.version, parse_labels(flags.label)),
        name=flags.name,
        image=flags.image,
        claim=flags.claim,
        replicas=(flags.min_replicas, flags.max_replicas),
        cpu=flags.cpu,
        memory=flags.memory,
        max_batch_size=flags.max_batch_size,
        batch_timeout_micros=flags.batch_timeout_micros,
    )
    for path in write_files(deployment, [model.base_path for model in models], flags.output):
        print(path)
    return 0
