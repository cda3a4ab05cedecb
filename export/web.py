"""A static page that runs the ONNX model in the browser, with ONNX Runtime Web.

The page draws latents as `keras_gan` does: a seed gives the samples of `GAN.generate`.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tarfile
from importlib import resources
from pathlib import Path

import jinja2
import keras
import onnxruntime

from export.onnx_model import MAX_INLINE
from export.subject import Subject
from keras_gan import InputError, conditioning, priors
from keras_gan.presets import cache_folder

RUNTIME = "1.30.0"
ORIGIN = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{RUNTIME}.tgz"
_SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
# Files of that package, and their names in the page: not every host knows the type of .mjs.
RUNTIME_FILES = {
    "ort.wasm.bundle.min.mjs": "ort.wasm.bundle.min.js",
    "ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm",
}


def check(subject: Subject) -> None:
    """Raises InputError unless a page can run the model and ONNX Runtime Web can be had."""
    if not subject.is_image or subject.shape[-1] not in (1, 3):
        raise InputError(
            "the format web is for gray or color images; this model generates examples of shape "
            f"{list(subject.shape)}; use --formats onnx"
        )
    further = set(conditioning.condition_inputs(subject.generator))
    if further - ({"condition"} if _has_classes(subject) else set()):
        raise InputError(
            "the format web is for models without a condition or with classes; this one's "
            f"condition is {type(subject.condition).__name__.lower()}; use --formats onnx"
        )
    if type(subject.prior) not in priors.NAMES.values():
        raise InputError(
            f"the format web is for the priors {', '.join(priors.NAMES)}; this model's is "
            f"{type(subject.prior).__name__}; use --formats onnx"
        )
    if 4 * subject.generator.count_params() > MAX_INLINE:
        raise InputError("browsers load no model of more than 2 GB; use --formats onnx")
    package()


def write(folder: Path, subject: Subject, name: str) -> None:
    """Writes all of the page next to `model.onnx` in the folder."""
    page = resources.files("export") / "page"
    metadata = subject.metadata()
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("export", "page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    html = environment.get_template("index.html").render(
        name=name,
        model={
            "prior": metadata["prior"],
            "classes": metadata["condition"]["count"] if _has_classes(subject) else 0,
            "class_names": metadata["condition"]["class_names"] if _has_classes(subject) else None,
            "shape": subject.shape,
        },
        megabytes=(folder / "model.onnx").stat().st_size / 1e6,
        version=metadata["package"]["version"],
        runtime=RUNTIME,
        **{k: metadata[k] for k in ("recipe", "weights", "truncation", "training", "numbers")},
    )
    (folder / "index.html").write_text(html, encoding="utf-8")
    for script in ("app.js", "generator.js", "latents.js", "style.css"):
        (folder / script).write_bytes((page / script).read_bytes())
    _write_runtime(folder / "onnxruntime-web")


def _has_classes(subject: Subject) -> bool:
    """Whether the generator takes a class: in a GAN with classes it need not."""
    takes = "condition" in conditioning.condition_inputs(subject.generator)
    return takes and isinstance(subject.condition, conditioning.Classes)


def _write_runtime(folder: Path) -> None:
    """Writes ONNX Runtime Web; the Python package has the texts of the licenses."""
    folder.mkdir()
    with tarfile.open(package()) as archive:
        for member, name in RUNTIME_FILES.items():
            content = archive.extractfile(f"package/dist/{member}")
            assert content is not None  # a regular file: the checksum is right
            (folder / name).write_bytes(content.read())
    for text in ("LICENSE", "ThirdPartyNotices.txt"):
        shutil.copy(Path(onnxruntime.__file__).with_name(text), folder)


def package() -> Path:
    """The npm package in the cache, downloaded if it is not there."""
    folder = cache_folder()
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # a progress bar
            path = keras.utils.get_file(
                origin=ORIGIN, file_hash=_SHA256, cache_subdir=str(folder.absolute())
            )
    except Exception as error:  # get_file raises no narrower type
        raise InputError(
            f"the format web needs onnxruntime-web, which cannot be downloaded ({error}); put "
            f"{ORIGIN} into {folder}"
        ) from error
    return Path(path)
