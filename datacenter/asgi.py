"""The site as one ASGI application: static files from memory, pages and API through Django, the live socket.

Knows no server and no port; `web/` runs it with TLS.
"""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datacenter.settings")
pages = get_asgi_application()

from datacenter.assets import StaticFiles  # noqa: E402  (needs the settings)
from datacenter.routing import sockets  # noqa: E402  (needs the app registry)

application = ProtocolTypeRouter({"http": StaticFiles(pages), "websocket": sockets})
