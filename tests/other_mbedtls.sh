#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and runs the units of crypto/, sasl/ and tls/ against the mbedTLS of
# the next Debian (3.6), in a tree of its own made by debootstrap from the
# mirror that apt uses here. 77 and "skipped" where such a tree cannot be had.
#
#   sh tests/other_mbedtls.sh
#
# MBEDTLS_TREE=DIR  keep the tree there, and use it when it is there already
#                   (none: a temporary one that goes again)
set -u
cd "$(dirname "$0")/.." || exit 70

release=trixie
packages=gcc,libc6-dev,libmbedtls-dev,libcmocka-dev
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
work=$(mktemp -d "${TMPDIR:-/tmp}/mailkit-mbedtls.XXXXXX") || exit 70
tree=${MBEDTLS_TREE:-$work/tree}
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

skip() {
    echo "skipped: $*"
    exit 77
}

[ "$(id -u)" -eq 0 ] || skip 'not root'
command -v chroot >/dev/null 2>&1 || skip 'no chroot'

# The mirror of the system's own packages, whatever the machine calls it.
mirror() {
    # shellcheck disable=SC2016 # apt's words, not the shell's
    apt-get indextargets 2>/dev/null \
        --format '$(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk '$1 == "Debian" && $2 == "main" { print $3; exit }'
}

if [ ! -e "$tree/usr/include/mbedtls/version.h" ]; then
    command -v debootstrap >/dev/null 2>&1 || skip 'no debootstrap'
    [ -e "$keyring" ] || skip 'no keys to verify packages with'
    uri=$(mirror)
    [ -n "$uri" ] || skip 'apt knows no mirror of Debian'
    echo "making a tree of $release"
    if ! timeout 600 debootstrap --variant=minbase --keyring="$keyring" \
        --include="$packages" "$release" "$tree" "$uri" \
        >"$work/debootstrap.log" 2>&1; then
        tail -n 5 "$work/debootstrap.log"
        skip 'the tree cannot be made'
    fi
fi

version=$(sed -n 's/^#define MBEDTLS_VERSION_STRING  *"\(.*\)"/\1/p' \
    "$tree"/usr/include/mbedtls/*.h | head -n 1)
case $version in
3.[6-9]* | 3.[1-9][0-9]* | [4-9].*) ;;
*)
    echo "the tree has mbedTLS $version"
    exit 1
    ;;
esac

rm -rf "$tree/mailkit"
mkdir "$tree/mailkit" || exit 70
tar -cf - include lib tests/unit tests/support | tar -xf - -C "$tree/mailkit"

cat >"$tree/mailkit/units" <<'END'
set -u
cd /mailkit || exit 70
cc='gcc -std=gnu11 -O1 -g -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wshadow'
cc="$cc -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror"
cc="$cc -Iinclude -Ilib -Itests/support"
compile() { # FILE...: objects beside them, two at a time
    printf '%s\n' "$@" | xargs -P 2 -I F sh -c "$cc -c F -o F.o"
}
compile lib/base/*.c lib/wire/*.c lib/crypto/*.c lib/sasl/*.c lib/tls/*.c \
    lib/disk/*.c lib/smtp/*.c tests/support/*.c tests/unit/crypto/test_*.c \
    tests/unit/sasl/rig.c tests/unit/sasl/test_*.c \
    tests/unit/tls/tls_rig.c tests/unit/tls/test_*.c || exit 1
ar -rcs units.a lib/*/*.o tests/support/*.o
count=0
for test in tests/unit/*/test_*.c; do
    [ -e "$test.o" ] || continue
    rig=$(find "${test%/*}" -name '*rig.c.o')
    # shellcheck disable=SC2086 # one or none
    gcc "$test.o" $rig units.a -lcmocka -lmbedtls -lmbedx509 -lmbedcrypto \
        -lpthread -o "$test.exe" || exit 1
    if ! timeout 300 "$test.exe" >"$test.log" 2>&1; then
        echo "FAIL $test"
        tail -n 40 "$test.log"
        exit 1
    fi
    count=$((count + 1))
done
[ $count -ge 12 ] || exit 1
echo "$count programs passed"
END
chroot "$tree" /bin/sh /mailkit/units
code=$?
rm -rf "$tree/mailkit"
[ $code -eq 0 ] && echo "mbedTLS $version: good"
exit $code
