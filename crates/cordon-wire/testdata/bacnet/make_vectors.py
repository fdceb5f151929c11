#!/usr/bin/env python3
"""Writes vectors.txt: datagrams of BACnet/IP with what they are.

    python3 make_vectors.py > vectors.txt

bacpypes3 encodes the services and the link layer; what it has no class for is put together here from tags.
Columns, tab-separated: name, datagram in hex, function of the link layer, type of the PDU, service, invoke id,
objects (type:instance), properties (number[index]); `-` where there is none. For network messages the service is
the message.
"""

from bacpypes3.apdu import *
from bacpypes3.basetypes import *
from bacpypes3.constructeddata import Any
from bacpypes3.ipv4 import bvll
from bacpypes3.pdu import IPv4Address
from bacpypes3.primitivedata import *


def bvlc(function, body):
    return bytes([0x81, function]) + (len(body) + 4).to_bytes(2, "big") + body


def npdu(apdu, control=0x00, destination=None, source=None):
    head = b""
    if destination:
        control |= 0x20
        head += destination[0].to_bytes(2, "big") + bytes([len(destination[1])]) + destination[1]
    if source:
        control |= 0x08
        head += source[0].to_bytes(2, "big") + bytes([len(source[1])]) + source[1]
    if destination:
        head += b"\xff"
    return bytes([1, control]) + head + apdu


def tag(number, data, context=True):
    first = number << 4 | (8 if context else 0)
    return bytes([first | len(data)]) + data if len(data) < 5 else bytes([first | 5, len(data)]) + data


def opened(number, data):
    return bytes([number << 4 | 0x0E]) + data + bytes([number << 4 | 0x0F])


def oid(kind, instance):
    return (kind << 22 | instance).to_bytes(4, "big")


def real(value):
    return Any(Real(value))


out = []


def line(name, datagram, function, kind, service, invoke, objects="-", properties="-"):
    out.append("\t".join([name, datagram.hex(), function, kind, service, str(invoke), objects, properties]))


def parameters(request):
    return bytes(request.encode().pduData)


def confirmed(name, number, service, data, objects="-", properties="-", invoke=7, **network):
    apdu = bytes([0x02, 0x75, invoke, number]) + data
    datagram = bvlc(0x0A, npdu(apdu, 0x04, **network))
    line(name, datagram, "original-unicast-npdu", "confirmed-request", service, invoke, objects, properties)


def unconfirmed(name, number, service, data, objects="-", properties="-", function=0x0B):
    label = {0x0A: "original-unicast-npdu", 0x0B: "original-broadcast-npdu"}[function]
    datagram = bvlc(function, npdu(bytes([0x10, number]) + data))
    line(name, datagram, label, "unconfirmed-request", service, "-", objects, properties)


def complex_ack(name, number, service, data, objects="-", properties="-", invoke=7):
    datagram = bvlc(0x0A, npdu(bytes([0x30, invoke, number]) + data))
    line(name, datagram, "original-unicast-npdu", "complex-ack", service, invoke, objects, properties)


def error(name, number, service, data, invoke=7):
    datagram = bvlc(0x0A, npdu(bytes([0x50, invoke, number]) + data))
    line(name, datagram, "original-unicast-npdu", "error", service, invoke)


def o(text):
    return ObjectIdentifier(text)


def services_that_read():
    ai = "analog-input,1"
    confirmed("read-property", 12, "read-property", parameters(ReadPropertyRequest(
        objectIdentifier=o(ai), propertyIdentifier="presentValue")), "0:1", "85")
    confirmed("read-property-index", 12, "read-property", parameters(ReadPropertyRequest(
        objectIdentifier=o("device,245"), propertyIdentifier="objectList", propertyArrayIndex=3)), "8:245", "76[3]")
    confirmed("read-property-routed", 12, "read-property", parameters(ReadPropertyRequest(
        objectIdentifier=o(ai), propertyIdentifier="presentValue")), "0:1", "85",
        destination=(5, b"\x07"), source=(9, b"\x0a\x01\x02\x03\xba\xc0"))
    complex_ack("read-property-ack", 12, "read-property", parameters(ReadPropertyACK(
        objectIdentifier=o(ai), propertyIdentifier="presentValue", propertyValue=real(21.5))), "0:1", "85")
    confirmed("read-property-multiple", 14, "read-property-multiple", parameters(ReadPropertyMultipleRequest(
        listOfReadAccessSpecs=[
            ReadAccessSpecification(objectIdentifier=o(ai), listOfPropertyReferences=[
                PropertyReference(propertyIdentifier="presentValue"),
                PropertyReference(propertyIdentifier="priorityArray", propertyArrayIndex=2)]),
            ReadAccessSpecification(objectIdentifier=o("binary-output,3"), listOfPropertyReferences=[
                PropertyReference(propertyIdentifier="statusFlags")]),
        ])), "0:1,4:3", "85,87[2],111")
    ack = b"".join([
        tag(0, oid(0, 1)), opened(1, tag(2, b"\x55") + opened(4, bytes.fromhex("4441ac0000"))
                                  + tag(2, b"\x57") + tag(3, b"\x02") + opened(5, bytes.fromhex("9102912a"))),
        tag(0, oid(4, 3)), opened(1, tag(2, b"\x6f") + opened(4, bytes.fromhex("820400"))),
    ])
    complex_ack("read-property-multiple-ack", 14, "read-property-multiple", ack, "0:1,4:3", "85,87[2],111")
    confirmed("read-range", 26, "read-range", parameters(ReadRangeRequest(
        objectIdentifier=o("trend-log,2"), propertyIdentifier="logBuffer",
        range=Range(byPosition=RangeByPosition(referenceIndex=1, count=10)))), "20:2", "131")
    complex_ack("read-range-ack", 26, "read-range", tag(0, oid(20, 2)) + tag(1, b"\x83") + tag(3, b"\x05\xe0")
                + tag(4, b"\x00") + opened(5, b""), "20:2", "131")
    confirmed("atomic-read-file", 6, "atomic-read-file", parameters(AtomicReadFileRequest(
        fileIdentifier=o("file,1"), accessMethod=AtomicReadFileRequestAccessMethodChoice(
            streamAccess=AtomicReadFileRequestAccessMethodChoiceStreamAccess(
                fileStartPosition=0, requestedOctetCount=100)))), "10:1")


def services_that_write():
    ao = "analog-output,4"
    for name, priority in (("write-property", None), ("write-property-priority", 1)):
        request = WritePropertyRequest(
            objectIdentifier=o(ao), propertyIdentifier="presentValue", propertyValue=real(50.0))
        if priority:
            request.priority = priority
        confirmed(name, 15, "write-property", parameters(request), "1:4", "85")
    several = b"".join([
        tag(0, oid(1, 4)), opened(1, tag(0, b"\x55") + opened(2, bytes.fromhex("4442480000")) + tag(3, b"\x08")),
        tag(0, oid(1, 5)), opened(1, tag(0, b"\x55") + tag(1, b"\x02") + opened(2, b"\x00")),
    ])
    confirmed("write-property-multiple", 16, "write-property-multiple", several, "1:4,1:5", "85,85[2]")
    unconfirmed("write-group", 10, "write-group", tag(0, b"\x17") + tag(1, b"\x08")
                + opened(2, tag(0, b"\x0c") + bytes.fromhex("44448ae000")), function=0x0A)
    element = opened(3, tag(0, b"\x01"))
    for number, name in ((8, "add-list-element"), (9, "remove-list-element")):
        confirmed(name, number, name, tag(0, oid(15, 1)) + tag(1, b"\x66") + element, "15:1", "102")
    confirmed("create-object-type", 10, "create-object", opened(0, tag(0, b"\x0a")))
    confirmed("create-object", 10, "create-object", parameters(CreateObjectRequest(
        objectSpecifier=CreateObjectRequestObjectSpecifier(objectIdentifier=o("analog-value,9")))), "2:9")
    complex_ack("create-object-ack", 10, "create-object", parameters(
        CreateObjectACK(objectIdentifier=o("analog-value,9"))), "2:9")
    confirmed("delete-object", 11, "delete-object", parameters(
        DeleteObjectRequest(objectIdentifier=o("analog-value,9"))), "2:9")
    confirmed("atomic-write-file", 7, "atomic-write-file", parameters(AtomicWriteFileRequest(
        fileIdentifier=o("file,1"), accessMethod=AtomicWriteFileRequestAccessMethodChoice(
            streamAccess=AtomicWriteFileRequestAccessMethodChoiceStreamAccess(
                fileStartPosition=0, fileData=b"firmware")))), "10:1")


def services_of_changes():
    confirmed("subscribe-cov", 5, "subscribe-cov", parameters(SubscribeCOVRequest(
        subscriberProcessIdentifier=18, monitoredObjectIdentifier=o("analog-input,10"),
        issueConfirmedNotifications=True, lifetime=300)), "0:10")
    confirmed("subscribe-cov-property", 28, "subscribe-cov-property", parameters(SubscribeCOVPropertyRequest(
        subscriberProcessIdentifier=18, monitoredObjectIdentifier=o("analog-input,10"),
        issueConfirmedNotifications=True, lifetime=60,
        monitoredPropertyIdentifier="present-value",
        covIncrement=1.0)), "0:10", "85")
    one = opened(0, tag(0, b"\x55")) + tag(1, bytes.fromhex("3f800000")) + tag(2, b"\x01")
    two = opened(0, tag(0, b"\x67")) + tag(2, b"\x00")
    confirmed("subscribe-cov-property-multiple", 30, "subscribe-cov-property-multiple",
              tag(0, b"\x12") + tag(1, b"\x01") + tag(2, b"\x3c") + tag(3, b"\x05")
              + opened(4, tag(0, oid(0, 10)) + opened(1, one + two)), "0:10", "85,103")
    fields = dict(
        subscriberProcessIdentifier=18, initiatingDeviceIdentifier=o("device,4"),
        monitoredObjectIdentifier=o("analog-input,10"), timeRemaining=0,
        listOfValues=[
            PropertyValue(propertyIdentifier="presentValue", value=real(65.0)),
            PropertyValue(propertyIdentifier="statusFlags", value=Any(BitString([0, 0, 0, 0])))])
    confirmed("confirmed-cov-notification", 1, "confirmed-cov-notification",
              parameters(ConfirmedCOVNotificationRequest(**fields)), "8:4,0:10", "85,111")
    unconfirmed("unconfirmed-cov-notification", 2, "unconfirmed-cov-notification",
                parameters(UnconfirmedCOVNotificationRequest(**fields)), "8:4,0:10", "85,111", function=0x0A)
    change = lambda: tag(0, b"\x55") + opened(2, bytes.fromhex("4442820000")) + tag(3, bytes.fromhex("03173400"))
    multiple = (tag(0, b"\x12") + tag(1, oid(8, 4)) + tag(2, b"\x1b")
                + opened(3, bytes.fromhex("a471060301b4030f352f"))
                + opened(4, tag(0, oid(0, 10)) + opened(1, change())
                         + tag(0, oid(1, 5)) + opened(1, change())))
    confirmed("confirmed-cov-notification-multiple", 31, "confirmed-cov-notification-multiple", multiple,
              "8:4,0:10,1:5", "85,85")
    unconfirmed("unconfirmed-cov-notification-multiple", 11, "unconfirmed-cov-notification-multiple", multiple,
                "8:4,0:10,1:5", "85,85", function=0x0A)


def services_of_alarms():
    fields = dict(
        processIdentifier=1, initiatingDeviceIdentifier=o("device,4"), eventObjectIdentifier=o("analog-input,2"),
        timeStamp=TimeStamp(sequenceNumber=16), notificationClass=4, priority=100, eventType="outOfRange",
        messageText="too warm", notifyType="alarm", ackRequired=True, fromState="normal", toState="highLimit")
    confirmed("confirmed-event-notification", 2, "confirmed-event-notification",
              parameters(ConfirmedEventNotificationRequest(**fields)), "8:4,0:2")
    unconfirmed("unconfirmed-event-notification", 3, "unconfirmed-event-notification",
                parameters(UnconfirmedEventNotificationRequest(**fields)), "8:4,0:2", function=0x0A)
    confirmed("acknowledge-alarm", 0, "acknowledge-alarm", parameters(AcknowledgeAlarmRequest(
        acknowledgingProcessIdentifier=1, eventObjectIdentifier=o("analog-input,2"),
        eventStateAcknowledged="highLimit", timeStamp=TimeStamp(sequenceNumber=16),
        acknowledgmentSource="desk", timeOfAcknowledgment=TimeStamp(sequenceNumber=17))), "0:2")
    confirmed("get-alarm-summary", 3, "get-alarm-summary", b"")
    complex_ack("get-alarm-summary-ack", 3, "get-alarm-summary",
                tag(12, oid(0, 2), False) + bytes.fromhex("9103820540"), "0:2")
    confirmed("get-enrollment-summary", 4, "get-enrollment-summary", tag(0, b"\x00"))
    complex_ack("get-enrollment-summary-ack", 4, "get-enrollment-summary",
                tag(12, oid(9, 2), False) + bytes.fromhex("9105910321642104"), "9:2")
    confirmed("get-event-information", 29, "get-event-information", tag(0, oid(0, 2)), "0:2")
    complex_ack("get-event-information-ack", 29, "get-event-information",
                opened(0, tag(0, oid(0, 2)) + tag(1, b"\x03") + tag(2, b"\x05\x60")
                       + opened(3, tag(1, b"\x00") * 3) + tag(4, b"\x00") + tag(5, b"\x05\xe0")
                       + opened(6, bytes.fromhex("210f210f2114"))) + tag(1, b"\x00"), "0:2")
    confirmed("life-safety-operation", 27, "life-safety-operation", parameters(LifeSafetyOperationRequest(
        requestingProcessIdentifier=18, requestingSource="panel", request="reset",
        objectIdentifier=o("life-safety-point,1"))), "21:1")


def services_of_devices():
    confirmed("device-communication-control", 17, "device-communication-control", parameters(
        DeviceCommunicationControlRequest(timeDuration=5, enableDisable="disable", password="#egbdf!")))
    confirmed("reinitialize-device", 20, "reinitialize-device", parameters(
        ReinitializeDeviceRequest(reinitializedStateOfDevice="warmstart", password="AbCdEfGh")))
    confirmed("confirmed-private-transfer", 18, "confirmed-private-transfer", parameters(
        ConfirmedPrivateTransferRequest(vendorID=25, serviceNumber=8, serviceParameters=real(72.4))))
    unconfirmed("unconfirmed-private-transfer", 4, "unconfirmed-private-transfer", parameters(
        UnconfirmedPrivateTransferRequest(vendorID=25, serviceNumber=8)), function=0x0A)
    text = dict(textMessageSourceDevice=o("device,5"), messagePriority="normal", message="filter")
    confirmed("confirmed-text-message", 19, "confirmed-text-message",
              parameters(ConfirmedTextMessageRequest(**text)), "8:5")
    unconfirmed("unconfirmed-text-message", 5, "unconfirmed-text-message",
                parameters(UnconfirmedTextMessageRequest(**text)), "8:5")
    confirmed("vt-open", 21, "vt-open", bytes.fromhex("91012105"))
    confirmed("vt-close", 22, "vt-close", bytes.fromhex("211d"))
    confirmed("vt-data", 23, "vt-data", bytes.fromhex("211d634649522100"))
    confirmed("authenticate", 24, "authenticate", tag(0, b"\x01"))
    confirmed("request-key", 25, "request-key", tag(12, oid(8, 1), False))
    confirmed("confirmed-audit-notification", 32, "confirmed-audit-notification", opened(0, b""))
    confirmed("audit-log-query", 33, "audit-log-query", tag(0, oid(61, 1)))
    clock = dict(time=DateTime(date=Date((124, 1, 17, 2)), time=Time((13, 45, 30, 70))))
    unconfirmed("time-synchronization", 6, "time-synchronization", parameters(TimeSynchronizationRequest(**clock)))
    unconfirmed("utc-time-synchronization", 9, "utc-time-synchronization",
                parameters(UTCTimeSynchronizationRequest(**clock)))
    unconfirmed("who-is", 8, "who-is", b"")
    unconfirmed("who-is-range", 8, "who-is", parameters(
        WhoIsRequest(deviceInstanceRangeLowLimit=3, deviceInstanceRangeHighLimit=300)))
    line("who-is-global", bytes.fromhex("810b000c0120ffff00ff1008"), "original-broadcast-npdu",
         "unconfirmed-request", "who-is", "-")
    unconfirmed("i-am", 0, "i-am", parameters(IAmRequest(
        iAmDeviceIdentifier=o("device,245"), maxAPDULengthAccepted=1476, segmentationSupported="segmentedBoth",
        vendorID=15)), "8:245")
    unconfirmed("who-has", 7, "who-has", tag(0, b"\x01") + tag(1, b"\x09") + tag(2, oid(0, 3)), "0:3")
    unconfirmed("who-has-name", 7, "who-has", tag(3, b"\x00OATemp"))
    unconfirmed("i-have", 1, "i-have", parameters(IHaveRequest(
        deviceIdentifier=o("device,8"), objectIdentifier=o("analog-input,3"), objectName="OATemp")), "8:8,0:3")
    unconfirmed("who-am-i", 13, "who-am-i", bytes.fromhex("210f") + tag(7, b"\x00M1", False) * 2)
    unconfirmed("you-are", 14, "you-are", bytes.fromhex("210f") + tag(7, b"\x00M1", False) * 2
                + tag(12, oid(8, 3), False) + tag(6, b"\x2a", False), "8:3")
    unconfirmed("unconfirmed-audit-notification", 12, "unconfirmed-audit-notification", opened(0, b""))


def other_pdus():
    unicast = "original-unicast-npdu"
    line("simple-ack", bvlc(0x0A, npdu(bytes.fromhex("20070f"))), unicast, "simple-ack", "write-property", 7)
    line("segment-ack", bvlc(0x0A, npdu(bytes.fromhex("41070304"))), unicast, "segment-ack", "-", 7)
    line("reject", bvlc(0x0A, npdu(bytes.fromhex("600709"))), unicast, "reject", "-", 7)
    line("abort", bvlc(0x0A, npdu(bytes.fromhex("710704"))), unicast, "abort", "-", 7)
    plain = bytes.fromhex("91029120")
    error("error", 12, "read-property", plain)
    error("error-password", 20, "reinitialize-device", bytes.fromhex("9104911a"))
    error("error-write-multiple", 16, "write-property-multiple",
          opened(0, plain) + opened(1, tag(0, oid(1, 5)) + tag(1, b"\x55")))
    error("error-create", 10, "create-object", opened(0, plain) + tag(1, b"\x00"))
    ack = tag(0, oid(8, 245)) + tag(1, b"\x4c") + bytes.fromhex("3e") + tag(12, oid(0, 1), False)
    line("segment-first", bvlc(0x0A, npdu(bytes.fromhex("3c0700100c") + ack)), unicast, "complex-ack",
         "read-property", 7, "8:245", "76")
    line("segment-last", bvlc(0x0A, npdu(bytes.fromhex("380701100c") + tag(12, oid(0, 2), False) + b"\x3f")),
         unicast, "complex-ack", "read-property", 7)


def link_layer():
    peer = IPv4Address("192.168.1.10:47808")
    for name, pdu in (
        ("bvlc-result", bvll.Result(0x30)),
        ("write-broadcast-distribution-table", bvll.WriteBroadcastDistributionTable([peer])),
        ("read-broadcast-distribution-table", bvll.ReadBroadcastDistributionTable()),
        ("read-broadcast-distribution-table-ack", bvll.ReadBroadcastDistributionTableAck([peer])),
        ("register-foreign-device", bvll.RegisterForeignDevice(60)),
        ("read-foreign-device-table", bvll.ReadForeignDeviceTable()),
        ("delete-foreign-device-table-entry", bvll.DeleteForeignDeviceTableEntry(peer)),
    ):
        # The encoder leaves the length to the codec above it.
        body = bytes(pdu.encode().pduData)
        line(name, bvlc(body[1], body[4:]) if body[:1] == b"\x81" else bvlc(pdu.pduType, body), name, "-", "-", "-")
    entry = bytes([192, 168, 1, 10, 0xBA, 0xC0]) + (60).to_bytes(2, "big") + (42).to_bytes(2, "big")
    line("read-foreign-device-table-ack", bvlc(7, entry), "read-foreign-device-table-ack", "-", "-", "-")
    line("secure-bvll", bvlc(0x0C, bytes(8)), "secure-bvll", "-", "-", "-")
    who_is = npdu(bytes([0x10, 8]))
    line("forwarded-npdu", bvlc(4, bytes([192, 168, 1, 10, 0xBA, 0xC0]) + who_is), "forwarded-npdu",
         "unconfirmed-request", "who-is", "-")
    line("distribute-broadcast-to-network", bvlc(9, who_is), "distribute-broadcast-to-network",
         "unconfirmed-request", "who-is", "-")


def network_messages():
    names = {
        0x00: ("who-is-router-to-network", "0005"), 0x01: ("i-am-router-to-network", "00050006"),
        0x02: ("i-could-be-router-to-network", "000501"), 0x03: ("reject-message-to-network", "010005"),
        0x04: ("router-busy-to-network", "0005"), 0x05: ("router-available-to-network", "0005"),
        0x06: ("initialize-routing-table", "00"), 0x07: ("initialize-routing-table-ack", "00"),
        0x08: ("establish-connection-to-network", "00051e"), 0x09: ("disconnect-connection-to-network", "0005"),
        0x0A: ("challenge-request", ""), 0x0B: ("security-payload", ""), 0x0C: ("security-response", ""),
        0x0D: ("request-key-update", ""), 0x0E: ("update-key-set", ""), 0x0F: ("update-distribution-key", ""),
        0x10: ("request-master-key", ""), 0x11: ("set-master-key", ""),
        0x12: ("what-is-network-number", ""), 0x13: ("network-number-is", "000501"),
    }
    for kind, (name, data) in names.items():
        line(name, bvlc(0x0B, npdu(bytes([kind]) + bytes.fromhex(data), 0x80)), "original-broadcast-npdu", "-",
             name, "-")
    line("vendor-network-message", bvlc(0x0B, npdu(bytes.fromhex("85000f0102"), 0x80)), "original-broadcast-npdu",
         "-", "-", "-")


for part in (services_that_read, services_that_write, services_of_changes, services_of_alarms,
             services_of_devices, other_pdus, link_layer, network_messages):
    part()
print("\n".join(out))
