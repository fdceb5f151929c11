"""Frames as nobody's network stack would send them, and those who listen.

send KIND ...              one frame out of eth0, whose parts stand in MAKERS
hear HEX ...               for each line of input: how many frames at eth0 had each of these bytes
beat ADDRESS PORT          a datagram each 10 ms; for a line of input: "SENT LOST", and ends
pingpong ADDRESS PORT N    N datagrams, one after the other: the 50th and 99th percentile in us
hl7-serve PORT             acknowledges what comes in a frame of MLLP
hl7 ADDRESS PORT           an alarm: exit 0 if it is acknowledged
"""

import socket
import struct
import sys
import threading
import time

MARK = b"cordon-frame"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ether(dst, src, kind, rest):
    return mac(dst) + mac(src) + struct.pack("!H", kind) + rest


def total(data):
    data += b"\0" * (len(data) % 2)
    figure = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while figure >> 16:
        figure = (figure & 0xFFFF) + (figure >> 16)
    return ~figure & 0xFFFF


def ipv4(src, dst, sport, dport):
    udp = struct.pack("!HHHH", int(sport), int(dport), 8 + len(MARK), 0) + MARK
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0)
    ends = socket.inet_aton(src) + socket.inet_aton(dst)
    return head[:10] + struct.pack("!H", total(head + ends)) + ends + udp


def ipv6(src, dst, message):
    ends = socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
    pseudo = ends + struct.pack("!II", len(message), 58)
    message = message[:2] + struct.pack("!H", total(pseudo + message)) + message[4:]
    return struct.pack("!IHBB", 6 << 28, len(message), 58, 255) + ends + message


def udp(dst_mac, src_mac, src, dst, sport, dport):
    return ether(dst_mac, src_mac, 0x0800, ipv4(src, dst, sport, dport))


def tagged(dst_mac, src_mac, src, dst, sport, dport):
    return ether(dst_mac, src_mac, 0x8100, struct.pack("!HH", 7, 0x0800) + ipv4(src, dst, sport, dport))


def arp(src_mac, claimed_mac, claimed, asked):
    rest = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac(claimed_mac) + socket.inet_aton(claimed)
    return ether("ffffffffffff", src_mac, 0x0806, rest + b"\0" * 6 + socket.inet_aton(asked) + MARK)


def neighbour(kind, src_mac, src, target):
    body = struct.pack("!BBHI", int(kind), 0, 0, 0) + socket.inet_pton(socket.AF_INET6, target)
    return ether("333300000001", src_mac, 0x86DD, ipv6(src, "ff02::1", body + MARK + b"\0" * 4))


def router(src_mac, src):
    body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + MARK + b"\0" * 4
    return ether("333300000001", src_mac, 0x86DD, ipv6(src, "ff02::1", body))


def other(src_mac):
    return ether("ffffffffffff", src_mac, 0x88B5, MARK + b"\0" * 50)


MAKERS = {f.__name__: f for f in (udp, tagged, arp, neighbour, router, other)}


def send(kind, *parts):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind(("eth0", 0))
    sock.send(MAKERS[kind](*parts))


def hear(*marks):
    marks = [bytes.fromhex(mark) for mark in marks]
    counts = [0] * len(marks)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind(("eth0", 3))

    def count():
        while True:
            frame, (_, _, kind, *_) = sock.recvfrom(2048)
            for place, mark in enumerate(marks):
                # Kind 4 is what this machine sends itself.
                counts[place] += kind != 4 and mark in frame

    threading.Thread(target=count, daemon=True).start()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(*counts, flush=True)


def beat(address, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((address, int(port)))
    sock.settimeout(0.5)
    back = set()
    over = threading.Event()

    def count():
        while True:
            try:
                back.add(sock.recv(64))
            except TimeoutError:
                if over.is_set():
                    return
            except OSError:
                pass

    listener = threading.Thread(target=count)
    listener.start()
    threading.Thread(target=lambda: (sys.stdin.readline(), over.set()), daemon=True).start()
    print("ready", flush=True)
    start, sent = time.monotonic(), 0
    while not over.is_set():
        sock.send(b"%08d" % sent)
        sent += 1
        time.sleep(max(0, start + sent / 100 - time.monotonic()))
    listener.join()
    print(sent, sent - len(back), flush=True)


def pingpong(address, port, count):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((address, int(port)))
    sock.settimeout(1)
    took = []
    for _ in range(int(count)):
        start = time.perf_counter_ns()
        sock.send(b"ping")
        sock.recv(64)
        took.append(time.perf_counter_ns() - start)
    took.sort()
    print("%.1f %.1f" % (took[len(took) // 2] / 1000, took[len(took) * 99 // 100] / 1000))


def hl7(kind, number, rest):
    text = "MSH|^~\\&|VENT|ICU|DESK|METRO|20261124120000||%s|%s|P|2.6\r%s\r" % (kind, number, rest)
    return b"\x0b" + text.encode() + b"\x1c\r"


def hl7_serve(port):
    at = ("::", int(port))
    sock = socket.create_server(at, family=socket.AF_INET6, dualstack_ipv6=True)

    def each():
        while True:
            peer = sock.accept()[0]
            if peer.recv(4096).startswith(b"\x0bMSH"):
                peer.sendall(hl7("ACK^R40^ACK", "K1", "MSA|AA|M1"))
            peer.close()

    threading.Thread(target=each, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


def hl7_ask(address, port):
    sock = socket.create_connection((address, int(port)), timeout=2)
    alarm = "PID|||42\rOBR|1|||196616^MDC_EVT_ALARM^MDC\rOBX|1|ST|0^MDC_EVT_LO||low||||PH"
    sock.sendall(hl7("ORU^R40^ORU_R40", "M1", alarm))
    sys.exit(0 if b"MSA|AA|M1" in sock.recv(4096) else 1)


VERBS = {"send": send, "hear": hear, "beat": beat, "pingpong": pingpong, "hl7-serve": hl7_serve, "hl7": hl7_ask}
VERBS[sys.argv[1]](*sys.argv[2:])
