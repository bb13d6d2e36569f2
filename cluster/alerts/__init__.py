"""Alerts, decided: what is wrong now, who sends, and what was sent. Pure: values in, values out.

What carries a message is `cluster/node/alert_delivery.py`; when it is looked is `cluster/node/alerting.py`.
"""
