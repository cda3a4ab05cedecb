"""Data sets from arrays, files and folders: what is read, how it is divided, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from small import everything, refused, rows, write_pictures

from keras_gan.data import DataSet, Split, holds_points, load
from keras_gan.data.dataset import hold_out

RNG = np.random.default_rng(3)
BYTES = RNG.integers(0, 256, (40, 6, 5), dtype=np.uint8)
COLORS = RNG.integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)
POINTS = RNG.normal(0, 50, (40, 2))


# Splits


def test_held_out_examples_are_a_fixed_tenth_each_and_no_row_is_lost_or_used_twice():
    x = np.arange(107, dtype=np.float32)[:, None]
    train, validation, test, rule = hold_out(Split(x, np.arange(107)))
    assert [len(s) for s in (train, validation, test)] == [87, 10, 10]
    assert rule == "validation and test: a tenth of train each, by a fixed permutation"
    np.testing.assert_array_equal(
        np.sort(np.concatenate([s.x.ravel() for s in (train, validation, test)])), x.ravel()
    )
    for split in (train, validation, test):
        np.testing.assert_array_equal(split.x.ravel(), split.y)  # labels stay with their examples
    # NumPy promises this stream for good, so the numbers stand.
    np.testing.assert_array_equal(test.y, [84, 10, 75, 2, 24, 99, 106, 7, 16, 86])


def test_only_what_is_missing_is_held_out():
    train, own = Split(np.arange(50.0)[:, None]), Split(-np.arange(1.0, 4)[:, None])
    rest, validation, test, rule = hold_out(train, test=own)
    assert test is own
    assert (len(rest), len(validation)) == (45, 5)
    assert rule == "validation: a tenth of train each, by a fixed permutation"
    rest, validation, test, _ = hold_out(train, validation=own)
    assert validation is own
    assert (len(rest), len(test)) == (45, 5)
    assert hold_out(train, own, own)[:3] == (train, own, own)


def test_too_few_examples_cannot_be_divided():
    with refused("held out as validation and as test data, so at least 10.* Received: 9"):
        hold_out(Split(np.zeros((9, 2))))


# Arrays


def test_arrays_are_kept_as_bytes_or_float32_with_a_channel_axis():
    for given, dtype, shape in [
        (BYTES, np.uint8, (6, 5, 1)),
        (BYTES.astype(np.int64), np.uint8, (6, 5, 1)),
        (COLORS, np.uint8, (6, 5, 3)),
        (COLORS / 255, np.float32, (6, 5, 3)),
        (POINTS, np.float32, (2,)),
        (POINTS[:, :1].astype(np.float16), np.float32, (1,)),
    ]:
        x = Split(given).x
        assert (x.dtype, x.shape[1:]) == (dtype, shape)
        np.testing.assert_allclose(x.reshape(40, -1), given.reshape(40, -1), rtol=1e-6)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((0, 4, 4), np.uint8), r"x holds no data. Received: shape \[0, 4, 4\]"),
        (np.zeros((5, 0)), r"x holds no data. Received: shape \[5, 0\]"),
        (np.zeros(5), r"x must hold images .* or points \[n, d\].* Received: float64 \[5\]"),
        (np.zeros((2, 2, 2, 2, 2)), r"Received: float64 \[2, 2, 2, 2, 2\]"),
        (np.array([["a", "b"]]), "as numbers. Received: <U1"),
        (np.zeros((2, 3), complex), "as numbers. Received: complex128"),
        (np.zeros((2, 3, 9, 9), np.uint8), r"the last axis. Received: shape \[2, 3, 9, 9\]"),
        (np.zeros((2, 8, 8, 9), np.uint8), "with 1 to 8 channels"),
        (np.zeros((2, 3), np.int32), r"x holds discrete points.* Received: int32 \[2, 3\]"),
        (np.zeros((2, 3), bool), "x holds discrete points"),
        (np.zeros((2, 3, 3), bool), "integers 0..255 or floats.* Received: bool from False"),
        (np.full((2, 3, 3), 256), "Received: int64 from 256 to 256"),
        (np.full((2, 3, 3), -1), "Received: int64 from -1 to -1"),
        (np.full((2, 3, 3), 1.5), r"floats in \[0, 1\].* from 1.5 to 1.5"),
        (np.full((2, 3, 3), -0.1), r"floats in \[0, 1\]"),
        (np.array([[0, 1], [np.nan, np.inf]]), r"x\[1, 0\] is nan \(2 such values"),
        (np.array([[0, 1], [0, -np.inf]]), r"x\[1, 1\] is -inf"),
        (np.array([[0, 1e300]]), r"x\[0, 1\] is inf \(1 such values in float32\)"),
        (np.where(np.arange(18).reshape(2, 3, 3) == 16, np.nan, 0.5), r"x\[1, 2, 1, 0\] is nan"),
    ],
)
def test_arrays_that_cannot_be_generated_are_refused(x, message):
    with refused(message):
        Split(x)


@pytest.mark.parametrize(
    "y", [np.zeros(39, int), np.zeros((40, 1), int), np.zeros(40), np.full(40, -2), list("ab" * 20)]
)
def test_labels_that_do_not_fit_are_refused(y):
    with refused(r"the labels of faces must be integers \[40\]"):
        Split(BYTES, y, origin="faces")


@pytest.mark.parametrize("channels", range(1, 9))
def test_images_have_up_to_eight_channels(channels):
    x = RNG.integers(0, 256, (2, 6, 5, channels), dtype=np.uint8)
    np.testing.assert_array_equal(Split(x).x, x)


def test_sixteen_bits_become_eight():
    x = np.arange(0, 65536, dtype=np.uint16).reshape(1, 256, 256)
    nearest = np.rint(np.arange(65536) / 257).astype(np.uint8)
    np.testing.assert_array_equal(Split(x).x.ravel(), nearest)
    np.testing.assert_array_equal(Split(BYTES.astype(np.uint16)).x[..., 0], BYTES)


def test_either_byte_order_is_read():
    x = np.arange(0, 65536, 16, dtype=np.uint16).reshape(16, 16, 16)
    for order in "<>":
        np.testing.assert_array_equal(Split(x.astype(f"{order}u2")).x, Split(x).x)
        for kind, native in (("f4", POINTS.astype(np.float32)), ("i4", BYTES.astype(np.int32))):
            found = Split(native.astype(f"{order}{kind}")).x
            assert found.dtype == Split(native).x.dtype
            np.testing.assert_array_equal(found, Split(native).x)
    with refused("or uint16 0..65535. Received: int32 from 0 to 65520"):
        Split(x.astype(np.int32))


@pytest.mark.parametrize("order", "<>")
def test_all_splits_of_a_file_have_sixteen_bits_if_one_has(tmp_path, order):
    dark = np.arange(250, dtype=f"{order}u2").reshape(10, 5, 5)
    arrays = {"x_train": dark + 65000, "x_validation": dark, "x_test": dark}
    np.savez(tmp_path / "mine.npz", **arrays)
    data = load(tmp_path / "mine.npz")
    for name, values in arrays.items():
        split = getattr(data, name.removeprefix("x_"))
        np.testing.assert_array_equal(split.x[..., 0], np.rint(values / 257))


def test_labels_that_are_all_unknown_are_none():
    assert Split(BYTES, np.full(40, -1)).y is None
    assert Split(BYTES, np.arange(40) % 3 - 1).y.dtype == np.int64


def test_splits_must_agree():
    gray, color, floats = Split(BYTES), Split(COLORS), Split(BYTES / 255)
    with refused(r"mixed: .* train holds uint8 \(6, 5, 1\) and test uint8 \(6, 5, 3\)"):
        DataSet("mixed", gray, gray, color)
    with refused("train holds uint8 .* and validation float32"):
        DataSet("mixed", gray, floats, gray)


def test_bytes_of_zero_and_one_are_taken_for_a_mistake():
    binary = Split((BYTES > 127).astype(np.uint8))
    with refused("binary: integer images are read as 0..255, but none of these pixels is above 1"):
        DataSet("binary", binary, binary, binary)


def test_the_fingerprint_tells_content_and_nothing_else():
    def made(name="a", x=BYTES, y=None, test=BYTES[:5]):
        return DataSet(name, Split(x, y), Split(BYTES[:4]), Split(test)).fingerprint

    reference = made()
    assert reference == made(name="b") == made(x=BYTES.astype(np.int32)) == made(x=BYTES.copy("F"))
    other = BYTES.copy()
    other[39, 5, 4] ^= 1
    changed = [
        made(x=other),
        made(x=BYTES[::-1]),
        made(y=np.zeros(40, int)),
        made(y=np.ones(40, int)),
        made(test=BYTES[:6]),
        DataSet("a", Split(BYTES), Split(BYTES[:5]), Split(BYTES[:4])).fingerprint,
    ]
    assert len({reference, *changed}) == 1 + len(changed)
    assert int(reference, 16) >= 0
    assert len(reference) == 16


def test_the_fingerprint_tells_shapes_of_the_same_bytes_apart():
    def made(x):
        return DataSet("a", Split(x), Split(x), Split(x)).fingerprint

    assert made(BYTES) != made(BYTES.reshape(40, 5, 6))


# Digits


def test_digits_are_all_there_in_fixed_splits():
    data = load("digits")
    assert data.element_shape == (8, 8, 1)
    assert data.is_image
    assert [len(s) for s in (data.train, data.validation, data.test)] == [1439, 179, 179]
    assert data.label_names == tuple("0123456789")
    published = load_digits()
    assert rows(everything(data)) == rows((published.images[..., None] / 16).astype(np.float32))
    whole = {
        image.tobytes(): y for image, y in zip(published.images, published.target, strict=True)
    }
    for image, y in zip(data.test.x, data.test.y, strict=True):
        assert whole[(image[..., 0].astype(np.float64) * 16).tobytes()] == y


# Files of arrays


@pytest.mark.parametrize("x", [BYTES, COLORS, BYTES.astype(np.float64) / 255, POINTS])
def test_a_npy_file(tmp_path, x):
    np.save(tmp_path / "mine.npy", x)
    data = load(tmp_path / "mine.npy")
    assert data.name == "mine"
    assert data.is_image == (x.ndim > 2)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [32, 4, 4]
    assert rows(everything(data)) == rows(Split(x).x)
    assert data.train.y is None
    assert "mine.npy" in data.provenance
    (tmp_path / "mine.npy").rename(tmp_path / "mine.NPY")
    assert load(str(tmp_path / "mine.NPY")).fingerprint == data.fingerprint
    assert holds_points(str(tmp_path / "mine.NPY")) == (x.ndim == 2)


def test_a_npz_file_with_its_own_splits(tmp_path):
    y = np.arange(40) % 4
    np.savez(
        tmp_path / "mine.npz",
        **{"x_train": BYTES[:30], "y_train": y[:30], "x_test": BYTES[30:], "y_test": y[30:]},
    )
    data = load(tmp_path / "mine.npz")
    np.testing.assert_array_equal(data.test.x[..., 0], BYTES[30:])
    np.testing.assert_array_equal(data.test.y, y[30:])
    assert [len(s) for s in (data.train, data.validation, data.test)] == [27, 3, 10]

    np.savez(tmp_path / "all.npz", x_train=POINTS[:30], x_validation=POINTS[30:], x_test=POINTS[:5])
    data = load(tmp_path / "all.npz")
    np.testing.assert_array_equal(data.train.x, POINTS[:30].astype(np.float32))
    np.testing.assert_array_equal(data.validation.x, POINTS[30:].astype(np.float32))


@pytest.mark.parametrize(("x", "y"), [("x", "y"), ("images", "labels"), ("x_train", "y_train")])
def test_a_npz_file_with_one_array(tmp_path, x, y):
    np.savez(tmp_path / "mine.npz", **{x: BYTES, y: np.arange(40)})
    data = load(tmp_path / "mine.npz")
    labels = np.concatenate([data.train.y, data.validation.y, data.test.y])
    np.testing.assert_array_equal(everything(data)[..., 0], BYTES[labels])
    (tmp_path / "mine.npz").rename(tmp_path / "mine.npy")  # the content counts
    np.testing.assert_array_equal(load(tmp_path / "mine.npy").train.y, data.train.y)


@pytest.mark.parametrize(
    "arrays",
    [
        {"a": BYTES},
        {"x": BYTES, "x_train": BYTES},
        {"x_test": BYTES},
        {"x_train": BYTES, "y_test": np.zeros(40, int)},
        {"x_train": BYTES, "X_test": BYTES},
        {},
    ],
)
def test_a_npz_file_with_other_arrays_is_refused(tmp_path, arrays):
    np.savez(tmp_path / "mine.npz", **arrays)
    with refused(r"mine.npz must hold x_train, .* Received: \["):
        load(tmp_path / "mine.npz")


def test_a_message_names_the_array_in_the_file(tmp_path):
    bad = POINTS.copy()
    bad[17, 1] = np.inf
    np.savez(tmp_path / "mine.npz", x_train=POINTS, x_test=bad)
    with refused(r"^mine.npz: x_test\[17, 1\] is inf"):
        load(tmp_path / "mine.npz")
    np.save(tmp_path / "mine.npy", bad)
    with refused(r"^mine.npy\[17, 1\] is inf"):
        load(tmp_path / "mine.npy")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_damaged_files_are_refused(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    (np.save if suffix == ".npy" else np.savez_compressed)(path, BYTES)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    broken = [
        b"",
        b"garbage",
        b"\x93NUMPY\x01\x00\x10\x00{'descr': (\n      ",
        whole[: len(whole) // 2],
    ]
    if suffix == ".npz":
        broken.append(bytes(flipped))
    for content in broken:
        path.write_bytes(content)
        with refused("mine.np. cannot be read: "):
            load(path)
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    with refused("objects.npy cannot be read: "):
        load(tmp_path / "objects.npy")


def test_paths_that_lead_nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source in (
        "./faces",
        "faces.npy",
        "/no/such/folder",
        "~no-such-user/x",
        tmp_path / "faces",
    ):
        with refused("there is no file or folder .*"):
            load(source)
    (tmp_path / "faces.rar").touch()
    with refused("must be a folder of images, an archive .* Received: faces.rar"):
        load("./faces.rar")
    (tmp_path / "faces").mkdir()
    with refused("faces holds no pictures .* 0 other files"):
        load("./faces")


def test_a_path_that_leads_nowhere_is_compared_with_what_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "Fotos für Oma" / "cats", BYTES[:1])
    for source in ("fotos_für_Oma/", "./fotos für oma/cats/one.png", "fotos fur Oma"):
        with refused("did you mean 'Fotos für Oma'"):
            load(source)
    with refused("did you mean 'Fotos für Oma/cats'"):
        load("Fotos für Oma/cat")
    (tmp_path / ".fotos").touch()
    for source in ("fotos/", "./wholly/other", "Fotos für Oma/cats/00.png/x"):
        with refused("^(?!.*did you mean)"):
            load(source)


# Folders


@pytest.mark.parametrize("images", [BYTES, COLORS])
def test_a_folder_of_images(tmp_path, images):
    write_pictures(tmp_path / "faces" / "a", images[:15])
    write_pictures(tmp_path / "faces" / "b" / "deep", images[15:], ".bmp")
    write_pictures(tmp_path / "faces", images[:1])  # one image outside the folders: no classes
    (tmp_path / "faces" / "README.txt").write_text("not an image")
    (tmp_path / "faces" / "a" / ".hidden.png").write_bytes(b"")
    data = load(tmp_path / "faces")
    assert data.name == "faces"
    assert data.train.y is None
    assert data.label_names is None
    assert rows(everything(data)) == rows(np.concatenate([images, images[:1]]))


def test_folders_of_a_folder_are_classes(tmp_path, monkeypatch):
    write_pictures(tmp_path / "cat", BYTES[:25])
    write_pictures(tmp_path / "ant", BYTES[25:])
    data = load(tmp_path)
    assert data.label_names == ("ant", "cat")
    ants = set(rows(BYTES[25:]))
    for split in (data.train, data.validation, data.test):
        assert [int(image.tobytes() not in ants) for image in split.x] == split.y.tolist()
    monkeypatch.chdir(tmp_path / "cat")
    assert load(".").name == "cat"


@pytest.mark.parametrize("validation", ["validation", "valid", "val"])
def test_folders_named_after_splits_are_splits(tmp_path, validation):
    for split, part in {"train": BYTES[:24], validation: BYTES[24:30], "test": BYTES[30:]}.items():
        for i, image in enumerate(part):
            write_pictures(tmp_path / split / "ab"[i % 2] / str(i), image[None])
    data = load(tmp_path)
    assert data.label_names == ("a", "b")
    assert rows(data.train.x) == rows(BYTES[:24])
    assert rows(data.validation.x) == rows(BYTES[24:30])
    assert rows(data.test.x) == rows(BYTES[30:])
    assert sorted(data.test.y) == [0] * 5 + [1] * 5


def test_palettes_and_bilevel_images_are_read_for_what_they_show(tmp_path):
    few = COLORS // 128 * 255
    write_pictures(tmp_path / "palette", [Image.fromarray(x).quantize(8) for x in few])
    assert rows(everything(load(tmp_path / "palette"))) == rows(few)
    write_pictures(tmp_path / "bilevel", BYTES > 127)
    assert rows(everything(load(tmp_path / "bilevel"))) == rows(
        (BYTES > 127).astype(np.uint8) * 255
    )


def test_images_are_turned_as_the_camera_says(tmp_path):
    for i, pixels in enumerate(BYTES):
        image = Image.fromarray(pixels)
        exif = image.getexif()
        exif[0x0112] = 6  # "orientation": to be turned clockwise by a quarter
        image.save(tmp_path / f"{i}.png", exif=exif)
    assert rows(everything(load(tmp_path))) == rows(np.rot90(BYTES, -1, axes=(1, 2)))


@pytest.mark.parametrize("content", [b"", b"no image", None])
def test_a_damaged_image_is_named(tmp_path, content):
    write_pictures(tmp_path, BYTES)
    path = tmp_path / "07.png"
    path.write_bytes(path.read_bytes()[:60] if content is None else content)
    with refused("1 of 40 files .* cannot be used .*--skip-broken.*: 07.png: it "):
        load(tmp_path)


def test_a_fold_belongs_to_tfd():
    with refused("`fold` belongs to data set 'tfd'. Received: fold=2 for 'digits'"):
        load("digits", fold=2)
