#!/usr/bin/env bash
# Brings what the tests need from Debian's packages when it is absent: Chromium (pages),
# PostgreSQL (the second database), xmlsec1 (the independent verifier), faketime (other dates).
# Installs nothing else.
set -euo pipefail

missing=()
command -v chromium >/dev/null || missing+=(chromium)
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
command -v xmlsec1 >/dev/null || missing+=(xmlsec1)
command -v curl >/dev/null || missing+=(curl)
command -v faketime >/dev/null || missing+=(faketime)
fc-list 2>/dev/null | grep -qi dejavu || missing+=(fonts-dejavu-core fontconfig)
[ ${#missing[@]} -eq 0 ] && exit 0

echo "· cài gói Debian cho bài kiểm / installing for the tests: ${missing[*]}"
if ! command -v apt-get >/dev/null; then
  echo "Không có apt-get: hãy tự cài / no apt-get here, please install: ${missing[*]}" >&2
  exit 2
fi
run=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "Cần quyền root / root needed: apt-get install ${missing[*]}" >&2; exit 2; }
  run=(sudo)
fi
"${run[@]}" apt-get update -qq
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
