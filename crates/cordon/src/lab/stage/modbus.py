"""A building controller: pymodbus answers, and every request is told as a line of JSON."""
import json
import os
import sys
import threading
import time

from pymodbus.datastore import (
    ModbusSequentialDataBlock,
    ModbusServerContext,
    ModbusSlaveContext,
)
from pymodbus.server import StartTcpServer, async_io

handler = async_io.ModbusConnectedRequestHandler
answer = handler.execute


def execute(self, request, *address):
    """Tells a request, then has it answered."""
    host, port = self.client_address[:2]
    line = {
        "event": "received",
        "protocol": "modbus",
        "from": f"{host}:{port}",
        "message": request.function_code,
        "address": getattr(request, "address", None),
        "mono_us": time.monotonic_ns() // 1000,
    }
    print(json.dumps(line), flush=True)
    return answer(self, request, *address)


handler.execute = execute
threading.Timer(int(sys.argv[2]), os._exit, (0,)).start()
blocks = {key: ModbusSequentialDataBlock(0, [0] * 65536) for key in ("di", "co", "hr", "ir")}
slave = ModbusSlaveContext(**blocks, zero_mode=True)
context = ModbusServerContext(slaves=slave, single=True)
StartTcpServer(context=context, address=("0.0.0.0", int(sys.argv[1])))
