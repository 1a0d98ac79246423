# SPDX-License-Identifier: MIT
"""What Python's email package reads in a message, as facts that other readers
state likewise: tree (types and children), leaves (decoded length and SHA-256
of each, in order), subject, addresses of From and To, date. A peer that raises
an exception states that instead."""
import email
import email.header
import email.policy
import email.utils
import hashlib

FACTS = ('tree', 'leaves', 'subject', 'from', 'to', 'date')
POLICIES = {'default': email.policy.default, 'compat32': email.policy.compat32}


def digest(octets):
    return [len(octets), hashlib.sha256(octets).hexdigest()]


def tree_of(part):
    children = part.get_payload() if part.is_multipart() else []
    inner = ','.join(tree_of(child) for child in children)
    return part.get_content_type() + ('(%s)' % inner if children else '')


def leaves_of(part):
    return [digest(leaf.get_payload(decode=True) or b'')
            for leaf in part.walk() if not leaf.is_multipart()]


def typed_addresses(value):
    return [address.addr_spec for address in value.addresses]


def plain_addresses(value):
    return [address for _, address in email.utils.getaddresses([str(value)])
            if address]


def plain_subject(value):
    return str(email.header.make_header(email.header.decode_header(value)))


def plain_date(value):
    fields = email.utils.parsedate_tz(str(value))
    return email.utils.mktime_tz(fields) if fields else None


def typed_date(value):
    moment = value.datetime
    return int(moment.timestamp()) if moment else None


READERS = {
    'default': {'subject': str, 'from': typed_addresses,
                'to': typed_addresses, 'date': typed_date},
    'compat32': {'subject': plain_subject, 'from': plain_addresses,
                 'to': plain_addresses, 'date': plain_date},
}


def attempt(read):
    try:
        return read()
    except Exception as why:  # pylint: disable=broad-except
        return 'raises ' + type(why).__name__


def field(message, name, read):
    def get():
        value = message[name]
        if value is None:
            return [] if name in ('from', 'to') else None
        return read(value)
    return attempt(get)


def facts_of(octets, policy):
    message = email.message_from_bytes(octets, policy=POLICIES[policy])
    facts = {'tree': attempt(lambda: tree_of(message)),
             'leaves': attempt(lambda: leaves_of(message))}
    for name, read in READERS[policy].items():
        facts[name] = field(message, name, read)
    return facts
