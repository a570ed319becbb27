#!/bin/sh
# Will build openclaw-sandbox-browser:bookworm-slim. There is no such image yet; this says so, and what works meanwhile.
echo "sandbox-browser-setup: the browser's sandbox is not there yet: nothing was built, and agents.defaults.sandbox.browser.enabled has no effect" >&2
echo "  Meanwhile a sandbox may fetch pages itself: docker.network: \"bridge\", and curl or python3 inside" >&2
exit 1
