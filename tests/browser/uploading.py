"""Photos in files, and what a project's page of tags says once they are uploaded."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests import factories


def make_files(folder: Path, count: int) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"dish_{number}.jpg" for number in range(count)]
    for path in paths:
        path.write_bytes(factories.make_photo(size=(160, 120)))
    return paths


def upload(page: Page, name: str, paths: list[Path]) -> None:
    form = page.locator(f"[data-tag-name='{name}'] form[data-upload]")
    form.locator("input[type=file]").set_input_files(paths)
    if page.locator("html.has-script").count() == 0:
        form.locator("button[type=submit]").click()


def expect_count(page: Page, name: str, count: int) -> None:
    expect(page.locator(f"[data-tag-name='{name}'] .tag-count")).to_contain_text(re.compile(rf"^\s*{count}\s"))
