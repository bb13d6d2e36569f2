"""The REST API at /api2/json and /api2/extjs, in paths, envelopes, types and errors as Proxmox VE's clients expect.

One table (`table.py`) lists every endpoint with its parameters, its permission and its handler; routing and checking
read nothing else. One module per noun holds the endpoints. A request's way through is `dispatch.py`.
"""
