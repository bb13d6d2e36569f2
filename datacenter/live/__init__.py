"""What open pages see while they are open: changes from the daemon become HTML fragments pushed over one socket.

The path of a change: channel layer → `feed.py` (one per process) → `picture.py` (what is known now) → `render.py`
(fragments) → `consumers.py` (one per open page).
"""
