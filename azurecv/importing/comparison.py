"""Which engine is right more often: ours and the other side's on the same pictures, which ours did not learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.utils.translation import gettext as _

from azurecv.importing.source import Source
from azurecv.training.measuring import content_of
from engine.statistics import mcnemar
from jobs.progress import Progress
from training.exceptions import Refused
from training.labels import columns_of
from training.models import Iteration
from training.snapshots import snapshot_of

_THRESHOLD = 0.5


@dataclass(frozen=True)
class Judgement:
    """What both say of one picture."""

    sha256: str
    truth: frozenset[str]
    ours: frozenset[str]
    theirs: frozenset[str]
    """Names of tags: the most probable one or, in a Multilabel project, those of at least 0.5."""


@dataclass(frozen=True)
class EngineComparison:
    """What both said of pictures that ours did not learn from; theirs may have, which flatters it."""

    judgements: tuple[Judgement, ...]

    @property
    def pictures(self) -> int:
        return len(self.judgements)

    @property
    def agreement(self) -> float:
        """Share of pictures of which both say the same, 0 to 1."""
        return self._share(lambda each: each.ours == each.theirs)

    @property
    def ours_right(self) -> float:
        return self._share(lambda each: each.ours == each.truth)

    @property
    def theirs_right(self) -> float:
        return self._share(lambda each: each.theirs == each.truth)

    @property
    def p_value(self) -> float:
        return mcnemar(len(self.won), len(self.lost))

    @property
    def won(self) -> list[Judgement]:
        """What only ours has right."""
        return [each for each in self.judgements if each.ours == each.truth != each.theirs]

    @property
    def lost(self) -> list[Judgement]:
        """What only theirs has right."""
        return [each for each in self.judgements if each.theirs == each.truth != each.ours]

    def by_tag(self) -> list[tuple[str, int, int]]:
        """Return for each tag how many of its pictures only ours and only theirs has right, where any."""
        won = Counter(tag for each in self.won for tag in each.truth)
        lost = Counter(tag for each in self.lost for tag in each.truth)
        return [(tag, won[tag], lost[tag]) for tag in sorted(won.keys() | lost.keys())]

    def _share(self, holds: Callable[[Judgement], bool]) -> float:
        return sum(map(holds, self.judgements)) / len(self.judgements)


def compare_engines(
    source: Source, *, ours: Iteration, theirs: UUID, most: int, progress: Progress
) -> EngineComparison:
    """Ask the other side's iteration what it says of at most so many of the pictures that ours was measured on.

    Those are held out or, where there are too few, judged by heads that had not learned from them. Every k-th of them,
    in the order of their sha256, which is random. Raises Refused where ours has none.
    """
    snapshot = snapshot_of(ours)
    if snapshot is None or not snapshot.measured_sha256s:
        raise Refused(_("%(name)s was measured on no picture: there is nothing to compare on.") % {"name": ours.name})
    names = {label.uid: label.name for label in columns_of(ours)}
    rows = np.unique(np.linspace(0, len(snapshot.measured_sha256s) - 1, most).astype(int))
    judgements = []
    for row in progress.over(rows, _("Comparing with Custom Vision"), total=len(rows)):
        sha256 = snapshot.measured_sha256s[row]
        content = content_of(sha256)
        said = source.probabilities(content, theirs) if content else None
        if said is None:
            continue
        ours_said = dict(zip(snapshot.tags, snapshot.probabilities[row], strict=True))
        theirs_said = {names.get(uid, str(uid)): value for uid, value in said.items()}
        judgements.append(
            Judgement(
                sha256=sha256,
                truth=frozenset(np.array(snapshot.tags)[snapshot.measured_truths[row]].tolist()),
                ours=_said(ours_said, multilabel=snapshot.multilabel),
                theirs=_said(theirs_said, multilabel=snapshot.multilabel),
            )
        )
    if not judgements:
        raise Refused(_("None of the held-out pictures can be read."))
    return EngineComparison(tuple(judgements))


def _said(probabilities: Mapping[str, float], *, multilabel: bool) -> frozenset[str]:
    if multilabel:
        return frozenset(tag for tag, value in probabilities.items() if value >= _THRESHOLD)
    return frozenset([max(probabilities, key=lambda tag: probabilities[tag])] if probabilities else [])
