"""The Toronto Face Database, on a small synthetic file of its layout."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from small import refused

from keras_gan.data import load

RNG = np.random.default_rng(11)
N, LABELED = 90, 30


def content() -> dict[str, np.ndarray]:
    """Unlabeled and labeled faces in mixed order; each labeled one has a role in every fold."""
    labeled = np.zeros(N, bool)
    labeled[RNG.permutation(N)[:LABELED]] = True
    folds = np.where(labeled[:, None], RNG.integers(1, 4, (N, 5)), 0)
    return {
        "images": RNG.integers(0, 256, (N, 48, 48), dtype=np.uint8),
        "folds": folds.astype(np.uint8),
        "labs_ex": np.where(labeled, RNG.integers(1, 8, N), -1).astype(np.float64)[:, None],
        "labs_id": np.where(labeled, np.arange(N) + 1000, -1).astype(np.int16)[:, None],
    }


CONTENT = content()


def put(folder: Path, **changes: np.ndarray | None) -> Path:
    path = folder / "downloads" / "manual" / "TFD_48x48.mat"
    path.parent.mkdir(parents=True)
    arrays = {key: value for key, value in (CONTENT | changes).items() if value is not None}
    scipy.io.savemat(path, arrays, do_compression=True)
    return path


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tfd")
    put(folder)
    load("tfd", data_dir=folder)
    return folder


@pytest.mark.parametrize("fold", [None, 0, 1, 2, 3, 4])
def test_each_fold_has_its_faces_and_labels_in_the_order_of_the_file(data_dir, fold):
    data = load("tfd", data_dir=data_dir, fold=fold)
    roles = CONTENT["folds"][:, fold or 0]
    for split, role in ((data.train, 0), (data.validation, 2), (data.test, 3)):
        np.testing.assert_array_equal(split.x[..., 0], CONTENT["images"][roles == role])
    assert data.train.y is None
    for split, role in ((data.validation, 2), (data.test, 3)):
        np.testing.assert_array_equal(split.y, CONTENT["labs_ex"][roles == role, 0] - 1)
    assert len(data.label_names) == 7
    assert f"fold_{fold or 0}_valid" in data.provenance


def test_the_builder_holds_training_folds_and_identities_too(data_dir):
    import tensorflow_datasets as tfds

    builder = tfds.builder("tfd", data_dir=data_dir)
    assert set(builder.info.splits) == {"unlabelled"} | {
        f"fold_{fold}_{role}" for fold in range(5) for role in ("train", "valid", "test")
    }
    examples = list(tfds.as_numpy(builder.as_dataset(split="fold_3_train")))
    rows = np.flatnonzero(CONTENT["folds"][:, 3] == 1)
    assert [int(e["identity"]) for e in examples] == CONTENT["labs_id"][rows, 0].tolist()
    np.testing.assert_array_equal([e["image"][..., 0] for e in examples], CONTENT["images"][rows])


def test_a_face_measured_in_any_fold_is_not_trained_on(tmp_path):
    folds = CONTENT["folds"].copy()
    unlabeled = np.flatnonzero(folds[:, 0] == 0)
    folds[unlabeled[4], 2] = 3
    put(tmp_path, folds=folds)
    data = load("tfd", data_dir=tmp_path)
    assert len(data.train) == N - LABELED - 1
    np.testing.assert_array_equal(data.train.x[..., 0], CONTENT["images"][np.delete(unlabeled, 4)])


def test_once_prepared_the_file_is_not_needed(tmp_path):
    path = put(tmp_path)
    first = load("tfd", data_dir=tmp_path)
    path.unlink()
    assert load("tfd", data_dir=tmp_path).fingerprint == first.fingerprint


def test_a_missing_file_is_asked_for(tmp_path):
    with refused(
        "TFD_48x48.mat is missing: .* ask its authors .*University of Toronto.* put it there"
    ):
        load("tfd", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fold", [-1, 5, 1.5, "1"])
def test_other_folds_are_refused(data_dir, fold):
    with refused("`fold` must be 0, 1, 2, 3 or 4. Received: "):
        load("tfd", data_dir=data_dir, fold=fold)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": None}, "must hold images, folds, labs_ex, labs_id. Missing: folds"),
        (
            {"images": np.zeros((48, 48, N), np.uint8)},
            r"images uint8 \[n, 48, 48\].* \[48, 48, 90\]",
        ),
        (
            {"images": np.zeros((N, 96, 96), np.uint8)},
            r"images uint8 \[n, 48, 48\].* \[90, 96, 96\]",
        ),
        ({"images": CONTENT["images"] / 255}, r"images uint8 .* Received: images float64"),
        ({"folds": CONTENT["folds"][:, :4]}, r"folds \[n, 5\] of 0..3.* uint8 \[90, 4\]"),
        ({"folds": CONTENT["folds"] + 1}, r"must hold folds \[n, 5\] of 0..3\. Received"),
        ({"labs_ex": CONTENT["labs_ex"] + 1}, r"must hold labs_ex \[n\] of 1..7 or -1\. Received"),
        ({"labs_ex": CONTENT["labs_ex"][1:]}, r"must hold labs_ex \[n\]"),
        ({"labs_id": np.zeros((4, 1))}, r"must hold labs_id \[n\]"),
    ],
)
def test_a_file_of_another_layout_is_refused(tmp_path, changes, message):
    put(tmp_path, **changes)
    with refused(message):
        load("tfd", data_dir=tmp_path)


def test_files_that_scipy_does_not_read_are_refused(tmp_path):
    path = put(tmp_path)
    whole = path.read_bytes()
    for broken in (b"", b"no such file" * 50, whole[:2000]):
        path.write_bytes(broken)
        with refused("cannot be read as a MATLAB file: "):
            load("tfd", data_dir=tmp_path)
    with h5py.File(path, "w", userblock_size=512) as file:  # MATLAB 7.3: HDF5 behind a header
        file["images"] = CONTENT["images"].T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    with refused("is in MATLAB's format 7.3; save it in MATLAB with the option -v7"):
        load("tfd", data_dir=tmp_path)
    # Nothing half-made is left that would pass for the data set.
    path.write_bytes(whole)
    assert len(load("tfd", data_dir=tmp_path).train) == N - LABELED
