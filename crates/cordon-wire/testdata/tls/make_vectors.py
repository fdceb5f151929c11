"""Writes the ClientHello vectors of this directory; run it here. Needs nothing but Python with OpenSSL.

JA4 is computed here from its published description (FoxIO, JA4.md), by another reading of the bytes than
the one under test.
"""
import hashlib, ssl, struct, warnings

warnings.simplefilter("ignore")

def hello(context, name=None):
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()

def context(low, high, alpn=(), ciphers=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    if ciphers:
        made.set_ciphers(ciphers)
    made.minimum_version, made.maximum_version = low, high
    if alpn:
        made.set_alpn_protocols(list(alpn))
    return made

def grease(value):
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF

def words(raw):
    return [int.from_bytes(raw[i:i + 2], "big") for i in range(0, len(raw), 2)]

def message(records):
    joined = b""
    while records:
        length = int.from_bytes(records[3:5], "big")
        joined, records = joined + records[5:5 + length], records[5 + length:]
    return joined

def ja4(records, carrier="t"):
    body = message(records)[4:]
    version, body = int.from_bytes(body[:2], "big"), body[34:]
    body = body[1 + body[0]:]
    length = int.from_bytes(body[:2], "big")
    ciphers, body = [c for c in words(body[2:2 + length]) if not grease(c)], body[2 + length:]
    body = body[1 + body[0]:]
    extensions, signatures, name, alpn = [], [], "i", "00"
    body = body[2:]
    while body:
        kind, length = struct.unpack(">HH", body[:4])
        data, body = body[4:4 + length], body[4 + length:]
        if grease(kind):
            continue
        extensions.append(kind)
        if kind == 0:
            name = "d"
        elif kind == 13:
            signatures = [s for s in words(data[2:]) if not grease(s)]
        elif kind == 16:
            first = data[3:3 + data[2]]
            plain = lambda b: bytes([b]).isalnum()
            alpn = first.decode() if plain(first[0]) and plain(first[-1]) else first.hex()
            alpn = alpn[0] + alpn[-1]
        elif kind == 43:
            version = max(v for v in words(data[1:]) if not grease(v))
    def digest(text):
        return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12
    hexes = lambda values: ",".join(f"{value:04x}" for value in values)
    second = digest(hexes(sorted(ciphers)))
    listed = hexes(sorted(e for e in extensions if e not in (0, 16)))
    third = digest("_".join([listed, hexes(signatures)]) if signatures else listed)
    label = {0x304: "13", 0x303: "12", 0x302: "11", 0x301: "10"}.get(version, "00")
    counts = f"{min(len(ciphers), 99):02}{min(len(extensions), 99):02}"
    return f"{carrier}{label}{name}{counts}{alpn}_{second}_{third}"

def chrome():
    """The example of the description: its ciphers, extensions and signature algorithms, with GREASE."""
    ciphers = [0x2A2A, 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013,
               0xC014, 0x009C, 0x009D, 0x002F, 0x0035]
    signatures = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]
    pack = lambda values: b"".join(struct.pack(">H", value) for value in values)
    sized = lambda data: struct.pack(">H", len(data)) + data
    host = b"example.com"
    extensions = [
        (0x8A8A, b""), (0x0000, sized(b"\0" + sized(host))), (0x0017, b""), (0xFF01, b"\0"),
        (0x000A, sized(pack([0x3A3A, 0x001D, 0x0017, 0x0018]))), (0x000B, b"\x01\0"), (0x0023, b""),
        (0x0010, sized(b"\x02h2\x08http/1.1")), (0x0005, b"\x01\0\0\0\0"), (0x000D, sized(pack(signatures))),
        (0x0012, b""), (0x0033, sized(pack([0x3A3A]) + sized(b"\0") + pack([0x001D]) + sized(b"\x55" * 32))),
        (0x002D, b"\x01\x01"), (0x002B, b"\x06" + pack([0x6A6A, 0x0304, 0x0303])), (0x001B, b"\x02\0\x02"),
        (0x4469, sized(b"\x02h2")), (0xDADA, b"\0"), (0x0015, b"\0" * 200),
    ]
    listed = b"".join(struct.pack(">H", kind) + sized(data) for kind, data in extensions)
    body = b"\x03\x03" + b"\x11" * 32 + b"\x20" + b"\x22" * 32 + sized(pack(ciphers)) + b"\x01\0" + sized(listed)
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + sized(handshake)

def pieces(records, size):
    joined, out = message(records), b""
    for start in range(0, len(joined), size):
        piece = joined[start:start + size]
        out += b"\x16\x03\x01" + struct.pack(">H", len(piece)) + piece
    return out

V = ssl.TLSVersion
any_version = context(V.TLSv1_2, V.TLSv1_3, ["h2", "http/1.1"])
VECTORS = [
    ("tls12-13-h2", hello(any_version, "pacs.hospital.example")),
    ("tls13-only", hello(context(V.TLSv1_3, V.TLSv1_3), "pacs.hospital.example")),
    ("tls12-no-name", hello(context(V.TLSv1_2, V.TLSv1_2, ["http/1.1"]))),
    ("tls12-one-cipher", hello(context(V.TLSv1_2, V.TLSv1_2, ciphers="ECDHE-RSA-AES128-GCM-SHA256"), "h")),
    ("tls10", hello(context(V.TLSv1, V.TLSv1, ciphers="ALL:@SECLEVEL=0"), "old.example")),
    ("alpn-one-letter", hello(context(V.TLSv1_2, V.TLSv1_3, ["a"]), "h.example")),
    ("alpn-odd", hello(context(V.TLSv1_2, V.TLSv1_3, ["\u007fx\u0001"]), "h.example")),
    ("chrome", chrome()),
    ("chrome-in-pieces", pieces(chrome(), 100)),
    ("long-in-pieces", pieces(hello(context(V.TLSv1_3, V.TLSv1_3, [f"p{n:03}" for n in range(60)]), "h.example"), 37)),
]

assert ja4(chrome()) == "t13d1516h2_8daaf6152771_e5627efa2ab1", ja4(chrome())

with open("hellos.tsv", "w") as out:
    for label, records in VECTORS:
        out.write(f"{label}\t{ja4(records)}\t{records.hex()}\n")
