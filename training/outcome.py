"""What the comparison of two iterations has found, and how it is put: the figures, and the sentences for people."""

from dataclasses import dataclass, field

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engine.statistics import Gain, mcnemar, paired_gain
from training.models import Iteration
from training.snapshots import Snapshot

SIGNIFICANCE = 0.05
MOST_LOST = 0.01
"""What may be lost at worst, in the share that is right."""
_LEAST_TOLD = 0.001
_MOST_NAMED = 5


@dataclass(frozen=True)
class TagFall:
    """A tag that was told better before, by more than chance."""

    tag: str
    pictures: int
    gained: int
    lost: int


@dataclass(frozen=True)
class Comparison:
    """What two iterations say of the same pictures, which neither of them has learned from.

    A picture is right when its tag is the most probable one or, in a Multilabel project, when of the tags that both
    know exactly its own have a probability of at least 0.5. Pictures of new tags are no gain and no loss. Corrections
    are none of them: the old one was wrong there, which is why they are known.
    """

    old: Iteration
    new: Iteration
    pictures: int
    old_right: int
    new_right: int
    gained: tuple[str, ...]
    """sha256 of the pictures that only the new one has right."""
    lost: tuple[str, ...]
    """sha256 of the pictures that only the old one has right."""
    said: Snapshot = field(repr=False, compare=False)
    """The new one's, as if it had been measured on the pictures of this comparison, those of new tags too."""
    falls: tuple[TagFall, ...] = ()
    """Tags of at least ENOUGH_OF_A_TAG pictures; all of them together are wrongly named in a twentieth of cases."""
    new_pictures: int = 0
    """Pictures of tags that the old one does not know."""
    new_pictures_right: int = 0
    removed: tuple[str, ...] = ()
    """Tags that only the old one knows."""
    by_folds: bool = False
    """Whether each picture was judged by a head fitted anew without it: too few are held out."""

    @property
    def p_value(self) -> float:
        return mcnemar(len(self.gained), len(self.lost))

    @property
    def gain(self) -> Gain:
        return paired_gain(len(self.gained), len(self.lost), self.pictures)

    @property
    def is_better(self) -> bool:
        return len(self.gained) > len(self.lost) and self.p_value < SIGNIFICANCE

    @property
    def is_worse(self) -> bool:
        return len(self.lost) > len(self.gained) and self.p_value < SIGNIFICANCE

    @property
    def is_no_worse(self) -> bool:
        """Whether it may take the old one's place by itself."""
        return self.gain.low > -MOST_LOST and not self.falls

    def verdict(self) -> str:
        """Say in three words what follows."""
        if self.is_better:
            return _("Better")
        return _("Worse") if self.is_worse else _("No measurable difference")

    def sentence(self) -> str:
        """Say what was compared and what follows, for people and for the log."""
        return " ".join([self.evidence(), f"{self.verdict()}.", *self.remarks()])

    def evidence(self) -> str:
        """Say what the verdict rests on."""
        return f"{self._counts()} {self._gain()}"

    def remarks(self) -> list[str]:
        """Say what else there is to know: which tags fall, are new, or are gone."""
        return [*self._falls(), *self._new_tags(), *self._removed_tags()]

    def objection(self) -> str:
        """Say why the new one may not take the old one's place by itself; "" where it may."""
        if self.is_no_worse:
            return ""
        if self.falls:
            return _("A tag that was told before is told worse.")
        return _("It may be worse by up to %(points)s, and at most %(most)s is allowed.") % {
            "points": _points(-self.gain.low),
            "most": _points(MOST_LOST),
        }

    def _counts(self) -> str:
        return _("%(images)s, %(new)s, %(old)s: %(gained)s, %(lost)s, %(p)s.") % {
            "images": self._images(),
            "new": _has_right(self.new, self.new_right),
            "old": _has_right(self.old, self.old_right),
            "gained": _gained(len(self.gained)),
            "lost": _lost(len(self.lost)),
            "p": _p(self.p_value),
        }

    def _images(self) -> str:
        count = self.pictures
        sentence = (
            ngettext(
                "On %(count)s image, judged by a model that had not learned from it",
                "On %(count)s images, each judged by a model that had not learned from it",
                count,
            )
            if self.by_folds
            else ngettext("On %(count)s held-out image", "On %(count)s held-out images", count)
        )
        return sentence % {"count": count}

    def _gain(self) -> str:
        return _("Gain: %(gain)s (%(low)s to %(high)s).") % {
            "gain": _points(self.gain.value, signed=True),
            "low": _signed(self.gain.low),
            "high": _signed(self.gain.high),
        }

    def _falls(self) -> list[str]:
        sentence = _("%(tag)s falls: of its %(pictures)s images %(lost)s, %(gained)s.")
        told = [
            sentence
            % {"tag": fall.tag, "pictures": fall.pictures, "lost": _lost(fall.lost), "gained": _gained(fall.gained)}
            for fall in self.falls[:_MOST_NAMED]
        ]
        if more := len(self.falls) - len(told):
            told.append(ngettext("%(count)s more tag falls.", "%(count)s more tags fall.", more) % {"count": more})
        return told

    def _new_tags(self) -> list[str]:
        if not self.new_pictures:
            return []
        right = self.new_pictures_right
        sentence = ngettext(
            "Of the new tags it has %(right)s image of %(images)s right.",
            "Of the new tags it has %(right)s images of %(images)s right.",
            right,
        )
        return [sentence % {"right": right, "images": self.new_pictures}]

    def _removed_tags(self) -> list[str]:
        if not self.removed:
            return []
        named = [*self.removed[:_MOST_NAMED], *(["…"] if len(self.removed) > _MOST_NAMED else [])]
        return [_("It no longer knows: %(tags)s.") % {"tags": ", ".join(named)}]


def _has_right(iteration: Iteration, count: int) -> str:
    sentence = ngettext("%(name)s has %(count)s right", "%(name)s has %(count)s right", count)
    return sentence % {"name": iteration.name, "count": count}


def _gained(count: int) -> str:
    return ngettext("%(count)s gained", "%(count)s gained", count) % {"count": count}


def _lost(count: int) -> str:
    return ngettext("%(count)s lost", "%(count)s lost", count) % {"count": count}


def _points(share: float, *, signed: bool = False) -> str:
    """Write a share in points, such as "+1.2 points"."""
    # French has its plural from two on: 1.9 points are "1,9 point".
    sentence = ngettext("%(points)s points", "%(points)s points", int(abs(_in_points(share))))
    return sentence % {"points": _signed(share) if signed else _one(_in_points(share))}


def _signed(share: float) -> str:
    points = _in_points(share)
    return ("+" if points > 0 else "") + _one(points)


def _in_points(share: float) -> float:
    return round(100 * share, 1) + 0.0  # no negative zero


def _one(number: float) -> str:
    return number_format(number, decimal_pos=1).replace("-", "\u2212")


def _p(value: float) -> str:
    """Write a p-value, in one line."""
    is_least = value < _LEAST_TOLD
    number = number_format(_LEAST_TOLD if is_least else value, decimal_pos=3)
    return f"p\N{NO-BREAK SPACE}{'<' if is_least else '='}\N{NO-BREAK SPACE}{number}"
