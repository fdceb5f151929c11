# The guardrails and the policies of `examples/metropolitan` once more, in Rego, to be measured
# beside them. The measurement compares the answers and says where they differ.
package cordon

import rego.v1

default allow := false

device := data.devices[input.device]

service := data.services[input.service]

allow if {
	permit
	not forbid
}

in_service if input.state in {"NORMAL", "SUSPECT", "PROBATION"}

proven if {
	input.identity in {"certificate", "gateway-bound"}
	input.attestation != "failed"
}

# Guardrails.

forbid if service.kind == "internet"

forbid if service.kind == "corporate"

forbid if not service.kind in {"clinical", "operations", "facility", "infrastructure"}

forbid if not own_segment

forbid if not own_building

forbid if input.protocol != service.protocol

forbid if not declared_or_emergency

forbid if input.state == "ISOLATED"

own_segment if {
	device.building == device.segment.building
	device.tier == device.segment.tier
}

own_segment if {
	device.building == device.segment.building
	device.tier == "GREEN-LS"
	device.segment.tier == "GREEN"
}

own_building if service.everywhere

own_building if device.building in service.buildings

declared_or_emergency if input.declared

declared_or_emergency if {
	input.emergency
	input.direction == "out"
	device.tier in {"RED", "ORANGE"}
}

# Policies.

permit if {
	device.tier in {"GREEN", "GREEN-LS"}
	input.declared
	service.kind in {"facility", "infrastructure"}
	in_service
	proven
}

permit if {
	device.tier == "GREEN-LS"
	input.declared
	input.lifeline
	service.kind in {"operations", "facility", "infrastructure"}
}

permit if {
	device.tier == "ORANGE"
	input.declared
	service.kind == "clinical"
	in_service
	proven
}

permit if {
	device.tier == "ORANGE"
	input.declared
	service.kind == "infrastructure"
	in_service
}

permit if {
	device.tier == "ORANGE"
	input.declared
	input.lifeline
}

permit if {
	device.tier == "RED"
	input.declared
	service.kind in {"clinical", "infrastructure"}
	in_service
}

permit if {
	device.tier == "RED"
	input.declared
	input.lifeline
}

permit if {
	device.tier == "RED"
	input.emergency
	input.state in {"NORMAL", "SUSPECT", "CONTAINED", "PROBATION"}
	service.kind in {"clinical", "infrastructure"}
}

permit if {
	device.tier == "YELLOW"
	input.declared
	service.kind in {"operations", "facility", "infrastructure"}
	in_service
	proven
}

permit if {
	device.tier == "YELLOW"
	input.declared
	input.lifeline
}

# Pairs of a device and a service, as a set.

permit if {
	data.pairs[input.device][input.service]
	input.declared
	input.state in {"NORMAL", "REMEDIATION"}
}
