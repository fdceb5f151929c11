"""Speaks Modbus by pymodbus.

serve ADDRESS PORT     200 holding registers of 215, until it is killed
client ADDRESS PORT    one line per exchange: its name, and the answer or the exception's code
"""

import sys

from pymodbus.client import ModbusTcpClient
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.diag_message import ReturnQueryDataRequest
from pymodbus.server import StartTcpServer


def serve(address, port):
    block = ModbusSequentialDataBlock(0, [215] * 200)
    store = ModbusSlaveContext(hr=block, zero_mode=True)
    StartTcpServer(context=ModbusServerContext(slaves=store, single=True), address=(address, port))


def client(address, port):
    talk = ModbusTcpClient(address, port=port, timeout=3)
    assert talk.connect(), "no connection"
    exchanges = {
        "read": lambda: talk.read_holding_registers(0, 10, slave=1),
        "write": lambda: talk.write_register(10, 220, slave=1),
        "write-out-of-range": lambda: talk.write_register(10, 500, slave=1),
        "write-elsewhere": lambda: talk.write_register(11, 220, slave=1),
        "read-elsewhere": lambda: talk.read_holding_registers(150, 2, slave=1),
        "coil": lambda: talk.write_coil(1, True, slave=1),
        "diagnostics": lambda: talk.execute(ReturnQueryDataRequest(0x1234, unit=1)),
        "read-again": lambda: talk.read_holding_registers(10, 2, slave=1),
    }
    for name, exchange in exchanges.items():
        answer = exchange()
        if hasattr(answer, "exception_code"):
            print(name, "exception", answer.exception_code)
        elif answer.isError():
            print(name, "failed", answer)
        else:
            print(name, *getattr(answer, "registers", ["done"]))


verb, address, port = sys.argv[1:]
{"serve": serve, "client": client}[verb](address, int(port))
