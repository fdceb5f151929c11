//! The identifiers of the standard that an inspector has to tell apart.
//!
//! Source: DICOM PS3.6 §A.

use super::Uid;

/// What a query or retrieval begins from.
/// # Source
/// DICOM PS3.4 §C.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// The patient: all that there is of somebody.
    Patient,
    /// The study.
    Study,
    /// Patient and study only (retired).
    PatientStudy,
}

/// What a SOP class is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Verification.
    Verification,
    /// Storage of composite objects.
    Storage,
    /// Modality worklist.
    Worklist,
    /// Modality performed procedure step.
    Mpps,
    /// Storage commitment, push model.
    Commitment,
    /// Query.
    Find(Root),
    /// Retrieval to somebody.
    Move(Root),
    /// Retrieval on the same association.
    Get(Root),
    /// Print management.
    Print,
    /// Another one of the standard.
    Standard,
    /// One that the standard does not know.
    Private,
}

const STORAGE: &str = "1.2.840.10008.5.1.4.1.1.";
const PRINT: &str = "1.2.840.10008.5.1.1.";

/// What stands under the root of the storage classes and stores nothing: finding and moving
/// protocols and inventories.
const NOT_STORAGE: [&str; 8] = [
    "1.2.840.10008.5.1.4.1.1.200.4",
    "1.2.840.10008.5.1.4.1.1.200.5",
    "1.2.840.10008.5.1.4.1.1.200.6",
    "1.2.840.10008.5.1.4.1.1.201.2",
    "1.2.840.10008.5.1.4.1.1.201.3",
    "1.2.840.10008.5.1.4.1.1.201.4",
    "1.2.840.10008.5.1.4.1.1.201.5",
    "1.2.840.10008.5.1.4.1.1.201.6",
];

impl Uid<'_> {
    /// Says what a SOP class is for.
    #[must_use]
    pub fn service(self) -> Service {
        match self.as_str() {
            "1.2.840.10008.1.1" => Service::Verification,
            "1.2.840.10008.5.1.4.31" => Service::Worklist,
            "1.2.840.10008.3.1.2.3.3" => Service::Mpps,
            "1.2.840.10008.1.20.1" => Service::Commitment,
            "1.2.840.10008.5.1.4.1.2.1.1" => Service::Find(Root::Patient),
            "1.2.840.10008.5.1.4.1.2.1.2" => Service::Move(Root::Patient),
            "1.2.840.10008.5.1.4.1.2.1.3" => Service::Get(Root::Patient),
            "1.2.840.10008.5.1.4.1.2.2.1" => Service::Find(Root::Study),
            "1.2.840.10008.5.1.4.1.2.2.2" => Service::Move(Root::Study),
            "1.2.840.10008.5.1.4.1.2.2.3" => Service::Get(Root::Study),
            "1.2.840.10008.5.1.4.1.2.3.1" => Service::Find(Root::PatientStudy),
            "1.2.840.10008.5.1.4.1.2.3.2" => Service::Move(Root::PatientStudy),
            "1.2.840.10008.5.1.4.1.2.3.3" => Service::Get(Root::PatientStudy),
            "1.2.840.10008.5.1.4.34.7" | "1.2.840.10008.5.1.4.34.10" => Service::Storage,
            text if NOT_STORAGE.contains(&text) => Service::Standard,
            text if text.starts_with(STORAGE) => Service::Storage,
            text if text.starts_with(PRINT) => Service::Print,
            text if text.starts_with("1.2.840.10008.") => Service::Standard,
            _ => Service::Private,
        }
    }

    /// Gives the name that the standard has for it, if it is one of those that modalities use.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(uid, _)| *uid == self.as_str()).map(|(_, name)| *name)
    }
}

/// # Source
/// DICOM PS3.6 §A.
const NAMES: &[(&str, &str)] = &[
    ("1.2.840.10008.1.1", "Verification"),
    ("1.2.840.10008.1.2", "Implicit VR Little Endian"),
    ("1.2.840.10008.1.2.1", "Explicit VR Little Endian"),
    ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"),
    ("1.2.840.10008.1.2.2", "Explicit VR Big Endian"),
    ("1.2.840.10008.1.2.4.50", "JPEG Baseline"),
    ("1.2.840.10008.1.2.4.51", "JPEG Extended"),
    ("1.2.840.10008.1.2.4.57", "JPEG Lossless"),
    ("1.2.840.10008.1.2.4.70", "JPEG Lossless, First-Order Prediction"),
    ("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless"),
    ("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless"),
    ("1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless"),
    ("1.2.840.10008.1.2.4.91", "JPEG 2000"),
    ("1.2.840.10008.1.2.5", "RLE Lossless"),
    ("1.2.840.10008.1.20.1", "Storage Commitment Push Model"),
    ("1.2.840.10008.3.1.1.1", "DICOM Application Context"),
    ("1.2.840.10008.3.1.2.3.3", "Modality Performed Procedure Step"),
    ("1.2.840.10008.5.1.1.9", "Basic Grayscale Print Management"),
    ("1.2.840.10008.5.1.1.18", "Basic Color Print Management"),
    ("1.2.840.10008.5.1.4.1.1.1", "Computed Radiography Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.1.1", "Digital X-Ray Image Storage - For Presentation"),
    ("1.2.840.10008.5.1.4.1.1.1.2", "Digital Mammography X-Ray Image Storage - For Presentation"),
    ("1.2.840.10008.5.1.4.1.1.2", "CT Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.2.1", "Enhanced CT Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.3.1", "Ultrasound Multi-frame Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.4", "MR Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.4.1", "Enhanced MR Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.6.1", "Ultrasound Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.7", "Secondary Capture Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.11.1", "Grayscale Softcopy Presentation State Storage"),
    ("1.2.840.10008.5.1.4.1.1.12.1", "X-Ray Angiographic Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.12.2", "X-Ray Radiofluoroscopic Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.20", "Nuclear Medicine Image Storage"),
    ("1.2.840.10008.5.1.4.1.1.88.67", "X-Ray Radiation Dose SR Storage"),
    ("1.2.840.10008.5.1.4.1.1.104.1", "Encapsulated PDF Storage"),
    ("1.2.840.10008.5.1.4.1.1.128", "Positron Emission Tomography Image Storage"),
    ("1.2.840.10008.5.1.4.1.2.1.1", "Patient Root Query/Retrieve - FIND"),
    ("1.2.840.10008.5.1.4.1.2.1.2", "Patient Root Query/Retrieve - MOVE"),
    ("1.2.840.10008.5.1.4.1.2.1.3", "Patient Root Query/Retrieve - GET"),
    ("1.2.840.10008.5.1.4.1.2.2.1", "Study Root Query/Retrieve - FIND"),
    ("1.2.840.10008.5.1.4.1.2.2.2", "Study Root Query/Retrieve - MOVE"),
    ("1.2.840.10008.5.1.4.1.2.2.3", "Study Root Query/Retrieve - GET"),
    ("1.2.840.10008.5.1.4.31", "Modality Worklist - FIND"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_belongs_to_a_uid_that_can_be_read() {
        for (uid, name) in NAMES {
            assert_eq!(Uid::read(uid.as_bytes()).and_then(Uid::name), Some(*name), "{uid}");
        }
    }

    #[test]
    fn a_sop_class_is_known_by_what_it_is_for() {
        let check = |uid: &str, expected: Service| {
            assert_eq!(Uid::read(uid.as_bytes()).map(Uid::service), Some(expected), "{uid}");
        };
        check("1.2.840.10008.1.1", Service::Verification);
        check("1.2.840.10008.5.1.4.1.1.2", Service::Storage);
        check("1.2.840.10008.5.1.4.1.1.201.2", Service::Standard);
        check("1.2.840.10008.5.1.4.31", Service::Worklist);
        check("1.2.840.10008.5.1.4.1.2.1.1", Service::Find(Root::Patient));
        check("1.2.840.10008.5.1.4.1.2.2.2", Service::Move(Root::Study));
        check("1.2.840.10008.5.1.1.9", Service::Print);
        check("1.2.840.10008.5.1.4.38.2", Service::Standard);
        check("1.2.840.113619.4.2", Service::Private);
    }
}
