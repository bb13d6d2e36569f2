"""Commands of manage.py: `runnode` runs a node, `runweb` its pages alone where they are a service of their own."""
