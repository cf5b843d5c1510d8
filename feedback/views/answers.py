"""What the views of this room say and look up alike."""

from django.utils.translation import gettext_lazy as _

from accounts.access import UserRequest

PAGE_SIZE = 24
NOTHING = _("Nothing to delete: choose at least one photo, perhaps they are gone already.")
STORAGE_REFUSES = _("The storage refuses to delete at the moment. What is still listed is not deleted.")


def chosen_ids(request: UserRequest) -> list[int]:
    """Return the keys that a selection posts; nonsense is left out."""
    return [int(pk) for pk in request.POST.getlist("ids") if pk.isdecimal() and len(pk) < 19]
