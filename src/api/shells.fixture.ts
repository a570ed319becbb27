// What `/bin/sh` may be in an image, for tests of scripts that run inside: the two that differ most; all with OPENCLAW_TEST_LONG=1.

const IS_LONG = process.env.OPENCLAW_TEST_LONG === "1";

/** Debian's, Alpine's; Red Hat's and Android's. */
export const SHELLS: readonly (readonly string[])[] = [["dash"], ["busybox", "sh"], ...(IS_LONG ? [["bash", "--posix"], ["mksh"]] : [])];
