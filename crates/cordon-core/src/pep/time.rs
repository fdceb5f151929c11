//! What happens because time passes: age, waits that are over, the hour, the intervals.

use std::sync::Arc;

use cordon_model::{DeviceId, DeviceState, Label, Mono};

use super::age::{Level, is_no_new};
use super::alarms::{BUNDLE_STALE, PDP_UNREACHABLE, STATE_REFUSED, TABLE_FULL};
use super::effect::Effect;
use super::input::Elements;
use super::limits::Counts;
use super::roll::Roll;
use super::standing::{self, Watch};
use super::{Pep, after_s};

const SECONDS_PER_HOUR: u64 = 3_600;
/// Rules that are not loaded in this time count as refused.
/// # Units
/// Seconds.
const LOAD_MAX_S: u64 = 30;

impl Pep {
    pub(super) fn tick(&mut self, out: &mut Vec<Effect>) {
        if self.mirror.expire(self.now.mono) {
            self.alarm_about_me(true, STATE_REFUSED, None, out);
        }
        if self.load_deadline().is_some_and(|at| self.now.mono >= at)
            && let Some(loading) = self.loading.take()
        {
            self.load_refused(loading.bundle.number, out);
        }
        let Some(roll) = self.roll.clone() else { return };
        self.tick_age(&roll, out);
        self.tick_hour(&roll, out);
        if self.devices_due.is_some_and(|at| self.now.mono >= at) {
            self.tick_devices(&roll, out);
        }
        if self.sweep_at.is_some_and(|at| self.now.mono >= at) {
            self.sweep(&roll, out);
        }
        self.tick_tables(out);
    }

    fn tick_age(&mut self, roll: &Roll, out: &mut Vec<Effect>) {
        let now = self.now.mono;
        let level = self.age.level(now, self.limits.silence_s, roll.bundle().age_max_s);
        let before = std::mem::replace(&mut self.level, level);
        if level == before {
            return;
        }
        let age_s = Some(self.age.seconds(now));
        let value = age_s.filter(|_| level != Level::Fresh);
        self.alarm_about_me(level >= Level::Silent, PDP_UNREACHABLE, value, out);
        self.alarm_about_me(level == Level::Stale, BUNDLE_STALE, value, out);
        if (level == Level::Stale) != (before == Level::Stale) {
            for device in &roll.bundle().devices {
                self.mirror.touch(device.addresses());
            }
        }
    }

    pub(super) fn age_deadline(&self) -> Option<Mono> {
        let age_max_s = self.roll.as_ref()?.bundle().age_max_s;
        self.age.deadline(self.level, self.limits.silence_s, age_max_s)
    }

    /// Prints the rules anew when the hour has changed and the bundle goes by it.
    fn tick_hour(&mut self, roll: &Roll, out: &mut Vec<Effect>) {
        let is_late = roll.is_hourly && self.now.wall.hour() != self.hour;
        let may_try = self.load_retry_at.is_none_or(|at| self.now.mono >= at);
        if is_late && may_try && self.loading.is_none() {
            self.load(Arc::clone(roll.bundle()), out);
        }
    }

    pub(super) fn hour_deadline(&self) -> Option<Mono> {
        let roll = self.roll.as_ref().filter(|roll| roll.is_hourly && self.loading.is_none())?;
        if self.now.wall.hour() != self.hour {
            return self.load_retry_at.filter(|_| roll.is_hourly);
        }
        let into_hour = self.now.wall.0 % SECONDS_PER_HOUR;
        Some(after_s(self.now.mono, SECONDS_PER_HOUR - into_hour))
    }

    pub(super) fn load_deadline(&self) -> Option<Mono> {
        self.loading.as_ref().map(|loading| after_s(loading.since, LOAD_MAX_S))
    }

    fn tick_devices(&mut self, roll: &Roll, out: &mut Vec<Effect>) {
        let now = self.now.mono;
        let is_due = |at: Option<Mono>| at.is_some_and(|at| now >= at);
        let due = self.devices.iter().filter(|(_, it)| is_due(it.deadline()));
        let due: Vec<DeviceId> = due.map(|(id, _)| id.clone()).collect();
        for device in due.iter().filter_map(|id| roll.device(id)) {
            let Some(standing) = self.devices.get(&device.id) else { continue };
            if is_due(standing.watch.as_ref().and_then(Watch::deadline)) {
                self.roll_back(roll, device, out);
            } else {
                let is_probation = standing.state() == DeviceState::Probation;
                let reason = if is_probation { "probation-over" } else { "no-new-evidence" };
                self.enter_by_myself(roll, device, DeviceState::Normal, reason, out);
            }
        }
        self.devices_due = self.next_due();
    }

    pub(super) fn next_due(&self) -> Option<Mono> {
        self.devices.values().filter_map(standing::Standing::deadline).min()
    }

    /// Begins an interval, if none runs.
    pub(super) fn sweep_from_now(&mut self) {
        let at = after_s(self.now.mono, u64::from(self.limits.interval_s));
        self.sweep_at.get_or_insert(at);
    }

    fn sweep(&mut self, roll: &Roll, out: &mut Vec<Effect>) {
        self.findings.sweep(self.now, roll, out);
        self.flows.sweep(self.now, roll, out);
        self.messages.sweep(self.now, roll, out);
        for (table, lost) in tables(&self.counts) {
            let is_full = tables(&self.swept).iter().any(|(it, was)| *it == table && *was < lost);
            if let (false, Ok(about)) = (is_full, Label::new(table)) {
                self.alarm(false, TABLE_FULL, &about, None, out);
            }
        }
        self.swept = self.counts;
        let is_idle = self.findings.len() == 0
            && self.flows.len() == 0
            && self.messages.is_empty()
            && !self.has_lost();
        self.sweep_at = None;
        if !is_idle {
            self.sweep_from_now();
        }
    }

    /// Says whether a table is told to be full, so that somebody has to tell when it is not.
    fn has_lost(&self) -> bool {
        tables(&self.counts).iter().any(|(table, _)| {
            Label::new(table).is_ok_and(|about| self.alarms.is_on(TABLE_FULL, &about))
        })
    }

    /// Tells once that a table is full.
    fn tick_tables(&mut self, out: &mut Vec<Effect>) {
        for ((table, lost), (_, before)) in
            tables(&self.counts).into_iter().zip(tables(&self.swept))
        {
            if let (true, Ok(about)) = (lost > before, Label::new(table)) {
                self.alarm(true, TABLE_FULL, &about, Some(lost), out);
                self.sweep_from_now();
            }
        }
    }

    /// Brings the kernel to hold what it shall, and answers what waited for that.
    pub(super) fn settle(&mut self, out: &mut Vec<Effect>) {
        if let Some(roll) = self.roll.clone() {
            let mut mirror = std::mem::take(&mut self.mirror);
            mirror.settle(self.now.mono, |address| self.wanted(&roll, address), out);
            self.mirror = mirror;
        }
        out.append(&mut self.closing);
        let mut orders = std::mem::take(&mut self.orders);
        let is_done = |id: &DeviceId| {
            let device = self.roll.as_ref().and_then(|roll| Some((roll, roll.device(id)?)));
            device.is_none_or(|(roll, device)| {
                device
                    .addresses()
                    .all(|address| self.mirror.agrees(address, self.wanted(roll, address)))
            })
        };
        orders.settle(self.now.mono, &self.limits, is_done, out);
        self.orders = orders;
    }

    /// Says what the kernel shall hold of an address; nothing of one that is no device's.
    fn wanted(&self, roll: &Roll, address: std::net::IpAddr) -> Elements {
        let Some(device) = roll.at(address) else { return Elements::default() };
        let Some(standing) = self.devices.get(&device.id) else { return Elements::default() };
        let is_stale = self.level == Level::Stale;
        let no_new = is_stale && is_no_new(&roll.bundle().tiers, device.tier);
        standing.elements(standing::assumed(roll.bundle()), no_new)
    }
}

/// Gives the tables that can be full, and how much did not fit.
fn tables(counts: &Counts) -> [(&'static str, u64); 4] {
    [
        ("findings", counts.findings_lost),
        ("flows", counts.flows_lost),
        ("messages", counts.messages_lost),
        ("orders", counts.orders_lost),
    ]
}
