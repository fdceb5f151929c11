"""Times the Python peers on messages that are handed over, one line of JSON for each peer.

Standard input: lines of `name hex`. What is not installed is left out. Usage: wire.py ROUNDS
"""

import json
import sys
import timeit

messages = {}
for line in sys.stdin:
    name, text = line.split()
    messages[name] = bytes.fromhex(text)
rounds = int(sys.argv[1])


def measure(peer, what, call, count):
    """Prints nanoseconds a call, one figure a round."""
    call()
    taken = [timeit.timeit(call, number=count) / count * 1e9 for _ in range(rounds)]
    print(json.dumps({"peer": peer, "what": what, "ns": taken}), flush=True)


try:
    import hl7

    text = messages["oru-r01"].decode()
    measure("python-hl7 " + hl7.__version__, "hl7", lambda: hl7.parse(text), 200)
except ImportError:
    pass

try:
    import pymodbus
    from pymodbus.pdu import DecodePDU

    decoder = DecodePDU(True)
    body = messages["modbus-write"][7:]
    measure("pymodbus " + pymodbus.__version__, "modbus", lambda: decoder.decode(body), 5_000)
except ImportError:
    pass

try:
    import pynetdicom
    from pynetdicom.pdu import A_ASSOCIATE_RQ

    associate = messages["associate-rq"]
    measure(
        "pynetdicom " + pynetdicom.__version__,
        "dicom",
        lambda: A_ASSOCIATE_RQ().decode(associate),
        300,
    )
except ImportError:
    pass

try:
    import bacpypes3
    from bacpypes3.apdu import ConfirmedRequestPDU, ReadPropertyRequest
    from bacpypes3.ipv4.bvll import LPDU, OriginalUnicastNPDU
    from bacpypes3.npdu import NPDU
    from bacpypes3.pdu import PDU
    from bacpypes3.apdu import APDU

    packet = messages["bacnet-read"]

    def read():
        lpdu = LPDU.decode(PDU(packet))
        npdu = NPDU.decode(PDU(OriginalUnicastNPDU.decode(lpdu).pduData))
        return ReadPropertyRequest.decode(APDU.decode(PDU(npdu.pduData)))

    measure("bacpypes3 " + bacpypes3.__version__, "bacnet", read, 1_000)
except ImportError:
    pass
