"""Writes the Modbus vectors of this directory; run it here with pymodbus 3.16.1."""
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu import bit_message as bit, diag_message as diag, file_message as file
from pymodbus.pdu import mei_message as mei, other_message as other, register_message as reg

framer = FramerSocket(DecodePDU(False))
BITS = [True, False, True, True, False, False, True, True, True, False]

def record(number, place, data=b"", length=0):
    return file.FileRecord(file_number=number, record_number=place, record_data=data, record_length=length)

REQUESTS = [
    ("read-coils", bit.ReadCoilsRequest(address=19, count=19)),
    ("read-coils most", bit.ReadCoilsRequest(address=63536, count=2000)),
    ("read-discrete-inputs", bit.ReadDiscreteInputsRequest(address=196, count=22)),
    ("read-holding-registers", reg.ReadHoldingRegistersRequest(address=0, count=10)),
    ("read-holding-registers most", reg.ReadHoldingRegistersRequest(address=65411, count=125)),
    ("read-input-registers", reg.ReadInputRegistersRequest(address=8, count=1)),
    ("write-single-coil", bit.WriteSingleCoilRequest(address=172, bits=[True])),
    ("write-single-coil off", bit.WriteSingleCoilRequest(address=172, bits=[False])),
    ("write-single-register", reg.WriteSingleRegisterRequest(address=1, registers=[3])),
    ("read-exception-status", other.ReadExceptionStatusRequest()),
    ("diagnostics echo", diag.ReturnQueryDataRequest(b"\xa5\x37")),
    ("diagnostics restart", diag.RestartCommunicationsOptionRequest(0xFF00)),
    ("diagnostics register", diag.ReturnDiagnosticRegisterRequest()),
    ("diagnostics delimiter", diag.ChangeAsciiInputDelimiterRequest(0x0A00)),
    ("diagnostics listen only", diag.ForceListenOnlyModeRequest()),
    ("diagnostics clear", diag.ClearCountersRequest()),
    ("diagnostics messages", diag.ReturnBusMessageCountRequest()),
    ("get-comm-event-counter", other.GetCommEventCounterRequest()),
    ("get-comm-event-log", other.GetCommEventLogRequest()),
    ("write-multiple-coils", bit.WriteMultipleCoilsRequest(address=19, bits=BITS)),
    ("write-multiple-coils most", bit.WriteMultipleCoilsRequest(address=0, bits=[True] * 1968)),
    ("write-multiple-registers", reg.WriteMultipleRegistersRequest(address=1, registers=[10, 258])),
    ("write-multiple-registers most", reg.WriteMultipleRegistersRequest(address=0, registers=[7] * 123)),
    ("report-server-id", other.ReportDeviceIdRequest()),
    ("read-file-record", file.ReadFileRecordRequest([record(4, 1, length=4), record(3, 9, length=4)])),
    ("write-file-record", file.WriteFileRecordRequest([record(4, 7, b"\x06\xaf\x04\xbe\x10\x0d")])),
    ("mask-write-register", reg.MaskWriteRegisterRequest(address=4, and_mask=0xF2, or_mask=0x25)),
    ("read-write-multiple-registers", reg.ReadWriteMultipleRegistersRequest(3, 6, 14, [255, 255, 255])),
    ("read-fifo-queue", file.ReadFifoQueueRequest(address=1246)),
    ("encapsulated-interface-transport", mei.ReadDeviceInformationRequest(1, 0)),
]
RESPONSES = [
    ("read-coils", bit.ReadCoilsResponse(bits=BITS)),
    ("read-discrete-inputs", bit.ReadDiscreteInputsResponse(bits=BITS)),
    ("read-holding-registers", reg.ReadHoldingRegistersResponse(registers=[555, 0, 100])),
    ("read-input-registers", reg.ReadInputRegistersResponse(registers=[10])),
    ("write-single-coil", bit.WriteSingleCoilResponse(address=172, bits=[True])),
    ("write-single-register", reg.WriteSingleRegisterResponse(address=1, registers=[3])),
    ("read-exception-status", other.ReadExceptionStatusResponse(status=0x6D)),
    ("diagnostics echo", diag.ReturnQueryDataResponse(b"\xa5\x37")),
    ("diagnostics messages", diag.ReturnBusMessageCountResponse(812)),
    ("get-comm-event-counter", other.GetCommEventCounterResponse(count=264)),
    ("get-comm-event-log", other.GetCommEventLogResponse(message_count=289, event_count=264, events=[32, 0])),
    ("write-multiple-coils", bit.WriteMultipleCoilsResponse(address=19, count=10)),
    ("write-multiple-registers", reg.WriteMultipleRegistersResponse(address=1, count=2)),
    ("report-server-id", other.ReportDeviceIdResponse(b"air handler 7")),
    ("read-file-record", file.ReadFileRecordResponse([record(4, 1, b"\x0d\xfe\x00\x20"), record(3, 9, b"\x33\xcd\x00\x40")])),
    ("write-file-record", file.WriteFileRecordResponse([record(4, 7, b"\x06\xaf\x04\xbe\x10\x0d")])),
    ("mask-write-register", reg.MaskWriteRegisterResponse(address=4, and_mask=0xF2, or_mask=0x25)),
    ("read-write-multiple-registers", reg.ReadWriteMultipleRegistersResponse(registers=[254, 2701, 1, 3, 13, 255])),
    ("read-fifo-queue", file.ReadFifoQueueResponse([440, 4740])),
    ("encapsulated-interface-transport", mei.ReadDeviceInformationResponse(1, {0: b"Company", 1: b"AHU-7", 2: b"2.11"})),
] + [
    (f"exception {code:02x}", ExceptionResponse(function, code))
    for function, code in [(1, 1), (3, 2), (0x10, 3), (6, 4), (0x14, 5), (0x17, 6), (0x0C, 7), (2, 8), (4, 0x0A), (5, 0x0B)]
]

class TooManyCoils(bit.WriteMultipleCoilsRequest):
    """pymodbus takes up to 2000 coils here; the standard takes up to 1968 (0x07B0)."""
    def encode(self):
        body = super().encode()
        assert len(body) == 255, "five bytes and 250 of coils"
        return body

REFUSED = [("write-multiple-coils 2000", TooManyCoils(address=0, bits=[True] * 2000))]

def write(name, vectors):
    with open(name, "w") as out:
        for number, (label, pdu) in enumerate(vectors, 1):
            pdu.transaction_id, pdu.dev_id = number, 17
            out.write(f"{label}\t{framer.buildFrame(pdu).hex()}\n")

write("requests.tsv", REQUESTS)
write("responses.tsv", RESPONSES)
write("refused.tsv", REFUSED)
