"""What every page knows of its reader."""

from django.conf import settings
from django.http import HttpRequest

from accounts.models import User


def appearance(request: HttpRequest) -> dict[str, str]:
    """Return `theme`, and the path of its cookie.

    The theme is what the signed-in user chose; for strangers what the browser's cookie says, else "auto".
    """
    chosen = getattr(getattr(request, "user", None), "theme", None) or request.COOKIES.get("theme")
    theme = str(chosen) if chosen in User.Theme.values else User.Theme.AUTO.value
    return {"theme": theme, "cookie_path": settings.SESSION_COOKIE_PATH}
