"""Who is asking and what they may, on a running node: the rules of `cluster/access` over the files in the tree.

Begin at `directory.py` (the files), `sign_in.py` (the way in) and `rights.py` (who may what).
"""
