"""`keras-gan measure` and `keras-gan reference`: distances between any two sets of pictures."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_gan.cli import start_tensorflow  # noqa: F401

# isort: split
from keras_gan.cli import parsing, results
from keras_gan.core.errors import InputError
from keras_gan.core.files import write_atomically
from keras_gan.core.versions import versions
from keras_gan.data import PictureOptions
from keras_gan.evaluation import distances, features
from keras_gan.evaluation.features import FeatureNetwork
from keras_gan.experiment import distribution
from keras_gan.experiment.picture_sets import (
    Features,
    PictureSet,
    has_size,
    open_pictures,
    protocol_of,
)

_DEFAULT = "efficientnet_lite0"
_STRATEGIES = [name for name in distribution.NAMES if name != "multi_worker"]
# Flags of pytorch-fid and torch-fidelity.
_TRANSLATED = {
    "--save-stats": "keras-gan reference",
    "--device": "--strategy",
    **dict.fromkeys(("--input1", "--input2"), "SET and REAL, without flags"),
    **dict.fromkeys(("--fid", "--kid", "--prc"), "no flag: everything is measured"),
    "--isc": "--features inception_2015:FILE, the network of the Inception Score",
}
_SOURCES = """Pictures are named as for `keras-gan train --dataset`: a folder, an archive, a .npy or
.npz file, or an image set of tensorflow-datasets, of which the test examples are measured. A run
directory, a preset or a .keras file stands for samples of its generator.
"""
_MEASURE = f"""Measure how far one set of pictures is from another, on the features of a network.

{_SOURCES}
A file of `keras-gan reference` stands for its pictures.
A built-in preset may have the name of its data set: as SET it is the preset, as REAL the data set.

examples:
  keras-gan measure mnist_conditional mnist
  keras-gan measure runs/pictures-1a2b3c4d photos/ --weights ema
  keras-gan measure samples.zip cifar10 --output distances.json
  keras-gan measure other_program/samples/ cifar10.npz"""
_REFERENCE = f"""Compute the features of real pictures once, for many calls of `keras-gan measure`.

{_SOURCES}
examples:
  keras-gan reference cifar10 --output cifar10.npz
  keras-gan reference photos/ --size 64 --samples 50000 --output photos.npz"""


@parsing.command("measure")
def measure(argv: Sequence[str] | None = None) -> int:
    """Runs `keras-gan measure`; returns its exit code (see `keras_gan.core.errors`)."""
    parser = parsing.Parser(prog="keras-gan measure", description=_MEASURE, translated=_TRANSLATED)
    parser.add_argument("set", metavar="SET", type=parsing.path, help="pictures to measure")
    parser.add_argument("real", metavar="REAL", type=parsing.path, help="pictures to compare with")
    _add_options(parser, f"{_DEFAULT}, or a reference's")
    parser.add_argument(
        "--output", type=parsing.path, metavar="FILE", help="JSON file for the numbers (none)"
    )
    options = parser.parse_args(argv)
    if options.output:
        parsing.check_output("--output", options.output, options.set, options.real)
    measured, real = _opened(options)
    name = options.features or next(
        (part.network for part in (real, measured) if isinstance(part, Features)), _DEFAULT
    )
    found = _compare(measured, real, _network(name, options), options)
    results.show_distances(found, "real pictures")
    for key, value in found["protocol"].items():
        print(f"{key}: {value}")
    if options.output:
        write_atomically(options.output, parsing.as_json(found))
        print(f"written to {options.output}")
    return 0


@parsing.command("reference")
def reference(argv: Sequence[str] | None = None) -> int:
    """Runs `keras-gan reference`; returns its exit code."""
    parser = parsing.Parser(prog="keras-gan reference", description=_REFERENCE)
    parser.add_argument("real", metavar="REAL", type=parsing.path, help="the pictures")
    _add_options(parser, _DEFAULT)
    parser.add_argument(
        "--output", required=True, type=parsing.path, metavar="FILE", help="the new file, .npz"
    )
    options = parser.parse_args(argv)
    file = Path(options.output)
    if file.suffix != ".npz":
        raise InputError(f"--output must end in .npz. Received: {file}")
    parsing.check_output("--output", file, options.real)
    pictures = _open_first(options.real, options)
    if isinstance(pictures, Features):
        raise InputError(f"{options.real} is a reference already; keras-gan measure takes it")
    network = _network(options.features or _DEFAULT, options)
    made = pictures.of(network, options.samples, options.seed)
    made.save(file)
    print(f"{len(made.features):,} pictures, and {len(made.others):,} others: written to {file}")
    return 0


def _network(name: str, options) -> FeatureNetwork:
    return features.load(name, distribution.make(options.strategy))


def _add_options(parser: parsing.Parser, network: str) -> None:
    parsing.add_weights(parser)
    parsing.add_truncation(parser)
    parsing.add_preprocessing(parser)
    parsing.add_trust(parser)
    parser.add_argument("--features", metavar="NETWORK", help=f"{features.NAMES} ({network})")
    parser.add_argument(
        "--strategy", default="default", choices=_STRATEGIES, help="devices (default)"
    )
    parser.add_argument(
        "--samples",
        type=parsing.integer(distances.LEAST_EXAMPLES, 10**6),
        default=10_000,
        metavar="INT",
        help="pictures of each set, if it has as many (10000)",
    )
    parser.add_argument(
        "--seed",
        type=parsing.seed,
        default=0,
        metavar="INT",
        help="seed of samples, and of the choice of pictures (0)",
    )
    parser.add_argument(
        "--size", default="auto", help="size that all pictures are brought to (that of a run)"
    )
    parser.add_argument("--crop", default="center", help="center, random or none (center)")
    parser.add_argument("--skip-broken", action="store_true", help="leave out broken files")
    parsing.add_data_dir(parser)
    parser.add_argument("--download", action="store_true", help="download a missing data set")
    parser.add_argument(
        "--cache-dir", type=parsing.path, metavar="DIR", help="folder of decoded pictures"
    )


def _opened(options) -> tuple[PictureSet, PictureSet]:
    """Both sets, at one size: the one asked for, or that of the set whose size is fixed."""
    sources = options.set, options.real
    real_first = has_size(options.real) and not has_size(options.set, generated=True)
    first, second = (1, 0) if real_first else (0, 1)
    opened = {first: _open_first(sources[first], options, generated=first == 0)}
    opened[second] = _open(sources[second], options, _size(opened[first]), generated=second == 0)
    if opened[0].size != opened[1].size:
        raise InputError(
            f"pictures of one size are compared, but {sources[0]} has {_size(opened[0])} and "
            f"{sources[1]} has {_size(opened[1])}"
        )
    return opened[0], opened[1]


def _open_first(source: str, options, generated: bool = False) -> PictureSet:
    """The set that decides on the size: the one asked for, unless its own is fixed."""
    pictures = _open(source, options, options.size, generated)
    asked = PictureOptions(size=options.size).pixels
    if asked not in (None, pictures.size):
        raise InputError(
            f"--size cannot change {source}, whose pictures have {_size(pictures)}; leave it out. "
            f"Received: {options.size}"
        )
    return pictures


def _size(pictures: PictureSet) -> str:
    """The size of pictures as `--size` takes it."""
    height, width = pictures.size
    return f"{width}x{height}"


def _open(source: str, options, size: str, generated: bool = False) -> PictureSet:
    chosen = PictureOptions(
        size=size, crop=options.crop, skip_broken=options.skip_broken, flip="off", classes="none"
    )
    return open_pictures(
        source,
        chosen,
        generated=generated,
        weights=options.weights,
        truncation=options.truncation,
        data_dir=options.data_dir,
        download=options.download,
        cache_dir=options.cache_dir,
        trust_recipe=options.trust_recipe,
        preprocessing=options.preprocessing,
    )


def _compare(measured: PictureSet, real: PictureSet, network: FeatureNetwork, options) -> dict:
    """Distances of the set, and of other real pictures, to real ones; FID's network also scores.

    Where there are fewer others, the set is measured with their number as well: distances of few
    pictures are larger.
    """
    n = min(len(measured), len(real), options.samples)
    x, y = (pictures.of(network, n, options.seed) for pictures in (real, measured))
    found: dict[str, Any] = {
        "features": network.name,
        "protocol": {
            "measured": y.protocol["origin"],
            "real": x.protocol["origin"],
            "size": _size(x),
            **protocol_of(network),
            "seed": options.seed,
        },
        "versions": versions(),
    }
    name = str(Path(options.set).absolute()) if options.set in found else options.set
    pairs = {name: (x.features[:n], y.features[:n])}
    k = min(n, len(x.others))
    if k >= distances.LEAST_EXAMPLES:
        if k < n:
            pairs[f"of {name}"] = x.features[:k], y.features[:k]
        pairs["others of the real pictures"] = x.features[:k], x.others[:k]
    classify = getattr(network, "classify", None)  # of FID's network, from features to classes
    for name, (real_features, others) in pairs.items():
        found[name] = distances.compare(real_features, others, seed=options.seed)
        if classify:
            score = distances.inception_score(classify(others))
            found[name]["inception_score"] = dataclasses.asdict(score)
    return found


if __name__ == "__main__":
    sys.exit(measure())
