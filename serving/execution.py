"""Runs signatures off the event loop, each alone; `serving.batching` runs several at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from serving.errors import Unavailable
from serving.loader import Servable

Arrays = dict[str, np.ndarray]


class Executor(Protocol):
    """What the protocols need: inputs in, outputs out, cancelled when the caller is."""

    async def run(
        self,
        servable: Servable,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str],
    ) -> Arrays:
        """Runs a signature.

        Args:
            servable: The version.
            signature: The name of one of its signatures.
            inputs: Input alias to array.
            outputs: The output aliases wanted.

        Returns:
            Output alias to array.

        Raises:
            ServingError: The values were refused, or there is no room for the request now.
        """

    def close(self) -> None:
        """Lets what runs finish and ends the threads."""


class DirectExecutor:
    """Runs each request as it is.

    Args:
        threads: How many requests run at a time.
        max_waiting: How many more may wait; beyond that a request is refused.
    """

    def __init__(self, threads: int, max_waiting: int = 256) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="execution")
        self._room = threads + max_waiting

    async def run(
        self,
        servable: Servable,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str],
    ) -> Arrays:
        if not self._room:
            raise Unavailable("The server is busy: too many requests wait for execution.")
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, servable.run, servable.signatures[signature], inputs, outputs
            )
        finally:
            self._room += 1

    def close(self) -> None:
        self._threads.shutdown()
