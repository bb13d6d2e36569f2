"""Several Quire nodes on one machine, and a visitor who uses them from outside: for people, tests, bench, screenshots.

`nodes.py` starts and ends them (`script/demo`), `places.py` says where they run, `visitor.py` talks to them as a
stranger's program would.
"""
