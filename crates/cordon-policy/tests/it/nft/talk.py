"""Speaks for the devices and the services of the lab.

serve tcp:PORT udp:PORT ...        echoes everything, says "ready" once it listens
serve transparent:PORT             the same, for connections that nftables hands over (tproxy)
ask tcp|udp ADDRESS PORT [SOURCE-PORT]   exit 0 if an echo comes back
hold tcp|udp ADDRESS PORT          for each line of input, one message: "ok" if its echo comes
hold-as OWN tcp|udp ADDRESS PORT   the same, under an address that is not this machine's
claim ADDRESS                      a forged ARP reply: ADDRESS is at my MAC
"""

import socket
import struct
import sys
import threading

WAIT = 0.5


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def echo_tcp(listener):
    def one(peer):
        while data := peer.recv(4096):
            peer.sendall(data)

    while True:
        threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()


def echo_udp(sock):
    # Answers from the address that was asked, which recvmsg tells.
    while True:
        data, control, _, peer = sock.recvmsg(4096, 256)
        if sock.family == socket.AF_INET:
            info = next(c for c in control if c[0] == socket.IPPROTO_IP)
            source = (socket.IPPROTO_IP, 8, struct.pack("=I", 0) + info[2][8:12] + b"\0" * 4)
        else:
            info = next(c for c in control if c[0] == socket.IPPROTO_IPV6)
            source = (socket.IPPROTO_IPV6, 50, info[2])
        sock.sendmsg([data], [source], 0, peer)


def serve(specs):
    for spec in specs:
        transport, port = spec.split(":")
        for fam in (socket.AF_INET, socket.AF_INET6):
            kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
            sock = socket.socket(fam, kind)
            if transport == "transparent" and fam == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_IP, 19, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if fam == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.setsockopt(socket.IPPROTO_IPV6, 49, 1)
            elif transport == "udp":
                sock.setsockopt(socket.IPPROTO_IP, 8, 1)
            sock.bind(("::" if fam == socket.AF_INET6 else "0.0.0.0", int(port)))
            if kind == socket.SOCK_STREAM:
                sock.listen()
            work = echo_udp if transport == "udp" else echo_tcp
            threading.Thread(target=work, args=(sock,), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


def connect(transport, address, port, source=None, own=None):
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    sock = socket.socket(family(address), kind)
    sock.settimeout(WAIT)
    if own:
        sock.setsockopt(socket.IPPROTO_IP, 19, 1)
        sock.bind((own, 0))
    if source:
        sock.bind(("", int(source)))
    sock.connect((address, int(port)))
    return sock


def exchange(sock, message):
    sock.sendall(message)
    got = b""
    while len(got) < len(message):
        part = sock.recv(4096)
        if not part:
            return False
        got += part
    return got == message


def ask(args):
    try:
        return 0 if exchange(connect(*args), b"hello\n") else 1
    except OSError:
        return 1


def hold(args, own=None):
    sock = connect(*args, own=own)
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin):
        try:
            good = exchange(sock, b"%08d\n" % number)
        except OSError:
            good = False
        print("ok" if good else "lost", flush=True)


def claim(address):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
    sock.bind(("eth0", 0x0806))
    mac = sock.getsockname()[4]
    sender = mac + socket.inet_aton(address)
    target = b"\xff" * 6 + socket.inet_aton("10.1.0.1")
    sock.send(b"\xff" * 6 + mac + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 2) + sender + target)
    return 0


verb, rest = sys.argv[1], sys.argv[2:]
sys.exit({"serve": serve, "ask": ask, "hold": hold, "hold-as": lambda a: hold(a[1:], a[0]), "claim": lambda a: claim(*a)}[verb](rest))
