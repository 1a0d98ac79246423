#!/bin/sh
# SPDX-License-Identifier: MIT
# size.sh ROOT CC...: what the SMTP client costs a program that has nothing
# else: text (code and constants) of tests/size/tiny.c with the library's
# sources for it, built for size and without vectors (meson: -Dsimd=false)
# and without what a small client does not say (-Dsmtp_extensions=false),
# less that of an empty program. libc is linked dynamically and does not
# count. The goal is 16 KiB; more than 20 KiB fails. Prints the largest
# symbols, so that growth can be found.
set -eu
goal=16384
limit=20480
root=$1
shift
dir=$(mktemp -d "${TMPDIR:-/tmp}/mailkit-size.XXXXXX")
trap 'rm -rf "$dir"' EXIT

base='alloc ascii buf err str utf8'
wire='client client_tls engine frame outq pool scan'
smtp='client client_body client_offer client_rows client_verbs extensions path reply_parse'
net='connect poll'
sources=$root/tests/size/tiny.c
for folder in base wire smtp net; do
    eval "names=\$$folder"
    for name in $names; do
        sources="$sources $root/lib/$folder/$name.c"
    done
done

build() { # OUT SOURCE... [FLAG...]
    out=$1
    shift
    # shellcheck disable=SC2086
    $cc -std=c11 -D_GNU_SOURCE -DNDEBUG -DMK_NO_SASL -DMK_NO_SIMD \
        -DMK_NO_SMTP_EXTENSIONS -Os -fno-pie -no-pie \
        -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables \
        -Wl,--gc-sections -I"$root/include" -I"$root/lib" "$@" -o "$out"
}

text_of() {
    size -A "$1" | awk '$1 == ".text" || $1 == ".rodata" { n += $2 }
        END { print n }'
}

cc=$*
echo 'int main(void) { return 0; }' >"$dir/empty.c"
build "$dir/empty" "$dir/empty.c"
# shellcheck disable=SC2086
build "$dir/tiny" $sources
# shellcheck disable=SC2086
build "$dir/tiny-lto" $sources -flto
empty=$(text_of "$dir/empty")
text=$(($(text_of "$dir/tiny") - empty))
lto=$(($(text_of "$dir/tiny-lto") - empty))
echo "SMTP client with the poll driver: $text octets of text" \
    "($lto with -flto), goal $goal"
echo 'the largest symbols:'
nm -S --size-sort --radix=d "$dir/tiny" |
    awk '$3 ~ /[TtRr]/ { printf "%7d %s\n", $2, $4 }' | tail -15 | sort -rn
if [ "$text" -gt $limit ]; then
    echo "more than $limit" >&2
    exit 1
fi
