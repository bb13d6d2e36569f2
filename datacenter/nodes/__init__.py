"""A node's own page, and how its readings are shown."""
