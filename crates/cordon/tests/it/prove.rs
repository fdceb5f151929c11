//! `prove`: green on the examples, red with the device and the service by name.

use serde_json::Value;

use crate::bench::{Bench, append, clinic, metropolitan};

/// Lets every contained pump read its orders: a widening that breaks no invariant.
pub(crate) const CONTAINED_READS: &str = r#"
@id("contained-pump-reads-orders")
@plain("A contained pump still reads its orders, so that nobody has to type a dose by hand.")
@source("clinic plan")
@inspect("required")
@api_rate_per_minute("20")
permit (principal is Device, action == Action::"connect", resource is Service)
when
{
  principal.tier == Tier::"ORANGE" &&
  principal.type == DeviceType::"infusion-pump" &&
  resource.kind == ZoneKind::"clinical" &&
  context.declared &&
  context.operation == Operation::"http.get" &&
  context.state == State::"CONTAINED" &&
  [Identity::"certificate", Identity::"gateway-bound"].contains(context.identity) &&
  context.attestation != Attestation::"failed"
};
"#;

/// Opens undeclared services in an emergency to devices that are not life-critical.
pub(crate) const EMERGENCY_FOR_ORANGE: &str = r#"
@id("orange-emergency")
permit (principal is Device, action == Action::"connect", resource is Service)
when
{
  principal.tier == Tier::"ORANGE" && context.emergency && resource.kind == ZoneKind::"clinical"
};
"#;

fn claim<'a>(proofs: &'a Value, id: &str) -> &'a Value {
    let found = proofs.as_array().unwrap().iter().find(|proof| proof["id"] == id);
    found.unwrap_or_else(|| panic!("no `{id}` in {proofs:#}"))
}

#[test]
fn the_examples_are_proved() {
    let bench = Bench::new();
    for (dir, count) in [(metropolitan(), 15), (clinic(), 13)] {
        let json = bench.run(["prove", &dir, "--json"]).exits(0).json();
        assert_eq!(json["proved"], count, "{json:#}");
        assert_eq!(json["claims"].as_array().unwrap().len(), count);
    }
}

#[test]
fn a_bad_permit_is_refuted_with_a_device_and_a_service_of_the_plan() {
    for (example, service) in [("clinic", "alarm-desk"), ("metropolitan", "")] {
        let bench = Bench::new();
        let dir = bench.copy(example, "hospital");
        append(&dir.join("policies/emergency.cedar"), EMERGENCY_FOR_ORANGE);
        let json = bench.run(["prove", "hospital", "--json"]).exits(1).json();
        let proof = claim(&json["claims"], "emergency-opens-red-only");
        let scene = &proof["outcome"]["refuted"]["scene"]["in_plan"];
        let device = scene["act"]["device"].as_str().unwrap_or_else(|| panic!("{proof:#}"));
        let run = bench.run(["prove", "hospital"]).exits(1);
        run.says(&format!("{device} → {service}")).says("by `orange-emergency`");
    }
}

#[test]
fn a_widening_is_found_and_can_be_meant() {
    let bench = Bench::new();
    let dir = bench.copy("clinic", "new");
    append(&dir.join("policies/contained.cedar"), CONTAINED_READS);
    let against = ["prove", "new", "--against", &clinic()];
    let json = bench.run(against.into_iter().chain(["--json"])).exits(1).json();
    assert_eq!(json["proved"], 13);
    let scene = &claim(&json["against"], "widens-nothing")["outcome"]["refuted"]["scene"];
    assert_eq!(scene["in_plan"]["act"]["operation"], "http.get");
    bench.run(against).exits(1).says("→ records http.get").says("12 devices of the plan");
    bench.write("meant.cedar", CONTAINED_READS);
    bench.run(against.into_iter().chain(["--except", "meant.cedar"])).exits(0);
    // To take away is no finding.
    bench.run(["prove", &clinic(), "--against", "new"]).exits(0).says("REFUTED   takes-nothing");
    bench.write("wrong.cedar", "forbid (principal, action, resource);");
    bench.run(against.into_iter().chain(["--except", "wrong.cedar"])).exits(65);
    bench.run(against.into_iter().chain(["--except", "absent.cedar"])).exits(78);
    bench.run(["prove", "new", "--except", "meant.cedar"]).exits(64).warns("--against");
}

#[test]
fn without_a_solver_nothing_is_proved() {
    let bench = Bench::new();
    bench.run(["prove", &clinic(), "--solver", "/absent"]).exits(78).warns("apt install cvc5");
    let compile = ["compile", &clinic(), "--out", "out", "--solver", "/absent"];
    bench.run(compile).exits(78);
    assert!(!bench.path("out").exists());
    bench.run(["prove", &clinic(), "--solver", "/bin/true"]).exits(78);
    bench.run(["prove", &clinic(), "--limit-s", "0"]).exits(64);
}

#[test]
fn a_claim_about_a_tier_returns_with_the_tier() {
    let bench = Bench::new();
    let dir = bench.copy("clinic", "clinic");
    let before = bench.run(["prove", "clinic"]).exits(0);
    assert!(!before.out.contains("standing.red-lifelines-hold"), "{before:#?}");
    append(
        &dir.join("hospital.toml"),
        "\n[tiers.red]\ntolerated-downtime-s = 0\nalert-within-s = 1\ncontain-within-s = 1\n\
         response = \"contain\"\n",
    );
    bench.run(["prove", "clinic"]).exits(1).says("REFUTED   standing.red-lifelines-hold");
}
