"""The Config page: the configuration tree to look at, to edit, and to bring back from its history."""
