"""The site as one ASGI application: static files from memory, pages and API through Django, the live socket.

Knows no server and no port; `launcher.py` runs it behind daphne with TLS.
"""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datacenter.settings")
pages = get_asgi_application()

from datacenter.routing import websocket_urlpatterns  # noqa: E402  (needs the app registry)

application = ProtocolTypeRouter({"http": pages, "websocket": URLRouter(websocket_urlpatterns)})
