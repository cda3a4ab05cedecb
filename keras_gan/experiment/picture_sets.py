"""The inputs of `measure`: pictures of a run, a data set, a folder or a file, or their features."""

from __future__ import annotations

import dataclasses
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_gan import data, presets
from keras_gan.core.errors import InputError
from keras_gan.core.files import replacing
from keras_gan.evaluation.features import FeatureNetwork
from keras_gan.experiment.run import Run
from keras_gan.training.sampling import with_truncation

_BLOCK = 1000  # pictures in memory at a time
_ENTRIES = ("features", "others", "protocol")  # of a file of features


@dataclasses.dataclass(frozen=True)
class Features:
    """Features of pictures, and of further ones of the same kind, which tell the floor.

    Attributes:
        features: float32 `[n, d]`.
        others: float32 `[m, d]`, m from 0 to n.
        protocol: A description as JSON can hold it: "origin", "size" (height and width),
            "network", "weights", "resizing".
    """

    features: np.ndarray
    others: np.ndarray
    protocol: dict[str, Any]

    def save(self, file: Path) -> None:
        """Writes a .npz file."""
        protocol = np.array(json.dumps(self.protocol))
        with replacing(file, ".npz") as temporary:
            np.savez(temporary, features=self.features, others=self.others, protocol=protocol)

    @classmethod
    def load(cls, file: Path) -> Features:
        """Reads a file of features.

        Raises:
            InputError: It cannot be read as one.
        """
        try:
            with np.load(file, allow_pickle=False) as stored:
                features, others, protocol = (stored[name] for name in _ENTRIES)
            made = cls(features, others, json.loads(str(protocol)))
            height, width = made.size
            if not (
                features.dtype == others.dtype == np.float32
                and features.ndim == others.ndim == 2
                and features.shape[1] == others.shape[1]
                and min(height, width) > 0
                and all(isinstance(made.protocol[key], str) for key in ("origin", *_OF_NETWORK))
            ):
                raise ValueError("arrays or protocol of another form")
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{file} cannot be read as a file of features") from error
        return made

    def __len__(self) -> int:
        return len(self.features)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        height, width = self.protocol["size"]
        return height, width

    @property
    def network(self) -> str:
        """Name of the network."""
        return self.protocol["network"]

    def of(self, network: FeatureNetwork, n: int, seed: int) -> Features:
        """These features, if they are of the network."""
        other = [k for k, value in protocol_of(network).items() if self.protocol[k] != value]
        if other:
            raise InputError(
                f"the reference has features of {self.network} with other {other[0]} than "
                f"{network.name}: make it again with keras-gan reference --features {network.name}"
            )
        return self


_OF_NETWORK = ("network", "weights", "resizing")


def protocol_of(network: FeatureNetwork) -> dict[str, str]:
    """The protocol of the features of a network."""
    return dict(zip(_OF_NETWORK, (network.name, network.weights, network.resizing), strict=True))


@dataclasses.dataclass(frozen=True)
class Samples:
    """Pictures that a run generates: as many as are asked for."""

    run: Run
    weights: str
    truncation: float = 1.0

    def __len__(self) -> int:
        return sys.maxsize

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        shape = self.run.config["example_shape"]
        if len(shape) != 3:
            raise InputError(f"{self.run.path} is a run on points; pictures are compared here")
        return shape[0], shape[1]

    def of(self, network: FeatureNetwork, n: int, seed: int) -> Features:
        """Features of the first `n` samples of a seed."""
        found = _extract(network, self.run.batches(n, seed, self.weights, self.truncation), n)
        origin = f"{self.run.path.name}, {self.weights} weights, seed {seed}"
        origin = with_truncation(origin, self.truncation)
        protocol = {"origin": origin, "size": self.size, **protocol_of(network)}
        return Features(found, found[:0], protocol)


@dataclasses.dataclass(frozen=True)
class Stored:
    """Pictures of a data set, a folder or a file.

    Attributes:
        parts: Arrays of pictures `[n, h, w, c]`.
        others: Further pictures of the same kind; without them, those that are left over.
        origin: Where they are from, in words.
    """

    parts: Sequence[np.ndarray]
    others: Sequence[np.ndarray]
    origin: str

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.parts[0].shape[1], self.parts[0].shape[2]

    def of(self, network: FeatureNetwork, n: int, seed: int) -> Features:
        """Features of `n` of the pictures, or of all if there are fewer, by a random choice."""
        order = _order(self.parts, seed)
        rows, parts = order[:n], self.others or self.parts
        if self.others:
            rest = _order(parts, seed)[: len(rows)]
        else:
            rest = order[len(order) - min(len(rows), len(order) // 2) :]
        return Features(
            _extract(network, _blocks(self.parts, rows), len(rows)),
            _extract(network, _blocks(parts, rest), len(rest)),
            {"origin": self.origin, "size": self.size, **protocol_of(network)},
        )


PictureSet = Features | Samples | Stored


def open_pictures(
    source: str,
    options: data.PictureOptions,
    *,
    generated: bool = False,
    weights: str = "last",
    truncation: float = 1.0,
    data_dir: str | None = None,
    download: bool = False,
    cache_dir: str | None = None,
    trust_recipe: bool = False,
    preprocessing: str | None = None,
) -> PictureSet:
    """The pictures of a model, of a folder, an archive, an array, or a named data set.

    Of a named data set these are its test examples, with its training examples as the others; of a
    folder, archive or array they are all. A file that `Features.save` wrote is taken as well.

    Args:
        source: Where they are.
        options: How pictures of files are brought to one size.
        generated: Whether a name that both a preset and a data set have is the preset's.
        weights: Weights of a run's generator.
        truncation: What it multiplies latents by.
        data_dir: Directory of tensorflow-datasets.
        download: Whether a missing data set may be downloaded.
        cache_dir: Directory of decoded pictures.
        trust_recipe: As for `Run.open`.
        preprocessing: The same, of a `.keras` file; other sources ignore it.

    Raises:
        InputError: There is no such source, it cannot be used, or it holds points.
    """
    if is_run(source, generated):
        scale = preprocessing if source.endswith(".keras") else None
        run = Run.open(source, trust_recipe, preprocessing=scale)
        return Samples(run, weights, truncation)
    if _holds_features(Path(source)):
        return Features.load(Path(source))
    found = data.load(
        source, data_dir=data_dir, download=download, pictures=options, cache_dir=cache_dir
    )
    if not found.is_image:
        raise InputError(f"{source} holds points; pictures are compared here")
    if data.is_path(source):
        splits = [found.train.x, found.validation.x, found.test.x]
        return Stored(splits, (), f"all pictures of {source}")
    rule = f"test examples of {found.name}, read by its training examples; {found.provenance}"
    return Stored([found.test.x], [found.train.x], rule)


def has_size(source: str, generated: bool = False) -> bool:
    """Whether the pictures of a source have one size that cannot be chosen."""
    return is_run(source, generated) or _holds_features(Path(source))


def is_run(source: str, generated: bool = False) -> bool:
    """Whether a source is a run, a preset or a model's file; `generated` as for `open_pictures`."""
    return generated if source in presets.BUILT_IN else presets.is_model(source)


def _holds_features(file: Path) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return {f"{name}.npy" for name in _ENTRIES} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _order(parts: Sequence[np.ndarray], seed: int) -> np.ndarray:
    """All rows of the parts, one after the other, in random order."""
    return np.random.default_rng(seed).permutation(sum(map(len, parts)))


def _blocks(parts: Sequence[np.ndarray], rows: np.ndarray) -> Iterator[np.ndarray]:
    """Pictures by their rows in all parts, a block at a time, in the order of the rows."""
    starts = np.cumsum([0, *map(len, parts)])
    for first in range(0, len(rows), _BLOCK):
        block = rows[first : first + _BLOCK]
        stored = np.sort(block)  # files are read in their order
        of = np.searchsorted(starts, stored, side="right") - 1
        found = [parts[i][stored[of == i] - starts[i]] for i in range(len(parts)) if i in of]
        yield np.concatenate(found)[np.searchsorted(stored, block)]


def _extract(network: FeatureNetwork, blocks: Iterable[np.ndarray], n: int) -> np.ndarray:
    """Features of the `n` pictures of all blocks, which are never in memory twice."""
    found, start = np.empty([n, 0], np.float32), 0
    for block in blocks:
        part = network.features(block)
        if not start:
            found = np.empty([n, part.shape[1]], np.float32)
        found[start : start + len(part)] = part
        start += len(part)
    return found
