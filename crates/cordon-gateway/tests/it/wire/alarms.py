"""Speaks HL7 by python-hl7: sends an alarm, an observation and an order; says how each is answered."""

import sys

from hl7.client import MLLPClient

MESSAGE = "MSH|^~\\&|VENT|ICU|DESK|METRO|20261124120000||{kind}|{id}|P|2.6\rPID|||42\r{rest}\r"
REST = "OBR|1|||196616^MDC_EVT_ALARM^MDC\rOBX|1|ST|0^MDC_EVT_LO||low||||PH"

with MLLPClient(sys.argv[1], int(sys.argv[2])) as talk:
    for kind in ["ORU^R40^ORU_R40", "ORU^R01^ORU_R01", "RGV^O15^RGV_O15", "ORU^R40^ORU_R40"]:
        message = MESSAGE.format(kind=kind, id=kind[:7], rest=REST)
        answer = talk.send_message(message.encode()).decode()
        print(kind[:7], answer.split("MSA|")[1][:2])
