# shellcheck shell=bash
# Sourced: which checkout of which machine an image was built by, so that another one's is told from our own. It asks and changes nothing.

# A label of the images that scripts/openclaw-image.sh builds.
# shellcheck disable=SC2034 # read by whoever sources this
checkout_label=ai.openclaw.image.checkout

# checkout_id FOLDER: 16 hexadecimal digits. They change when the checkout moves: what it built before then counts as somebody else's.
checkout_id() {
  printf '%s\n%s\n' "$(uname -n)" "$(cd -P "$1" && pwd)" |
    if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -c 1-16
}
