"""A verb for tests: the theme that people chose."""

from collections.abc import Sequence

from accounts.models import User
from acts.exceptions import Changed
from acts.verbs import Change, Verb


def choose_theme(changes: Sequence[Change], by: User) -> None:
    for change in changes:
        if not User.objects.filter(pk=change.object_id, theme=change.before).update(theme=change.after):
            raise Changed("The theme is another by now.")


theme = Verb("chose a theme", choose_theme)
final = Verb("said something")
