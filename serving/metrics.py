"""Prometheus metrics under TensorFlow Serving's names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import prometheus_client
from prometheus_client.core import Metric

_PREFIX = ":tensorflow:serving:"
# Microseconds, from 10 up by factors of 1.8: about 20 minutes at the end.
_BUCKETS = [10 * 1.8**power for power in range(33)]


class Metrics:
    """The counters and latencies of one server."""

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()
        self._registry = prometheus_client.CollectorRegistry()
        self._requests = _Counter("request_count", "Requests answered.", ("model_name", "status"))
        self._rows = _Counter("request_example_count_total", "Rows in requests.", ("model",))
        self._registry.register(self._requests)
        self._registry.register(self._rows)
        histogram = partial(prometheus_client.Histogram, buckets=_BUCKETS, registry=self._registry)
        self._request_latency = histogram(
            f"{_PREFIX}request_latency",
            "Time of a request (microseconds).",
            ("model_name", "API", "entrypoint"),
        )
        self._runtime_latency = histogram(
            f"{_PREFIX}runtime_latency",
            "Time in the TensorFlow runtime, its queue included (microseconds).",
            ("model_name", "API", "runtime"),
        )

    def request(self, model: str, api: str, entrypoint: str, status: str, seconds: float) -> None:
        """Counts an answered request of a model that exists."""
        self._requests.add((model, status))
        if status == "OK":
            self._request_latency.labels(model, api, entrypoint).observe(seconds * 1e6)

    def runtime(self, model: str, seconds: float) -> None:
        """Records a run of a signature."""
        self._runtime_latency.labels(model, "Predict", "TF1").observe(seconds * 1e6)

    def rows(self, model: str, count: int) -> None:
        """Counts the rows of a request."""
        self._rows.add((model,), count)

    def page(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return prometheus_client.generate_latest(self._registry)


class _Counter:
    """A counter by its plain name: the client library's own would call it `..._total`."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self._name, self._text, self._labels = _PREFIX + name, text, labels
        self._values: dict[tuple[str, ...], int] = {}

    def add(self, labels: tuple[str, ...], amount: int = 1) -> None:
        self._values[labels] = self._values.get(labels, 0) + amount

    def collect(self) -> Iterator[Metric]:
        metric = Metric(self._name, self._text, "unknown")
        for values, count in sorted(self._values.items()):
            metric.add_sample(self._name, dict(zip(self._labels, values, strict=True)), count)
        yield metric
