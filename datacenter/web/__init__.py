"""The web server of a node: daphne inside our own process, with TLS whose certificate can change while it runs.

Knows no page, no API and no daemon; it serves whatever ASGI application it is given. Begin at `server.py`.
"""
