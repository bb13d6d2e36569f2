"""One's own account: password, second factors, API tokens, and where one is signed in."""
