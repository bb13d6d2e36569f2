"""What clients saw of a replicated store, and two checkers of it: one trusts our revisions, the other does not.

To record: each client has a `Recorder(name, clock)`. `call = recorder.invoke("write", path, value=...)` just before
the request leaves, `recorder.returned(call, "OK", revision=(epoch, index))` when the answer is there. All recorders of
a run read one and the same monotonic clock. A retry with the same request id is the same call: `returned` is for its
last answer. What was never settled stays UNKNOWN: ask by id at the end and call `returned` then, if you can. A client
does one thing at a time, and clients move on to another path when one has some 400 calls.

- `value` is what is written or was read, unique per write (content, or its digest); None: no such file.
- a `cas` has `expect`, the value it was conditional on. `read` is a linearizable read, `session-read` a local one.
- outcomes: OK; REFUSED (the store looked and refused: EEXIST, ENOENT, a digest that did not fit); FAILED (certainly not
  done, and it says nothing about the store); UNKNOWN.
- a `lock` that was OK has its fencing token in `token`; a `write` that was guarded by a lock names `lock` and `token`.

To judge: `findings(calls)` from `check.py`, a list of sentences, empty when all is well. `save` and `load` in `call.py`
keep a history as JSON lines; `python -m tests.history FILE...` judges saved ones.
"""
