"""Where the lines and points of a chart lie: numbers for SVG, in units of its own view box."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 420
HEIGHT = 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 46
_TICKS = (0, 25, 50, 75, 100)


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    position: int
    percent: int
    """What is written there."""


@dataclass(frozen=True)
class Point:
    """A place in the chart; in SVG y grows downwards."""

    x: int
    y: int


@dataclass(frozen=True)
class Frame:
    """The square from 0 to 1 on both axes, in which everything lies."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    columns: tuple[Tick, ...]
    """Along the horizontal axis."""
    rows: tuple[Tick, ...]
    """Along the vertical axis."""

    @property
    def middle(self) -> Point:
        return Point((self.left + self.right) // 2, (self.top + self.bottom) // 2)


@dataclass(frozen=True)
class CurvePlot:
    """A precision-recall curve: recall to the right, precision upwards."""

    frame: Frame
    line: str
    """As the attribute `points` of a polyline."""
    here: Point | None
    """The current threshold; None where its precision is unknown."""


@dataclass(frozen=True)
class Bar:
    """A bin of the calibration plot."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class CalibrationPlot:
    """A reliability diagram: how sure it was to the right, how often it was right upwards; the diagonal is honest."""

    frame: Frame
    bars: tuple[Bar, ...]
    dots: tuple[Point, ...]
    """At each bin's mean confidence."""


def frame() -> Frame:
    return Frame(
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        top=_TOP,
        bottom=HEIGHT - _BOTTOM,
        columns=tuple(Tick(round(_x(percent / 100)), percent) for percent in _TICKS),
        rows=tuple(Tick(round(_y(percent / 100)), percent) for percent in _TICKS),
    )


def curve_plot(
    recalls: Sequence[float], precisions: Sequence[float], *, here: tuple[float | None, float | None]
) -> CurvePlot:
    """Draw a curve, and mark the point `here`: its recall and precision."""
    recall, precision = here
    return CurvePlot(
        frame=frame(),
        line=" ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in zip(recalls, precisions, strict=True)),
        here=None if recall is None or precision is None else _point(recall, precision),
    )


def calibration_plot(bins: Sequence[tuple[float, float, float, float]]) -> CalibrationPlot:
    """Draw bins, each as its lower and upper end, mean confidence and accuracy."""
    return CalibrationPlot(
        frame=frame(),
        bars=tuple(_bar(low, high, accuracy) for low, high, _, accuracy in bins),
        dots=tuple(_point(confidence, accuracy) for _, _, confidence, accuracy in bins),
    )


def _bar(low: float, high: float, share: float) -> Bar:
    left, right, top = round(_x(low)) + 1, round(_x(high)) - 1, round(_y(share))
    return Bar(left, top, right - left, round(_y(0)) - top)


def _point(x: float, y: float) -> Point:
    return Point(round(_x(x)), round(_y(y)))


def _x(share: float) -> float:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)
