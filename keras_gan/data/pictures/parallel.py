"""Many files at once."""

from __future__ import annotations

import collections
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import rich
from rich.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNK = 8  # items of one task: few calls, and not much of an archive in memory


def each(
    function: Callable[[Item], Result], items: Iterable[Item], count: int, title: str
) -> Iterator[Result]:
    """`function(item)` of all items in order, computed ahead by a thread for each core.

    Pillow decodes and resizes without Python's lock. A terminal shows the progress.
    """
    shown = rich.get_console().is_terminal
    yield from track(_ahead(function, items), title, count, transient=True, disable=not shown)


def _ahead(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    iterator, threads = iter(items), os.cpu_count() or 1
    tasks: collections.deque[Future[list[Result]]] = collections.deque()
    pool = ThreadPoolExecutor(threads)
    try:
        while chunk := list(itertools.islice(iterator, _CHUNK)):
            tasks.append(pool.submit(lambda chunk: [function(item) for item in chunk], chunk))
            if len(tasks) > 2 * threads:
                yield from tasks.popleft().result()
        while tasks:
            yield from tasks.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
