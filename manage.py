#!/usr/bin/env python3
"""Django's command line for Quire: `runnode` starts a node, `check` looks at the site's settings."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datacenter.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
