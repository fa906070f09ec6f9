"""What does a sweep, a training and an interval look like on a page?

SVG as strings, drawn by the server: no script is needed to see them. Colours and widths are
classes of the style sheet, so that the pages can forbid inline styles. A chart with links in it
is a group of links for the keyboard; every number in it also stands in a table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 400
_DOT, _REACH = 6, 13
"""Radius of a point, and of what a click around it means where it has no near neighbour."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 36, 56
_NAME_WIDTH = 170
_MOST_DRAWN = 200
"""Epochs of a loss curve that are drawn: more would be finer than a pixel."""


class Shown(Protocol):
    """A trial, as `progress` tells of it."""

    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def utility(self) -> float | None: ...  # noqa: D102
    @property
    def risk(self) -> float | None: ...  # noqa: D102
    @property
    def risk_low(self) -> float | None: ...  # noqa: D102
    @property
    def risk_high(self) -> float | None: ...  # noqa: D102
    @property
    def on_front(self) -> bool: ...  # noqa: D102
    @property
    def aliases(self) -> Sequence[str]: ...  # noqa: D102


class Mark(Protocol):
    """Something to compare trials with."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def utility(self) -> float: ...  # noqa: D102
    @property
    def risk(self) -> float: ...  # noqa: D102


class _Frame:
    """The axes of a chart: from values to places."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.x_low, self.x_high = x
        self.y_low, self.y_high = y

    def x(self, value: float) -> float:
        """Where a value of the x axis lies; what is off the axis lies at its end."""
        share = (value - self.x_low) / (self.x_high - self.x_low)
        return round(_LEFT + min(max(share, 0), 1) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        """Where a value of the y axis lies."""
        share = (value - self.y_low) / (self.y_high - self.y_low)
        return round(HEIGHT - _BOTTOM - min(max(share, 0), 1) * (HEIGHT - _TOP - _BOTTOM), 1)

    def axes(self, x_title: str, y_title: str) -> str:
        """Grid, ticks and titles."""
        bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
        levels = [(self.y(v), v) for v in ticks(self.y_low, self.y_high)]
        places = [(self.x(v), v) for v in ticks(self.x_low, self.x_high)]
        drawn = [
            f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}"/>'
            f'<text class="tick" x="{_LEFT - 8}" y="{y + 5}" text-anchor="end">{v:g}</text>'
            for y, v in levels
        ] + [
            f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>'
            f'<text class="tick" x="{x}" y="{bottom + 20}" text-anchor="middle">{v:g}</text>'
            for x, v in places
        ]
        titles = (
            f'<text class="axis" x="{right}" y="{HEIGHT - 8}" text-anchor="end">{escape(x_title)}'
            f'</text><text class="axis" x="{_LEFT - 52}" y="{_TOP - 14}">{escape(y_title)}</text>'
        )
        return f'<g aria-hidden="true">{"".join(drawn)}{titles}</g>'


def front(
    trials: Iterable[Shown],
    landmarks: Sequence[Mark] = (),
    *,
    link: Callable[[int], str] | None = None,
    chosen: int | None = None,
) -> Markup:
    """Utility against risk: the front connected, the others behind it, landmarks at the edge.

    Whiskers reach from what was shown of a risk to what could not be excluded.

    Args:
        trials: those without numbers are left out.
        landmarks: tables whose answer is known.
        link: number of a trial to its page; only the front's are stops of the keyboard, since
            the table beside the chart holds all.
        chosen: a trial to ring.
    """
    done = [t for t in trials if t.utility is not None and t.risk is not None]
    if not done:
        return Markup("")
    frame = _front_frame(done)
    best = sorted((t for t in done if t.on_front), key=lambda t: (t.risk or 0, t.utility or 0))
    drawn = [frame.axes("privacy risk shown (less is better) →", "utility (more is better) ↑")]
    drawn += [_landmark(mark, frame) for mark in landmarks]
    drawn.append(_steps(best, frame))
    rest = [t for t in done if not t.on_front]
    drawn.append(_names(best, frame))
    reach = _reaches(rest + best, frame)
    drawn += [
        _point(trial, frame, link, ringed=trial.number == chosen, reach=reach[trial.number])
        for trial in rest + best
    ]
    label = f"Utility against risk: {len(done)} trials, {len(best)} of them on the front"
    return _svg(label, drawn, group=link is not None)


def losses(curves: Mapping[str, Sequence[tuple[int, float]]], *, label: str) -> Markup:
    """A training's losses over its epochs, a line each.

    Args:
        curves: name → (epoch, value); values that are no number are left out.
        label: what the picture is, for whoever cannot see it.
    """
    kept = {
        name: found
        for name, line in curves.items()
        if (found := [(epoch, v) for epoch, v in line if math.isfinite(v)])
    }
    if not any(len(line) > 1 for line in kept.values()):
        return Markup("")
    values = [v for line in kept.values() for _, v in line]
    epochs = [epoch for line in kept.values() for epoch, _ in line]
    frame = _Frame((min(epochs), max(epochs)), _padded(min(values), max(values)))
    drawn = [frame.axes("epoch →", "loss")]
    for place, (name, line) in enumerate(kept.items()):
        every = math.ceil(len(line) / _MOST_DRAWN)
        path = " ".join(f"{frame.x(epoch)},{frame.y(v)}" for epoch, v in line[::every])
        drawn.append(f'<polyline class="curve s{place % 4}" points="{path}"/>')
        x, y = _LEFT + 14 + 190 * (place % 3), _TOP + 12 + 20 * (place // 3)
        drawn.append(
            f'<line class="curve s{place % 4}" x1="{x}" x2="{x + 26}" y1="{y}" y2="{y}"/>'
            f'<text class="name" x="{x + 32}" y="{y + 5}">{escape(name)}</text>'
        )
    return _svg(label, drawn, group=False)


def interval(
    low: float | None,
    value: float | None,
    high: float | None,
    *,
    label: str,
    marks: Mapping[str, float] | None = None,
) -> Markup:
    """A number between 0 and 1 with what bounds it, on a line; `marks` are named places on it."""
    if value is None:
        return Markup("")
    low, high = value if low is None else low, value if high is None else high
    left, right = 12, 388

    def x(v: float) -> float:
        return round(left + min(max(v, 0), 1) * (right - left), 1)

    drawn = [
        f'<line class="scale" x1="{left}" x2="{right}" y1="20" y2="20"/>',
        *(f'<line class="scale" x1="{x(v)}" x2="{x(v)}" y1="15" y2="25"/>' for v in (0, 0.5, 1)),
        *(
            f'<text class="tick" x="{x(v)}" y="42" text-anchor="{at}">{v:g}</text>'
            for v, at in ((0, "start"), (0.5, "middle"), (1, "end"))
        ),
        *(
            f'<path class="mark" d="M{x(v)} 12l-5-9h10z"><title>{escape(name)}</title></path>'
            for name, v in (marks or {}).items()
        ),
        f'<line class="reach" x1="{x(low)}" x2="{x(high)}" y1="20" y2="20"/>',
        f'<circle class="dot" cx="{x(value)}" cy="20" r="6"/>',
    ]
    return Markup(
        f'<svg class="interval" viewBox="0 0 400 48" role="img" aria-label="{escape(label)}">'
        f"{''.join(drawn)}</svg>"
    )


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between two ends, three to seven of them.

    >>> ticks(0, 0.23)
    [0.0, 0.05, 0.1, 0.15, 0.2]
    """
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if rough <= power * m * 1.0000001)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(step * k, 10) for k in range(first, last + 1)]


def _front_frame(done: Sequence[Shown]) -> _Frame:
    """Axes that hold the trials and the front's whiskers, however far away landmarks are."""
    most = max(t.risk_high or t.risk or 0 if t.on_front else t.risk or 0 for t in done)
    utilities = [t.utility or 0 for t in done]
    return _Frame((0, min(max(most * 1.08, 0.05), 1)), _padded(min(utilities), max(utilities)))


def _padded(low: float, high: float) -> tuple[float, float]:
    room = (high - low) * 0.15 or max(abs(high) * 0.1, 0.05)
    return low - room, high + room


def _steps(best: Sequence[Shown], frame: _Frame) -> str:
    """The line of what the sweep can offer at most for each risk."""
    if not best:
        return ""
    path = f"M{frame.x(best[0].risk or 0)} {frame.y(best[0].utility or 0)}" + "".join(
        f"H{frame.x(t.risk or 0)}V{frame.y(t.utility or 0)}" for t in best[1:]
    )
    return f'<path class="steps" d="{path}"/>'


def _reaches(trials: Sequence[Shown], frame: _Frame) -> dict[int, float]:
    """How far around each point a click means it: no neighbour's point lies under it."""
    places = {t.number: (frame.x(t.risk or 0), frame.y(t.utility or 0)) for t in trials}
    found = {}
    for number, place in places.items():
        others = [math.dist(place, other) for n, other in places.items() if n != number]
        found[number] = round(min(_REACH, max(_DOT, min(others, default=_REACH) / 2)), 1)
    return found


def _point(
    trial: Shown,
    frame: _Frame,
    link: Callable[[int], str] | None,
    *,
    ringed: bool,
    reach: float,
) -> str:
    utility, risk = trial.utility or 0, trial.risk or 0
    most = risk if trial.risk_high is None else trial.risk_high
    x, y = frame.x(risk), frame.y(utility)
    names = f", {_named(trial)}" if trial.aliases else ""
    said = (
        f"Trial {trial.number}{names}: utility {utility:.3f}, risk shown {risk:.3f}, "
        f"at most {most:.3f}"
    )
    marks = ""
    if trial.on_front:
        low = frame.x(risk if trial.risk_low is None else trial.risk_low)
        marks = f'<line class="whisker" x1="{low}" x2="{frame.x(most)}" y1="{y}" y2="{y}"/>'
    if ringed:
        marks += f'<circle class="ring" cx="{x}" cy="{y}" r="12"/>'
    marks += (
        f'<circle class="hit" cx="{x}" cy="{y}" r="{reach}"/>'
        f'<circle class="{"best" if trial.on_front else "beaten"}" cx="{x}" cy="{y}" r="{_DOT}"/>'
    )
    inner = f"<title>{escape(said)}</title>{marks}"
    if link is None:
        return f'<g class="point">{inner}</g>'
    stop = "" if trial.on_front else ' tabindex="-1"'
    return (
        f'<a class="point" id="point-{trial.number}" href="{escape(link(trial.number))}"{stop} '
        f'aria-label="{escape(said)}">{inner}</a>'
    )


def _names(best: Sequence[Shown], frame: _Frame) -> str:
    """What points are called, above them; a name that would cover another goes below its point."""
    written: list[tuple[float, float]] = []
    drawn = []
    for trial in (t for t in best if t.aliases):
        x, y = frame.x(trial.risk or 0), frame.y(trial.utility or 0)
        place = y - 12
        if any(abs(x - other) < _NAME_WIDTH and abs(place - at) < 20 for other, at in written):
            place = y + 26
        written.append((x, place))
        aside, anchor = (-8, "end") if x > WIDTH * 0.6 else (8, "start")
        drawn.append(
            f'<text class="name" x="{x + aside}" y="{place}" text-anchor="{anchor}">'
            f"{escape(_named(trial))}</text>"
        )
    return f'<g aria-hidden="true">{"".join(drawn)}</g>'


def _named(trial: Shown) -> str:
    return ", ".join(trial.aliases).replace("-", " ")


def _landmark(mark: Mark, frame: _Frame) -> str:
    """A diamond where it lies, or at the edge of the axes, with its numbers, where it is beyond."""
    x, y = frame.x(mark.risk), frame.y(mark.utility)
    beyond = mark.risk > frame.x_high or not frame.y_low <= mark.utility <= frame.y_high
    name = f"{mark.name} ({mark.utility:.2f} at risk {mark.risk:.2f})" if beyond else mark.name
    aside, anchor = (-12, "end") if x > WIDTH / 2 else (12, "start")
    below = 20 if y < HEIGHT / 2 else -10
    return (
        f'<g class="landmark"><title>{escape(mark.name)}: utility {mark.utility:.3f}, '
        f"risk {mark.risk:.3f}</title>"
        f'<path d="M{x} {y - 7}l7 7l-7 7l-7-7z"/>'
        f'<text class="tick" x="{x + aside}" y="{y + below}" text-anchor="{anchor}">'
        f"{escape(name)}</text></g>"
    )


def _svg(label: str, drawn: Sequence[str], *, group: bool) -> Markup:
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="{"group" if group else "img"}" '
        f'aria-label="{escape(label)}">{"".join(drawn)}</svg>'
    )
