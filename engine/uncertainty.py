"""How little a head knows of a picture, as one number."""

import numpy as np
from numpy.typing import NDArray


def uncertainty(probabilities: NDArray[np.floating], *, multilabel: bool) -> NDArray[np.float64]:
    """Return (n,), 0 (sure) to 1 (no idea), from probabilities (n, tags).

    The entropy of Shannon 1948, by which Settles 2009 ("Active Learning Literature Survey", 3.1) ranks what to ask a
    person next, over the most that it can be: ln(tags) where the tags exclude each other. Where `multilabel`, each tag
    is a question of its own with yes or no for an answer, and it is the average of these, over ln 2.
    """
    shares = probabilities.astype(np.float64)
    if multilabel:
        entropies: NDArray[np.float64] = (_parts(shares) + _parts(1 - shares)).mean(axis=1) / np.log(2)
    else:
        entropies = _parts(shares).sum(axis=1) / np.log(max(shares.shape[1], 2))
    return entropies.clip(0, 1)


def _parts(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return -p ln p of each element; what never happens and what always does add nothing."""
    clipped = np.clip(shares, 0, 1)
    parts: NDArray[np.float64] = -clipped * np.log(np.where(clipped > 0, clipped, 1))
    return parts
