"""Writes the vectors of this directory; run it here. Needs nothing but Python."""
import json, zipfile
from xml.sax.saxutils import escape

SHA = "ab" * 32
# A CMMS export as German Excel writes it: title lines, semicolons, Windows-1252.
cmms = """Geräteliste Klinikum;;;;;;;;;;;;
erstellt 2026-11-01;;;;;;;;;;;;
Asset Tag;Device Type;Manufacturer;Model;Serial #;MAC Address;IP Address;VLAN;Bldg;Floor;Dept;SW Version;PM Due
PUMP-001;Smart Pump;Müller Medizintechnik;Flow 3;S-1;00-1B-21-3A-4F-60;10.110.0.5;110;A;3rd;ICU-3;4.2;2027-01
PUMP-002;smart pump;Müller Medizintechnik;Flow 3;S-2;001b.213a.4f61;10.110.0.6/24;110;A;Floor 3;ICU-3;4.2;2027-01
;;;;;;;;;;;;
PUMP-003;Smart Pump;Müller Medizintechnik;Flow 3;S-3;00:1b:21:3a:4f:60;10.110.0.7;110;A;3;ICU-3;4.2;2027-01
PUMP-004;Smart Pump;Müller Medizintechnik;Flow 3;S-4;00:1b:21:3a:4f:6;10.110.0.300;4095;A;3;ICU-3;4.2;2027-01
PUMP-005;Toaster;Müller Medizintechnik;Flow 3;S-5;00:1b:21:3a:4f:65;10.99.0.9;77;A;3;ICU-3;;2027-01
PUMP-006;Smart Pump;Müller Medizintechnik;Flow 3;S-6;00:1b:21:3a:4f:66;10.110.0.10;110;A;3;ICU-3;4.2
"""
open("cmms-export.csv", "wb").write(cmms.encode("cp1252").replace(b"\n", b"\r\n"))
clean = f"""id,type,tier,vendor,model,serial,mac,ip,building,floor,unit,segment,attachment,autonomous,firmware,firmware-sha256,remote-access
PUMP-001,infusion-pump,red,Aster Medical Inc.,Flow 3,S-1,00:1b:21:3a:4f:60,10.110.0.5,A,3,ICU-3,red-a,legacy,yes,4.2,{SHA},
PUMP-002,infusion-pump,red,"Aster Medical, Inc",flow-3,S-2,00:1b:21:3a:4f:61,10.110.0.6,A,3,ICU-3,red-a,legacy,yes,4.2,{SHA},yes
MON-001,monitor,red,Borealis,Vista 9,S-1,00:1b:21:3a:4f:62,10.110.0.7,A,3,ICU-3,red-a,tpm,yes,1.0,{SHA},no
"""
open("devices.csv", "w").write(clean)

netbox = f"""Name,Status,Site,Location,Role,Manufacturer,Type,Serial number,Asset tag,IPv4 Address,ID,cf_mac,cf_floor,cf_firmware,cf_firmware_sha256,cf_attachment,cf_autonomous,cf_tier
PUMP-001,Active,A,ICU-3,infusion-pump,Aster Medical,Flow 3,S-1,T-1,10.110.0.5/24,1,00:1b:21:3a:4f:60,3,4.2,{SHA},legacy,True,red
PUMP-002,Decommissioning,A,ICU-3,infusion-pump,Aster Medical,Flow 3,S-2,T-2,10.110.0.6/24,2,00:1b:21:3a:4f:61,3,4.2,{SHA},legacy,True,red
"""
open("netbox-devices.csv", "w").write(netbox)
def named(i, name, **more): return dict(id=i, display=name, name=name, slug=name.lower(), **more)
def device(i, **more):
    return dict({"id": i, "name": f"PUMP-00{i}", "device_type": {"id": 9, "model": "Flow 3", "slug": "flow-3", "manufacturer": named(4, "Aster Medical")},
        "role": {"id": 3, "name": "Infusion pump", "slug": "infusion-pump"}, "serial": f"S-{i}", "asset_tag": None,
        "site": {"id": 1, "name": "Building A", "slug": "A"}, "location": {"id": 2, "name": "ICU 3", "slug": "icu-3"},
        "status": {"value": "active", "label": "Active"}, "primary_ip": {"id": 7, "address": f"10.110.0.{i}/24"}, "primary_ip4": {"id": 7, "address": f"10.110.0.{i}/24"},
        "primary_ip6": None, "custom_fields": {"floor": 3, "firmware": "4.2", "firmware_sha256": SHA, "attachment": "legacy", "autonomous": True, "tier": "red", "warranty": "2028"}}, **more)
answer = {"count": 4, "next": None, "previous": None, "results": [device(1), device(2), device(3, status={"value": "planned", "label": "Planned"}), device(4)]}
json.dump(answer, open("netbox-devices.json", "w"), indent=1)
def iface(i, dev, **more): return dict({"id": i, "device": {"id": dev, "name": f"PUMP-00{dev}"}, "name": f"eth{i}", "mgmt_only": False, "mac_address": None, "untagged_vlan": {"id": 1, "vid": 110, "name": "red-a"}}, **more)
json.dump({"count": 5, "next": None, "results": [
    iface(1, 1, mac_address="00:1B:21:3A:4F:60"),
    iface(2, 2, primary_mac_address={"id": 5, "mac_address": "00:1B:21:3A:4F:61"}),
    iface(3, 2, mac_address="00:1B:21:3A:4F:99", mgmt_only=True),
    iface(4, 4, mac_address="00:1B:21:3A:4F:64"), iface(5, 4, mac_address="00:1B:21:3A:4F:65")]}, open("netbox-interfaces.json", "w"), indent=1)

# An MDS2 form; the questions are shortened to our own words.
form = [
    ["Manufacturer Disclosure Statement for Medical Device Security", "", "", ""],
    ["Question ID", "Question", "Answer", "See note"],
    ["DOC-1", "Manufacturer", "Aster Medical GmbH", ""],
    ["DOC-3", "Model", "Flow 3, Flow 4", ""],
    ["DOC-7", "Released", "2026-03-20", ""],
    ["MPII-1", "Handles patient data?", "Yes", ""],
    ["CSUP-2", "Contains an operating system?", "Yes", "Note 1"],
    ["CSUP-2.3", "Remote installation of patches?", "No", ""],
    ["MLDP-2", "Supports anti-malware software?", "No", ""],
    ["NAUT-1", "Node authentication?", "Yes", ""],
    ["NAUT-3", "Certificate-based network authentication?", "Yes", "keys in a TPM 2.0"],
    ["CONN-7", "Supports TLS?", "Yes", ""],
    ["SBoM-1", "Is there an SBoM?", "N/A", ""],
    ["SHAD-15", "Access to the boot loader prevented?", "Yes", ""],
    ["STCF-1", "Encrypts data at rest?", "No", ""],
    ["TXCF-2", "Encrypts data before it is sent?", "Yes, from release 4 on", ""],
    ["RMOT-1", "Permits remote service?", "Yes", "2"],
    ["RMOT-2", "Remote service for prediction?", "No", ""],
    ["RMOT-3", "Other remote functions?", "See Notes", "3"],
    ["RMOT-1", "Permits remote service?", "No", ""],
    ["Notes", "", "", ""],
    ["Note 1", "Windows Embedded Standard 7, no Windows 10 planned", "", ""],
    ["Note 2", "by VPN of the maker, on demand", "", ""],
    ["Note 3", "see manual", "", ""],
]
with open("mds2-flow.csv", "w") as f:
    for row in form: f.write(",".join('"%s"' % c.replace('"', '""') if "," in c else c for c in row) + "\n")

strings = []
def shared(text):
    if text not in strings: strings.append(text)
    return strings.index(text)
rows = ""
for r, row in enumerate(form, 1):
    cells = "".join(f'<c r="{"ABCD"[c]}{r}" t="s"><v>{shared(t)}</v></c>' for c, t in enumerate(row) if t)
    rows += f'<row r="{r}">{cells}</row>'
main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
pkg = "http://schemas.openxmlformats.org/package/2006"
parts = {
    "[Content_Types].xml": f'<Types xmlns="{pkg}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{pkg}/relationships"><Relationship Id="rId1" Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets><sheet name="MDS2" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{pkg}/relationships"><Relationship Id="rId1" Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{rel}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
    "xl/sharedStrings.xml": f'<sst xmlns="{main}" count="{len(strings)}" uniqueCount="{len(strings)}">' + "".join(f"<si><t>{escape(s)}</t></si>" for s in strings) + "</sst>",
}
with zipfile.ZipFile("mds2-flow.xlsx", "w", zipfile.ZIP_DEFLATED) as z:
    for name, text in parts.items():
        info = zipfile.ZipInfo(name, (2026, 11, 1, 0, 0, 0)); info.compress_type = zipfile.ZIP_DEFLATED
        z.writestr(info, '<?xml version="1.0" encoding="UTF-8"?>' + text)
