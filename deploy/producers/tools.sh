#!/usr/bin/env bash
# Installs by apt what the programs here need and the machine does not have; says what is missing where it may not.
set -euo pipefail

packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need javac default-jdk-headless
need mvn maven
need go golang-go
need node nodejs
need npm npm
need kcat kcat
need jq jq

[ "${#packages[@]}" -gt 0 ] || exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -qq --yes --no-install-recommends "${packages[@]}" >/dev/null && exit 0
fi
echo "Missing, and their languages are skipped: ${packages[*]} (as Debian calls them)" >&2
