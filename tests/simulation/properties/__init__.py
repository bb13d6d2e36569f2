"""What must always hold (A1-A20), must be seen to happen sometimes (S1-S14), and must come true in the end (E1-E5).

Each property is a small function named by its id, which answers with a sentence when it does not hold. `always.py` has
those about one moment, `at_rest.py` those about everything that ever happened, `sometimes.py` what the faults must
cause, `eventually.py` the end. Three are not looked at here, because nothing of theirs is in this world:

- A18 (a generated corosync.conf parses, its version rises): `tests/corosync/test_conf.py`, with corosync itself
  in `tests/live_corosync/`; a line of `node:votes` stands for the file here.
- A20 (the same seed is the same trace): about two runs, so `tests/simulation/test_story.py`.
- A15 is looked at for contents of files only; passwords and keys never reach the core.
"""
