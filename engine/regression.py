"""Logistic regressions on unit vectors, by scipy's L-BFGS: all tags at once, stoppable, from where another ended.

scikit-learn's does the same sums but can neither be stopped half-way nor begin elsewhere with two classes; of 100,000
pictures that is a minute.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine.heads import Floats
from engine.metrics import Flags, Indices

Weights = tuple[Floats, Floats]
"""Weights (vector_length, tags) and bias (tags,)."""
Check = Callable[[], None]
"""Called at every step of a fit, and may raise to end it."""
_Loss = Callable[[Floats], float]
"""From logits (n, tags), which it turns into the loss's gradient by them, to the loss."""
_ITERATIONS = 2_000
_LEAST_GAIN = 1e-4
"""Share of the loss that an iteration must gain for another one to be worth it."""

_WORTH_THREADS = 200_000
"""Logits from which several threads are faster than one; with fewer they wait for each other, busily."""


def never() -> None:
    """Let it go on."""


def multinomial(
    unit: Floats,
    labels: Indices,
    *,
    strength: float,
    counting: Floats | None = None,
    start: Weights | None = None,
    check: Check = never,
) -> Weights:
    """Fit a multinomial logistic regression in which every tag weighs the same, however many examples it has.

    unit: (n, vector_length), of length 1. labels: (n,), from 0, every one with an example. counting: (n,), how much
    each example counts beside the others of its tag; None: the same. The penalty is the squared weights over twice the
    strength. `check` is called at every step and may raise.
    """
    counting = np.ones(len(labels), dtype=np.float32) if counting is None else counting
    totals = np.bincount(labels, weights=counting)
    importance = (counting * counting.sum() / (len(totals) * totals[labels])).astype(np.float32)
    rows = np.arange(len(labels))

    def loss(logits: Floats) -> float:
        logits -= logits.max(axis=1, keepdims=True)
        true = logits[rows, labels]
        np.exp(logits, out=logits)
        sums = logits.sum(axis=1, keepdims=True)
        logits /= sums
        logits[rows, labels] -= 1
        logits *= importance[:, None]
        return float((importance * (np.log(sums[:, 0]) - true)).sum(dtype=np.float64))

    return _minimise(loss, unit, tags=len(totals), strength=strength, start=start, check=check)


def one_vs_rest(
    unit: Floats,
    truths: Flags,
    *,
    strength: float,
    counting: Floats | None = None,
    start: Weights | None = None,
    check: Check = never,
) -> Weights:
    """Fit for each tag a logistic regression of having it or not; truths: (n, tags). See `multinomial`.

    Tags are not balanced: how rare a tag is belongs to its probability.
    """

    from scipy.special import expit

    importance = np.ones((len(truths), 1), dtype=np.float32) if counting is None else counting[:, None]

    def loss(logits: Floats) -> float:
        # log(1 + exp(-z)) for those that have the tag, log(1 + exp(z)) for the others
        total = float((importance * np.logaddexp(0, np.where(truths, -logits, logits))).sum(dtype=np.float64))
        expit(logits, out=logits)
        logits -= truths
        logits *= importance
        return total

    return _minimise(loss, unit, tags=truths.shape[1], strength=strength, start=start, check=check)


def _minimise(loss: _Loss, unit: Floats, *, tags: int, strength: float, start: Weights | None, check: Check) -> Weights:
    from scipy.optimize import minimize

    shape = (unit.shape[1], tags)
    scale = 1 / len(unit)

    def objective(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        check()
        weights, bias = _unpack(point, shape)
        logits = unit @ weights + bias
        penalised = loss(logits) + float((point[: weights.size] ** 2).sum()) / (2 * strength)
        gradient = [(unit.T @ logits + weights / np.float32(strength)).ravel(), logits.sum(axis=0)]
        return penalised * scale, np.concatenate(gradient).astype(np.float64) * scale

    begin = np.zeros(shape[0] * tags + tags) if start is None else np.concatenate([start[0].ravel(), start[1]])
    options = {"maxiter": _ITERATIONS, "ftol": _LEAST_GAIN}
    threads = None if len(unit) * tags >= _WORTH_THREADS else 1
    with threadpool_limits(threads, user_api="blas"):
        optimum = minimize(objective, begin.astype(np.float64), jac=True, method="L-BFGS-B", options=options)
    return _unpack(optimum.x, shape)


def _unpack(point: NDArray[np.float64], shape: tuple[int, int]) -> Weights:
    count = shape[0] * shape[1]
    return point[:count].reshape(shape).astype(np.float32), point[count:].astype(np.float32)
