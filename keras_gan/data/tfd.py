"""The Toronto Face Database as a builder of tensorflow-datasets.

TFD has no public download: its authors give out `TFD_48x48.mat`. Importing this module
registers the builder, so that `tfds.load("tfd")` works; `keras_gan.data.load("tfd")` prepares and
reads it in one call.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from keras_gan.core.errors import InputError, first_line
from keras_gan.data import from_tfds
from keras_gan.data.dataset import DataSet

FILE = "TFD_48x48.mat"
FOLDS = 5
HOW_TO_GET_IT = (
    "the Toronto Face Database has no public download; ask its authors (J. Susskind, A. Anderson "
    f"and G. E. Hinton, University of Toronto, technical report UTML TR 2010-001) for {FILE} and "
    "put it there"
)
_EXPRESSIONS = 7
_ROLES = {"train": 1, "valid": 2, "test": 3}  # values of `folds`; 0 is unlabeled


class Tfd(tfds.core.GeneratorBasedBuilder):
    """TFD at 48 x 48: `unlabelled`, and `fold_<i>_train`, `_valid` and `_test` for i = 0..4.

    An example holds `image` uint8 [48, 48, 1], `expression` (0..6, the file's 1..7 less one; -1
    where unlabeled) and `identity` (the file's `labs_id`). Every split keeps the order of the
    file.
    """

    name = "tfd"
    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"{FILE}: {HOW_TO_GET_IT}"

    def _info(self) -> tfds.core.DatasetInfo:
        names = [f"expression {i}" for i in range(1, _EXPRESSIONS + 1)]
        features = {
            "image": tfds.features.Image(shape=(48, 48, 1), encoding_format="png"),
            "expression": tfds.features.ClassLabel(names=names),
            "identity": tfds.features.Scalar(np.int64),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description="102,236 aligned gray faces; 4,178 have one of seven expressions.",
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("image", "expression"),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        content = read_mat(dl_manager.manual_dir / FILE)
        folds = content["folds"]
        # Unlabeled in every fold: no training face is ever used for evaluation.
        rows = {"unlabelled": (folds == 0).all(axis=1)}
        for fold in range(FOLDS):
            for role, value in _ROLES.items():
                rows[f"fold_{fold}_{role}"] = folds[:, fold] == value
        return {split: self._generate_examples(content, chosen) for split, chosen in rows.items()}

    def _generate_examples(
        self, content: dict[str, np.ndarray], chosen: np.ndarray
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        for row in np.flatnonzero(chosen):
            example = {
                "image": content["images"][row, :, :, np.newaxis],
                "expression": max(int(content["labs_ex"][row]) - 1, -1),
                "identity": int(content["labs_id"][row]),
            }
            yield int(row), example


def load(fold: int, data_dir: str | os.PathLike[str] | None) -> DataSet:
    """Loads TFD: unlabeled faces for training, the faces of a fold (0..4) for validation and test.

    The user's `TFD_48x48.mat` in `downloads/manual` of TFDS's directory is prepared on first use.
    Images are uint8 `[n, 48, 48, 1]`, in the order of the file; labels are expressions 0..6.
    """
    if fold not in range(FOLDS):
        raise InputError(f"`fold` must be 0, 1, 2, 3 or 4. Received: {fold}")
    builder = from_tfds.open_builder("tfd", data_dir)
    file = builder.data_dir_root / "downloads" / "manual" / FILE
    if not from_tfds.is_prepared(builder) and not file.is_file():
        raise InputError(f"TFD's file {file} is missing: {HOW_TO_GET_IT}")
    builder = from_tfds.prepared("tfd", data_dir, download=True)
    valid, test = f"fold_{fold}_valid", f"fold_{fold}_test"
    return DataSet(
        "tfd",
        from_tfds.read(builder, "unlabelled"),
        from_tfds.read(builder, valid),
        from_tfds.read(builder, test),
        from_tfds.label_names(builder),
        f"tfd {builder.version} from {FILE}; train: unlabelled, then {valid} and {test}",
    )


def read_mat(path: os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads and checks TFD's MATLAB file, of format 4 to 7.

    Axes are MATLAB's own: `images(n, i, j)` is row i, column j of image n, for either byte
    order of the file.

    Returns:
        `images` uint8 `[n, 48, 48]`; `folds` `[n, 5]` of 0 unlabeled, 1 train, 2 valid, 3 test;
        `labs_ex` `[n]`, 1..7 or -1; `labs_id` `[n]`.
    """
    import scipy.io

    names = ["images", "folds", "labs_ex", "labs_id"]
    try:
        content = scipy.io.loadmat(path, variable_names=names)
    except NotImplementedError as error:
        raise InputError(
            f"{path} is in MATLAB's format 7.3; save it in MATLAB with the option -v7 (TFD itself "
            "comes in format 5)"
        ) from error
    except Exception as error:  # damaged files make SciPy raise exceptions of many kinds
        raise InputError(f"{path} cannot be read as a MATLAB file: {first_line(error)}") from error
    if missing := [name for name in names if name not in content]:
        raise InputError(f"{path} must hold {', '.join(names)}. Missing: {', '.join(missing)}")
    images, folds = content["images"], content["folds"]
    expressions, identities = content["labs_ex"].ravel(), content["labs_id"].ravel()
    n, labels = len(images), {-1, *range(1, _EXPRESSIONS + 1)}
    checks = {
        "images uint8 [n, 48, 48]": images.shape[1:] == (48, 48) and images.dtype == np.uint8,
        "folds [n, 5] of 0..3": folds.shape == (n, FOLDS) and set(folds.flat) <= {0, 1, 2, 3},
        "labs_ex [n] of 1..7 or -1": len(expressions) == n and set(expressions) <= labels,
        "labs_id [n]": len(identities) == n,
    }
    if wrong := [expected for expected, holds in checks.items() if not holds]:
        arrays = [f"{name} {content[name].dtype} {list(content[name].shape)}" for name in names]
        raise InputError(f"{path} must hold {'; '.join(wrong)}. Received: {', '.join(arrays)}")
    return {"images": images, "folds": folds, "labs_ex": expressions, "labs_id": identities}
