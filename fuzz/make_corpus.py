#!/usr/bin/env python3
"""Writes the inputs from which the fuzz targets start: fuzz/corpus/TARGET/NAME.

The streams are those of crates/cordon-wire/testdata; the rest is written out here. In front of a stream stand two
bytes that say where the target cuts it, and for `http` one more that says which direction it is.
"""

import pathlib
import shutil
import struct

ROOT = pathlib.Path(__file__).resolve().parent
TESTDATA = ROOT.parent / "crates" / "cordon-wire" / "testdata"


def write(target, inputs):
    folder = ROOT / "corpus" / target
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in sorted(inputs.items()):
        (folder / name).write_bytes(content)
    size = sum(len(content) for content in inputs.values())
    assert len(inputs) <= 50 and size <= 100_000, (target, len(inputs), size)
    print(f"{target}: {len(inputs)} inputs, {size} bytes")


def cut(stream):
    return struct.pack("<H", len(stream) // 2) + stream


def mllp(message):
    return b"\x0b" + message + b"\x1c\r"


def mllp_hl7():
    messages = {path.stem: path.read_bytes() for path in (TESTDATA / "hl7").glob("*.hl7")}
    inputs = {name: cut(mllp(message)) for name, message in messages.items()}
    small = sorted(messages.values(), key=len)[:3]
    inputs["several"] = cut(b"\r\n".join(mllp(message) for message in small))
    inputs["noise"] = cut(b"noise" + mllp(small[0]) + b"\x0b\x0bMSH|" + b"\x1c" * 3)
    return inputs


def piece(way, stream):
    """A head with the way of a piece and its length, and the piece."""
    assert len(stream) < 1 << 14
    return struct.pack("<H", len(stream) << 2 | way) + stream


def inspect():
    """Conversations: protocol, tier, and what the bundle lists, then pieces."""
    inputs = {}
    for number, path in enumerate(sorted((TESTDATA / "hl7").glob("*.hl7"))):
        message = mllp(path.read_bytes())
        inputs[f"hl7-{path.stem}"] = bytes([0, number % 5, number % 8]) + piece(0, message)
    both = mllp((TESTDATA / "hl7" / "pcd-01.hl7").read_bytes())
    ack = mllp((TESTDATA / "hl7" / "ack-aa.hl7").read_bytes())
    inputs["hl7-answered"] = bytes([0, 1, 0]) + piece(0, both) + piece(1, ack)
    for name in ("echo", "store", "move", "worklist"):
        pieces = b""
        for line in (TESTDATA / "dicom" / f"{name}.hex").read_text().splitlines():
            pieces += piece(0 if line[0] == ">" else 1, bytes.fromhex(line[2:]))
        inputs[f"dicom-{name}"] = bytes([1, 1, 0]) + pieces
    write_registers = bytes.fromhex("00070000000b011003e900020400d700be")
    written = bytes.fromhex("000700000006011003e90002")
    inputs["modbus"] = bytes([2, 3, 0]) + piece(0, write_registers) + piece(1, written)
    read = bytes.fromhex("810a001101040005010c0c000000011955")
    inputs["bacnet"] = bytes([3, 3, 0]) + piece(0, read) + piece(1, read)
    post = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok"
    inputs["http"] = bytes([4, 2, 0]) + piece(0, post) + piece(1, b"HTTP/1.1 204 No Content\r\n\r\n")
    inputs["foreign"] = bytes([2, 0, 0]) + piece(0, post)
    return inputs


def dicom():
    inputs = {}
    for path in (TESTDATA / "dicom").glob("*.hex"):
        sides = {">": b"", "<": b""}
        for line in path.read_text().splitlines():
            sides[line[0]] += bytes.fromhex(line[2:])
        for side, name in ((">", "requestor"), ("<", "acceptor")):
            if sides[side]:
                inputs[f"{path.stem}-{name}"] = cut(sides[side])
    return inputs


def modbus():
    inputs = {}
    for path in (TESTDATA / "modbus").glob("*.tsv"):
        adus = []
        for line in path.read_text().splitlines():
            try:
                adus.append(bytes.fromhex(line.split("\t")[1]))
            except (IndexError, ValueError):
                continue  # A head, or a line without a unit.
        for start in range(0, len(adus), 4):
            inputs[f"{path.stem}-{start:03}"] = cut(b"".join(adus[start : start + 4]))
    return inputs


HTTP = {
    "get": (0, b"GET /devices?limit=1 HTTP/1.1\r\nHost: gateway\r\nUser-Agent: pump/1\r\n\r\n" * 2),
    "post": (0, b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.0\r\n\r\n"),
    "chunks": (
        0,
        b"PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    "two-lengths": (0, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "both-framings": (
        0,
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "connect": (0, b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n\x16\x03\x01"),
    "upgrade": (0, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
    "length": (1, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 204 No Content\r\n\r\n"),
    "to-head": (3, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "tunnel": (5, b"HTTP/1.1 200 Connected\r\n\r\nanything"),
    "until-close": (1, b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nuntil the end"),
    "interim": (1, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"),
    "switching": (1, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00"),
    "response-chunks": (1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    "coded": (1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n\x1f\x8b"),
}


def http():
    return {name: bytes([choice]) + cut(stream) for name, (choice, stream) in HTTP.items()}


def tls():
    inputs = {}
    for line in (TESTDATA / "tls" / "hellos.tsv").read_text().splitlines():
        name, _, stream = line.split("\t")[:3]
        inputs[name] = cut(bytes.fromhex(stream))
    return inputs


CLASSIFY = {
    "mllp": b"\x0bMSH|^~\\&|PUMP",
    "tls": bytes.fromhex("16030100c8010000c4"),
    "dicom": bytes.fromhex("0100000000cd0001000041"),
    "modbus": bytes.fromhex("00010000000601030000000a"),
    "bacnet": bytes.fromhex("810b000c0120ffff00ff1008"),
    "request": b"OPTIONS * HTTP/1.1\r\n",
    "response": b"HTTP/1.1 200 OK\r\n",
    "prefix": b"PO",
}


def bacnet():
    """Several datagrams at once would be none: of the many vectors those whose names differ most."""
    lines = (TESTDATA / "bacnet" / "vectors.txt").read_text().splitlines()
    vectors = {}
    for line in lines:
        name, stream = line.split("\t")[:2]
        vectors[name.replace(" ", "-").replace("/", "-")] = bytes.fromhex(stream)
    step = -(-len(vectors) // 50)
    return dict(list(vectors.items())[::step])


def segment(client, place, count, ack=None, fin=False, rst=False, cut_bytes=None):
    flags = client | (ack is not None) << 1 | (cut_bytes is not None) << 4
    flags |= 0b1100 if fin else 0b101000 if rst else 0
    order = struct.pack("<BHB", flags, place, count)
    order += b"" if ack is None else struct.pack("<H", ack)
    return order + (b"" if cut_bytes is None else bytes([cut_bytes]))


def tcp():
    plain = segment(1, 0, 100) + segment(0, 0, 50, ack=100) + segment(1, 100, 20, ack=50)
    return {
        "plain": plain + segment(1, 120, 0, fin=True) + segment(0, 50, 0, fin=True),
        "reversed": b"".join(segment(1, place, 50) for place in range(950, -1, -50)),
        "twice": (segment(1, 0, 100) + segment(1, 50, 100)) * 2,
        "gap": segment(1, 0, 10) + segment(0, 0, 1, ack=500) + segment(1, 500, 10) + segment(0, 1, 1, ack=510) * 4,
        "cut-off": segment(1, 0, 100, cut_bytes=40) + segment(1, 140, 10) + segment(0, 0, 1, ack=150) * 5,
        "reset": plain + segment(0, 50, 0, rst=True) + segment(1, 120, 9),
        "ends-early": segment(1, 100, 10) + segment(1, 50, 0, fin=True) + segment(1, 0, 100),
        "elsewhere": b"".join(
            struct.pack("<BHHB", 0b1000001, place, 0x6000, 30) for place in range(0, 600, 30)
        ),
        "wraps": b"".join(segment(1, place, 200) for place in range(0, 3000, 200)),
    }


def fragment(identification, offset, count, more, v6=False, odd=False, cut_off=False, step=None):
    flags = odd | (step is not None) << 1 | v6 << 2 | identification << 3 | more << 7
    flags |= 0b1100000 if cut_off else 0
    return struct.pack("<BHB", flags, offset, count) + (b"" if step is None else bytes([step]))


def fragments():
    three = [fragment(1, 0, 10, True), fragment(1, 10, 10, True), fragment(1, 20, 5, False)]
    v6 = [fragment(2, 0, 10, True, v6=True), fragment(2, 10, 3, False, v6=True)]
    return {
        "in-order": b"".join(three),
        "reversed": b"".join(reversed(three)),
        "twice": b"".join(three[:2] + three),
        "mixed": b"".join(one for pair in zip(three, v6 + v6) for one in pair),
        "overlap": fragment(0, 0, 10, True) + fragment(0, 5, 10, False),
        "overlap-v6": fragment(0, 0, 10, True, v6=True) + fragment(0, 5, 10, False, v6=True),
        "late": three[0] + three[1] + fragment(1, 20, 5, False, step=61) + b"".join(three),
        "cut-off": three[0] + fragment(1, 10, 10, True, cut_off=True) + three[2],
        "too-long": fragment(3, 8190, 255, False) + fragment(3, 0, 0, True),
        "two-ends": three[2] + fragment(1, 30, 5, False) + fragment(1, 7, 3, True, odd=True),
        "pieces": b"".join(fragment(1, place, 1, True) for place in range(130)),
    }


def journal():
    """One line of each kind that the stored journal has."""
    stored = ROOT.parent / "crates" / "cordon-journal" / "testdata" / "stored" / "v1" / "journal"
    inputs = {
        "checkpoint": (stored / "traffic" / "checkpoint").read_bytes(),
        "key": (stored / "journal.pub").read_bytes().splitlines(keepends=True)[0],
    }
    kinds = set()
    for path in sorted(stored.glob("*/*.jsonl")):
        for line in path.read_bytes().splitlines():
            what = line.partition(b'"what":{')[2][:24]
            if (line[:9], what) not in kinds:
                kinds.add((line[:9], what))
                inputs[f"line-{len(kinds):02}"] = line
    return inputs


write("inspect", inspect())
write("journal", journal())
write("mllp_hl7", mllp_hl7())
write("dicom", dicom())
write("modbus", modbus())
write("http", http())
write("tls", tls())
write("classify", CLASSIFY)
write("bacnet", bacnet())
write("tcp", tcp())
write("fragment", fragments())
