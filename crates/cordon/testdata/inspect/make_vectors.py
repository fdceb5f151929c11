"""Writes the captures of this directory; run it here. Needs nothing but Python."""
import socket
import struct

T0 = 1793520000.0  # 2026-11-01T08:00:00Z
SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16
MACS = bytes.fromhex("001b213a4f60"), bytes.fromhex("005056000001")


def packed(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ip(src, dst, proto, body, ident=1, fragment=0x4000, extension=b""):
    """An IP packet; in IPv6 `extension` is a fragment header, whose protocol is `proto`."""
    if ":" in src:
        kind = 44 if extension else proto
        return struct.pack(">IHBB", 6 << 28, len(extension + body), kind, 64) + packed(src) + packed(dst) + extension + body
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), ident, fragment, 64, proto, 0) + packed(src) + packed(dst) + body


def eth(packet, tags=()):
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    return MACS[1] + MACS[0] + b"".join(struct.pack(">HH", t, v) for t, v in tags) + struct.pack(">H", kind) + packet


def udp(sport, dport, body):
    return struct.pack(">HHHH", sport, dport, 8 + len(body), 0) + body


class Talk:
    """One TCP connection; each call adds a frame."""
    def __init__(self, frames, client, server, sport, dport, isn=1000, tags=()):
        self.frames, self.ends, self.ports, self.tags = frames, (client, server), (sport, dport), tags
        self.next = [isn, isn + 50000]

    def frame(self, who, seq, flags, body=b"", ack=None):
        ack = self.next[1 - who] if ack is None else ack
        number = lambda n: n % 2**32
        header = struct.pack(">HHIIBBHHH", self.ports[who], self.ports[1 - who], number(seq), number(ack), 0x50, flags, 8192, 0, 0)
        self.frames.append(eth(ip(self.ends[who], self.ends[1 - who], 6, header + body), self.tags))

    def open(self):
        self.frame(0, self.next[0], SYN, ack=0)
        self.next[0] += 1
        self.frame(1, self.next[1], SYN | ACK)
        self.next[1] += 1
        self.frame(0, self.next[0], ACK)
        return self

    def say(self, who, body, shown=True):
        """Says something; `shown` tells whether the capture has it."""
        if shown:
            self.frame(who, self.next[who], PSH | ACK, body)
        self.next[who] += len(body)

    def close(self):
        for who in (0, 1):
            self.frame(who, self.next[who], FIN | ACK)
            self.next[who] += 1
        self.frame(0, self.next[0], ACK)


def times(frames):
    return [(T0 + 0.01 * number, frame) for number, frame in enumerate(frames)]


def pcap(name, frames, link=1, snap=65535):
    with open(name, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snap, link))
        for ts, data in times(frames):
            f.write(struct.pack("<IIII", int(ts), round((ts - int(ts)) * 1e6), len(data[:snap]), len(data)) + data[:snap])


def pcapng(name, frames):
    def block(kind, body):
        return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))
    with open(name, "wb") as f:
        f.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        f.write(block(1, struct.pack("<HHI", 1, 0, 0)))
        for ts, data in times(frames):
            ticks = round(ts * 1e6)
            body = struct.pack("<IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)) + data
            f.write(block(6, body + b"\0" * (-len(data) % 4)))


def adu(transaction, pdu, unit=1):
    return struct.pack(">HHHB", transaction, 0, 1 + len(pdu), unit) + pdu


def read(transaction, address=100, count=2):
    return adu(transaction, struct.pack(">BHH", 3, address, count))


def values(transaction, count=2):
    return adu(transaction, struct.pack(">BB", 3, 2 * count) + b"\0\x2a" * count)


def mllp(*segments):
    return b"\x0b" + b"".join(s.encode() + b"\r" for s in segments) + b"\x1c\r"


def msh(kind, control, sender="PUMP|ICU", receiver="EHR|HOSP"):
    return f"MSH|^~\\&|{sender}|{receiver}|20261101080000||{kind}|{control}|P|2.6"


CLIENT, SERVER = "10.110.0.5", "10.20.0.10"

# Segments out of order, twice, overlapping, contradicting; numbers that begin again.
f = []
t = Talk(f, CLIENT, SERVER, 40001, 502, isn=2**32 - 20).open()
one, two = read(1), read(2)
start = t.next[0]
t.frame(0, start + 5, PSH | ACK, one[5:])            # 4: the second part first
t.frame(0, start + 3, PSH | ACK, one[3:5] + b"XX")   # 5: overlaps it, and says something else
t.frame(0, start, PSH | ACK, one[:3])                # 6: completes the request
t.next[0] += len(one)
t.say(1, values(1))                                  # 7
t.frame(1, t.next[1] - len(values(1)), PSH | ACK, values(1))  # 8: sent again
t.frame(0, t.next[0] - 1, ACK, b"\0")                # 9: kept alive
t.say(0, two)                                        # 10
t.frame(1, t.next[1] + 6, PSH | ACK, values(2)[6:])  # 11: out of order
t.frame(1, t.next[1], PSH | ACK, values(2)[:6])      # 12: completes the answer
t.next[1] += len(values(2))
t.say(0, adu(3, struct.pack(">BHHB", 15, 0, 1969, 247) + b"\0" * 247))  # 13: too many coils
t.close()
pcap("modbus-disorder.pcap", f)

# A request and the end of an answer are missing; the reader finds its feet.
f = []
t = Talk(f, CLIENT, SERVER, 40002, 502, tags=[(0x8100, 110)]).open()
t.say(0, read(1))
t.say(1, values(1))
t.say(0, read(2), shown=False)
t.say(1, values(2))
t.say(0, read(3))
t.say(1, values(3))
t.say(0, read(4))
t.frame(1, t.next[1], PSH | ACK, values(4)[:7])
t.next[1] += len(values(4))
t.frame(0, t.next[0], ACK)
t.say(0, read(5))
t.say(1, values(5))
t.say(0, read(6))
t.say(1, values(6))
t.close()
pcap("modbus-loss.pcap", f)

# Begun before the capture, the server seen first; VLAN in VLAN.
f = []
t = Talk(f, CLIENT, SERVER, 40003, 502, tags=[(0x88A8, 5), (0x8100, 110)])
t.say(1, values(1))
t.say(0, read(2))
t.say(1, adu(2, b"\x83\x02"))
t.frame(1, t.next[1], RST)
pcap("modbus-midstream.pcap", f)

# The same conversation, of which only the first 64 bytes of each frame were captured.
f = []
t = Talk(f, CLIENT, SERVER, 40004, 502).open()
t.say(0, read(1))
t.say(1, values(1, 20))
t.say(0, read(2))
t.say(1, values(2))
t.close()
pcap("modbus-cut.pcap", f, snap=68)

# HL7 over IPv6: one message in three segments, its answer, an order from the one who opened, a frame
# that is no message, and one that never ends.
f = []
t = Talk(f, "fd00:110::5", "fd00:20::10", 40005, 2575).open()
oru = mllp(msh("ORU^R01^ORU_R01", "A1"), "PID|||^^^Hospital^PI", "OBR|1|||1^X^MDC", "OBX|1|NM|147842^MDC_ECG_HEART_RATE^MDC|1.1.1.1|72|bpm|||||F")
for part in (oru[:9], oru[9:80], oru[80:]):
    t.say(0, part)
t.say(1, mllp(msh("ACK^R01^ACK", "B1", "EHR|HOSP", "PUMP|ICU"), "MSA|AA|A1"))
t.say(0, mllp(msh("RGV^O15^RGV_O15", "A2"), "ORC|RE", "RXG|1|1||1^drug^L|1||1^mL^UCUM"))
t.say(0, b"\x0bEVN|A01\r\x1c\r")
t.say(0, mllp(msh("ORU^R40^ORU_R40", "A3"), "OBR|1|||196616^MDC_EVT_ALARM^MDC"))
t.say(0, b"\x0bMSH|^~\\&|PU")
t.close()
pcap("hl7.pcap", f)

# BACnet: Who-Is to all, a read and its answer, a controller that is to be silent, a bad length; then
# a read of many properties, in fragments of IPv4 and of IPv6, in and out of order, overlapping.
A, B, ALL = "10.130.0.7", "10.30.0.20", "10.130.255.255"
bvlc = lambda function, npdu: struct.pack(">BBH", 0x81, function, 4 + len(npdu)) + npdu
rp = bytes.fromhex("0104 0005 01 0c 0c 00000001 19 55")
ack = bytes.fromhex("0100 30 01 0c 0c 00000001 19 55 3e 44 41b80000 3f")
dcc = bytes.fromhex("0104 0005 02 11 19 01")
rpm = bytes.fromhex("0104 0075 03 0e") + b"".join(b"\x0c" + struct.pack(">I", n) + b"\x1e\x09\x55\x1f" for n in range(1, 41))
rpm6 = rpm[:4] + b"\x04" + rpm[5:]
f = [
    eth(ip(A, ALL, 17, udp(47808, 47808, bytes.fromhex("810b000c0120ffff00ff1008")))),
    eth(ip(A, B, 17, udp(47808, 47808, bvlc(10, rp)))),
    eth(ip(B, A, 17, udp(47808, 47808, bvlc(10, ack)))),
    eth(ip(A, B, 17, udp(47808, 47808, bvlc(10, dcc)))),
    eth(ip(A, B, 17, udp(47808, 47808, b"\x81\x0a\x00\x63\x01\x04"))),
]
whole = udp(47808, 47808, bvlc(10, rpm))
cut = [whole[:96], whole[96:192], whole[192:]]
parts = [eth(ip(A, B, 17, part, ident=7, fragment=(0x2000 if n < 2 else 0) | 12 * n)) for n, part in enumerate(cut)]
f += [parts[2], parts[0], parts[0], parts[1]]
six = ("fd00:130::7", "fd00:30::20")
whole = udp(47808, 47808, bvlc(10, rpm6))


def fragment6(offset, more, body, ident):
    header = struct.pack(">BBHI", 17, 0, offset | more, ident)
    return eth(ip(*six, 17, body, extension=header))


f += [fragment6(96, 0, whole[96:], 9), fragment6(0, 1, whole[:96], 9)]
f += [fragment6(0, 1, whole[:96], 10), fragment6(88, 1, b"overlap!", 10), fragment6(96, 0, whole[96:], 10)]
f += [eth(ip(A, B, 17, whole[:96], ident=8, fragment=0x2000))]  # the rest never comes
pcapng("bacnet.pcapng", f)

# DICOM: an association, an echo, and a P-DATA-TF longer than the receiver said it takes.
item = lambda kind, body: struct.pack(">BBH", kind, 0, len(body)) + body
pdu = lambda kind, body: struct.pack(">BBI", kind, 0, len(body)) + body
titles = b"ARCHIVE".ljust(16) + b"US-1".ljust(16)
def associate(kind, context, most):
    user = item(0x50, item(0x51, struct.pack(">I", most)) + item(0x52, b"1.2.826.0.1.3680043.9.7433.1"))
    return pdu(kind, struct.pack(">HH", 1, 0) + titles + b"\0" * 32 + item(0x10, b"1.2.840.10008.3.1.1.1") + context + user)
element = lambda number, value: struct.pack("<HHI", 0, number, len(value)) + value
def command(*elements):
    body = b"".join(elements)
    return element(0, struct.pack("<I", len(body))) + body
def data(body, control=3, context=1):
    return pdu(4, struct.pack(">IBB", 2 + len(body), context, control) + body)
def offered(number, abstract):
    return item(0x20, struct.pack(">BBBB", number, 0, 0, 0) + item(0x30, abstract) + item(0x40, b"1.2.840.10008.1.2"))
def accepted(number):
    return item(0x21, struct.pack(">BBBB", number, 0, 0, 0) + item(0x40, b"1.2.840.10008.1.2"))
ultrasound = b"1.2.840.10008.5.1.4.1.1.6.1\0"
verification = b"1.2.840.10008.1.1\0"
f = []
t = Talk(f, CLIENT, SERVER, 40006, 104).open()
t.say(0, associate(1, offered(1, verification[:-1]) + offered(3, ultrasound[:-1]), 16384))
t.say(1, associate(2, accepted(1) + accepted(3), 1024))
t.say(0, data(command(element(2, verification), element(0x100, b"\x30\0"), element(0x110, b"\x01\0"), element(0x800, b"\x01\x01"))))
t.say(1, data(command(element(2, verification), element(0x100, b"\x30\x80"), element(0x120, b"\x01\0"), element(0x800, b"\x01\x01"), element(0x900, b"\0\0"))))
t.say(0, data(command(element(2, ultrasound), element(0x100, b"\x01\0"), element(0x110, b"\x02\0"), element(0x700, b"\0\0"), element(0x800, b"\0\0"), element(0x1000, b"1.2.3.4\0")), context=3))
t.say(0, data(b"\0" * 1100, control=2, context=3))
t.say(0, pdu(5, b"\0" * 4))
t.say(1, pdu(6, b"\0" * 4))
t.close()
pcap("dicom.pcap", f)

# What is spoken is not what the port says; what nobody reads.
f = []
t = Talk(f, CLIENT, SERVER, 40007, 502).open()
t.say(0, b"GET / HTTP/1.1\r\nHost: plc\r\n\r\n")
t.say(1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
t.close()
t = Talk(f, CLIENT, SERVER, 40008, 9999).open()
t.say(0, b"hello, how are you today?")
t.say(1, b"fine")
t.close()
t = Talk(f, CLIENT, SERVER, 40009, 8080).open()
t.say(0, b"GET /ward HTTP/1.1\r\nHost: records\r\n\r\n")
t.say(1, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
t.close()
f.append(eth(ip(CLIENT, SERVER, 17, udp(40010, 53, b"\0\1\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"))))
f.append(eth(ip(CLIENT, SERVER, 1, b"\x08\0\0\0\0\1\0\1ping")))
f.append(eth(b"\x45\0"))
pcap("protocols.pcap", f)

# The clinic of examples/clinic: a pump tells its observations as listed, then as another device; talks
# to where it may not; the engine orders; a stranger talks to a stranger.
f = []
PUMP, ENGINE = "192.168.21.11", "192.168.50.11"
mine = "BRACKENHURST_BP|HARBOUR"
t = Talk(f, PUMP, ENGINE, 41001, 6661).open()
body = ("PID|||^^^Clinic^PI", "OBR|1|||1^X^MDC", "OBX|1|NM|158014^MDC_FLOW_FLUID_PUMP^MDC|1.1.1.1|5|mL/h|||||F|||||||A4356CFFFE1D4013^^A4356CFFFE1D4013^EUI-64")
t.say(0, mllp(msh("ORU^R01^ORU_R01", "P1", mine, "ENGINE|HARBOUR"), *body))
t.say(1, mllp(msh("ACK^R01^ACK", "E1", "ENGINE|HARBOUR", mine), "MSA|AA|P1"))
t.say(0, mllp(msh("ORU^R01^ORU_R01", "P2", "OTHER|HARBOUR", "ENGINE|HARBOUR"), *body))
t.say(0, mllp(msh("ADT^A01^ADT_A01", "P3", mine, "ENGINE|HARBOUR"), "PID|||1"))
t.close()
t = Talk(f, PUMP, "198.51.100.45", 41002, 9999).open()
t.say(0, b"everything it knows, one after the other")
t.close()
t = Talk(f, PUMP, "192.168.50.99", 41003, 2575).open()
t.say(0, mllp(msh("ORU^R01^ORU_R01", "P4", mine, "ENGINE|HARBOUR"), *body))
t.close()
t = Talk(f, ENGINE, PUMP, 41004, 6661).open()
t.say(0, mllp(msh("RGV^O15^RGV_O15", "E2", "ENGINE|HARBOUR", mine), "ORC|RE", "RXG|1|1||1^drug^L|1||1^mL^UCUM"))
t.close()
t = Talk(f, CLIENT, SERVER, 41005, 502).open()
t.say(0, read(1))
t.close()
pcap("clinic.pcap", f)

# Marks wherever a patient may be named, in messages that can be read and in such that cannot.
f = []
MARK = "XPATIENTX"
t = Talk(f, PUMP, ENGINE, 42001, 6661).open()
patient = (f"PID|1|{MARK}1|{MARK}2^^^Clinic^PI||{MARK}3^{MARK}4||19700101|F|||{MARK}5", f"NK1|1|{MARK}6", f"OBR|1|{MARK}7||1^X^MDC", f"OBX|1|ST|1^X^MDC|1.1.1.1|{MARK}8||||||F", f"NTE|1||{MARK}9")
t.say(0, mllp(msh("ORU^R01^ORU_R01", "M1", mine, "ENGINE|HARBOUR"), *patient))
t.say(0, mllp(msh("ADT^A01^ADT_A01", "M2", mine, "ENGINE|HARBOUR"), *patient))
t.say(0, mllp(msh("ORU^R40^ORU_R40", "M3", mine, "ENGINE|HARBOUR"), *patient, "BROKEN SEGMENT " + MARK))
t.say(0, mllp(msh("ORU^R01^ORU_R01", "M4", mine, "ENGINE|HARBOUR"), "PID|||\x01\x02" + MARK))
t.say(0, mllp(*patient))
t.say(0, b"\x0bMSH|^~\\&|A|B|C|D|20261101||" + MARK.encode() + b"^" + MARK.encode() + b"|" + b"\r\x1c\r")
t.say(0, MARK.encode() * 3)
t.say(0, mllp(msh("ORU^R01^ORU_R01", "M5", mine, "ENGINE|HARBOUR"), *patient)[:-4])
t.close()
t = Talk(f, CLIENT, SERVER, 42002, 8080).open()
t.say(0, f"GET /patient/{MARK}?name={MARK} HTTP/1.1\r\nHost: {MARK}\r\nCookie: {MARK}\r\n\r\n".encode())
t.say(1, f"HTTP/1.1 404 {MARK}\r\nContent-Length: 9\r\n\r\n{MARK}".encode())
t.close()
t = Talk(f, CLIENT, SERVER, 42003, 104).open()
find = b"1.2.840.10008.5.1.4.1.2.2.1\0"
t.say(0, associate(1, offered(1, find[:-1]), 16384))
t.say(1, associate(2, accepted(1), 16384))
t.say(0, data(command(element(2, find), element(0x100, b"\x20\0"), element(0x110, b"\x01\0"), element(0x700, b"\0\0"), element(0x800, b"\0\0"))))
key = lambda tag, text: struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(text)) + text
t.say(0, data(key(0x00080052, b"STUDY ") + key(0x00100010, MARK.encode() + b"^A ") + key(0x00100020, MARK.encode() + b" "), control=2))
t.say(0, MARK.encode() * 2)
t.close()
write_file = bytes.fromhex("0104 0005 03 07 c4 02800001 0e 31 00 65 09") + MARK.encode() + bytes.fromhex("0f")
f.append(eth(ip(A, B, 17, udp(47808, 47808, bvlc(10, write_file)))))
text = bytes.fromhex("0100 10 05 0c 02000001 29 00 3d 0a 00") + MARK.encode()
f.append(eth(ip(A, B, 17, udp(47808, 47808, bvlc(10, text)))))
pcap("patients.pcap", f)
