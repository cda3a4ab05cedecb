"""The directions in which a data set varies most."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

_LEAST, _MOST = 16, 64
_EXPLAINED = 0.9
ROUNDING = 1e-10  # of a squared length in float32


class Components:
    """The principal components that hold 90 % of the variance of `rows`, 16 to 64 of them.

    Noise on an image lies mostly outside of them. Fewer where the rows have fewer numbers.
    """

    def __init__(self, rows: np.ndarray, seed: int = 0):
        least, most = (min(count, rows.shape[1], len(rows)) for count in (_LEAST, _MOST))
        # PCA in float32 takes the mean off after its products: far from 0 no digits are left.
        self._origin = rows.mean(axis=0, dtype=np.float64).astype(rows.dtype)
        self._pca = PCA(most, random_state=seed).fit(rows - self._origin)
        explained = np.cumsum(self._pca.explained_variance_ratio_)
        self.count = int(np.clip(np.searchsorted(explained, _EXPLAINED) + 1, least, most))

    def project(self, rows: np.ndarray) -> np.ndarray:
        """The coordinates of rows `[n, d]` along the components, `[n, count]`."""
        return self._pca.transform(rows - self._origin)[:, : self.count]

    def outside(self, rows: np.ndarray) -> np.ndarray:
        """The squared length of what rows `[n, d]` have outside of the components, `[n]`.

        It is 0 where it may be rounding.
        """
        axes = self._pca.components_[: self.count]
        centered = rows - self._origin
        squares = np.square(centered - (centered @ axes.T) @ axes).sum(axis=1)
        return np.where(squares > ROUNDING * np.square(centered).sum(axis=1), squares, 0)
