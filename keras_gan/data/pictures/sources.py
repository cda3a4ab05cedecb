"""Finding pictures in folders and archives, by their names or their first bytes."""

from __future__ import annotations

import collections
import dataclasses
import errno
import functools
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from keras_gan.core.errors import InputError, first_line

HEIC_SUFFIXES = (".heic", ".heif")
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"),
    *HEIC_SUFFIXES,
)
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_SIGNATURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
HEIC = (b"ftyphe", b"ftypmif1", b"ftypmsf1")  # from the fifth byte on
_SIGNATURES_AT_4 = (b"ftypavif", b"ftypavis", *HEIC)
_MOST_BYTES = 1 << 30  # of one file

Opener = Callable[[], BinaryIO]


@dataclasses.dataclass
class Source:
    """The pictures of a folder or an archive.

    Attributes:
        names: Their paths in it, with "/".
        openers: Makes an iterator over functions that open them, in this order. One function is
            called before the next is asked for, or soon after, because archives are read in turn.
        states: Size and time of change of each file, or of the whole archive.
        faults: From names to what makes a file or folder unusable.
        others: Names of files of other kinds.
        read: Of an archive, gives the content of one of these.
        top: What an archive's names begin with and `names` leave out: the folder, with "/", in
            which all of its pictures lie, if there is one.
        labels: From names to classes, 0, 1, ..., if the source has classes of its own.
        label_names: Names of these classes.
    """

    openers: Callable[[], Iterator[Opener]]
    names: list[str] = dataclasses.field(default_factory=list)
    states: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    faults: dict[str, str] = dataclasses.field(default_factory=dict)
    others: list[str] = dataclasses.field(default_factory=list)
    read: Callable[[str], bytes] | None = None
    top: str = ""
    labels: dict[str, int] | None = None
    label_names: tuple[str, ...] | None = None


def shown(name: str) -> str:
    """A name as it can be printed in one line."""
    return name if name.isprintable() else ascii(name)


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Whether it has an archive's name."""
    return os.fspath(path).lower().endswith(ARCHIVES)


def name_of(path: Path) -> str:
    """The name of a folder, or of an archive without its ending."""
    ending = next((end for end in ARCHIVES if path.name.lower().endswith(end)), "")
    whole = os.path.basename(os.path.abspath(path))  # also of "." and of a link to a folder
    return whole if path.is_dir() else path.name[: len(path.name) - len(ending)]


def find(path: Path) -> Source:
    """The pictures of a folder, with all folders below, or of a .zip or .tar file.

    Files and folders whose names begin with a dot are left out, and folders of runs.

    Raises:
        InputError: The archive cannot be read, or there are no pictures.
    """
    if path.is_dir():
        source = _in_folder(path)
    else:
        try:
            source = (_in_zip if path.suffix.lower() == ".zip" else _in_tar)(path)
        except Exception as error:  # damaged archives raise exceptions of many kinds
            raise InputError(f"{path} cannot be read: {_reason(error)}") from error
        twice = [name for name, n in collections.Counter(source.names).items() if n > 1]
        if twice:
            raise InputError(f"{path} holds {shown(twice[0])} twice; create the archive again")
    if not source.names:
        others = [f", such as {shown(name)}" for name in source.others]
        faults = [f"; {shown(name)}: {fault}" for name, fault in source.faults.items()]
        raise InputError(
            f"{path} holds no pictures ({', '.join(SUFFIXES)}), {len(others):,} other files"
            + "".join(others[:1] + faults[:3])
        )
    return source


def _in_folder(folder: Path) -> Source:
    source = Source(lambda: (functools.partial(_open, folder / name) for name in source.names))
    status = folder.stat()
    found = sorted(_walk(folder, "", ((status.st_dev, status.st_ino),), source.faults))
    for name, size, changed in found:
        if _is_picture(name, functools.partial(_head, folder / name)):
            source.names.append(name)
            source.states.append((size, changed))
        else:
            source.others.append(name)
    return source


def _walk(
    folder: Path, prefix: str, above: tuple[tuple[int, int], ...], faults: dict[str, str]
) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of change of each file; `above` identifies the folder and its parents."""
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        faults[prefix or str(folder)] = _reason(error)
        return
    if prefix and _is_run({entry.name for entry in entries}):
        return
    for entry in entries:
        name = prefix + entry.name
        if _is_hidden(entry.name):
            continue
        try:
            status = entry.stat()
        except OSError as error:
            if error.errno == errno.ELOOP:
                faults[name] = "it is a symbolic link that leads to itself"
            elif name.lower().endswith(SUFFIXES):
                faults[name] = _reason(error)
            continue
        if stat.S_ISDIR(status.st_mode):
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                faults[name] = "it is a symbolic link to a folder that it lies in"
            else:
                yield from _walk(Path(entry.path), f"{name}/", (*above, identity), faults)
        elif stat.S_ISREG(status.st_mode):
            if status.st_size > _MOST_BYTES:
                faults[name] = "it is larger than 1 GiB"
            else:
                yield name, status.st_size, status.st_mtime_ns


def _in_zip(path: Path) -> Source:
    def openers() -> Iterator[Opener]:
        archive = zipfile.ZipFile(path)  # closed together with the last function that reads it
        infos = (files[source.top + name] for name in source.names)
        return (functools.partial(_bytes_of, archive, info) for info in infos)

    def read(name: str) -> bytes:
        with zipfile.ZipFile(path) as archive:
            return archive.read(files[name])

    files: dict[str, zipfile.ZipInfo] = {}
    members: list[str] = []
    source = Source(openers, states=[_state(path)], read=read)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            # Old programs of Windows write its separator; on other systems it is a letter.
            windows = info.create_system == 0
            name = info.filename.replace("\\", "/") if windows else info.filename

            def head(info: zipfile.ZipInfo = info) -> bytes:
                with archive.open(info) as file:
                    return file.read(16)

            if name.endswith("/"):
                continue
            if info.flag_bits & 1:
                source.faults[name] = "it is protected by a password"
            elif _take(source, name, info.file_size, head):
                files[_plain(name)] = info
            members.append(name)
    return _without_runs(source, members)


def _bytes_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    return io.BytesIO(archive.read(info))


def _in_tar(path: Path) -> Source:
    def openers() -> Iterator[Opener]:
        with tarfile.open(path) as archive:
            for name in source.names:
                yield functools.partial(io.BytesIO, start(archive, files[source.top + name]))

    def read(name: str) -> bytes:
        with tarfile.open(path) as archive:
            return start(archive, files[name])

    def start(archive: tarfile.TarFile, info: tarfile.TarInfo, size: int = -1) -> bytes:
        try:
            file = archive.extractfile(info)  # of a link, what it leads to
        except (KeyError, RecursionError):  # it leads nowhere, or to itself
            file = None
        return b"" if file is None else file.read(size)

    files: dict[str, tarfile.TarInfo] = {}
    source = Source(openers, states=[_state(path)], read=read)
    with tarfile.open(path) as archive:
        for info in archive:
            head = functools.partial(start, archive, info, 16)
            if not (info.isreg() or info.islnk() or info.issym()):
                continue
            if _take(source, info.name, info.size, head):
                files[_plain(info.name)] = info
        _check_end(archive)
        members = archive.getnames()
    return _without_runs(source, members)


def _check_end(archive: tarfile.TarFile) -> None:
    """Refuses an archive whose next header is damaged: `tarfile` takes it for the end."""
    file = archive.fileobj
    assert file is not None
    file.seek(archive.offset)
    if file.read(tarfile.BLOCKSIZE).strip(b"\0"):  # at the end is nothing, or zeros
        after = f" after {shown(names[-1])}" if (names := archive.getnames()) else ""
        raise tarfile.ReadError(
            f"it is damaged or incomplete{after}; copy, download or create it again"
        )


def _take(source: Source, name: str, size: int, head: Callable[[], bytes]) -> bool:
    """Notes a file of an archive; True if it may be read: a picture, or one of another kind."""
    name = _plain(name)
    if ".." in name.split("/"):
        source.faults[name] = "its name leads out of the archive"
        return False
    if any(_is_hidden(part) for part in name.split("/")):
        return False
    if size > _MOST_BYTES:
        source.faults[name] = "it is larger than 1 GiB"
        return False
    (source.names if _is_picture(name, head) else source.others).append(name)
    return True


def _without_runs(source: Source, members: list[str]) -> Source:
    """The source of an archive with these files without the pictures of runs; see `_walk`."""
    contents: dict[str, set[str]] = collections.defaultdict(set)
    for path in map(_plain, members):
        while path:  # an archive need not name its folders
            folder, _, name = path.rpartition("/")
            contents[folder].add(name)
            path = folder
    runs = tuple(f"{folder}/" for folder, names in contents.items() if folder and _is_run(names))
    source.names = [name for name in source.names if not name.startswith(runs)]
    return _below_common_folder(source)


def _is_run(names: set[str]) -> bool:
    """Whether a folder with these files and folders is a run, whose pictures are samples."""
    return "config.json" in names and bool(names & {".lock", "models", "checkpoints"})


def _plain(name: str) -> str:
    """A name in an archive without empty parts and dots."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _below_common_folder(source: Source) -> Source:
    """The source without the one folder in which everything lies, as archives often have it."""
    tops = {name.partition("/")[0] if "/" in name else "" for name in source.names}
    if len(tops) == 1 and (top := tops.pop()):
        source.top = f"{top}/"
        source.names = [name.removeprefix(source.top) for name in source.names]
    return source


def _is_picture(name: str, head: Callable[[], bytes]) -> bool:
    """By the ending of its name; without a usual ending, by its first bytes."""
    if name.lower().endswith(SUFFIXES):
        return True
    if os.path.splitext(name)[1][1:].isalpha():
        return False
    try:
        start = head()
        return start.startswith(_SIGNATURES) or start.startswith(_SIGNATURES_AT_4, 4)
    except Exception:  # whatever cannot be read cannot be told to be a picture
        return False


def _open(file: Path) -> BinaryIO:
    return file.open("rb")


def _head(file: Path) -> bytes:
    with _open(file) as opened:
        return opened.read(16)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or first_line(error)
