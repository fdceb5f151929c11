//! Whether the places and values of a request are those that a flow declares.

use cordon_model::fleet::{AddressRange, ModbusRules, ModbusTable, WriteRange};
use cordon_wire::modbus::{Request, Span, Table};

/// What the rules say of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Every address is declared.
    pub(super) is_listed: bool,
    /// Every value makes sense at its address, as far as the address is declared.
    pub(super) is_in_range: bool,
}

/// Holds the addresses and values of a request to the rules.
pub(super) fn check(rules: &ModbusRules, request: &Request<'_>) -> Found {
    let holding = ModbusTable::HoldingRegisters;
    let coils = Writes::new(rules, ModbusTable::Coils);
    let registers = Writes::new(rules, holding);
    match *request {
        Request::Read { table, span } => reads(rules, place(table), span),
        Request::ReadFifoQueue { address } => reads(rules, holding, Span { address, quantity: 1 }),
        Request::WriteSingleCoil { address, on } => coils.all(address, [u16::from(on)]),
        Request::WriteSingleRegister { address, value } => registers.all(address, [value]),
        Request::WriteMultipleCoils { span, values } => {
            coils.all(span.address, values.iter().map(u16::from))
        }
        Request::WriteMultipleRegisters { span, values } => {
            registers.all(span.address, values.iter())
        }
        // What the register holds afterwards is not known: any value must make sense there.
        Request::MaskWriteRegister { address, .. } => registers.any(address),
        Request::ReadWriteMultipleRegisters { read, span, values } => {
            let (read, written) =
                (reads(rules, holding, read), registers.all(span.address, values.iter()));
            Found {
                is_listed: read.is_listed && written.is_listed,
                is_in_range: written.is_in_range,
            }
        }
        Request::ReadExceptionStatus
        | Request::Diagnostics { .. }
        | Request::GetCommEventCounter
        | Request::GetCommEventLog
        | Request::ReportServerId
        | Request::ReadFileRecord(_)
        | Request::WriteFileRecord(_)
        | Request::Canopen { .. }
        | Request::ReadDeviceIdentification { .. }
        | Request::Other { .. } => Found { is_listed: true, is_in_range: true },
    }
}

fn place(table: Table) -> ModbusTable {
    match table {
        Table::Coils => ModbusTable::Coils,
        Table::DiscreteInputs => ModbusTable::DiscreteInputs,
        Table::HoldingRegisters => ModbusTable::HoldingRegisters,
        Table::InputRegisters => ModbusTable::InputRegisters,
    }
}

fn reads(rules: &ModbusRules, table: ModbusTable, span: Span) -> Found {
    let is_listed = rules.reads.is_empty() || covers(&rules.reads, table, span);
    Found { is_listed, is_in_range: true }
}

/// Says whether ranges hold every address of a span; several may share it.
fn covers(ranges: &[AddressRange], table: ModbusTable, span: Span) -> bool {
    let mut at = span.address;
    loop {
        let around =
            |range: &&AddressRange| range.table == table && (range.from..=range.to).contains(&at);
        let Some(to) = ranges.iter().filter(around).map(|range| range.to).max() else {
            return false;
        };
        if to >= span.last() {
            return true;
        }
        // Smaller than the last address, so there is a next one.
        at = to.saturating_add(1);
    }
}

/// The places of one table that may be written.
struct Writes<'a> {
    ranges: &'a [WriteRange],
    table: ModbusTable,
}

impl<'a> Writes<'a> {
    fn new(rules: &'a ModbusRules, table: ModbusTable) -> Self {
        Self { ranges: &rules.writes, table }
    }

    fn around(&self, address: u16) -> impl Iterator<Item = &'a WriteRange> {
        let table = self.table;
        self.ranges
            .iter()
            .filter(move |range| range.table == table && (range.from..=range.to).contains(&address))
    }

    fn any(&self, address: u16) -> Found {
        Found {
            is_listed: self.around(address).next().is_some(),
            is_in_range: self.around(address).next().is_none()
                || self.around(address).any(|range| range.min == 0 && range.max == u16::MAX),
        }
    }

    fn all(&self, first: u16, values: impl IntoIterator<Item = u16>) -> Found {
        let mut found = Found { is_listed: true, is_in_range: true };
        // A request usually stays within one range.
        let mut last: Option<&WriteRange> = None;
        for (address, value) in (first..=u16::MAX).zip(values) {
            let fits = |range: &&WriteRange| (range.min..=range.max).contains(&value);
            let is_here = |range: &&WriteRange| (range.from..=range.to).contains(&address);
            if last.as_ref().is_some_and(|range| is_here(range) && fits(range)) {
                continue;
            }
            match self.around(address).find(fits) {
                Some(range) => last = Some(range),
                None if self.around(address).next().is_some() => found.is_in_range = false,
                None => found.is_listed = false,
            }
            if !found.is_listed && !found.is_in_range {
                break;
            }
        }
        found
    }
}
