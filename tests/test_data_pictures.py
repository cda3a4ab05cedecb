"""A user's pictures: what is found, what becomes of it, what is refused, how training reads it."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import re
import shutil
import struct
import sys
import tarfile
import warnings
import zipfile
import zlib
from pathlib import Path
from unittest import mock

import numpy as np
import pillow_heif
import pytest
import tensorflow as tf
from PIL import Image, TiffImagePlugin
from sklearn.datasets import load_digits
from small import everything, rows, write_pictures

from keras_gan import InputError, plotting, recipes, train
from keras_gan.conditioning import ClassRange
from keras_gan.data import PictureOptions, Pictures, load, place
from keras_gan.data.pictures import duplicates, labeling, loading, sources
from keras_gan.data.pictures.cache import Cache
from keras_gan.experiment.run import Run
from keras_gan.training import input_pipeline

RNG = np.random.default_rng(11)
COLORS = RNG.integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)
CLEAR = RNG.integers(0, 256, (20, 6, 5, 4), dtype=np.uint8)
FEW = COLORS // 128 * 255
LEFT_RED = np.zeros((40, 80, 3), np.uint8)
LEFT_RED[:, :40, 0] = LEFT_RED[:, 40:, 2] = 255


def opened(source, cache_dir=None, **options):
    return load(source, pictures=PictureOptions(**options), cache_dir=cache_dir)


def refusal(function, *arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Formats and modes


def gray(colors):
    """Pillow's formula: ITU-R 601-2, in fixed point."""
    r, g, b = np.moveaxis(colors.astype(np.int64), -1, 0)
    return ((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16).astype(np.uint8)[..., None]


DEEP = RNG.integers(0, 65536, (20, 6, 5), dtype=np.uint16)
BILEVEL = RNG.integers(0, 2, (20, 6, 5), dtype=np.uint8) * 255


@pytest.mark.parametrize(
    ("images", "suffix", "expected"),
    [
        (COLORS, ".png", COLORS),
        (COLORS, ".bmp", COLORS),
        (COLORS, ".TIFF", COLORS),
        (CLEAR, ".png", CLEAR),
        (CLEAR, ".tif", CLEAR),
        (CLEAR[..., 2:], ".png", CLEAR[..., 2:]),
        (COLORS[..., 0], ".png", COLORS[..., :1]),
        ([Image.fromarray(x).quantize(8) for x in FEW], ".png", FEW),
        ([Image.fromarray(x).quantize(8) for x in FEW], ".gif", FEW),
        ([Image.fromarray(x).convert("1") for x in BILEVEL], ".png", BILEVEL[..., None]),
        (DEEP, ".png", np.rint(DEEP / 257).astype(np.uint8)[..., None]),
        (DEEP, ".tif", np.rint(DEEP / 257).astype(np.uint8)[..., None]),
        ([Image.fromarray(255 - x).convert("CMYK") for x in FEW], ".tif", 255 - FEW),
    ],
)
def test_pixels_of_lossless_files_are_exact(tmp_path, images, suffix, expected):
    write_pictures(tmp_path, images, suffix)
    data = opened(tmp_path)
    assert rows(everything(data)) == rows(expected)


def png_of_16_bits(pixels: np.ndarray, kind: int, transparent: bytes = b"") -> bytes:
    """A PNG file; `kind` is 0 for gray, 4 for gray and alpha, which Pillow does not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    height, width = pixels.shape[:2]
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
        + (chunk(b"tRNS", transparent) if transparent else b"")
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def test_a_transparent_gray_value_of_16_bits(tmp_path):
    deep = np.where(DEEP == 0x1234, 0, DEEP)
    deep[:, 2, 3], deep[:, 3, 2] = 0x1234, 0x1235  # both become 18
    for i, pixels in enumerate(deep):
        content = png_of_16_bits(pixels, 0, struct.pack(">H", 0x1234))
        (tmp_path / f"{i}.png").write_bytes(content)
    gray = np.rint(deep / 257).astype(np.uint8)
    alpha = np.where(deep == 0x1234, 0, 255).astype(np.uint8)
    assert rows(everything(opened(tmp_path))) == rows(np.stack([gray, alpha], axis=-1))
    on_white = np.where(alpha, gray, 255).astype(np.uint8)
    assert rows(everything(opened(tmp_path, alpha="white"))) == rows(on_white)


def test_gray_and_alpha_of_16_bits_stay_gray(tmp_path):
    deep = RNG.integers(0, 65536, (20, 6, 5, 2), dtype=np.uint16)
    for i, pixels in enumerate(deep):
        (tmp_path / f"{i}.png").write_bytes(png_of_16_bits(pixels, 4))
    assert rows(everything(opened(tmp_path))) == rows((deep >> 8).astype(np.uint8))


def test_webp_and_jpeg(tmp_path):
    write_pictures(tmp_path / "webp", CLEAR, ".webp", lossless=True, exact=True)
    assert rows(everything(opened(tmp_path / "webp"))) == rows(CLEAR)
    smooth = np.broadcast_to(np.linspace(0, 255, 48).astype(np.uint8), (20, 40, 48))
    write_pictures(tmp_path / "jpeg", smooth, ".JPG", quality=95)
    write_pictures(tmp_path / "cmyk", [Image.fromarray(x).convert("CMYK") for x in smooth], ".jpeg")
    data = opened(tmp_path / "jpeg")
    assert data.element_shape == (40, 48, 1)
    assert np.abs(data.train.x[0, ..., 0].astype(int) - smooth[0]).max() <= 3
    assert opened(tmp_path / "cmyk").element_shape == (40, 48, 3)


@pytest.mark.parametrize(
    ("form", "options"),
    [
        (".avif", {"quality": 100, "subsampling": "4:4:4"}),
        (".heic", {"quality": -1, "chroma": 444}),
    ],
)
@pytest.mark.parametrize("named", [True, False])  # by its name, and by its first bytes
def test_avif_and_heic(tmp_path, form, options, named):
    pillow_heif.register_heif_opener()
    write_pictures(tmp_path, CLEAR, form, **options)
    for file in list(tmp_path.iterdir()):
        file.rename(file.with_suffix(form if named else ""))
    pictures = np.sort(everything(opened(tmp_path)).reshape(len(CLEAR), -1, 4).mean(axis=1), axis=0)
    means = np.sort(CLEAR.reshape(len(CLEAR), -1, 4).mean(axis=1), axis=0)
    np.testing.assert_allclose(pictures, means, atol=1)


def test_heic_without_its_package(tmp_path, monkeypatch):
    pillow_heif.register_heif_opener()
    Image.init()
    write_pictures(tmp_path, COLORS)
    write_pictures(tmp_path / "phone", COLORS[:10], ".HEIC")
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pillow_heif", None)
        without.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
        message = refusal(opened, tmp_path)
        assert "phone/00.HEIC: HEIC files need the package pillow-heif: pip install" in message
        assert len(everything(opened(tmp_path, skip_broken=True))) == 20
    # Once the package is there, what was left out is read.
    assert len(everything(opened(tmp_path, skip_broken=True))) == 30


def test_the_first_frame_of_an_animation_counts(tmp_path):
    for i, image in enumerate(FEW[:10]):
        later = Image.fromarray(255 - image)
        write_pictures(tmp_path / str(i), [image], ".gif", save_all=True, append_images=[later])
    assert rows(everything(opened(tmp_path))) == rows(FEW[:10])


@pytest.mark.parametrize("suffix", [".gif", ".tif", ".png", ".webp", ".avif"])
def test_frames_and_pages_that_are_not_used_are_counted(tmp_path, suffix):
    later = [Image.fromarray(255 - FEW[0])]
    write_pictures(tmp_path / "many", FEW[:3], suffix, save_all=True, append_images=later)
    write_pictures(tmp_path / "one", FEW[:10], suffix)
    line = "files with several frames or pages: 3; of each the first is used"
    assert line in opened(tmp_path).description
    lines = opened(tmp_path / "one").description
    assert not any(line.startswith("files with several") for line in lines)


def test_damage_behind_the_first_frame_is_no_fault(tmp_path):
    write_pictures(tmp_path, FEW[:10], ".tif")
    for file in tmp_path.iterdir():  # the next page is said to lie far behind the end
        content = bytearray(file.read_bytes())
        first = int.from_bytes(content[4:8], "little")
        end = first + 2 + 12 * int.from_bytes(content[first : first + 2], "little")
        content[end : end + 4] = (10**6).to_bytes(4, "little")
        file.write_bytes(content)
    assert rows(everything(opened(tmp_path))) == rows(FEW[:10])


def test_negative_values_are_refused(tmp_path):
    """16 bits with a sign, as of computed tomography; Pillow opens them as 32."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[339] = 2  # the format of the values: signed
    images = [Image.fromarray(pixels) for pixels in DEEP]
    write_pictures(tmp_path, images, ".tif", tiffinfo=tags)
    assert "it has 32 bits a channel, or negative values" in refusal(opened, tmp_path)


def test_the_first_bytes_tell_pictures_without_an_ending(tmp_path):
    write_pictures(tmp_path, COLORS)
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / f"photo no {file.stem}")
    (tmp_path / "notes").write_text("not a picture")
    (tmp_path / "table.csv").write_text("a,b")
    data = opened(tmp_path)
    assert rows(everything(data)) == rows(COLORS)
    assert any(line.startswith("files of other kinds: 2, such as") for line in data.description)


# Size, crop, channels, transparency


def test_the_size_is_what_most_pictures_reach(tmp_path):
    sides = [40] * 4 + [50, 64, 64, 70, 90, 200]
    write_pictures(
        tmp_path, [np.full((side, side + 9, 3), 9 * i, np.uint8) for i, side in enumerate(sides)]
    )
    assert opened(tmp_path).element_shape == (48, 48, 3)  # 6 of 10 reach 50, only 5 reach 64
    assert opened(tmp_path, size="64x48").element_shape == (48, 64, 3)
    assert PictureOptions(size=48) == PictureOptions(size="48")
    write_pictures(tmp_path / "alike", [np.full((24, 100), 9 * i, np.uint8) for i in range(10)])
    assert opened(tmp_path / "alike").element_shape == (24, 100, 1)
    write_pictures(tmp_path / "large", [np.full((130, 150), 9 * i, np.uint8) for i in range(10)])
    assert opened(tmp_path / "large").element_shape == (128, 128, 1)
    write_pictures(tmp_path / "small", [np.full((8 + i, 9), 9 * i, np.uint8) for i in range(10)])
    assert opened(tmp_path / "small").element_shape == (32, 32, 1)


@pytest.mark.parametrize("size", ["0", "64x", "x", "64x48x3", "1", "5000", "-3", "6.4"])
def test_sizes_that_are_none(size):
    assert repr(size) in refusal(PictureOptions, size=size)


def test_other_proportions_are_cropped_or_padded(tmp_path):
    write_pictures(tmp_path, [LEFT_RED] * 10)
    center = opened(tmp_path, size="32", crop="center").train.x[0]
    assert center[:, :14, 0].min() > 240
    assert center[:, 18:, 2].min() > 240
    padded = opened(tmp_path, size="32", crop="none", alpha="#00ff00").train.x[0]
    assert (padded[:8] == (0, 255, 0)).all()
    assert (padded[24:] == (0, 255, 0)).all()
    assert padded[10:22, :14, 0].min() > 240
    cropped = [everything(opened(tmp_path, size="32", crop="random")) for _ in range(2)]
    np.testing.assert_array_equal(*cropped)
    assert len(set(rows(cropped[0]))) == 10  # one picture, another place for each name


@pytest.mark.parametrize("alpha", ["keep", "#ff8000"])
def test_padding_is_the_same_around_all_kinds_of_pictures(tmp_path, alpha):
    gray, clear = np.full((20, 40), 9, np.uint8), np.full((20, 40, 4), 9, np.uint8)
    write_pictures(tmp_path / "color", [LEFT_RED] * 10)
    write_pictures(tmp_path / "gray", [gray] * 10)
    if alpha == "keep":
        write_pictures(tmp_path / "clear", [clear] * 10)
    data = everything(opened(tmp_path, size="32", crop="none", alpha=alpha))
    expected = (255, 128, 0) if alpha != "keep" else (255, 255, 255, 0)
    assert (data[:, 0, 0] == expected).all()


def test_pictures_are_shrunk_without_aliasing(tmp_path):
    stripes = np.zeros((128, 128), np.uint8)
    stripes[:, ::2] = 255
    write_pictures(tmp_path, [stripes] * 10)
    data = opened(tmp_path, size="30")
    assert (
        np.abs(data.train.x.astype(int) - 127).max() <= 12
    )  # taken as they are, pixels are 0 or 255
    assert "without aliasing" in data.provenance


def test_pictures_are_turned_before_they_are_measured(tmp_path):
    image = Image.fromarray(LEFT_RED)
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    write_pictures(tmp_path, [image] * 10, ".jpg", exif=exif, quality=95)
    data = opened(tmp_path)
    assert data.element_shape == (80, 40, 3)
    assert data.train.x[0, :36, :, 0].min() > 240  # what was on the left is at the top


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_of_lossless_files(tmp_path, suffix, orientation):
    image, exif = RNG.integers(0, 256, (10, 14), dtype=np.uint8), Image.Exif()
    exif[0x0112] = orientation
    write_pictures(tmp_path, [image] * 10, suffix, exif=exif)
    turned = [image, image[:, ::-1], image[::-1, ::-1], image[::-1]]
    turned += [image.T, image[::-1].T, image[::-1, ::-1].T, image[:, ::-1].T]
    assert rows(everything(opened(tmp_path))) == rows([turned[orientation - 1]] * 10)
    assert opened(tmp_path).element_shape == (*turned[orientation - 1].shape, 1)


def test_channels_are_what_the_pictures_have(tmp_path):
    opaque = CLEAR.copy()
    opaque[..., 3] = 255
    write_pictures(tmp_path, opaque)
    assert rows(everything(opened(tmp_path))) == rows(opaque[..., :3])
    Image.fromarray(COLORS[0][..., 0]).save(tmp_path / "gray.png")
    assert opened(tmp_path).element_shape == (6, 5, 3)
    np.testing.assert_array_equal(
        rows(everything(opened(tmp_path, channels=1))),
        rows(np.concatenate([gray(opaque[..., :3]), COLORS[:1, ..., :1]])),
    )
    Image.fromarray(CLEAR[3]).save(tmp_path / "03.png")
    assert opened(tmp_path).element_shape == (6, 5, 4)
    assert opened(tmp_path, alpha="white").element_shape == (6, 5, 3)


def test_transparent_parts_show_the_color_behind_them(tmp_path):
    write_pictures(tmp_path, CLEAR)
    color = np.array([255, 128, 0])
    share = CLEAR[..., 3:].astype(float) / 255
    expected = CLEAR[..., :3] * share + color * (1 - share)
    data = opened(tmp_path, alpha="#ff8000")
    found = everything(data).astype(float)
    nearest = np.abs(found[:, None] - expected[None]).max(axis=(2, 3, 4)).min(axis=1)
    assert nearest.max() <= 1
    assert any("RGB (255, 128, 0)" in line for line in data.description)
    assert "must be keep, or a color" in refusal(PictureOptions, alpha="no color")


# Archives and classes


def archived(folder: Path, kind: str) -> Path:
    path = folder.parent / f"faces{kind}"
    if kind == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, Path("top") / file.relative_to(folder))
            archive.writestr("__MACOSX/top/a/._00.png", b"")
    else:
        with tarfile.open(path, "w:gz" if kind.endswith("gz") else "w") as archive:
            archive.add(folder, "top")
    return path


@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz", ".tgz"])
def test_an_archive_is_read_as_its_folder(tmp_path, kind):
    write_pictures(tmp_path / "faces" / "a", COLORS[:11])
    write_pictures(tmp_path / "faces" / "b", COLORS[11:])
    folder = opened(tmp_path / "faces")
    archive = opened(archived(tmp_path / "faces", kind))
    assert archive.name == "faces"
    assert archive.label_names == ("a", "b")
    assert archive.fingerprint == folder.fingerprint


@pytest.mark.parametrize("kind", [".zip", ".tar"])
@pytest.mark.parametrize("top", ["/abs/", "//top/", "./top/", "top//", "top/./", "././"])
def test_empty_parts_and_dots_in_the_names_of_an_archive_are_no_folders(tmp_path, kind, top):
    write_pictures(tmp_path, COLORS)
    path = tmp_path / f"faces{kind}"
    with zipfile.ZipFile(path, "w") if kind == ".zip" else tarfile.open(path, "w") as archive:
        for i, file in enumerate(sorted(tmp_path.glob("*.png"))):
            entry, content = f"{top}{'cat' if i % 2 else 'dog'}/{file.name}", file.read_bytes()
            if isinstance(archive, zipfile.ZipFile):
                archive.writestr(zipfile.ZipInfo(entry), content)
            else:
                info = tarfile.TarInfo(entry)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    assert opened(path, classes="folders").label_names == ("cat", "dog")


def test_damaged_archives_are_named(tmp_path):
    write_pictures(tmp_path / "faces", COLORS)
    for kind in (".zip", ".tar.gz"):
        path = archived(tmp_path / "faces", kind)
        path.write_bytes(path.read_bytes()[:300])
        assert f"faces{kind} cannot be read: " in refusal(load, path)
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.write(tmp_path / "faces" / "00.png", "a.png")
    assert "holds a.png twice" in refusal(load, tmp_path / "twice.zip")


@pytest.mark.parametrize("kind", [".tar", ".tar.gz"])
def test_a_tar_of_which_only_a_part_can_be_read_is_refused(tmp_path, kind):
    write_pictures(tmp_path / "faces", COLORS)
    whole = archived(tmp_path / "faces", ".tar")
    with tarfile.open(whole) as archive:
        headers = [info.offset for info in archive]
        end = archive.offset
    content = whole.read_bytes()
    path = tmp_path / f"damaged{kind}"
    pack = gzip.compress if kind == ".tar.gz" else bytes

    for cut in (headers[13] + 1, headers[13] + 300, headers[14] - 1, headers[-1] + 511, end - 1):
        path.write_bytes(pack(content[:cut]))
        assert f"{path} cannot be read: " in refusal(load, path)
    for byte in (0, 150, 260):  # in the name, the checksum, the format
        flipped = bytearray(content)
        flipped[headers[13] + byte] ^= 1
        path.write_bytes(pack(flipped))
        assert "it is damaged or incomplete after top/11.png" in refusal(load, path)
    if kind == ".tar.gz":
        packed = pack(content)
        for cut in (len(packed) // 2, len(packed) * 3 // 4):
            path.write_bytes(packed[:cut])
            assert f"{path} cannot be read: " in refusal(load, path)

    for cut in (end, end + 100, end + 512, len(content)):  # the zeros at the end may be missing
        path.write_bytes(pack(content[:cut]))
        assert len(everything(load(path))) == 20
    path.write_bytes(pack(bytes(10240)))
    assert "holds no pictures" in refusal(load, path)


def test_links_within_an_archive_are_pictures(tmp_path):
    write_pictures(tmp_path / "faces", COLORS)
    os.link(tmp_path / "faces" / "00.png", tmp_path / "faces" / "hard.png")
    (tmp_path / "faces" / "soft.png").symlink_to("01.png")
    (tmp_path / "faces" / "lost.png").symlink_to("nowhere.png")
    (tmp_path / "faces" / "self.png").symlink_to("self.png")
    faults = refusal(opened, archived(tmp_path / "faces", ".tar"))
    assert "2 of 24 files" in faults
    assert "lost.png" in faults
    assert "self.png" in faults
    assert rows(everything(opened(tmp_path / "faces.tar", skip_broken=True))) == rows(
        np.concatenate([COLORS, COLORS[:2]])
    )


def test_a_run_within_the_folder_is_left_out(tmp_path):
    write_pictures(tmp_path, COLORS)
    write_pictures(tmp_path / "runs" / "one" / "samples", COLORS[:3])
    assert len(everything(opened(tmp_path))) == 23
    (tmp_path / "runs" / "one" / "config.json").touch()
    assert len(everything(opened(tmp_path))) == 23
    for name in (".lock", "models", "checkpoints"):  # while it is trained, exported, unpacked
        (tmp_path / "runs" / "one" / name).touch()
        assert len(everything(opened(tmp_path))) == 20
        (tmp_path / "runs" / "one" / name).unlink()


def test_a_run_within_an_archive_is_left_out(tmp_path):
    write_pictures(tmp_path / "photos" / "a", COLORS)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as zipped:
        for file in sorted((tmp_path / "photos").rglob("*.png")):
            zipped.write(file, f"./{file.relative_to(tmp_path)}")
        for name in ("config.json", "models/last.keras", "samples/epoch-0001.png"):
            zipped.writestr(f"photos/runs/one/{name}", "")
        for name in ("config.json", "checkpoints/step-000000001/state", "samples/epoch-0001.png"):
            zipped.writestr(f"photos/runs/two/{name}", "")
        zipped.writestr("photos/a/config.json", "")  # of something else
    with zipfile.ZipFile(tmp_path / "photos.zip") as zipped:
        zipped.extractall(tmp_path / "all")
    with tarfile.open(tmp_path / "photos.tar", "w") as tar:
        tar.add(tmp_path / "all", ".")
    for name in ("photos.zip", "photos.tar", "all"):
        assert rows(everything(opened(tmp_path / name))) == rows(COLORS)


def test_folders_of_an_archive_from_windows(tmp_path):
    write_pictures(tmp_path / "photos", COLORS)
    for system, names in ((0, ("0", "1")), (3, None)):
        with zipfile.ZipFile(tmp_path / f"{system}.zip", "w") as zipped:
            for i, file in enumerate(sorted((tmp_path / "photos").iterdir())):
                info = zipfile.ZipInfo()
                info.filename, info.create_system = f"top\\{i % 2}\\{file.name}", system
                zipped.writestr(info, file.read_bytes())
        assert opened(tmp_path / f"{system}.zip").label_names == names


def test_classes_only_where_they_are_wanted(tmp_path):
    write_pictures(tmp_path / "a", COLORS[:11])
    write_pictures(tmp_path / "b" / "deep", COLORS[11:])
    assert opened(tmp_path, classes="folders").label_names == ("a", "b")
    hint = "no classes are used; to learn the 2 folders as classes, add --classes folders"
    unlabeled = opened(tmp_path, classes="none")
    assert unlabeled.train.y is None
    assert hint not in unlabeled.description
    unlabeled = opened(tmp_path, classes="labels")
    assert unlabeled.train.y is None
    assert hint in unlabeled.description
    Image.fromarray(COLORS[0]).save(tmp_path / "outside.png")
    assert opened(tmp_path).label_names is None
    assert hint not in opened(tmp_path, classes="labels").description
    assert "outside.png lies in none" in refusal(opened, tmp_path, classes="folders")


def test_a_csv_file_gives_classes(tmp_path):
    write_pictures(tmp_path / "faces" / "all", COLORS)
    lines = ["file,kind", *(f"{i:02}.png,{'odd' if i % 2 else 'even'}" for i in range(19))]
    table = tmp_path / "faces" / "kinds.csv"
    table.write_text("\n".join(lines))
    message = refusal(opened, tmp_path / "faces", classes="kinds.csv")
    assert "no class for 1 of 20 pictures, such as all/19.png" in message
    table.write_text("\n".join([*lines, "all/19.png,odd", "of no picture,odd"]))
    data = opened(tmp_path / "faces", classes="kinds.csv")
    assert data.label_names == ("even", "odd")
    number = {image.tobytes(): i % 2 for i, image in enumerate(COLORS)}
    for split in (data.train, data.validation, data.test):
        assert [number[image.tobytes()] for image in split.x] == split.y.tolist()
    assert "there is no file no.csv" in refusal(opened, tmp_path / "faces", classes="no.csv")
    table.write_text("\n".join([*lines, "all/19.png,odd", "00.png,odd"]))
    message = refusal(opened, tmp_path / "faces", classes="kinds.csv")
    assert "two classes for 00.png: even and odd" in message
    table.write_text("\n".join([*lines, "19.png,"]))
    assert "no class for 1 of" in refusal(opened, tmp_path / "faces", classes="kinds.csv")
    table.write_text("\n".join([*lines, "19.png,schön"]), encoding="latin-1")
    assert "save it in UTF-8" in refusal(opened, tmp_path / "faces", classes="kinds.csv")
    table.write_text("\n".join(line.replace(",", ";") for line in lines))
    assert "with a comma between" in refusal(opened, tmp_path / "faces", classes="kinds.csv")
    write_pictures(tmp_path / "faces" / "more", COLORS[:1])
    table.write_text("\n".join([*lines, "19.png,odd"]))
    message = refusal(opened, tmp_path / "faces", classes="kinds.csv")
    assert "names 00.png without its folder, but 2 pictures have that name" in message


def test_classes_of_stylegan(tmp_path):
    for i, shard in enumerate(("00000", "00001")):
        write_pictures(tmp_path / "set" / shard, COLORS[10 * i : 10 * i + 10])
    names = sorted(
        path.relative_to(tmp_path / "set").as_posix() for path in (tmp_path / "set").rglob("*.png")
    )
    table = tmp_path / "set" / "dataset.json"
    table.write_text(json.dumps({"labels": [[name, i % 3] for i, name in enumerate(names)]}))
    data = opened(tmp_path / "set", classes="dataset.json")
    assert data.label_names == ("0", "1", "2")
    assert "write --classes dataset.json" in refusal(opened, tmp_path / "set", classes="folders")
    table.write_text(json.dumps({"labels": None}))
    assert "must hold" in refusal(opened, tmp_path / "set", classes="dataset.json")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_classes_of_stylegan_for_an_archive_of_one_folder(tmp_path, kind):
    """StyleGAN's tool puts up to 1,000 pictures into the folder 00000, which its names contain."""
    folder = tmp_path / "faces"
    write_pictures(folder / "00000", COLORS)
    table = folder / "dataset.json"
    rows = [[f"00000/{i:02}.png", i % 3] for i in range(20)]
    table.write_text(json.dumps({"labels": rows}))
    archive = shutil.make_archive(str(folder), kind, folder)
    for classes in (str(table), "dataset.json", "auto"):  # the last two within the archive
        data = opened(archive, classes=classes)
        numbers = [next(i for i in range(20) if (COLORS[i] == x).all()) for x in data.train.x]
        np.testing.assert_array_equal(data.train.y, np.array(numbers) % 3)
    table.write_text(json.dumps({"labels": rows[1:]}))
    shutil.make_archive(str(folder), kind, folder)
    for classes, root in ((str(table), folder), ("dataset.json", archive)):
        message = refusal(opened, archive, classes=classes)
        assert message.startswith(f"{root}{os.sep}dataset.json ")
        assert message.endswith("has no class for 1 of 20 pictures, such as 00.png")
    assert "there is no file kinds.csv" in refusal(opened, archive, classes="kinds.csv")


@pytest.mark.parametrize("kind", [".zip", ".tar"])
def test_a_table_of_an_archive_may_lie_in_its_one_folder(tmp_path, kind):
    write_pictures(tmp_path / "faces", COLORS)
    rows = [f"{i:02}.png,{'ab'[i % 2]}" for i in range(20)]
    (tmp_path / "faces" / "kinds.csv").write_text("\n".join(rows))
    (tmp_path / "faces" / "labels").write_text("of another program")
    archive = archived(tmp_path / "faces", kind)
    assert opened(archive, classes="kinds.csv").label_names == ("a", "b")
    assert opened(archive, classes="labels").label_names is None


def test_a_damaged_table_of_an_archive_is_named(tmp_path):
    write_pictures(tmp_path / "faces", COLORS)
    (tmp_path / "faces" / "kinds.csv").write_text("00.png,a")
    archive = archived(tmp_path / "faces", ".zip")  # not compressed
    archive.write_bytes(archive.read_bytes().replace(b"00.png,a", b"00.png,b"))
    message = refusal(opened, archive, classes="kinds.csv")
    assert message.startswith(f"{archive}{os.sep}top{os.sep}kinds.csv cannot be read: Bad CRC")


def test_auto_takes_the_classes_of_stylegan_not_its_folders(tmp_path):
    folder = tmp_path / "faces"
    for i, shard in enumerate(("00000", "00001")):
        write_pictures(folder / shard, COLORS[10 * i : 10 * i + 10])
    assert opened(folder).label_names == ("00000", "00001")
    names = [f"{shard}/{i:02}.png" for shard in ("00000", "00001") for i in range(10)]
    table = folder / "dataset.json"
    table.write_text(json.dumps({"labels": [[name, i % 3] for i, name in enumerate(names)]}))
    assert opened(folder).label_names == ("0", "1", "2")
    table.write_text(json.dumps({"labels": [[name, i % 4 + 0.0] for i, name in enumerate(names)]}))
    assert opened(folder).label_names == ("0", "1", "2", "3")  # whole numbers, of the new file
    archive = archived(folder, ".zip")
    assert opened(archive).label_names == ("0", "1", "2", "3")
    assert "write --classes dataset.json, or none" in refusal(opened, archive, classes="folders")
    for source in (folder, archive):
        lines = opened(source, classes="labels").description
        assert any("to learn those of dataset.json, add --classes dataset" in x for x in lines)
        assert not any("--classes folders" in line for line in lines)
    table.write_text(json.dumps({"labels": None}))  # as StyleGAN marks pictures without classes
    assert opened(folder).label_names is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"labels": [["00.png", 0.7], ["01.png", 1.7]]}', "must hold .* with whole numbers"),
        ('{"labels": [["00.png", Infinity]]}', "must hold .* with whole numbers"),
        ('{"labels": [["00.png", NaN]]}', "must hold .* with whole numbers"),
        ('{"images": []}', "must hold .* with whole numbers"),
        ("[" * 100_000, "must hold .* with whole numbers"),
        ('{"labels": [["00.png", 0], ["00.png", 1]]}', "two classes for 00.png: 0 and 1"),
    ],
)
def test_a_file_of_stylegan_is_read_strictly(tmp_path, content, words):
    write_pictures(tmp_path, COLORS)
    table = tmp_path / "dataset.json"
    table.write_text(content)
    for classes in ("dataset.json", "auto"):
        message = refusal(opened, tmp_path, classes=classes)
        assert message.startswith(str(table))
        assert re.search(words, message)
        assert ("if it is another file" in message) == (classes == "auto" and "must" in words)


def test_classes_may_be_numbers_of_any_length(tmp_path):
    write_pictures(tmp_path, COLORS)
    given = ["9" * 5000, "010", "9", "word"]
    (tmp_path / "kinds.csv").write_text("".join(f"{i:02}.png,{given[i % 4]}\n" for i in range(20)))
    assert opened(tmp_path, classes="kinds.csv").label_names == ("9", "010", "9" * 5000, "word")


def test_names_with_accents_are_those_of_the_table(tmp_path):
    """macOS stores a letter and its accent as two characters."""
    write_pictures(tmp_path / "faces", COLORS)
    (tmp_path / "faces" / "00.png").rename(tmp_path / "faces" / "u\u0308.png")
    lines = ["\u00fc.png,a", *(f"{i:02}.png,b" for i in range(1, 20))]
    (tmp_path / "kinds.csv").write_text("\n".join(lines), encoding="utf-8")
    data = opened(tmp_path / "faces", classes=str(tmp_path / "kinds.csv"))
    assert data.label_names == ("a", "b")


def test_numbered_classes_keep_their_order(tmp_path):
    for number in range(12):
        write_pictures(tmp_path / str(number), COLORS[:2])
    assert opened(tmp_path, classes="folders").label_names == tuple(map(str, range(12)))
    for number in (0, *range(3, 12)):
        shutil.rmtree(tmp_path / str(number))
    write_pictures(tmp_path / "1", COLORS[:12])  # folder 1 has number 0
    data = opened(tmp_path, classes="folders")
    assert "2 classes by folder, numbered from 0: 1 (12), 2 (2)" in data.description


def test_classes_that_cannot_be_learned_are_named(tmp_path):
    write_pictures(tmp_path / "train" / "cats", COLORS[:12])
    write_pictures(tmp_path / "train" / "dogs", COLORS[:12])
    write_pictures(tmp_path / "test" / "Cats", COLORS[:3])
    lines = "\n".join(opened(tmp_path, classes="folders").description)
    assert "without pictures to train on: 1, Cats\n" in lines
    assert "without pictures" not in "\n".join(opened(tmp_path / "train").description)


@pytest.mark.parametrize("classes", ["folders", "table.csv"])
def test_labels_of_a_data_set_are_not_replaced(tmp_path, classes):
    names = [f"train/{i}" for i in range(20)]
    source = sources.Source(lambda: iter(()), names, labels=dict.fromkeys(names, 0))
    assert "none, labels or auto" in refusal(labeling.label, names, classes, tmp_path, source)


def test_pictures_beside_splits_are_refused(tmp_path):
    for split in ("Train", "TEST"):
        for kind in "ab":
            write_pictures(tmp_path / split / kind, COLORS)
    data = opened(tmp_path, classes="folders")
    assert (len(data.train), len(data.test)) == (36, 40)
    assert data.label_names == ("a", "b")
    Image.fromarray(COLORS[0]).save(tmp_path / "cover.png")
    message = refusal(opened, tmp_path)
    assert "test and train are splits, but cover.png lies next to them" in message


# Files that cannot be used


@pytest.fixture
def broken(tmp_path, monkeypatch) -> dict[str, str]:
    """A folder of pictures and of what is none; from names to what is said of them."""
    write_pictures(tmp_path, [np.full((40, 40), 9 * i, np.uint8) for i in range(12)])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    content = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (40, 40), dtype=np.uint8)).save(content, "png")
    (tmp_path / "cut.png").write_bytes(content.getvalue()[:-500])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("no picture")
    Image.new("L", (40, 40)).save(tmp_path / "program.png", "eps")
    Image.new("L", (1, 1)).save(tmp_path / "dot.png")
    Image.new("L", (120, 120)).save(tmp_path / "bomb.png")
    Image.new("L", (200, 200)).save(tmp_path / "larger bomb.png")
    Image.fromarray(np.zeros((40, 40), np.float32)).save(tmp_path / "deep.tif")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    return {
        "cut.png": "it is damaged: image file is truncated",
        "empty.png": "it is no picture that Pillow can read, or damaged",
        "text.jpg": "it is no picture that Pillow can read, or damaged",
        "program.png": "it is a PostScript file",
        "dot.png": "it has 1 x 1 pixels",
        "bomb.png": "it has more than 10,000 pixels",
        "larger bomb.png": "it has more than 10,000 pixels",
        "deep.tif": "it has 32 bits a channel",
        "folder/up": "it is a symbolic link to a folder that it lies in",
        "self": "it is a symbolic link that leads to itself",
        "gone.png": "No such file or directory",
    }


def test_each_file_that_cannot_be_used_has_its_line(tmp_path, broken):
    message = refusal(opened, tmp_path)
    early = {name: fault for name, fault in broken.items() if name != "cut.png"}
    assert message.startswith(f"10 of 23 files in {tmp_path} cannot be used (repair or remove")
    for name, fault in early.items():
        assert f"{name}: {fault}" in message
    data = opened(tmp_path, skip_broken=True)
    for name, fault in broken.items():
        assert any(line.startswith(f"left out: {name}: {fault}") for line in data.description)
    for name in broken:
        (tmp_path / name).unlink()
    assert opened(tmp_path).fingerprint == data.fingerprint


def test_damage_that_shows_late_is_refused_too(tmp_path, broken):
    for name in broken:
        if name != "cut.png":
            (tmp_path / name).unlink()
    assert "1 of 13 files" in refusal(opened, tmp_path)


def test_a_bare_name_is_a_folder_unless_a_data_set_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "digits", "mnist"):
        write_pictures(tmp_path / name, COLORS)
    assert load("photos").train.x.shape[1:] == (6, 5, 3)
    assert place("photos") == str(tmp_path / "photos")
    assert load("digits").train.x.shape[1:] == (8, 8, 1)  # the bundled ones
    assert "mnist is not prepared" in refusal(load, "mnist", data_dir=tmp_path / "none")
    assert load("mnist/").train.x.shape[1:] == (6, 5, 3)


@pytest.mark.parametrize("source", ["https://example.org/photos.zip", "s3://bucket/photos"])
def test_an_address_is_no_path(source):
    assert f"download {source}" in refusal(load, source)


def test_a_folder_of_nothing_usable(tmp_path):
    (tmp_path / "a.png").touch()
    for skip in (True, False):
        assert "a.png: it is no picture" in refusal(opened, tmp_path, skip_broken=skip)


def test_names_that_cannot_be_printed_are_escaped(tmp_path):
    write_pictures(tmp_path, COLORS)
    (tmp_path / "a\nb.png").touch()
    (tmp_path / os.fsdecode(b"\xff.png")).touch()
    message = refusal(opened, tmp_path)
    assert r"a\nb.png" in message
    message.encode()


# The cache


def test_the_second_start_decodes_nothing(tmp_path, monkeypatch):
    write_pictures(tmp_path / "faces" / "a", COLORS)
    cache = tmp_path / "cache"
    first = opened(tmp_path / "faces", cache)
    assert isinstance(first.train.x, np.memmap)
    folder = next(cache.glob("faces-*"))
    assert first.description[-1] == f"decoded into {folder}"
    with mock.patch.object(loading, "decode", side_effect=AssertionError):
        again = opened(tmp_path / "faces", cache, flip="off")
    assert again.fingerprint == first.fingerprint
    assert again.description[-1] == f"read from {folder}"
    np.testing.assert_array_equal(again.train.x, first.train.x)
    np.testing.assert_array_equal(again.train.y, first.train.y)
    assert again.label_names == ("a",)
    del vars(again)["fingerprint"]
    assert again.fingerprint == first.fingerprint  # as computed from the pixels


def test_a_changed_file_is_decoded_again(tmp_path):
    write_pictures(tmp_path, COLORS)
    first = opened(tmp_path)
    Image.fromarray(COLORS[1]).save(tmp_path / "00.png")
    os.utime(tmp_path / "00.png", ns=(0, 1))
    assert opened(tmp_path).fingerprint != first.fingerprint


def test_damaged_and_unfinished_caches_are_made_again(tmp_path):
    write_pictures(tmp_path / "faces", COLORS)
    cache = tmp_path / "cache"
    with (
        mock.patch.object(loading, "decode", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        opened(tmp_path / "faces", cache)
    assert [path for path in cache.iterdir() if path.suffix != ".lock"] == []
    first = opened(tmp_path / "faces", cache)
    pictures = next(cache.glob("faces-*")) / "pictures.npy"
    content = pictures.read_bytes()
    pictures.unlink()
    pictures.write_bytes(content[:200])
    assert rows(everything(opened(tmp_path / "faces", cache))) == rows(COLORS)
    assert opened(tmp_path / "faces", cache).fingerprint == first.fingerprint


@pytest.mark.parametrize("name", ["pictures.npy", "labels.npy", "facts.json"])
@pytest.mark.parametrize("content", [None, b"", b"{}", "one"])
def test_files_of_a_cache_belong_together(tmp_path, name, content):
    write_pictures(tmp_path / "faces" / "a", COLORS)
    cache = tmp_path / "cache"
    first = opened(tmp_path / "faces", cache)
    file = next(cache.glob("faces-*")) / name
    file.unlink()
    if content == "one":  # as many as of another set
        np.save(file.with_name("one.npy"), np.zeros(1, np.int64))
        file.with_name("one.npy").rename(file)
    elif content is not None:
        file.write_bytes(content)
    again = opened(tmp_path / "faces", cache)
    np.testing.assert_array_equal(again.train.x, first.train.x)
    np.testing.assert_array_equal(again.train.y, first.train.y)


def test_the_room_of_decoded_pictures_is_taken_before_they_are_written(tmp_path):
    write_pictures(tmp_path / "faces", COLORS)
    full = OSError(errno.ENOSPC, "No space left on device")
    with mock.patch("os.posix_fallocate", side_effect=full):
        assert "No space left" in refusal(opened, tmp_path / "faces", tmp_path / "cache")
    with mock.patch("os.posix_fallocate", side_effect=OSError(errno.EOPNOTSUPP, "no")):
        opened(tmp_path / "faces", tmp_path / "cache")
    file = next((tmp_path / "cache").glob("faces-*")) / "pictures.npy"
    other = Cache(tmp_path)
    other.allocate((100, 64, 64, 3))
    assert (tmp_path / "pictures.npy").stat().st_blocks * 512 >= 100 * 64 * 64 * 3
    assert file.stat().st_size > 0


def test_a_whole_cache_may_be_in_a_folder_that_can_only_be_read(tmp_path):
    write_pictures(tmp_path / "faces", COLORS)
    cache = tmp_path / "cache"
    first = opened(tmp_path / "faces", cache)
    with mock.patch("filelock.FileLock", side_effect=PermissionError(13, "denied")):
        assert opened(tmp_path / "faces", cache).fingerprint == first.fingerprint
        assert "denied" in refusal(opened, tmp_path / "faces", cache, size="8")


def test_a_cache_that_cannot_be_written(tmp_path):
    write_pictures(tmp_path / "faces", COLORS)
    (tmp_path / "file").touch()
    assert "--cache-dir" in refusal(opened, tmp_path / "faces", tmp_path / "file" / "cache")
    full = shutil._ntuple_diskusage(100, 100, 0)
    with mock.patch("shutil.disk_usage", return_value=full):
        message = refusal(opened, tmp_path / "faces", tmp_path / "cache")
    assert "left: choose another folder (--cache-dir)" in message


# What the pixels tell


def test_duplicates_are_counted():
    smooth = np.asarray(
        [Image.fromarray(x).resize((32, 32), Image.Resampling.BICUBIC) for x in COLORS]
    )
    assert duplicates.count(smooth) == (0, 0)
    brighter = np.clip(smooth[:5].astype(int) + 3, 0, 255).astype(np.uint8)
    assert duplicates.count(np.concatenate([smooth, brighter, smooth[7:10]])) == (3, 5)
    assert duplicates.count(np.zeros((4, 2, 3, 1), np.uint8)) == (3, 0)
    flat = np.arange(0, 250, 50, dtype=np.uint8)[:, None, None, None].repeat(9, 1).repeat(9, 2)
    assert duplicates.count(flat) == (0, 0)  # equal hashes, other brightness


def test_writing_is_told_from_other_pictures(tmp_path):
    digits = (load_digits().images * 255 / 16).astype(np.uint8)
    assert duplicates.look_like_writing(digits[..., None])
    assert duplicates.look_like_writing((digits / 255)[..., None].repeat(3, -1))
    shades = np.broadcast_to(np.linspace(0, 255, 64).astype(np.uint8)[:, None], (9, 64, 64))
    assert not duplicates.look_like_writing(shades[..., None])
    assert not duplicates.look_like_writing(FEW)  # colors
    write_pictures(tmp_path, digits[:20])
    for flip, used, words in [
        ("auto", False, "look like writing"),
        ("on", True, "pictures are flipped left to right"),
        ("off", False, "mirror images are not used"),
    ]:
        data = opened(tmp_path, flip=flip)
        assert data.flip is used
        assert any(words in line for line in data.description)


@pytest.mark.parametrize(("bits", "share"), [(12, "6.3%"), (14, "25.1%"), (15, None)])
def test_dark_pictures_are_named(tmp_path, bits, share):
    """A scanner's values of 12 bits, stored in 16, become 0 to 16 of 255: 6.3 % of white."""
    one = np.linspace(0, 2**bits - 1, 9 * 9).astype(np.uint16).reshape(9, 9)
    deep = np.stack([one] * 20)
    clear = np.stack([deep >> 8, np.full_like(deep, 255)], axis=-1).astype(np.uint8)
    write_pictures(tmp_path / "files", deep)
    write_pictures(tmp_path / "clear", clear)
    np.save(tmp_path / "deep.npy", deep)
    np.save(tmp_path / "floats.npy", (deep / 65535).astype(np.float32))
    for name in ("files", "clear", "deep.npy", "floats.npy"):
        lines = [line for line in opened(tmp_path / name).description if "are dark" in line]
        assert len(lines) == (share is not None)
        if name in ("files", "deep.npy") and share:
            assert f"their largest value is {share} of white" in lines[0]


def test_masks_of_zeros_and_ones_are_refused(tmp_path):
    write_pictures(tmp_path, BILEVEL // 255)
    assert "save them with values up to 255" in refusal(opened, tmp_path)


# Arrays


def test_arrays_take_the_options_too(tmp_path):
    x = RNG.integers(0, 256, (20, 12, 16, 5), dtype=np.uint8)
    np.save(tmp_path / "five.npy", x)
    data = opened(tmp_path / "five.npy")
    assert data.flip
    assert rows(everything(data)) == rows(x)
    assert "16x12 pixels and 5 channels" in data.description[0]
    np.save(tmp_path / "floats.npy", np.full((20, 12, 16, 2), 0.25, np.float32))
    small = opened(tmp_path / "floats.npy", size="8x6")
    np.testing.assert_allclose(everything(small), np.full((20, 6, 8, 2), 0.25), rtol=1e-6)
    assert "without aliasing" in small.provenance
    assert "arrays of 5 channels" in refusal(opened, tmp_path / "five.npy", channels=3)
    assert "holds arrays, padded with 0" in refusal(opened, tmp_path / "five.npy", alpha="white")
    np.save(tmp_path / "points.npy", np.zeros((20, 2)))
    assert opened(tmp_path / "points.npy").description == ()


def test_arrays_have_the_classes_of_their_labels_or_none(tmp_path):
    file = tmp_path / "few.npz"
    np.savez(file, x=COLORS, y=np.arange(20) % 3)
    for choice in ("auto", "labels"):
        data = opened(file, classes=choice)
        assert set(data.train.y.tolist()) == {0, 1, 2}
        assert data.label_names == ("0", "1", "2")
        assert "3 classes by label" in data.description
        assert not any("without pictures" in line for line in data.description)
    np.savez(tmp_path / "from_one.npz", x=COLORS, y=np.arange(20) % 3 + 1)
    assert (
        "classes without pictures to train on: 1, class 0"
        in opened(tmp_path / "from_one.npz").description
    )
    identifiers = tmp_path / "identifiers.npz"
    np.savez(identifiers, x=COLORS, y=np.arange(20) * 10**9)
    assert opened(identifiers).label_names is None
    unlabeled = opened(file, classes="none")
    assert [split.y for split in (unlabeled.train, unlabeled.validation, unlabeled.test)] == [
        None
    ] * 3
    assert rows(everything(unlabeled)) == rows(everything(opened(file)))
    for choice in ("folders", "kinds.csv"):
        assert "which holds arrays, not files" in refusal(opened, file, classes=choice)


# Training


def stream(x, y=None, seed=0, shuffle=True):
    return input_pipeline.training_stream(
        x,
        y,
        batch_size=4,
        minibatches=1,
        example_shape=(6, 5, 3),
        label_check=None if y is None else ClassRange(20),
        seed=seed,
        shuffle=shuffle,
        strategy=tf.distribute.get_strategy(),
    )


def test_pictures_are_read_in_the_order_of_arrays(tmp_path):
    np.save(tmp_path / "x.npy", COLORS)
    mapped, y = np.load(tmp_path / "x.npy", mmap_mode="r"), np.arange(20)
    for shuffle in (True, False):
        expected = stream(np.float32(COLORS) / 255, y, shuffle=shuffle)
        found = stream(Pictures(mapped), y, shuffle=shuffle)
        for epoch in (0, 1):
            for stream_ in (expected, found):
                stream_.begin_epoch(5 * epoch)
            for (a, b), (c, d) in zip(expected.dataset(), found.dataset(), strict=True):
                np.testing.assert_allclose(a, c, rtol=1e-6)
                np.testing.assert_array_equal(b, d)


def test_half_of_the_pictures_are_mirrored_others_each_epoch():
    x = RNG.random((200, 6, 5, 3), np.float32)

    def mirrored(seed, epoch, done=0):
        source = stream(Pictures(x, flip=True), seed=seed)
        source.begin_epoch(50 * epoch + done, done)
        batches = np.concatenate(list(source.dataset()))
        return [row.tobytes() in turned for row in batches], batches

    turned = {row.tobytes() for row in x[:, :, ::-1]}
    plain = {row.tobytes() for row in x}
    first, batches = mirrored(0, 0)
    assert {row.tobytes() for row in batches} <= turned | plain
    assert len({min(r.tobytes(), r[:, ::-1].tobytes()) for r in batches}) == 200  # each once
    assert 70 < sum(first) < 130
    assert mirrored(0, 0)[0] == first
    assert mirrored(0, 1)[0] != first != mirrored(1, 0)[0]
    np.testing.assert_array_equal(mirrored(0, 0, done=20)[1], batches[80:])


def test_samples_of_any_number_of_channels_are_shown():
    clear = np.array([[0.2, 0.4, 0.6, 0.0], [0.2, 0.4, 0.6, 0.5]]).reshape(2, 1, 1, 4)
    picture = plotting.grid(np.broadcast_to(clear, (2, 48, 48, 4)), 2)
    assert picture[24, 24].tolist() == [255, 255, 255]
    assert picture[24, 74].tolist() == [153, 179, 204]
    for channels in (2, 5, 8):
        assert plotting.grid(np.zeros((1, 4, 4, channels)), scale=1).shape == (8, 8, 3)


def test_evaluation_reads_pictures_in_order():
    arguments = {"batch_size": 8, "example_shape": (6, 5, 3), "label_check": None}
    batches = input_pipeline.evaluation_data(Pictures(COLORS, flip=True), None, **arguments)
    np.testing.assert_allclose(np.concatenate(list(batches)), np.float32(COLORS) / 255, rtol=1e-6)
    arguments["label_check"] = ClassRange(20)
    batches = input_pipeline.evaluation_data(Pictures(COLORS), np.arange(20), **arguments)
    assert np.concatenate([y for _, y in batches]).tolist() == list(range(20))
    with pytest.raises(InputError, match=r"the data have \(6, 5, 3\)"):
        input_pipeline.evaluation_data(
            Pictures(COLORS), None, batch_size=8, example_shape=(6, 5, 1), label_check=None
        )


@pytest.mark.parametrize(
    ("x", "arguments", "words"),
    [
        (np.float32(COLORS), {}, "pixels 0..255"),
        (np.full(COLORS.shape, np.nan, np.float32), {}, "NaN"),
        (COLORS, {"transform": lambda x: x}, "uint8"),
        (COLORS, {"passes": 0}, "`passes` must be an int >= 1"),
        (COLORS, {"passes": 1.5}, "`passes` must be an int >= 1"),
    ],
)
def test_pictures_are_checked_as_arrays_are(x, arguments, words):
    assert words in refusal(lambda: stream(Pictures(x, **arguments)))


def test_one_command_trains_on_a_folder(tmp_path, capsys):
    write_pictures(tmp_path / "faces", COLORS)
    arguments = [
        *("--dataset", str(tmp_path / "faces"), "--run-dir", str(tmp_path / "run")),
        *("--cache-dir", str(tmp_path / "cache"), "--batch-size", "8", "--size", "8x6"),
        *("--recipe", "own_data", "--likelihood-every", "0"),
    ]
    assert train.main([*arguments, "--epochs", "1"]) == 0
    printed = capsys.readouterr().out
    assert f"{tmp_path / 'faces'}: 20 pictures of 5x6 pixels (20 PNG)\n" in printed
    assert "they become 8x6, RGB, with 8 bits a channel: scaled without aliasing" in printed
    data = recipes.data_of(Run.open(tmp_path / "run"))
    assert data.element_shape == (6, 8, 3)
    assert data.description[-1].startswith(f"read from {tmp_path / 'cache'}")
    for wrong, words in (
        (["--size", "0"], "--size must be"),
        (["--stream"], "stay on disk without it"),
    ):
        assert train.main([*arguments, *wrong]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
    # The folder is moved: the run says so, and takes the new place.
    (tmp_path / "faces").rename(tmp_path / "moved")
    with pytest.raises(InputError, match=r"are gone: move them back, or say where .* --dataset"):
        recipes.data_of(Run.open(tmp_path / "run"))
    elsewhere = Run.open(tmp_path / "run", dataset=str(tmp_path / "moved"))
    assert recipes.data_of(elsewhere).fingerprint == data.fingerprint
    (tmp_path / "new").mkdir()
    (tmp_path / "moved").rename(tmp_path / "new" / "faces")
    arguments[1] = str(tmp_path / "new" / "faces")
    assert train.main([*arguments, "--epochs", "1"]) == 0
    assert Run.open(tmp_path / "run").config["dataset"] == arguments[1]


def test_an_epoch_of_several_passes():
    x = np.arange(10 * 6 * 5 * 3, dtype=np.float32).reshape(10, 6, 5, 3) / 900
    source = stream(Pictures(x, transform=lambda rows: rows, passes=2))
    source.begin_epoch(0)
    batches = np.concatenate(list(source.dataset()))
    counts = {row.tobytes(): 0 for row in x}
    for row in batches:
        counts[row.tobytes()] += 1
    assert set(counts.values()) == {2}


def test_names_that_lead_out_of_an_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("../outside.png", b"")
        archive.writestr("inside.png", b"")
    assert "../outside.png: its name leads out" in refusal(opened, tmp_path / "faces.zip")
