use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};

use cordon_gateway::proxy::{Proof, Seen, Tls, TlsOptions};
use cordon_model::{DeviceId, DeviceState, Direction, Protocol, ServiceId, Tier};

use super::bundles::{self, Plan, acknowledgment, alarm, order};
use super::certificates::Certificates;
use super::stage::{DEVICE, PATIENCE, Running, SERVICE, Stage, ends, open, passes};

/// A device without TLS, its gateway, the guard of a service, and the service without TLS.
struct Chain {
    gateway: Running,
    guard: Running,
    listener: TcpListener,
}

/// The same when the service calls: the guard is called first, then the gateway, then the device.
fn called_chain(certificates: &Certificates) -> Chain {
    let listener = TcpListener::bind((DEVICE, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let plan =
        Plan { direction: Direction::In, ..Plan::new(SERVICE, address.port(), Protocol::Hl7) };
    let bundle = bundles::bundle(Tier::Orange, DEVICE, None, &[plan]);
    let rules = bundles::rules(bundle, DeviceState::Normal);
    let gateway = Running::start(rules.clone(), (address, address), |options| {
        options.tls = originate(certificates);
    });
    let guard = Running::start(rules, (address, gateway.address()), |options| {
        options.tls = terminate(certificates);
    });
    Chain { gateway, guard, listener }
}

fn terminate(certificates: &Certificates) -> TlsOptions {
    TlsOptions {
        own: Some(certificates.folder().join("guard.pem")),
        roots: Some(certificates.roots()),
        services: services(Tls::Terminate),
        ..TlsOptions::default()
    }
}

fn originate(certificates: &Certificates) -> TlsOptions {
    TlsOptions {
        credentials: Some(certificates.folder().to_owned()),
        roots: Some(certificates.roots()),
        services: services(Tls::Originate { name: None }),
        ..TlsOptions::default()
    }
}

fn services(tls: Tls) -> BTreeMap<ServiceId, Tls> {
    [(ServiceId::new("service-0").unwrap(), tls)].into()
}

impl Chain {
    fn new(certificates: &Certificates) -> Self {
        let listener = TcpListener::bind((SERVICE, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let plan = Plan::new(SERVICE, address.port(), Protocol::Hl7);
        let bundle = bundles::bundle(Tier::Orange, DEVICE, None, &[plan]);
        let rules = bundles::rules(bundle, DeviceState::Normal);
        let guard = Running::start(rules.clone(), (address, address), |options| {
            options.tls = terminate(certificates);
        });
        let gateway = Running::start(rules, (address, guard.address()), |options| {
            options.tls = originate(certificates);
        });
        Self { gateway, guard, listener }
    }
}

fn proof(of: &Running) -> (bool, Proof) {
    of.until(|seen| match seen {
        Seen::Tls { is_device, proof, .. } => Some((*is_device, proof.clone())),
        _ => None,
    })
}

#[test]
fn a_gateway_proves_its_device_to_the_guard_of_a_service() {
    let Some(certificates) = Certificates::new() else { return };
    certificates.certify("guard", &format!("IP:{SERVICE}"));
    certificates.certify("PUMP-0001", "URI:spiffe://clinic/device/PUMP-0001");
    let chain = Chain::new(&certificates);
    let mut device = open(DEVICE, chain.gateway.address());
    let (mut service, seen_as) = chain.listener.accept().unwrap();
    service.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(seen_as.ip(), DEVICE);
    passes(&mut device, &mut service, &alarm("A1"));
    passes(&mut service, &mut device, &acknowledgment("A1"));
    let proven = Proof::Proven { is_hybrid: true };
    assert_eq!(proof(&chain.gateway), (false, proven.clone()));
    assert_eq!(proof(&chain.guard), (true, proven));
    // Both ends of the chain judge: what the gateway stops never reaches the guard.
    device.write_all(&order("O1")).unwrap();
    passes(&mut device, &mut service, &alarm("A2"));
    drop(device);
    assert!(ends(&mut service));
    drop(service);
    let counts = |of: &Running| {
        of.until(|seen| match seen {
            Seen::Closed { counts, .. } => Some(*counts),
            _ => None,
        })
    };
    assert_eq!(counts(&chain.gateway).blocked, 1);
    assert_eq!(counts(&chain.guard).blocked, 0);
}

#[test]
fn a_certificate_of_another_device_opens_nothing() {
    let Some(certificates) = Certificates::new() else { return };
    certificates.certify("guard", &format!("IP:{SERVICE}"));
    for (names, named) in [
        ("URI:spiffe://clinic/device/PUMP-0002", DeviceId::new("PUMP-0002").ok()),
        ("URI:spiffe://other/device/PUMP-0001", None),
        ("DNS:PUMP-0002", DeviceId::new("PUMP-0002").ok()),
        ("DNS:PUMP-0001,DNS:PUMP-0002", None),
    ] {
        certificates.certify("PUMP-0001", names);
        let chain = Chain::new(&certificates);
        let mut device = open(DEVICE, chain.gateway.address());
        device.write_all(&alarm("A1")).unwrap();
        assert_eq!(proof(&chain.guard), (true, Proof::Mismatch { named }), "{names}");
        assert!(ends(&mut device));
        assert_eq!(chain.guard.ended(), "identity");
        let (mut service, _) = chain.listener.accept().unwrap();
        service.set_read_timeout(Some(PATIENCE)).unwrap();
        assert!(ends(&mut service), "nothing reaches the service");
    }
}

#[test]
fn who_is_certified_by_nobody_known_is_not_spoken_to() {
    let Some(certificates) = Certificates::new() else { return };
    let Some(others) = Certificates::new() else { return };
    certificates.certify("guard", &format!("IP:{SERVICE}"));
    let foreign = others.certify("PUMP-0001", "URI:spiffe://clinic/device/PUMP-0001");
    std::fs::copy(foreign, certificates.folder().join("PUMP-0001.pem")).unwrap();
    let chain = Chain::new(&certificates);
    let mut device = open(DEVICE, chain.gateway.address());
    device.write_all(&alarm("A1")).unwrap();
    assert_eq!(proof(&chain.guard), (true, Proof::Failed));
    assert!(ends(&mut device));
}

#[test]
fn a_service_that_calls_proves_itself_and_so_does_the_device() {
    let Some(certificates) = Certificates::new() else { return };
    certificates.certify("PUMP-0001", "URI:spiffe://clinic/device/PUMP-0001");
    certificates.certify("guard", &format!("IP:{SERVICE}"));
    let chain = called_chain(&certificates);
    let mut service = open(SERVICE, chain.guard.address());
    let (mut device, seen_as) = chain.listener.accept().unwrap();
    device.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(seen_as.ip(), SERVICE);
    passes(&mut service, &mut device, &order("O1"));
    passes(&mut device, &mut service, &acknowledgment("O1"));
    let proven = Proof::Proven { is_hybrid: true };
    assert_eq!(proof(&chain.guard), (true, proven.clone()));
    assert_eq!(proof(&chain.gateway), (false, proven));
}

#[test]
fn who_calls_with_the_certificate_of_somebody_else_is_no_service_and_is_no_device() {
    let Some(certificates) = Certificates::new() else { return };
    certificates.certify("PUMP-0001", "URI:spiffe://clinic/device/PUMP-0001");
    certificates.certify("guard", "URI:spiffe://clinic/device/PUMP-0002");
    let chain = called_chain(&certificates);
    let mut service = open(SERVICE, chain.guard.address());
    service.write_all(&order("O1")).unwrap();
    assert_eq!(proof(&chain.gateway), (false, Proof::Mismatch { named: None }));
    assert!(ends(&mut service));
    let (mut device, _) = chain.listener.accept().unwrap();
    device.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(ends(&mut device), "nothing reaches the device");
    drop(chain);

    certificates.certify("guard", &format!("IP:{SERVICE}"));
    certificates.certify("PUMP-0001", "URI:spiffe://clinic/device/PUMP-0002");
    let chain = called_chain(&certificates);
    let mut service = open(SERVICE, chain.guard.address());
    service.write_all(&order("O1")).unwrap();
    let named = DeviceId::new("PUMP-0002").ok();
    assert_eq!(proof(&chain.guard), (true, Proof::Mismatch { named }));
    let (mut device, _) = chain.listener.accept().unwrap();
    device.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(ends(&mut device), "nothing reaches another device");
}

#[test]
fn a_service_may_speak_first_to_a_device_that_says_nothing() {
    let Some(certificates) = Certificates::new() else { return };
    certificates.certify("guard", &format!("IP:{SERVICE}"));
    certificates.certify("PUMP-0001", "URI:spiffe://clinic/device/PUMP-0001");
    let chain = Chain::new(&certificates);
    let mut device = open(DEVICE, chain.gateway.address());
    let (mut service, _) = chain.listener.accept().unwrap();
    passes(&mut service, &mut device, &order("O1"));
    service.set_read_timeout(Some(PATIENCE)).unwrap();
    passes(&mut device, &mut service, &acknowledgment("O1"));
}

#[test]
fn who_does_not_prove_itself_in_time_is_ended() {
    let Some(certificates) = Certificates::new() else { return };
    certificates.certify("guard", &format!("IP:{SERVICE}"));
    let stage = Stage::with(
        Tier::Orange,
        Protocol::Hl7,
        |_| {},
        |options| {
            options.tls = terminate(&certificates);
            options.limits.prove_s = 1;
        },
    );
    let mut silent = stage.open();
    assert!(ends(&mut silent));
    assert_eq!(stage.proxy.ended(), "identity");
    let mut plain = stage.open();
    plain.write_all(&alarm("A1")).unwrap();
    assert_eq!(proof(&stage.proxy), (true, Proof::Failed));
}

#[test]
fn a_device_without_credential_is_refused() {
    let Some(certificates) = Certificates::new() else { return };
    certificates.certify("guard", &format!("IP:{SERVICE}"));
    let chain = Chain::new(&certificates);
    let mut device = open(DEVICE, chain.gateway.address());
    assert!(ends(&mut device));
    assert_eq!(chain.gateway.refused(), "no-credential");
}

#[test]
fn a_device_that_speaks_tls_itself_is_told_of_and_passes_as_it_is() {
    let Some(certificates) = Certificates::new() else { return };
    certificates.certify("PUMP-0001", "URI:spiffe://clinic/device/PUMP-0001");
    for tls in [TlsOptions::default(), originate(&certificates)] {
        let stage = Stage::with(Tier::Orange, Protocol::Hl7, |_| {}, |options| options.tls = tls);
        let mut device = stage.open();
        let (mut service, _) = stage.accept();
        let hello = hello();
        let (first, rest) = hello.split_at(7);
        device.write_all(first).unwrap();
        device.write_all(rest).unwrap();
        super::stage::comes(&mut service, &hello);
        let (ja4, name) = stage.proxy.until(|seen| match seen {
            Seen::Hello { ja4, server_name, .. } => Some((ja4.to_string(), server_name.clone())),
            _ => None,
        });
        assert!(ja4.starts_with("t13d"), "{ja4}");
        assert_eq!(name.as_deref(), Some("desk.example"));
        passes(&mut service, &mut device, &[0x16, 3, 3, 0, 4, 2, 0, 0, 0]);
        passes(&mut device, &mut service, &[0x17, 3, 3, 0, 1, 9]);
    }
}

#[test]
fn a_device_that_asks_for_a_server_of_another_name_is_refused_but_on_a_lifeline() {
    let hello = hello();
    for (names, is_lifeline, is_refused) in [
        (vec!["desk.example", "alarms.example"], false, false),
        (vec!["Desk.Example"], false, false),
        (vec!["alarms.example"], false, true),
        (vec!["alarms.example"], true, false),
    ] {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let plan = |plan: &mut bundles::Plan| {
            (plan.host_names, plan.is_lifeline) = (names.clone(), is_lifeline);
        };
        let stage = Stage::with(Tier::Orange, Protocol::Hl7, plan, |_| {});
        let mut device = stage.open();
        let (mut service, _) = stage.accept();
        device.write_all(&hello).unwrap();
        if is_refused {
            // A fatal alert, unrecognized_name.
            super::stage::comes(&mut device, &[21, 3, 3, 0, 2, 2, 112]);
            assert!(ends(&mut device) && ends(&mut service));
            assert_eq!(stage.proxy.ended(), "server-name");
        } else {
            super::stage::comes(&mut service, &hello);
        }
    }
}

/// A ClientHello as a library writes it.
fn hello() -> Vec<u8> {
    use rustls::{ClientConfig, ClientConnection, RootCertStore};
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = "desk.example".try_into().unwrap();
    let mut client = ClientConnection::new(config.into(), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

#[test]
fn the_addresses_of_a_chain_stay_those_of_its_ends() {
    let address = SocketAddr::from((SERVICE, 2575));
    let route =
        cordon_gateway::proxy::Route::transparent(SocketAddr::from((DEVICE, 40_000)), address);
    assert_eq!((route.listener, route.connect), (address, address));
    assert_eq!(route.from, SocketAddr::from((DEVICE, 0)));
}
