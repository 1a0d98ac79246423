#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The last line of tests/run: sums meson's test logs and the other steps.

usage: sum.py PASSED FAILED SKIPPED LOG.json...

A log that is missing counts as one failure. Exit 0 only when none failed.
"""
import json
import sys

GOOD = ('OK', 'EXPECTEDFAIL')
SKIPPED = ('SKIP',)


def main():
    passed, failed, skipped = (int(n) for n in sys.argv[1:4])
    bad = []
    for path in sys.argv[4:]:
        try:
            with open(path, encoding='utf-8') as f:
                rows = [json.loads(line) for line in f if line.strip()]
        except (OSError, ValueError) as why:
            bad.append('%s: %s' % (path, why))
            continue
        for row in rows:
            if row['result'] in GOOD:
                passed += 1
            elif row['result'] in SKIPPED:
                skipped += 1
                print('skipped: ' + row['name'])
            else:
                bad.append('%s: %s' % (row['name'], row['result']))
    for name in bad:
        print('failed: ' + name)
    failed += len(bad)
    text = '%d passed, %d failed' % (passed, failed)
    if skipped:
        text += ', %d skipped' % skipped
    print(text)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
