//! Random questions, the same in every run.

use cordon_model::{Act, Direction, Hospital, Posture, Target};

/// A stream of numbers that a seed determines.
/// # Source
/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Starts a stream.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Gives the next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Gives a number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from(self.draw() % bound).unwrap_or(0)
    }

    /// Picks one of several.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let place = self.below(all.len());
        all.get(place)
    }

    /// Gives a posture; every one is as likely as any other.
    pub fn posture(&mut self) -> Option<Posture> {
        Posture::all().nth(self.below(Posture::COUNT))
    }
}

/// A question and the posture in which it is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The act.
    pub act: Act,
    /// What is known of the device.
    pub posture: Posture,
}

/// Draws questions about devices and services: every other one about something that the device's
/// profile declares, for of any service at random almost nothing is ever permitted.
#[must_use]
pub fn questions(hospital: &Hospital, count: usize, seed: u64) -> Vec<Question> {
    let mut chance = Chance::new(seed);
    let services: Vec<_> = hospital.services.iter().collect();
    let mut made = Vec::with_capacity(count);
    let mut tries = 0;
    while made.len() < count && tries < 100 * count {
        tries += 1;
        made.extend(one(hospital, &services, &mut chance, tries % 2 == 0));
    }
    made
}

fn one(
    hospital: &Hospital,
    services: &[(&cordon_model::ServiceId, &cordon_model::fleet::Service)],
    chance: &mut Chance,
    declared: bool,
) -> Option<Question> {
    let device = chance.pick(&hospital.devices)?;
    let posture = chance.posture()?;
    let (service, direction, operation) = if declared {
        let flow = chance.pick(&hospital.profiles.get(&device.profile)?.flows)?;
        let (id, _) = hospital.resolve(flow, &device.building).next()?;
        (id.clone(), flow.direction, *chance.pick(&flow.operations)?)
    } else {
        let (id, service) = chance.pick(services)?;
        let operations: Vec<_> = service.protocol.operations().collect();
        let direction = *chance.pick(&Direction::ALL)?;
        ((*id).clone(), direction, *chance.pick(&operations)?)
    };
    // A copy of the name, as if it had just come from elsewhere.
    let device = cordon_model::DeviceId::new(device.id.as_str()).ok()?;
    let target = Target::Service(cordon_model::ServiceId::new(service.as_str()).ok()?);
    Some(Question { act: Act { device, target, direction, operation }, posture })
}
