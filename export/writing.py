"""One version of a model: all formats asked for, compared, described and published together."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from export import parity, saved_model, versions
from export import signatures as signature_list
from export.directions import principal
from export.subject import Subject
from keras_gan import InputError
from keras_gan.cli import parsing

FORMATS = ("saved_model", "onnx", "onnx_float16", "web")
METADATA_FILE = Path("assets.extra", "metadata.json")


@dataclasses.dataclass(frozen=True)
class Settings:
    """The formats and signatures to write."""

    formats: Sequence[str] = ("saved_model", "onnx")
    signatures: Sequence[str] | None = None  # None: all that fit but the discriminator
    warmup: bool = False  # add requests that warm a server up
    opset: int | None = None  # None: the newest

    def __post_init__(self):
        """Checks what can be checked without a model."""
        unknown = [name for name in self.formats if name not in FORMATS]
        if unknown or not self.formats:
            raise InputError(
                f"formats are some of {', '.join(FORMATS)}. Received: {list(self.formats)}"
            )
        if self.opset is not None and set(self.formats) == {"saved_model"}:
            raise InputError("--opset is for ONNX, which --formats does not have")
        if "saved_model" not in self.formats and (self.signatures is not None or self.warmup):
            raise InputError("signatures and warm-up requests belong to the format saved_model")
        for name in self.signatures or ():
            signature_list.check_name(name)
        if self.opset is not None:
            from export import onnx_model

            onnx_model.check_opset(self.opset)


class Written(NamedTuple):
    """A published version: its directory, and each artifact's largest error by signature."""

    path: Path
    errors: dict[str, dict[str, float]]


def check(output: Path, name: str, version: int | None, settings: Settings) -> None:
    """Checks where a version goes, before a model is loaded."""
    versions.check_name(name)
    base = output / name
    versions.check_free(base, version)
    served = [p for p in versions.existing(base).values() if (p / saved_model.FILE).is_file()]
    if served and "saved_model" not in settings.formats:
        raise InputError(
            f"{base} holds SavedModels, as a server loads them, and this version would have none; "
            "add saved_model to --formats, or choose another --name"
        )


def write(
    subject: Subject,
    output: str | os.PathLike[str],
    name: str,
    version: int | None = None,
    settings: Settings | None = None,
) -> Written:
    """Writes a version; None: the one after the highest. Nothing is left after a ParityError."""
    settings, output = settings or Settings(), Path(output)
    check(output, name, version, settings)
    if "web" in settings.formats:
        from export import web

        web.check(subject)
    errors: dict[str, dict[str, float]] = {}
    path = versions.publish(output / name, version, partial(_fill, subject, name, settings, errors))
    return Written(path, errors)


def _fill(subject: Subject, name: str, settings: Settings, errors: dict, directory: Path) -> None:
    inputs = signature_list.trial_inputs(subject, max(parity.BATCH_SIZES))
    if "saved_model" in settings.formats:
        signatures = signature_list.of(subject, settings.signatures)
        saved_model.write(directory, signatures)
        run: Callable = partial(saved_model.run, directory)
        errors["SavedModel"] = parity.measure(signatures, inputs, run, saved_model.TOLERANCE)
        if settings.warmup:
            # A server refuses a version whose requests have more rows than its batches may have.
            rows = [r for s in signatures for r in parity.requests_for(s, inputs, sizes=(1,))]
            saved_model.write_warmup(directory, rows)
    if set(settings.formats) - {"saved_model"}:
        errors |= _fill_onnx(subject, settings, inputs, directory)
    if "web" in settings.formats:
        from export import web

        web.write(directory / "web", subject, name)
    metadata = directory / METADATA_FILE
    metadata.parent.mkdir(exist_ok=True)
    described = subject.metadata() | {"parity": errors, "directions": principal(subject)}
    metadata.write_text(parsing.as_json(described), encoding="utf-8")


def _fill_onnx(subject: Subject, settings: Settings, inputs: dict, directory: Path) -> dict:
    from export import onnx_model

    (reference,) = signature_list.of(subject, ["serving_default"])
    opset = settings.opset or onnx_model.OPSETS[-1]
    errors = {}

    @cache
    def model(in_float16: bool):
        return onnx_model.convert(subject.in_float16() if in_float16 else subject, opset)

    for name, file, tolerance in onnx_model.FILES:
        if name in settings.formats:
            onnx_model.write(model(name == "onnx_float16"), directory / file)
            run = partial(onnx_model.run, directory / file)
            errors[file] = parity.measure([reference], inputs, run, tolerance)
    return errors
