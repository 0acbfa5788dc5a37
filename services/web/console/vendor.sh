#!/usr/bin/env bash
# Takes each package of vendor.lock from npm again; stops where it is not what the lock says.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/static/vendor"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
grep -v '^#' "$here/vendor.lock" | while read -r name version integrity file digest; do
    archive="$(npm pack --silent "$name@$version")"
    got="sha512-$(openssl dgst -sha512 -binary "$archive" | base64 -w0)"
    [ "$got" = "$integrity" ] || { echo "$name@$version is not what vendor.lock says: $got" >&2; exit 1; }
    tar xzf "$archive"
    echo "$digest  $file" | sha256sum --quiet --check
    cp "$file" "$here/"
    cp package/LICENSE "$here/${name%%.*}.LICENSE"
done
