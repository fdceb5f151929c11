//! Properties of objects, one by one, in every service that names several.
//!
//! Source: ASHRAE 135-2020 §21.2, §21.6 (BACnetPropertyValue, ReadAccessSpecification).

use super::tag::ENUMERATED;
use super::{ObjectId, Parameters, Tags};
use crate::Fault;

/// A property of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The object.
    pub object: ObjectId,
    /// The property, by number; its name is [`super::property_name`].
    pub property: u32,
    /// The place in an array, if one is meant.
    pub index: Option<u32>,
}

impl Reference {
    /// Reads object, property and index under three context tags in a row.
    pub(super) fn read(tags: &mut Tags<'_>) -> Result<Self, Fault> {
        Ok(Self { object: tags.object(0)?, property: tags.number(1)?, index: tags.number_if(2)? })
    }

    /// Reads property and index under two context tags in a row.
    pub(super) fn read_of(object: ObjectId, first: u8, tags: &mut Tags<'_>) -> Result<Self, Fault> {
        let property = tags.number(first)?;
        Ok(Self { object, property, index: tags.number_if(first.saturating_add(1))? })
    }
}

/// A property of an object with what is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property<'a> {
    /// Which it is.
    pub reference: Reference,
    /// Its value, not interpreted.
    pub value: Option<Parameters<'a>>,
    /// The priority with which it is written.
    pub priority: Option<u8>,
    /// Class and code of the error that stands for its value.
    pub error: Option<(u16, u16)>,
}

/// How a service builds its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// What is asked for: readPropertyMultiple.
    Ask,
    /// What is answered: readPropertyMultiple.
    Answer,
    /// What is written: writePropertyMultiple.
    Write,
    /// What has changed in one object.
    Change,
    /// What has changed in several objects.
    Changes,
    /// What changes are asked for in several objects.
    Subscribe,
}

/// Goes through the properties that a service names; after a fault there is nothing more.
#[derive(Debug, Clone)]
pub struct Properties<'a> {
    tags: Tags<'a>,
    shape: Shape,
    object: Option<ObjectId>,
    is_done: bool,
}

impl<'a> Properties<'a> {
    pub(super) fn new(tags: Tags<'a>, shape: Shape, object: Option<ObjectId>) -> Self {
        Self { tags, shape, object, is_done: false }
    }

    fn step(&mut self) -> Result<Option<Property<'a>>, Fault> {
        loop {
            let Some(object) = self.object else {
                if self.is_at_end()? {
                    return Ok(None);
                }
                self.object = Some(self.tags.object(0)?);
                self.tags.open(1)?;
                continue;
            };
            let list = if self.shape == Shape::Change { 4 } else { 1 };
            if !self.tags.close_if(list)? {
                return self.read(object).map(Some);
            }
            self.object = None;
            if self.shape == Shape::Change {
                return self.tags.end().map(|()| None);
            }
        }
    }

    /// Says whether the list of objects ends here.
    fn is_at_end(&mut self) -> Result<bool, Fault> {
        match self.shape {
            Shape::Ask | Shape::Answer | Shape::Write | Shape::Change => {
                self.tags.more().map(|more| !more)
            }
            Shape::Changes | Shape::Subscribe => {
                if !self.tags.close_if(4)? {
                    return Ok(false);
                }
                self.tags.end().map(|()| true)
            }
        }
    }

    fn read(&mut self, object: ObjectId) -> Result<Property<'a>, Fault> {
        let tags = &mut self.tags;
        let first = match self.shape {
            Shape::Answer => 2,
            Shape::Subscribe => {
                tags.open(0)?;
                0
            }
            Shape::Ask | Shape::Write | Shape::Change | Shape::Changes => 0,
        };
        let reference = Reference::read_of(object, first, tags)?;
        let mut property = Property { reference, value: None, priority: None, error: None };
        match self.shape {
            Shape::Ask => {}
            Shape::Answer => match tags.construct_if(4)? {
                Some(value) => property.value = Some(value),
                None => {
                    tags.open(5)?;
                    property.error = Some(error(tags)?);
                    tags.close(5)?;
                }
            },
            Shape::Write | Shape::Change => {
                property.value = Some(tags.construct(2)?);
                property.priority = tags.priority_if(3)?;
            }
            Shape::Changes => {
                property.value = Some(tags.construct(2)?);
                tags.bytes_if(3)?;
            }
            Shape::Subscribe => {
                tags.close(0)?;
                tags.bytes_if(1)?;
                tags.bytes(2)?;
            }
        }
        Ok(property)
    }
}

impl<'a> Iterator for Properties<'a> {
    type Item = Result<Property<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let item = self.step().transpose();
        self.is_done = !matches!(item, Some(Ok(_)));
        item
    }
}

/// Reads the class and the code of an error.
/// # Source
/// ASHRAE 135-2020 §21.4 (Error).
pub(super) fn error(tags: &mut Tags<'_>) -> Result<(u16, u16), Fault> {
    let mut half = || {
        let number = tags.application_number(ENUMERATED)?;
        u16::try_from(number).map_err(|_| tags.blame(super::tag::VALUE))
    };
    Ok((half()?, half()?))
}
