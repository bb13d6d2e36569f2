"""`python -m cluster.cli` is pvecm."""

import sys

from cluster.cli.main import main

sys.exit(main())
