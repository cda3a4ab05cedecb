"""The embedded server's command line, `tensorflow_model_server`'s flags, checked into Settings.

Imports no TensorFlow: mistakes show at once. Fields with a help text are flags of the same name.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NoReturn

from serving.config import (
    Batching,
    ModelConfig,
    read_batching_file,
    read_model_config_file,
    read_monitoring_file,
)
from serving.errors import UsageError
from serving.files import versions_on_disk
from serving.tls import Keys, read_keys, read_ssl_config

_LARGEST = {int: 2**31 - 1, float: 1e9}  # what the real server's flags take, and a timer
_LONGEST_NAME, _LONGEST_PATH = 255, 4095  # bytes
_SAVED_MODEL = {"saved_model.pb", "saved_model.pbtxt"}
_logger = logging.getLogger(__name__)


def path_name(text: str) -> Path:
    """The type of a flag: a file or a directory, which need not exist, but not the root."""
    text = os.path.expanduser(text)  # shells leave the ~ of `--output=~/a` alone
    code = os.fsencode(text)
    too_long = len(code) > _LONGEST_PATH or max(map(len, code.split(b"/"))) > _LONGEST_NAME
    if too_long or not text.strip():
        raise argparse.ArgumentTypeError(f"a path expected, not {text[:80]!r}")
    if os.path.realpath(text) == os.path.abspath(os.sep):
        raise argparse.ArgumentTypeError("a path other than the root of the file system expected")
    return Path(text)


def at_least(
    lowest: float, kind: type = int, highest: float | None = None
) -> Callable[[str], float]:
    """The type of a flag: a number in a range."""
    highest = _LARGEST[kind] if highest is None else highest

    def read(text: str) -> float:
        value = kind(text)
        if not value >= lowest:
            raise argparse.ArgumentTypeError(f"at least {lowest} expected, not {text}")
        if value > highest:
            raise argparse.ArgumentTypeError(f"at most {highest} expected, not {text}")
        return value

    read.__name__ = "whole number" if kind is int else "number"
    return read


def _host_names(text: str) -> frozenset[str]:
    """The type of a flag: host names, separated by commas."""
    names = [name.strip().lower().rstrip(".") for name in text.split(",")]
    for name in names:
        if not re.fullmatch(r"[a-z0-9_.-]+", name):
            raise argparse.ArgumentTypeError(
                f"names without a port expected, as in serving.example,models.local, not {text!r}"
            )
    return frozenset(names)


def _host(text: str) -> str:
    """The type of a flag: an address; an IPv6 address may have the brackets of a URL."""
    host = text.strip("[] ")
    if not host:  # as of a variable that is not set; REST would be open on all addresses
        raise argparse.ArgumentTypeError(f"an address expected, not {text!r}")
    return host


def _boolean(text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"true or false expected, not {text!r}") from None


port_number = at_least(0, highest=65535)


def _flag(default: Any, text: str, kind: Callable[[str], Any]) -> Any:
    return field(default=default, metadata={"help": text, "type": kind})


def _own(default: float, text: str, lowest: float = 1) -> Any:
    """A flag that TensorFlow Serving does not have."""
    return _flag(default, f"{text} (embedded only)", at_least(lowest, type(default)))


@dataclass(frozen=True)
class Limits:
    """Limits of one request, and of all at a time; checked before anything is allocated."""

    max_request_bytes: int = _own(16 << 20, "size of a request, and of each tensor in it")
    max_rows: int = _own(4096, "rows in a request")
    max_concurrent: int = _own(512, "requests at a time, for each protocol")
    max_connections: int = _own(1024, "open REST connections")
    body_seconds: float = _own(
        30.0, "seconds for a REST request to arrive, and the longest pause in reading its answer"
    )


@dataclass(frozen=True)
class Settings:
    """An embedded server. A port of None turns its protocol off; 0 lets the system choose."""

    models: tuple[ModelConfig, ...]
    roots: tuple[Path, ...] = ()  # where a configuration from a request may point to
    batching: Batching | None = None
    metrics_path: str | None = None
    keys: Keys | None = None
    limits: Limits = Limits()
    threads: int = 4  # requests that run at a time without batching
    host: str = _flag("127.0.0.1", "the address to listen on (the real server: all)", _host)
    allowed_hosts: frozenset[str] = _flag(
        frozenset(),
        "names, separated by commas, by which REST clients may call this server besides localhost "
        "and addresses (embedded only)",
        _host_names,
    )
    port: int | None = _flag(8500, "gRPC's port; 0 turns it off", port_number)
    rest_api_port: int | None = _flag(8501, "REST's port; 0 turns it off", port_number)
    rest_api_timeout_in_ms: int = _flag(30_000, "for a REST request", at_least(1))
    model_config_file: Path | None = _flag(  # noqa: RUF009
        None, "the models, in a ModelServerConfig text file", path_name
    )
    model_config_file_poll_wait_seconds: float = _flag(
        0, "seconds between readings of that file; 0: never", at_least(0)
    )
    allow_version_labels_for_unavailable_models: bool = _flag(
        False, "new labels may point to versions that are not loaded yet", _boolean
    )
    file_system_poll_wait_seconds: float = _flag(
        1, "seconds between checks of the model directories; 0: never", at_least(0)
    )
    tensorflow_intra_op_parallelism: int = _flag(0, "0: automatic", at_least(0))
    tensorflow_inter_op_parallelism: int = _flag(0, "0: automatic", at_least(0))
    grace_seconds: float = _own(30.0, "how long requests may run after SIGTERM", 0)


_OPTIONS = [f for f in (*fields(Settings), *fields(Limits)) if "help" in f.metadata]


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and whose help shows defaults."""

    def __init__(self, **kwargs):
        super().__init__(formatter_class=DefaultsFormatter, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Prints the error and ends with exit code 2."""
        print(f"{self.prog}: {message} (--help lists the flags)", file=sys.stderr)
        sys.exit(2)


class DefaultsFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the default of each flag that has one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return (
            action.help
            if action.default in (None, [], frozenset())
            else super()._get_help_string(action)
        )


def build_parser() -> Parser:
    """The parser of `keras-gan serve`."""
    parser = Parser(
        prog="keras-gan serve",
        allow_abbrev=False,
        description="Serve SavedModels over TensorFlow Serving's REST and gRPC interfaces. "
        "Flags without a note are tensorflow_model_server's. "
        "`keras-gan serve MODEL`, with a run, a preset or a .keras file as the first argument, "
        "serves an export of it from a temporary folder; --weights, --truncation, --preprocessing "
        "and --trust-recipe are then those of `keras-gan export`. "
        "Further commands: client, config, launch, label (each has --help).",
    )
    flag = parser.add_argument
    flag(
        "export_dir",
        nargs="?",
        type=path_name,
        help="a model's directory of versions, or one of models",
    )
    flag("--model_name", help="the model's name (default: its directory's, or 'default')")
    flag("--model_base_path", type=path_name, help="a model's directory of versions")
    for option in _OPTIONS:
        kind, text = option.metadata["type"], option.metadata["help"]
        more: dict = {"nargs": "?", "const": True} if kind is _boolean else {}
        flag(f"--{option.name}", type=kind, default=option.default, help=text, **more)
    text = "run requests that arrive together as one"
    flag("--enable_batching", type=_boolean, nargs="?", const=True, default=False, help=text)
    flag("--batching_parameters_file", type=path_name, help="BatchingParameters, a text file")
    flag("--monitoring_config_file", type=path_name, help="MonitoringConfig, a text file")
    flag("--ssl_config_file", type=path_name, help="SSLConfig, a text file; here for REST too")
    flag(
        "--ssl_certificate_file",
        type=path_name,
        help="the server's certificate, PEM (embedded only)",
    )
    flag("--ssl_key_file", type=path_name, help="the certificate's key, PEM (embedded only)")
    flag(
        "--ssl_client_ca_file", type=path_name, help="who signs client certificates (embedded only)"
    )
    return parser


def read_settings(argv: Sequence[str]) -> Settings:
    """Reads the command line."""
    flags, settings = _without_models(argv)
    models, roots = _models(flags)
    return replace(settings, models=models, roots=roots)


def check_flags(argv: Sequence[str]) -> None:
    """Raises UsageError for a command line that is wrong whatever its EXPORT_DIR holds."""
    _without_models(argv)


def _without_models(argv: Sequence[str]) -> tuple[argparse.Namespace, Settings]:
    flags = build_parser().parse_args(argv)
    sources = [flags.export_dir, flags.model_base_path, flags.model_config_file]
    if sum(source is not None for source in sources) != 1:
        raise UsageError(
            "one of EXPORT_DIR, --model_base_path and --model_config_file is needed, and only one"
        )
    if flags.port and flags.port == flags.rest_api_port:
        raise UsageError(f"--rest_api_port must differ from --port; both are {flags.port}")
    if not flags.port and not flags.rest_api_port:
        raise UsageError("--port and --rest_api_port are both 0: nothing to listen on")
    if flags.batching_parameters_file and not flags.enable_batching:
        raise UsageError("--batching_parameters_file needs --enable_batching")
    batching = Batching() if flags.enable_batching else None
    if flags.batching_parameters_file:
        batching = read_batching_file(flags.batching_parameters_file)
    monitoring = flags.monitoring_config_file
    values = {option.name: getattr(flags, option.name) for option in _OPTIONS}
    values |= {"port": flags.port or None, "rest_api_port": flags.rest_api_port or None}
    limits = Limits(**{option.name: values.pop(option.name) for option in fields(Limits)})
    settings = Settings(
        models=(),
        batching=batching,
        metrics_path=monitoring and read_monitoring_file(monitoring),
        keys=_keys(flags),
        limits=limits,
        threads=max(4, 2 * (os.cpu_count() or 1)),
        **values,
    )
    return flags, settings


def _models(flags: argparse.Namespace) -> tuple[tuple[ModelConfig, ...], tuple[Path, ...]]:
    if flags.model_config_file is not None:
        models = tuple(read_model_config_file(flags.model_config_file))
        if flags.model_name is not None:
            raise UsageError("--model_name does not go with --model_config_file, which has names")
        for model in models:
            _check_versions(model.base_path)
        return models, tuple(model.base_path.resolve() for model in models)
    if flags.model_base_path is not None:
        _check_versions(flags.model_base_path)
        path = flags.model_base_path.absolute()
        return (ModelConfig(flags.model_name or "default", path),), (path.resolve(),)
    models = find_models(flags.export_dir, flags.model_name)
    return models, (flags.export_dir.resolve(),)


def find_models(export_dir: Path, name: str | None = None) -> tuple[ModelConfig, ...]:
    """The models in a directory, which is one model's or holds one directory per model."""
    path = export_dir.absolute()
    # A number with versions in it is a model's name.
    if not all(map(_has_versions, _versions(export_dir).values())):
        return (ModelConfig(name or path.resolve().name, path),)
    found = [child for child in sorted(path.iterdir()) if _has_versions(child)]
    if not found:
        _check_versions(export_dir)
    left_out = [child for child in found if _has_other_formats_only(child)]
    if found and left_out == found:
        raise UsageError(f"{export_dir}: no SavedModel in it; export with --formats saved_model")
    for child in left_out:
        _logger.warning("%s: left out, as it has no SavedModel", child)
    models = [child for child in found if child not in left_out]
    if name is not None and len(models) > 1:
        raise UsageError(f"--model_name fits one model; {export_dir} holds {len(models)}")
    return tuple(ModelConfig(name or child.name, child) for child in models)


def _has_versions(path: Path) -> bool:
    try:
        return bool(_versions(path))
    except UsageError:  # a file, or a directory that may not be read
        return False


def _has_other_formats_only(path: Path) -> bool:
    """Whether it is an export in ONNX, for example; files of a version may still be on the way."""
    try:
        contents = [set(os.listdir(version)) for version in _versions(path).values()]
    except OSError:  # reported when the version is loaded
        return False
    return all(names and names.isdisjoint(_SAVED_MODEL) for names in contents)


def _versions(base_path: Path) -> dict[int, Path]:
    try:
        return versions_on_disk(base_path)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{base_path}: no such directory") from None
    except OSError as error:
        raise UsageError(f"{base_path}: cannot be listed ({error.strerror})") from None


def _check_versions(base_path: Path) -> None:
    if not _versions(base_path):
        raise UsageError(
            f"{base_path}: no version in it; a version is a directory whose name is a number"
        )


def _keys(flags: argparse.Namespace) -> Keys | None:
    files = (flags.ssl_certificate_file, flags.ssl_key_file, flags.ssl_client_ca_file)
    if flags.ssl_config_file is None:
        return read_keys(*files)
    if any(files):
        raise UsageError("--ssl_config_file holds certificate and key; no other file goes with it")
    return read_ssl_config(flags.ssl_config_file)
