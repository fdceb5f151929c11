"""Writes the HL7 v2 vectors beside it, and expected.tsv with what the package `hl7` reads in them.

Every message is made up here after the tables of the standard and of the IHE device profiles; the
persons do not exist. Run: python make_vectors.py (needs the package hl7, 0.4.5 was used).
"""

from pathlib import Path

import hl7

HERE = Path(__file__).parent
PUMP = "0003B1000000A001"
MONITOR = "0003B1000000B002"


def vital(number, code, name, path, value, unit, eui=MONITOR):
    end = f"|||20261124101500+0000||||{eui}^^{eui}^EUI-64"
    return f"OBX|{number}|NM|{code}^{name}^MDC|{path}|{value}|{unit}^{unit}^UCUM|||||R{end}"


VITALS = [
    (147842, "MDC_ECG_HEART_RATE", "1.1.1.1", "72", "/min"),
    (150456, "MDC_PULS_OXIM_SAT_O2", "1.2.1.2", "98", "%"),
    (149530, "MDC_PULS_OXIM_PULS_RATE", "1.2.1.3", "71", "/min"),
    (151562, "MDC_RESP_RATE", "1.3.1.4", "14", "/min"),
    (150021, "MDC_PRESS_BLD_NONINV_SYS", "1.4.1.5", "118", "mm[Hg]"),
    (150022, "MDC_PRESS_BLD_NONINV_DIA", "1.4.1.6", "76", "mm[Hg]"),
    (150023, "MDC_PRESS_BLD_NONINV_MEAN", "1.4.1.7", "90", "mm[Hg]"),
    (150344, "MDC_TEMP", "1.5.1.8", "36.8", "Cel"),
    (151708, "MDC_CO2_RESP_RATE", "1.6.1.9", "14", "/min"),
    (151712, "MDC_AWAY_CO2_ET", "1.6.1.10", "37", "mm[Hg]"),
    (150037, "MDC_PRESS_BLD_ART_ABP_SYS", "1.7.1.11", "121", "mm[Hg]"),
    (150038, "MDC_PRESS_BLD_ART_ABP_DIA", "1.7.1.12", "77", "mm[Hg]"),
]

OBR = "OBR|1|AB12^{app}^{eui}^EUI-64|CD12^{app}^{eui}^EUI-64|{code}|||20261124101500+0000"
PROFILE = "IHE_PCD_{n}^IHE PCD^1.3.6.1.4.1.19376.1.6.1.{n}.1^ISO"

MESSAGES = {
    "pcd-01": [
        f"MSH|^~\\&|MONITOR^{MONITOR}^EUI-64|ICU|SERVER|HOSPITAL|20261124101501+0000||ORU^R01^ORU_R01|"
        f"M000001|P|2.6|||NE|AL|||||{PROFILE.format(n=1)}",
        "PID|||PAT-0042^^^Hospital^PI||Example^Ann^^^^^L",
        "PV1||I|ICU^1^3",
        OBR.format(app="MONITOR", eui=MONITOR, code="69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC"),
        *[vital(n, *v) for n, v in enumerate(VITALS, 1)],
    ],
    "pcd-03": [
        "MSH|^~\\&|ORDERS|PHARMACY|PUMPS|ICU|20261124101502+0000||RGV^O15^RGV_O15|R000001|P|2.6|||AL|NE"
        f"|||||{PROFILE.format(n=3)}",
        "PID|||PAT-0042^^^Hospital^PI||Example^Ann^^^^^L",
        "PV1||I|ICU^1^3",
        "ORC|RE|ORDER77^ORDERS|||||||||||||||||||ICU",
        "RXG|1|||1234^Dopamine 400 mg/250 mL^NDC||250||263762^MDC_DIM_MILLI_L^MDC||||||||12|"
        "265266^MDC_DIM_MILLI_L_PER_HR^MDC",
        "RXR|IV",
        f"OBX|1||69986^MDC_DEV_PUMP_INFUS_VMD^MDC||||||||X|||||||PUMP-1^^{PUMP}^EUI-64",
    ],
    "pcd-04": [
        f"MSH|^~\\&|MONITOR^{MONITOR}^EUI-64|ICU|ALARMS|HOSPITAL|20261124101503+0000||ORU^R40^ORU_R40|"
        f"A000001|P|2.6|||NE|AL|||||{PROFILE.format(n=4)}",
        "PID|||PAT-0042^^^Hospital^PI||Example^Ann^^^^^L",
        "PV1||I|ICU^1^3",
        OBR.format(app="MONITOR", eui=MONITOR, code="196616^MDC_EVT_ALARM^MDC"),
        f"OBX|1|CWE|196616^MDC_EVT_ALARM^MDC|1.1.1.1.1|196652^MDC_EVT_LO^MDC||||||F|||||||{MONITOR}"
        f"^^{MONITOR}^EUI-64",
        "OBX|2|NM|147842^MDC_ECG_HEART_RATE^MDC|1.1.1.1.2|38|/min^/min^UCUM|50-120|L~PH~SP|||F",
        "OBX|3|ST|68481^MDC_ATTR_EVENT_PHASE^MDC|1.1.1.1.3|start||||||F",
        "OBX|4|ST|68482^MDC_ATTR_ALARM_STATE^MDC|1.1.1.1.4|active||||||F",
        "OBX|5|ST|68483^MDC_ATTR_ALARM_INACTIVATION_STATE^MDC|1.1.1.1.5|enabled||||||F",
    ],
    "pcd-10": [
        f"MSH|^~\\&|PUMP^{PUMP}^EUI-64|ICU|SERVER|HOSPITAL|20261124101504+0000||ORU^R42^ORU_R01|E000001|P"
        f"|2.6|||NE|AL|||||{PROFILE.format(n=10)}",
        "PID|||^^^Hospital^PI",
        OBR.format(app="PUMP", eui=PUMP, code="70049^MDC_DEV_PUMP_INFUS_LVP_MDS^MDC"),
        "OBX|1|CWE|0^MDCX_PUMP_EVT^MDC|1.0.0.1|0^MDCX_EVT_PUMP_DELIV_START^MDC||||||R|||"
        f"20261124101500+0000||||{PUMP[:4]}-{PUMP[4:6]}^^{PUMP}^EUI-64",
        f"PRT|1|UC||EQUIP^Equipment^HL70912||||||{PUMP}^^{PUMP}^EUI-64",
    ],
    "adt-a01": [
        "MSH|^~\\&|HIS|HOSPITAL|CENTRAL|ICU|202611241015||ADT^A01^ADT_A01|H000001|P|2.5",
        "EVN|A01|202611241015",
        "PID|1||PAT-0042^^^Hospital^PI~99^^^Other^XX||Example^Ann||19700101|F",
        "PV1|1|I|ICU^1^3",
        "ZZ1|own segment",
    ],
    "ack-aa": [
        "MSH|^~\\&|SERVER|HOSPITAL|MONITOR|ICU|20261124101502+0000||ACK^R01^ACK|S000001|P|2.6",
        "MSA|AA|M000001",
    ],
    "ack-ae": [
        "MSH|^~\\&|SERVER|HOSPITAL|MONITOR|ICU|20261124101502+0000||ACK^R01^ACK|S000002|P|2.6",
        "MSA|AE|M000001",
        "ERR||OBX^3^5|102^Data type error^HL70357|E",
        "ERR||OBX^4^5|103^Table value not found^HL70357|W",
    ],
    "rrg-o16": [
        f"MSH|^~\\&|PUMPS|ICU|ORDERS|PHARMACY|20261124101503+0000||RRG^O16^RRG_O16|P000001|P|2.6",
        "MSA|AA|R000001",
    ],
    "own-delimiters": [
        "MSH*:;!@*MONITOR*ICU*SERVER*HOSPITAL*20261124101501.25-0530**ORU:R01:ORU_R01*M000002*P*2.6",
        "PID***PAT!S!42@sub:::Hospital",
        "OBR*1",
        "OBX*1*ST*1:a!F!b:MDC*1.1*one;two!R!three*!E!",
    ],
    "five-delimiters": [
        "MSH|^~\\&#|MONITOR|ICU|SERVER|HOSPITAL|20261124101501+0000||ORU^R01^ORU_R01|M000003|P|2.7",
        "OBR|1",
        "OBX|1|ST|1^a^MDC||cut#",
    ],
    "escapes": [
        "MSH|^~\\&|M\\T\\M|ICU|SERVER|HOSPITAL|20261124101501+0000||ORU^R01^ORU_R01|M000004|P|2.6",
        "OBR|1",
        "OBX|1|ST|1^a^MDC||\\F\\ \\S\\ \\T\\ \\R\\ \\E\\ \\X0D0a41\\ \\.br\\ \\H\\bold\\N\\ open\\",
        "NTE|1||a\\X4\\b",
    ],
    "multi-byte": [
        "MSH|^~\\&|MONITOR|Süd|SERVER|HOSPITAL|20261124101501+0000||ORU^R01^ORU_R01|M000005|P|2.6||||||"
        "UNICODE UTF-8",
        "PID|||4711||Müller^Jörg~ミュラー^ヨルグ",
        "OBR|1",
        "OBX|1|ST|1^a^MDC||37 °C 🌡",
    ],
    "minimal": ["MSH|^~\\&|||||||ACK|1|P|2.3"],
}


def main():
    rows = ["name\tsegments\tMSH-9\tMSH-10\tMSH-12"]
    for name, segments in MESSAGES.items():
        text = "\r".join(segments) + "\r"
        read = hl7.parse(text)
        msh = read.segment("MSH")
        rows.append("\t".join([name, str(len(read)), str(msh[9]), str(msh[10]), str(msh[12])]))
        (HERE / f"{name}.hl7").write_bytes(text.encode())
    (HERE / "expected.tsv").write_text("\n".join(rows) + "\n")


main()
