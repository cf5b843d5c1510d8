"""What gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "classifr.settings")

site = get_wsgi_application()

from classifr.embedded_postgres import base  # noqa: E402  # Django is there only now
from classifr.views import body_limit_of  # noqa: E402
from web.bodies import read_to_their_ends, with_lengths  # noqa: E402

base.patience_s = 2.0  # a page says that the database is starting, rather than wait for it
application = read_to_their_ends(with_lengths(site, limit_of=body_limit_of))
