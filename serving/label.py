"""`keras-gan serve label`: points version labels to versions, for a canary or a rollback.

The configuration file records what is served. A label may only point to a version that is
available, so a new version is loaded first and labelled then; versions without a label are unloaded
last. When a step fails, the servers get their old configuration again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from google.protobuf import text_format

from serving.admin import Admin
from serving.config import ModelConfig, read_model_config_file
from serving.errors import ServingError, UsageError
from serving.files import replacing
from serving.flags import Parser
from serving.production import model_message, parse_labels


def move_labels(
    admins: Sequence[Admin],
    models: Sequence[ModelConfig],
    name: str,
    labels: dict[str, int],
    seconds: float = 300.0,
) -> list[ModelConfig]:
    """Points a model's labels to versions, on each server in turn.

    Args:
        admins: The servers.
        models: All that they serve now.
        name: The model.
        labels: All its labels from now on, label to version.
        seconds: How long a version may take to load.

    Returns:
        All that they serve now.

    Raises:
        ServingError: A step failed; the servers have their old configuration.
    """
    old = next(model for model in models if model.name == name)

    def with_model(model: ModelConfig) -> list[ModelConfig]:
        return [model if other.name == name else other for other in models]

    new_versions = frozenset(labels.values())
    both = new_versions | _available(admins, name)
    loading = with_model(replace(old, latest=0, versions=both))
    moved = with_model(replace(old, latest=0, versions=both, labels=labels))
    final = with_model(replace(old, latest=0, versions=new_versions, labels=labels))
    try:
        for admin in admins:
            admin.reload(loading)
            admin.wait_until_available(name, sorted(new_versions), seconds)
        for admin in admins:
            admin.reload(moved)
        for admin in admins:
            admin.reload(final)
    except ServingError:
        for admin in admins:
            with suppress(ServingError):
                admin.reload(models)
        raise
    return final


def _available(admins: Sequence[Admin], name: str) -> frozenset[int]:
    return frozenset(
        version
        for admin in admins
        for version, status in admin.states(name).items()
        if status.state == "AVAILABLE"
    )


def main(argv: Sequence[str]) -> int:
    """Moves labels and records them in the configuration file."""
    parser = Parser(
        prog="keras-gan serve label",
        description="Point a model's version labels to versions: a canary, or a rollback.",
    )
    parser.add_argument("address", nargs="+", help="host:port of a server's gRPC interface")
    parser.add_argument("--model_config_file", type=Path, required=True, help="what they serve")
    parser.add_argument("--model", required=True, help="the model")
    parser.add_argument("--label", action="append", required=True, help="label=version; all labels")
    parser.add_argument("--seconds", type=float, default=300.0, help="time for a version to load")
    flags = parser.parse_args(argv)
    labels = parse_labels(flags.label)
    models = read_model_config_file(flags.model_config_file)
    if flags.model not in [model.name for model in models]:
        raise UsageError(f"--model: {flags.model_config_file} has no model {flags.model!r}")
    admins = [Admin(address) for address in flags.address]
    with replacing(flags.model_config_file) as record:  # no label moves that cannot be recorded
        final = move_labels(admins, models, flags.model, labels, flags.seconds)
        record.write_text(text_format.MessageToString(model_message(final)), encoding="utf-8")
    print(f"{flags.model}: " + ", ".join(f"{k} is version {v}" for k, v in sorted(labels.items())))
    return 0
