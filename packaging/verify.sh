#!/bin/sh
# Verifies downloaded files of a Carryover release: sh verify.sh [FOLDER]
#
# Into FOLDER (default: this one) belong the files, SHA256SUMS and SHA256SUMS.sigstore.json of the release. First the signature:
# SHA256SUMS has to come from the release workflow of the project's repository, which sigstore (`pip install sigstore`, or `uvx`)
# or cosign checks. Then each file against its line. Exit code 0 only if all of that holds.
# --no-signature leaves out the first part, for a release that you built yourself.
set -eu

REPOSITORY=${CARRYOVER_REPOSITORY:-https://github.com/carryover-dev/carryover}
ISSUER=https://token.actions.githubusercontent.com

refuse() {
  echo "REFUSED: $1 Do not install these files." >&2
  exit 1
}

signature=yes
if [ "${1-}" = --no-signature ]; then
  signature=no
  shift
fi
cd "${1:-.}"
[ -f SHA256SUMS ] || refuse "There is no SHA256SUMS in $PWD."

if [ "$signature" = yes ]; then
  bundle=SHA256SUMS.sigstore.json
  [ -f "$bundle" ] || refuse "There is no $bundle in $PWD, so nobody knows who wrote SHA256SUMS."
  version=$(sed -n 's/^.*  carryoverd-\([0-9.]*\)\.tar\.gz$/\1/p' SHA256SUMS)
  identity=$REPOSITORY/.github/workflows/release.yml@refs/tags/v$version
  if command -v cosign >/dev/null; then
    set -- cosign verify-blob --bundle "$bundle" --certificate-identity "$identity" --certificate-oidc-issuer "$ISSUER"
  elif command -v sigstore >/dev/null; then
    set -- sigstore verify identity --bundle "$bundle" --cert-identity "$identity" --cert-oidc-issuer "$ISSUER"
  elif command -v uvx >/dev/null; then
    set -- uvx sigstore verify identity --bundle "$bundle" --cert-identity "$identity" --cert-oidc-issuer "$ISSUER"
  else
    refuse "The signature cannot be checked: install cosign or sigstore (pip install sigstore)."
  fi
  "$@" SHA256SUMS >&2 || refuse "SHA256SUMS is not signed by $identity."
fi

if command -v sha256sum >/dev/null; then sum="sha256sum"; else sum="shasum -a 256"; fi
checked=0
while read -r expected name; do
  [ -f "$name" ] || continue
  [ "$($sum "$name" | cut -d ' ' -f 1)" = "$expected" ] || refuse "$name is not the file that was released."
  echo "$name: OK"
  checked=$((checked + 1))
done <SHA256SUMS
for name in carryoverd*; do
  grep -qF "  $name" SHA256SUMS || [ ! -e "$name" ] || refuse "$name is not part of that release."
done
[ "$checked" -gt 0 ] || refuse "None of the files that SHA256SUMS lists is in $PWD."
if [ "$signature" = yes ]; then by="as signed by the release workflow"; else by="signature not checked"; fi
echo "$checked files are as released ($by)."
