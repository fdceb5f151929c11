"""Writes the vectors of this directory; run it here. Needs nothing but Python."""
import struct

def mac(text): return bytes(int(b, 16) for b in text.split(":"))
def v4(text): return bytes(int(b) for b in text.split("."))
PUMP, SERVER, CAST = mac("00:1b:21:3a:4f:60"), mac("00:50:56:00:00:01"), mac("ff:ff:ff:ff:ff:ff")

def ip4(src, dst, proto, body, ident=1, flags=0x4000):
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), ident, flags, 64, proto, 0) + v4(src) + v4(dst) + body
def ip6(src, dst, nxt, body): return struct.pack(">IHBB", 6 << 28, len(body), nxt, 64) + src + dst + body
def tcp(s, d, flags, data=b""): return struct.pack(">HHIIBBHHH", s, d, 1, 0, 0x50, flags, 8192, 0, 0) + data
def udp(s, d, data): return struct.pack(">HHHH", s, d, 8 + len(data), 0) + data
def eth(src, dst, kind, body, tags=()):
    return dst + src + b"".join(struct.pack(">HH", t, v) for t, v in tags) + struct.pack(">H", kind) + body

def pcap(name, frames, link=1, big=False):
    e = ">" if big else "<"
    with open(name, "wb") as f:
        f.write(struct.pack(e + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link))
        for ts, data in frames:
            s = int(ts)
            f.write(struct.pack(e + "IIII", s, round((ts - s) * 1e6), len(data), len(data)) + data)

def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))
def epb(iface, ticks, data):
    return block(6, struct.pack("<IIIII", iface, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)) + data + b"\0" * (-len(data) % 4))

A, B, C = "10.110.0.5", "10.20.0.10", "10.110.0.9"
H = b"\x0bMSH|^~\\&|PUMP|ICU|EHR|HOSP|20261101||ORU^R01|1|P|2.6\r\x1c\r"
frames = [
    (1000.0, eth(SERVER, PUMP, 0x0800, ip4(B, A, 6, tcp(2575, 40001, 0x12)), [(0x8100, 110)])),   # SYN+ACK seen first
    (1000.1, eth(PUMP, SERVER, 0x0800, ip4(A, B, 6, tcp(40001, 2575, 0x18, H)), [(0x8100, 110)])),
    (1000.2, eth(SERVER, PUMP, 0x0800, ip4(B, A, 6, tcp(2575, 40001, 0x18, b"ack")), [(0x8100, 110)])),
    (1000.3, eth(PUMP, SERVER, 0x0800, ip4(A, B, 6, tcp(40001, 2575, 0x11)), [(0x8100, 110)])),   # FIN
    (1001.0, eth(PUMP, SERVER, 0x0800, ip4(A, B, 6, tcp(40001, 2575, 0x02)), [(0x88A8, 5), (0x8100, 110)])),  # anew, QinQ
    (1002.0, eth(PUMP, CAST, 0x0806, b"\0\1\x08\0\6\4\0\1" + PUMP + v4(A) + b"\0" * 6 + v4(B))),  # ARP
    (1003.0, eth(PUMP, CAST, 0x0800, ip4(A, "10.110.0.255", 17, udp(47808, 47808, b"whois")))),
    (1003.5, eth(PUMP, SERVER, 0x0800, ip4(A, C, 17, udp(123, 123, b"n" * 48)))),
    (1100.0, eth(PUMP, SERVER, 0x0800, ip4(A, C, 17, udp(123, 123, b"n" * 48)))),                 # after a pause: anew
    (1101.0, eth(PUMP, SERVER, 0x0800, ip4(A, C, 17, udp(5000, 6000, b"x" * 40)[:32], 7, 0x2000))),  # fragment 1 of 2
    (1101.1, eth(PUMP, SERVER, 0x0800, ip4(A, C, 17, b"x" * 16, 7, 4))),                          # fragment 2 of 2
    (1101.2, eth(PUMP, SERVER, 0x0800, ip4(A, C, 17, b"x" * 16, 8, 4))),                          # its first is missing
    (1102.0, eth(PUMP, SERVER, 0x86DD, ip6(b"\xfd" + b"\0" * 14 + b"\5", b"\xfd" + b"\0" * 14 + b"\7", 58, b"\x80\0\0\0\0\1\0\1ping"))),
    (1103.0, eth(PUMP, SERVER, 0x0800, b"\x45\0")),                                               # cut off
]
pcap("ward.pcap", frames)
pcap("ward-big-endian.pcap", frames, big=True)
sll = struct.pack(">HHH", 0, 1, 6) + PUMP + b"\0\0" + struct.pack(">H", 0x0800) + ip4(A, B, 6, tcp(40002, 104, 0x02))
sll2 = struct.pack(">HHIHBB", 0x0800, 0, 2, 1, 0, 6) + PUMP + b"\0\0" + ip4(A, B, 6, tcp(40003, 104, 0x02))
opts = struct.pack("<HHB3x", 9, 1, 9) + struct.pack("<HH", 0, 0)
binary = struct.pack("<HHB3x", 9, 1, 0x80 | 10) + struct.pack("<HH", 0, 0)
with open("mixed.pcapng", "wb") as f:
    f.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
    for link, o in ((1, opts), (113, b""), (276, binary), (101, b""), (147, b"")):
        f.write(block(1, struct.pack("<HHI", link, 0, 0) + o))
    f.write(epb(0, 1500000000, eth(PUMP, SERVER, 0x0800, ip4(A, B, 6, tcp(40001, 104, 0x02)))))
    f.write(epb(1, 2500000, sll))
    f.write(epb(2, 3584, sll2))
    f.write(epb(3, 4500000, ip4(A, B, 47, b"\0" * 8)))
    f.write(epb(4, 5500000, b"user link"))
    f.write(epb(9, 6500000, b"no such interface"))

head = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2026-11-01-08-00-00\n"
with open("conn.log", "w") as f:
    f.write(head + "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\torig_l2_addr\tresp_l2_addr\n")
    f.write("#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tstring\tstring\n")
    f.write("1793520000.125000\tCa1\t10.110.0.5\t40001\t10.20.0.10\t2575\ttcp\thl7\t1.5\t512\t64\tSF\t00:1b:21:3a:4f:60\t00:50:56:00:00:01\n")
    f.write("1793520001.000000\tCa2\t10.110.0.5\t47808\t10.110.0.255\t47808\tudp\tbacnet\t-\t-\t-\tS0\t00:1b:21:3a:4f:60\tff:ff:ff:ff:ff:ff\n")
    f.write("1793520002.500000\tCa3\tfd00:110::5\t8\tfd00:110::1\t0\ticmp\t-\t-\t56\t56\tOTH\t-\t-\n")
    f.write("#close\t2026-11-01-09-00-00\n")
with open("conn-odd.log", "w") as f:
    f.write("#separator \\x7c\n#set_separator|;\n#empty_field|none\n#unset_field|?\n#path|conn\n")
    f.write("#fields|proto|id.resp_p|service|id.resp_h|id.orig_p|ts|id.orig_h\n")
    f.write("tcp|443|ssl;http|192.0.2.7|50000|1793520003.25|10.110.0.5\n")
    f.write("tcp|443|none|192.0.2.7|50001|1793520004|10.110.0.5\n")
    f.write("#fields|ts|id.orig_h|id.orig_p|id.resp_h|id.resp_p|proto\n")
    f.write("1793520005|10.110.0.5|1|192.0.2.7|2|unknown_transport\n")
with open("conn-bad.log", "w") as f:
    f.write(head + "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\torig_bytes\n")
    f.write("1793520000\t10.110.0.5\t40001\t10.20.0.10\t2575\ttcp\t1\n")
    f.write("1793520000\t10.110.0.500\t40001\t10.20.0.10\t2575\ttcp\t1\n")
    f.write("1793520000\t10.110.0.5\t70001\t10.20.0.10\t2575\ttcp\t1\n")
    f.write("1793520000\t10.110.0.5\t40001\t10.20.0.10\n")
    f.write("nan\t10.110.0.5\t40001\t10.20.0.10\t2575\ttcp\t1\n")
    f.write("1793520000\t10.110.0.5\t40001\t10.20.0.10\t2575\ttcp\t-1\n")
    f.write("1793520000\t10.110.0.5\t40001\t10.2")
with open("conn.jsonl", "w") as f:
    f.write('{"ts":1793520000.125,"id.orig_h":"10.110.0.5","id.orig_p":40001,"id.resp_h":"10.20.0.10","id.resp_p":2575,"proto":"tcp","service":"hl7","orig_bytes":512,"resp_bytes":64,"orig_l2_addr":"00:1b:21:3a:4f:60"}\n')
    f.write('{"_path":"conn","ts":"2026-11-01T08:00:01.5Z","id":{"orig_h":"10.110.0.5","orig_p":123,"resp_h":"10.20.0.3","resp_p":123},"proto":"udp"}\n\n')
    f.write('{"_path":"dns","ts":1793520002,"query":"pacs.example"}\n')
