"""What the commands of this room show while they work."""

from django.core.management.base import OutputWrapper
from tqdm import tqdm

from classifr.backups.services import Report, silent


def bar(stderr: OutputWrapper, *, hidden: bool) -> Report:
    """Return what shows progress on the terminal; it shows nothing where there is none."""
    if hidden or not stderr.isatty():
        return silent
    shown = tqdm(file=stderr, leave=False)

    def report(what: str, done: int, total: int | None) -> None:
        if shown.desc != f"{what}: ":
            shown.reset(total=total)
            shown.set_description(what)
        shown.update(done - shown.n)

    return report
