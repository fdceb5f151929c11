"""Reads HL7 over MLLP on a free port of the loopback, with the package `hl7`.

The first line printed is the port. Each message is answered with an acknowledgement and told in one line of JSON.
"""

import asyncio
import json

import hl7
import hl7.mllp


def told(message):
    def field(number):
        try:
            return str(message["MSH"][0][number])
        except (KeyError, IndexError):
            return ""

    return {
        "sending_application": field(3),
        "message_type": field(9),
        "control_id": field(10),
        "version": field(12),
    }


async def serve(reader, writer):
    while not writer.is_closing():
        try:
            message = await reader.readmessage()
        except asyncio.IncompleteReadError:
            break
        except Exception as error:  # What it cannot read is told like what it can.
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
            message = hl7.parse("MSH|^~\\&|||||||ACK|1|P|2.6\r")
        else:
            print(json.dumps(told(message)), flush=True)
        writer.writemessage(message.create_ack())
        await writer.drain()
    writer.close()


async def main():
    server = await hl7.mllp.start_hl7_server(serve, host="127.0.0.1", port=0, encoding="utf-8")
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
