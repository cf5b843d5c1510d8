"""What is asked of every page: axe-core's rules of WCAG 2.2 AA, and those that no tool of rules can see."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, ViewportSize

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
COLOUR_RULES = {"runOnly": ["color-contrast", "link-in-text-block"], "resultTypes": ["violations"]}
THEMES: list[tuple[Literal["light", "dark"], dict[str, list[str]]]] = [("light", RULES), ("dark", COLOUR_RULES)]
"""From one theme to the other only colours change."""

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 320, "height": 800}
ZOOMED: ViewportSize = {"width": 320, "height": 256}
"""A screen of 1280 by 1024, at 400%."""

STICKING_OUT = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  const isOut = (each) => !each.parentElement.closest("[role=region][tabindex]")
    && each.getBoundingClientRect().right > clientWidth;
  return scrollWidth <= clientWidth ? []
    : [...document.querySelectorAll("body *")].filter(isOut).slice(0, 3).map((each) => each.outerHTML.slice(0, 120));
}"""
SMALL = """() => {
  const isInText = (each) => each.matches("a") && getComputedStyle(each).display === "inline"
    && each.closest("p, li, dd, td, h1, h2, div").textContent.trim() !== each.textContent.trim();
  const isSmall = (each) => {
    const { width, height } = (each.closest("label") ?? each).getBoundingClientRect();
    return width < 24 || height < 24;
  };
  return [...document.querySelectorAll("a, button, summary, select, textarea, input:not([type=hidden])")]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !isInText(each))
    .filter((each) => !each.matches(".file-input, .skip-link") && isSmall(each))
    .map((each) => each.outerHTML.slice(0, 120));
}"""
MOVING = """() => [...document.querySelectorAll("*")]
  .filter((each) => {
    const { animationName, transitionDuration } = getComputedStyle(each);
    return animationName !== "none" || transitionDuration.split(", ").some((each) => parseFloat(each) > 0.01);
  })
  .map((each) => each.outerHTML.slice(0, 120))"""
CONTROL = re.compile(r'^\s*- (button|checkbox|link) "(.+?)"(?: \[.*\])?:?$')
ADDRESS = re.compile(r"^\s*- /url: (.*)$")


def examine(page: Page, *, sizes: Sequence[ViewportSize]) -> Iterator[str]:
    """Say what is wrong with the page as it stands; it is shown in a desktop's window again afterwards.

    sizes: of the windows in which nothing may be small or stick out.
    """
    yield from broken_rules(page)
    yield from (f"moves: {each}" for each in page.evaluate(MOVING))
    yield from (f"has two of this name: {each}" for each in _doubles(page))
    for size in sizes:
        page.set_viewport_size(size)
        yield from (f"is small at {size['width']}: {each}" for each in page.evaluate(SMALL))
        yield from (f"sticks out at {size}: {each}" for each in page.evaluate(STICKING_OUT))


def broken_rules(page: Page) -> Iterator[str]:
    """Say which of axe-core's rules are broken in either theme."""
    page.evaluate(AXE_SCRIPT)
    for theme, rules in THEMES:
        page.emulate_media(color_scheme=theme)
        for rule in page.evaluate("async (rules) => (await axe.run(rules)).violations", rules):
            for node in rule["nodes"]:
                yield f"{rule['id']}, {theme}: {node['target']} {node['html'][:200]} {node['failureSummary']}"


def _doubles(page: Page) -> list[str]:
    """Return the names that several buttons have, or several links to different addresses."""
    lines = page.locator("body").aria_snapshot().splitlines()
    controls = set()
    buttons: Counter[str] = Counter()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if not (control := CONTROL.match(line)):
            continue
        role, name = control.groups()
        if role == "link":
            address = ADDRESS.match(after)
            controls.add((name, address[1] if address else ""))
        else:
            buttons[f"{role} {name}"] += 1
    links = Counter(f"link {name}" for name, _ in controls)
    return [name for name, count in (buttons + links).items() if count > 1]
