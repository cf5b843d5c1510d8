"""Fit a multilabel head: for each tag, a logistic regression against all the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine import fitting
from engine.backbones import Card
from engine.fitting import FOLDS, LEAST, MOST_FOR_SEARCH, SMALLEST, STRENGTHS, CannotFit, Choice, Examples
from engine.heads import Floats, Head, linear, normalised, sigmoid
from engine.metrics import Flags
from engine.regression import Check, Weights, never, one_vs_rest


def choose(
    examples: Examples,
    *,
    calibration: Examples | None,
    seed: int = 0,
    strengths: Sequence[float] = STRENGTHS,
    check: Check = never,
) -> Choice:
    """Return the C and temperature with the least loss on unseen examples, as `fitting.choose` does."""
    searched = _sample(examples, seed=seed)
    judging = np.flatnonzero((calibration or searched).judging)
    truths = (calibration or searched).labels[judging]

    def judged(strength: float) -> Choice:
        logits = _unseen_logits(searched, calibration, strength=strength, seed=seed, check=check)[judging]
        temperature = fitting.best_temperature(logits, truths, loss=log_loss)
        return Choice(strength, temperature, log_loss(logits, truths, temperature=temperature))

    return fitting.search(judged, strengths=strengths)


def fit_as_chosen(examples: Examples, choice: Choice, *, tags: Sequence[str], card: Card, check: Check = never) -> Head:
    """Return the head of all examples with the C and temperature that were chosen."""
    weights, bias = regress(examples, strength=choice.strength, check=check)
    return Head(
        tags=tuple(tags),
        backbone=card.name,
        backbone_sha256=card.sha256,
        weights=weights,
        bias=bias,
        temperature=choice.temperature,
        multilabel=True,
    )


def cross_validated(examples: Examples, choice: Choice, *, seed: int = 0, check: Check = never) -> Floats:
    """Return (n, tags), the probabilities of each example by regressions on the folds that it is not in."""
    logits = _unseen_logits(examples, None, strength=choice.strength, seed=seed, check=check)
    return sigmoid(logits, temperature=choice.temperature).astype(np.float32)


def regress(examples: Examples, *, strength: float, start: Weights | None = None, check: Check = never) -> Weights:
    """Return the weights of one logistic regression for each tag; see `one_vs_rest`."""
    unit, truths, counting = normalised(examples.vectors), examples.labels, examples.counting
    return one_vs_rest(unit, truths, strength=strength, counting=counting, start=start, check=check)


def log_loss(logits: Floats, truths: Flags, *, temperature: float) -> float:
    """Return the mean log-loss in nats over all pairs of picture and tag, each truth believed to (n + 1) / (n + 2)."""
    shares = np.clip(sigmoid(logits, temperature=temperature), SMALLEST, 1 - 1e-16)
    believed = np.where(truths, (len(truths) + 1) / (len(truths) + 2), 1 / (len(truths) + 2))
    return float(-(believed * np.log(shares) + (1 - believed) * np.log(1 - shares)).mean())


def _unseen_logits(
    examples: Examples, calibration: Examples | None, *, strength: float, seed: int, check: Check
) -> Floats:
    """Return logits of pictures that the regression has not seen: the calibration's, or each fold's by the others."""
    from sklearn.model_selection import GroupKFold

    if calibration is not None:
        return linear(calibration.vectors, *regress(examples, strength=strength, check=check))
    logits = np.empty(examples.labels.shape, dtype=np.float32)
    groups = np.arange(len(logits)) if examples.groups is None else examples.groups
    splitter = GroupKFold(min(FOLDS, len(set(groups.tolist()))), shuffle=True, random_state=seed)
    for rest, fold in splitter.split(examples.vectors, groups=groups):
        fitted = regress(examples.only(rest), strength=strength, check=check)
        logits[fold] = linear(examples.vectors[fold], *fitted)
    return logits


def _sample(examples: Examples, *, seed: int) -> Examples:
    """Return about MOST_FOR_SEARCH examples at most, with some of each tag."""
    count = len(examples.labels)
    if count <= MOST_FOR_SEARCH:
        return examples
    order = np.random.default_rng(seed).permutation(count)
    some_of_each = [order[truth[order]][:FOLDS] for truth in examples.labels.T]
    return examples.only(np.unique(np.concatenate([order[:MOST_FOR_SEARCH], *some_of_each])))


def check_examples(examples: Examples, *, tags: Sequence[str]) -> None:
    """Raise CannotFit unless there is a tag, and each has two examples."""
    if not tags:
        raise CannotFit("There are no tags, at least 1 is needed.")
    for tag, count in zip(tags, examples.labels.sum(axis=0), strict=True):
        if count < LEAST:
            raise CannotFit(f"Tag {tag!r} has {count} examples, at least {LEAST} are needed.")
