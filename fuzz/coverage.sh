#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints how many lines of its files each fuzz target reaches from the seeds
# within a time; ends with 1 when one is below 90 per cent.
#
#   sh fuzz/coverage.sh [SECONDS]     30 seconds a target unless told
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-30}
clang=$(command -v clang-14 || command -v clang)
cov=$(command -v llvm-cov-14 || command -v llvm-cov)
profdata=$(command -v llvm-profdata-14 || command -v llvm-profdata)
work=$(mktemp -d "${TMPDIR:-/tmp}/mailkit-fuzz.XXXXXX")
trap 'rm -rf "$work"' EXIT

support='tests/support/rig.c tests/support/text.c tests/support/trace.c'
shared='fuzz/machine.c fuzz/script.c fuzz/server.c fuzz/toys.c'
python3 fuzz/seeds.py tests/chat "$work/corpus" "$work/stamp"

# measure TARGET FILES…
measure() {
    name=$1
    shift
    case $name in
    tls)
        more='lib/tls/*.c lib/crypto/mbedtls.c
            tests/support/certs.c tests/support/line_engine.c
            -lmbedtls -lmbedx509 -lmbedcrypto'
        ;;
    *) more= ;;
    esac
    # shellcheck disable=SC2086 # lists of paths without spaces
    "$clang" -std=c11 -D_GNU_SOURCE -g -O1 -Iinclude -Ilib -Itests/support \
        -Ifuzz -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping \
        lib/base/*.c lib/wire/*.c lib/smtp/*.c lib/pop3/*.c lib/sasl/*.c \
        lib/crypto/h*.c lib/crypto/pbkdf2.c $support $shared \
        "fuzz/fuzz_$name.c" $more -o "$work/$name"
    mkdir -p "$work/grown/$name"
    dict=
    if [ -f "fuzz/$name.dict" ]; then
        dict=-dict=fuzz/$name.dict
    fi
    LLVM_PROFILE_FILE="$work/$name.raw" timeout $((seconds + 60)) \
        "$work/$name" -max_total_time="$seconds" -timeout=20 \
        ${dict:+"$dict"} "-artifact_prefix=$work/" \
        "$work/grown/$name" "$work/corpus/$name" >"$work/$name.log" 2>&1 || {
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
sys.exit(0 if share >= 90 else 1)' "$name"
}

bad=0
measure framer lib/wire/frame.c || bad=1
measure codec lib/base/base64.c lib/base/qp.c lib/base/hex.c || bad=1
measure smtp_server lib/smtp/server.c lib/smtp/server_verbs.c \
    lib/smtp/server_body.c lib/smtp/extensions.c lib/smtp/path.c \
    lib/wire/serve.c lib/wire/serve_clock.c lib/wire/serve_login.c \
    lib/wire/serve_tls.c || bad=1
measure smtp_client lib/smtp/client.c lib/smtp/client_rows.c \
    lib/smtp/client_verbs.c lib/smtp/reply_parse.c || bad=1
measure pop3_server lib/pop3/server.c lib/pop3/server_apop.c \
    lib/pop3/server_body.c lib/pop3/server_capa.c lib/pop3/server_cut.c \
    lib/pop3/server_login.c lib/pop3/server_verbs.c || bad=1
measure pop3_client lib/pop3/client.c lib/pop3/client_login.c \
    lib/pop3/client_parse.c lib/pop3/client_rows.c lib/pop3/client_tls.c \
    lib/pop3/client_verbs.c || bad=1
measure sasl lib/sasl/exchange.c lib/sasl/text.c lib/sasl/scram.c \
    lib/sasl/client_scram.c lib/sasl/client_oauth.c lib/sasl/server_scram.c \
    lib/sasl/server_oauth.c lib/sasl/server_plain.c lib/sasl/server_cram.c || bad=1
# not verify.c: its certificates are those of the units
measure tls lib/tls/session.c lib/tls/records.c lib/tls/handshake.c \
    lib/tls/info.c lib/tls/ticket.c || bad=1
exit $bad
