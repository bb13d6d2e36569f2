"""Who is asking: the ticket a request carries, checked with the node's daemon, and the anti-forgery token beside it.

Knows no password and no key; both are the daemon's. Begin at `middleware.py`; views use `sign_in.py`.
"""
