"""What gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from web.bodies import read_to_their_ends, with_bare_heads, with_lengths
from web.path_prefix import below

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "classifr.settings")

site = get_wsgi_application()

from django.conf import settings  # noqa: E402  # Django is there only now

from classifr.embedded_postgres import base  # noqa: E402

base.patience_s = 2.0  # a page says that the database is starting, rather than wait for it
application = read_to_their_ends(with_lengths(with_bare_heads(below(settings.CLASSIFR_PATH_PREFIX, site))))
