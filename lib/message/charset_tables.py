#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes charset_tables.c: the upper halves of the single-octet character sets
and the labels under which mail names them. The mappings are those of the
Unicode Consortium's published tables, taken from Python's codecs; what they
leave open is 0 (U+FFFD when read). Labels are folded as charset.c folds them:
letters and digits only, in lower case.

usage: charset_tables.py > charset_tables.c
       charset_tables.py --check charset_tables.c
"""
import sys

# enumerator, preferred MIME name, kind, codec, further labels
ROWS = [
    ('NONE', '', 'NONE', None, ''),
    ('US_ASCII', 'us-ascii', 'ASCII', None,
     'ascii ansi_x3.4-1968 ansi_x3.4-1986 iso_646.irv:1991 iso646-us '
     'iso-ir-6 us ibm367 cp367 csascii 646'),
    ('UTF_8', 'utf-8', 'UTF_8', None,
     'utf8 unicode-1-1-utf-8 csutf8 x-unicode20utf8 unicode20utf8 '
     'unicode11utf8 utf-8-strict utf8mb4 cp65001 windows-65001'),
    ('UTF_16', 'utf-16', 'UTF_16', None,
     'utf16 csutf16 unicode iso-10646-ucs-2 ucs-2 csunicode'),
    ('UTF_16BE', 'utf-16be', 'UTF_16', None,
     'csutf16be unicodefffe unicodebigunmarked'),
    ('UTF_16LE', 'utf-16le', 'UTF_16', None,
     'csutf16le unicodefeff unicodelittleunmarked'),
    ('UTF_7', 'utf-7', 'UTF_7', None,
     'utf7 unicode-1-1-utf-7 csunicode11utf7 csutf7 x-unicode-2-0-utf-7 '
     'cp65000'),
    ('ISO_8859_1', 'iso-8859-1', 'TABLE', 'cp1252',
     'iso_8859-1:1987 iso-ir-100 l1 latin1 latin-1 csisolatin1 cp819 ibm819'),
    ('ISO_8859_2', 'iso-8859-2', 'TABLE', 'iso8859-2',
     'iso_8859-2:1987 iso-ir-101 l2 latin2 latin-2 csisolatin2'),
    ('ISO_8859_3', 'iso-8859-3', 'TABLE', 'iso8859-3',
     'iso_8859-3:1988 iso-ir-109 l3 latin3 csisolatin3'),
    ('ISO_8859_4', 'iso-8859-4', 'TABLE', 'iso8859-4',
     'iso_8859-4:1988 iso-ir-110 l4 latin4 csisolatin4'),
    ('ISO_8859_5', 'iso-8859-5', 'TABLE', 'iso8859-5',
     'iso_8859-5:1988 iso-ir-144 cyrillic csisolatincyrillic'),
    ('ISO_8859_6', 'iso-8859-6', 'TABLE', 'iso8859-6',
     'iso_8859-6:1987 iso-ir-127 arabic csisolatinarabic ecma-114 asmo-708 '
     'iso-8859-6-i iso-8859-6-e csiso88596i csiso88596e'),
    ('ISO_8859_7', 'iso-8859-7', 'TABLE', 'iso8859-7',
     'iso_8859-7:1987 iso-ir-126 greek greek8 csisolatingreek ecma-118 '
     'elot_928 sun_eu_greek'),
    ('ISO_8859_8', 'iso-8859-8', 'TABLE', 'iso8859-8',
     'iso_8859-8:1988 iso-ir-138 hebrew csisolatinhebrew visual logical '
     'iso-8859-8-i iso-8859-8-e csiso88598i csiso88598e'),
    ('ISO_8859_9', 'iso-8859-9', 'TABLE', 'cp1254',
     'iso_8859-9:1989 iso-ir-148 l5 latin5 csisolatin5'),
    ('ISO_8859_10', 'iso-8859-10', 'TABLE', 'iso8859-10',
     'iso_8859-10:1992 iso-ir-157 l6 latin6 csisolatin6'),
    ('ISO_8859_13', 'iso-8859-13', 'TABLE', 'iso8859-13',
     'l7 latin7 csisolatin7'),
    ('ISO_8859_14', 'iso-8859-14', 'TABLE', 'iso8859-14',
     'iso_8859-14:1998 iso-ir-199 l8 latin8 iso-celtic'),
    ('ISO_8859_15', 'iso-8859-15', 'TABLE', 'iso8859-15',
     'iso-ir-203 l9 latin9 latin-9 latin0 csisolatin9'),
    ('ISO_8859_16', 'iso-8859-16', 'TABLE', 'iso8859-16',
     'iso_8859-16:2001 iso-ir-226 l10 latin10'),
    ('WINDOWS_874', 'windows-874', 'TABLE', 'cp874',
     'cp874 dos-874 ms874 iso-8859-11 tis-620 tis620-2533 x-windows-874'),
    ('WINDOWS_1250', 'windows-1250', 'TABLE', 'cp1250',
     'cp1250 x-cp1250 ms-ee'),
    ('WINDOWS_1251', 'windows-1251', 'TABLE', 'cp1251',
     'cp1251 x-cp1251 ms-cyrl win-1251 ansi-1251'),
    ('WINDOWS_1252', 'windows-1252', 'TABLE', 'cp1252',
     'cp1252 x-cp1252 ms-ansi x-ansi ansi win-1252'),
    ('WINDOWS_1253', 'windows-1253', 'TABLE', 'cp1253',
     'cp1253 x-cp1253 ms-greek'),
    ('WINDOWS_1254', 'windows-1254', 'TABLE', 'cp1254',
     'cp1254 x-cp1254 ms-turk'),
    ('WINDOWS_1255', 'windows-1255', 'TABLE', 'cp1255',
     'cp1255 x-cp1255 ms-hebr'),
    ('WINDOWS_1256', 'windows-1256', 'TABLE', 'cp1256',
     'cp1256 x-cp1256 ms-arab'),
    ('WINDOWS_1257', 'windows-1257', 'TABLE', 'cp1257',
     'cp1257 x-cp1257 winbaltrim'),
    ('WINDOWS_1258', 'windows-1258', 'TABLE', 'cp1258', 'cp1258 x-cp1258'),
    ('KOI8_R', 'koi8-r', 'TABLE', 'koi8-r', 'koi koi8 cskoi8r'),
    ('KOI8_U', 'koi8-u', 'TABLE', 'koi8-u', 'koi8-ru cskoi8u'),
    ('IBM437', 'ibm437', 'TABLE', 'cp437', 'cp437 437 cspc8codepage437'),
    ('IBM850', 'ibm850', 'TABLE', 'cp850', 'cp850 850 cspc850multilingual'),
    ('IBM852', 'ibm852', 'TABLE', 'cp852', 'cp852 852 cspcp852'),
    ('IBM866', 'ibm866', 'TABLE', 'cp866', 'cp866 866 csibm866'),
    ('MACINTOSH', 'macintosh', 'TABLE', 'mac-roman',
     'mac x-mac-roman macroman csmacintosh'),
    ('MAC_CYRILLIC', 'x-mac-cyrillic', 'TABLE', 'mac-cyrillic',
     'x-mac-ukrainian maccyrillic'),
    ('GB18030', 'gb18030', 'HOOK', None,
     'gbk gb2312 gb_2312-80 gb_2312 chinese csgb2312 csiso58gb231280 '
     'iso-ir-58 x-gbk cp936 ms936 windows-936 euc-cn gb2312-1980'),
    ('BIG5', 'big5', 'HOOK', None,
     'big5-hkscs cn-big5 csbig5 x-x-big5 cp950 windows-950 big5-eten'),
    ('EUC_JP', 'euc-jp', 'HOOK', None,
     'x-euc-jp x-euc cseucpkdfmtjapanese ujis'),
    ('ISO_2022_JP', 'iso-2022-jp', 'HOOK', None,
     'csiso2022jp iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-ms '
     'csiso2022jp2 cp50220 cp50221 jis7'),
    ('SHIFT_JIS', 'shift_jis', 'HOOK', None,
     'sjis x-sjis ms_kanji csshiftjis windows-31j cp932 ms932 '
     'cswindows31j shift_jisx0213'),
    ('EUC_KR', 'euc-kr', 'HOOK', None,
     'ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean csksc56011987 '
     'iso-ir-149 cseuckr windows-949 cp949 ms949 uhc'),
    ('ISO_2022_KR', 'iso-2022-kr', 'HOOK', None, 'csiso2022kr'),
]


def fold(label):
    """Letters and digits in lower case."""
    return ''.join(c for c in label.lower() if c.isalnum() and c.isascii())


def upper_half(codec):
    """The characters of 0x80 to 0xFF, 0 where there is none."""
    found = []
    for octet in range(0x80, 0x100):
        try:
            found.append(ord(bytes([octet]).decode(codec)))
        except UnicodeDecodeError:
            found.append(0)
    assert all(c < 0x10000 for c in found)
    return found


def labels():
    found = {}
    for name, mime, _, _, more in ROWS:
        for label in [mime] + more.split():
            folded = fold(label)
            if not folded:
                continue
            assert found.setdefault(folded, name) == name, label
    return sorted(found.items())


def tables():
    codecs = []
    for row in ROWS:
        if row[3] and row[3] not in codecs:
            codecs.append(row[3])
    return codecs


def text():
    yield '/* SPDX-License-Identifier: MIT'
    yield ' *'
    yield ' * charset_tables.c: generated by charset_tables.py, which says'
    yield ' * where the facts are from. Rows stand in the order of mk_charset,'
    yield ' * labels in the order of their octets. Not to be edited by hand.'
    yield ' */'
    yield '#include "charset_internal.h"'
    yield ''
    yield '/* clang-format off */'
    yield 'const uint16_t mk_charset_upper[][128] = {'
    codecs = tables()
    for codec in codecs:
        yield '    { /* %s */' % codec
        half = upper_half(codec)
        for at in range(0, 128, 8):
            yield '        %s,' % ', '.join('0x%04X' % c
                                            for c in half[at:at + 8])
        yield '    },'
    yield '};'
    yield ''
    yield 'const charset_row mk_charset_rows[MK_CHARSET_COUNT] = {'
    for name, mime, kind, codec, _ in ROWS:
        yield '    {%-18s CHARSET_%s, %d}, /* %s */' % (
            'MK_STR_INIT("%s"),' % mime, kind,
            codecs.index(codec) if codec else 0, name)
    yield '};'
    yield ''
    yield 'const charset_label mk_charset_labels[] = {'
    for label, name in labels():
        yield '    {MK_STR_INIT("%s"), MK_CHARSET_%s},' % (label, name)
    yield '};'
    yield ('const size_t mk_charset_label_count = sizeof mk_charset_labels / '
           'sizeof')
    yield '    mk_charset_labels[0];'
    yield '/* clang-format on */'


def main(argv):
    made = '\n'.join(text()) + '\n'
    if len(argv) == 3 and argv[1] == '--check':
        with open(argv[2], encoding='ascii') as f:
            if f.read() != made:
                print('%s is not what charset_tables.py writes' % argv[2])
                return 1
        return 0
    sys.stdout.write(made)
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
