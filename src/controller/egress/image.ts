// The image of proxies and relays, and what to say where it is missing.

export const EGRESS_IMAGE = "openclaw-egress:bookworm-slim";
export const IMAGE_MISSING = `the image ${EGRESS_IMAGE} is missing; build it: scripts/sandbox-egress-setup.sh`;
