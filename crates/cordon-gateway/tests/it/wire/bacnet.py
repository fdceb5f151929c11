"""Speaks BACnet/IP by bacpypes3.

serve ADDRESS/LENGTH        a controller with one analog value of 21.5, until it is killed
client OWN/LENGTH ADDRESS   one line per exchange: its name, and the answer or the refusal
"""

import asyncio
import sys

from bacpypes3.apdu import ErrorRejectAbortNack, ReinitializeDeviceRequest
from bacpypes3.app import Application
from bacpypes3.basetypes import ReinitializeDeviceRequestReinitializedStateOfDevice as Restart
from bacpypes3.local.analog import AnalogValueObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.pdu import Address


def application(address, instance):
    device = DeviceObject(objectIdentifier=("device", instance), objectName=f"d{instance}", vendorIdentifier=999)
    port = NetworkPortObject(address, objectIdentifier=("network-port", 1), objectName="port")
    return Application.from_object_list([device, port])


async def serve(address):
    app = application(address, 9)
    value = AnalogValueObject(objectIdentifier=("analog-value", 1), objectName="setpoint", presentValue=21.5)
    app.add_object(value)
    await asyncio.Event().wait()


async def client(own, address):
    app = application(own, 14)
    there = Address(address)
    restart = ReinitializeDeviceRequest(reinitializedStateOfDevice=Restart("coldstart"), destination=there)
    exchanges = {
        "read": lambda: app.read_property(there, "analog-value,1", "present-value"),
        "write": lambda: app.write_property(there, "analog-value,1", "present-value", 30.0),
        "restart": lambda: app.request(restart),
        "read-again": lambda: app.read_property(there, "analog-value,1", "present-value"),
    }
    for name, exchange in exchanges.items():
        try:
            print(name, await asyncio.wait_for(exchange(), 5))
        except ErrorRejectAbortNack as refusal:
            print(name, "refused", refusal)
        except asyncio.TimeoutError:
            print(name, "no answer")
    app.close()


verb, rest = sys.argv[1], sys.argv[2:]
asyncio.run({"serve": serve, "client": client}[verb](*rest))
