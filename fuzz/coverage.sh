#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints how many lines of its files each fuzz target reaches from the seeds
# within a time; ends with 1 when one is below so many per cent of them. What
# a short time reaches depends on the machine: then ask for less.
#
#   sh fuzz/coverage.sh [SECONDS [PER-CENT]]    30 seconds a target, 90 per cent
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-30}
least=${2:-90}
clang=$(command -v clang-14 || command -v clang)
cov=$(command -v llvm-cov-14 || command -v llvm-cov)
profdata=$(command -v llvm-profdata-14 || command -v llvm-profdata)
work=$(mktemp -d "${TMPDIR:-/tmp}/mailkit-fuzz.XXXXXX")
trap 'rm -rf "$work"' EXIT

python3 fuzz/seeds.py tests/chat "$work/corpus" "$work/stamp"

flags='-std=c11 -D_GNU_SOURCE -DMK_HAVE_ICONV -g -O1 -Iinclude -Ilib -Itests/support -Ifuzz
-fprofile-instr-generate -fcoverage-mapping'
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

# What the targets stand on, once for all of them; a target takes what it needs.
mkdir -p "$work/objects"
for file in lib/base/*.c lib/wire/*.c lib/smtp/*.c lib/pop3/*.c lib/sasl/*.c \
    lib/message/*.c lib/tls/*.c lib/crypto/*.c fuzz/machine.c fuzz/script.c \
    fuzz/server.c fuzz/toys.c tests/support/rig.c tests/support/text.c \
    tests/support/trace.c tests/support/certs.c tests/support/line_engine.c \
    tests/unit/message/tree.c; do
    echo "$file"
done | CLANG=$clang FLAGS=$flags xargs -P "$jobs" -I FILE sh -ec '
    "$CLANG" $FLAGS -fsanitize=fuzzer-no-link -c FILE \
        -o "$1/$(echo FILE | tr / _).o"' sh "$work/objects"
ar rcs "$work/libcover.a" "$work"/objects/*.o

# measure TARGET FILES…
measure() {
    name=$1
    shift
    # shellcheck disable=SC2086 # lists of words
    "$clang" $flags -fsanitize=fuzzer "fuzz/fuzz_$name.c" "$work/libcover.a" \
        -lmbedtls -lmbedx509 -lmbedcrypto -o "$work/$name"
    seeds=$work/corpus/$name
    if [ -d "fuzz/corpus/$name" ]; then
        seeds=fuzz/corpus/$name
    fi
    mkdir -p "$seeds"
    mkdir -p "$work/grown/$name"
    dict=
    if [ -f "fuzz/$name.dict" ]; then
        dict=-dict=fuzz/$name.dict
    fi
    LLVM_PROFILE_FILE="$work/$name.raw" timeout $((seconds + 60)) \
        "$work/$name" -max_total_time="$seconds" -timeout=20 \
        ${dict:+"$dict"} "-artifact_prefix=$work/" \
        "$work/grown/$name" "$seeds" >"$work/$name.log" 2>&1 || {
        tail -n 40 "$work/$name.log"
        return 1
    }
    "$profdata" merge -o "$work/$name.prof" "$work/$name.raw"
    "$cov" export -summary-only -instr-profile="$work/$name.prof" \
        "$work/$name" "$@" | python3 -c '
import json, os, sys
files = json.load(sys.stdin)["data"][0]["files"]
hit = sum(f["summary"]["lines"]["covered"] for f in files)
all_ = sum(f["summary"]["lines"]["count"] for f in files)
for f in files:
    lines = f["summary"]["lines"]
    print("  %-28s %4d of %4d lines, %5.1f %%" % (
        os.path.relpath(f["filename"]), lines["covered"], lines["count"],
        lines["percent"]))
share = 100.0 * hit / all_
print("%s: %.1f %% of its lines" % (sys.argv[1], share))
sys.exit(0 if share >= float(sys.argv[2]) else 1)' "$name" "$least"
}

# Targets side by side, as many as there are processors; what they print comes
# one behind the other.
bad=0
running=
finish_first() {
    first=${running# }
    first=${first%% *}
    running=${running#" $first"}
    wait "${first%%:*}" || bad=1
    cat "$work/${first#*:}.said"
}
begin() {
    (measure "$@") >"$work/$1.said" 2>&1 &
    running="$running $!:$1"
    # shellcheck disable=SC2086 # a list of words
    set -- $running
    if [ $# -ge "$jobs" ]; then
        finish_first
    fi
}

begin framer lib/wire/frame.c
begin codec lib/base/base64.c lib/base/qp.c lib/base/hex.c
begin proxy lib/wire/proxy.c
begin smtp_server lib/smtp/server.c lib/smtp/server_verbs.c \
    lib/smtp/server_peer.c lib/smtp/server_bdat.c lib/smtp/server_lmtp.c \
    lib/smtp/server_offer.c lib/smtp/params.c lib/smtp/peer_fields.c \
    lib/smtp/server_body.c lib/smtp/extensions.c lib/smtp/path.c \
    lib/wire/serve.c lib/wire/serve_clock.c lib/wire/serve_login.c \
    lib/wire/serve_tls.c
begin smtp_client lib/smtp/client.c lib/smtp/client_rows.c \
    lib/smtp/client_verbs.c lib/smtp/client_body.c lib/smtp/client_offer.c \
    lib/smtp/reply_parse.c lib/wire/client.c
begin pop3_server lib/pop3/server.c lib/pop3/server_apop.c \
    lib/pop3/server_body.c lib/pop3/server_capa.c lib/pop3/server_cut.c \
    lib/pop3/server_login.c lib/pop3/server_verbs.c
begin pop3_client lib/pop3/client.c lib/pop3/client_login.c \
    lib/pop3/client_parse.c lib/pop3/client_rows.c lib/pop3/client_tls.c \
    lib/pop3/client_verbs.c
begin sasl lib/sasl/exchange.c lib/sasl/text.c lib/sasl/scram.c \
    lib/sasl/client_scram.c lib/sasl/client_oauth.c lib/sasl/server_scram.c \
    lib/sasl/server_oauth.c lib/sasl/server_plain.c lib/sasl/server_cram.c
# not verify.c: its certificates are those of the units
begin tls lib/tls/session.c lib/tls/records.c lib/tls/handshake.c \
    lib/tls/info.c lib/tls/ticket.c
begin header lib/message/address.c lib/message/address_look.c \
    lib/message/address_text.c lib/message/address_token.c \
    lib/message/auth_results.c lib/message/charset.c lib/message/date.c \
    lib/message/field.c lib/message/field_names.c lib/message/field_odd.c \
    lib/message/field_scan.c \
    lib/message/flowed.c lib/message/ident.c lib/message/list.c \
    lib/message/param.c lib/message/param_decode.c lib/message/received.c \
    lib/message/subject.c lib/message/word.c lib/message/word_encode.c
begin message lib/message/charset_decode.c lib/message/envelope.c \
    lib/message/parse.c lib/message/parse_boundary.c lib/message/parse_scan.c \
    lib/message/parse_type.c lib/message/readings.c lib/message/recode.c \
    lib/message/transfer.c lib/message/transfer_uu.c lib/message/view.c \
    lib/message/view_choose.c
while [ -n "$running" ]; do
    finish_first
done
exit $bad
