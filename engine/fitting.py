"""Fit a head on vectors: regularisation and temperature are chosen on pictures that the fit has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backbones import Card
from engine.exceptions import EngineError
from engine.heads import Floats, Head, linear, normalised, softmax
from engine.metrics import Flags, Indices
from engine.regression import Check, Weights, multinomial, never

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Values of C, as scikit-learn calls it, that are tried: the higher, the freer the weights."""
FOLDS = 5
MOST_FOR_SEARCH = 5_000
"""Examples that the search looks at: with more, C hardly moves and the search takes minutes."""
LEAST = 2
"""Tags, and examples of each: what a regression on folds cannot do without."""
CORRECTION_COUNTS = 0.5
"""As an example. Errors lie where labels are doubtful: with a weight of 1 or more they cost what they bring."""
SMALLEST = 1e-300
"""Probabilities are raised to this before their logarithm is taken."""
_LOG_TEMPERATURES = (np.log(0.05), np.log(20.0))


class CannotFit(EngineError):
    """The examples do not suffice to fit a head; the user can add some."""


@dataclass(frozen=True)
class Examples:
    """Labelled vectors."""

    vectors: Floats
    """(n, vector_length), as the backbone gives them."""
    labels: NDArray[Any]
    """(n,), index into the tags; for a multilabel head (n, tags), True where the picture has the tag."""
    groups: Indices | None = None
    """(n,), equal for near-duplicates, which folds keep together; None: there are none."""
    corrections: Flags | None = None
    """(n,), which are corrections of wrong predictions: they teach half as much as others and calibrate nothing, as
    they were chosen for being hard; None: none are."""

    @property
    def counting(self) -> Floats | None:
        """(n,), how much each teaches; None: the same."""
        return None if self.corrections is None else np.where(self.corrections, CORRECTION_COUNTS, 1).astype(np.float32)

    @property
    def judging(self) -> Flags:
        """(n,), which may calibrate: those that are no corrections, or all where there are only such."""
        if self.corrections is None or self.corrections.all():
            return np.ones(len(self.labels), dtype=np.bool_)
        return ~self.corrections

    def only(self, rows: Indices) -> Examples:
        groups = None if self.groups is None else self.groups[rows]
        corrections = None if self.corrections is None else self.corrections[rows]
        return Examples(self.vectors[rows], self.labels[rows], groups, corrections)


_Scorer = Callable[[float], tuple[Floats, Indices]]
"""From C to logits (n, tags) of pictures that the regression has not seen, and their labels (n,)."""


@dataclass(frozen=True)
class Choice:
    """What was chosen on pictures that the fit had not seen."""

    strength: float
    """C, as scikit-learn calls it: the higher, the freer the weights."""
    temperature: float
    loss: float
    """The smoothed log-loss there, in nats, at that temperature."""


def fit_as_chosen(examples: Examples, choice: Choice, *, tags: Sequence[str], card: Card, check: Check = never) -> Head:
    """Return the head of all examples with the C and temperature that were chosen.

    Tags weigh the same, however many examples they have. The same examples in the same order give the same head.
    """
    weights, bias = regress(examples, strength=choice.strength, check=check)
    return Head(
        tags=tuple(tags),
        backbone=card.name,
        backbone_sha256=card.sha256,
        weights=weights,
        bias=bias,
        temperature=choice.temperature,
    )


def recalibrated(head: Head, calibration: Examples) -> Head:
    """Return the head with its own best temperature: the search may have looked at a part of the examples only."""
    return replace(head, temperature=best_temperature(head.logits(calibration.vectors), calibration.labels))


def cross_validated(examples: Examples, choice: Choice, *, seed: int = 0, check: Check = never) -> Floats:
    """Return (n, tags), the probabilities of each example by a regression on the folds that it is not in."""
    logits = _folds_logits(examples, seed=seed, check=check)(choice.strength)
    return softmax(logits, temperature=choice.temperature).astype(np.float32)


def choose(
    examples: Examples,
    *,
    calibration: Examples | None,
    seed: int,
    strengths: Sequence[float] = STRENGTHS,
    check: Check = never,
) -> Choice:
    """Return the C and temperature with the least log-loss on `calibration` or, without it, on folds of the examples.

    Calibration examples should be unseen by the backbone too, or the head is over-confident. The same examples in the
    same order and the same seed give the same choice. Takes seconds for a thousand pictures. `check` is called at every
    step and may raise.
    """
    searched = _sample(examples, seed=seed)
    if calibration is None:
        score = _folds_scorer(searched, seed=seed, check=check)
    else:
        score = _calibration_scorer(searched, calibration, check=check)
    return search(lambda strength: judge(strength, *score(strength)), strengths=strengths)


def search(judged: Callable[[float], Choice], *, strengths: Sequence[float]) -> Choice:
    """Return the choice with the least loss. The loss has one valley: the search ends behind it."""
    lowest, *higher = sorted(strengths)
    best = judged(lowest)
    for strength in higher:
        choice = judged(strength)
        if choice.loss >= best.loss:
            break
        best = choice
    return best


def judge(strength: float, logits: Floats, labels: Indices) -> Choice:
    """Return that C with the temperature that suits these logits (n, tags) of unseen pictures best, and its loss."""
    temperature = best_temperature(logits, labels)
    return Choice(strength, temperature, smoothed_loss(logits, labels, temperature=temperature))


def smoothed_loss(logits: Floats, labels: Indices, *, temperature: float) -> float:
    """Return the mean log-loss in nats when the truth of n pictures is believed to (n + 1) / (n + 2) only.

    Platt 1999, section 2.2: twenty pictures out of twenty right do not prove that the next one will be. Without it a
    small held-out part without an error would drive every probability to 0 or 1. What is not believed is spread over
    the other tags.
    """
    logs = np.log(np.maximum(softmax(logits, temperature=temperature), SMALLEST))
    true = logs[np.arange(len(labels)), labels]
    others = (logs.sum(axis=1) - true) / (logs.shape[1] - 1)
    doubt = 1 / (len(labels) + 2)
    return float(-((1 - doubt) * true + doubt * others).mean())


def best_temperature(logits: Floats, labels: NDArray[Any], *, loss: Callable[..., float] = smoothed_loss) -> float:
    """Return the temperature, 0.05 to 20, with the least loss, by default the smoothed one; logits (n, tags), n >= 1.

    Temperature scaling: Guo et al. 2017, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    # In its logarithm: the loss has one valley either way, and halving weighs as much as doubling.
    optimum = minimize_scalar(
        lambda logarithm: loss(logits, labels, temperature=float(np.exp(logarithm))),
        bounds=_LOG_TEMPERATURES,
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(optimum.x))


def regress(examples: Examples, *, strength: float, start: Weights | None = None, check: Check = never) -> Weights:
    """Return the weights of a class-balanced multinomial logistic regression; see `multinomial`."""
    unit, labels, counting = normalised(examples.vectors), examples.labels, examples.counting
    return multinomial(unit, labels, strength=strength, counting=counting, start=start, check=check)


def check_examples(examples: Examples, *, tags: Sequence[str]) -> None:
    """Raise CannotFit unless there are two tags with two examples each."""
    if len(tags) < LEAST:
        raise CannotFit(f"There are {len(tags)} tags, at least {LEAST} are needed.")
    for tag, count in zip(tags, np.bincount(examples.labels, minlength=len(tags)), strict=True):
        if count < LEAST:
            raise CannotFit(f"Tag {tag!r} has {count} examples, at least {LEAST} are needed.")


def _calibration_scorer(examples: Examples, calibration: Examples, *, check: Check) -> _Scorer:
    fitted: Weights | None = None

    def score(strength: float) -> tuple[Floats, Indices]:
        nonlocal fitted
        fitted = regress(examples, strength=strength, start=fitted, check=check)
        return linear(calibration.vectors, *fitted), calibration.labels

    return score


def _folds_scorer(examples: Examples, *, seed: int, check: Check) -> _Scorer:
    """Score each example that may calibrate by a regression on the folds that it is not in."""
    logits_at = _folds_logits(examples, seed=seed, check=check)
    judged = np.flatnonzero(examples.judging)
    return lambda strength: (logits_at(strength)[judged], examples.labels[judged])


def _folds_logits(examples: Examples, *, seed: int, check: Check) -> Callable[[float], Floats]:
    """Return what gives, for a C, the logits (n, tags) of each example by a regression on the folds without it."""
    counts = np.bincount(examples.labels)
    splits = _folds(examples, count=min(FOLDS, int(counts.min())), seed=seed)
    fitted: list[Weights | None] = [None] * len(splits)

    def logits_at(strength: float) -> Floats:
        logits = np.empty((len(examples.labels), len(counts)), dtype=np.float32)
        for place, (rest, fold) in enumerate(splits):
            learned = examples.only(rest)
            weights, bias = fitted[place] = regress(learned, strength=strength, start=fitted[place], check=check)
            logits[fold] = linear(examples.vectors[fold], weights, bias)
        return logits

    return logits_at


def _folds(examples: Examples, *, count: int, seed: int) -> list[tuple[Indices, Indices]]:
    """Return for each fold the rows of the others and its own; near-duplicates are in one fold where that can be."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels, groups = examples.labels, examples.groups
    if groups is not None and len(set(groups.tolist())) >= count:
        grouped = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        splits = list(grouped.split(examples.vectors, labels, groups))
        tags = set(labels.tolist())
        if all(len(fold) and set(labels[rest].tolist()) == tags for rest, fold in splits):
            return splits
    return list(StratifiedKFold(count, shuffle=True, random_state=seed).split(examples.vectors, labels))


def _sample(examples: Examples, *, seed: int) -> Examples:
    """Return about MOST_FOR_SEARCH examples at most: tags in proportion, but enough of each for the folds."""
    count = len(examples.labels)
    if count <= MOST_FOR_SEARCH:
        return examples
    order = np.random.default_rng(seed).permutation(count)
    shuffled = examples.labels[order]
    shares = np.maximum(np.bincount(shuffled) * MOST_FOR_SEARCH // count, FOLDS)
    return examples.only(np.concatenate([order[shuffled == tag][:share] for tag, share in enumerate(shares)]))
