"""The flight recorder's decisions: what is worth recording, why it happened, who saw what. Pure: values in, values out.

What a node records and keeps is `cluster/node/recorder.py`; asking the other nodes is `cluster/node/fellows.py`.
"""
