"""Runs signatures off the event loop, each alone; `serving.batching` runs several at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from serving.errors import Unavailable
from serving.loader import Servable

Arrays = dict[str, np.ndarray]


class DirectExecutor:
    """Runs each request as it is.

    Args:
        threads: How many requests run at a time.
        max_waiting: How many more may wait; beyond that a request is refused.
    """

    def __init__(self, threads: int, max_waiting: int = 256) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="execution")
        self._capacity = threads + max_waiting

    async def run(
        self,
        servable: Servable,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str],
    ) -> Arrays:
        """Runs a signature; cancelled when the caller is.

        Args:
            servable: The version.
            signature: The name of one of its signatures.
            inputs: Input alias to array.
            outputs: The output aliases wanted.

        Returns:
            Output alias to array.

        Raises:
            ServingError: The values were refused, or there is no capacity for the request now.
        """
        if not self._capacity:
            raise Unavailable("The server is busy: too many requests wait for execution.")
        self._capacity -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, servable.run, servable.signatures[signature], inputs, outputs
            )
        finally:
            self._capacity += 1

    def close(self) -> None:
        """Waits for running requests and ends the threads."""
        self._threads.shutdown()
